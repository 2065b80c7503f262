//! LAPD frames as octets: address, control field, information.
//!
//! Reading and writing only; what a frame means in a given state is the neighbour's (`link`). The frame check
//! sequence and the flags belong to the card.
//!
//! Data path: octets of one frame without FCS → [`decode`] → `link`; `link` → the `write_*` functions → [`LapdFrame`].
//! Source: Q.921 (09/97) clauses 2.9, 3.2 to 3.6, tables 1, 4 and 5.
//! Words: P/F, the poll bit of a command and the final bit of a response.

use super::{LapdFrame, Message, N201_MAX};
use crate::Side;
use heapless::Vec;

/// A whole frame that has no information field.
pub type ShortFrame = Vec<u8, 4, u8>;

/// Supervisory functions (table 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervisory {
    /// RR: ready for N(R), which acknowledges what came before it.
    ReceiveReady,
    /// RNR: as RR, but take a pause.
    ReceiveNotReady,
    /// REJ: send again from N(R).
    Reject,
}

/// Unnumbered functions (table 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnumbered {
    /// SABME, a command: set up multiple frame operation.
    Sabme,
    /// DISC, a command: end it.
    Disc,
    /// UA, a response: done.
    Ua,
    /// DM, a response: not in multiple frame operation.
    Dm,
    /// FRMR, a response: the far end cannot make sense of a frame of ours.
    Frmr,
    /// UI, a command: unacknowledged information. Not used between primary rate point-to-point entities.
    Ui,
    /// XID, command or response: parameter negotiation, which we leave at the defaults.
    Xid,
}

/// One frame addressed to SAPI 0, TEI 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// I: a numbered message; always a command.
    Information {
        /// N(S), 0 to 127.
        n_s: u8,
        /// N(R), 0 to 127.
        n_r: u8,
        /// P bit.
        poll: bool,
        /// The message, not longer than N201.
        information: &'a [u8],
    },
    /// RR, RNR, REJ.
    Supervisory {
        /// Which.
        function: Supervisory,
        /// Command rather than response.
        command: bool,
        /// N(R), 0 to 127.
        n_r: u8,
        /// P or F bit.
        poll_final: bool,
    },
    /// Everything else.
    Unnumbered {
        /// Which.
        function: Unnumbered,
        /// P or F bit.
        poll_final: bool,
    },
}

/// Why octets are not a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAFrame {
    /// Too short, or not a two-octet address: discard without any action (clause 2.9).
    Invalid,
    /// For somebody else on the line: TEI management (SAPI 63), packet data, broadcast.
    OtherAddress {
        /// Service access point identifier, 0 to 63.
        sapi: u8,
        /// Terminal endpoint identifier, 0 to 127.
        tei: u8,
    },
    /// Control field undefined, or a command sent as a response or the reverse (clause 3.6.1; error L).
    UndefinedControl,
    /// A supervisory or unnumbered frame longer than it may be (errors M and N).
    WrongLength,
    /// Information field longer than N201 (error O).
    TooLong,
}

/// Whether the C/R bit is set in a command sent by `side` (table 1).
const fn command_bit(side: Side) -> bool {
    matches!(side, Side::Network)
}

/// Reads a frame sent by `sender`; `n201` is the longest information field in octets.
///
/// # Errors
/// What kept the octets from being a frame for us, as the procedures need to know it.
pub fn decode(octets: &[u8], sender: Side, n201: usize) -> Result<Frame<'_>, NotAFrame> {
    let &[first, second, control, ref rest @ ..] = octets else { return Err(NotAFrame::Invalid) };
    if first & 0x01 != 0 || second & 0x01 == 0 {
        return Err(NotAFrame::Invalid);
    }
    let (sapi, tei) = (first >> 2, second >> 1);
    if (sapi, tei) != (0, 0) {
        return Err(NotAFrame::OtherAddress { sapi, tei });
    }
    let command = (first & 0x02 != 0) == command_bit(sender);

    if control & 0x03 == 0x03 {
        return decode_unnumbered(control, command, rest);
    }
    // Numbered frames have a second control octet.
    let (&second_control, information) = rest.split_first().ok_or(NotAFrame::Invalid)?;
    let (n_r, poll_final) = (second_control >> 1, second_control & 0x01 != 0);
    if control & 0x01 == 0 {
        if !command {
            return Err(NotAFrame::UndefinedControl);
        }
        if information.len() > n201 {
            return Err(NotAFrame::TooLong);
        }
        return Ok(Frame::Information { n_s: control >> 1, n_r, poll: poll_final, information });
    }
    let function = match control {
        0x01 => Supervisory::ReceiveReady,
        0x05 => Supervisory::ReceiveNotReady,
        0x09 => Supervisory::Reject,
        _ => return Err(NotAFrame::UndefinedControl),
    };
    if !information.is_empty() {
        return Err(NotAFrame::WrongLength);
    }
    Ok(Frame::Supervisory { function, command, n_r, poll_final })
}

fn decode_unnumbered(control: u8, command: bool, information: &[u8]) -> Result<Frame<'_>, NotAFrame> {
    let (function, direction_fits, may_carry_information) = match control & !0x10 {
        0x6f => (Unnumbered::Sabme, command, false),
        0x43 => (Unnumbered::Disc, command, false),
        0x63 => (Unnumbered::Ua, !command, false),
        0x0f => (Unnumbered::Dm, !command, false),
        0x87 => (Unnumbered::Frmr, !command, true),
        0x03 => (Unnumbered::Ui, command, true),
        0xaf => (Unnumbered::Xid, true, true),
        _ => return Err(NotAFrame::UndefinedControl),
    };
    // Our own SABME coming back from a looped line ends here: it has the direction of a response.
    if !direction_fits {
        return Err(NotAFrame::UndefinedControl);
    }
    if !may_carry_information && !information.is_empty() {
        return Err(NotAFrame::WrongLength);
    }
    Ok(Frame::Unnumbered { function, poll_final: control & 0x10 != 0 })
}

/// The two address octets of a frame sent by `sender` to SAPI 0, TEI 0.
const fn address(sender: Side, command: bool) -> [u8; 2] {
    [if command == command_bit(sender) { 0x02 } else { 0x00 }, 0x01]
}

/// SABME, DISC, UA, DM, FRMR without its information field, UI or XID likewise.
#[must_use]
pub fn write_unnumbered(sender: Side, function: Unnumbered, poll_final: bool) -> ShortFrame {
    let (control, command) = match function {
        Unnumbered::Sabme => (0x6f, true),
        Unnumbered::Disc => (0x43, true),
        Unnumbered::Ua => (0x63, false),
        Unnumbered::Dm => (0x0f, false),
        Unnumbered::Frmr => (0x87, false),
        Unnumbered::Ui => (0x03, true),
        Unnumbered::Xid => (0xaf, true),
    };
    let [first, second] = address(sender, command);
    ShortFrame::from_array([first, second, control | (u8::from(poll_final) << 4)])
}

/// RR, RNR or REJ.
#[must_use]
pub fn write_supervisory(sender: Side, function: Supervisory, command: bool, n_r: u8, poll_final: bool) -> ShortFrame {
    let control = match function {
        Supervisory::ReceiveReady => 0x01,
        Supervisory::ReceiveNotReady => 0x05,
        Supervisory::Reject => 0x09,
    };
    let [first, second] = address(sender, command);
    ShortFrame::from_array([first, second, control, (n_r << 1) | u8::from(poll_final)])
}

/// What goes before the message in an I frame.
#[must_use]
pub const fn information_header(sender: Side, n_s: u8, n_r: u8, poll: bool) -> [u8; 4] {
    let [first, second] = address(sender, true);
    [first, second, n_s << 1, (n_r << 1) | poll as u8]
}

/// An I frame.
#[must_use]
pub fn write_information(sender: Side, n_s: u8, n_r: u8, poll: bool, message: &Message) -> LapdFrame {
    const { assert!(super::FRAME_MAX == N201_MAX + 4) };
    let mut octets = LapdFrame::from_array(information_header(sender, n_s, n_r, poll));
    let fits = octets.extend_from_slice(message);
    assert!(fits.is_ok(), "a header of four octets and a Message fill a LapdFrame at most");
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Octets as they appear on real lines, by sender.
    #[test]
    fn reads_what_it_writes_and_the_octets_are_the_known_ones() {
        let network = Side::Network;
        let user = Side::User;
        let cases: &[(ShortFrame, Side, &[u8])] = &[
            (write_unnumbered(network, Unnumbered::Sabme, true), network, &[0x02, 0x01, 0x7f]),
            (write_unnumbered(user, Unnumbered::Sabme, true), user, &[0x00, 0x01, 0x7f]),
            (write_unnumbered(user, Unnumbered::Ua, true), user, &[0x02, 0x01, 0x73]),
            (write_unnumbered(network, Unnumbered::Ua, true), network, &[0x00, 0x01, 0x73]),
            (write_unnumbered(network, Unnumbered::Dm, true), network, &[0x00, 0x01, 0x1f]),
            (write_unnumbered(user, Unnumbered::Disc, true), user, &[0x00, 0x01, 0x53]),
            (write_unnumbered(user, Unnumbered::Frmr, false), user, &[0x02, 0x01, 0x87]),
            (write_supervisory(network, Supervisory::ReceiveReady, true, 5, true), network, &[0x02, 0x01, 0x01, 0x0b]),
            (
                write_supervisory(network, Supervisory::ReceiveReady, false, 5, false),
                network,
                &[0x00, 0x01, 0x01, 0x0a],
            ),
            (write_supervisory(user, Supervisory::ReceiveNotReady, false, 127, true), user, &[0x02, 0x01, 0x05, 0xff]),
            (write_supervisory(user, Supervisory::Reject, true, 0, false), user, &[0x00, 0x01, 0x09, 0x00]),
        ];
        for (written, sender, octets) in cases {
            assert_eq!(written.as_slice(), *octets);
            let again = match decode(octets, *sender, 260).expect("ours") {
                Frame::Unnumbered { function, poll_final } => write_unnumbered(*sender, function, poll_final),
                Frame::Supervisory { function, command, n_r, poll_final } => {
                    write_supervisory(*sender, function, command, n_r, poll_final)
                }
                Frame::Information { .. } => panic!("no I frame here"),
            };
            assert_eq!(&again, written);
        }

        let message = Message::from_slice(&[0x08, 0x02, 0x80, 0x01]).expect("short");
        let octets = write_information(network, 3, 4, false, &message);
        assert_eq!(octets.as_slice(), [0x02, 0x01, 0x06, 0x08, 0x08, 0x02, 0x80, 0x01]);
        assert_eq!(
            decode(&octets, network, 260),
            Ok(Frame::Information { n_s: 3, n_r: 4, poll: false, information: &message })
        );
    }

    #[test]
    fn sorts_what_is_no_frame_by_what_has_to_be_done_about_it() {
        let cases: &[(&[u8], NotAFrame)] = &[
            (&[], NotAFrame::Invalid),
            (&[0x02, 0x01], NotAFrame::Invalid),
            (&[0x03, 0x01, 0x7f], NotAFrame::Invalid), // one-octet address
            (&[0x02, 0x00, 0x7f], NotAFrame::Invalid), // address goes on
            (&[0x02, 0x01, 0x01], NotAFrame::Invalid), // RR without N(R)
            (&[0x02, 0x01, 0x00], NotAFrame::Invalid), // I without N(R)
            (&[0xfe, 0xff, 0x03, 0x0f], NotAFrame::OtherAddress { sapi: 63, tei: 127 }),
            (&[0x02, 0x03, 0x7f], NotAFrame::OtherAddress { sapi: 0, tei: 1 }),
            (&[0x00, 0x01, 0x7f], NotAFrame::UndefinedControl), // SABME as a response
            (&[0x02, 0x01, 0x73], NotAFrame::UndefinedControl), // UA as a command
            (&[0x00, 0x01, 0x00, 0x00], NotAFrame::UndefinedControl), // I as a response
            (&[0x02, 0x01, 0x0d, 0x00], NotAFrame::UndefinedControl), // SREJ
            (&[0x02, 0x01, 0x2f], NotAFrame::UndefinedControl), // SABM, modulo 8
            (&[0x02, 0x01, 0x01, 0x00, 0x00], NotAFrame::WrongLength),
            (&[0x02, 0x01, 0x7f, 0x00], NotAFrame::WrongLength),
        ];
        for (octets, why) in cases {
            assert_eq!(decode(octets, Side::Network, 260), Err(*why), "{octets:02x?}");
        }
        let mut long = vec![0x02, 0x01, 0x00, 0x00];
        long.resize(4 + 260, 0x55);
        assert!(decode(&long, Side::Network, 260).is_ok());
        long.push(0x55);
        assert_eq!(decode(&long, Side::Network, 260), Err(NotAFrame::TooLong));
    }
}
