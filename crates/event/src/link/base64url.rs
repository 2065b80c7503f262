//! Octets as letters that need no escaping in an address.
//!
//! Without padding, and one text for each content: what has other bits than it needs is refused, so that a
//! token cannot be written in two ways.
//!
//! Source: RFC 4648 clause 5, and 3.5 for the bits that are left over.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The text of these octets.
pub(super) fn encode(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len().div_ceil(3) * 4);
    for chunk in octets.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, &octet| bits << 8 | u32::from(octet)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            out.push(char::from(LETTERS[(bits >> (18 - 6 * place) & 0x3F) as usize]));
        }
    }
    out
}

/// The octets of this text, if it is the text of some.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut bits = 0u32;
        for &letter in chunk {
            bits = bits << 6 | LETTERS.iter().position(|&known| known == letter)? as u32;
        }
        // One letter alone is less than an octet.
        let octets = chunk.len().checked_sub(1).filter(|&octets| octets > 0)?;
        let spare = 6 * chunk.len() - 8 * octets;
        if bits & ((1 << spare) - 1) != 0 {
            return None;
        }
        bits >>= spare;
        out.extend((0..octets).rev().map(|place| (bits >> (8 * place)) as u8));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_standard() {
        // RFC 4648, clause 10, without the padding.
        for (octets, text) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg")] {
            assert_eq!(encode(octets.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(octets.as_bytes()));
        }
        for wrong in ["Z", "Zh", "Zm9", "Zg==", "Zm9v\n", "Zm+v", "Zm9vY", "Gr\u{fc}"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn one_text_for_each_content(octets in prop::collection::vec(any::<u8>(), 0..40), text in "[A-Za-z0-9_-]{0,40}") {
            prop_assert_eq!(decode(&encode(&octets)), Some(octets));
            if let Some(read) = decode(&text) {
                prop_assert_eq!(encode(&read), text);
            }
        }
    }
}
