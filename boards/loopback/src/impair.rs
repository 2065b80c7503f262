//! What a faulty line does to the signal that arrives at one end of a software span, and what its framer counts.
//!
//! Looks after faults as they stand (shared, set from any thread) and what they do in a tick. Their words are in
//! `rehearsal`, the rest of an end in `span`.
//!
//! Data path: chunk as sent → [`Impairer::chunk`] → chunk as received, and raw counters.
//! Time: a tick; errors are placed by counting every bit of the line, framing included, so that a rate is exact
//! whatever the chunks.
//! Source: ITU-T G.704 clause 2.1 (T1: extended superframe, 24 frames of 193 bits, CRC-6) and clause 2.3 (E1: CRC-4
//! over 8 frames of 256 bits, E bits); ANSI T1.403 clause 9 (performance report: ranges of CRC errors, once a second).
//! Words: *check*, the frames one CRC is made over.

use crate::joint::EndState;
use crate::random::Random;
use crate::rehearsal::Fault;
use hal::{Alarms, Line, Timeslot};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, Ordering};

/// The faults that stand on the way to one end.
#[derive(Default)]
pub(crate) struct Impairments {
    alarms: AtomicU16,
    /// One bit in so many; 0 for none.
    one_in: AtomicU32,
    /// Errors to come, by [`Once`].
    once: [AtomicU32; 5],
    /// Timeslots by bit.
    stuck: AtomicU32,
    noisy: AtomicU32,
    stuck_octets: [AtomicU8; 31],
    d_loss: AtomicU8,
    d_garbage: AtomicBool,
    d_deaf: AtomicBool,
}

/// Errors that come so many times and no more.
#[derive(Clone, Copy)]
pub(crate) enum Once {
    LineCode,
    Path,
    Framing,
    Slip,
    /// A bit of a timeslot, in a frame whose check is right.
    Payload,
}

impl Impairments {
    pub(crate) fn alarms(&self) -> Alarms {
        Alarms::from_bits_truncate(self.alarms.load(Ordering::Acquire))
    }

    pub(crate) fn set(&self, fault: Fault) {
        match fault {
            Fault::Los => self.alarm(Alarms::LOS, true),
            Fault::Lof => self.alarm(Alarms::LOF, true),
            Fault::Ais => self.alarm(Alarms::AIS, true),
            Fault::Rai => self.alarm(Alarms::RAI, true),
            Fault::Errors { one_in } => self.one_in.store(one_in, Ordering::Release),
            Fault::LineCode(count) => self.add(Once::LineCode, count),
            Fault::Path(count) => self.add(Once::Path, count),
            Fault::Framing(count) => self.add(Once::Framing, count),
            Fault::Slips(count) => self.add(Once::Slip, count),
            Fault::Stuck(timeslot, octet) => {
                self.stuck_octets[timeslot.index()].store(octet, Ordering::Release);
                self.stuck.fetch_or(bit(timeslot), Ordering::AcqRel);
            }
            Fault::Noisy(timeslot) => drop(self.noisy.fetch_or(bit(timeslot), Ordering::AcqRel)),
            Fault::DGarbage => self.d_garbage.store(true, Ordering::Release),
            Fault::DLoss(percent) => self.d_loss.store(percent, Ordering::Release),
            Fault::DDeaf => self.d_deaf.store(true, Ordering::Release),
            Fault::Removed => {}
        }
    }

    pub(crate) fn clear(&self, fault: Fault) {
        let none = |once: Once| self.once[once as usize].store(0, Ordering::Release);
        match fault {
            Fault::Los => self.alarm(Alarms::LOS, false),
            Fault::Lof => self.alarm(Alarms::LOF, false),
            Fault::Ais => self.alarm(Alarms::AIS, false),
            Fault::Rai => self.alarm(Alarms::RAI, false),
            Fault::Errors { .. } => self.one_in.store(0, Ordering::Release),
            Fault::LineCode(_) => none(Once::LineCode),
            Fault::Path(_) => none(Once::Path),
            Fault::Framing(_) => none(Once::Framing),
            Fault::Slips(_) => none(Once::Slip),
            Fault::Stuck(timeslot, _) => drop(self.stuck.fetch_and(!bit(timeslot), Ordering::AcqRel)),
            Fault::Noisy(timeslot) => drop(self.noisy.fetch_and(!bit(timeslot), Ordering::AcqRel)),
            Fault::DGarbage => self.d_garbage.store(false, Ordering::Release),
            Fault::DLoss(_) => self.d_loss.store(0, Ordering::Release),
            Fault::DDeaf => self.d_deaf.store(false, Ordering::Release),
            Fault::Removed => {}
        }
    }

    pub(crate) fn clear_all(&self) {
        for fault in self.standing() {
            self.clear(fault);
        }
    }

    pub(crate) fn standing(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let alarms = self.alarms();
        for (alarm, fault) in
            [(Alarms::LOS, Fault::Los), (Alarms::LOF, Fault::Lof), (Alarms::AIS, Fault::Ais), (Alarms::RAI, Fault::Rai)]
        {
            faults.extend(alarms.contains(alarm).then_some(fault));
        }
        let some = |value: u32| (value > 0).then_some(value);
        faults.extend(some(self.one_in.load(Ordering::Acquire)).map(|one_in| Fault::Errors { one_in }));
        let left = |once: Once| some(self.once[once as usize].load(Ordering::Acquire));
        faults.extend(left(Once::LineCode).map(Fault::LineCode));
        faults.extend(left(Once::Path).map(Fault::Path));
        faults.extend(left(Once::Framing).map(Fault::Framing));
        faults.extend(left(Once::Slip).map(Fault::Slips));
        let noisy = self.noisy.load(Ordering::Acquire);
        for timeslot in (1..=31).map(Timeslot) {
            faults.extend(self.stuck(timeslot).map(|octet| Fault::Stuck(timeslot, octet)));
            faults.extend((noisy & bit(timeslot) != 0).then_some(Fault::Noisy(timeslot)));
        }
        faults.extend(self.d_garbage.load(Ordering::Acquire).then_some(Fault::DGarbage));
        faults.extend(some(u32::from(self.d_loss.load(Ordering::Acquire))).map(|percent| Fault::DLoss(percent as u8)));
        faults.extend(self.d_deaf.load(Ordering::Acquire).then_some(Fault::DDeaf));
        faults
    }

    /// The octet a timeslot always brings, if it does.
    pub(crate) fn stuck(&self, timeslot: Timeslot) -> Option<u8> {
        let stuck = self.stuck.load(Ordering::Acquire) & bit(timeslot) != 0;
        stuck.then(|| self.stuck_octets[timeslot.index()].load(Ordering::Acquire))
    }

    /// More errors of a kind to come.
    pub(crate) fn add(&self, once: Once, count: u32) {
        self.once[once as usize].fetch_add(count.min(1_000_000), Ordering::AcqRel);
    }

    /// One of them, if there is one.
    fn take(&self, once: Once) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.once[once as usize].fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_ok()
    }

    fn alarm(&self, alarm: Alarms, on: bool) {
        if on {
            self.alarms.fetch_or(alarm.bits(), Ordering::AcqRel);
        } else {
            self.alarms.fetch_and(!alarm.bits(), Ordering::AcqRel);
        }
    }
}

/// The place of a timeslot in a set.
pub(crate) fn bit(timeslot: Timeslot) -> u32 {
    1 << timeslot.0
}

/// What became of a D-channel frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameFate {
    Whole,
    /// Lost with a wrong check sequence.
    Spoilt,
    /// Not there at all.
    Unheard,
}

/// Does what the faults of one end say.
pub(crate) struct Impairer {
    line: Line,
    random: Random,
    /// The rate the next error was placed for, its place in its run of bits, and bits before it.
    one_in: u32,
    offset: u32,
    error_in: u64,
    /// Frames since the start, and whether the check they are in is wrong.
    frames: u64,
    check_wrong: bool,
    /// Wrong checks in this second, for the performance report of a T1.
    checks_wrong: u32,
    /// The D channel was hit in this tick.
    d_hit: bool,
    /// The last frame of the chunk before, timeslot by timeslot, and whether the elastic store holds it back.
    held: [u8; 31],
    behind: bool,
}

impl Impairer {
    pub(crate) fn new(line: Line, seed: u64, side: usize) -> Self {
        Impairer {
            line,
            random: Random::new(seed, side as u64),
            one_in: 0,
            offset: 0,
            error_in: 0,
            frames: 0,
            check_wrong: false,
            checks_wrong: 0,
            d_hit: false,
            held: [line.idle_octet(); 31],
            behind: false,
        }
    }

    /// What the line does to a chunk of `frames` octets a timeslot; true when it slipped.
    pub(crate) fn chunk(&mut self, chunk: &mut [u8], frames: usize, near: &EndState, far: &EndState) -> bool {
        self.d_hit = false;
        let faults = &near.impairments;
        let one_in = faults.one_in.load(Ordering::Acquire);
        if one_in != self.one_in {
            self.one_in = one_in;
            self.offset = self.random.below(one_in);
            self.error_in = u64::from(self.offset);
        }
        let frame_bits = self.frame_bits();
        for frame in 0..frames {
            while self.one_in > 0 && self.error_in < frame_bits {
                let place = self.error_in as usize;
                self.wrong_bit(place, frame, frames, chunk, near);
                let rest = self.one_in - 1 - self.offset;
                self.offset = self.random.below(self.one_in);
                self.error_in += 1 + u64::from(rest) + u64::from(self.offset);
            }
            self.error_in = self.error_in.saturating_sub(frame_bits);
            self.frames += 1;
            if self.frames.is_multiple_of(self.check_frames()) {
                self.end_check(frame, frames, chunk, near, far);
            }
        }
        let slipped = self.slip(chunk, frames, near);
        self.spoil_timeslots(chunk, frames, faults);
        slipped
    }

    /// What becomes of the next D-channel frame.
    pub(crate) fn frame_fate(&mut self, faults: &Impairments) -> FrameFate {
        let d_channel = bit(self.line.d_channel());
        let set = |timeslots: &AtomicU32| timeslots.load(Ordering::Acquire) & d_channel != 0;
        if faults.d_deaf.load(Ordering::Acquire) || set(&faults.stuck) {
            return FrameFate::Unheard;
        }
        let chance = u32::from(faults.d_loss.load(Ordering::Acquire));
        if self.d_garbage(faults) || std::mem::take(&mut self.d_hit) || self.random.below(100) < chance {
            return FrameFate::Spoilt;
        }
        FrameFate::Whole
    }

    /// Whether the D channel brings noise, in which a receiver finds frames that are none.
    pub(crate) fn d_garbage(&self, faults: &Impairments) -> bool {
        let noisy = faults.noisy.load(Ordering::Acquire) & bit(self.line.d_channel()) != 0;
        noisy || faults.d_garbage.load(Ordering::Acquire)
    }

    /// Bits of a frame.
    fn frame_bits(&self) -> u64 {
        match self.line {
            Line::T1 => 193,
            Line::E1 => 256,
        }
    }

    /// Frames of a check.
    fn check_frames(&self) -> u64 {
        match self.line {
            Line::T1 => 24,
            Line::E1 => 8,
        }
    }

    /// Turn over the bit at a place of a frame, and count what the framer would.
    fn wrong_bit(&mut self, place: usize, frame: usize, frames: usize, chunk: &mut [u8], near: &EndState) {
        // A pulse more or less breaks the rule of the line code.
        count(&near.line_code_violations);
        let in_check = self.frames % self.check_frames();
        let framing = match self.line {
            // G.704 table 1: of the 24 framing bits every fourth is alignment, every fourth (two before it) CRC-6, the
            // others the data link.
            Line::T1 if place == 0 => {
                self.check_wrong |= in_check % 4 == 1;
                in_check % 4 == 3
            }
            // G.704 table 5: alignment in bits 2 to 8 of timeslot 0 in every other frame; CRC-4 is over all bits.
            Line::E1 if place < 8 => {
                self.check_wrong = true;
                place > 0 && in_check.is_multiple_of(2)
            }
            Line::T1 | Line::E1 => {
                self.check_wrong = true;
                self.turn_over(place, frame, frames, chunk);
                false
            }
        };
        if framing {
            count(&near.framing_errors);
        }
    }

    /// Turn over a bit of a timeslot.
    fn turn_over(&mut self, place: usize, frame: usize, frames: usize, chunk: &mut [u8]) {
        let before = if self.line == Line::T1 { 1 } else { 8 };
        let (timeslot, bit) = ((place - before) / 8, (place - before) % 8);
        self.d_hit |= timeslot == self.line.d_channel().index();
        if let Some(octet) = chunk.get_mut(timeslot * frames + frame) {
            *octet ^= 0x80 >> bit;
        }
    }

    fn end_check(&mut self, frame: usize, frames: usize, chunk: &mut [u8], near: &EndState, far: &EndState) {
        let faults = &near.impairments;
        if faults.take(Once::LineCode) {
            count(&near.line_code_violations);
        }
        if faults.take(Once::Framing) {
            count(&near.framing_errors);
        }
        if faults.take(Once::Payload) {
            let payload = u32::from(self.line.timeslots()) * 8;
            let first = self.frame_bits() as u32 - payload;
            let place = first + self.random.below(payload);
            self.turn_over(place as usize, frame, frames, chunk);
        }
        let wrong = std::mem::take(&mut self.check_wrong) | faults.take(Once::Path);
        if wrong {
            count(&near.path_code_violations);
        }
        match self.line {
            // The far end is told of each by an E bit.
            Line::E1 if wrong => count(&far.far_end_errors),
            Line::E1 => {}
            Line::T1 => {
                self.checks_wrong += u32::from(wrong);
                if self.frames % 8_000 < 24 {
                    let told = told_by_report(std::mem::take(&mut self.checks_wrong));
                    far.far_end_errors.fetch_add(u64::from(told), Ordering::Relaxed);
                    count(&far.far_end_reports);
                }
            }
        }
    }

    /// A frame repeated, or the one that is held back dropped.
    fn slip(&mut self, chunk: &mut [u8], frames: usize, near: &EndState) -> bool {
        let slipped = near.impairments.take(Once::Slip);
        if slipped {
            count(&near.slips);
            self.behind = !self.behind;
        }
        for (held, octets) in self.held.iter_mut().zip(chunk.chunks_exact_mut(frames)) {
            let last = octets[frames - 1];
            if self.behind {
                octets.copy_within(..frames - 1, 1);
                octets[0] = *held;
            }
            *held = last;
        }
        slipped
    }

    fn spoil_timeslots(&mut self, chunk: &mut [u8], frames: usize, faults: &Impairments) {
        let noisy = faults.noisy.load(Ordering::Acquire);
        if faults.stuck.load(Ordering::Acquire) | noisy == 0 {
            return;
        }
        for (timeslot, octets) in (1..).map(Timeslot).zip(chunk.chunks_exact_mut(frames)) {
            if noisy & bit(timeslot) != 0 {
                octets.fill_with(|| self.random.next_u64() as u8);
            }
            if let Some(octet) = faults.stuck(timeslot) {
                octets.fill(octet);
            }
        }
    }
}

fn count(counter: &std::sync::atomic::AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// T1.403: the report tells a second's wrong checks in ranges; the far end knows the least there can have been.
fn told_by_report(wrong: u32) -> u32 {
    [320, 101, 11, 6, 2, 1, 0].into_iter().find(|least| wrong >= *least).unwrap_or(0)
}
