//! PINs, and how they follow from a key.
//!
//! A PIN is not stored: it is computed from the event number and a secret key, by whoever has the key.
//!
//! ```text
//!   HMAC-SHA256(key, version || event number || role || counter)
//!                    1 octet    8, big-endian   1       1
//!   first 8 octets, as a big-endian number, modulo 10^8, in 8 decimal digits
//! ```
//!
//! The version octet is 1. Other uses of the same keys must begin with another octet. The counter is 0;
//! only a PIN that would equal that of a role before it is derived again with 1 (a listener's, if need be, with 2), and, should
//! even that be equal, is the first number after the host's that is nobody's. No date is inside: an event may be run as late as its host likes, and
//! what ends its PINs is retiring the key that the number names.
//!
//! Data path: event number and key → PINs, for [`Keyring`](crate::Keyring) to give out and to compare with.
//! Source: RFC 2104 and FIPS 180-4; RFC 4226 for making digits of a MAC, from whose truncation we depart:
//! we take eight octets from the front instead of four from a place within, so that the remainder modulo
//! 10^8 favours no PIN by more than one in 10^11.

use crate::key::Key;
use crate::number::EventNumber;
use crate::role::Role;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Digits of a PIN.
pub const PIN_DIGITS: usize = 8;

const PIN_VERSION: u8 = 1;
const PINS: u32 = 100_000_000;

/// The PIN of a role in an event: 8 digits. Shown only by [`Pin::as_str`] and `Display`, which are
/// meant for the person it belongs to; its `Debug` form tells nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; PIN_DIGITS]);

impl Pin {
    fn of_value(mut value: u32) -> Pin {
        let mut digits = [b'0'; PIN_DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
        Pin(digits)
    }

    /// The PIN of these digits, with spaces and hyphens wherever people like; none unless there are eight.
    /// Whether it opens anything is for [`Keyring::verify`](crate::Keyring::verify) to say.
    #[must_use]
    pub fn parse(text: &str) -> Option<Pin> {
        let mut digits = [0; PIN_DIGITS];
        let mut count = 0;
        for byte in text.bytes().filter(|b| !matches!(b, b' ' | b'-')) {
            *digits.get_mut(count).filter(|_| byte.is_ascii_digit())? = byte;
            count += 1;
        }
        (count == PIN_DIGITS).then_some(Pin(digits))
    }

    /// Its digits, as ASCII.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PIN_DIGITS] {
        &self.0
    }

    /// Its digits, as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever put in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// For people to read out and to type: `1234 5678`.
    #[must_use]
    pub fn grouped(&self) -> String {
        let (front, back) = self.as_str().split_at(PIN_DIGITS / 2);
        format!("{front} {back}")
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(secret)")
    }
}

/// A key made ready for PINs: keyed once, so that two of four compressions are saved for each.
#[derive(Clone)]
pub(crate) struct PinKey(Hmac<Sha256>);

/// The PINs of an event.
pub(crate) struct Pins {
    pub host: Pin,
    pub speaker: Pin,
    pub listener: Pin,
}

impl PinKey {
    pub fn new(key: &Key) -> PinKey {
        PinKey(Hmac::new_from_slice(key.octets()).expect("HMAC takes a key of any length"))
    }

    /// Always six MACs, so that the rare second derivation does not show in the time it takes.
    pub fn pins(&self, number: EventNumber) -> Pins {
        let host = self.truncated(number, Role::Host, 0);
        let speaker = [0, 1].map(|counter| self.truncated(number, Role::Speaker, counter));
        let speaker = different_from(host, speaker);
        let listener = [0, 1, 2].map(|counter| self.truncated(number, Role::Listener, counter));
        let listener = different_from_both([host, speaker], listener);
        Pins { host: Pin::of_value(host), speaker: Pin::of_value(speaker), listener: Pin::of_value(listener) }
    }

    fn truncated(&self, number: EventNumber, role: Role, counter: u8) -> u32 {
        let mut mac = self.0.clone();
        mac.update(&[PIN_VERSION]);
        mac.update(&number.as_u64().to_be_bytes());
        mac.update(&[role.octet(), counter]);
        let octets = mac.finalize().into_bytes();
        let front = octets.iter().take(8).fold(0u64, |value, &octet| value << 8 | u64::from(octet));
        (front % u64::from(PINS)) as u32
    }
}

impl Pins {
    /// The role whose PIN this is. All are compared, whatever comes of the first.
    pub fn role_of(&self, offered: &[u8; PIN_DIGITS], acceptable: Choice) -> Option<Role> {
        let is_host = acceptable & self.host.0.ct_eq(offered);
        let is_speaker = acceptable & self.speaker.0.ct_eq(offered);
        let is_listener = acceptable & self.listener.0.ct_eq(offered);
        match (bool::from(is_host), bool::from(is_speaker), bool::from(is_listener)) {
            (true, ..) => Some(Role::Host),
            (_, true, _) => Some(Role::Speaker),
            (.., true) => Some(Role::Listener),
            _ => None,
        }
    }

    /// The PIN of a role.
    pub const fn of(&self, role: Role) -> Pin {
        match role {
            Role::Host => self.host,
            Role::Speaker => self.speaker,
            Role::Listener => self.listener,
        }
    }
}

/// The first of two candidates that is not `host`, or `host` plus one if neither is.
fn different_from(host: u32, [first, second]: [u32; 2]) -> u32 {
    let last = (host + 1) % PINS;
    let other = u32::conditional_select(&second, &last, second.ct_eq(&host));
    u32::conditional_select(&first, &other, first.ct_eq(&host))
}

/// The first of three candidates that is neither of `taken`, or the first number after the first of `taken` that is not the
/// second.
fn different_from_both(taken: [u32; 2], candidates: [u32; 3]) -> u32 {
    let is_taken = |value: &u32| taken[0].ct_eq(value) | taken[1].ct_eq(value);
    let [next, after] = [1, 2].map(|step| (taken[0] + step) % PINS);
    let last = u32::conditional_select(&next, &after, is_taken(&next));
    candidates.iter().rev().fold(last, |other, candidate| {
        // Whatever comes later in the fold comes earlier in the list.
        u32::conditional_select(candidate, &other, is_taken(candidate))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyId;

    fn key() -> PinKey {
        PinKey::new(&Key::new(std::array::from_fn(|i| i as u8)))
    }

    /// Computed apart from this program, with the standard HMAC of another language: these PINs must
    /// never change, or those given out would be worthless.
    #[test]
    fn pins_given_out_stay_right() {
        for (serial, host, speaker, listener) in [
            (0, "93204793", "36797983", "35452286"),
            (1_234_567, "91015518", "02777078", "47624178"),
            (9_999_999, "68577489", "07169082", "29404832"),
        ] {
            let number = EventNumber::with_serial(KeyId::FIRST, serial);
            let pins = key().pins(number);
            assert_eq!(pins.host.as_str(), host);
            assert_eq!(pins.speaker.as_str(), speaker);
            assert_eq!(pins.listener.as_str(), listener);
        }
    }

    #[test]
    fn people_write_a_pin_as_they_like() {
        let pin = Pin::of_value(1_234_567);
        assert_eq!(pin.grouped(), "0123 4567");
        assert_eq!(Pin::parse(&pin.grouped()), Some(pin));
        assert_eq!(Pin::parse("01-23-45-67"), Some(pin));
        for wrong in ["", "0123456", "012345678", "0123456x", "٠١٢٣"] {
            assert_eq!(Pin::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_speaker_never_shares_the_host_s_pin() {
        assert_eq!(different_from(5, [6, 7]), 6);
        assert_eq!(different_from(5, [5, 7]), 7);
        assert_eq!(different_from(5, [5, 5]), 6);
        assert_eq!(different_from(PINS - 1, [PINS - 1, PINS - 1]), 0);
    }

    #[test]
    fn a_listener_shares_a_pin_with_nobody() {
        assert_eq!(different_from_both([5, 6], [7, 8, 9]), 7);
        assert_eq!(different_from_both([5, 6], [6, 8, 9]), 8);
        assert_eq!(different_from_both([5, 6], [6, 5, 9]), 9);
        assert_eq!(different_from_both([5, 6], [6, 5, 6]), 7);
        assert_eq!(different_from_both([5, 7], [5, 5, 5]), 6);
        assert_eq!(different_from_both([PINS - 1, 0], [0, 0, 0]), 1);
    }

    /// A die of 100 faces thrown ten thousand times: chi-squared with 99 degrees of freedom stays below
    /// 149 in 999 of 1000 cases, and this one is always the same.
    #[test]
    fn pins_are_spread_evenly() {
        let key = key();
        let mut counts = [0u32; 100];
        for serial in 0..10_000 {
            let pin = key.pins(EventNumber::with_serial(KeyId::FIRST, serial)).speaker;
            let front = &pin.as_bytes()[..2];
            counts[usize::from(front[0] - b'0') * 10 + usize::from(front[1] - b'0')] += 1;
        }
        let chi_squared: f64 = counts.iter().map(|&c| (f64::from(c) - 100.0).powi(2) / 100.0).sum();
        assert!(chi_squared < 149.0, "{chi_squared}");
    }
}
