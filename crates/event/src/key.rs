//! Keys, and the PINs that follow from them.
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
//! only a speaker's PIN that would equal the host's is derived again with 1 (and, should even that be
//! equal, is the host's plus one). No date is inside: an event may be run as late as its host likes, and
//! what ends its PINs is retiring the key that the number names.
//!
//! Data path: a number and digits, from the dialogue → [`Keyring::verify`] → a role or nothing.
//! Time: none; the same work is done for a right PIN, a wrong one, and a number under no key of ours.
//! Source: RFC 2104 and FIPS 180-4; RFC 4226 for making digits of a MAC, from whose truncation we depart:
//! we take eight octets from the front instead of four from a place within, so that the remainder modulo
//! 10^8 favours no PIN by more than one in 10^11.
//! Words: *key id*, 10 to 99; *current*, the key of new reservations; *retired*, kept but refused.

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

/// Names a key: two digits, 10 to 99, with which the event numbers under it begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(u8);

impl KeyId {
    /// The first there is, 10.
    pub const FIRST: KeyId = KeyId(10);
    /// The last there is, 99.
    pub const LAST: KeyId = KeyId(99);

    /// The key id of this value, if it is 10 to 99.
    #[must_use]
    pub const fn new(id: u8) -> Option<KeyId> {
        if id >= Self::FIRST.0 && id <= Self::LAST.0 { Some(KeyId(id)) } else { None }
    }

    /// Its value.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The first two of ten digits.
    pub(crate) const fn of_number(number: u64) -> KeyId {
        KeyId((number / 100_000_000) as u8)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A secret of 32 octets. Its `Debug` form tells nothing.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of these octets.
    #[must_use]
    pub const fn new(octets: [u8; 32]) -> Key {
        Key(octets)
    }

    /// A key chosen at random by the operating system.
    ///
    /// # Panics
    /// When the operating system has no random numbers, without which nothing here is safe.
    #[must_use]
    pub fn random() -> Key {
        let mut octets = [0; 32];
        getrandom::fill(&mut octets).expect("the operating system supplies random numbers");
        Key(octets)
    }

    pub(crate) const fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

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
    /// Whether it opens anything is for [`Keyring::verify`] to say.
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

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// New reservations and verifying. One key is current.
    Current,
    /// Verifying only.
    Valid,
    /// Nothing: the events under it are refused. Kept so that its id is not used again by mistake.
    Retired,
}

impl KeyState {
    /// Its name in the key file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            KeyState::Current => "current",
            KeyState::Valid => "valid",
            KeyState::Retired => "retired",
        }
    }
}

/// A change to a key ring that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringError {
    /// There is a key of this id already.
    Taken(KeyId),
    /// There is no key of this id.
    Unknown(KeyId),
    /// The current key cannot be retired: make another one current first.
    IsCurrent(KeyId),
    /// A retired key stays retired.
    IsRetired(KeyId),
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyringError::Taken(id) => write!(f, "there is a key {id} already"),
            KeyringError::Unknown(id) => write!(f, "there is no key {id}"),
            KeyringError::IsCurrent(id) => write!(f, "key {id} is the current one: make another one current first"),
            KeyringError::IsRetired(id) => write!(f, "key {id} is retired and stays so"),
        }
    }
}

impl std::error::Error for KeyringError {}

#[derive(Clone)]
struct Held {
    id: KeyId,
    state: KeyState,
    key: Key,
    /// Keyed and ready: a clone of it saves two of four compressions for every PIN.
    mac: Hmac<Sha256>,
}

impl Held {
    fn new(id: KeyId, state: KeyState, key: Key) -> Held {
        let mac = keyed(&key);
        Held { id, state, key, mac }
    }
}

fn keyed(key: &Key) -> Hmac<Sha256> {
    Hmac::new_from_slice(key.octets()).expect("HMAC takes a key of any length")
}

/// The keys of this installation: one current, others valid or retired. Never empty.
#[derive(Clone)]
pub struct Keyring {
    held: Vec<Held>,
    /// Stands in for the key of a number that names none of ours, so that such a number takes as long.
    stand_in: Hmac<Sha256>,
}

impl Keyring {
    /// A ring of one key, the current one.
    #[must_use]
    pub fn new(id: KeyId, key: Key) -> Keyring {
        Keyring { held: vec![Held::new(id, KeyState::Current, key)], stand_in: keyed(&Key::random()) }
    }

    /// A ring of one fresh key with the first id.
    #[must_use]
    pub fn random() -> Keyring {
        Keyring::new(KeyId::FIRST, Key::random())
    }

    /// The key new reservations are made under.
    #[must_use]
    pub fn current(&self) -> KeyId {
        self.held.iter().find(|h| h.state == KeyState::Current).expect("one key is current").id
    }

    /// The ids of all keys with their states, lowest first.
    pub fn states(&self) -> impl Iterator<Item = (KeyId, KeyState)> {
        self.held.iter().map(|h| (h.id, h.state))
    }

    /// Puts in a key that is valid (and not current).
    ///
    /// # Errors
    /// [`KeyringError::Taken`].
    pub fn add(&mut self, id: KeyId, key: Key) -> Result<(), KeyringError> {
        match self.held.binary_search_by_key(&id, |h| h.id) {
            Ok(_) => Err(KeyringError::Taken(id)),
            Err(place) => {
                self.held.insert(place, Held::new(id, KeyState::Valid, key));
                Ok(())
            }
        }
    }

    /// Makes a valid key the current one; what was current is valid from now on.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`], [`KeyringError::IsRetired`].
    pub fn make_current(&mut self, id: KeyId) -> Result<(), KeyringError> {
        if self.find(id)?.state == KeyState::Retired {
            return Err(KeyringError::IsRetired(id));
        }
        for held in &mut self.held {
            match held.state {
                _ if held.id == id => held.state = KeyState::Current,
                KeyState::Current => held.state = KeyState::Valid,
                KeyState::Valid | KeyState::Retired => {}
            }
        }
        Ok(())
    }

    /// Retires a key and with it all events whose numbers begin with its id.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`], [`KeyringError::IsCurrent`].
    pub fn retire(&mut self, id: KeyId) -> Result<(), KeyringError> {
        let held = self.find(id)?;
        if held.state == KeyState::Current {
            return Err(KeyringError::IsCurrent(id));
        }
        held.state = KeyState::Retired;
        Ok(())
    }

    fn find(&mut self, id: KeyId) -> Result<&mut Held, KeyringError> {
        self.held.iter_mut().find(|h| h.id == id).ok_or(KeyringError::Unknown(id))
    }

    /// The PIN of a role in an event; none when the number names a key that is not here or retired.
    #[must_use]
    pub fn pin(&self, number: EventNumber, role: Role) -> Option<Pin> {
        let (host, speaker) = derive(self.usable(number)?, number);
        Some(match role {
            Role::Host => host,
            Role::Speaker => speaker,
        })
    }

    /// The role whose PIN this is (ASCII digits), if any.
    ///
    /// Takes the same time whether PIN, role or number are right or wrong: both PINs are derived and
    /// compared in constant time always, under a stand-in key if the number names none. Allocates nothing.
    #[must_use]
    pub fn verify(&self, number: EventNumber, pin: &[u8]) -> Option<Role> {
        let key = self.usable(number);
        let (host, speaker) = derive(key.unwrap_or(&self.stand_in), number);
        let mut offered = [0; PIN_DIGITS];
        // The length of what was keyed is no secret of ours.
        let whole = pin.len() == PIN_DIGITS;
        if whole {
            offered.copy_from_slice(pin);
        }
        let acceptable = Choice::from(u8::from(whole)) & Choice::from(u8::from(key.is_some()));
        let is_host = acceptable & host.0.ct_eq(&offered);
        let is_speaker = acceptable & speaker.0.ct_eq(&offered);
        match (bool::from(is_host), bool::from(is_speaker)) {
            (true, _) => Some(Role::Host),
            (_, true) => Some(Role::Speaker),
            _ => None,
        }
    }

    /// As [`Keyring::verify`], from the digits of an event number; digits that are no event number take
    /// as long as others.
    #[must_use]
    pub fn verify_digits(&self, number: &str, pin: &[u8]) -> Option<Role> {
        match EventNumber::parse(number) {
            Ok(number) => self.verify(number, pin),
            Err(_) => {
                // Kept from being optimised away: the work is all that is wanted of it.
                std::hint::black_box(self.verify(EventNumber::with_serial(KeyId::FIRST, 0), pin));
                None
            }
        }
    }

    fn usable(&self, number: EventNumber) -> Option<&Hmac<Sha256>> {
        let id = number.key_id();
        self.held.iter().find(|h| h.id == id && h.state != KeyState::Retired).map(|h| &h.mac)
    }

    /// For the key file: id, state, key.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (KeyId, KeyState, &Key)> {
        self.held.iter().map(|h| (h.id, h.state, &h.key))
    }

    /// From the key file. None unless exactly one key is current and every id is there once.
    pub(crate) fn of_lines(lines: Vec<(KeyId, KeyState, Key)>) -> Option<Keyring> {
        let mut held: Vec<Held> = lines.into_iter().map(|(id, state, key)| Held::new(id, state, key)).collect();
        held.sort_by_key(|h| h.id);
        let once = held.windows(2).all(|pair| pair[0].id != pair[1].id);
        let current = held.iter().filter(|h| h.state == KeyState::Current).count();
        (once && current == 1).then(|| Keyring { held, stand_in: keyed(&Key::random()) })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.states()).finish()
    }
}

/// The PINs of host and speaker. Always three MACs, so that the rare second derivation does not show.
fn derive(key: &Hmac<Sha256>, number: EventNumber) -> (Pin, Pin) {
    let host = truncated(key, number, Role::Host, 0);
    let speaker = [0, 1].map(|counter| truncated(key, number, Role::Speaker, counter));
    (Pin::of_value(host), Pin::of_value(different_from(host, speaker)))
}

fn truncated(key: &Hmac<Sha256>, number: EventNumber, role: Role, counter: u8) -> u32 {
    let mut mac = key.clone();
    mac.update(&[PIN_VERSION]);
    mac.update(&number.as_u64().to_be_bytes());
    mac.update(&[role.octet(), counter]);
    let octets = mac.finalize().into_bytes();
    let front = octets.iter().take(8).fold(0u64, |value, &octet| value << 8 | u64::from(octet));
    (front % u64::from(PINS)) as u32
}

/// The first of two candidates that is not `host`, or `host` plus one if neither is.
fn different_from(host: u32, [first, second]: [u32; 2]) -> u32 {
    let last = (host + 1) % PINS;
    let other = u32::conditional_select(&second, &last, second.ct_eq(&host));
    u32::conditional_select(&first, &other, first.ct_eq(&host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring() -> Keyring {
        Keyring::new(KeyId::FIRST, Key::new(std::array::from_fn(|i| i as u8)))
    }

    /// Computed apart from this program, with the standard HMAC of another language: these PINs must
    /// never change, or those given out would be worthless.
    #[test]
    fn pins_given_out_stay_right() {
        for (serial, host, speaker) in
            [(0, "93204793", "36797983"), (1_234_567, "91015518", "02777078"), (9_999_999, "68577489", "07169082")]
        {
            let number = EventNumber::with_serial(KeyId::FIRST, serial);
            assert_eq!(ring().pin(number, Role::Host).unwrap().as_str(), host);
            assert_eq!(ring().pin(number, Role::Speaker).unwrap().as_str(), speaker);
        }
    }

    #[test]
    fn a_pin_opens_its_event_in_its_role_only() {
        let ring = ring();
        let [one, other] = [1, 2].map(|serial| EventNumber::with_serial(KeyId::FIRST, serial));
        for role in Role::ALL {
            let pin = ring.pin(one, role).unwrap();
            assert_eq!(ring.verify(one, pin.as_bytes()), Some(role));
            assert_eq!(ring.verify_digits(&one.grouped(), pin.as_bytes()), Some(role));
            assert_eq!(ring.verify(other, pin.as_bytes()), None);
            assert_eq!(ring.verify_digits("12", pin.as_bytes()), None);
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
    fn what_is_no_pin_is_refused() {
        let ring = ring();
        let number = EventNumber::with_serial(KeyId::FIRST, 1);
        let pin = ring.pin(number, Role::Host).unwrap();
        let mut longer = pin.as_bytes().to_vec();
        longer.push(b'0');
        for wrong in [&b""[..], b"00000000", &[0; 8], &pin.as_bytes()[..7], &longer, &[0xff; 8]] {
            assert_eq!(ring.verify(number, wrong), None, "{wrong:?}");
        }
        for place in 0..PIN_DIGITS {
            let mut wrong = *pin.as_bytes();
            wrong[place] = if wrong[place] == b'9' { b'0' } else { wrong[place] + 1 };
            assert_eq!(ring.verify(number, &wrong), None, "one digit off at {place}");
        }
    }

    #[test]
    fn verify_digits_never_accepts_the_stand_in_number() {
        let ring = ring();
        let pin = ring.pin(EventNumber::with_serial(KeyId::FIRST, 0), Role::Host).unwrap();
        assert_eq!(ring.verify_digits("0000000000", pin.as_bytes()), None);
    }

    #[test]
    fn retiring_a_key_retires_its_events() {
        let mut ring = ring();
        let old = EventNumber::with_serial(KeyId::FIRST, 9);
        let pin = ring.pin(old, Role::Speaker).unwrap();
        let next = KeyId::new(11).unwrap();
        assert_eq!(ring.retire(KeyId::FIRST), Err(KeyringError::IsCurrent(KeyId::FIRST)));
        assert_eq!(ring.make_current(next), Err(KeyringError::Unknown(next)));
        ring.add(next, Key::random()).unwrap();
        assert_eq!(ring.add(next, Key::random()), Err(KeyringError::Taken(next)));
        ring.make_current(next).unwrap();
        assert_eq!(ring.current(), next);
        assert_eq!(ring.verify(old, pin.as_bytes()), Some(Role::Speaker), "valid though not current");
        ring.retire(KeyId::FIRST).unwrap();
        assert_eq!(ring.verify(old, pin.as_bytes()), None);
        assert_eq!(ring.pin(old, Role::Speaker), None);
        assert_eq!(ring.make_current(KeyId::FIRST), Err(KeyringError::IsRetired(KeyId::FIRST)));
    }

    #[test]
    fn a_number_under_no_key_opens_nothing() {
        let ring = ring();
        let stranger = EventNumber::with_serial(KeyId::LAST, 1);
        assert_eq!(ring.pin(stranger, Role::Host), None);
        // Not even the PIN that the stand-in key would give.
        let (host, speaker) = derive(&ring.stand_in, stranger);
        assert_eq!(ring.verify(stranger, host.as_bytes()), None);
        assert_eq!(ring.verify(stranger, speaker.as_bytes()), None);
    }

    #[test]
    fn host_and_speaker_never_share_a_pin() {
        assert_eq!(different_from(5, [6, 7]), 6);
        assert_eq!(different_from(5, [5, 7]), 7);
        assert_eq!(different_from(5, [5, 5]), 6);
        assert_eq!(different_from(PINS - 1, [PINS - 1, PINS - 1]), 0);
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let ring = Keyring::new(KeyId::FIRST, Key::new([0xab; 32]));
        let pin = ring.pin(EventNumber::with_serial(KeyId::FIRST, 0), Role::Host).unwrap();
        let shown = format!("{ring:?} {:?} {pin:?}", Key::new([0xab; 32]));
        assert_eq!(shown, "{KeyId(10): Current} Key(secret) Pin(secret)");
    }

    /// A die of 100 faces thrown ten thousand times: chi-squared with 99 degrees of freedom stays below
    /// 149 in 999 of 1000 cases, and this one is always the same.
    #[test]
    fn pins_are_spread_evenly() {
        let ring = ring();
        let mut counts = [0u32; 100];
        for serial in 0..10_000 {
            let pin = ring.pin(EventNumber::with_serial(KeyId::FIRST, serial), Role::Speaker).unwrap();
            let front = &pin.as_bytes()[..2];
            counts[usize::from(front[0] - b'0') * 10 + usize::from(front[1] - b'0')] += 1;
        }
        let chi_squared: f64 = counts.iter().map(|&c| (f64::from(c) - 100.0).powi(2) / 100.0).sum();
        assert!(chi_squared < 149.0, "{chi_squared}");
    }

    proptest! {
        #[test]
        fn nothing_but_the_pin_is_accepted(serial in 0u32..10_000_000, tried in prop::collection::vec(any::<u8>(), 0..12)) {
            let ring = ring();
            let number = EventNumber::with_serial(KeyId::FIRST, serial);
            let is = |role| tried == ring.pin(number, role).unwrap().as_bytes();
            let expected = Role::ALL.into_iter().find(|&role| is(role));
            prop_assert_eq!(ring.verify(number, &tried), expected);
        }
    }
}
