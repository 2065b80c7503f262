//! After construction nothing allocates, whatever is done: this runs on the real-time thread.

use conference::{Conferences, DialOut, EntryExit, Menus, Mode, Order, Output, Policy, Role, Room, Seat};
use std::time::Duration;

fn drain(conferences: &mut Conferences, now: Duration) -> usize {
    let mut count = 0;
    while let Some(output) = conferences.poll_output() {
        count += 1;
        if let Output::Dismiss(seat, _) = output {
            conferences.leave(now, seat);
        }
    }
    count
}

#[test]
fn a_full_house_allocates_nothing() {
    const SEATS: usize = 300;
    let dial_out = DialOut { enabled: true, allow: vec!["49".into()], never: Vec::new(), ..DialOut::default() };
    let mut conferences = Conferences::new(SEATS, 4, Menus::default(), dial_out);
    let policy = Policy {
        wait_for_host: true,
        waiting_room: true,
        names: true,
        entry_exit: EntryExit::Name,
        max_duration: Some(Duration::from_secs(600)),
        ..Policy::default()
    };
    let mut outputs = 0;
    let counted = allocation_counter::measure(|| {
        let mut now = Duration::from_secs(1);
        conferences.open(Room(0), policy);
        for seat in 1..SEATS {
            let role = if seat % 7 == 0 { Role::Listener } else { Role::Speaker };
            conferences.enter(now, Room(0), Seat(seat), role).expect("room for all");
            conferences.said(now, Seat(seat));
            conferences.named(now, Seat(seat), true);
        }
        outputs += drain(&mut conferences, now);
        conferences.enter(now, Room(0), Seat(0), Role::Host).expect("a host always may");
        conferences.said(now, Seat(0));
        conferences.named(now, Seat(0), true);
        outputs += drain(&mut conferences, now);
        // All at once: the most there is to be done after one input.
        conferences.order(now, Room(0), &Order::AdmitAll).expect("they wait");
        outputs += drain(&mut conferences, now);
        for seat in 0..SEATS {
            for key in *b"*2*6*8#*4930#**0##1" {
                now += Duration::from_millis(100);
                conferences.key(now, Seat(seat), key);
                outputs += drain(&mut conferences, now);
            }
        }
        for mode in [Mode::Lecture, Mode::Question, Mode::Conversation] {
            conferences.order(now, Room(0), &Order::Mode(mode)).expect("open");
            conferences.order(now, Room(0), &Order::MuteAll { lock: true }).expect("open");
            conferences.order(now, Room(0), &Order::UnmuteAll).expect("open");
            outputs += drain(&mut conferences, now);
        }
        conferences.handle_timeout(now + Duration::from_secs(600));
        outputs += drain(&mut conferences, now);
        conferences.close(Room(0));
    });
    assert!(outputs > 10 * SEATS, "{outputs}: it took place");
    assert_eq!((conferences.lost_outputs(), counted.count_total), (0, 0));
}
