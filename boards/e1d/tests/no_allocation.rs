//! Ticks, frames and events of a started card allocate nothing.

use board_e1d::wire::LineAddress;
use board_e1d::{CardSettings, E1dCard, LineAt, SpanSettings};
use board_loopback::LoopbackCard;
use board_loopback::e1d::Server;
use hal::{Card, ChunkLength, Line, Readiness, SpanIndex};
use std::time::{Duration, Instant};

#[test]
fn a_tick_allocates_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("e1d.ctl");
    let mut builder = LoopbackCard::builder("near");
    let far_end = builder.span_on_socket(Line::T1);
    let mut near = Box::new(builder.build()).start(ChunkLength::Ms10).expect("started");
    let _server = Server::spawn(&socket, vec![far_end]).expect("a server");
    let at = LineAt(LineAddress { interface: 0, line: 0 });
    let spans = vec![SpanSettings { at, line: Line::T1 }];
    let settings = CardSettings { name: "ice".into(), socket, reserve_ms: 20, spans };
    let mut ours = Box::new(E1dCard::find(settings).expect("found")).start(ChunkLength::Ms10).expect("started");
    let (mut ticks, deadline) = (0, Instant::now() + Duration::from_secs(30));
    while ticks < 50 {
        if near.traffic.begin().expect("here") == Readiness::Ready {
            near.traffic.send_frame(SpanIndex(0), &[0, 1, 0x7f]).expect("taken");
            near.traffic.end().expect("here");
        }
        let allocated = allocation_counter::measure(|| {
            while ours.traffic.next_event().is_some() {}
            ticks += u32::from(ours.traffic.begin().expect("here") == Readiness::Ready);
            while ours.traffic.receive_frame(SpanIndex(0)).expect("here").is_some() {}
            ours.traffic.send_frame(SpanIndex(0), &[0, 1, 0x73]).expect("taken");
            ours.traffic.end().expect("here");
        });
        assert_eq!(allocated.count_total, 0, "tick {ticks}");
        assert!(Instant::now() < deadline, "only {ticks} ticks");
        std::thread::sleep(Duration::from_millis(2));
    }
}
