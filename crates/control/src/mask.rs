//! Telephone numbers of which only the last two digits are shown.
//!
//! A technician tells calls apart by them; nobody is identified. The type can only be made by masking, so
//! that a whole number cannot slip into a reply.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Characters left readable at the end.
const SHOWN: usize = 2;

/// Characters kept at most; E.164 allows 15 digits, private plans more.
const LENGTH_MAX: usize = 24;

/// A number with all but its last two digits replaced by `x`; one of two digits or fewer is hidden whole.
/// A leading `+` stays, and so does the length, up to 24 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Masked(String);

impl Masked {
    /// Mask a number. What is masked already stays as it is.
    #[must_use]
    pub fn new(number: &str) -> Masked {
        let (plus, digits) = match number.strip_prefix('+') {
            Some(digits) => ("+", digits),
            None => ("", number),
        };
        let count = digits.chars().count();
        let from = count.saturating_sub(LENGTH_MAX);
        let shown_from = if count > SHOWN { count - SHOWN } else { count };
        let mut masked = String::from(plus);
        for (place, digit) in digits.chars().enumerate().skip(from) {
            let shown = place >= shown_from && (digit.is_ascii_digit() || matches!(digit, '*' | '#'));
            masked.push(if shown { digit } else { 'x' });
        }
        Masked(masked)
    }

    /// As text, for instance `xxxxxxx42`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for Masked {
    /// Masks again what arrives: a server that forgot does not make us show it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|number| Masked::new(&number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_two_digits_are_shown() {
        for (number, masked) in [
            ("5551234567", "xxxxxxxx67"),
            ("+14155550142", "+xxxxxxxxx42"),
            ("112", "x12"),
            ("42", "xx"),
            ("7", "x"),
            ("", ""),
            ("+", "+"),
            ("unknown", "xxxxxxx"),
            ("0*#", "x*#"),
        ] {
            assert_eq!(Masked::new(number).as_str(), masked, "{number}");
        }
    }

    #[test]
    fn masking_twice_is_masking_once() {
        let long = "9".repeat(500);
        for number in ["5551234567", "+4930123456", "42", "7", "äöü", &long] {
            let once = Masked::new(number);
            assert_eq!(Masked::new(once.as_str()), once);
            assert!(once.as_str().chars().count() <= LENGTH_MAX + 1);
        }
    }

    #[test]
    fn a_number_sent_whole_is_masked_on_arrival() {
        let arrived: Masked = serde_json::from_str("\"5551234567\"").expect("a string");
        assert_eq!(arrived.as_str(), "xxxxxxxx67");
        assert_eq!(serde_json::to_string(&arrived).expect("text"), "\"xxxxxxxx67\"");
    }
}
