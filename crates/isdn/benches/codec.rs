//! What reading, writing and explaining take, apart from everything else: SETUP, SERVICE, the frame around a message.
//!
//! `cargo bench -p isdn --bench codec`. The least of several rounds is printed, in nanoseconds: whatever else the machine does
//! can only add to it. What a whole stack takes is `hw-tests/benches/libpri.rs`'s.

#![forbid(unsafe_code)]

use isdn::Side;
use isdn::explain::explain;
use isdn::maintenance::ServiceMessage;
use isdn::q921::{Message, frame};
use isdn::q931::content;
use isdn::q931::message::split;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 25;
const TURNS: u32 = 20_000;

/// A SETUP of a national exchange: speech, channel 5, both numbers (tables 3-15, 4-6, 4-8, 4-9).
const SETUP: &[u8] =
    b"\x08\x02\x00\x01\x05\x04\x03\x80\x90\xa2\x18\x03\xa9\x83\x85\x6c\x0c\x21\x812025550101\x70\x0b\xa12125550100";

/// SERVICE for channel 5, out of service.
const SERVICE: &[u8] = &[0x43, 0x02, 0x00, 0x00, 0x07, 0x01, 0x01, 0xc2, 0x18, 0x03, 0xa9, 0x83, 0x85];

fn time<T>(what: &str, mut once: impl FnMut() -> T) {
    let mut least = f64::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..TURNS {
            black_box(once());
        }
        least = least.min(begun.elapsed().as_secs_f64() * 1e9 / f64::from(TURNS));
    }
    println!("{what:<20} {least:>7.1} ns");
}

fn main() {
    let raw = split(SETUP).expect("a message");
    let (read, _) = content::decode(&raw);
    let service = ServiceMessage::decode(SERVICE).expect("a message");
    let message = Message::from_slice(SETUP).expect("short");
    let i_frame = frame::write_information(Side::Network, 3, 4, false, &message);

    time("SETUP decoded", || content::decode(&split(black_box(SETUP)).expect("a message")));
    time("SETUP encoded", || content::encode(raw.reference, raw.kind, black_box(&read)));
    time("SERVICE decoded", || ServiceMessage::decode(black_box(SERVICE)));
    time("SERVICE encoded", || black_box(&service).encode());
    time("I frame decoded", || frame::decode(black_box(&i_frame), Side::Network, 260).is_ok());
    time("I frame encoded", || frame::write_information(Side::Network, 3, 4, false, black_box(&message)));
    time("I frame explained", || explain(black_box(&i_frame), true));
}
