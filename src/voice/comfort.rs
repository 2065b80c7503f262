//! A little noise, so that a caller who hears nobody knows that the call still stands.
//!
//! Data path: nothing → here → one more member of the sum for callers. Streams and recordings have none of it.
//! Time: one chunk a tick.
//! Source: ITU-T G.711 Appendix II for what comfort noise is for; white here, as that of a quiet line is.

use dsp::level::mean_square_of;

/// Noise of one level.
pub struct ComfortNoise {
    peak: i32,
    random: u32,
}

impl ComfortNoise {
    /// Noise of this level.
    pub fn new(dbm0: f32) -> Self {
        // Even noise of peak p has a mean square of a third of p squared.
        ComfortNoise { peak: (3.0 * mean_square_of(dbm0)).sqrt() as i32, random: 1 }
    }

    /// The next chunk.
    pub fn fill(&mut self, out: &mut [i16]) {
        for sample in out {
            self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = ((((self.random >> 16) as i32 - 32_768) * self.peak) >> 15) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_loud_as_it_says() {
        for dbm0 in [-60.0, -50.0] {
            let mut noise = ComfortNoise::new(dbm0);
            let mut second = [0; 8000];
            noise.fill(&mut second);
            let level = dsp::level::power_dbm0(&second);
            assert!((level - dbm0).abs() < 0.5, "{dbm0}: {level}");
        }
    }
}
