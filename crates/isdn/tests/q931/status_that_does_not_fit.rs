//! STATUS comes and tells where the far end stands: what fits changes nothing, what does not is asked about once and then
//! cleared with 101, and state 0 ends the call.
//!
//! Clauses: Q.931 5.8.11; Q.850 2 (101)

use crate::common::Alone;
use isdn::Side;

/// STATUS from a far end that stands elsewhere: asked again to be sure, then cleared with 101 (5.8.11).
#[test]
fn a_status_that_does_not_fit() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    // State 6: it has not seen our answer. It may be an old message, so ask.
    let status = [8, 2, 0x00, 0x01, 0x7d, 0x08, 2, 0x82, 0x9e, 0x14, 1, 6];
    assert_eq!(alone.ask(&status), ["STATUS ENQUIRY *1"]);
    assert_eq!(alone.state(), [10]);
    assert_eq!(alone.ask(&status), ["DISCONNECT *1 cause 101"]);
    alone.say(&[8, 2, 0x00, 0x01, 0x4d]);
    assert_eq!(alone.released(), [(101, false)]);
}

/// One that fits, or whose sender is about to clear, changes nothing; state 0 ends the call.
#[test]
fn a_status_that_fits() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    for state in [10, 8, 11, 12, 19] {
        let status = [8, 2, 0x00, 0x01, 0x7d, 0x08, 2, 0x82, 0xe1, 0x14, 1, state];
        assert_eq!(alone.ask(&status), [""; 0], "{state}");
    }
    assert_eq!(alone.state(), [10]);
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x7d, 0x08, 2, 0x82, 0xe1, 0x14, 1, 0]), [""; 0]);
    assert_eq!(alone.released(), [(41, true)]);
}
