//! The data link's part of a frame, in one line.
//!
//! Data path: a frame → here → [`Explanation::link`](super::Explanation).
//! Source: Q.921 (09/97) clauses 3.2 to 3.6, tables 1 and 5; TEI management 5.3, figure 13 and table 8.

use std::fmt::Write;

/// One line for any octets.
pub(super) fn explain(frame: &[u8], from_network: bool) -> String {
    let &[first, second, control, ref rest @ ..] = frame else {
        return format!("no frame: {} octets, an address and a control field have 3", frame.len());
    };
    if first & 0x01 != 0 || second & 0x01 == 0 {
        return "no frame: its address does not have two octets".to_owned();
    }
    let (sapi, tei) = (first >> 2, second >> 1);
    // Table 1: commands of the network and responses of the user have the bit.
    let command = (first & 0x02 != 0) == from_network;
    let mut line = if control & 0x03 == 0x03 {
        unnumbered(control, command, sapi, rest)
    } else {
        numbered(control, command, rest)
    };
    if (sapi, tei) != (0, 0) {
        line.push_str(&format!(", SAPI {sapi} TEI {tei}"));
    }
    line
}

fn numbered(control: u8, command: bool, rest: &[u8]) -> String {
    let Some((&second, information)) = rest.split_first() else {
        return "no frame: the second octet of its control field is missing".to_owned();
    };
    let (n_r, bit) = (second >> 1, second & 0x01 != 0);
    if control & 0x01 == 0 {
        let unusual = if command { "" } else { " sent as a response" };
        return format!("I{unusual}, N(S) {}, N(R) {n_r}{}", control >> 1, poll_final(bit, true));
    }
    let name = match control {
        0x01 => "RR",
        0x05 => "RNR",
        0x09 => "REJ",
        _ => return format!("undefined control field {control:02x} {second:02x}"),
    };
    let mut line = format!("{name} {}, N(R) {n_r}{}", kind(command), poll_final(bit, command));
    too_long(&mut line, information);
    line
}

fn unnumbered(control: u8, command: bool, sapi: u8, information: &[u8]) -> String {
    // Whether it is a command; XID is either.
    let (name, as_command) = match control & !0x10 {
        0x6f => ("SABME", Some(true)),
        0x43 => ("DISC", Some(true)),
        0x63 => ("UA", Some(false)),
        0x0f => ("DM", Some(false)),
        0x87 => ("FRMR", Some(false)),
        0x03 => ("UI", Some(true)),
        0xaf => ("XID", None),
        _ => return format!("undefined control field {control:02x}"),
    };
    let mut line = name.to_owned();
    match as_command {
        Some(expected) if expected != command => {
            line.push_str(if command { " sent as a command" } else { " sent as a response" });
        }
        Some(_) => {}
        None => line = format!("XID {}", kind(command)),
    }
    line.push_str(poll_final(control & 0x10 != 0, command));
    match name {
        "FRMR" => line.push_str(&rejection(information)),
        "UI" if sapi == 63 => line.push_str(&tei_management(information)),
        "UI" | "XID" => {}
        _ => too_long(&mut line, information),
    }
    line
}

const fn kind(command: bool) -> &'static str {
    if command { "command" } else { "response" }
}

const fn poll_final(bit: bool, command: bool) -> &'static str {
    match (bit, command) {
        (false, _) => "",
        (true, true) => ", P",
        (true, false) => ", F",
    }
}

fn too_long(line: &mut String, information: &[u8]) {
    if !information.is_empty() {
        // A String takes everything.
        let _ = write!(line, ", and {} octets that it may not have", information.len());
    }
}

/// The information field of FRMR (figure 6): the rejected control field, V(S), V(R), and why.
fn rejection(information: &[u8]) -> String {
    let &[first, second, v_s, v_r, why, ..] = information else { return String::new() };
    let reasons = [
        (0x01, "undefined control field"),
        (0x02, "information field not permitted"),
        (0x04, "information field too long"),
        (0x08, "wrong N(R)"),
    ];
    let reasons: Vec<_> = reasons.iter().filter(|(bit, _)| why & bit != 0).map(|(_, reason)| *reason).collect();
    format!(
        ", rejects control field {first:02x} {second:02x}: {}; V(S) {}, V(R) {}",
        if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join(", ") },
        v_s >> 1,
        v_r >> 1
    )
}

/// TEI management, which a primary rate interface has no use for but may see.
fn tei_management(information: &[u8]) -> String {
    let &[0x0f, high, low, kind, action, ..] = information else { return String::new() };
    let kind = match kind {
        1 => "Identity request",
        2 => "Identity assigned",
        3 => "Identity denied",
        4 => "Identity check request",
        5 => "Identity check response",
        6 => "Identity remove",
        7 => "Identity verify",
        _ => "an unknown message",
    };
    format!(", TEI management: {kind}, Ri {}, Ai {}", u16::from_be_bytes([high, low]), action >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_frame() {
        let network: [(&[u8], &str); 18] = [
            (&[0x02, 0x01, 0x7f], "SABME, P"),
            (&[0x00, 0x01, 0x73], "UA, F"),
            (&[0x00, 0x01, 0x1f], "DM, F"),
            (&[0x02, 0x01, 0x53], "DISC, P"),
            (&[0x00, 0x01, 0x7f], "SABME sent as a response, F"),
            (&[0x02, 0x01, 0x63], "UA sent as a command"),
            (&[0x02, 0x01, 0x06, 0x08, 0x08], "I, N(S) 3, N(R) 4"),
            (&[0x02, 0x01, 0x06, 0x09], "I, N(S) 3, N(R) 4, P"),
            (&[0x02, 0x01, 0x01, 0x0b], "RR command, N(R) 5, P"),
            (&[0x00, 0x01, 0x05, 0x0a], "RNR response, N(R) 5"),
            (&[0x00, 0x01, 0x09, 0xff], "REJ response, N(R) 127, F"),
            (&[0x00, 0x01, 0x0d, 0x00], "undefined control field 0d 00"),
            (&[0x00, 0x01, 0x2f], "undefined control field 2f"),
            (&[0x02, 0x01, 0x01, 0x00, 0x00], "RR command, N(R) 0, and 1 octets that it may not have"),
            (&[0x02, 0x01, 0xbf], "XID command, P"),
            (
                &[0x00, 0x01, 0x87, 0x06, 0x08, 0x02, 0x04, 0x08],
                "FRMR, rejects control field 06 08: wrong N(R); V(S) 1, V(R) 2",
            ),
            (
                &[0xfe, 0xff, 0x03, 0x0f, 0x12, 0x34, 0x02, 0x81],
                "UI, TEI management: Identity assigned, Ri 4660, Ai 64, SAPI 63 TEI 127",
            ),
            (&[0x02, 0x01, 0x00], "no frame: the second octet of its control field is missing"),
        ];
        for (frame, line) in network {
            assert_eq!(explain(frame, true), line, "{frame:02x?}");
        }
        assert_eq!(explain(&[0x00, 0x01, 0x7f], false), "SABME, P");
        assert_eq!(explain(&[0x02], false), "no frame: 1 octets, an address and a control field have 3");
        assert_eq!(explain(&[0x03, 0x01, 0x7f], false), "no frame: its address does not have two octets");
    }
}
