//! Keys and their ids.
//!
//! What is done with them is in [`Keyring`](crate::Keyring); where they are kept, in the key file.
//! Words: *key id*, two digits, 10 to 99, with which the event numbers under the key begin.

use std::fmt;

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
