//! Keys pressed in a conference: 399 or *399 ends the event, *6 mutes.
//!
//! A sequence may be keyed as slowly as a person finds the keys; a key that fits no sequence begins anew.

use dsp::dtmf::Key;
use heapless::Vec;
use std::time::Duration;

/// Longest pause within a sequence.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a key completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMeaning {
    /// Nothing yet.
    Nothing,
    /// 399: end the event (for hosts).
    EndEvent,
    /// *6: mute or unmute oneself.
    Mute,
}

const SEQUENCES: [(&[u8], KeyMeaning); 3] =
    [(b"399", KeyMeaning::EndEvent), (b"*399", KeyMeaning::EndEvent), (b"*6", KeyMeaning::Mute)];

/// The keys of one caller so far.
#[derive(Clone, Debug, Default)]
pub struct HostKeys {
    keyed: Vec<u8, 4>,
    last: Duration,
}

impl HostKeys {
    /// One more key.
    pub fn key(&mut self, now: Duration, key: Key) -> KeyMeaning {
        if now.saturating_sub(self.last) > PATIENCE {
            self.keyed.clear();
        }
        self.last = now;
        let key = key.to_char() as u8;
        if self.keyed.push(key).is_err() || !self.fits() {
            self.keyed.clear();
            // At most the one key: there is room.
            let _ = self.keyed.push(key);
            if !self.fits() {
                self.keyed.clear();
            }
        }
        for (sequence, meaning) in SEQUENCES {
            if self.keyed == sequence {
                self.keyed.clear();
                return meaning;
            }
        }
        KeyMeaning::Nothing
    }

    fn fits(&self) -> bool {
        SEQUENCES.iter().any(|(sequence, _)| sequence.starts_with(&self.keyed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(keys: &[(u64, char)]) -> KeyMeaning {
        let mut state = HostKeys::default();
        let mut last = KeyMeaning::Nothing;
        for &(second, c) in keys {
            last = state.key(Duration::from_secs(second), Key::from_char(c).expect("a key"));
        }
        last
    }

    #[test]
    fn the_event_ends_with_399_or_star_399_however_slowly() {
        assert_eq!(meaning(&[(0, '3'), (1, '9'), (2, '9')]), KeyMeaning::EndEvent);
        assert_eq!(meaning(&[(0, '*'), (1, '3'), (2, '9'), (11, '9')]), KeyMeaning::EndEvent);
        assert_eq!(meaning(&[(0, '#'), (0, '3'), (0, '9'), (0, '9')]), KeyMeaning::EndEvent);
        assert_eq!(meaning(&[(0, '3'), (0, '3'), (0, '9'), (0, '9')]), KeyMeaning::EndEvent);
    }

    #[test]
    fn other_keys_do_not_end_it() {
        assert_eq!(meaning(&[(0, '3'), (0, '9'), (11, '9')]), KeyMeaning::Nothing);
        assert_eq!(meaning(&[(0, '3'), (0, '1'), (0, '9'), (0, '9')]), KeyMeaning::Nothing);
        assert_eq!(meaning(&[(0, '9'), (0, '9'), (0, '9')]), KeyMeaning::Nothing);
    }

    #[test]
    fn star_six_mutes() {
        assert_eq!(meaning(&[(0, '*'), (1, '6')]), KeyMeaning::Mute);
        assert_eq!(meaning(&[(0, '*'), (1, '5')]), KeyMeaning::Nothing);
    }
}
