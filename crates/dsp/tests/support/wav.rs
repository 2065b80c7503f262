//! Sound files as they come: 16-bit, µ-law and A-law, one channel, and headers that are careless about the rest.

use dsp::g711::{Law, decode};

/// Samples a second, and the samples.
pub fn read(octets: &[u8]) -> Option<(f64, Vec<i16>)> {
    let number = |octets: &[u8]| octets.iter().rev().fold(0usize, |number, &octet| number << 8 | usize::from(octet));
    let (mut at, mut format, mut rate) = (12, 0, 0);
    while let Some(head) = octets.get(at..at + 8) {
        let length = number(&head[4..8]);
        let body = &octets[at + 8..octets.len().min(at + 8 + length)];
        match &head[..4] {
            b"fmt " => (format, rate) = (number(body.get(..2)?), number(body.get(4..8)?)),
            b"data" => {
                let companded = |law| {
                    let mut samples = vec![0; body.len()];
                    decode(law, body, &mut samples);
                    samples
                };
                let samples = match format {
                    1 => body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect(),
                    6 => companded(Law::A),
                    7 => companded(Law::Mu),
                    _ => return None,
                };
                return Some((rate as f64, samples));
            }
            _ => {}
        }
        at += 8 + length + length % 2;
    }
    None
}
