//! Messages as the far end writes them, octet by octet.

use isdn::q931::message::MessageType;

/// Bearer Capability: speech, 64 kbit/s, µ-law.
pub const SPEECH: [u8; 5] = [0x04, 3, 0x80, 0x90, 0xa2];
/// Channel Identification: channel 5 and no other.
pub const CHANNEL_5: [u8; 5] = [0x18, 3, 0xa9, 0x83, 0x85];
/// Cause: normal call clearing, said by a user.
pub const CLEARING: [u8; 4] = [0x08, 2, 0x80, 0x90];

/// About a call that the far end began.
pub fn theirs(reference: u16, kind: MessageType, elements: &[&[u8]]) -> Vec<u8> {
    message(0, reference, kind, elements)
}

/// About a call that we began.
pub fn ours(reference: u16, kind: MessageType, elements: &[&[u8]]) -> Vec<u8> {
    message(0x80, reference, kind, elements)
}

/// With the flag as it is on the wire.
pub fn message(flag: u8, reference: u16, kind: MessageType, elements: &[&[u8]]) -> Vec<u8> {
    let [high, low] = reference.to_be_bytes();
    [&[0x08, 2, flag | high, low, kind.0], &elements.concat()[..]].concat()
}

/// Channel Identification: this channel and no other.
pub fn channel(number: u8) -> [u8; 5] {
    [0x18, 3, 0xa9, 0x83, 0x80 | number]
}

/// Cause, said by a user.
pub fn cause(value: u8) -> [u8; 4] {
    [0x08, 2, 0x80, 0x80 | value]
}

/// The elements of STATUS.
pub fn status(value: u8, state: u8) -> Vec<u8> {
    [&cause(value)[..], &[0x14, 1, state]].concat()
}
