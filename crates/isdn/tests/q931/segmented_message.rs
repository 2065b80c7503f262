//! A message longer than a frame comes in pieces. It is acted upon when the last has come, as if it had come whole; when a piece
//! is missing, late or out of order all of it is dropped without an answer, and what else comes is acted upon.
//!
//! Clauses: Q.931 4.5.26, 9 T314, Annex H

use crate::common::{Alone, SECOND};
use isdn::{Event, Side, Timer};

/// The elements of a SETUP of 400 octets: channel 5, to 12, with user-user information in between.
fn elements() -> Vec<u8> {
    let mut elements = vec![0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85, 0x70, 3, 0x80, b'1', b'2'];
    for _ in 0..3 {
        elements.extend([0x7e, 126, 0x04]);
        elements.extend([b'u'; 125]);
    }
    elements
}

/// A segment of call 1: the octets 3 and 4 of its element, and what it carries.
fn segment(place: u8, kind: u8, octets: &[u8]) -> Vec<u8> {
    [&[8, 2, 0x00, 0x01, 0x60, 0x00, 2, place, kind], octets].concat()
}

/// In so many pieces, cut anywhere: also in the middle of an element.
fn in_pieces(count: usize) -> Vec<Vec<u8>> {
    let elements = elements();
    let pieces: Vec<_> = elements.chunks(elements.len().div_ceil(count)).collect();
    assert_eq!(pieces.len(), count);
    let place = |i: usize| (count - 1 - i) as u8 | if i == 0 { 0x80 } else { 0 };
    pieces.into_iter().enumerate().map(|(i, piece)| segment(place(i), 0x05, piece)).collect()
}

fn offered(alone: &Alone) -> usize {
    alone.events.iter().filter(|event| matches!(event, Event::Incoming { .. })).count()
}

fn lost(alone: &Alone) -> u64 {
    alone.d.counters().calls.segments_lost
}

#[test]
fn two_to_eight_pieces_are_one_message() {
    for count in 2..=8 {
        let mut alone = Alone::up(Side::User);
        for piece in in_pieces(count) {
            assert_eq!(offered(&alone), 0, "{count} pieces");
            assert_eq!(alone.ask(&piece), [""; 0]);
        }
        let Some(Event::Incoming { setup, .. }) = alone.events.last() else { panic!("{count} pieces") };
        assert_eq!(setup.called.digits, "12");
        assert_eq!((lost(&alone), alone.d.counters().calls.messages_in), (0, 1));
    }
}

/// T314 runs from each piece to the next, and no further: late, the rest is dropped and nobody answers.
#[test]
fn a_piece_that_comes_too_late() {
    let mut alone = Alone::up(Side::User);
    let pieces = in_pieces(3);
    alone.say(&pieces[0]);
    alone.run(SECOND * 3);
    alone.say(&pieces[1]);
    alone.run(SECOND * 3);
    alone.say(&pieces[2]);
    assert_eq!((offered(&alone), alone.d.counters().calls.expiries(Timer::T314)), (1, 0));

    let mut alone = Alone::up(Side::User);
    alone.say(&pieces[0]);
    alone.say(&pieces[1]);
    alone.run(SECOND * 5);
    assert_eq!(alone.ask(&pieces[2]), [""; 0]);
    assert_eq!((offered(&alone), alone.d.counters().calls.expiries(Timer::T314)), (0, 1));
    alone.run(SECOND * 60);
    // And again, from the beginning.
    pieces.iter().for_each(|piece| alone.say(piece));
    assert_eq!(offered(&alone), 1);
}

/// A gap, a repetition, another type, another call, a nested segment, nine pieces, no element: none of it makes a message.
#[test]
fn pieces_that_do_not_belong_together() {
    let [a, b, c, d] = in_pieces(4).try_into().expect("four");
    let mut other_call = b.clone();
    other_call[3] = 2;
    let other_type = segment(2, 0x45, &elements()[..100]);
    let sequences: [&[&Vec<u8>]; 9] = [
        &[&a, &c, &d],
        &[&a, &b, &d],
        &[&a, &b, &b, &c, &d],
        &[&b, &c, &d],
        &[&a, &other_type, &c, &d],
        &[&a, &other_call, &c, &d],
        &[&segment(0x80, 0x60, &elements()[..100])],
        &[&segment(0x88, 0x05, &elements()[..100])],
        &[&vec![8, 2, 0x00, 0x01, 0x60, 0x04, 3, 0x80, 0x90, 0xa2]],
    ];
    for (number, sequence) in sequences.into_iter().enumerate() {
        let mut alone = Alone::up(Side::User);
        for piece in sequence {
            assert_eq!(alone.ask(piece), [""; 0], "sequence {number}");
        }
        assert_eq!(offered(&alone), 0, "sequence {number}");
        assert!(lost(&alone) > 0, "sequence {number}");
        assert_eq!(alone.d.poll_timeout(), Alone::up(Side::User).d.poll_timeout(), "T314 does not run");
        in_pieces(4).iter().for_each(|piece| alone.say(piece));
        assert_eq!(offered(&alone), 1, "sequence {number}: what comes next is not lost");
    }
}

/// A first segment begins anew; another message ends the waiting and is acted upon, as does the loss of the link.
#[test]
fn something_else_in_between() {
    let pieces = in_pieces(2);
    let mut alone = Alone::up(Side::User);
    alone.say(&pieces[0]);
    pieces.iter().for_each(|piece| alone.say(piece));
    assert_eq!((offered(&alone), lost(&alone)), (1, 1));

    let mut alone = Alone::up(Side::User);
    alone.say(&pieces[0]);
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x02, 0x75]), ["STATUS *2 cause 30 state 0"]);
    assert_eq!(alone.ask(&pieces[1]), [""; 0]);
    assert_eq!((offered(&alone), lost(&alone)), (0, 2));

    let mut alone = Alone::up(Side::User);
    alone.say(&pieces[0]);
    alone.far.release(alone.now);
    alone.settle();
    assert_eq!(lost(&alone), 1);
}
