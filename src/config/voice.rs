//! `[voice]`: what is done to callers' voices on their way into a conference.

use super::talk_level;
use dsp::talkers::MOST_TALKERS;
use serde::{Deserialize, Deserializer, de::Error as _};

/// `[voice]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Voice {
    /// Who takes out of a caller's voice what was sent to him.
    pub echo_canceller: EchoCanceller,
    /// The longest echo that is taken out, in milliseconds.
    #[serde(deserialize_with = "tail")]
    pub echo_tail_ms: u32,
    /// Bring callers to one level.
    pub agc: bool,
    /// Which, in dBm0.
    #[serde(deserialize_with = "talk_level")]
    pub agc_target_dbm0: f32,
    /// Let nothing of a caller through who does not speak.
    pub noise_gate: bool,
    /// The level from which he does, in dBm0.
    #[serde(deserialize_with = "talk_level")]
    pub noise_gate_dbm0: f32,
    /// How many are heard at once; 0: all.
    #[serde(deserialize_with = "talkers")]
    pub talkers: usize,
    /// A little noise for callers while nobody says anything.
    pub comfort_noise: bool,
    /// How loud, in dBm0.
    #[serde(deserialize_with = "talk_level")]
    pub comfort_noise_dbm0: f32,
}

impl Default for Voice {
    fn default() -> Self {
        Voice {
            echo_canceller: EchoCanceller::Off,
            echo_tail_ms: 64,
            agc: false,
            agc_target_dbm0: -18.0,
            noise_gate: false,
            noise_gate_dbm0: -45.0,
            talkers: 0,
            comfort_noise: true,
            comfort_noise_dbm0: -60.0,
        }
    }
}

/// Who cancels echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EchoCanceller {
    /// Nobody.
    Off,
    /// The card.
    Hardware,
    /// This program.
    Software,
}

impl Voice {
    /// What the voice path is to do, given the level from which a caller counts as talking.
    #[must_use]
    pub fn settings(&self, talk_dbm0: f32) -> crate::voice::Settings {
        crate::voice::Settings {
            talk_dbm0,
            echo_tail_ms: (self.echo_canceller == EchoCanceller::Software).then_some(self.echo_tail_ms),
            noise_gate_dbm0: self.noise_gate.then_some(self.noise_gate_dbm0),
            agc_target_dbm0: self.agc.then_some(self.agc_target_dbm0),
            talkers: self.talkers,
            comfort_noise_dbm0: self.comfort_noise.then_some(self.comfort_noise_dbm0),
        }
    }
}

fn tail<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    let tail_ms = u32::deserialize(d)?;
    if (16..=256).contains(&tail_ms) { Ok(tail_ms) } else { Err(D::Error::custom("a tail is 16 to 256 ms")) }
}

fn talkers<'de, D: Deserializer<'de>>(d: D) -> Result<usize, D::Error> {
    let talkers = usize::deserialize(d)?;
    if talkers <= MOST_TALKERS { Ok(talkers) } else { Err(D::Error::custom(format!("at most {MOST_TALKERS}"))) }
}
