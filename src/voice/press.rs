//! What is told of a press of a key: how long and how loud it was, and never which key.
//!
//! Data path: the key receiver's [`KeyEvent`](dsp::dtmf::KeyEvent) at the end of a press → [`Press`] → the office, for whoever asks why a
//! telephone's keys are not understood.
//! Source: ITU-T Q.24 (11/88) table A-1 for the limits of frequency. Telephones differ a little from key to key, in level and
//! more so in frequency, and who keys a PIN may be watched by everybody who may see calls: levels are therefore told in whole
//! decibels, and of the frequencies only whether they are within the limits.

use dsp::SAMPLE_RATE;
use dsp::dtmf::{Key, Sound};
use dsp::level::{dbm0_of, mean_square_of};

/// A press that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// How long ago it began, in milliseconds.
    pub began_ago_ms: u32,
    /// How long it lasted, in milliseconds.
    pub lasted_ms: u32,
    /// Level of the row (low group) tone, in dBm0.
    pub row_dbm0: i8,
    /// Level of the column (high group) tone, in dBm0.
    pub column_dbm0: i8,
    /// How far what else was heard is below the two tones, in dB.
    pub snr_db: i8,
    /// A tone is further off its frequency than every receiver must bear.
    pub off_frequency: bool,
}

impl Press {
    /// What is told of a press that began so many samples ago and lasted for so many.
    #[must_use]
    pub fn new(key: Key, ago: u64, samples: u64, sound: &Sound) -> Press {
        let ms = |samples: u64| (samples * 1000 / u64::from(SAMPLE_RATE)) as u32;
        let tones = dbm0_of(mean_square_of(sound.row_dbm0) + mean_square_of(sound.column_dbm0));
        let (row_hz, column_hz) = key.frequencies();
        Press {
            began_ago_ms: ms(ago),
            lasted_ms: ms(samples),
            row_dbm0: sound.row_dbm0.round() as i8,
            column_dbm0: sound.column_dbm0.round() as i8,
            snr_db: (tones - sound.rest_dbm0).round() as i8,
            off_frequency: off(sound.row_offset_hz, row_hz) || off(sound.column_offset_hz, column_hz),
        }
    }

    /// How much stronger the column tone is than the row tone, in dB; negative if it is weaker.
    #[must_use]
    pub const fn twist_db(self) -> i8 {
        self.column_dbm0.saturating_sub(self.row_dbm0)
    }
}

/// Further off than 1.5 % and 2 Hz (Q.24 table A-1), by more than the receiver measures amiss.
fn off(offset_hz: f32, hz: f32) -> bool {
    offset_hz.abs() > 0.015 * hz + 2.0 + 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: Sound =
        Sound { row_dbm0: -12.4, column_dbm0: -9.6, row_offset_hz: 3.0, column_offset_hz: -4.0, rest_dbm0: -40.0 };

    #[test]
    fn levels_are_whole_decibels_and_frequencies_a_yes_or_no() {
        let key = Key::from_char('5').expect("a key");
        let press = Press::new(key, 1000, 680, &SOUND);
        let expected = Press {
            began_ago_ms: 125,
            lasted_ms: 85,
            row_dbm0: -12,
            column_dbm0: -10,
            snr_db: 32,
            off_frequency: false,
        };
        assert_eq!((press, press.twist_db()), (expected, 2));
        // Whichever key it was, the same tones are told in the same way.
        for key in "0123456789*#".chars().filter_map(Key::from_char) {
            assert_eq!(Press::new(key, 1000, 680, &SOUND), expected);
        }
        let high = Sound { row_offset_hz: 0.03 * 770.0, ..SOUND };
        assert!(Press::new(key, 1000, 680, &high).off_frequency);
    }
}
