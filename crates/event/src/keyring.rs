//! The key ring: gives out PINs and says whose PIN it is that was keyed.
//!
//! Several keys, so that one can follow another without the events under the old one being lost at once:
//! new reservations are made under the current key, older ones verify under theirs until it is retired.
//!
//! Data path: a number and digits, from the dialogue → [`Keyring::verify`] → a role or nothing.
//! Time: none; the same work is done for a right PIN, a wrong one, and a number under no key of ours.
//! Words: *current*, the key of new reservations; *retired*, kept but refused.

use crate::key::{Key, KeyId};
use crate::number::EventNumber;
use crate::pin::{PIN_DIGITS, Pin, PinKey};
use crate::role::Role;
use std::fmt;
use subtle::Choice;

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
    pins: PinKey,
}

impl Held {
    fn new(id: KeyId, state: KeyState, key: Key) -> Held {
        let pins = PinKey::new(&key);
        Held { id, state, key, pins }
    }
}

/// The keys of this installation: one current, others valid or retired. Never empty.
#[derive(Clone)]
pub struct Keyring {
    held: Vec<Held>,
    /// Stands in for the key of a number that names none of ours, so that such a number takes as long.
    stand_in: PinKey,
}

impl Keyring {
    /// A ring of one key, the current one.
    #[must_use]
    pub fn new(id: KeyId, key: Key) -> Keyring {
        Keyring { held: vec![Held::new(id, KeyState::Current, key)], stand_in: PinKey::new(&Key::random()) }
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
        Some(self.usable(number)?.pins(number).of(role))
    }

    /// The role whose PIN this is (ASCII digits), if any.
    ///
    /// Takes the same time whether PIN, role or number are right or wrong: all PINs are derived and
    /// compared in constant time always, under a stand-in key if the number names none. Allocates nothing.
    #[must_use]
    pub fn verify(&self, number: EventNumber, pin: &[u8]) -> Option<Role> {
        let key = self.usable(number);
        let pins = key.unwrap_or(&self.stand_in).pins(number);
        let mut offered = [0; PIN_DIGITS];
        // The length of what was keyed is no secret of ours.
        let whole = pin.len() == PIN_DIGITS;
        if whole {
            offered.copy_from_slice(pin);
        }
        pins.role_of(&offered, Choice::from(u8::from(whole)) & Choice::from(u8::from(key.is_some())))
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

    fn usable(&self, number: EventNumber) -> Option<&PinKey> {
        let id = number.key_id();
        self.held.iter().find(|h| h.id == id && h.state != KeyState::Retired).map(|h| &h.pins)
    }

    /// The key of this id, unless it is not here or retired.
    pub(crate) fn key(&self, id: KeyId) -> Option<&Key> {
        self.held.iter().find(|h| h.id == id && h.state != KeyState::Retired).map(|h| &h.key)
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
        (once && current == 1).then(|| Keyring { held, stand_in: PinKey::new(&Key::random()) })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.states()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring() -> Keyring {
        Keyring::new(KeyId::FIRST, Key::new(std::array::from_fn(|i| i as u8)))
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
        let pins = ring.stand_in.pins(stranger);
        assert_eq!(ring.verify(stranger, pins.host.as_bytes()), None);
        assert_eq!(ring.verify(stranger, pins.speaker.as_bytes()), None);
        assert_eq!(ring.verify(stranger, pins.listener.as_bytes()), None);
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let ring = Keyring::new(KeyId::FIRST, Key::new([0xab; 32]));
        let pin = ring.pin(EventNumber::with_serial(KeyId::FIRST, 0), Role::Host).unwrap();
        let shown = format!("{ring:?} {:?} {pin:?}", Key::new([0xab; 32]));
        assert_eq!(shown, "{KeyId(10): Current} Key(secret) Pin(secret)");
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
