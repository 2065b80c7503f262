//! Facility, as far as it carries a caller's name: ROSE components in Q.932's envelope, read without trusting a length.
//!
//! ```text
//!   octet 3   protocol profile: 0x91 supplementary services (ROSE), 0x92 CMIP, 0x9f networking extensions
//!   then      aa.. network facility extension (QSIG)   8b 01 00 interpretation: discard what is not recognized
//!   then      a1.. invoke: 02 01 id   02 01 00 callingName   80.. a name that may be shown, 82.. or 87 00 one that may not
//! ```
//!
//! Everything else that Facility can carry is skipped: none of it is the basic call's.
//!
//! Data path: an element's content ↔ [`Facility`] ↔ `call`, `calls`; `explain` and its masker look at the [`Component`]s.
//! Source: Q.932 (05/98) clause 8.2.3; ISO/IEC 13868 (callingName; the integer 0, or 1.3.12.9.0 in its first edition);
//! ISO/IEC 11582 for the envelope; X.690 for the encoding. National ISDN names the operation 1.2.840.10005.0.4, "information
//! following", when the name comes in a later FACILITY.
//! Words: component, one invocation or answer of a remote operation; tag, its kind.

use super::channel::BadContent;
use crate::{Name, Presentation};
use heapless::Vec;
use std::ops::Range;

/// Octets of text in a name (ISO/IEC 13868: NameData).
const TEXT_MAX: usize = 50;

/// The longest content we write: envelope, invocation and a name of 50 octets.
pub const CONTENT_MAX: usize = 22 + TEXT_MAX;

const INVOKE: u8 = 0xa1;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// 1.3.12.9, whose arcs are QSIG's operations.
const QSIG_OPERATIONS: &[u8] = &[0x2b, 0x0c, 0x09];
/// 1.2.840.10005.0.4.
pub const INFORMATION_FOLLOWING: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x15, 0x00, 0x04];

/// Who says it, which decides how it is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A national exchange.
    National,
    /// A private network: with a network facility extension, from end to end.
    Private,
}

/// What is said of the caller's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallingName {
    /// It is this.
    Told(Name),
    /// It will be told in a FACILITY message.
    Follows,
}

/// The element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facility {
    /// Its envelope.
    pub form: Form,
    /// What it says.
    pub name: CallingName,
}

/// Which operation is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// By number.
    Local(u32),
    /// By object identifier, its arcs as they are encoded.
    Global(&'a [u8]),
}

impl Operation<'_> {
    fn is_calling_name(self) -> bool {
        match self {
            Operation::Local(number) => number == 0,
            Operation::Global(arcs) => arcs.split_last() == Some((&0, QSIG_OPERATIONS)),
        }
    }
}

/// One component, with the place of its argument in the element's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component<'a> {
    /// Its kind: 0xa1 invoke, 0xa2 result, 0xa3 error, 0xa4 reject.
    pub tag: u8,
    /// The operation, of an invocation that can be read so far.
    pub operation: Option<Operation<'a>>,
    /// What the operation is invoked with.
    pub argument: Range<usize>,
}

impl Component<'_> {
    /// Whether it tells the caller's name.
    #[must_use]
    pub fn is_calling_name(&self) -> bool {
        self.operation.is_some_and(Operation::is_calling_name)
    }
}

/// One tag, length and value: the tag, where the value is, and where the next begins.
struct Value {
    tag: u8,
    range: Range<usize>,
    next: usize,
}

/// Reads what stands at `at`, up to `end`. A value of indefinite length goes to the end; one that claims to be longer is none.
fn value_at(octets: &[u8], at: usize, end: usize) -> Option<Value> {
    let header = octets.get(at..end)?;
    let (begin, length) = match *header {
        [_, 0x80, ..] => (at + 2, end - at - 2),
        [_, short @ 0..0x80, ..] => (at + 2, usize::from(short)),
        [_, 0x81, length, ..] => (at + 3, usize::from(length)),
        _ => return None,
    };
    let next = begin.checked_add(length).filter(|next| *next <= end)?;
    Some(Value { tag: header[0], range: begin..next, next })
}

/// The components of an element's content, in their order. Ends where it cannot be read any further.
#[derive(Clone, Debug)]
pub struct Components<'a> {
    content: &'a [u8],
    at: usize,
}

impl<'a> Components<'a> {
    /// The components in this content; none if its protocol profile has none.
    #[must_use]
    pub fn new(content: &'a [u8]) -> Self {
        let known = content.first().is_some_and(|profile| matches!(profile & 0x1f, 0x11 | 0x12 | 0x1f));
        Components { content, at: if known { 1 } else { content.len() } }
    }

    fn invocation(&self, within: Range<usize>) -> Option<(Operation<'a>, Range<usize>)> {
        let identifier = value_at(self.content, within.start, within.end).filter(|value| value.tag == INTEGER)?;
        let mut operation = value_at(self.content, identifier.next, within.end)?;
        // A linked identifier may come between.
        if operation.tag == 0x80 {
            operation = value_at(self.content, operation.next, within.end)?;
        }
        let octets = self.content.get(operation.range)?;
        let named = match operation.tag {
            INTEGER if (1..=4).contains(&octets.len()) => {
                Operation::Local(octets.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
            }
            OBJECT_IDENTIFIER if !octets.is_empty() => Operation::Global(octets),
            _ => return None,
        };
        Some((named, operation.next..within.end))
    }
}

impl<'a> Iterator for Components<'a> {
    type Item = Component<'a>;

    fn next(&mut self) -> Option<Component<'a>> {
        loop {
            let value = value_at(self.content, self.at, self.content.len())?;
            self.at = value.next;
            let invocation = if value.tag == INVOKE { self.invocation(value.range.clone()) } else { None };
            return Some(match (value.tag, invocation) {
                (_, Some((operation, argument))) => Component { tag: value.tag, operation: Some(operation), argument },
                (0xa1..=0xa4, None) => Component { tag: value.tag, operation: None, argument: value.range },
                // The envelope: network facility extension, network protocol profile, interpretation.
                _ => continue,
            });
        }
    }
}

/// How the octets of a name are to be read (ISO/IEC 13868: CharacterSet).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CharacterSet {
    Latin1,
    Utf8,
    /// Two octets a character.
    Bmp,
    /// Another: the part that all have in common.
    Ascii,
}

impl CharacterSet {
    const fn of(code: u8) -> CharacterSet {
        match code {
            1 => CharacterSet::Latin1,
            8 => CharacterSet::Bmp,
            9 => CharacterSet::Utf8,
            _ => CharacterSet::Ascii,
        }
    }

    fn read(self, octets: &[u8], presentation: Presentation) -> Name {
        let mut name = Name { presentation, ..Name::default() };
        let mut put = |character: char| name.push(character);
        match self {
            CharacterSet::Latin1 => octets.iter().for_each(|octet| put(char::from(*octet))),
            CharacterSet::Ascii => {
                octets.iter().for_each(|octet| put(if octet.is_ascii() { char::from(*octet) } else { '?' }));
            }
            CharacterSet::Bmp => octets.chunks_exact(2).for_each(|pair| {
                put(char::from_u32(u32::from(pair[0]) << 8 | u32::from(pair[1])).unwrap_or('?'));
            }),
            CharacterSet::Utf8 => octets.utf8_chunks().for_each(|chunk| {
                chunk.valid().chars().for_each(&mut put);
                if !chunk.invalid().is_empty() {
                    put('?');
                }
            }),
        }
        name.trim();
        name
    }
}

/// The place of a name's text in the argument of callingName, with what says how to read and whether to show it. `None` for the
/// text where there is none.
fn name_in(octets: &[u8], argument: Range<usize>) -> Option<(Option<Range<usize>>, CharacterSet, Presentation)> {
    let mut value = value_at(octets, argument.start, argument.end)?;
    // With an extension behind it, the name is the first of a sequence.
    if value.tag == SEQUENCE {
        value = value_at(octets, value.range.start, value.range.end)?;
    }
    let presentation = match value.tag & 0x1f {
        0 | 1 => Presentation::Allowed,
        2 | 3 | 7 => Presentation::Restricted,
        4 => Presentation::Unavailable,
        _ => return None,
    };
    match value.tag {
        0x80 | 0x82 => Some((Some(value.range), CharacterSet::Latin1, presentation)),
        0xa1 | 0xa3 => {
            let text = value_at(octets, value.range.start, value.range.end).filter(|text| text.tag == OCTET_STRING)?;
            let set = value_at(octets, text.next, value.range.end).filter(|set| set.tag == INTEGER);
            let set = set.and_then(|set| octets.get(set.range)?.last().copied()).unwrap_or(1);
            Some((Some(text.range), CharacterSet::of(set), presentation))
        }
        0x84 | 0x87 => Some((None, CharacterSet::Latin1, presentation)),
        _ => None,
    }
}

/// Where in an element's content the text of a caller's name stands, if it is one that can be read.
#[must_use]
pub fn text_at(content: &[u8], component: &Component<'_>) -> Option<Range<usize>> {
    name_in(content, component.argument.clone())?.0
}

impl Facility {
    /// Reads the content; `None` if it says nothing of a caller's name.
    ///
    /// # Errors
    /// A component that tells a name, and does so in no form there is.
    pub fn decode(content: &[u8]) -> Result<Option<Facility>, BadContent> {
        let form = if content.get(1) == Some(&0xaa) { Form::Private } else { Form::National };
        for component in Components::new(content) {
            let name = match component.operation {
                Some(Operation::Global(INFORMATION_FOLLOWING)) => CallingName::Follows,
                Some(operation) if operation.is_calling_name() => {
                    let (text, set, presentation) = name_in(content, component.argument).ok_or(BadContent)?;
                    let text = text.and_then(|range| content.get(range)).unwrap_or_default();
                    CallingName::Told(set.read(text, presentation))
                }
                _ => continue,
            };
            return Ok(Some(Facility { form, name }));
        }
        Ok(None)
    }

    /// Writes the content. A name that must not be shown is not told, only that there is one.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, CONTENT_MAX> {
        let mut content = Vec::new();
        let mut put = |octets: &[u8]| {
            let fits = content.extend_from_slice(octets);
            debug_assert!(fits.is_ok(), "CONTENT_MAX is the longest there is");
        };
        put(&[0x9f]);
        if self.form == Form::Private {
            // From the end of the private network to its end.
            put(&[0xaa, 6, 0x80, 1, 0, 0x82, 1, 0]);
        }
        put(&[0x8b, 1, 0]);
        // An identifier that no answer will name: the operation has none.
        let identifier = [INTEGER, 1, 1];
        match &self.name {
            CallingName::Follows => {
                put(&[INVOKE, 15]);
                put(&identifier);
                put(&[OBJECT_IDENTIFIER, INFORMATION_FOLLOWING.len() as u8]);
                put(INFORMATION_FOLLOWING);
                // Enumerated: of no kind in particular.
                put(&[0x0a, 1, 0]);
            }
            CallingName::Told(name) => {
                let latin_1 = |c: char| u8::try_from(u32::from(c)).unwrap_or(b'?');
                let text: Vec<u8, TEXT_MAX> = name.text.chars().take(TEXT_MAX).map(latin_1).collect();
                let (tag, text) = match name.presentation {
                    Presentation::Allowed => (0x80, &text[..]),
                    Presentation::Restricted => (0x87, &[][..]),
                    Presentation::Unavailable => (0x84, &[][..]),
                };
                put(&[INVOKE, 8 + text.len() as u8]);
                put(&identifier);
                put(&[INTEGER, 1, 0, tag, text.len() as u8]);
                put(text);
            }
        }
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str, presentation: Presentation) -> Option<CallingName> {
        Some(CallingName::Told(Name { presentation, ..Name::new(text) }))
    }

    fn read(content: &[u8]) -> Option<CallingName> {
        Facility::decode(content).expect("readable").map(|facility| facility.name)
    }

    /// Forms that exchanges and private networks use.
    #[test]
    fn names_in_every_form() {
        use Presentation::{Allowed, Restricted, Unavailable};
        let cases: [(&[u8], Option<CallingName>); 11] = [
            // National ISDN.
            (b"\x9f\x8b\x01\x00\xa1\x0b\x02\x01\x01\x02\x01\x00\x80\x03ADA", told("ADA", Allowed)),
            (b"\x9f\x8b\x01\x00\xa1\x08\x02\x01\x01\x02\x01\x00\x87\x00", told("", Restricted)),
            // QSIG, by number and by object identifier, with the envelope of either edition.
            (
                b"\x91\xaa\x06\x80\x01\x00\x82\x01\x00\x8b\x01\x00\xa1\x0c\x02\x02\x12\x34\x02\x01\x00\x80\x03J\xf8n",
                told("Jøn", Allowed),
            ),
            (b"\x92\xa1\x0d\x02\x01\x01\x06\x04\x2b\x0c\x09\x00\x82\x02Bo", told("Bo", Restricted)),
            (b"\x9f\xa1\x08\x02\x01\x01\x02\x01\x00\x84\x00", told("", Unavailable)),
            // With a character set: Latin 1, UTF-8, two octets a character, and one of which only ASCII is read.
            (b"\x91\xa1\x0f\x02\x01\x01\x02\x01\x00\xa1\x07\x04\x02Z\xe9\x02\x01\x01", told("Zé", Allowed)),
            (b"\x91\xa1\x10\x02\x01\x01\x02\x01\x00\xa1\x08\x04\x03Z\xc3\xa9\x02\x01\x09", told("Zé", Allowed)),
            (b"\x91\xa1\x11\x02\x01\x01\x02\x01\x00\xa3\x09\x04\x04\x00Z\x01\x7e\x02\x01\x08", told("Zž", Restricted)),
            (b"\x91\xa1\x0f\x02\x01\x01\x02\x01\x00\xa1\x07\x04\x02Z\xe9\x02\x01\x03", told("Z?", Allowed)),
            // In a sequence, with a linked identifier, padded with spaces.
            (b"\x91\xa1\x12\x02\x01\x01\x80\x01\x07\x02\x01\x00\x30\x07\x80\x05Ada  ", told("Ada", Allowed)),
            // Only that it will come.
            (
                b"\x9f\x8b\x01\x00\xa1\x0f\x02\x01\x01\x06\x07\x2a\x86\x48\xce\x15\x00\x04\x0a\x01\x00",
                Some(CallingName::Follows),
            ),
        ];
        for (content, name) in cases {
            assert_eq!(read(content), name, "{content:02x?}");
        }
    }

    /// Other operations, answers and profiles are nobody's name.
    #[test]
    fn what_is_no_name_is_skipped() {
        let cases: [&[u8]; 7] = [
            b"",
            b"\x91",
            b"\x91\xa1\x08\x02\x01\x01\x02\x01\x05\x80\x00", // another operation
            b"\x91\xa1\x0c\x02\x01\x01\x06\x04\x2b\x0c\x09\x01\x80\x01A", // calledName
            b"\x91\xa2\x03\x02\x01\x01",                     // a result
            b"\x95\xa1\x09\x02\x01\x01\x02\x01\x00\x80\x01A", // another profile
            b"\x91\xa1\x40\x02\x01\x01\x02\x01\x00\x80\x01A", // longer than it is
        ];
        for content in cases {
            assert_eq!(read(content), None, "{content:02x?}");
        }
        // The name may be in the second component.
        let second = b"\x91\xa1\x06\x02\x01\x01\x02\x01\x05\xa1\x09\x02\x01\x02\x02\x01\x00\x80\x01A";
        assert_eq!(read(second), told("A", Presentation::Allowed));
    }

    #[test]
    fn a_name_in_no_form_is_bad_content() {
        for argument in [&b""[..], b"\x85\x01A", b"\xa1\x03\x02\x01\x01", b"\x80\x7fA", b"\x80"] {
            let length = 6 + argument.len() as u8;
            let content = [b"\x91\xa1", &[length][..], b"\x02\x01\x01\x02\x01\x00", argument].concat();
            assert_eq!(Facility::decode(&content), Err(BadContent), "{argument:02x?}");
        }
    }

    /// What must not be shown is not said.
    #[test]
    fn a_restricted_name_is_not_told() {
        let name = Name { presentation: Presentation::Restricted, ..Name::new("Ada") };
        let facility = Facility { form: Form::National, name: CallingName::Told(name) };
        assert_eq!(facility.encode()[..], *b"\x9f\x8b\x01\x00\xa1\x08\x02\x01\x01\x02\x01\x00\x87\x00");
    }

    proptest! {
        #[test]
        fn round_trip(text in "([!-~\u{a1}-\u{ff}]{1,32})?", private: bool) {
            let form = if private { Form::Private } else { Form::National };
            for name in [CallingName::Told(Name::new(&text)), CallingName::Follows] {
                let facility = Facility { form, name };
                prop_assert_eq!(Facility::decode(&facility.encode()), Ok(Some(facility)));
            }
        }

        #[test]
        fn any_octets_are_survived(mut octets in proptest::collection::vec(any::<u8>(), 0..80), ours: bool) {
            if ours {
                octets.splice(..0, *b"\x91\xa1\x40\x02\x01\x01\x02\x01\x00");
            }
            if let Ok(Some(facility)) = Facility::decode(&octets) {
                prop_assert!(facility.encode().len() <= CONTENT_MAX);
            }
            for component in Components::new(&octets) {
                prop_assert!(component.argument.end <= octets.len());
                if let Some(text) = text_at(&octets, &component) {
                    prop_assert!(text.end <= octets.len());
                }
            }
        }
    }
}
