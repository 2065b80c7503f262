//! D-channel frames in words, and with what must not be read taken out of them.
//!
//! For people: [`explain`] says what a frame is, down to each element of its message, whatever the octets are. It judges
//! nothing and shares no state with the procedures, so that it also explains what they refused. [`Masker`] hides digits
//! before a frame is shown or kept.
//!
//! Data path: octets of one frame without FCS → [`Masker`] → [`explain`] → an [`Explanation`], or its `Display` form.
//! Time: none; it allocates, and so has no place in a real-time thread.
//! Source: Q.921 (09/97) clauses 2 and 3, 5.3; Q.931 (05/98) clause 4; Q.850 (05/98); the maintenance messages of the
//! North American exchanges, which have the discriminators 0x03 and 0x43.
//! Words: piece, an element or a shift of the codeset as it stands in the octets.

mod elements;
mod link;
mod mask;
mod walk;
mod words;

pub use mask::Masker;

use std::fmt;

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The data link's part, for instance `I, N(S) 3, N(R) 4` or `SABME, P`.
    pub link: String,
    /// The message it carries, if it carries one.
    pub message: Option<Message>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `call control`, `maintenance`, or the number of another protocol.
    pub protocol: String,
    /// Its type as the Recommendation names it: `SETUP`.
    pub name: String,
    /// The value of its call reference; `None` for the dummy one.
    pub call: Option<u32>,
    /// The sender of this message chose that value (the flag is 0).
    pub from_originator: bool,
    /// Its elements, in their order.
    pub elements: Vec<Element>,
    /// What keeps it from being a whole message.
    pub fault: Option<&'static str>,
}

/// What an element says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The codeset its identifier is of.
    pub codeset: u8,
    /// The identifier; of one-octet elements the octet; 0 for the rest of a segmented message, which has none.
    pub identifier: u8,
    /// Its name in table 4-3.
    pub name: &'static str,
    /// Its content in words.
    pub value: String,
    /// All of its octets, identifier and length included.
    pub octets: Vec<u8>,
}

/// Says what a frame is. Never fails: what cannot be understood is said to be that.
#[must_use]
pub fn explain(frame: &[u8], from_network: bool) -> Explanation {
    let link = link::explain(frame, from_network);
    let message = walk::information(frame).and_then(|range| frame.get(range)).filter(|m| !m.is_empty()).map(message);
    Explanation { link, message }
}

fn message(octets: &[u8]) -> Message {
    let discriminator = octets.first().copied().unwrap_or_default();
    let protocol = words::protocol(discriminator);
    let header = match walk::header(octets) {
        Ok(header) => header,
        Err(fault) => {
            return Message {
                protocol,
                name: "no message".to_owned(),
                call: None,
                from_originator: false,
                elements: Vec::new(),
                fault: Some(fault),
            };
        }
    };
    let all = octets.get(header.elements_at..).unwrap_or_default();
    let (pieces, rest) = all.split_at(walk::continuation(header.kind, all).unwrap_or(all.len()));
    let mut fault = None;
    let mut elements = Vec::new();
    for piece in walk::Pieces::new(pieces) {
        if piece.truncated {
            fault = Some("it ends within an element");
        }
        let content = pieces.get(piece.content.clone()).unwrap_or_default();
        let (name, value) = elements::explain(&piece, content);
        let octets = pieces.get(piece.whole).unwrap_or_default().to_vec();
        elements.push(Element { codeset: piece.codeset, identifier: piece.identifier, name, value, octets });
    }
    if !rest.is_empty() {
        let (name, value) = ("Rest of the message", format!("{} octets", rest.len()));
        elements.push(Element { codeset: 0, identifier: 0, name, value, octets: rest.to_vec() });
    }
    Message {
        protocol,
        name: words::message_name(discriminator, header.kind, header.national, header.from_originator),
        call: header.reference,
        from_originator: header.from_originator,
        elements,
        fault,
    }
}

/// A cause's name (Q.850 table 1, and Q.931's own).
#[must_use]
pub fn cause_name(value: u8) -> &'static str {
    words::cause(value)
}

/// Octets as text: `08 02 00 01`.
#[must_use]
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|o| format!("{o:02x}")).collect::<Vec<_>>().join(" ")
}

impl Message {
    /// Whose call it is, in words: `call 1 of the sender`.
    #[must_use]
    pub fn about(&self) -> String {
        match self.call {
            None => "no call".to_owned(),
            Some(0) => "the interface".to_owned(),
            Some(value) => format!("call {value} of the {}", if self.from_originator { "sender" } else { "receiver" }),
        }
    }
}

impl fmt::Display for Explanation {
    /// The link's line; below it, indented, the message's and one for each element; no line feed at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.link)?;
        self.message.as_ref().map_or(Ok(()), |message| write!(f, "\n{message}"))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}, {}", self.name, self.about())?;
        if self.protocol != "call control" {
            write!(f, " ({})", self.protocol)?;
        }
        for element in &self.elements {
            write!(f, "\n    {element}")?;
        }
        self.fault.map_or(Ok(()), |fault| write!(f, "\n    ! {fault}"))
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<22}  {:<46}  {}", self.name, self.value, hex(&self.octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_without_message_is_its_link_line() {
        let explained = explain(&[0x02, 0x01, 0x7f], true);
        assert_eq!(explained, Explanation { link: "SABME, P".to_owned(), message: None });
        assert_eq!(explained.to_string(), "SABME, P");
    }

    #[test]
    fn what_is_no_message_is_said_to_be_that() {
        let explained = explain(&[0x02, 0x01, 0, 0, 0x08, 0x02, 0x00], true);
        let message = explained.message.expect("an information field");
        assert_eq!((message.name.as_str(), message.fault), ("no message", Some("it ends within its call reference")));
        let cut = explain(&[0x02, 0x01, 0, 0, 0x08, 0x02, 0x00, 0x01, 0x45, 0x08, 0x05, 0x80], true);
        let message = cut.message.expect("an information field");
        assert_eq!((message.name.as_str(), message.fault), ("DISCONNECT", Some("it ends within an element")));
        let other = explain(&[0x02, 0x01, 0, 0, 0x41, 0x00], true).message.expect("an information field");
        assert_eq!((other.protocol.as_str(), other.name.as_str()), ("protocol 0x41", "no message"));
    }

    proptest! {
        /// Noise, and noise behind the beginning of a message.
        #[test]
        fn any_octets_are_explained_in_lines_of_text(
            noise in proptest::collection::vec(any::<u8>(), 0..300),
            start in 0..4_usize,
            from_network: bool,
        ) {
            let starts: [&[u8]; 4] =
                [&[], &[0x02, 0x01, 0, 0, 0x08, 0x02, 0, 1], &[0, 1, 2, 0, 0x08], &[2, 1, 0, 0, 3, 2, 0, 0, 15]];
            let frame = [starts[start], &noise].concat();
            let explained = explain(&frame, from_network);
            let text = explained.to_string();
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            // Nothing of the message is left out.
            if let Some(message) = &explained.message && message.name != "no message" {
                let told: usize = message.elements.iter().map(|e| e.octets.len()).sum();
                prop_assert!(frame.len() - told <= 4 + 2 + 15 + 2);
            }
        }
    }
}
