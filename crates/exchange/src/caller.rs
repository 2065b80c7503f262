//! A caller as the line hears it: one chunk in, one chunk out.
//!
//! Looks after companding, and joins the voice ([`crate::script`]) to the ear ([`crate::ear`]). It knows no
//! signalling: whoever drives it begins with the chunk in which the call was connected and stops with the call.
//!
//! Data path: octets of a timeslot → ear; script → octets for the timeslot.
//! Time: samples; `clock` is the exchange's count of them, so that callers can keep in step.

use crate::ear::{Ear, Heard, Sink};
use crate::script::{Player, Progress, Script};
use dsp::g711::{self, Law};
use dsp::level::{SILENCE_DBM0, power_dbm0};

/// Samples handled at a time; longer chunks are taken in pieces.
const BLOCK: usize = hal::ChunkLength::MAX_SAMPLES;

/// The audio of one call.
pub struct Caller {
    player: Player,
    ear: Ear,
}

impl Caller {
    /// Someone who does what the script says, and whose hearing goes to `sink`.
    #[must_use]
    pub fn new(script: Script, sink: Sink, find_keys: bool) -> Caller {
        Caller { player: Player::new(script), ear: Ear::new(sink, find_keys) }
    }

    /// Hear a chunk and say one of the same length, in the law of the line. `clock` is the exchange's sample
    /// clock at its first sample. With buffers of different lengths the shorter one decides.
    pub fn next_chunk(&mut self, clock: u64, heard: &[u8], out: &mut [u8], law: Law) -> Progress {
        let mut progress = Progress::GoesOn;
        let mut clock = clock;
        for (heard, out) in heard.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
            let length = heard.len().min(out.len());
            let mut block = [0; BLOCK];
            let block = &mut block[..length];
            g711::decode(law, heard, block);
            self.ear.hear(block);
            let level = if self.player.listens() { power_dbm0(block) } else { SILENCE_DBM0 };
            progress = self.player.fill(clock, level, block);
            if self.player.echoes() {
                out[..length].copy_from_slice(&heard[..length]);
            } else {
                g711::encode(law, block, out);
            }
            clock += length as u64;
        }
        progress
    }

    /// What was heard so far.
    #[must_use]
    pub fn heard(&self) -> &Heard {
        self.ear.heard()
    }

    /// The call is over: close the recording. The samples are those of a memory sink.
    #[must_use]
    pub fn close(self) -> (Heard, Vec<i16>) {
        self.ear.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Step;
    use crate::wav::Clip;

    fn ramp() -> Clip {
        (0..1000).map(|i| (i * 60 - 30_000) as i16).collect()
    }

    #[test]
    fn what_is_said_is_heard_at_the_other_end_of_the_wire() {
        for law in [Law::Mu, Law::A] {
            let mut speaker = Caller::new(vec![Step::Speak { clip: ramp() }, Step::HangUp], Sink::None, false);
            let mut listener = Caller::new(vec![], Sink::memory(8000), false);
            let mut wire = [law.idle_octet(); 80];
            let mut clock = 0;
            while speaker.next_chunk(clock, &[law.idle_octet(); 80], &mut wire, law) == Progress::GoesOn {
                let mut silence = [0; 80];
                assert_eq!(listener.next_chunk(clock, &wire, &mut silence, law), Progress::GoesOn);
                let quiet = law.decode_one(law.encode_one(0));
                assert!(silence.iter().all(|octet| law.decode_one(*octet) == quiet));
                clock += 80;
            }
            let (_, heard) = listener.close();
            let expected: Vec<i16> = ramp().iter().map(|s| law.decode_one(law.encode_one(*s))).collect();
            assert_eq!(heard[..960], expected[..960]);
        }
    }

    #[test]
    fn an_echo_returns_every_octet_as_it_was() {
        let all: Vec<u8> = (0..=255).collect();
        let mut echo = Caller::new(vec![Step::Echo], Sink::None, false);
        let mut out = vec![0; all.len()];
        assert_eq!(echo.next_chunk(0, &all, &mut out, Law::A), Progress::GoesOn);
        assert_eq!(out, all, "longer than a block, and without decoding");
    }

    #[test]
    fn buffers_of_different_lengths_do_no_harm() {
        let mut caller = Caller::new(vec![Step::Echo], Sink::None, true);
        let mut out = [7; 10];
        assert_eq!(caller.next_chunk(0, &[1; 4], &mut out, Law::Mu), Progress::GoesOn);
        assert_eq!(out, [1, 1, 1, 1, 7, 7, 7, 7, 7, 7]);
        assert_eq!(caller.next_chunk(0, &[], &mut out, Law::Mu), Progress::GoesOn);
        assert_eq!(caller.heard().samples, 4);
    }
}
