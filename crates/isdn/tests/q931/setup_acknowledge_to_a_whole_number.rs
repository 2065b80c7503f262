//! The number was dialled in one piece and the network asks for more: where Sending Complete is known it is said again, and the
//! call goes on.
//!
//! Clauses: Q.931 5.1.1, 5.1.3

use crate::common::{Alone, exclusive};
use isdn::Side;

const SETUP_ACKNOWLEDGE: [u8; 10] = [8, 2, 0x80, 0x01, 0x0d, 0x18, 3, 0xa9, 0x83, 0x85];
const CALL_PROCEEDING: [u8; 10] = [8, 2, 0x80, 0x01, 0x02, 0x18, 3, 0xa9, 0x83, 0x85];

#[test]
fn setup_acknowledge_is_told_that_this_was_all() {
    let config = isdn::Config::new(Side::User, isdn::Switch::EuroIsdn, true);
    let mut alone = Alone::up_with(config);
    alone.dial(exclusive(5));
    assert_eq!(alone.ladder, ["0.0 > SETUP 1 channel 5! to 100 complete"]);
    assert_eq!(alone.ask(&SETUP_ACKNOWLEDGE), ["INFORMATION 1 complete"]);
    assert_eq!(alone.state(), [2]);
    alone.say(&CALL_PROCEEDING);
    assert_eq!(alone.state(), [3]);
}
