//! Who is heard when only the loudest few are: in a conference of a hundred, the noise of ninety-seven stays out.
//!
//! Each leg has a [`Talker`], which follows how loud it is and fades it in and out. The conference has a [`Floor`], which
//! finds the loudest few of its members once a tick. Who has the floor keeps it against somebody who is only a little louder,
//! and for half a second at least; nobody is given it for noise, and nobody loses it to silence.
//!
//! Data path: each member's chunk → [`Talker::hear`] → [`Floor::offer`] → [`Talker::settle`] → chunks for the sum.
//! Time: counted in samples; chosen once a tick.
//! Source: our own.
//! Words: *floor*, the right to be heard; *score*, the level that somebody competes with.

use crate::level::mean_square_of;
use crate::ramp::Ramp;
use crate::samples_in_ms;

/// Most that can have the floor at once.
pub const MOST_TALKERS: usize = 16;

/// Samples in a block: 5 ms.
const BLOCK: usize = 40;

/// Scores fall by this a block: 6 dB in 200 ms, so that a talker's pause for breath is not the end of his turn.
const FALL: f32 = 0.966;

/// Who has the floor competes with this times his score: 6 dB.
const KEEPS: f32 = 4.0;

/// And keeps it for so many samples against all but silence: half a second.
const HOLD: u32 = samples_in_ms(500);

/// Below this nobody asks for the floor.
const LOWEST_DBM0: f32 = -50.0;

/// Fading in and out, in samples: 3 and 15 ms.
const FADE_IN: u32 = samples_in_ms(3);
const FADE_OUT: u32 = samples_in_ms(15);

/// What one member competes with, and how he is faded.
#[derive(Debug, Clone)]
pub struct Talker {
    score: f32,
    has_floor: bool,
    /// Samples for which he keeps it.
    held_for: u32,
    now: Ramp,
    delayed: Ramp,
}

impl Default for Talker {
    fn default() -> Self {
        Self::new()
    }
}

impl Talker {
    /// A member who has said nothing yet and is not heard.
    #[must_use]
    pub fn new() -> Self {
        let ramp = Ramp::new(0.0, FADE_IN, FADE_OUT);
        Self { score: 0.0, has_floor: false, held_for: 0, now: ramp.clone(), delayed: ramp }
    }

    /// Listens to a chunk before the floor is given.
    pub fn hear(&mut self, samples: &[i16]) {
        for block in samples.chunks(BLOCK) {
            let energy: f32 = block.iter().map(|&sample| f32::from(sample) * f32::from(sample)).sum();
            self.score = (energy / block.len() as f32).max(self.score * FALL);
        }
        self.held_for = self.held_for.saturating_sub(samples.len() as u32);
    }

    /// Takes note of whether he has the floor, and fades what he says `now` and what he said before and is streamed,
    /// `delayed`. Returns whether there is anything to add to a sum, now and delayed.
    pub fn settle(&mut self, has_floor: bool, now: &mut [i16], delayed: &mut [i16]) -> (bool, bool) {
        if has_floor && !self.has_floor {
            self.held_for = HOLD;
        }
        self.has_floor = has_floor;
        let target = if has_floor { 1.0 } else { 0.0 };
        let silent = (self.now.is_silent(target), self.delayed.is_silent(target));
        self.now.apply(target, now);
        self.delayed.apply(target, delayed);
        (!silent.0, !silent.1)
    }

    /// Whether he has the floor.
    #[must_use]
    pub fn has_floor(&self) -> bool {
        self.has_floor
    }

    /// What he competes with; nothing when he does not ask for the floor.
    fn bid(&self) -> Option<f32> {
        match (self.has_floor, self.held_for) {
            (true, 0) => Some(self.score * KEEPS),
            (true, _) => Some(f32::MAX),
            (false, _) => (self.score >= mean_square_of(LOWEST_DBM0)).then_some(self.score),
        }
    }
}

/// The loudest few of a conference in one tick.
#[derive(Debug, Clone)]
pub struct Floor {
    limit: usize,
    /// Bid and member, the highest first.
    best: [(f32, u32); MOST_TALKERS],
    count: usize,
}

impl Floor {
    /// A floor for so many at once, from 1 to [`MOST_TALKERS`].
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.clamp(1, MOST_TALKERS), best: [(0.0, 0); MOST_TALKERS], count: 0 }
    }

    /// Begin a tick.
    pub fn begin(&mut self) {
        self.count = 0;
    }

    /// One member competes. Of equal bids the earlier wins, so that nobody is replaced for nothing.
    pub fn offer(&mut self, member: u32, talker: &Talker) {
        let Some(bid) = talker.bid() else { return };
        let place = self.best[..self.count].partition_point(|(other, _)| *other >= bid);
        if place == self.limit {
            return;
        }
        self.count = (self.count + 1).min(self.limit);
        self.best[place..self.count].rotate_right(1);
        self.best[place] = (bid, member);
    }

    /// Whether a member has the floor, when all have offered.
    #[must_use]
    pub fn holds(&self, member: u32) -> bool {
        self.best[..self.count].iter().any(|(_, holder)| *holder == member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::peak_of;

    struct Conference {
        floor: Floor,
        members: Vec<Talker>,
    }

    impl Conference {
        fn new(limit: usize, members: usize) -> Self {
            Self { floor: Floor::new(limit), members: vec![Talker::new(); members] }
        }

        /// A tick of 10 ms in which the members speak at these levels; who has the floor.
        fn tick(&mut self, dbm0: &[f32]) -> Vec<usize> {
            self.floor.begin();
            for (index, (member, &dbm0)) in self.members.iter_mut().zip(dbm0).enumerate() {
                member.hear(&[peak_of(dbm0) as i16; 80]);
                self.floor.offer(index as u32, member);
            }
            for (index, member) in self.members.iter_mut().enumerate() {
                member.settle(self.floor.holds(index as u32), &mut [0; 80], &mut [0; 80]);
            }
            self.holders()
        }

        fn ticks(&mut self, count: usize, dbm0: &[f32]) -> Vec<usize> {
            (0..count).fold(vec![], |_, _| self.tick(dbm0))
        }

        fn holders(&self) -> Vec<usize> {
            (0..self.members.len()).filter(|&member| self.members[member].has_floor()).collect()
        }
    }

    #[test]
    fn the_loudest_few_have_the_floor_at_once() {
        let mut conference = Conference::new(3, 6);
        assert_eq!(conference.tick(&[-30.0, -20.0, -60.0, -25.0, -22.0, -28.0]), [1, 3, 4]);
        // The next ask in vain for as long as these speak.
        assert_eq!(conference.ticks(1_000, &[-21.0, -20.0, -60.0, -25.0, -22.0, -24.0]), [1, 3, 4]);
        // One of them stops: after half a second and the fall of his score another is heard.
        assert_eq!(conference.ticks(100, &[-21.0, -20.0, -60.0, -90.0, -22.0, -24.0]), [0, 1, 4]);
    }

    #[test]
    fn a_little_louder_does_not_take_the_floor_and_much_louder_does_after_half_a_second() {
        let mut conference = Conference::new(1, 2);
        assert_eq!(conference.tick(&[-20.0, -90.0]), [0]);
        assert_eq!(conference.ticks(200, &[-20.0, -15.0]), [0]);
        let mut conference = Conference::new(1, 2);
        conference.tick(&[-20.0, -90.0]);
        let ticks = (1..).find(|_| conference.tick(&[-20.0, -10.0]) == [1]);
        assert!((49..=52).contains(&ticks.expect("he gets it")), "{ticks:?}");
    }

    #[test]
    fn silence_and_noise_take_nothing_from_nobody() {
        let mut conference = Conference::new(2, 4);
        assert!(conference.ticks(100, &[-55.0; 4]).is_empty(), "noise is given no floor");
        conference.ticks(10, &[-20.0, -90.0, -90.0, -90.0]);
        assert_eq!(conference.ticks(3_000, &[-90.0; 4]), [0], "who spoke last is still heard when all are silent");
        assert_eq!(conference.tick(&[-90.0, -90.0, -30.0, -90.0]), [0, 2], "and a word finds room at once");
    }

    #[test]
    fn fading_does_not_click_and_a_faded_member_adds_nothing() {
        let mut talker = Talker::new();
        let (mut now, mut delayed) = ([8_000; 160], [8_000; 160]);
        assert_eq!(talker.settle(false, &mut now, &mut delayed), (false, false));
        let mut shape = vec![0];
        for (has_floor, heard) in [(true, true), (true, true), (false, true), (false, false)] {
            let (mut now, mut delayed) = ([8_000; 160], [8_000; 160]);
            assert_eq!(talker.settle(has_floor, &mut now, &mut delayed), (heard, heard));
            assert_eq!(now, delayed);
            shape.extend(now);
        }
        let steps = shape.windows(2).map(|w| w[1] - w[0]);
        assert_eq!(steps.clone().max(), Some(334), "in within 3 ms");
        assert_eq!(steps.min(), Some(-67), "out within 15 ms");
        assert_eq!(talker.settle(false, &mut now, &mut delayed), (false, false));
    }

    #[test]
    fn an_event_of_any_size_has_no_more_than_the_limit() {
        let mut conference = Conference::new(MOST_TALKERS + 5, 2_000);
        assert_eq!(conference.tick(&[-20.0; 2_000]), (0..MOST_TALKERS).collect::<Vec<_>>());
    }
}
