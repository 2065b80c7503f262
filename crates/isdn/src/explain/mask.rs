//! Hiding digits in frames without changing anything else: lengths stay, so that the frames can still be dissected.
//!
//! There are two kinds of what is hidden. *Secrets* are what a caller keys: the Keypad facility whole, and of a called
//! number what comes behind the number that was dialled, since a caller may have dialled event number and PIN in one go.
//! Nobody needs them, so they are taken out for good. *Persons* are callers' numbers and names, which a technician may
//! need, and which are hidden unless he asks.
//!
//! Data path: a frame from a card → [`Masker::hide_secrets`] → kept; on the way to somebody → [`Masker::hide_persons`].
//! Time: none; but frames have to come in their order, since digits of one number may come in several messages.

use super::elements::digits_at;
use super::walk::{self, Header, Piece, Pieces};
use crate::q931::element::id;
use crate::q931::facility::{self, Component, Components};
use crate::q931::message::MessageType;
use std::collections::VecDeque;
use std::ops::Range;

/// What digits are replaced by: a character of IA5, so that texts remain texts.
const HIDDEN: u8 = b'x';

/// Digits of a caller's number that stay, as in masked numbers elsewhere.
const SHOWN: usize = 2;

/// Calls whose digits are counted at a time; with more, those of the oldest are hidden too early.
const CALLS: usize = 64;

/// Letters and digits in a row that may be part of a name or number, in elements of which only that is known.
const RUN: usize = 3;

/// Hides digits in the frames of one D channel.
#[derive(Clone, Debug)]
pub struct Masker {
    dialled: usize,
    /// Calls that are being dialled, with the digits that came so far.
    calls: VecDeque<(Call, usize)>,
}

/// A call reference's value, and whether the network's side chose it.
type Call = (u32, bool);

impl Masker {
    /// For a D channel whose called numbers have `dialled` digits: those are shown.
    #[must_use]
    pub fn new(dialled: usize) -> Masker {
        Masker { dialled, calls: VecDeque::new() }
    }

    /// Hides what callers key: see the module. Every frame of the D channel has to pass here, in order.
    ///
    /// A message that is sent again counts again, so its digits are rather hidden than shown.
    pub fn hide_secrets(&mut self, frame: &mut [u8], from_network: bool) {
        let Some((header, elements)) = elements_of(frame) else { return };
        if let Some(at) = walk::continuation(header.kind, &frame[elements.clone()]) {
            // It may go on in the middle of what a caller keyed.
            return hide(&mut frame[elements.start + at..elements.end]);
        }
        let call = header.reference.map(|value| (value, header.from_originator == from_network));
        let kind = MessageType(header.kind);
        if kind == MessageType::RELEASE_COMPLETE || kind == MessageType::RELEASE || kind == MessageType::SETUP {
            self.calls.retain(|(other, _)| Some(*other) != call);
        }
        // Digits of a call that did not begin under our eyes may be behind any number of others.
        let mut seen = match call.and_then(|call| self.calls.iter().find(|(other, _)| *other == call)) {
            Some((_, seen)) => *seen,
            None if kind == MessageType::SETUP => 0,
            None => self.dialled,
        };
        for piece in Pieces::new(&frame[elements.clone()]).collect::<Vec<_>>() {
            let content = &mut frame[shifted(&piece.content, elements.start)];
            match (piece.codeset, piece.identifier) {
                (_, 0x2c) => hide(content),
                (0, 0x70) => {
                    let digits = content.get_mut(digits_at(content)..).unwrap_or_default();
                    let count = digits.len();
                    let shown = self.dialled.saturating_sub(seen).min(count);
                    hide(&mut digits[shown..]);
                    seen = seen.saturating_add(count);
                }
                (0, 0x71) => hide(content.get_mut(1..).unwrap_or_default()),
                _ => {}
            }
        }
        let Some(call) = call else { return };
        if let Some(known) = self.calls.iter_mut().find(|(other, _)| *other == call) {
            known.1 = seen;
        } else if kind == MessageType::SETUP {
            if self.calls.len() == CALLS {
                self.calls.pop_front();
            }
            self.calls.push_back((call, seen));
        }
    }

    /// Hides numbers and names of callers, all but the last two digits; needs no other frame to do so.
    pub fn hide_persons(frame: &mut [u8]) {
        let Some((_, elements)) = elements_of(frame) else { return };
        for piece in Pieces::new(&frame[elements.clone()]).collect::<Vec<_>>() {
            let content = &mut frame[shifted(&piece.content, elements.start)];
            match piece {
                Piece { codeset: 0, identifier: 0x0c | 0x4c | 0x6c | 0x73 | 0x74 | 0x76, .. } => {
                    let digits = content.get_mut(digits_at(content)..).unwrap_or_default();
                    let shown_from = if digits.len() > SHOWN { digits.len() - SHOWN } else { digits.len() };
                    hide(&mut digits[..shown_from]);
                }
                Piece { codeset: 0, identifier: 0x28, .. } => {
                    // The character set, where it is told, and the spaces stay.
                    content.iter_mut().filter(|o| **o & 0x80 == 0 && **o > b' ').for_each(|o| *o = HIDDEN);
                }
                Piece { codeset: 0, identifier: 0x4d | 0x6d, .. } => hide(content.get_mut(1..).unwrap_or_default()),
                Piece { codeset: 0, identifier: id::FACILITY, .. } => hide_facility(content),
                // The elements that say nothing of persons, and those that `hide_secrets` has seen to.
                Piece { codeset: 0, identifier, .. } if is_impersonal(identifier) => {}
                _ => hide_runs(content),
            }
        }
    }
}

/// Known elements of codeset 0 that are about channels, bearers and the like; numbers that are ours.
fn is_impersonal(identifier: u8) -> bool {
    identifier & 0x80 != 0
        || matches!(
            identifier,
            0x00..=0x08 | 0x14 | 0x18 | 0x1e | 0x27 | 0x29 | 0x2c | 0x34 | 0x40..=0x47 | 0x70 | 0x71 | 0x78 | 0x79 | 0x7c | 0x7d
        )
}

/// The header of the message in a frame, and where its elements are in the frame.
fn elements_of(frame: &[u8]) -> Option<(Header, Range<usize>)> {
    let information = walk::information(frame)?;
    let header = walk::header(&frame[information.clone()]).ok()?;
    Some((header, information.start + header.elements_at..information.end))
}

fn shifted(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

fn hide(octets: &mut [u8]) {
    octets.fill(HIDDEN);
}

/// A caller's name whole, however short; of other operations what may be text.
fn hide_facility(content: &mut [u8]) {
    let names: Vec<_> = Components::new(content)
        .filter(Component::is_calling_name)
        .filter_map(|component| facility::text_at(content, &component))
        .collect();
    if names.is_empty() {
        hide_runs(content);
    }
    for name in names {
        content[name].iter_mut().filter(|o| **o > b' ').for_each(|o| *o = HIDDEN);
    }
}

/// Hides what may be text among octets that may be anything.
fn hide_runs(octets: &mut [u8]) {
    for run in octets.chunk_by_mut(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
        if run.len() >= RUN && run[0].is_ascii_alphanumeric() {
            hide(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An I frame of the network with this message.
    fn frame(message: &[u8]) -> Vec<u8> {
        [&[0x02, 0x01, 0x00, 0x00], message].concat()
    }

    fn after_secrets(masker: &mut Masker, message: &[u8]) -> Vec<u8> {
        let mut frame = frame(message);
        masker.hide_secrets(&mut frame, true);
        frame.split_off(4)
    }

    #[test]
    fn the_keypad_is_hidden_in_any_message_and_codeset() {
        let mut masker = Masker::new(7);
        let information = [0x08, 0x02, 0x00, 0x01, 0x7b, 0x2c, 0x03, b'1', b'2', b'#'];
        assert_eq!(after_secrets(&mut masker, &information)[5..], *b"\x2c\x03xxx");
        let shifted = [0x08, 0x02, 0x00, 0x01, 0x05, 0x96, 0x2c, 0x03, b'1', b'2', b'#'];
        assert_eq!(after_secrets(&mut masker, &shifted)[6..], *b"\x2c\x03xxx");
        let cut = [0x08, 0x02, 0x00, 0x01, 0x05, 0x2c, 0x30, b'1', b'2', b'#'];
        assert_eq!(after_secrets(&mut masker, &cut)[5..], *b"\x2c\x30xxx");
    }

    #[test]
    fn what_was_dialled_behind_the_number_is_hidden() {
        let mut masker = Masker::new(4);
        let setup = *b"\x08\x02\x00\x01\x05\x70\x09\x8112345678";
        assert_eq!(after_secrets(&mut masker, &setup), b"\x08\x02\x00\x01\x05\x70\x09\x811234xxxx");
        // A second element goes on where the first ended.
        let twice = *b"\x08\x02\x00\x02\x05\x70\x03\x8112\x70\x04\x81345";
        assert_eq!(after_secrets(&mut masker, &twice), *b"\x08\x02\x00\x02\x05\x70\x03\x8112\x70\x04\x8134x");
    }

    #[test]
    fn digits_that_come_one_by_one_are_counted_by_call() {
        let mut masker = Masker::new(3);
        after_secrets(&mut masker, b"\x08\x02\x00\x01\x05\x70\x02\x811");
        after_secrets(&mut masker, b"\x08\x02\x00\x02\x05\x70\x02\x819");
        let mut digit = |call: u8, digit: u8| {
            *after_secrets(&mut masker, &[0x08, 0x02, 0x00, call, 0x7b, 0x70, 0x02, 0x81, digit])
                .last()
                .expect("octets")
        };
        let shown: Vec<u8> = b"23456".iter().map(|d| digit(1, *d)).collect();
        assert_eq!(shown, b"23xxx");
        assert_eq!(digit(2, b'8'), b'8', "the other call's own count");
        assert_eq!(digit(3, b'8'), b'x', "nobody saw that call begin");
        // The same value chosen by the other side is another call.
        assert_eq!(
            after_secrets(&mut masker, b"\x08\x02\x80\x02\x7b\x70\x02\x818").last(),
            Some(&b'x'),
            "the user's own call 2"
        );
        // Over, and begun again.
        after_secrets(&mut masker, b"\x08\x02\x00\x01\x5a");
        assert_eq!(after_secrets(&mut masker, b"\x08\x02\x00\x01\x05\x70\x04\x81987").last(), Some(&b'7'));
    }

    #[test]
    fn persons_keep_two_digits_and_no_letter() {
        let mut setup = frame(b"\x08\x02\x00\x01\x05\x6c\x07\x21\x8355512\x70\x04\x81123\x28\x0a\xb1Ada Lovel");
        let length = setup.len();
        Masker::hide_persons(&mut setup);
        assert_eq!(setup[4..], *b"\x08\x02\x00\x01\x05\x6c\x07\x21\x83xxx12\x70\x04\x81123\x28\x0a\xb1xxx xxxxx");
        assert_eq!(setup.len(), length);
        // A facility with a name in it: its structure stays.
        let mut facility = frame(b"\x08\x02\x00\x01\x62\x1c\x0c\x91\xa1\x09\x02\x01\x01\x80\x04Adam!");
        Masker::hide_persons(&mut facility);
        assert_eq!(facility[4..], *b"\x08\x02\x00\x01\x62\x1c\x0c\x91\xa1\x09\x02\x01\x01\x80\x04xxxx!");
        // A short one is hidden too, and one that must not be shown.
        for tag in [0x80, 0x82] {
            let mut name =
                [&b"\x08\x02\x00\x01\x62\x1c\x0c\x9f\xa1\x0a\x02\x01\x01\x02\x01\x00"[..], &[tag, 2], b"Bo"].concat();
            name[6] = 13;
            let mut name = frame(&name);
            Masker::hide_persons(&mut name);
            assert!(name.ends_with(b"xx"));
        }
        // A number of two digits is hidden whole.
        let mut short = frame(b"\x08\x02\x00\x01\x05\x6c\x04\x21\x8342");
        Masker::hide_persons(&mut short);
        assert!(short.ends_with(b"\x21\x83xx"));
    }

    /// A keypad that goes on in the next segment; the first segment has its elements at their places.
    #[test]
    fn a_later_segment_is_hidden_whole() {
        let mut masker = Masker::new(4);
        let first = *b"\x08\x02\x00\x01\x60\x00\x02\x81\x7b\x28\x02Hi\x2c\x06123";
        assert!(after_secrets(&mut masker, &first).ends_with(b"\x28\x02Hi\x2c\x06xxx"));
        let second = *b"\x08\x02\x00\x01\x60\x00\x02\x00\x7b456";
        assert!(after_secrets(&mut masker, &second).ends_with(b"\x00\x02\x00\x7bxxx"));
    }

    #[test]
    fn frames_of_the_link_pass_unchanged() {
        let mut sabme = [0x02, 0x01, 0x7f];
        Masker::new(0).hide_secrets(&mut sabme, true);
        Masker::hide_persons(&mut sabme);
        assert_eq!(sabme, [0x02, 0x01, 0x7f]);
    }

    #[test]
    fn more_calls_than_are_counted_are_hidden_early_and_cost_no_memory() {
        let mut masker = Masker::new(4);
        for call in 1..=200_u8 {
            after_secrets(&mut masker, &[0x08, 0x02, 0x00, call, 0x05]);
        }
        assert_eq!(masker.calls.len(), CALLS);
        assert!(after_secrets(&mut masker, b"\x08\x02\x00\x01\x7b\x70\x02\x819").ends_with(b"x"));
        assert!(after_secrets(&mut masker, b"\x08\x02\x00\xc8\x7b\x70\x02\x819").ends_with(b"9"));
    }

    proptest! {
        /// Whatever the octets: nothing panics, no length changes, and what is hidden stays so.
        #[test]
        fn noise_keeps_its_structure(noise in proptest::collection::vec(any::<u8>(), 0..200), from_network: bool) {
            let mut once = frame(&[&[0x08, 0x02, 0x00, 0x01, 0x05], &noise[..]].concat());
            let before = crate::explain::explain(&once, from_network);
            let mut masker = Masker::new(4);
            masker.hide_secrets(&mut once, from_network);
            Masker::hide_persons(&mut once);
            let after = crate::explain::explain(&once, from_network);
            let shape = |e: &crate::explain::Explanation| -> Vec<(u8, u8, usize)> {
                let message = e.message.as_ref().expect("a message");
                message.elements.iter().map(|e| (e.codeset, e.identifier, e.octets.len())).collect()
            };
            prop_assert_eq!(shape(&before), shape(&after));
            let mut twice = once.clone();
            Masker::new(4).hide_secrets(&mut twice, from_network);
            Masker::hide_persons(&mut twice);
            prop_assert_eq!(once, twice);
        }
    }
}
