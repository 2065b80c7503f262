//! A day of a D channel in words: the link comes up, channels are announced, a call comes, keys something, ends, the
//! interface is restarted; and what the masker takes out of it.
//!
//! The text beside this file is what a technician reads, so its difference shows what changes for him.

use isdn::explain::{Masker, explain, hex};

/// Octets as exchanges and users send them: true for those of the network.
const FRAMES: [(bool, &str); 24] = [
    (false, "00 01 7f"),
    (true, "02 01 7f"),
    (true, "00 01 73"),
    (false, "02 01 73"),
    // SERVICE for channel 5 under either protocol, as the 5ESS and NI-2 have it.
    (false, "00 01 00 00 03 02 00 00 0f 01 01 c2 18 03 a9 83 85"),
    (true, "02 01 00 02 03 02 80 00 07 01 01 c2 18 03 a9 83 85"),
    (false, "00 01 02 02 43 02 00 00 07 01 01 c0 18 03 a9 83 85"),
    (true, "02 01 02 04 43 02 80 00 0f 01 01 c0 18 03 a9 83 85"),
    (false, "02 01 01 04"),
    // SETUP: 3.1 kHz audio, channel 5, name, calling, called with digits behind the number, redirecting, telephony.
    (
        true,
        "02 01 04 04 08 02 00 2a 05 04 03 90 90 a3 18 03 a9 83 85 28 0d b1 41 64 61 20 4c 6f 76 65 6c 61 63 65 \
         6c 0c 21 83 33 30 35 35 35 30 31 34 32 31 70 0c c1 35 35 35 30 31 30 30 37 37 37 37 74 06 21 01 82 39 38 37 \
         7d 02 91 81 a1",
    ),
    (false, "00 01 04 06 08 02 80 2a 02 18 03 a9 83 85"),
    (false, "00 01 06 06 08 02 80 2a 07"),
    (true, "02 01 06 08 08 02 00 2a 0f"),
    (true, "02 01 08 08 08 02 00 2a 7b 2c 04 31 32 33 34"),
    (true, "02 01 0a 08 08 02 00 2a 62 1c 0f 91 a1 0c 02 01 01 02 01 00 80 04 41 64 61 6d"),
    (true, "02 01 0c 08 08 02 00 2a 6e 27 01 80"),
    (false, "00 01 08 0e 08 02 80 2a 75"),
    (true, "02 01 0e 0a 08 02 00 2a 7d 08 02 82 9e 14 01 0a"),
    (true, "02 01 10 0a 08 02 00 2a 45 08 02 82 90 1e 02 82 88"),
    (false, "00 01 0a 12 08 02 80 2a 4d"),
    (true, "02 01 12 0c 08 02 00 2a 5a 08 03 82 e0 18"),
    // RESTART of the interface, then what breaks the rules: an unknown element, a cut one, another codeset, FRMR.
    (true, "02 01 14 0c 08 02 00 00 46 79 01 87"),
    (false, "00 01 0c 16 08 02 80 00 4e 79 01 87 96 28 03 46 6f 6f 0e 01 00 18 05 a9"),
    (true, "00 01 97 0c 16 02 16 01"),
];

fn octets(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|o| u8::from_str_radix(o, 16).expect("hex")).collect()
}

fn sender(from_network: bool) -> &'static str {
    if from_network { "network" } else { "user" }
}

#[test]
fn every_frame_reads_as_committed() {
    let mut told = String::new();
    for (from_network, frame) in FRAMES {
        let frame = octets(frame);
        told.push_str(&format!("{}: {}\n", sender(from_network), explain(&frame, from_network)));
    }
    assert_eq!(told, include_str!("explain_whole_call.txt"), "\n{told}");
}

#[test]
fn what_is_hidden_is_as_committed_and_keeps_its_length() {
    let mut masker = Masker::new(7);
    let mut told = String::new();
    for (from_network, frame) in FRAMES {
        let whole = octets(frame);
        let mut hidden = whole.clone();
        masker.hide_secrets(&mut hidden, from_network);
        let without_secrets = hidden.clone();
        Masker::hide_persons(&mut hidden);
        assert_eq!(hidden.len(), whole.len());
        let whole = explain(&whole, from_network);
        for (what, hidden) in [("secrets", &without_secrets), ("persons", &hidden)] {
            let hidden = explain(hidden, from_network);
            let elements = |e: &isdn::explain::Explanation| e.message.clone().map_or(Vec::new(), |m| m.elements);
            for (before, after) in elements(&whole).into_iter().zip(elements(&hidden)) {
                if before != after {
                    told.push_str(&format!("{what}: {} {} = {}\n", after.name, after.value, hex(&after.octets)));
                }
            }
        }
    }
    assert_eq!(told, include_str!("explain_hidden.txt"), "\n{told}");
}
