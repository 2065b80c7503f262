//! Whatever the chunk lengths and whoever runs first, no sample is lost or repeated, and each takes
//! exactly the promised time.

mod common;

use common::{End, pattern, span};
use hal::{ChunkLength, Line, Timeslot};
use proptest::prelude::*;

fn chunk_length() -> impl Strategy<Value = ChunkLength> {
    prop_oneof![Just(ChunkLength::Ms5), Just(ChunkLength::Ms10), Just(ChunkLength::Ms20)]
}

/// What was heard is `delay` idle octets and then the pattern of that timeslot, from its start.
fn assert_exact(end: &End, delay_ms: u32) {
    let delay = delay_ms as usize * 8;
    for (at, octet) in end.heard.iter().enumerate() {
        let expected = match at.checked_sub(delay) {
            None => end.line.idle_octet(),
            Some(at) => pattern(end.listened.0, at as u64),
        };
        assert_eq!(*octet, expected, "octet {at} of timeslot {}", end.listened);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn samples_are_conserved(
        near_chunk in chunk_length(),
        far_chunk in chunk_length(),
        more_blocks in 0_u32..5,
        line in prop_oneof![Just(Line::T1), Just(Line::E1)],
        timeslot in 1_u8..=24,
        turns in prop::collection::vec(any::<bool>(), 50..300),
    ) {
        let delay_ms = near_chunk.milliseconds().max(far_chunk.milliseconds()) + 5 * more_blocks;
        // Nobody is given up in here: a turn that cannot be taken is the point of the test.
        let (card, far_end) = span(line, delay_ms, u32::MAX);
        let mut near = End::start(card, near_chunk);
        let mut far = End::attach(&far_end, far_chunk);
        near.listened = Timeslot(timeslot);
        far.listened = Timeslot(timeslot);
        for near_first in turns {
            let (first, second) = if near_first { (&mut near, &mut far) } else { (&mut far, &mut near) };
            // One of them can always go on, or the span would be stuck.
            prop_assert!(first.tick() || second.tick());
            let ahead = near.heard.len().abs_diff(far.heard.len());
            prop_assert!(ahead <= delay_ms as usize * 8, "{ahead} samples apart");
        }
        assert_exact(&near, delay_ms);
        assert_exact(&far, delay_ms);
        prop_assert!(near.alarms().is_empty() && far.alarms().is_empty());
    }
}

#[test]
fn one_tick_each_is_the_promised_delay() {
    let (card, far_end) = span(Line::E1, 20, 200);
    let mut near = End::start(card, ChunkLength::Ms10);
    let mut far = End::attach(&far_end, ChunkLength::Ms10);
    for _ in 0..100 {
        assert!(near.tick());
        assert!(far.tick());
    }
    assert_eq!(far.heard[159], Line::E1.idle_octet());
    assert_eq!(far.heard[160], pattern(1, 0));
    assert_exact(&near, 20);
    assert_exact(&far, 20);
}

#[test]
fn a_chunk_longer_than_the_delay_is_refused() {
    let (card, _far_end) = span(Line::E1, 10, 200);
    let error = hal::Card::start(Box::new(card), ChunkLength::Ms20).err().expect("refused");
    assert_eq!(error.kind(), hal::ErrorKind::GiveUp);
}
