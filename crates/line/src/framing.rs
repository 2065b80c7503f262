//! How a line is framed, and what follows from it for counting.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The framing of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// T1, extended superframe: CRC-6 and a data link with performance reports (ANSI T1.403).
    T1Esf,
    /// T1, superframe (D4): framing bits only.
    T1D4,
    /// E1 with CRC-4 and E bits (ITU-T G.704).
    E1Crc4,
    /// E1 with frame alignment only.
    E1,
}

impl Framing {
    /// It is one of a T1; else of an E1.
    #[must_use]
    pub const fn is_t1(self) -> bool {
        matches!(self, Framing::T1Esf | Framing::T1D4)
    }

    /// Blocks are checked by a CRC.
    #[must_use]
    pub const fn has_crc(self) -> bool {
        matches!(self, Framing::T1Esf | Framing::E1Crc4)
    }

    /// The far end tells what it receives: performance reports on ESF, E bits with CRC-4 (RFC 4805, the far end tables).
    #[must_use]
    pub const fn has_far_end(self) -> bool {
        self.has_crc()
    }

    /// Path code violations that make a second severely errored; `None` where framing errors are counted instead
    /// (RFC 4805 section 3.4.3, "Severely Errored Seconds").
    #[must_use]
    pub const fn severe_path_violations(self) -> Option<u32> {
        match self {
            Framing::T1Esf => Some(320),
            Framing::E1Crc4 => Some(832),
            // Any framing error makes it severe, and every path violation of D4 is one.
            Framing::T1D4 => Some(1),
            Framing::E1 => None,
        }
    }

    /// Line code violations that make a second severely errored, where there is no CRC (same clause).
    #[must_use]
    pub const fn severe_line_violations(self) -> Option<u32> {
        match self {
            Framing::T1D4 => Some(1544),
            Framing::E1 => Some(2048),
            Framing::T1Esf | Framing::E1Crc4 => None,
        }
    }

    /// Errors of a minute above which it is degraded: one bit in a million (same clause, "Degraded Minutes"; G.821).
    #[must_use]
    pub const fn degraded_above(self) -> u32 {
        match self {
            Framing::T1Esf | Framing::T1D4 => 92, // 60 s of 1,544,000 bit/s: 92.64
            Framing::E1Crc4 | Framing::E1 => 122, // 60 s of 2,048,000 bit/s: 122.88
        }
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framing::T1Esf => "T1 ESF",
            Framing::T1D4 => "T1 D4",
            Framing::E1Crc4 => "E1 CRC-4",
            Framing::E1 => "E1 without CRC-4",
        })
    }
}
