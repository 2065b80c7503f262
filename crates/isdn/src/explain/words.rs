//! Names of code points: protocols, messages, elements, causes, states.
//!
//! Source: Q.931 (05/98) tables 4-1 to 4-3, 4-8 and clause 4.5; Q.850 (05/98) table 1; for the maintenance messages see
//! [`super`].

use crate::q931::message::{CALL_CONTROL, MAINTENANCE, MessageType};

/// What a protocol discriminator stands for (table 4-1).
pub(super) fn protocol(discriminator: u8) -> String {
    match discriminator {
        CALL_CONTROL => "call control".to_owned(),
        _ if MAINTENANCE.contains(&discriminator) => format!("maintenance, protocol {discriminator:#04x}"),
        _ => format!("protocol {discriminator:#04x}"),
    }
}

/// A message's name.
///
/// The two maintenance protocols number SERVICE and its acknowledgement the other way round, and not all exchanges agree
/// which is which; but a reply goes to the call reference's owner, so the flag tells. Only 0x07 under 0x03 is an
/// acknowledgement always: some senders of it forget to turn the flag.
pub(super) fn message_name(discriminator: u8, kind: u8, national: bool, from_originator: bool) -> String {
    if national {
        return format!("national message {kind:#04x}");
    }
    if MAINTENANCE.contains(&discriminator) {
        return match (discriminator, kind) {
            (0x03, 0x07) => "SERVICE ACKNOWLEDGE".to_owned(),
            (_, 0x07 | 0x0f) if from_originator => "SERVICE".to_owned(),
            (_, 0x07 | 0x0f) => "SERVICE ACKNOWLEDGE".to_owned(),
            _ => format!("unknown message {kind:#04x}"),
        };
    }
    let kind = MessageType(kind);
    if discriminator != CALL_CONTROL || !kind.is_defined() {
        return format!("unknown message {:#04x}", kind.0);
    }
    kind.name().to_owned()
}

/// An element's name in codeset 0 (table 4-3), with those older and national editions have.
pub(super) fn element_name(identifier: u8) -> Option<&'static str> {
    Some(match identifier {
        0x00 => "Segmented message",
        0x01 => "Change status",
        0x04 => "Bearer capability",
        0x08 => "Cause",
        0x0c => "Connected address",
        0x0d => "Extended facility",
        0x10 => "Call identity",
        0x14 => "Call state",
        0x18 => "Channel identification",
        0x1c => "Facility",
        0x1e => "Progress indicator",
        0x20 => "Network facilities",
        0x27 => "Notification indicator",
        0x28 => "Display",
        0x29 => "Date/time",
        0x2c => "Keypad facility",
        0x32 => "Information request",
        0x34 => "Signal",
        0x36 => "Switchhook",
        0x38 => "Feature activation",
        0x39 => "Feature indication",
        0x3a => "Service profile",
        0x3b => "Endpoint identifier",
        0x40 => "Information rate",
        0x42 => "End-to-end delay",
        0x43 => "Transit delay",
        0x44 => "Packet parameters",
        0x45 => "Packet window size",
        0x46 => "Packet size",
        0x47 => "Closed user group",
        0x4a => "Reverse charging",
        0x4c => "Connected number",
        0x4d => "Connected subaddress",
        0x6c => "Calling party number",
        0x6d => "Calling subaddress",
        0x70 => "Called party number",
        0x71 => "Called subaddress",
        0x73 => "Original called number",
        0x74 => "Redirecting number",
        0x76 => "Redirection number",
        0x78 => "Transit network",
        0x79 => "Restart indicator",
        0x7c => "Low layer compat.",
        0x7d => "High layer compat.",
        0x7e => "User-user",
        0x7f => "Escape for extension",
        _ => return None,
    })
}

/// A cause's name (Q.850 table 1, and Q.931's own).
pub(super) fn cause(value: u8) -> &'static str {
    match value {
        1 => "unallocated number",
        2 => "no route to transit network",
        3 => "no route to destination",
        4 => "send special information tone",
        5 => "misdialled trunk prefix",
        6 => "channel unacceptable",
        7 => "call awarded, delivered in an established channel",
        8 => "preemption",
        9 => "preemption, circuit reserved",
        16 => "normal call clearing",
        17 => "user busy",
        18 => "no user responding",
        19 => "no answer from user",
        20 => "subscriber absent",
        21 => "call rejected",
        22 => "number changed",
        23 => "redirection to new destination",
        25 => "exchange routing error",
        26 => "non-selected user clearing",
        27 => "destination out of order",
        28 => "invalid number format",
        29 => "facility rejected",
        30 => "response to STATUS ENQUIRY",
        31 => "normal, unspecified",
        34 => "no circuit available",
        38 => "network out of order",
        39 => "permanent frame mode connection out of service",
        40 => "permanent frame mode connection operational",
        41 => "temporary failure",
        42 => "switching equipment congestion",
        43 => "access information discarded",
        44 => "requested channel not available",
        46 => "precedence call blocked",
        47 => "resource unavailable, unspecified",
        49 => "quality of service not available",
        50 => "requested facility not subscribed",
        53 => "outgoing calls barred within group",
        55 => "incoming calls barred within group",
        57 => "bearer capability not authorized",
        58 => "bearer capability not available now",
        62 => "inconsistency in access information",
        63 => "service not available, unspecified",
        65 => "bearer capability not implemented",
        66 => "channel type not implemented",
        69 => "requested facility not implemented",
        70 => "only restricted digital information",
        79 => "service not implemented, unspecified",
        81 => "invalid call reference value",
        82 => "identified channel does not exist",
        83 => "a suspended call exists, this identity does not",
        84 => "call identity in use",
        85 => "no call suspended",
        86 => "call with this identity was cleared",
        87 => "user not member of group",
        88 => "incompatible destination",
        90 => "non-existent group",
        91 => "invalid transit network selection",
        95 => "invalid message, unspecified",
        96 => "mandatory element missing",
        97 => "message type unknown",
        98 => "message not compatible with call state",
        99 => "element unknown",
        100 => "invalid element contents",
        101 => "message not compatible with call state",
        102 => "recovery on timer expiry",
        103 => "parameter unknown, passed on",
        110 => "message with unknown parameter discarded",
        111 => "protocol error, unspecified",
        127 => "interworking, unspecified",
        _ => "no name",
    }
}

/// Where a cause or an indication comes from (Q.850 clause 2.2.3).
pub(super) fn location(code: u8) -> &'static str {
    match code & 0x0f {
        0 => "user",
        1 => "private network, local user",
        2 => "public network, local user",
        3 => "transit network",
        4 => "public network, remote user",
        5 => "private network, remote user",
        7 => "international network",
        10 => "beyond interworking point",
        _ => "reserved location",
    }
}

/// A call state, or one of the interface's (clause 4.5.7, table 4-8).
pub(super) fn state(value: u8) -> &'static str {
    match value {
        0 => "null",
        1 => "call initiated",
        2 => "overlap sending",
        3 => "outgoing call proceeding",
        4 => "call delivered",
        6 => "call present",
        7 => "call received",
        8 => "connect request",
        9 => "incoming call proceeding",
        10 => "active",
        11 => "disconnect request",
        12 => "disconnect indication",
        15 => "suspend request",
        17 => "resume request",
        19 => "release request",
        22 => "call abort",
        25 => "overlap receiving",
        61 => "restart request",
        62 => "restart",
        _ => "reserved state",
    }
}

/// What a progress indicator describes (clause 4.5.23).
pub(super) fn progress(description: u8) -> &'static str {
    match description {
        1 => "not end-to-end ISDN",
        2 => "destination is not ISDN",
        3 => "origination is not ISDN",
        4 => "the call has returned to the ISDN",
        5 => "service change by interworking",
        8 => "in-band information",
        _ => "reserved description",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As libpri sends them, and as it answers.
    #[test]
    fn service_messages_are_named_by_protocol_and_flag() {
        for (discriminator, kind, from_originator, name) in [
            (0x03, 0x0f, true, "SERVICE"),
            (0x03, 0x07, false, "SERVICE ACKNOWLEDGE"),
            (0x03, 0x07, true, "SERVICE ACKNOWLEDGE"),
            (0x43, 0x07, true, "SERVICE"),
            (0x43, 0x0f, false, "SERVICE ACKNOWLEDGE"),
            (0x43, 0x0f, true, "SERVICE"),
            (0x03, 0x05, true, "unknown message 0x05"),
            (0x08, 0x05, true, "SETUP"),
            (0x08, 0x55, true, "unknown message 0x55"),
            (0x41, 0x05, true, "unknown message 0x05"),
        ] {
            assert_eq!(
                message_name(discriminator, kind, false, from_originator),
                name,
                "{discriminator:02x} {kind:02x}"
            );
        }
        assert_eq!(message_name(0x08, 0x33, true, true), "national message 0x33");
    }

    /// A table that two lines share a number in would not compile; this is about their width.
    #[test]
    fn names_fit_their_column() {
        for identifier in 0..=255 {
            assert!(element_name(identifier).is_none_or(|name| name.len() <= 22), "{identifier:02x}");
        }
    }
}
