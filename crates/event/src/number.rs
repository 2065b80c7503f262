//! Event numbers: ten digits that check themselves and name the key their PINs are under.
//!
//! ```text
//!   1 0   1 2 3 4 5 6 7   9
//!   └┬┘   └─────┬─────┘   └── check digit over the nine before it
//!    │          └──────────── seven digits chosen at random
//!    └─────────────────────── key id, 10 to 99
//! ```
//!
//! Data path: keyed or typed digits → [`EventNumber::parse`] → everything that speaks of an event.
//! Source: H. M. Damm, *Total anti-symmetrische Quasigruppen*, Marburg 2004: a check digit that finds
//! every single wrong digit and every exchange of two neighbours. A slip of the finger is found here
//! and so is not counted as guessing.

use crate::key::KeyId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Digits of an event number.
pub const NUMBER_DIGITS: usize = 10;

/// Damm's operation for base ten: `DAMM[interim][digit]` is the next interim digit.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// The interim digit after these digits, most significant first; 0 for digits that end in their check
/// digit, and the check digit itself for digits without one.
fn damm(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |interim, &d| DAMM[interim as usize][d as usize])
}

/// The number of an event. Always valid: the check digit is right and the key id is 10 or more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventNumber(u64);

/// Why digits are not an event number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// Not ten digits.
    Length,
    /// Something that is neither digit, space nor hyphen.
    NotDigits,
    /// The check digit does not agree: mistyped.
    Check,
    /// It begins with 0, and key ids begin at 10.
    KeyId,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NumberError::Length => "an event number has 10 digits",
            NumberError::NotDigits => "an event number consists of digits",
            NumberError::Check => "the event number is mistyped (its check digit does not agree)",
            NumberError::KeyId => "an event number does not begin with 0",
        })
    }
}

impl std::error::Error for NumberError {}

impl EventNumber {
    /// Reads an event number as people write it: digits, with spaces and hyphens wherever they like.
    /// Allocates nothing.
    ///
    /// # Errors
    /// What is wrong with it; a wrong character is reported before a wrong length, that before a wrong
    /// key id, that before a wrong check digit.
    pub fn parse(text: &str) -> Result<EventNumber, NumberError> {
        let mut digits = [0u8; NUMBER_DIGITS];
        let mut count = 0usize;
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => {
                    if let Some(place) = digits.get_mut(count) {
                        *place = byte - b'0';
                    }
                    count += 1;
                }
                b' ' | b'-' => {}
                _ => return Err(NumberError::NotDigits),
            }
        }
        if count != NUMBER_DIGITS {
            return Err(NumberError::Length);
        }
        Self::from_digits(digits)
    }

    /// The event number with this value.
    ///
    /// # Errors
    /// [`NumberError::Length`] for a value of more than ten digits, otherwise as [`EventNumber::parse`].
    pub fn from_u64(value: u64) -> Result<EventNumber, NumberError> {
        if value > 9_999_999_999 {
            return Err(NumberError::Length);
        }
        Self::from_digits(digits_of(value))
    }

    fn from_digits(digits: [u8; NUMBER_DIGITS]) -> Result<EventNumber, NumberError> {
        if digits[0] == 0 {
            return Err(NumberError::KeyId);
        }
        if damm(&digits) != 0 {
            return Err(NumberError::Check);
        }
        Ok(EventNumber(digits.iter().fold(0, |value, &d| value * 10 + u64::from(d))))
    }

    /// The number of an event under this key with these seven digits in the middle; `serial` is taken
    /// modulo ten million.
    #[must_use]
    pub fn with_serial(key_id: KeyId, serial: u32) -> EventNumber {
        let stem = u64::from(key_id.get()) * 10_000_000 + u64::from(serial % 10_000_000);
        let check = damm(&digits_of(stem)[1..]);
        EventNumber(stem * 10 + u64::from(check))
    }

    /// A number under this key, its seven digits chosen at random by the operating system. Whether it
    /// is taken already is for the caller to find out ([`info::reserve`](crate::info::reserve) does).
    ///
    /// # Panics
    /// When the operating system has no random numbers, without which nothing here is safe.
    #[must_use]
    pub fn random(key_id: KeyId) -> EventNumber {
        let random = getrandom::u64().expect("the operating system supplies random numbers");
        EventNumber::with_serial(key_id, (random % 10_000_000) as u32)
    }

    /// The key its PINs are under: its first two digits.
    #[must_use]
    pub fn key_id(self) -> KeyId {
        KeyId::of_number(self.0)
    }

    /// Its value, 1,000,000,000 to 9,999,999,999.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Its ten digits, as ASCII.
    #[must_use]
    pub fn digits(self) -> [u8; NUMBER_DIGITS] {
        digits_of(self.0).map(|d| d + b'0')
    }

    /// For people to read out and to type: `101 234 567 9`.
    #[must_use]
    pub fn grouped(self) -> String {
        let text = self.to_string();
        format!("{} {} {} {}", &text[..3], &text[3..6], &text[6..9], &text[9..])
    }
}

fn digits_of(mut value: u64) -> [u8; NUMBER_DIGITS] {
    let mut digits = [0; NUMBER_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = (value % 10) as u8;
        value /= 10;
    }
    digits
}

impl fmt::Display for EventNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // pad() so that width and alignment work in tables.
        let digits = self.digits();
        f.pad(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for EventNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventNumber({})", self.0)
    }
}

impl FromStr for EventNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        EventNumber::parse(text)
    }
}

/// As text, because ten digits are an identifier and not a quantity.
impl Serialize for EventNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = EventNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event number of 10 digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<EventNumber, E> {
                EventNumber::parse(text).map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<EventNumber, E> {
                EventNumber::from_u64(value).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_example_of_damm() {
        // 572 has the check digit 4.
        assert_eq!(damm(&[5, 7, 2]), 4);
        assert_eq!(damm(&[5, 7, 2, 4]), 0);
    }

    /// That every single wrong digit and every exchange of neighbours is found follows from three
    /// properties of the operation, which are few enough to try all of them.
    #[test]
    fn the_operation_is_what_the_proof_needs() {
        for c in 0..10usize {
            assert_eq!(DAMM[c][c], 0, "a check digit leads to 0");
            for x in 0..10usize {
                for y in (0..10usize).filter(|&y| y != x) {
                    assert_ne!(DAMM[c][x], DAMM[c][y], "a wrong digit changes the interim digit ...");
                    assert_ne!(DAMM[x][c], DAMM[y][c], "... and no later digit can put it right");
                    let (xy, yx) = (DAMM[DAMM[c][x] as usize][y], DAMM[DAMM[c][y] as usize][x]);
                    assert_ne!(xy, yx, "{x}{y} and {y}{x} lead to different interim digits");
                }
            }
        }
    }

    /// The same on whole numbers: every key id, many serials, every wrong digit and every exchange.
    #[test]
    fn every_wrong_digit_and_every_exchange_is_found() {
        for id in 10..=99 {
            for serial in (0..10_000_000).step_by(99_991) {
                let number = EventNumber::with_serial(KeyId::new(id).unwrap(), serial);
                let digits = digits_of(number.as_u64());
                assert_eq!(EventNumber::from_digits(digits), Ok(number));
                for place in 0..NUMBER_DIGITS {
                    for wrong in (0..10).filter(|&w| w != digits[place]) {
                        let mut tried = digits;
                        tried[place] = wrong;
                        assert!(EventNumber::from_digits(tried).is_err(), "{number} at {place} as {wrong}");
                    }
                    if place + 1 < NUMBER_DIGITS && digits[place] != digits[place + 1] {
                        let mut tried = digits;
                        tried.swap(place, place + 1);
                        assert!(EventNumber::from_digits(tried).is_err(), "{number} exchanged at {place}");
                    }
                }
            }
        }
    }

    #[test]
    fn people_write_it_as_they_like() {
        let number = EventNumber::with_serial(KeyId::new(10).unwrap(), 1_234_567);
        let plain = number.to_string();
        assert_eq!(plain.len(), 10);
        assert_eq!(&plain[..9], "101234567");
        assert_eq!(number.grouped(), format!("101 234 567 {}", &plain[9..]));
        assert_eq!(EventNumber::parse(&number.grouped()), Ok(number));
        assert_eq!(EventNumber::parse(&format!(" {}-{} ", &plain[..4], &plain[4..])), Ok(number));
        assert_eq!(number.key_id().get(), 10);
        assert_eq!(format!("{number:>12}"), format!("  {plain}"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(EventNumber::parse(""), Err(NumberError::Length));
        assert_eq!(EventNumber::parse("101234567"), Err(NumberError::Length));
        assert_eq!(EventNumber::parse(&"1".repeat(1_000_000)), Err(NumberError::Length));
        assert_eq!(EventNumber::parse("10123x5678"), Err(NumberError::NotDigits));
        assert_eq!(EventNumber::parse("١٠١٢٣٤٥٦٧٨"), Err(NumberError::NotDigits));
        assert_eq!(EventNumber::parse("0000000000"), Err(NumberError::KeyId));
        let good = EventNumber::with_serial(KeyId::FIRST, 5).as_u64();
        let wrong = if good % 10 == 9 { good - 1 } else { good + 1 };
        assert_eq!(EventNumber::from_u64(wrong), Err(NumberError::Check));
        assert_eq!(EventNumber::from_u64(10_000_000_000), Err(NumberError::Length));
    }

    #[test]
    fn random_numbers_differ_and_carry_their_key() {
        let id = KeyId::new(42).unwrap();
        let numbers: std::collections::HashSet<_> = (0..100).map(|_| EventNumber::random(id)).collect();
        assert!(numbers.len() > 90);
        assert!(numbers.iter().all(|n| n.key_id() == id));
    }

    #[test]
    fn json_has_it_as_text() {
        let number = EventNumber::with_serial(KeyId::FIRST, 77);
        let json = serde_json::to_string(&number).unwrap();
        assert_eq!(json, format!("\"{number}\""));
        assert_eq!(serde_json::from_str::<EventNumber>(&json).unwrap(), number);
        assert_eq!(serde_json::from_str::<EventNumber>(&number.to_string()).unwrap(), number);
        assert!(serde_json::from_str::<EventNumber>("\"12\"").is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_answered(text in ".{0,24}") {
            if let Ok(number) = EventNumber::parse(&text) {
                prop_assert_eq!(EventNumber::parse(&number.to_string()), Ok(number));
            }
        }

        #[test]
        fn made_numbers_are_read_back(id in 10u8..=99, serial in 0u32..10_000_000) {
            let number = EventNumber::with_serial(KeyId::new(id).unwrap(), serial);
            prop_assert_eq!(number.to_string().parse(), Ok(number));
            prop_assert_eq!(EventNumber::from_u64(number.as_u64()), Ok(number));
            prop_assert_eq!(number.key_id().get(), id);
        }
    }
}
