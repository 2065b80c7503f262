//! After start-up the real-time thread allocates nothing: calls come in over a software span, key, talk,
//! are streamed and leave, and other channels are tested beside them, while every allocation of `Engine::tick` is counted.

use board_loopback::LoopbackCard;
use conference::{Happening, Mode, Policy};
use dsp::bert::{Pattern, Sync};
use dsp::signals::Signal;
use event::{EventNumber, Keyring, Role};
use exchange::{Digits, Exchange, Prepared, Step};
use hal::{Card, ChunkLength, Line, SpanIndex, Timeslot, TimeslotLoopback};
use std::sync::Arc;
use std::time::Duration;
use trunkcast::bench::{BitPlan, Insert, Probe, Rack, Reading, Sent};
use trunkcast::gateway::{Channel, Gateway, SPAN_TIMESLOTS, Settings};
use trunkcast::prompts::{Sounds, wav};
use trunkcast::realtime::{Engine, EngineCard};
use trunkcast::reports::{Command, Order, What};
use trunkcast::voice::{self, VoicePath};

const TICK: ChunkLength = ChunkLength::Ms10;

#[test]
fn a_tick_allocates_nothing_whatever_the_calls_do() {
    let keyring = Keyring::random();
    let event = EventNumber::random(keyring.current());
    let pin = |role| keyring.pin(event, role).expect("a current key").as_str().to_owned();
    let (host_pin, speaker_pin) = (pin(Role::Host), pin(Role::Speaker));

    let mut builder = LoopbackCard::builder("near");
    let far_end = builder.span_to_exchange(Line::E1);
    let mut running = Box::new(builder.build()).start(TICK).expect("started");
    let far = far_end.attach("far").expect("free");
    let switch = isdn::Switch::EuroIsdn;
    let mut exchange =
        Exchange::builder(TICK).card("gateway", Box::new(far), switch).start(Duration::ZERO).expect("started");
    let gateway = Gateway::new(Settings {
        rules: Policy { wait_for_host: true, ..Policy::default() },
        ports: 2,
        port_reuse: Duration::from_secs(60),
        linger: Duration::from_secs(2),
        ..Settings::new(vec![(Line::E1, switch)], keyring)
    });
    let sounds = Arc::new(Sounds::english());
    let (outlets, mut rings): (Vec<_>, Vec<_>) = (0..2).map(|_| rtrb::RingBuffer::<i16>::new(16_000)).unzip();
    let voice = VoicePath::new(&[Line::E1], TICK, voice::Settings::default(), sounds, outlets);
    let (reports, mut told) = rtrb::RingBuffer::new(4096);
    let (used, _used) = rtrb::RingBuffer::new(16);
    let cards = vec![EngineCard { traffic: running.traffic, lines: vec![Line::E1] }];
    let (used_probes, mut back) = rtrb::RingBuffer::new(SPAN_TIMESLOTS);
    let rack = Rack::new(SPAN_TIMESLOTS, used_probes);
    let mut engine = Engine::new(gateway, voice, cards, reports, used).with_rack(rack);
    engine.start(Duration::ZERO);

    // A pattern over a loop at our end, and a busy tone, on channels the callers do not get.
    let (patterned, sounding) = (Timeslot(31), Timeslot(30));
    let on = |timeslot| Channel { span: 0, timeslot };
    running.control.set_timeslot_loopback(SpanIndex(0), patterned, TimeslotLoopback::Local).expect("supported");
    let plan = BitPlan { pattern: Pattern::Qrss, insert: Insert::Count(7), run_ms: 50_000 };
    engine.order(Duration::ZERO, Order::Probe(on(patterned), Some(Box::new(Probe::bits(plan)))));
    let busy = Signal::of("busy").map(Sent::Signal);
    engine.order(Duration::ZERO, Order::Probe(on(sounding), Some(Box::new(Probe::sound(busy)))));

    let clip: exchange::Clip = Arc::from(wav::read(include_bytes!("../assets/speech/a2.wav")).expect("a WAV file"));
    let keys = |digits: &str| Step::Key {
        digits: Digits::new(digits).expect("keys"),
        on_ms: 60,
        off_ms: 60,
        level_dbm0: -10.0,
    };
    let caller = |pin: &str, last: Vec<Step>| {
        let mut script = vec![
            Step::Wait { ms: 1000 },
            keys(&format!("{event}#")),
            Step::Wait { ms: 1000 },
            keys(&format!("{pin}#")),
            Step::Wait { ms: 1000 },
            Step::Speak { clip: clip.clone() },
        ];
        script.extend(last);
        Prepared::from_script("100", script, exchange::Sink::None)
    };
    let mut now = Duration::from_secs(1);
    let (mut joined, mut streams, mut wrong, mut ended) = (0, 0, 0, 0);
    let (mut allocated, mut readings) = (0, 0);
    let (mut waited, mut answered) = (0, 0);
    let mut ticks = 0;
    for second in 0..60 {
        match second {
            1 => _ = exchange.dial(now, caller(&speaker_pin, vec![keys("*2*6*8"), Step::HangUp])),
            2 => _ = exchange.dial(now, caller(&host_pin, vec![Step::Wait { ms: 15_000 }, keys("399")])),
            3 => _ = exchange.dial(now, caller("00000000", vec![Step::HangUp])),
            4 => _ = exchange.dial(now, Prepared::from_script("100", vec![Step::HangUp], exchange::Sink::None)),
            _ => {}
        }
        // He who came first has waited for the host; now they are led from outside.
        let orders = match second {
            9 => vec![conference::Order::Mode(Mode::Question), conference::Order::CallOnNext],
            10 => vec![conference::Order::MuteAll { lock: true }],
            11 => vec![conference::Order::UnmuteAll, conference::Order::Count],
            12 => vec![conference::Order::Mode(Mode::Conversation), conference::Order::Lock(true)],
            _ => Vec::new(),
        };
        for order in orders {
            let order = Order::Gateway(Command::Conference { ticket: second, event, order });
            allocated += allocation_counter::measure(|| engine.order(now, order)).count_total;
        }
        for _ in 0..100 {
            now += TICK.duration();
            let counted = allocation_counter::measure(|| {
                engine.tick(now);
            });
            allocated += counted.count_total;
            ticks += 1;
            exchange.tick(now);
            while let Ok(report) = told.pop() {
                match report.what {
                    What::Joined { .. } => joined += 1,
                    What::StreamStart { .. } => streams += 1,
                    What::EntryWrong { .. } => wrong += 1,
                    What::CallEnded { .. } => ended += 1,
                    What::Answered { answer: Ok(_), .. } => answered += 1,
                    What::Conference { what: Happening::Waits { .. }, .. } => waited += 1,
                    What::Probed { .. } => readings += 1,
                    _ => {}
                }
            }
            for ring in &mut rings {
                let waiting = ring.slots();
                if let Ok(chunk) = ring.read_chunk(waiting) {
                    chunk.commit_all();
                }
            }
        }
    }
    let counted = allocation_counter::measure(|| engine.order(now, Order::Gateway(Command::Shutdown)));
    allocated += counted.count_total;
    assert_eq!((joined, streams, wrong, ended), (2, 1, 1, 4), "the calls took place");
    assert_eq!((waited, answered), (1, 6), "they were led; nobody had raised his hand");
    assert_eq!(readings, 50 + 60, "one a second of each probe");
    let counted = allocation_counter::measure(|| engine.order(now, Order::Probe(on(patterned), None)));
    allocated += counted.count_total;
    let (channel, mut probe) = back.pop().expect("it came back");
    let Some(Reading::Bits { report, inserted: 7, done: true }) = probe.read() else { panic!("{:?}", probe.read()) };
    assert_eq!((channel, report.sync, report.bit_errors), (on(patterned), Sync::InSync, 7), "{report:?}");
    assert_eq!(allocated, 0, "allocations in {ticks} ticks");
}
