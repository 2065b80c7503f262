//! The far end takes the link down: UA if there was one to take down, DM if not. Its owner hears of it only if he had
//! believed it up.
//!
//! Clauses: Q.921 5.5.3.2, 5.5.4, 5.5.5

use crate::support::{Seen, fate};
use isdn::q921::StateName::{
    self, AwaitingEstablishment, AwaitingRelease, MultipleFrameEstablished, TeiAssigned, TimerRecovery,
};

#[test]
fn in_every_state() {
    let cases: [(StateName, &str, &[Seen], StateName); 5] = [
        (TeiAssigned, "> DM", &[], TeiAssigned),
        (AwaitingEstablishment, "> DM", &[], AwaitingEstablishment),
        (AwaitingRelease, "> UA", &[], AwaitingRelease),
        (MultipleFrameEstablished, "> UA", &[Seen::Down], TeiAssigned),
        (TimerRecovery, "> UA", &[Seen::Down], TeiAssigned),
    ];
    for (state, answer, seen, next) in cases {
        for (control, bit) in [(0x53, " F"), (0x43, "")] {
            let expected = (vec![format!("{answer}{bit}")], seen.to_vec(), next);
            assert_eq!(fate(state, &[0x02, 0x01, control]), expected, "{state:?}");
        }
    }
}
