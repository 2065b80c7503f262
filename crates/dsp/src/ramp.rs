//! A gain that changes without a click.
//!
//! Data path: a target, given as often as one likes → [`Ramp`] → samples, in place.
//! Time: counted in samples; how fast the gain moves is set when the ramp is made.
//! Source: our own; a voice switched within a sample clicks, within some milliseconds it does not.

/// A gain on its way to a target, in a straight line.
#[derive(Debug, Clone, PartialEq)]
pub struct Ramp {
    now: f32,
    /// Change of the gain a sample, upwards and downwards.
    up: f32,
    down: f32,
}

impl Ramp {
    /// A ramp that stands at `now` and takes so many samples from 0 to 1, and from 1 to 0; at least one.
    #[must_use]
    pub fn new(now: f32, up: u32, down: u32) -> Self {
        Self { now, up: 1.0 / up.max(1) as f32, down: 1.0 / down.max(1) as f32 }
    }

    /// The gain the next sample begins from.
    #[must_use]
    pub fn now(&self) -> f32 {
        self.now
    }

    /// Whether samples would be silent from here on: closed, and nobody asks for more.
    #[must_use]
    pub fn is_silent(&self, target: f32) -> bool {
        self.now == 0.0 && target == 0.0
    }

    /// Multiplies a chunk, moving towards `target` (not negative). At a gain of exactly 1 samples are left as they are.
    pub fn apply(&mut self, target: f32, samples: &mut [i16]) {
        let (rising, step) = if target > self.now { (true, self.up) } else { (false, -self.down) };
        let mut samples = samples.iter_mut();
        while self.now != target {
            let Some(sample) = samples.next() else { return };
            self.now += step;
            if rising == (self.now >= target) {
                self.now = target;
            }
            *sample = scaled(*sample, self.now);
        }
        if target == 0.0 {
            samples.for_each(|sample| *sample = 0);
        } else if target != 1.0 {
            samples.for_each(|sample| *sample = scaled(*sample, target));
        }
    }
}

fn scaled(sample: i16, gain: f32) -> i16 {
    rounded(f32::from(sample) * gain)
}

/// The nearest sample, clamped. Beside 1.5 × 2^23 the last bit of a float is worth one: the addition rounds, for several
/// samples at once.
pub(crate) fn rounded(value: f32) -> i16 {
    const BESIDE: f32 = 12_582_912.0;
    let clamped = value.clamp(f32::from(i16::MIN), f32::from(i16::MAX));
    (clamped + BESIDE).to_bits().wrapping_sub(BESIDE.to_bits()) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_in_a_straight_line_and_stops_at_the_target() {
        let mut ramp = Ramp::new(0.0, 10, 5);
        let mut samples = [1_000; 15];
        ramp.apply(1.0, &mut samples);
        assert_eq!(samples[..10], [100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000]);
        assert_eq!((ramp.now(), samples[14]), (1.0, 1_000));
        let mut samples = [1_000; 7];
        ramp.apply(0.0, &mut samples);
        assert_eq!(samples, [800, 600, 400, 200, 0, 0, 0]);
        assert!(ramp.is_silent(0.0) && !ramp.is_silent(0.5));
    }

    #[test]
    fn at_unity_samples_are_untouched_and_beyond_it_they_are_clamped() {
        let every: Vec<i16> = (i16::MIN..=i16::MAX).step_by(7).collect();
        let mut samples = every.clone();
        Ramp::new(1.0, 40, 40).apply(1.0, &mut samples);
        assert_eq!(samples, every);
        let mut loud = [i16::MAX, i16::MIN, 3];
        Ramp::new(2.0, 40, 40).apply(2.0, &mut loud);
        assert_eq!(loud, [i16::MAX, i16::MIN, 6]);
    }

    #[test]
    fn rounding_is_to_the_nearest() {
        for tenth in -400_000..400_000 {
            let value = tenth as f32 / 10.0;
            assert_eq!(rounded(value), value.round_ties_even() as i16, "{value}");
        }
    }

    #[test]
    fn the_length_of_chunks_changes_nothing() {
        let run = |chunk: usize| {
            let mut ramp = Ramp::new(0.0, 37, 90);
            let mut samples: Vec<i16> = (0..400).map(|n| (n * 97 % 30_000) as i16).collect();
            for (index, samples) in samples.chunks_mut(chunk).enumerate() {
                ramp.apply(if index * chunk < 200 { 1.0 } else { 0.25 }, samples);
            }
            samples
        };
        assert_eq!(run(1), run(40));
        assert_eq!(run(8), run(100));
    }
}
