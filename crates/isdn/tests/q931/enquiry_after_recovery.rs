//! The link is back within T309 and every connected call is asked about. Where the far end stands where we do the call goes on;
//! where it has none it is over; where it stands elsewhere it is cleared with 101.
//!
//! Clauses: Q.931 5.8.9, 5.8.10, 5.8.11

use crate::common::octets::{CLEARING, SPEECH, cause, channel, status, theirs};
use crate::common::states::InState;
use crate::common::{Alone, SECOND, config};
use isdn::q931::message::MessageType;
use isdn::{Config, Event, Side};

/// The link goes and comes.
fn interrupt(alone: &mut Alone) {
    alone.far.release(alone.now);
    alone.settle();
    alone.far.establish(alone.now);
    alone.settle();
    assert!(alone.d.is_up());
}

#[test]
fn what_the_answer_means() {
    type Answer = (MessageType, Vec<u8>, &'static [&'static str], &'static [u8], Option<(u8, bool)>);
    let cases: [Answer; 6] = [
        (MessageType::STATUS, status(30, 10), &[], &[10], None),
        (MessageType::STATUS, status(30, 0), &[], &[], Some((41, true))),
        (MessageType::STATUS, status(30, 3), &["DISCONNECT *1 cause 101"], &[11], None),
        (MessageType::STATUS, status(30, 6), &["DISCONNECT *1 cause 101"], &[11], None),
        (MessageType::RELEASE, CLEARING.to_vec(), &["RELEASE COMPLETE *1"], &[], Some((16, true))),
        (MessageType::RELEASE_COMPLETE, cause(81).to_vec(), &[], &[], Some((81, true))),
    ];
    for side in [Side::User, Side::Network] {
        for (kind, elements, said, state, released) in &cases {
            let mut it = InState::new(side, 10);
            interrupt(&mut it.alone);
            assert_eq!(it.alone.heard(), ["STATUS ENQUIRY *1"]);
            assert_eq!(it.say(*kind, elements), *said, "{side:?} {} {elements:02x?}", kind.name());
            assert_eq!(it.alone.state(), *state);
            assert_eq!(it.alone.released(), released.iter().copied().collect::<Vec<_>>());
            it.alone.run(SECOND * 300);
            let goes_on = *state == [10];
            assert_eq!(it.alone.state().len(), usize::from(goes_on), "asked no more, or cleared");
        }
    }
}

/// Each call has a question and an answer of its own.
#[test]
fn one_for_each_call() {
    let mut alone = Alone::up(Side::User);
    for number in 1..=3 {
        alone.say(&theirs(number, MessageType::SETUP, &[&SPEECH, &channel(number as u8)]));
        let call = alone.offered().0;
        alone.connect(call);
        alone.say(&theirs(number, MessageType::CONNECT_ACKNOWLEDGE, &[]));
    }
    alone.events.clear();
    alone.ladder.clear();
    interrupt(&mut alone);
    assert_eq!(alone.heard(), ["STATUS ENQUIRY *1", "STATUS ENQUIRY *2", "STATUS ENQUIRY *3"]);
    for (number, state) in [(1, 10), (2, 0), (3, 10)] {
        alone.say(&theirs(number, MessageType::STATUS, &[&status(30, state)]));
    }
    alone.run(SECOND * 300);
    let left: Vec<_> = alone.d.calls().map(|call| (call.call.value, call.state.number())).collect();
    assert_eq!(left, [(1, 10), (3, 10)]);
    assert!(alone.events.iter().filter(|event| matches!(event, Event::Released { .. })).count() == 1);
}

/// An end that does not ask keeps its call, whatever has become of it at the other end, until somebody clears it.
#[test]
fn one_that_never_asks() {
    let mut alone = Alone::up_with(Config { enquires: false, ..config(Side::Network) });
    alone.say(&theirs(1, MessageType::SETUP, &[&SPEECH, &channel(1)]));
    let call = alone.offered().0;
    alone.connect(call);
    alone.say(&theirs(1, MessageType::CONNECT_ACKNOWLEDGE, &[]));
    alone.ladder.clear();
    interrupt(&mut alone);
    alone.run(SECOND * 300);
    assert_eq!((alone.heard(), alone.state()), (Vec::<String>::new(), vec![10]));
    alone.say(&theirs(1, MessageType::RELEASE_COMPLETE, &[&cause(81)]));
    assert_eq!(alone.released(), [(81, true)]);
}
