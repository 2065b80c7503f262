//! A capture of D-channel frames that tshark and Wireshark open.
//!
//! Data path: frames as they pass a test → here → a file for [`tshark_fields`](crate::peers::tshark_fields).
//! Time: the caller's.
//! Source: pcap 2.4, link type 177 (LAPD): a header of 16 octets before each frame, which says who sent it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// A capture that grows.
#[derive(Debug)]
pub struct Capture(File);

impl Capture {
    /// Begins a capture, or goes on with one that has been begun.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("create the capture");
        let mut header = 0xa1b2_c3d4u32.to_ne_bytes().to_vec();
        header.extend([2u16, 4].map(u16::to_ne_bytes).as_flattened());
        header.extend([0u32, 0, 65535, 177].map(u32::to_ne_bytes).as_flattened());
        if file.metadata().expect("ask for the capture's length").len() == 0 {
            file.write_all(&header).expect("write the capture");
        }
        Capture(file)
    }

    /// Adds a frame without FCS.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn note(&mut self, time: Duration, frame: &[u8], from_network: bool) {
        let length = 16 + frame.len() as u32;
        let pseudo = [0, 4, 0x20, 0x44, 0, 1, u8::from(from_network), 0, 0, 0, 0, 0, 0, 0, 0, 0x30];
        let record = [time.as_secs() as u32, time.subsec_micros(), length, length];
        let mut packet: Vec<u8> = record.iter().flat_map(|word| word.to_ne_bytes()).collect();
        packet.extend(pseudo);
        packet.extend(frame);
        self.0.write_all(&packet).expect("write the capture");
    }
}
