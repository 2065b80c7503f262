//! Titles inside a stream, for players that ask for them.
//!
//! After every [`INTERVAL`] octets of sound comes a length octet, in units of sixteen, and that much text:
//! `StreamTitle='…';` filled up with zeros. A length of zero means "as before".
//!
//! Source: the SHOUTcast convention as players implement it; there is no standard.

/// Octets of sound between two titles (`icy-metaint`).
pub(crate) const INTERVAL: usize = 16_000;
const UNIT: usize = 16;
const MOST: usize = 255 * UNIT;

/// Where one listener is between two titles.
#[derive(Debug)]
pub(crate) struct Icy {
    left: usize,
    told: Option<u64>,
}

impl Icy {
    pub(crate) fn new() -> Self {
        Icy { left: INTERVAL, told: None }
    }

    /// Octets of sound until the next title.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// So many octets of sound went out.
    pub(crate) fn passed(&mut self, octets: usize) {
        self.left -= octets;
    }

    /// The block to put in here; `version` tells whether this listener knows the title.
    pub(crate) fn block(&mut self, title: &str, version: u64) -> Vec<u8> {
        self.left = INTERVAL;
        if self.told == Some(version) {
            return vec![0];
        }
        self.told = Some(version);
        block(title)
    }
}

fn block(title: &str) -> Vec<u8> {
    const BEFORE: &str = "StreamTitle='";
    const AFTER: &str = "';";
    // Players look for the quotation mark that ends the title, and know no way to escape one inside.
    let title: String = printable(title).replace('\'', "\u{2019}");
    let mut end = title.len().min(MOST - BEFORE.len() - AFTER.len());
    while !title.is_char_boundary(end) {
        end -= 1;
    }
    let text = [BEFORE, &title[..end], AFTER].concat();
    let units = text.len().div_ceil(UNIT);
    let mut block = vec![units as u8];
    block.extend_from_slice(text.as_bytes());
    block.resize(1 + units * UNIT, 0);
    block
}

/// The text without control characters, fit for a header line or a title.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(1000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_told_once() {
        let mut icy = Icy::new();
        let first = icy.block("Annual meeting", 0);
        assert_eq!(first[0], 2);
        assert_eq!(&first[1..], b"StreamTitle='Annual meeting';\0\0\0");
        assert_eq!(icy.block("Annual meeting", 0), [0]);
        assert!(icy.block("Questions", 1).starts_with(b"\x02StreamTitle='Questions'"));
    }

    #[test]
    fn any_title_fits_the_block() {
        for title in ["", "it's; 'quoted'", "a\r\nb\0c", &"\u{20AC}".repeat(5000), &"x".repeat(9999)] {
            let block = block(title);
            assert_eq!(block.len(), 1 + usize::from(block[0]) * UNIT);
            let text = std::str::from_utf8(&block[1..]).unwrap().trim_end_matches('\0');
            assert!(text.starts_with("StreamTitle='") && text.ends_with("';"));
            assert_eq!(text.matches('\'').count(), 2);
            assert!(!text.contains(char::is_control));
        }
    }
}
