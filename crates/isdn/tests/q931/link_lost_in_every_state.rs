//! The data link is lost in each state of a call: the connected one is kept for T309, every other is over at once, without a
//! word, and its owner hears so once.
//!
//! Clauses: Q.931 5.8.9

use crate::common::exclusive;
use crate::common::states::{InState, all};
use isdn::Event;

#[test]
fn only_the_connected_are_kept() {
    for (side, state) in all() {
        let mut it = InState::new(side, state);
        // Overlap receiving: the owner has not been told of the call yet.
        let known = !matches!((side, state), (isdn::Side::User, 25) | (isdn::Side::Network, 2));
        it.alone.far.release(it.alone.now);
        it.alone.settle();
        assert_eq!(it.alone.events.first(), Some(&Event::LinkDown));
        assert_eq!(it.alone.ladder, [""; 0], "{side:?} {state}: nobody can hear it");
        if state == 10 {
            assert_eq!((it.alone.state(), it.alone.released()), (vec![10], vec![]));
            continue;
        }
        assert_eq!(it.alone.state(), [], "{side:?} {state}");
        assert_eq!(it.alone.released().len(), usize::from(known), "{side:?} {state}");
        if !matches!(state, 11 | 19) && known {
            assert_eq!(it.alone.released(), [(27, false)], "{side:?} {state}");
        }
        // When the link is back the channel can be used.
        it.alone.far.establish(it.alone.now);
        it.alone.settle();
        it.alone.dial(exclusive(5));
    }
}
