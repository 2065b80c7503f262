//! Several people who speak in turn, again and again, each over a call of their own.
//!
//! A conversation is one timeline of turns and pauses that repeats. Who has a part in it speaks when the
//! timeline says so and is silent while the others do. The callers do not listen to one another: they
//! share the exchange's sample clock, so that they stay in step for days.
//!
//! Data path: clips → [`Conversation`] → one [`Part`] a caller → [`crate::script`].
//! Time: samples since the exchange was started.

use crate::wav::{Clip, SAMPLE_RATE};
use std::sync::Arc;

/// One person speaking once.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Turn {
    voice: usize,
    clip: Clip,
    /// Where it begins in the timeline, in samples.
    at: u64,
}

/// A timeline of turns that repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    turns: Arc<[Turn]>,
    period: u64,
}

impl Conversation {
    /// The turns in order, each a voice (counted from 0) and what it says; after each a pause of `pause_ms`.
    /// Turns without samples are left out.
    #[must_use]
    pub fn new(turns: &[(usize, Clip)], pause_ms: u32) -> Conversation {
        let mut at = 0;
        let mut timeline = Vec::new();
        for (voice, clip) in turns.iter().filter(|(_, clip)| !clip.is_empty()) {
            timeline.push(Turn { voice: *voice, clip: clip.clone(), at });
            at += clip.len() as u64 + u64::from(pause_ms) * u64::from(SAMPLE_RATE / 1000);
        }
        Conversation { turns: timeline.into(), period: at }
    }

    /// Two people with clips of their own: the first clip of one, the first of the other, the second of one...
    /// Who has fewer clips begins them again; it ends when every clip was heard.
    #[must_use]
    pub fn between(one: &[Clip], other: &[Clip], pause_ms: u32) -> Conversation {
        let rounds = one.len().max(other.len());
        let mut turns = Vec::new();
        for round in 0..rounds {
            for (voice, clips) in [one, other].into_iter().enumerate() {
                if let Some(clip) = clips.get(round % clips.len().max(1)) {
                    turns.push((voice, clip.clone()));
                }
            }
        }
        Conversation::new(&turns, pause_ms)
    }

    /// Samples after which it begins anew.
    #[must_use]
    pub fn period(&self) -> u64 {
        self.period
    }

    /// The part of one voice.
    #[must_use]
    pub fn part(&self, voice: usize) -> Part {
        Part { conversation: self.clone(), voice }
    }
}

/// What one caller does in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    conversation: Conversation,
    voice: usize,
}

impl Part {
    /// Speak or be silent for the samples that begin at `clock`. Turns that began before `joined` are left
    /// out, so that nobody begins in the middle of a word.
    pub fn fill(&self, clock: u64, joined: u64, out: &mut [i16]) {
        out.fill(0);
        if self.conversation.period == 0 {
            return;
        }
        let mut done = 0;
        while done < out.len() {
            let now = clock + done as u64;
            let place = now % self.conversation.period;
            // The turn or the pause after it that `place` lies in: turns begin at 0, so there is one.
            let index = self.conversation.turns.partition_point(|turn| turn.at <= place).saturating_sub(1);
            let turn = &self.conversation.turns[index];
            let until = self.conversation.turns.get(index + 1).map_or(self.conversation.period, |next| next.at);
            let offset = place - turn.at;
            let run = (until - place).min((out.len() - done) as u64) as usize;
            if turn.voice == self.voice && now - offset >= joined {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                if let Some(said) = turn.clip.get(from..) {
                    let said = &said[..said.len().min(run)];
                    out[done..done + said.len()].copy_from_slice(said);
                }
            }
            done += run;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clip(value: i16, samples: usize) -> Clip {
        vec![value; samples].into()
    }

    fn heard(part: &Part, joined: u64, from: u64, chunk: usize, chunks: usize) -> Vec<i16> {
        let mut all = Vec::new();
        for i in 0..chunks {
            let mut out = vec![99; chunk];
            part.fill(from + (i * chunk) as u64, joined, &mut out);
            all.extend(out);
        }
        all
    }

    #[test]
    fn one_speaks_while_the_other_is_silent() {
        let conversation = Conversation::between(&[clip(1, 10), clip(2, 6)], &[clip(3, 4)], 1);
        // 1 for 10, pause 8, 3 for 4, pause 8, 2 for 6, pause 8, 3 for 4, pause 8.
        assert_eq!(conversation.period(), 56);
        let expected: Vec<i16> =
            [(1, 10), (0, 8), (3, 4), (0, 8), (2, 6), (0, 8), (3, 4), (0, 8)].map(|(v, n)| vec![v; n]).concat();
        let one = heard(&conversation.part(0), 0, 0, 7, 16);
        let other = heard(&conversation.part(1), 0, 0, 7, 16);
        for (i, (a, b)) in one.iter().zip(&other).enumerate() {
            assert!(*a == 0 || *b == 0, "both speak at {i}");
            assert_eq!(a + b, expected[i % 56], "sample {i}");
        }
    }

    #[test]
    fn who_joins_in_the_middle_of_a_turn_waits_for_the_next() {
        let conversation = Conversation::new(&[(0, clip(1, 10)), (1, clip(3, 4)), (0, clip(2, 6))], 0);
        let said = heard(&conversation.part(0), 5, 5, 5, 5);
        assert_eq!(said[..9], [0; 9], "the rest of the first turn and the other's");
        assert_eq!(said[9..15], [2; 6]);
        assert_eq!(said[15..25], [1; 10], "the next round is whole");
    }

    #[test]
    fn a_conversation_about_nothing_is_silent() {
        let conversation = Conversation::between(&[], &[], 0);
        assert_eq!(heard(&conversation.part(0), 0, 3, 80, 2), [0; 160]);
        let conversation = Conversation::between(&[clip(1, 0)], &[], 100);
        assert_eq!(heard(&conversation.part(0), 0, 3, 80, 2), [0; 160]);
        let monologue = Conversation::between(&[clip(4, 8)], &[], 1);
        assert_eq!(heard(&monologue.part(0), 0, 0, 16, 2), [vec![4; 8], vec![0; 8], vec![4; 8], vec![0; 8]].concat());
    }

    proptest! {
        #[test]
        fn the_length_of_chunks_changes_nothing(from in 0u64..10_000, joined in 0u64..10_000, chunk in 1usize..200) {
            let conversation = Conversation::between(&[clip(1, 130), clip(2, 77)], &[clip(3, 50)], 3);
            let part = conversation.part(0);
            let mut whole = vec![0; chunk * 10];
            part.fill(from, joined, &mut whole);
            prop_assert_eq!(whole, heard(&part, joined, from, chunk, 10));
        }
    }
}
