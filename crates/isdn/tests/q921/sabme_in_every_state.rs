//! The far end establishes, whatever we are doing: it is answered at once, with F as it had P. A link that was up is up
//! anew and layer 3 is told that it was reset; one that we are releasing is refused.
//!
//! Clauses: Q.921 5.5.1.2, 5.5.5, 5.7.1; Q.931 5.8.8

use crate::support::{Seen, fate};
use isdn::q921::StateName::{
    self, AwaitingEstablishment, AwaitingRelease, MultipleFrameEstablished, TeiAssigned, TimerRecovery,
};

#[test]
fn in_every_state() {
    let up = |reset| vec![Seen::Up { reset }];
    let cases: [(StateName, &str, Vec<Seen>, StateName); 5] = [
        (TeiAssigned, "> UA", up(false), MultipleFrameEstablished),
        (AwaitingEstablishment, "> UA", vec![], AwaitingEstablishment),
        (AwaitingRelease, "> DM", vec![], AwaitingRelease),
        (MultipleFrameEstablished, "> UA", up(true), MultipleFrameEstablished),
        (TimerRecovery, "> UA", up(true), MultipleFrameEstablished),
    ];
    for (state, answer, seen, next) in cases {
        for (control, bit) in [(0x7f, " F"), (0x6f, "")] {
            let expected = (vec![format!("{answer}{bit}")], seen.clone(), next);
            assert_eq!(fate(state, &[0x02, 0x01, control]), expected, "{state:?}");
        }
    }
}
