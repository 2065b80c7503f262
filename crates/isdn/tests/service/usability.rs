//! Near and far state together decide which calls a channel may have: the more severe of the two wins, but a call that the far
//! end offers in spite of its own word is taken.
//!
//! Clauses: maintenance usability

use crate::common::exclusive;
use crate::common::setup;
use crate::service_support::*;
use isdn::{FarState, Refused};

#[test]
fn nine_of_them() {
    for switch in SPEAKERS {
        for near in [IN, MAINTENANCE, OUT] {
            for far_says in [IN, MAINTENANCE, OUT] {
                let mut alone = alone_on(switch, true);
                alone.say(&service(switch, 5, far_says));
                if near != IN {
                    set(&mut alone, 5, near);
                    alone.say(&acknowledge(switch, 5, near));
                }
                let far = match far_says {
                    IN => FarState::InService,
                    MAINTENANCE => FarState::Maintenance,
                    OUT => FarState::OutOfService,
                };
                assert_eq!(states(&alone.d, 5), (near, far), "{switch:?}");
                let taken = near == IN;
                let placed = near == IN && far_says == IN;
                assert_eq!(usable(&alone.d, 5), (taken, placed), "{near} {far_says}");
                // And so it is done.
                let dialled = alone.d.dial(alone.now, &setup(exclusive(5)));
                assert_eq!(dialled.is_ok(), placed, "{near} {far_says}");
                if !placed {
                    assert_eq!(dialled, Err(Refused::OutOfService));
                    let said = alone.ask(&[8, 2, 0, 1, 5, 4, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85]);
                    assert_eq!(said.contains(&"RELEASE COMPLETE *1 cause 44".to_string()), !taken, "{said:?}");
                }
            }
        }
    }
}
