//! Frames that do not arrive, and how each loss is found out and made good.
//!
//! In the ladders `>` is the user, `<` the network, `I 3 1` an I frame with N(S) = 3 and N(R) = 1, P and F the poll and
//! final bits.
//!
//! Clauses: Q.921 5.6.1, 5.6.2, 5.6.3, 5.6.7, 5.7.2, 5.8.1, 5.8.2, 5.8.3, 5.9.8, 5.10

use crate::common::SECOND;
use crate::support::{Pair, Seen};
use isdn::Side;
use isdn::q921::{K_MAX, N201_MAX, Parameters, QUEUE_LENGTH, SendError, StateName};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

/// Loses the next frame that `from` sends.
fn send_and_lose(pair: &mut Pair, from: Side, message: &[u8]) {
    pair.cut = true;
    pair.send(from, message);
    pair.cut = false;
}

/// A gap in N(S) is answered with REJ at once, and everything from the gap on is sent again (5.8.1).
#[test]
fn one_lost_in_the_middle_is_asked_for() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.send(Side::User, b"0");
    send_and_lose(&mut pair, Side::User, b"1");
    pair.send(Side::User, b"2");
    pair.send(Side::User, b"3");
    pair.run(SHORT);
    assert_eq!(
        pair.ladder,
        [
            "> I 0 0",
            "> I 1 0 lost",
            "> I 2 0",
            "> I 3 0",
            "< RR 1",
            "< REJ 1",
            "> I 1 0",
            "> I 2 0",
            "> I 3 0",
            "< RR 2",
            "< RR 3",
            "< RR 4"
        ]
    );
    assert_eq!(pair.network.messages(), [b"0", b"1", b"2", b"3"]);
    assert_eq!(pair.user.link.counters().retransmissions, 3);
    assert_eq!(pair.network.link.counters().rejects_out, 1);
}

/// A far end that says REJ for every frame out of sequence, though 5.8.1 allows it one: what it asks for goes out once. Sent for
/// each REJ, it would be out of sequence each time but the first, and bring more REJ, for ever.
#[test]
fn the_same_rej_again_is_obeyed_once() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    pair.send(Side::User, b"0");
    pair.send(Side::User, b"1");
    pair.forget();
    let reject = |n_r: u8| [0x00, 0x01, 0x09, n_r << 1];
    pair.inject(Side::User, &reject(0));
    pair.inject(Side::User, &reject(0));
    pair.run(SHORT);
    pair.inject(Side::User, &reject(0));
    assert_eq!(pair.ladder, ["> I 0 0 lost", "> I 1 0 lost"]);
    // A quarter of T200 later the frames must have arrived, or been lost again.
    pair.forget();
    pair.run(SHORT * 2);
    pair.inject(Side::User, &reject(0));
    assert_eq!(pair.ladder, ["> I 0 0 lost", "> I 1 0 lost"]);
    // And for another frame it is another REJ.
    pair.forget();
    pair.inject(Side::User, &reject(1));
    pair.inject(Side::User, &reject(1));
    assert_eq!(pair.ladder, ["> I 1 0 lost"]);
}

/// The last one has none behind it to show the gap: T200 does (5.6.7).
#[test]
fn the_last_one_lost_is_found_by_t200() {
    let mut pair = Pair::up(Parameters::default(), 1);
    send_and_lose(&mut pair, Side::User, b"0");
    pair.run(SHORT * 9);
    assert_eq!(pair.ladder, ["> I 0 0 lost"]);
    pair.run(SHORT * 2);
    assert_eq!(pair.ladder[1..], ["> RR 0 P", "< RR 0 F", "> I 0 0", "< RR 1"]);
    assert_eq!(pair.user.link.state(), StateName::MultipleFrameEstablished);
    assert_eq!(pair.network.messages(), [b"0"]);
}

/// A lost acknowledgement costs a poll, not a second copy.
#[test]
fn a_lost_acknowledgement_repeats_nothing() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.send(Side::User, b"0");
    pair.cut = true;
    pair.run(SHORT);
    pair.cut = false;
    pair.run(SECOND);
    assert_eq!(pair.ladder, ["> I 0 0", "< RR 1 lost", "> RR 0 P", "< RR 1 F"]);
    assert_eq!(pair.network.messages(), [b"0"]);
    assert_eq!(pair.user.link.counters().retransmissions, 0);
}

/// A line cut for less than T200 × (N200 + 1) costs time only; the messages sent meanwhile arrive, and nobody is told.
#[test]
fn a_short_interruption_goes_unnoticed() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.cut = true;
    for number in 0..20u8 {
        pair.send(Side::User, &[number]);
        pair.run(SHORT);
    }
    pair.cut = false;
    pair.run(SECOND * 3);
    assert_eq!(pair.network.messages(), (0..20u8).map(|number| vec![number]).collect::<Vec<_>>());
    assert_eq!(pair.user.seen, []);
}

/// A line cut for long: polls, then SABMEs, then layer 3 is told; when it heals the link comes up by itself.
#[test]
fn a_long_interruption_releases_and_comes_back() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.cut = true;
    pair.send(Side::User, b"lost");
    pair.run(SECOND * 5);
    // T200, three polls more, and the first SABME at five seconds.
    assert_eq!(pair.user.link.state(), StateName::AwaitingEstablishment);
    assert_eq!(pair.user.seen, []);
    pair.run(SECOND * 4);
    assert_eq!(pair.user.seen, [Seen::Down]);
    let sent: Vec<_> = pair.ladder.iter().map(String::as_str).collect();
    assert_eq!(
        sent,
        [
            "> I 0 0 lost",
            "> RR 0 P lost",
            "> RR 0 P lost",
            "> RR 0 P lost",
            "> RR 0 P lost",
            "> SABME P lost",
            "> SABME P lost",
            "> SABME P lost",
            "> SABME P lost",
        ]
    );
    assert_eq!(pair.user.link.counters().messages_discarded, 1);
    pair.cut = false;
    pair.run(SECOND * 3);
    assert_eq!(pair.user.seen, [Seen::Down, Seen::Up { reset: false }]);
    assert_eq!(pair.network.seen, [Seen::Up { reset: true }]);
    assert_eq!(pair.network.messages(), [[0u8; 0]; 0]);
}

/// Messages given while a link that was up is established again wait for it; those that may have arrived are gone.
#[test]
fn messages_wait_for_the_link_to_be_established_again() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.cut = true;
    pair.send(Side::User, b"perhaps arrived");
    pair.run(SECOND * 5);
    assert_eq!(pair.user.link.state(), StateName::AwaitingEstablishment);
    pair.send(Side::User, b"waits");
    pair.cut = false;
    pair.run(SECOND * 2);
    assert_eq!(pair.network.messages(), [b"waits"]);
    assert_eq!(pair.user.seen, [Seen::Up { reset: true }]);
}

/// k I frames may be unacknowledged; the next goes out when there is room (5.6.1).
#[test]
fn the_window_holds_back_the_eighth() {
    let mut pair = Pair::up(Parameters::default(), 1);
    for number in 0..9u8 {
        pair.send(Side::User, &[number]);
    }
    assert_eq!(pair.ladder.len(), 7);
    pair.run(SHORT);
    assert_eq!(pair.network.messages().len(), 9);
    assert_eq!(pair.ladder[7..10], ["< RR 1", "< RR 2", "< RR 3"]);
    assert_eq!(pair.ladder.iter().filter(|line| line.starts_with("> I")).count(), 9);
}

/// Traffic both ways: acknowledgements ride on I frames.
#[test]
fn an_answer_carries_the_acknowledgement() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.send(Side::User, b"question");
    let now = pair.now + SHORT;
    let network = &mut pair.network.link;
    network.handle_frame(now, &[0x00, 0x01, 0x00, 0x00, b'q']);
    network.send(now, b"answer").expect("up");
    pair.ladder.clear();
    pair.drain(Side::Network);
    assert_eq!(pair.ladder, ["< I 0 1"]);
}

/// A queue that is full, a message that is too long: refused, and nothing else changes.
#[test]
fn what_does_not_fit_is_refused() {
    let mut pair = Pair::up(Parameters { k: K_MAX, ..Parameters::default() }, 1);
    let longest = [0x55; N201_MAX];
    assert_eq!(pair.user.link.send(pair.now, &[0; N201_MAX + 1]), Err(SendError::TooLong));
    pair.cut = true;
    for _ in 0..QUEUE_LENGTH {
        pair.send(Side::User, &longest);
    }
    assert_eq!(pair.user.link.send(pair.now, b"more"), Err(SendError::QueueFull));
    assert!(QUEUE_LENGTH - usize::from(K_MAX) >= 64, "there is room beyond the largest window");
    pair.cut = false;
    pair.run(SECOND * 3);
    assert_eq!(pair.network.messages(), vec![longest.to_vec(); QUEUE_LENGTH]);
}

/// An idle line is polled every T203, by both ends, and nothing else happens for a day (5.10).
#[test]
fn an_idle_line_is_polled() {
    let mut pair = Pair::up(Parameters { t203: SECOND * 30, ..Parameters::default() }, 1);
    pair.run(SECOND * 31);
    assert_eq!(pair.ladder, ["> RR 0 P", "< RR 0 P", "> RR 0 F", "< RR 0 F"]);
    pair.run(SECOND * 86_400);
    assert_eq!(pair.user.seen, []);
    assert_eq!(pair.user.link.counters().resets, 0);
    let polls = pair.user.link.counters().t203_expiries;
    assert!((2870..=2880).contains(&polls), "{polls} polls in a day");
}

/// SABME while up, with messages unacknowledged: they may have arrived, so they must not go out again.
#[test]
fn a_reset_discards_what_may_have_arrived() {
    let mut pair = Pair::up(Parameters::default(), 1);
    send_and_lose(&mut pair, Side::User, b"0");
    pair.inject(Side::User, &[0x02, 0x01, 0x7f]);
    assert_eq!(pair.user.seen, [Seen::Up { reset: true }]);
    assert_eq!(pair.user.link.counters().messages_discarded, 1);
    assert_eq!(pair.ladder, ["> I 0 0 lost", "> UA F"]);
}

/// SABME while up, with messages that the far end was too busy for and that were never sent: they go out.
#[test]
fn a_reset_keeps_what_was_never_sent() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.inject(Side::User, &[0x02, 0x01, 0x05, 0x00]); // RNR
    pair.send(Side::User, b"held");
    pair.inject(Side::User, &[0x02, 0x01, 0x7f]);
    assert_eq!(pair.user.seen, [Seen::Up { reset: true }]);
    assert_eq!(pair.user.link.counters().messages_discarded, 0);
    assert_eq!(pair.ladder, ["> UA F", "> I 0 0"]);
}

/// N(R) that acknowledges what was never sent: the two ends have lost each other, only establishing helps (5.8.5).
#[test]
fn a_wrong_acknowledgement_establishes_again() {
    for frame in [&[0x00, 0x01, 0x01, 0x02][..], &[0x02, 0x01, 0x00, 0x02, b'x'][..]] {
        let mut pair = Pair::up(Parameters::default(), 1);
        pair.inject(Side::User, frame);
        assert_eq!(pair.user.link.counters().acknowledgement_errors, 1);
        pair.run(SHORT);
        assert!(pair.ladder.contains(&"> SABME P".to_string()));
        assert_eq!(pair.user.seen.last(), Some(&Seen::Up { reset: true }));
        assert_eq!(pair.network.seen, [Seen::Up { reset: true }]);
    }
}
