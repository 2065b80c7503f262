//! Where the parts of a frame stand: information field, message header, elements; as places, so that they can be changed.
//!
//! More lenient than the readers of the procedures: who explains or hides something wants to find as much as there is.
//!
//! Data path: octets → here → `explain`, `mask`.
//! Source: Q.921 (09/97) clauses 3.2 to 3.4; Q.931 (05/98) clauses 4.2 to 4.5.

use crate::q931::message::MessageType;
use std::ops::Range;

/// The information field of an I or UI frame, whatever its address. Empty ones are there, too.
pub(super) fn information(frame: &[u8]) -> Option<Range<usize>> {
    let &[first, second, control, ..] = frame else { return None };
    if first & 0x01 != 0 || second & 0x01 == 0 {
        return None;
    }
    let begin = match control {
        _ if control & 0x01 == 0 => 4,
        _ if control & !0x10 == 0x03 => 3,
        _ => return None,
    };
    (begin <= frame.len()).then_some(begin..frame.len())
}

/// The parts of a message up to its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The call reference's value; `None` for the dummy one, of no octets.
    pub reference: Option<u32>,
    /// Its flag is 0: who sends this chose the value.
    pub from_originator: bool,
    /// The message type; behind an escape (clause 4.4) the octet that follows.
    pub kind: u8,
    /// There was an escape: the type is of a national table.
    pub national: bool,
    /// Where the elements begin.
    pub elements_at: usize,
}

/// Finds the parts of a message. Call references longer than four octets keep their last four.
pub(super) fn header(octets: &[u8]) -> Result<Header, &'static str> {
    let Some(&length) = octets.get(1) else { return Err("it ends before its call reference") };
    let kind_at = 2 + usize::from(length & 0x0f);
    let Some(reference) = octets.get(2..kind_at) else { return Err("it ends within its call reference") };
    let flag = reference.first().is_some_and(|o| o & 0x80 != 0);
    let value = reference
        .iter()
        .enumerate()
        .fold(0_u32, |value, (place, octet)| value << 8 | u32::from(if place == 0 { octet & 0x7f } else { *octet }));
    let Some(&kind) = octets.get(kind_at) else { return Err("it ends before its type") };
    let (kind, national, elements_at) = match (kind, octets.get(kind_at + 1)) {
        (0, Some(&national)) => (national, true, kind_at + 2),
        _ => (kind, false, kind_at + 1),
    };
    let reference = (!reference.is_empty()).then_some(value);
    Ok(Header { reference, from_originator: !flag, kind, national, elements_at })
}

/// An element or a shift, by its places in the octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The codeset of its identifier; of a shift, the one it leads to.
    pub codeset: u8,
    /// Its first octet.
    pub identifier: u8,
    /// All of it.
    pub whole: Range<usize>,
    /// What it says; empty for one-octet elements.
    pub content: Range<usize>,
    /// The octets ended first.
    pub truncated: bool,
}

impl Piece {
    /// A shift of the codeset rather than an element.
    pub fn is_shift(&self) -> bool {
        self.identifier & 0xf0 == 0x90
    }
}

/// The pieces of these octets; together they are all of them.
pub(super) struct Pieces<'a> {
    octets: &'a [u8],
    at: usize,
    locked: u8,
    once: Option<u8>,
}

impl<'a> Pieces<'a> {
    pub fn new(octets: &'a [u8]) -> Self {
        Pieces { octets, at: 0, locked: 0, once: None }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let begin = self.at;
        let &identifier = self.octets.get(begin)?;
        if identifier & 0xf0 == 0x90 {
            let codeset = identifier & 0x07;
            if identifier & 0x08 != 0 {
                self.once = Some(codeset);
            } else if codeset > self.locked {
                // A locking shift leads to a higher codeset only (clause 4.5.3).
                self.locked = codeset;
            }
            self.at = begin + 1;
            return Some(Piece {
                codeset,
                identifier,
                whole: begin..self.at,
                content: self.at..self.at,
                truncated: false,
            });
        }
        let codeset = self.once.take().unwrap_or(self.locked);
        let (content_at, end, truncated) = match self.octets.get(begin + 1) {
            _ if identifier & 0x80 != 0 => (begin + 1, begin + 1, false),
            None => (begin + 1, begin + 1, true),
            Some(&length) => {
                let end = begin + 2 + usize::from(length);
                (begin + 2, end.min(self.octets.len()), end > self.octets.len())
            }
        };
        self.at = end;
        Some(Piece { codeset, identifier, whole: begin..end, content: content_at..end, truncated })
    }
}

/// Where in the elements of a SEGMENT that is not the first the rest of its message begins. It may begin within an element, so
/// nothing there can be told apart (Q.931 Annex H).
pub(super) fn continuation(kind: u8, elements: &[u8]) -> Option<usize> {
    match elements {
        [0x00, 2, place, _, ..] if kind == MessageType::SEGMENT.0 && place & 0x80 == 0 => Some(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::q931::message::Elements;
    use proptest::prelude::*;

    #[test]
    fn information_fields_are_found() {
        let cases: [(&[u8], Option<Range<usize>>); 7] = [
            (&[0x02, 0x01, 0x00, 0x00, 0x08], Some(4..5)),
            (&[0x02, 0x01, 0x00, 0x00], Some(4..4)),
            (&[0x02, 0x01, 0x00], None),
            (&[0xfe, 0xff, 0x03, 0x0f], Some(3..4)),
            (&[0x02, 0x01, 0x01, 0x00], None),
            (&[0x02, 0x01, 0x7f], None),
            (&[0x03, 0x01, 0x00, 0x00, 0x08], None),
        ];
        for (frame, range) in cases {
            assert_eq!(information(frame), range, "{frame:02x?}");
        }
    }

    #[test]
    fn headers_of_every_form() {
        let header_of = |octets: &[u8]| header(octets).expect("a header");
        let usual = header_of(&[0x08, 0x02, 0x80, 0x05, 0x07]);
        assert_eq!((usual.reference, usual.from_originator, usual.kind, usual.elements_at), (Some(5), false, 7, 5));
        assert_eq!(header_of(&[0x08, 0x00, 0x62]).reference, None);
        let national = header_of(&[0x08, 0x01, 0x05, 0x00, 0x33]);
        assert_eq!((national.kind, national.national, national.elements_at), (0x33, true, 5));
        for octets in [&[0x08][..], &[0x08, 0x02, 0x00], &[0x08, 0x02, 0x00, 0x01], &[0x08, 0x0f, 1, 2, 3]] {
            assert!(header(octets).is_err(), "{octets:02x?}");
        }
    }

    proptest! {
        /// The procedures' own reader finds the same elements.
        #[test]
        fn the_same_elements_as_the_reader_of_the_procedures(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let found: Vec<_> = Pieces::new(&octets).filter(|p| !p.is_shift()).collect();
            let theirs: Vec<_> = Elements::new(&octets).collect();
            prop_assert_eq!(found.len(), theirs.len());
            for (piece, element) in found.iter().zip(theirs) {
                prop_assert_eq!(&octets[piece.content.clone()], element.content);
                prop_assert_eq!((piece.codeset, piece.truncated), (element.codeset, element.truncated));
            }
            let all: usize = Pieces::new(&octets).map(|p| p.whole.len()).sum();
            prop_assert_eq!(all, octets.len());
        }
    }
}
