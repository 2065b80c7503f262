//! SETUP goes unanswered: it is sent once more after T303, and after another T303 the call is over. The far end is told
//! by RELEASE COMPLETE, in case it has seen one of them.
//!
//! Clauses: Q.931 5.1.1, 5.2.5.3, 9 T303; Q.850 2 (18), 2 (102)

use crate::common::{Alone, SECOND};
use isdn::{ChannelChoice, Side, Timer};

#[test]
fn from_either_side() {
    for (side, arrow) in [(Side::User, '>'), (Side::Network, '<')] {
        let mut alone = Alone::up(side);
        let start = alone.now;
        alone.dial(ChannelChoice::Exclusive(5.into()));
        alone.run(SECOND * 7);
        assert_eq!(alone.released(), []);
        alone.run(SECOND * 2);
        assert_eq!(start.as_secs(), 0);
        assert_eq!(
            alone.ladder,
            [
                format!("0.0 {arrow} SETUP 1 channel 5! to 100"),
                format!("4.0 {arrow} SETUP 1 channel 5! to 100"),
                format!("8.0 {arrow} RELEASE COMPLETE 1 cause 102"),
            ]
        );
        assert_eq!(alone.released(), [(18, false)]);
        assert_eq!(alone.state(), []);
        assert_eq!(alone.d.counters().calls.expiries(Timer::T303), 2);
    }
}

/// The second SETUP is answered: the call goes on.
#[test]
fn the_repetition_is_answered() {
    let mut alone = Alone::up(Side::User);
    alone.dial(ChannelChoice::Exclusive(5.into()));
    alone.run(SECOND * 5);
    alone.say(&[0x08, 0x02, 0x80, 0x01, 0x02, 0x18, 0x03, 0xa9, 0x83, 0x85]);
    assert_eq!(alone.state(), [3]);
    alone.run(SECOND * 5);
    assert_eq!(alone.state(), [3]);
}

/// An answer that comes after the end finds nobody, and is told so.
#[test]
fn an_answer_too_late() {
    let mut alone = Alone::up(Side::User);
    alone.dial(ChannelChoice::Exclusive(5.into()));
    alone.run(SECOND * 9);
    assert_eq!(alone.ask(&[0x08, 0x02, 0x80, 0x01, 0x07]), ["RELEASE COMPLETE 1 cause 81"]);
    // The next call has another reference.
    assert_eq!(alone.dial(ChannelChoice::Exclusive(5.into())).value, 2);
}
