//! DM says "I have no link". With F it answers a SABME or DISC of ours; without, it is news: a link that we believe up is
//! established again. While our poll is unanswered even a DM with F is such news, because a poll is what it answers.
//!
//! Clauses: Q.921 5.5.1.2, 5.5.3.1, 5.5.4, 5.7.1, 5.8.7

use crate::support::{Seen, fate};
use isdn::q921::StateName::{
    self, AwaitingEstablishment, AwaitingRelease, MultipleFrameEstablished, TeiAssigned, TimerRecovery,
};

const FINAL: &[u8] = &[0x00, 0x01, 0x1f];
const UNASKED: &[u8] = &[0x00, 0x01, 0x0f];

/// The state, the frame, what is said, what the owner sees, the next state.
type Case = (StateName, &'static [u8], &'static [&'static str], &'static [Seen], StateName);

#[test]
fn in_every_state() {
    let cases: [Case; 10] = [
        (TeiAssigned, FINAL, &[], &[], TeiAssigned),
        (TeiAssigned, UNASKED, &[], &[], TeiAssigned),
        (AwaitingEstablishment, FINAL, &[], &[], TeiAssigned),
        (AwaitingEstablishment, UNASKED, &[], &[], AwaitingEstablishment),
        (AwaitingRelease, FINAL, &[], &[Seen::Down], TeiAssigned),
        (AwaitingRelease, UNASKED, &[], &[], AwaitingRelease),
        (MultipleFrameEstablished, FINAL, &[], &[], MultipleFrameEstablished),
        (MultipleFrameEstablished, UNASKED, &["> SABME P"], &[], AwaitingEstablishment),
        (TimerRecovery, FINAL, &["> SABME P"], &[], AwaitingEstablishment),
        (TimerRecovery, UNASKED, &["> SABME P"], &[], AwaitingEstablishment),
    ];
    for (state, frame, said, seen, next) in cases {
        let expected = (said.iter().map(ToString::to_string).collect(), seen.to_vec(), next);
        assert_eq!(fate(state, frame), expected, "{state:?} {frame:02x?}");
    }
}
