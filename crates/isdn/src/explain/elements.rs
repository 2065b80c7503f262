//! Elements in words, one line each.
//!
//! Reads the octets themselves rather than what the procedures make of them, so that digits that were hidden, reserved
//! values and what the procedures refuse are shown as well.
//!
//! Data path: a piece and its content → here → [`Element`](super::Element)'s name and value.
//! Source: Q.931 (05/98) clause 4.5, Q.850 (05/98) clause 2, Q.932 (05/98) clause 8.2.3 for Facility.

use super::walk::Piece;
use super::words::{cause, element_name, location, progress, state};
use crate::q931::channel::{ChannelIdentification, Form, Selection};
use crate::q931::facility::{self, Component, Components, Operation};

/// What stands for content that breaks the rules of its element.
const NOT_UNDERSTOOD: &str = "content not understood";

/// Name and value.
pub(super) fn explain(piece: &Piece, content: &[u8]) -> (&'static str, String) {
    let identifier = piece.identifier;
    if piece.is_shift() {
        let how = if identifier & 0x08 != 0 { "one element of" } else { "from here on" };
        return ("Shift", format!("{how} codeset {}", piece.codeset));
    }
    if piece.codeset != 0 {
        let value = format!("codeset {}, element {identifier:#04x}, {}", piece.codeset, octets(content));
        return ("Element of a codeset", value);
    }
    match identifier & 0xf0 {
        _ if identifier & 0x80 == 0 => {}
        0xa0 if identifier == 0xa1 => return ("Sending complete", "no more digits follow".to_owned()),
        0xa0 if identifier == 0xa0 => return ("More data", "another message belongs to it".to_owned()),
        0xb0 => {
            let level = match identifier & 0x0f {
                0 => "receiver ready",
                15 => "receiver not ready",
                _ => "reserved level",
            };
            return ("Congestion level", level.to_owned());
        }
        0xd0 => return ("Repeat indicator", format!("the next come in order, meaning {}", identifier & 0x0f)),
        _ => return ("Unknown element", "of one octet".to_owned()),
    }
    let Some(name) = element_name(identifier) else {
        let must = if identifier & 0xf0 == 0 { ", must be understood" } else { "" };
        return ("Unknown element", format!("{}{must}", octets(content)));
    };
    if content.is_empty() {
        return (name, "empty".to_owned());
    }
    (name, value(identifier, content).unwrap_or_else(|| NOT_UNDERSTOOD.to_owned()))
}

fn value(identifier: u8, content: &[u8]) -> Option<String> {
    Some(match identifier {
        0x00 => segmented(content)?,
        0x01 => change_status(*content.first()?),
        0x04 => bearer(content)?,
        0x08 => cause_value(content)?,
        0x14 => format!("{} {}", content.first()? & 0x3f, state(content.first()? & 0x3f)),
        0x18 => channels(content)?,
        0x1c => facility(content),
        0x20 => network_facilities(content),
        0x1e => {
            let (at, what) = (content.first()?, content.get(1)? & 0x7f);
            format!("{what} {}; from {}", progress(what), location(*at))
        }
        0x27 => notification(*content.first()?),
        0x28 => display(content),
        0x29 => date(content)?,
        0x2c => format!("\"{}\"", text(content)),
        0x34 => signal(*content.first()?),
        0x4c | 0x6c | 0x70 | 0x73 | 0x74 | 0x76 => number(identifier, content)?,
        0x79 => match content.first()? & 0x07 {
            0 => "indicated channels".to_owned(),
            6 => "single interface".to_owned(),
            7 => "all interfaces".to_owned(),
            class => format!("reserved class {class}"),
        },
        0x7d => high_layer(content),
        0x7e => format!("protocol {:#04x}, {}", content.first()?, octets(content.get(1..)?)),
        _ => octets(content),
    })
}

fn octets(content: &[u8]) -> String {
    if content.len() == 1 { "1 octet".to_owned() } else { format!("{} octets", content.len()) }
}

/// IA5 as it can be shown.
fn text(octets: &[u8]) -> String {
    octets.iter().map(|o| if (0x20..0x7f).contains(o) { char::from(*o) } else { '?' }).collect()
}

/// Clause 4.5.26: the first octet counts down and names the first segment, the second is the type of the whole.
fn segmented(content: &[u8]) -> Option<String> {
    let &[first, kind, ..] = content else { return None };
    let place = if first & 0x80 != 0 { "the first segment" } else { "a segment" };
    let kind = crate::q931::message::MessageType(kind).name();
    Some(format!("{place} of {kind}, {} to follow", first & 0x7f))
}

/// Bits 7 (what it is about) and 3-1 (the status).
fn change_status(octet: u8) -> String {
    let status = match octet & 0x07 {
        0 => "in service",
        1 => "maintenance",
        2 => "out of service",
        other => return format!("reserved status {other}"),
    };
    let of = if octet & 0x40 != 0 { "channel" } else { "interface" };
    format!("{of} {status}")
}

/// Table 4-6.
fn bearer(content: &[u8]) -> Option<String> {
    let &[octet_3, octet_4, ref rest @ ..] = content else { return None };
    if octet_3 & 0x60 != 0 {
        return Some(format!("coding standard {}, capability {}", octet_3 >> 5 & 0x03, octet_3 & 0x1f));
    }
    let capability = match octet_3 & 0x1f {
        0x00 => "speech",
        0x08 => "unrestricted digital",
        0x09 => "restricted digital",
        0x10 => "3.1 kHz audio",
        0x11 => "digital with tones",
        0x18 => "video",
        _ => "reserved capability",
    };
    let rate = match (octet_4 >> 5 & 0x03, octet_4 & 0x1f) {
        (2, _) => "packet mode",
        (0, 0x10) => "64 kbit/s",
        (0, 0x11) => "2 x 64 kbit/s",
        (0, 0x13) => "384 kbit/s",
        (0, 0x15) => "1536 kbit/s",
        (0, 0x17) => "1920 kbit/s",
        (0, 0x18) => "multirate",
        _ => "reserved rate",
    };
    // With multirate comes an octet 4.1, the multiplier.
    let rest = if octet_4 & 0x1f == 0x18 { rest.get(1..).unwrap_or_default() } else { rest };
    let layer_1 = match rest.first() {
        Some(octet) if octet >> 5 & 0x03 == 1 => match octet & 0x1f {
            1 => ", V.110",
            2 => ", G.711 mu-law",
            3 => ", G.711 A-law",
            4 => ", G.721",
            5 => ", H.221",
            6 => ", H.223",
            7 => ", private rate adaption",
            8 => ", V.120",
            9 => ", X.31",
            _ => ", reserved layer 1",
        },
        _ => "",
    };
    Some(format!("{capability}, {rate}{layer_1}"))
}

fn cause_value(content: &[u8]) -> Option<String> {
    let (&octet_3, rest) = content.split_first()?;
    // Octet 3a, the Recommendation, comes when bit 8 of octet 3 is 0.
    let rest = if octet_3 & 0x80 == 0 { rest.get(1..)? } else { rest };
    let (&octet_4, diagnostics) = rest.split_first()?;
    let value = octet_4 & 0x7f;
    let mut text = format!("{value} {}; from {}", cause(value), location(octet_3));
    if !diagnostics.is_empty() {
        text.push_str("; about ");
        // What the diagnostics of these causes are (Q.850 table 1): identifiers, a message type, a timer.
        match value {
            96 | 99 | 100 => {
                let names: Vec<_> = diagnostics
                    .iter()
                    .map(|o| element_name(*o).map_or_else(|| format!("{o:#04x}"), str::to_owned))
                    .collect();
                text.push_str(&names.join(", "));
            }
            97 | 98 | 101 => text.push_str(crate::q931::message::MessageType(diagnostics[0]).name()),
            102 => text.push_str(&format!("T{}", self::text(diagnostics))),
            _ => text.push_str(&super::hex(diagnostics)),
        }
    }
    Some(text)
}

fn channels(content: &[u8]) -> Option<String> {
    let element = ChannelIdentification::decode(content).ok()?;
    let mut text = match element.selection {
        Selection::None => "no channel".to_owned(),
        Selection::Any => "any channel".to_owned(),
        Selection::Interface => "the interface".to_owned(),
        Selection::Channels { set, form } => {
            let what = if form == Form::Number { "channel" } else { "slot map, channel" };
            let plural = if set.count_ones() == 1 { "" } else { "s" };
            format!("{what}{plural} {}", runs(set))
        }
    };
    if let Some(interface) = element.interface {
        text.push_str(&format!(" of interface {interface}"));
    }
    if !matches!(element.selection, Selection::None | Selection::Any) {
        text.push_str(if element.exclusive { ", exclusive" } else { ", preferred" });
    }
    Some(text)
}

/// Channels of a set as a list of runs: `1-15, 17-31`.
fn runs(set: u32) -> String {
    let has = |n: u32| (1..=32).contains(&n) && set & 1 << (n - 1) != 0;
    let mut runs = Vec::new();
    for first in (1..=32).filter(|n| has(*n) && !has(n - 1)) {
        let last = (first..=32).take_while(|n| has(*n)).last().unwrap_or(first);
        runs.push(if first == last { first.to_string() } else { format!("{first}-{last}") });
    }
    runs.join(", ")
}

/// Q.932 clause 8.2.3: a protocol profile and components, which are ASN.1.
fn facility(content: &[u8]) -> String {
    let service = match content[0] & 0x1f {
        0x11 => "supplementary services",
        0x12 => "X.500 service",
        0x1f => "networking extensions",
        _ => "a service of its own",
    };
    let components: Vec<_> = Components::new(content).map(|component| operation(content, &component)).collect();
    if components.is_empty() {
        return format!("{service}, {}", octets(content));
    }
    format!("{service}, {}", components.join(", "))
}

/// A component: what is invoked, with the caller's name if it tells one.
fn operation(content: &[u8], component: &Component<'_>) -> String {
    let kind = match component.tag {
        0xa1 => "invoke",
        0xa2 => "result",
        0xa3 => "error",
        _ => "reject",
    };
    let Some(operation) = component.operation else { return kind.to_owned() };
    if component.is_calling_name() {
        let tag = content.get(component.argument.start);
        let presentation = match tag.map(|tag| tag & 0x1f) {
            Some(0 | 1) => "allowed",
            Some(2 | 3 | 7) => "restricted",
            Some(4) => "not available",
            _ => "in a form of its own",
        };
        let name = facility::text_at(content, component).and_then(|range| content.get(range)).unwrap_or_default();
        return format!("{kind} callingName \"{}\" {presentation}", text(name));
    }
    match operation {
        Operation::Local(number) => format!("{kind} operation {number}"),
        Operation::Global(facility::INFORMATION_FOLLOWING) => format!("{kind}: information follows"),
        Operation::Global(arcs) => format!("{kind} operation {}", super::hex(arcs)),
    }
}

fn notification(octet: u8) -> String {
    match octet & 0x7f {
        0 => "user suspended".to_owned(),
        1 => "user resumed".to_owned(),
        2 => "bearer service change".to_owned(),
        0x79 => "remote hold".to_owned(),
        0x7a => "remote retrieval".to_owned(),
        other => format!("indication {other:#04x}"),
    }
}

/// Clause 4.5.21: whose network and which facility. Of AT&T's, which is the one without identification, some have names.
fn network_facilities(content: &[u8]) -> String {
    let facility = match content {
        [0x00, 0xe1] => "software defined network",
        [0x00, 0xe2] => "Megacom toll-free",
        [0x00, 0xe3] => "Megacom",
        [0x00, 0xe6] => "Accunet",
        [0x00, 0xe7] => "long distance",
        [0x00, 0xe8] => "international toll-free",
        [0x00, 0xf0] => "MultiQuest",
        _ => return octets(content),
    };
    format!("AT&T {facility}")
}

/// Some exchanges put an octet first that tells the character set.
fn display(content: &[u8]) -> String {
    let shown = if content[0] & 0x80 != 0 { &content[1..] } else { content };
    format!("\"{}\"", text(shown))
}

/// Clause 4.5.15: year, month, day, then hour, minute and second as far as they are told.
fn date(content: &[u8]) -> Option<String> {
    let &[year, month, day, ref time @ ..] = content else { return None };
    let time: Vec<_> = time.iter().take(3).map(|o| format!("{o:02}")).collect();
    Some(format!("{year:02}-{month:02}-{day:02} {}", time.join(":")).trim_end().to_owned())
}

/// Table 4-24.
fn signal(octet: u8) -> String {
    let tone = match octet {
        0 => "dial tone on",
        1 => "ring back tone on",
        2 => "intercept tone on",
        3 => "network congestion tone on",
        4 => "busy tone on",
        5 => "confirm tone on",
        6 => "answer tone on",
        7 => "call waiting tone on",
        8 => "off-hook warning tone on",
        9 => "preemption tone on",
        0x3f => "tones off",
        0x4f => "alerting off",
        0x40..=0x47 => return format!("alerting on, pattern {}", octet & 0x07),
        _ => "reserved signal",
    };
    tone.to_owned()
}

/// Octet 3 and those that follow it as long as they say so: the rest are digits.
///
/// An octet with bit 8 set is no digit: exchanges exist that announce no octet 3a and send it.
pub(super) fn digits_at(content: &[u8]) -> usize {
    let mut at = 0;
    let mut last = false;
    while at < 3 && content.get(at).is_some_and(|o| !last || o & 0x80 != 0) {
        last = content[at] & 0x80 != 0;
        at += 1;
    }
    at
}

/// Clauses 4.5.8, 4.5.10 and the like. Octets 3, 3a, 3b.
fn number(identifier: u8, content: &[u8]) -> Option<String> {
    let digits_at = digits_at(content);
    let octet_3 = content.first()?;
    let kind = match octet_3 >> 4 & 0x07 {
        0 => "unknown",
        1 => "international",
        2 => "national",
        3 => "network specific",
        4 => "subscriber",
        6 => "abbreviated",
        _ => "reserved",
    };
    let plan = match octet_3 & 0x0f {
        0 => "no plan",
        1 => "E.164",
        3 => "X.121",
        4 => "telex",
        8 => "national plan",
        9 => "private plan",
        _ => "reserved plan",
    };
    let digits = content.get(digits_at..).unwrap_or_default();
    let mut text = format!("\"{}\" {kind}, {plan}", text(digits));
    if let Some(octet) = content.get(1..digits_at).and_then(<[u8]>::first) {
        text.push_str(match octet >> 5 & 0x03 {
            0 => ", allowed",
            1 => ", restricted",
            2 => ", not available",
            _ => ", presentation reserved",
        });
        text.push_str(match octet & 0x03 {
            0 => ", not screened",
            1 => ", passed",
            2 => ", failed",
            _ => ", of the network",
        });
    }
    // Octet 3b: why the call was redirected (Q.952 and the like).
    if matches!(identifier, 0x73 | 0x74)
        && let Some(octet) = content.get(2..digits_at).and_then(<[u8]>::first)
    {
        text.push_str(match octet & 0x0f {
            0 => ", reason unknown",
            1 => ", busy",
            2 => ", no reply",
            4 => ", deflected",
            9 => ", out of order",
            10 => ", forwarded by the called",
            15 => ", unconditional",
            _ => ", reason reserved",
        });
    }
    Some(text)
}

/// Clause 4.5.17; the one octet most calls have.
fn high_layer(content: &[u8]) -> String {
    match content {
        [_, characteristics, ..] => match characteristics & 0x7f {
            1 => "telephony".to_owned(),
            4 => "facsimile group 2/3".to_owned(),
            0x21 => "facsimile group 4".to_owned(),
            other => format!("characteristics {other:#04x}"),
        },
        _ => NOT_UNDERSTOOD.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::walk::Pieces;

    /// Elements as they come from exchanges, with what they say.
    #[test]
    fn elements_in_words() {
        let cases: [(&[u8], &str, &str); 45] = [
            (&[0x04, 0x03, 0x80, 0x90, 0xa2], "Bearer capability", "speech, 64 kbit/s, G.711 mu-law"),
            (&[0x04, 0x02, 0x88, 0x90], "Bearer capability", "unrestricted digital, 64 kbit/s"),
            (&[0x04, 0x04, 0x88, 0x98, 0x82, 0xa5], "Bearer capability", "unrestricted digital, multirate, H.221"),
            (&[0x04, 0x02, 0xc0, 0x90], "Bearer capability", "coding standard 2, capability 0"),
            (&[0x04, 0x01, 0x80], "Bearer capability", NOT_UNDERSTOOD),
            (&[0x08, 0x02, 0x82, 0x90], "Cause", "16 normal call clearing; from public network, local user"),
            (
                &[0x08, 0x03, 0x80, 0xe0, 0x18],
                "Cause",
                "96 mandatory element missing; from user; about Channel identification",
            ),
            (
                &[0x08, 0x05, 0x80, 0xe6, b'3', b'0', b'3'],
                "Cause",
                "102 recovery on timer expiry; from user; about T303",
            ),
            (
                &[0x08, 0x03, 0x81, 0xe5, 0x07],
                "Cause",
                "101 message not compatible with call state; from private network, local user; about CONNECT",
            ),
            (&[0x08, 0x00], "Cause", "empty"),
            (&[0x14, 0x01, 0x0a], "Call state", "10 active"),
            (&[0x18, 0x03, 0xa9, 0x83, 0x85], "Channel identification", "channel 5, exclusive"),
            (&[0x18, 0x01, 0xa9], "Channel identification", "the interface, exclusive"),
            (&[0x18, 0x01, 0xa3], "Channel identification", "any channel"),
            (
                &[0x18, 0x05, 0xa9, 0x93, 0x00, 0x00, 0x1f],
                "Channel identification",
                "slot map, channels 1-5, exclusive",
            ),
            (&[0x18, 0x04, 0xe1, 0x81, 0x83, 0x85], "Channel identification", "channel 5 of interface 1, preferred"),
            (&[0x18, 0x01, 0x89], "Channel identification", NOT_UNDERSTOOD),
            (&[0x1e, 0x02, 0x82, 0x88], "Progress indicator", "8 in-band information; from public network, local user"),
            (&[0x01, 0x01, 0xc2], "Change status", "channel out of service"),
            (&[0x01, 0x01, 0x80], "Change status", "interface in service"),
            (&[0x01, 0x01, 0xc4], "Change status", "reserved status 4"),
            (&[0x1c, 0x03, 0x91, 0xa1, 0x00], "Facility", "supplementary services, invoke"),
            (&[0x1c, 0x03, 0x91, 0xa1, 0x20], "Facility", "supplementary services, 3 octets"),
            (
                b"\x1c\x11\x9f\x8b\x01\x00\xa1\x0b\x02\x01\x01\x02\x01\x00\x80\x03Ada",
                "Facility",
                "networking extensions, invoke callingName \"Ada\" allowed",
            ),
            (
                b"\x1c\x0b\x91\xa1\x08\x02\x01\x01\x02\x01\x00\x87\x00",
                "Facility",
                "supplementary services, invoke callingName \"\" restricted",
            ),
            (
                b"\x1c\x15\x9f\x8b\x01\x00\xa1\x0f\x02\x01\x01\x06\x07\x2a\x86\x48\xce\x15\x00\x04\x0a\x01\x00",
                "Facility",
                "networking extensions, invoke: information follows",
            ),
            (
                b"\x1c\x09\x91\xa1\x06\x02\x01\x01\x02\x01\x22",
                "Facility",
                "supplementary services, invoke operation 34",
            ),
            (&[0x20, 0x02, 0x00, 0xe3], "Network facilities", "AT&T Megacom"),
            (&[0x20, 0x04, 0x02, 0x20, b'1', 0xe7], "Network facilities", "4 octets"),
            (&[0x27, 0x01, 0x80], "Notification indicator", "user suspended"),
            (&[0x28, 0x04, 0xb1, b'A', b'd', 0x07], "Display", "\"Ad?\""),
            (&[0x29, 0x05, 26, 1, 31, 12, 5], "Date/time", "26-01-31 12:05"),
            (&[0x2c, 0x02, b'x', b'x'], "Keypad facility", "\"xx\""),
            (&[0x34, 0x01, 0x42], "Signal", "alerting on, pattern 2"),
            (
                &[0x6c, 0x05, 0x21, 0xa3, b'5', b'5', b'5'],
                "Calling party number",
                "\"555\" national, E.164, restricted, of the network",
            ),
            (&[0x6c, 0x03, 0xa1, 0x83, b'7'], "Calling party number", "\"7\" national, E.164, allowed, of the network"),
            (&[0x70, 0x03, 0xc1, b'1', b'2'], "Called party number", "\"12\" subscriber, E.164"),
            (
                &[0x74, 0x05, 0x21, 0x00, 0x8f, b'1', b'2'],
                "Redirecting number",
                "\"12\" national, E.164, allowed, not screened, unconditional",
            ),
            (&[0x79, 0x01, 0x87], "Restart indicator", "all interfaces"),
            (&[0x7d, 0x02, 0x91, 0x81], "High layer compat.", "telephony"),
            (&[0x0e, 0x01, 0x00], "Unknown element", "1 octet, must be understood"),
            (&[0x00, 0x02, 0x82, 0x05], "Segmented message", "the first segment of SETUP, 2 to follow"),
            (&[0xa1], "Sending complete", "no more digits follow"),
            (&[0xbf], "Congestion level", "receiver not ready"),
            (&[0x96], "Shift", "from here on codeset 6"),
        ];
        for (octets, name, value) in cases {
            let piece = Pieces::new(octets).next().expect("an element");
            let explained = explain(&piece, &octets[piece.content.clone()]);
            assert_eq!((explained.0, explained.1.as_str()), (name, value), "{octets:02x?}");
        }
        let mut pieces = Pieces::new(&[0x9e, 0x28, 0x01, b'A']);
        assert_eq!(explain(&pieces.next().expect("a shift"), &[]).1, "one element of codeset 6");
        let national = explain(&pieces.next().expect("an element"), b"A");
        assert_eq!(national, ("Element of a codeset", "codeset 6, element 0x28, 1 octet".to_owned()));
    }

    #[test]
    fn channels_in_runs() {
        assert_eq!(runs(0x7fff_7fff), "1-15, 17-31");
        assert_eq!(runs(0x8000_0001), "1, 32");
    }
}
