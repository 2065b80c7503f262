//! Signal level in dBm0 and the detection of talking.
//!
//! Data path: a leg's samples → [`TalkDetector`] → started and stopped events, and the energy of all so far.
//! Time: counted in samples; no clock.
//! Source: ITU-T G.711 (11/88), clause 4: the theoretical load capacity of µ-law is +3.17 dBm0. That is a sine
//! wave reaching the overload point, 8159 of table 2a or 32636 on the 16-bit scale, so 0 dBm0 is a sine wave of peak
//! 22657, r.m.s. 16021; the Recommendation's own 1 kHz sequence of table 6 decodes to 16016. A-law is read on the
//! same scale, which overstates it by 0.07 dB.
//! Words: *hang-over* is how long talking is believed to go on after the last loud moment.

use simd::Kernel;
use simd::squares::{self, square};

#[cfg(test)]
use crate::samples_in_ms;
use crate::{SAMPLE_RATE, greater, lesser};

/// Peak of a sine wave of 0 dBm0 on the 16-bit scale: 32636 / 10^(3.17 / 20).
pub const MILLIWATT_PEAK: f32 = 22_657.3;

/// Mean square of a signal of 0 dBm0 on the 16-bit scale.
pub const MILLIWATT_MEAN_SQUARE: f32 = MILLIWATT_PEAK * MILLIWATT_PEAK / 2.0;

/// The level reported for digital silence, and the lowest ever reported.
pub const SILENCE_DBM0: f32 = -90.0;

/// Peak of a sine wave of the given level.
#[must_use]
pub fn peak_of(dbm0: f32) -> f32 {
    MILLIWATT_PEAK * 10f32.powf(dbm0 / 20.0)
}

/// Mean square of a signal of the given level.
#[must_use]
pub fn mean_square_of(dbm0: f32) -> f32 {
    MILLIWATT_MEAN_SQUARE * 10f32.powf(dbm0 / 10.0)
}

/// Level of a signal with the given mean square, not below [`SILENCE_DBM0`].
#[must_use]
pub fn dbm0_of(mean_square: f32) -> f32 {
    if mean_square <= 0.0 {
        return SILENCE_DBM0;
    }
    (10.0 * (mean_square / MILLIWATT_MEAN_SQUARE).log10()).max(SILENCE_DBM0)
}

/// Level of a run of samples, not below [`SILENCE_DBM0`]; an empty run is silent.
#[must_use]
pub fn power_dbm0(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DBM0;
    }
    dbm0_of((energy(samples) as f64 / samples.len() as f64) as f32)
}

/// Sum of the squares of a run of samples: exact, so the order of adding does not matter.
fn energy(samples: &[i16]) -> u64 {
    let (blocks, rest) = samples.as_chunks::<BLOCK>();
    let mut total = rest.iter().map(|&sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
    for blocks in blocks.chunks(AT_ONCE) {
        let mut sums = [0; AT_ONCE];
        squares::each::<BLOCK, 0>(blocks, &mut sums);
        total += sums.iter().sum::<u64>();
    }
    total
}

/// The energy of each 5 ms of a chunk, if somebody else has found it: sums of squares of samples without their two lowest bits, which those
/// of G.711 do not have.
#[derive(Debug, Clone, Copy)]
pub struct ChunkEnergy {
    mean_squares: [f32; AT_ONCE],
    total: u64,
    blocks: usize,
}

impl ChunkEnergy {
    /// From those of its blocks; there may be more. There are such where a chunk has whole blocks, and not too many.
    #[inline(always)]
    pub(crate) fn of_chunk(sums: &[u32; AT_ONCE], samples: usize) -> Option<Self> {
        let blocks = samples / BLOCK;
        if blocks > AT_ONCE || blocks * BLOCK != samples {
            return None;
        }
        let sums = std::array::from_fn(|n| if n < blocks { sums[n] } else { 0 });
        Some(Self::of_sums(sums, blocks))
    }

    /// From those of so many blocks, all others having none.
    #[inline(always)]
    fn of_sums(sums: [u32; AT_ONCE], blocks: usize) -> Self {
        let mean_squares = sums.map(|sum| sum as f32 * ((1 << (2 * LEFT_OUT)) as f32 / BLOCK as f32));
        Self { mean_squares, total: sums.iter().map(|&sum| u64::from(sum)).sum(), blocks }
    }
}

/// What a [`TalkDetector`] noticed, with the position in samples since the detector was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TalkEvent {
    /// Talking began; `at` is the sample at which it was believed.
    Started {
        /// Position in samples.
        at: u64,
    },
    /// Talking ended; `at` is the sample at which the hang-over ran out.
    Stopped {
        /// Position in samples.
        at: u64,
    },
}

/// How a [`TalkDetector`] decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TalkSettings {
    /// Quietest talking, in dBm0. Default -40.
    pub threshold_dbm0: f32,
    /// How much of the last 60 ms must be loud before talking is believed, in ms. Default 30, from 10 to 60.
    pub attack_ms: u32,
    /// How long talking outlives the last loud moment, in ms. Default 400.
    pub hang_over_ms: u32,
}

impl Default for TalkSettings {
    fn default() -> Self {
        Self { threshold_dbm0: -40.0, attack_ms: 30, hang_over_ms: 400 }
    }
}

/// Tells talking from silence on one leg.
///
/// Loudness is judged every 5 ms over the last 10 ms. What counts as loud follows the line: a little above the quietest
/// moment of the last seconds, so that a noisy street is not talking, but never below the threshold set, and
/// never so high that an ordinary voice could not pass.
#[derive(Debug, Clone)]
pub struct TalkDetector {
    threshold: f32,
    attack: u32,
    hang_over: u32,
    position: u64,
    /// Energy of all that was heard, of what was heard before the present block, and how many samples that has. Of samples without
    /// their lowest bits.
    energy: u64,
    energy_before: u64,
    filled: u8,
    /// Energy of the block before.
    previous: f32,
    /// Whether the last blocks were loud, the newest in the highest bit.
    history: u32,
    quiet_blocks: u32,
    talking: bool,
    /// Quietest moments of the last stretches of half a second, as mean squares.
    floors: [f32; 6],
    /// The least of those before the present one.
    floor_before: f32,
    next_floor: u8,
    floor_blocks: u8,
}

/// Samples in a block: 5 ms.
const BLOCK: usize = 40;
/// So many lowest bits of a sample do not count.
const LEFT_OUT: i32 = simd::screen::LEFT_OUT as i32;
/// Blocks whose energy is found at once: 20 ms.
const AT_ONCE: usize = 4;
const _: () = assert!(BLOCK == simd::screen::FORTY);
/// Blocks looked back at for the attack: 60 ms.
const ATTACK_BLOCKS: u32 = 12;
/// They are the highest bits.
const LOOKED_BACK_AT: u32 = !(u32::MAX >> ATTACK_BLOCKS);
/// Blocks in a stretch of the noise floor: half a second.
const FLOOR_BLOCKS: u8 = 100;
/// Loud is this much above the noise floor: 9 dB.
const ABOVE_FLOOR: f32 = 7.94;
/// The noise floor never lifts the threshold above this mean square: -26 dBm0.
const HIGHEST_THRESHOLD: f32 = 644_742.5;

impl Default for TalkDetector {
    fn default() -> Self {
        Self::new(TalkSettings::default())
    }
}

impl TalkDetector {
    /// A detector that has heard nothing yet.
    #[must_use]
    pub fn new(settings: TalkSettings) -> Self {
        let block_ms = BLOCK as u32 * 1_000 / SAMPLE_RATE;
        Self {
            threshold: mean_square_of(settings.threshold_dbm0),
            attack: (settings.attack_ms / block_ms).clamp(2, ATTACK_BLOCKS),
            hang_over: (settings.hang_over_ms / block_ms).max(1),
            position: 0,
            energy: 0,
            energy_before: 0,
            filled: 0,
            previous: 0.0,
            history: 0,
            quiet_blocks: 0,
            talking: false,
            floors: [0.0; 6],
            floor_before: 0.0,
            next_floor: 0,
            floor_blocks: 0,
        }
    }

    /// Listens to a chunk of any length and reports what changed, in order.
    pub fn process(&mut self, samples: &[i16], events: &mut impl FnMut(TalkEvent)) {
        simd::run(Listen { detector: self, samples, events });
    }

    /// Listens to a chunk whose energies are known, which begins where a chunk of 5 ms begins.
    #[inline(always)]
    pub fn process_known(&mut self, energies: &ChunkEnergy, events: &mut impl FnMut(TalkEvent)) {
        debug_assert_eq!(self.filled, 0);
        self.blocks(energies, events);
    }

    /// Sum of the squares of all samples heard so far, without their two lowest bits, which G.711 does not have.
    #[must_use]
    pub fn energy(&self) -> u64 {
        self.energy << (2 * LEFT_OUT)
    }

    /// Whether talking is believed at this moment.
    #[must_use]
    pub fn is_talking(&self) -> bool {
        self.talking
    }

    /// Mean square of the background the detector has settled on.
    #[cfg(test)]
    fn floor(&self) -> f32 {
        self.floor_before.min(self.floors[usize::from(self.next_floor)])
    }

    /// Listens to part of a block.
    #[inline(always)]
    fn part(&mut self, samples: &[i16], events: &mut impl FnMut(TalkEvent)) {
        if samples.is_empty() {
            return;
        }
        self.energy += samples.iter().copied().map(square::<LEFT_OUT>).sum::<u64>();
        self.position += samples.len() as u64;
        self.filled += samples.len() as u8;
        if usize::from(self.filled) == BLOCK {
            let sum = (self.energy - self.energy_before) as u32;
            self.judge(&ChunkEnergy::of_sums([sum, 0, 0, 0], 1), events);
            self.filled = 0;
        }
    }

    /// Listens to blocks of which these are the energies.
    #[inline(always)]
    fn blocks(&mut self, energies: &ChunkEnergy, events: &mut impl FnMut(TalkEvent)) {
        self.energy += energies.total;
        self.position += (energies.blocks * BLOCK) as u64;
        self.judge(energies, events);
    }

    /// Judges the next blocks, of which these are the energies. All of them were counted already.
    #[inline(always)]
    fn judge(&mut self, energies: &ChunkEnergy, events: &mut impl FnMut(TalkEvent)) {
        let &ChunkEnergy { mean_squares: [one, two, three, four], blocks, .. } = energies;
        let is_one_stretch = self.floor_blocks + blocks as u8 <= FLOOR_BLOCKS;
        // As many at once as chunks have.
        match blocks {
            4 if is_one_stretch => self.judge_some([one, two, three, four], self.position, events),
            2 if is_one_stretch => self.judge_some([one, two], self.position, events),
            _ => {
                for (n, &mean_square) in energies.mean_squares[..blocks].iter().enumerate() {
                    self.judge_some([mean_square], self.position - ((blocks - 1 - n) * BLOCK) as u64, events);
                }
            }
        }
        self.energy_before = self.energy;
    }

    /// Tells which of the blocks of a stretch are loud, the last of which ends at this position. The quietest moment of each stretch is kept.
    /// They begin at zero, so the first seconds of a leg are judged by the threshold alone.
    #[inline(always)]
    fn judge_some<const COUNT: usize>(
        &mut self,
        mean_squares: [f32; COUNT],
        end: u64,
        events: &mut impl FnMut(TalkEvent),
    ) {
        // All blocks side by side.
        const { assert!(COUNT <= 4, "the quietest are those of four") };
        let Self { threshold, previous, floor_before, .. } = *self;
        let floor = &mut self.floors[usize::from(self.next_floor)];
        let smooth: [f32; COUNT] =
            std::array::from_fn(|n| (mean_squares[n] + if n == 0 { previous } else { mean_squares[n - 1] }) * 0.5);
        // The quietest before each of them: what was before the first, then the least of two of these, and of four.
        let begun = if self.floor_blocks == 0 { f32::INFINITY } else { *floor };
        let one: [f32; COUNT] = std::array::from_fn(|n| if n == 0 { begun } else { smooth[n - 1] });
        let two: [f32; COUNT] = std::array::from_fn(|n| if n < 1 { one[n] } else { lesser(one[n], one[n - 1]) });
        let all: [f32; COUNT] = std::array::from_fn(|n| if n < 2 { two[n] } else { lesser(two[n], two[n - 2]) });
        let least: [f32; COUNT] = std::array::from_fn(|n| {
            let quietest = lesser(floor_before, if n == 0 { *floor } else { all[n] });
            greater(threshold, lesser(quietest * ABOVE_FLOOR, HIGHEST_THRESHOLD))
        });
        let loud = simd::which_exceed(&smooth, &least);
        *floor = lesser(all[COUNT - 1], smooth[COUNT - 1]);
        self.previous = mean_squares[COUNT - 1];
        self.floor_blocks += COUNT as u8;
        if self.floor_blocks == FLOOR_BLOCKS {
            self.next_stretch();
        }
        self.follow(loud, COUNT as u32, end, events);
    }

    /// The next blocks, of which these were loud, the first in the lowest bit.
    #[inline(always)]
    fn follow(&mut self, loud: u32, blocks: u32, end: u64, events: &mut impl FnMut(TalkEvent)) {
        let newest = loud << (u32::BITS - blocks);
        let history = self.history >> blocks | newest;
        let stays = match self.talking {
            true => self.quiet_blocks.saturating_add(blocks) < self.hang_over,
            // In all that any of them looks back at.
            false => history.count_ones() < self.attack,
        };
        if !stays {
            self.follow_closely(loud, blocks, end, events);
        }
        self.history = history & LOOKED_BACK_AT;
        // Without a branch, for it goes up and down with a voice. Years of silence are as good as months.
        let quiet_blocks = self.quiet_blocks.min(u32::MAX / 2) + blocks;
        self.quiet_blocks = if loud == 0 { quiet_blocks } else { newest.leading_zeros() };
    }

    /// Whether talking begins or ends with one of them.
    #[cold]
    fn follow_closely(&mut self, loud: u32, blocks: u32, end: u64, events: &mut impl FnMut(TalkEvent)) {
        let (mut history, mut quiet_blocks) = (self.history, self.quiet_blocks);
        for block in 0..blocks {
            let is_loud = loud >> block & 1 != 0;
            history = (history >> 1 | u32::from(is_loud) << (u32::BITS - 1)) & LOOKED_BACK_AT;
            quiet_blocks = if is_loud { 0 } else { quiet_blocks.saturating_add(1) };
            let was = self.talking;
            // A quiet block never makes loud ones more.
            self.talking =
                if was { quiet_blocks < self.hang_over } else { is_loud && history.count_ones() >= self.attack };
            if was != self.talking {
                let at = end - u64::from(blocks - 1 - block) * BLOCK as u64;
                events(if self.talking { TalkEvent::Started { at } } else { TalkEvent::Stopped { at } });
            }
        }
    }

    #[cold]
    fn next_stretch(&mut self) {
        self.floor_blocks = 0;
        self.next_floor = (self.next_floor + 1) % self.floors.len() as u8;
        let others = self.floors.iter().enumerate().filter(|(stretch, _)| *stretch != usize::from(self.next_floor));
        self.floor_before = others.map(|(_, floor)| *floor).fold(f32::INFINITY, f32::min);
    }
}

/// A detector, what it is to listen to, and whom it is to tell.
struct Listen<'a, F> {
    detector: &'a mut TalkDetector,
    samples: &'a [i16],
    events: &'a mut F,
}

impl<F: FnMut(TalkEvent)> Kernel for Listen<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Listen { detector, samples, events } = self;
        // Of whole blocks nearly always.
        let (begun, rest) = samples.split_at(((BLOCK - usize::from(detector.filled)) % BLOCK).min(samples.len()));
        detector.part(begun, events);
        let (blocks, rest) = rest.as_chunks::<BLOCK>();
        for blocks in blocks.chunks(AT_ONCE) {
            let mut sums = [0; AT_ONCE];
            squares::each::<BLOCK, LEFT_OUT>(blocks, &mut sums);
            detector.blocks(&ChunkEnergy::of_sums(sums.map(|sum| sum as u32), blocks.len()), events);
        }
        detector.part(rest, events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::{Law, decode};
    use crate::tones::{Oscillator, Tone};

    /// G.711, table 6: the octets of a 1 kHz sine wave at a nominal level of 0 dBm0, µ-law.
    #[test]
    fn the_recommendations_own_milliwatt_reads_zero() {
        let mut samples = [0; 8];
        decode(Law::Mu, &[0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e], &mut samples);
        assert!(power_dbm0(&samples).abs() < 0.01, "{}", power_dbm0(&samples));
    }

    /// G.711, table 5: the same for A-law, which our one scale overstates by 0.07 dB.
    #[test]
    fn the_milliwatt_of_a_law_reads_almost_zero() {
        let mut samples = [0; 8];
        decode(Law::A, &[0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4], &mut samples);
        assert!((power_dbm0(&samples) - 0.07).abs() < 0.01, "{}", power_dbm0(&samples));
    }

    #[test]
    fn helpers_agree_with_one_another() {
        for dbm0 in [-60.0, -13.0, 0.0, 3.0] {
            assert!((dbm0_of(mean_square_of(dbm0)) - dbm0).abs() < 1e-3);
            let peak = peak_of(dbm0);
            assert!((dbm0_of(peak * peak / 2.0) - dbm0).abs() < 1e-3);
        }
        assert!((peak_of(3.17) - 32_636.0).abs() < 2.0);
        assert_eq!(power_dbm0(&[]), SILENCE_DBM0);
        assert_eq!(power_dbm0(&[0; 80]), SILENCE_DBM0);
        assert!(power_dbm0(&[i16::MIN; 80]) > 6.0);
    }

    fn tone(dbm0: f32, ms: u32) -> Vec<i16> {
        let mut samples = vec![0; samples_in_ms(ms) as usize];
        Oscillator::new(Tone::new(500.0, dbm0)).fill(&mut samples);
        samples
    }

    fn events(detector: &mut TalkDetector, samples: &[i16]) -> Vec<TalkEvent> {
        let mut events = vec![];
        detector.process(samples, &mut |event| events.push(event));
        events
    }

    #[test]
    fn talking_starts_after_the_attack_and_ends_after_the_hang_over() {
        let mut signal = vec![0; 800];
        signal.extend(tone(-20.0, 500));
        signal.extend([0; 8_000]);
        let events = events(&mut TalkDetector::default(), &signal);
        let [TalkEvent::Started { at: start }, TalkEvent::Stopped { at: stop }] = events[..] else {
            panic!("{events:?}");
        };
        assert!((240..=480).contains(&(start - 800)), "attack of {} samples", start - 800);
        assert!((3_200..=3_320).contains(&(stop - 4_800)), "hang-over of {} samples", stop - 4_800);
    }

    #[test]
    fn pauses_shorter_than_the_hang_over_are_part_of_talking() {
        let mut signal = vec![];
        for _ in 0..5 {
            signal.extend(tone(-20.0, 200));
            signal.extend(vec![0; 2_800]);
        }
        assert_eq!(events(&mut TalkDetector::default(), &signal).len(), 1);
    }

    #[test]
    fn clicks_and_whispers_are_not_talking() {
        let mut detector = TalkDetector::default();
        assert_eq!(events(&mut detector, &tone(-43.0, 1_000)), []);
        for _ in 0..10 {
            assert_eq!(events(&mut detector, &tone(-3.0, 15)), []);
            assert_eq!(events(&mut detector, &[0; 800]), []);
        }
    }

    #[test]
    fn a_steady_noise_is_learnt_and_a_voice_above_it_heard() {
        let mut detector = TalkDetector::default();
        let first = events(&mut detector, &tone(-36.0, 10_000));
        assert_eq!(first.len(), 2, "believed at first, then known for noise: {first:?}");
        assert!((dbm0_of(detector.floor()) + 36.0).abs() < 0.5);
        assert!(matches!(events(&mut detector, &tone(-24.0, 300))[..], [TalkEvent::Started { .. }]));
    }

    #[test]
    fn a_loud_steady_sound_goes_on_being_talking() {
        let mut detector = TalkDetector::default();
        assert_eq!(events(&mut detector, &tone(-10.0, 20_000)).len(), 1);
        assert!(detector.is_talking());
    }
}
