//! SETUP again, with the reference of a call that is there: a repetition after T303 whose answer is on its way. It is ignored
//! in each state, and no second call comes of it.
//!
//! Clauses: Q.931 5.8.3.2, 5.2.5.3

use crate::common::octets::{CHANNEL_5, SPEECH, channel};
use crate::common::states::{InState, all};
use isdn::q931::message::MessageType;

#[test]
fn ignored() {
    for (side, state) in all() {
        let mut it = InState::new(side, state);
        for channel in [CHANNEL_5, channel(6)] {
            let elements = [&SPEECH[..], &channel].concat();
            assert_eq!(it.say(MessageType::SETUP, &elements), [""; 0], "{side:?} {state}");
        }
        assert_eq!((it.alone.state(), &it.alone.events[..]), (vec![state], &[][..]), "{side:?}");
        let channels: Vec<_> = it.alone.d.calls().map(|call| call.call).collect();
        assert_eq!(channels, [it.call]);
    }
}
