//! What is kept beside a file: by which a version is known, and a copy of it found good or bad.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A version of a file. Of two the one changed later is the newer, and of two changed in the same millisecond
/// the one with the greater checksum, so that all mirrors agree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sum {
    /// When it was changed, in milliseconds of UTC.
    pub changed_ms: u64,
    /// SHA-256 of the contents, in hexadecimal digits.
    pub sha256: String,
    /// Octets.
    pub length: u64,
}

impl Sum {
    /// Of these octets.
    #[must_use]
    pub fn of(octets: &[u8], changed_ms: u64) -> Sum {
        let mut summing = Summing::default();
        summing.take(octets);
        summing.done(changed_ms)
    }

    /// Whether these two have the same contents.
    #[must_use]
    pub fn same_contents(&self, other: &Sum) -> bool {
        (self.length, &self.sha256) == (other.length, &other.sha256)
    }
}

/// A sum in the making.
#[derive(Default)]
pub(crate) struct Summing {
    sha256: Sha256,
    length: u64,
}

impl Summing {
    pub(crate) fn take(&mut self, octets: &[u8]) {
        self.sha256.update(octets);
        self.length += octets.len() as u64;
    }

    pub(crate) fn done(self, changed_ms: u64) -> Sum {
        let sha256 = self.sha256.finalize().iter().map(|octet| format!("{octet:02x}")).collect();
        Sum { changed_ms, sha256, length: self.length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_of_the_standard() {
        // FIPS 180-4, the message "abc".
        let sum = Sum::of(b"abc", 7);
        assert_eq!(sum.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((sum.length, sum.changed_ms), (3, 7));
        assert!(Sum::of(b"abc", 8) > sum && Sum::of(b"abc", 8).same_contents(&sum));
    }
}
