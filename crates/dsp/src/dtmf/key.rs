//! The sixteen keys and their frequencies.
//!
//! Source: ITU-T Q.23.

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
