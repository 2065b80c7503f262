//! A line that loses, doubles and swaps frames.
//!
//! Whatever it does, nothing may arrive twice or out of order, and as long as neither end was reset nothing may be
//! missing. When the faults end, the link must work again by itself.
//!
//! Clauses: Q.921 5.6.2, 5.6.7, 5.8.1, 5.8.3

use crate::support::{Faults, Pair, Seen};
use isdn::Side;
use isdn::q921::{Parameters, StateName};
use proptest::prelude::*;
use std::time::Duration;

/// Message `number`, of a length that varies up to N201.
fn message(number: u32) -> Vec<u8> {
    let mut octets = number.to_be_bytes().to_vec();
    octets.resize(4 + (number as usize * 37) % 257, number as u8);
    octets
}

fn numbers(messages: &[Vec<u8>]) -> Vec<u32> {
    messages
        .iter()
        .map(|octets| {
            let number = u32::from_be_bytes(octets[..4].try_into().expect("four octets"));
            assert_eq!(*octets, message(number), "changed on the way");
            number
        })
        .collect()
}

/// Both ends send `count` messages in bursts while the line misbehaves; then the line heals.
fn converse(parameters: Parameters, faults: Faults, seed: u64, count: u32, burst: u32) -> Pair {
    let mut pair = Pair::up(parameters, seed);
    pair.faults = faults;
    for number in 0..count {
        for side in [Side::User, Side::Network] {
            let now = pair.now;
            // A full queue or a lost link is the sender's to notice; here the message is simply not sent.
            let _ = pair.end(side).link.send(now, &message(number));
            pair.drain(side);
        }
        if number % burst == 0 {
            pair.run(Duration::from_millis(u64::from(number % 7) * 150));
        }
    }
    pair.faults = Faults::default();
    pair.run(Duration::from_secs(120));
    pair
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// With N200 out of reach and nothing swapped, no link is ever reset: all arrives, once, in order.
    #[test]
    fn everything_arrives_once_in_order_while_the_link_stays_up(
        lost in 0u64..40, doubled in 0u64..30, seed: u64, count in 1u32..100, burst in 1u32..30, k in 1u8..=64,
    ) {
        let parameters = Parameters { k, n200: 100, ..Parameters::default() };
        let pair = converse(parameters, Faults { lost, doubled, swapped: 0 }, seed, count, burst);
        for end in [&pair.user, &pair.network] {
            prop_assert_eq!(end.link.counters().resets, 0);
            prop_assert_eq!(numbers(&end.messages()), (0..count).collect::<Vec<_>>());
            prop_assert_eq!(end.link.state(), StateName::MultipleFrameEstablished);
        }
    }

    /// With everything against it the link may be reset, and then messages may be missing, but never doubled or
    /// out of order; and the healed line works.
    #[test]
    fn nothing_arrives_twice_and_the_link_heals(
        lost in 0u64..90, doubled in 0u64..50, swapped in 0u64..50, seed: u64, count in 1u32..100, burst in 1u32..30,
    ) {
        let mut pair = converse(Parameters::default(), Faults { lost, doubled, swapped }, seed, count, burst);
        for side in [Side::User, Side::Network] {
            let got = numbers(&pair.end(side).messages());
            prop_assert!(got.is_sorted_by(|a, b| a < b), "{:?}", got);
            let undisturbed = !pair.end(side).seen.iter().any(|seen| !matches!(seen, Seen::Message(_)))
                && pair.end(side.peer()).link.counters().resets == 0
                && pair.end(side.peer()).link.counters().released == 0;
            if undisturbed {
                prop_assert_eq!(got, (0..count).collect::<Vec<_>>());
            }
        }
        pair.forget();
        for side in [Side::User, Side::Network] {
            // A poll of T203 may just be under way, which is as healthy.
            let state = pair.end(side).link.state();
            let up = matches!(state, StateName::MultipleFrameEstablished | StateName::TimerRecovery);
            prop_assert!(up, "{:?}", state);
            pair.send(side, b"healed");
        }
        pair.run(Duration::from_secs(1));
        prop_assert_eq!(&pair.user.seen, &vec![Seen::Message(b"healed".to_vec())]);
        prop_assert_eq!(&pair.network.seen, &vec![Seen::Message(b"healed".to_vec())]);
    }
}

/// A long conversation on a bad line: the sequence numbers go round several times.
#[test]
fn sequence_numbers_wrap_on_a_bad_line() {
    let parameters = Parameters { n200: 100, ..Parameters::default() };
    let pair = converse(parameters, Faults { lost: 10, doubled: 5, swapped: 0 }, 42, 1000, 10);
    assert_eq!(numbers(&pair.user.messages()).len(), 1000);
    assert_eq!(numbers(&pair.network.messages()), (0..1000).collect::<Vec<_>>());
    assert!(pair.user.link.counters().retransmissions > 100, "{:?}", pair.user.link.counters());
}
