//! Messages that are nearly right: known types and references, elements from a list, now and then anything at all.
//!
//! Source: Q.931 (05/98) tables 4-2 and 4-3 for types and elements; for maintenance messages see `isdn::maintenance`.

use crate::script::Script;
use isdn::CallReference;

/// Every type there is, and some there are not.
const TYPES: [u8; 29] = [
    0x01, 0x02, 0x03, 0x05, 0x07, 0x0d, 0x0f, 0x20, 0x21, 0x22, 0x25, 0x26, 0x2d, 0x2e, 0x45, 0x46, 0x4d, 0x4e, 0x5a,
    0x60, 0x62, 0x6e, 0x75, 0x79, 0x7b, 0x7d, 0x00, 0x3f, 0xff,
];

/// Elements. What stands where `CHANNEL` is becomes a channel number.
const ELEMENTS: [&[u8]; 32] = [
    &[0x04, 3, 0x80, 0x90, 0xa2],
    &[0x04, 3, 0x90, 0x90, 0xa3],
    &[0x04, 2, 0x88, 0x90],
    &[0x08, 2, 0x80, 0x90],
    &[0x08, 2, 0x82, 0x9e],
    &[0x08, 1, 0x80],
    &[0x18, 3, 0xa9, 0x83, CHANNEL],
    &[0x18, 3, 0xa1, 0x83, CHANNEL],
    &[0x18, 4, 0xe9, 0x80, 0x83, CHANNEL],
    &[0x18, 4, 0xe9, 0x81, 0x83, CHANNEL],
    &[0x18, 5, 0xa9, 0x93, 0x00, 0xff, 0x0f],
    &[0x18, 6, 0xa9, 0x93, 0x01, 0x00, 0x00, 0x1e],
    &[0x18, 5, 0xa9, 0x83, 1, 2, 0x83],
    &[0x18, 1, 0xab],
    &[0x18, 1, 0xa9],
    &[0x18, 1, 0xa8],
    &[0x1e, 2, 0x82, 0x88],
    &[0x1c, 15, 0x9f, 0x8b, 1, 0, 0xa1, 9, 2, 1, 1, 2, 1, 0, 0x80, 1, b'A'],
    &[0x28, 4, 0xb1, b'A', b'd', b'a'],
    &[0x70, 3, 0x80, b'1', b'2'],
    &[0x70, 2, 0x81, b'#'],
    &[0x6c, 4, 0x21, 0x83, b'5', b'5'],
    &[0x74, 5, 0x21, 0x03, 0x8f, b'5', b'5'],
    &[0x2c, 2, b'3', b'9'],
    &[0x27, 1, 0x80],
    &[0x79, 1, 0x80],
    &[0x79, 1, 0x86],
    &[0x79, 1, 0x87],
    &[0xa1],
    &[0x96, 0x01, 1, 0],
    &[0x9d, 0x02, 0],
    &[0x02, 0],
];

const CHANNEL: u8 = 0xfe;

/// A message for one of these calls, or one that nobody knows, or for all.
pub fn call_control(script: &mut Script<'_>, calls: &[CallReference]) -> Vec<u8> {
    let reference = match script.octet() {
        0 => CallReference { value: 0, ours: false },
        1 => CallReference { value: 0, ours: true },
        which @ 2..128 => match calls {
            [] => CallReference { value: u16::from(which), ours: false },
            calls => calls[usize::from(which) % calls.len()],
        },
        which => CallReference { value: u16::from(which & 0x3f), ours: which & 0x40 != 0 },
    };
    // As the far end writes it: the flag is set towards the side that chose the value.
    let [high, low] = (reference.value | if reference.ours { 0x8000 } else { 0 }).to_be_bytes();
    let mut octets = vec![8, 2, high, low, TYPES[usize::from(script.octet()) % TYPES.len()]];
    elements(script, &mut octets);
    octets
}

/// A SETUP that can be taken.
pub fn setup(script: &mut Script<'_>) -> Vec<u8> {
    let reference = script.octet() & 0x7f;
    let (how, channel) = (script.octet(), 0x80 | script.number());
    let preference = if how & 1 == 0 { 0xa9 } else { 0xa1 };
    let mut octets = vec![8, 2, 0, reference, 5, 0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, preference, 0x83, channel];
    if how & 2 != 0 {
        octets.extend([0x70, 3, 0x80, b'1', b'2']);
    }
    if how & 4 != 0 {
        octets.push(0xa1);
    }
    octets
}

/// SERVICE, SERVICE ACKNOWLEDGE, and what looks like one of them.
pub fn maintenance(script: &mut Script<'_>) -> Vec<u8> {
    let how = script.octet();
    let discriminator = if how & 1 == 0 { 0x03 } else { 0x43 };
    let flag = if how & 2 == 0 { 0x00 } else { 0x80 };
    let kind = match how >> 2 & 3 {
        0 | 1 => 0x0f,
        2 => 0x07,
        _ => how,
    };
    let mut octets = vec![discriminator, 2, flag, 0, kind];
    if how & 0x40 == 0 {
        octets.extend([0x01, 1, 0xc0 | script.octet() & 7]);
    }
    if how & 0x80 == 0 {
        octets.extend([0x18, 3, 0xa9, 0x83, 0x80 | script.number()]);
    } else {
        elements(script, &mut octets);
    }
    octets
}

fn elements(script: &mut Script<'_>, octets: &mut Vec<u8>) {
    let count = script.octet();
    for _ in 0..count % 5 {
        match script.octet() {
            255 => octets.extend(script.counted()),
            which => {
                for octet in ELEMENTS[usize::from(which) % ELEMENTS.len()] {
                    octets.push(if *octet == CHANNEL { 0x80 | script.number() } else { *octet });
                }
            }
        }
    }
    // Cut short, now and then.
    if count & 0x80 != 0 {
        octets.truncate(usize::from(script.octet()));
    }
    octets.truncate(260);
}
