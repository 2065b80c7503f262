//! A far end that is busy, or a line that has gone silent, lets messages pile up until the link takes no more. What is lost then may
//! be the last word about a call, which nothing repeats: the link is established anew, and both ends compare notes.
//!
//! Clauses: Q.931 5.8.8; Q.921 5.5.1

use crate::common::octets::theirs;
use crate::common::{Alone, NORMAL, setup};
use isdn::q921::QUEUE_LENGTH;
use isdn::q931::message::MessageType;
use isdn::{CallReference, ChannelChoice, Event, Refused, Side};

/// The far end has called and waits; it receives nothing more (RNR), and asks about the call until there is no room for answers.
fn full() -> Alone {
    let mut alone = Alone::up(Side::User);
    alone.be_called();
    // Receive not ready, N(R) 0: the network's command.
    alone.d.handle_frame(alone.now, &[0x02, 0x01, 0x05, 0x00]);
    for _ in 0..QUEUE_LENGTH {
        alone.say(&theirs(1, MessageType::STATUS_ENQUIRY, &[]));
    }
    assert_eq!(alone.heard(), [""; 0]);
    alone.events.clear();
    assert_eq!((alone.d.counters().calls.not_sent, alone.d.counters().link.resets), (0, 0));
    alone
}

/// RELEASE COMPLETE for the call that waits is lost; the far end asks, and hears that there is no such call.
#[test]
fn the_last_word_about_a_call_is_lost() {
    let mut alone = full();
    alone.clear(CallReference { value: 1, ours: false }, NORMAL);
    assert!(alone.events.contains(&Event::LinkUp { reset: true }), "{:?}", alone.events);
    assert_eq!(alone.d.counters().calls.not_sent, 1);
    assert_eq!(alone.ask(&theirs(1, MessageType::STATUS_ENQUIRY, &[])), ["STATUS *1 cause 30 state 0"]);
}

/// A call that cannot be placed is its owner's to place again: the link is left alone.
#[test]
fn what_can_be_said_again_may_wait() {
    let mut alone = full();
    assert_eq!(alone.d.dial(alone.now, &setup(ChannelChoice::Any)), Err(Refused::Full));
    alone.settle();
    assert_eq!((&alone.events[..], alone.d.counters().link.resets), (&[][..], 0));
}
