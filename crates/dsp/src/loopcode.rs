//! In-band loop codes of a T1: sending and noticing them.
//!
//! A code is a few bits that repeat over the whole line for five seconds and more. The equipment that hears it loops
//! the line back, or stops doing so.
//!
//! Data path: [`LoopCodeGenerator`] → 24 timeslots, frame by frame; 24 timeslots, frame by frame →
//! [`LoopCodeDetector`] → [`LoopCodeEvent`]. [`crate::bert::deal`] and [`crate::bert::gather`] go between that order
//! and the chunk of each timeslot.
//! Time: counted in frames of 125 µs.
//! Source: ANSI T1.403 clause 9 (line loopback: 00001 and 001 for at least 5 s, heard at error rates up to 10^-3),
//! AT&T TR 62411 for those of the network interface unit.
//!
//! What is lost without the framing bit: a T1 has 193 bits a frame and a card shows 192 of them. A sender that
//! writes its framing over the code has put a bit of the code where the card does not show it, and one that makes
//! room for the framing has not; which of the two it was cannot be told, and need not be: the detector looks for the
//! code in each frame anew. What cannot be done at all is to hear or send the *unframed* code, in which the framing is
//! missing altogether (the card is in loss of frame then), and the messages of the facility data link, which are in the
//! framing bits. In a code we send, the framing bits come between two bits of the code.

use std::fmt;

/// Timeslots of a frame.
pub const TIMESLOTS: usize = 24;

/// A code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoopCode {
    /// Set the line loopback of the customer's equipment: 00001.
    LineUp,
    /// Release it: 001.
    LineDown,
    /// Set the loopback of the network interface unit: 11000.
    UnitUp,
    /// Release it: 11100.
    UnitDown,
}

impl LoopCode {
    const ALL: [LoopCode; 4] = [Self::LineUp, Self::LineDown, Self::UnitUp, Self::UnitDown];

    /// The bits, the first one highest, and how many.
    #[must_use]
    pub const fn bits(self) -> (u8, usize) {
        match self {
            Self::LineUp => (0b00001, 5),
            Self::LineDown => (0b001, 3),
            Self::UnitUp => (0b11000, 5),
            Self::UnitDown => (0b11100, 5),
        }
    }

    /// The octet that begins at a place of the code.
    const fn octet(self, place: usize) -> u8 {
        let (bits, length) = self.bits();
        let (mut octet, mut at) = (0, 0);
        while at < 8 {
            octet = octet << 1 | bits >> (length - 1 - (place + at) % length) & 1;
            at += 1;
        }
        octet
    }
}

impl fmt::Display for LoopCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LineUp => "line loopback up (00001)",
            Self::LineDown => "line loopback down (001)",
            Self::UnitUp => "interface unit loopback up (11000)",
            Self::UnitDown => "interface unit loopback down (11100)",
        })
    }
}

/// The octets of all codes by the place they begin at; those of shorter codes go round.
const OCTETS: [[u8; 5]; 4] = {
    let mut octets = [[0; 5]; 4];
    let mut code = 0;
    while code < 4 {
        let mut place = 0;
        while place < 5 {
            octets[code][place] = LoopCode::ALL[code].octet(place);
            place += 1;
        }
        code += 1;
    }
    octets
};

/// Sends a code for as long as it is asked to.
#[derive(Debug, Clone)]
pub struct LoopCodeGenerator {
    code: LoopCode,
    place: usize,
}

impl LoopCodeGenerator {
    /// How long a code has to be sent to be obeyed, in seconds, with some to spare over the five of T1.403.
    pub const SECONDS: u32 = 6;

    /// A generator of a code, from its first bit.
    #[must_use]
    pub const fn new(code: LoopCode) -> Self {
        Self { code, place: 0 }
    }

    /// The next octets of the line, timeslot after timeslot.
    pub fn fill(&mut self, octets: &mut [u8]) {
        let (_, length) = self.code.bits();
        for octet in octets {
            *octet = OCTETS[self.code as usize][self.place];
            self.place = (self.place + 8) % length;
        }
    }
}

/// What a detector noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopCodeEvent {
    /// The code has been there for five seconds: it is time to obey it.
    Heard(LoopCode),
    /// The code that was heard is there no more.
    Ended(LoopCode),
}

/// Frames judged together: a tenth of a second.
const BLOCK_FRAMES: u32 = 800;
/// Blocks a code has to be there for: five seconds (T1.403).
const BLOCKS: u32 = 50;
/// Wrong bits a block may have: one in two hundred, where T1.403 asks for one in a thousand. Speech and data are
/// wrong in one of five at best.
const MOST_WRONG: u32 = BLOCK_FRAMES * TIMESLOTS as u32 * 8 / 200;

/// Notices codes on a line.
#[derive(Debug, Clone)]
pub struct LoopCodeDetector {
    frame: [u8; TIMESLOTS],
    filled: usize,
    frames: u32,
    /// Wrong bits in this block, code by code, and the place at which the last frame began.
    wrong: [u32; 4],
    place: [usize; 4],
    /// Blocks together in which a code was there, as far as they matter.
    blocks: [u32; 4],
}

impl Default for LoopCodeDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl LoopCodeDetector {
    /// A detector that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { frame: [0; TIMESLOTS], filled: 0, frames: 0, wrong: [0; 4], place: [0; 4], blocks: [0; 4] }
    }

    /// Listens to octets of the line, timeslot after timeslot, whole frames or not.
    pub fn process(&mut self, octets: &[u8], events: &mut impl FnMut(LoopCodeEvent)) {
        for &octet in octets {
            self.frame[self.filled] = octet;
            self.filled += 1;
            if self.filled == TIMESLOTS {
                self.filled = 0;
                self.judge_frame();
                if self.frames == BLOCK_FRAMES {
                    self.judge_block(events);
                }
            }
        }
    }

    fn judge_frame(&mut self) {
        self.frames += 1;
        for code in LoopCode::ALL {
            let at = code as usize;
            if self.wrong[at] > MOST_WRONG {
                // Lost for this block already.
                continue;
            }
            // Most often the code goes on where it went on before: by one bit, or by none.
            let (_, length) = code.bits();
            let go_on = (self.place[at] + TIMESLOTS * 8) % length;
            let mut best = (self.wrong_bits(code, go_on), go_on);
            for place in 0..length {
                if best.0 > 8 {
                    best = best.min((self.wrong_bits(code, place), place));
                }
            }
            self.wrong[at] += best.0;
            self.place[at] = best.1;
        }
    }

    fn wrong_bits(&self, code: LoopCode, mut place: usize) -> u32 {
        let (_, length) = code.bits();
        self.frame.iter().fold(0, |wrong, octet| {
            let expected = OCTETS[code as usize][place];
            place = (place + 8) % length;
            wrong + (octet ^ expected).count_ones()
        })
    }

    fn judge_block(&mut self, events: &mut impl FnMut(LoopCodeEvent)) {
        self.frames = 0;
        for code in LoopCode::ALL {
            let at = code as usize;
            let there = std::mem::take(&mut self.wrong[at]) <= MOST_WRONG;
            match (there, self.blocks[at]) {
                (true, BLOCKS) => {}
                (true, before) => {
                    self.blocks[at] = before + 1;
                    if before + 1 == BLOCKS {
                        events(LoopCodeEvent::Heard(code));
                    }
                }
                (false, before) => {
                    self.blocks[at] = 0;
                    if before == BLOCKS {
                        events(LoopCodeEvent::Ended(code));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LoopCodeEvent::{Ended, Heard};

    /// What a detector says, and after how many tenths of a second.
    fn events(line: &[u8]) -> Vec<(usize, LoopCodeEvent)> {
        let (mut detector, mut events) = (LoopCodeDetector::new(), vec![]);
        for (tenth, octets) in (1..).zip(line.chunks(TIMESLOTS * 800)) {
            detector.process(octets, &mut |event| events.push((tenth, event)));
        }
        events
    }

    fn seconds(code: LoopCode, tenths: usize) -> Vec<u8> {
        let mut line = vec![0; TIMESLOTS * 800 * tenths];
        LoopCodeGenerator::new(code).fill(&mut line);
        line
    }

    #[test]
    fn codes_are_sent_bit_for_bit() {
        assert_eq!(
            seconds(LoopCode::LineUp, 1)[..5],
            [0b0000_1000, 0b0100_0010, 0b0001_0000, 0b1000_0100, 0b0010_0001]
        );
        assert_eq!(seconds(LoopCode::LineDown, 1)[..3], [0b0010_0100, 0b1001_0010, 0b0100_1001]);
        assert_eq!(seconds(LoopCode::UnitUp, 1)[0], 0b1100_0110);
        assert_eq!(seconds(LoopCode::UnitDown, 1)[0], 0b1110_0111);
    }

    #[test]
    fn a_code_is_heard_after_five_seconds_and_never_taken_for_another() {
        for code in LoopCode::ALL {
            let mut line = seconds(code, 60);
            assert_eq!(events(&line), [(50, Heard(code))]);
            line.resize(line.len() + TIMESLOTS * 800, 0xff);
            assert_eq!(events(&line), [(50, Heard(code)), (61, Ended(code))]);
            assert_eq!(events(&seconds(code, 49)), []);
        }
    }

    /// A sender that writes its framing over the code loses a bit of it every frame.
    #[test]
    fn a_code_with_framing_written_over_it_is_heard_too() {
        for code in LoopCode::ALL {
            let (bits, length) = code.bits();
            let mut line = vec![0; TIMESLOTS * 800 * 55];
            for (at, octet) in line.iter_mut().enumerate() {
                for bit in 0..8 {
                    let place = at / TIMESLOTS * 193 + 1 + at % TIMESLOTS * 8 + bit;
                    *octet = *octet << 1 | bits >> (length - 1 - place % length) & 1;
                }
            }
            assert_eq!(events(&line), [(50, Heard(code))]);
        }
    }

    #[test]
    fn one_wrong_bit_in_a_thousand_does_not_hide_a_code_and_one_in_a_hundred_does() {
        for code in LoopCode::ALL {
            let spoilt = |spacing: usize| {
                let mut line = seconds(code, 55);
                (0..line.len() * 8).step_by(spacing).for_each(|bit| line[bit / 8] ^= 0x80 >> (bit % 8));
                events(&line)
            };
            assert_eq!(spoilt(997), [(50, Heard(code))]);
            assert_eq!(spoilt(97), []);
        }
    }

    #[test]
    fn an_interruption_starts_the_five_seconds_anew() {
        let mut line = seconds(LoopCode::LineUp, 100);
        line[TIMESLOTS * 800 * 40..][..TIMESLOTS * 400].fill(0x7f);
        assert_eq!(events(&line), [(91, Heard(LoopCode::LineUp))]);
    }

    #[test]
    fn idle_lines_and_noise_are_no_code() {
        for octet in [0x00, 0xff, 0xd5, 0x7f, 0x55] {
            assert_eq!(events(&vec![octet; TIMESLOTS * 800 * 60]), []);
        }
        let mut noise = vec![0; TIMESLOTS * 800 * 60];
        crate::bert::Generator::new(crate::bert::Pattern::Prbs23, crate::bert::Width::Full).fill(&mut noise);
        assert_eq!(events(&noise), []);
    }
}
