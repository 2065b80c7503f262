//! The joint between the two ends of a software span.
//!
//! Looks after the rings of both directions and the sessions that keep the number of samples in flight
//! constant. What a span shows of it (alarms, loopbacks, the daemon's buffers) is in `span`.
//!
//! Data path: [`Half::give`] at one end → ring of blocks → [`Half::take`] at the other; frames likewise.
//! Time: none but the samples themselves: an end that has taken *t* samples has given *t*, so of the
//! *delay* samples a direction starts with exactly that many are in flight whenever both ends are between
//! ticks at the same *t*, and neither end can be more than *delay* samples ahead of the other.
//! Words: *block*, 5 ms of every timeslot, the greatest measure of all chunk lengths; *session*, the
//! time both ends have been attached without a break, named by the generations of the two ends.
//!
//! How a session starts, without a lock and without a stale sample:
//!
//! ```text
//! generation[end]   odd while attached; +1 on attaching and detaching, +2 on giving the far end up
//! seen[end]         the far end's generation that this end has answered; 0 when none
//! ```
//!
//! An end that finds the other attached answers its generation and is joined: the name both compute is
//! the same, whoever comes first. Only after giving the other up does an end wait to be answered itself,
//! for that is how it learns that the other moves again. Whatever was written before carries another session's name and is thrown away by the reader, so an
//! end that was still writing when the other one left cannot leak samples into the next session. The
//! idle samples a session starts with are not written at all: the reader makes them.

use crate::impair::Impairments;
use crate::ring::ring;
use hal::{Alarms, Counters, DFrame, Line, LoopRequest, Loopback, Timeslot, TimeslotLoopback};
use rtrb::{Consumer, Producer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// Samples of a timeslot in a block: 5 ms.
pub(crate) const BLOCK_SAMPLES: usize = 40;
/// Milliseconds of a block.
pub(crate) const BLOCK_MS: u32 = 5;
/// Timeslots a block has room for: those of an E1.
const BLOCK_TIMESLOTS: usize = 31;
/// Blocks an end may still write after the other has left the session: those of one 20 ms tick, twice
/// over so that the bound need not be argued to the last block.
const STRAGGLERS: usize = 8;
/// D-channel frames in flight in one direction. At 64 kbit/s more than 64 of the shortest (4 octets,
/// flag and check sequence) need 50 ms, longer than the usual delay.
pub(crate) const FRAMES_IN_FLIGHT: usize = 64;

/// 5 ms of every timeslot of a span; timeslot by timeslot.
#[derive(Clone, Copy)]
struct Block {
    session: u64,
    octets: [u8; BLOCK_SAMPLES * BLOCK_TIMESLOTS],
}

/// A D-channel frame and the block it was sent beside.
#[derive(Clone, Copy)]
struct TimedFrame {
    session: u64,
    position: u64,
    frame: DFrame,
}

/// What one end tells the other, and what its control reads.
#[derive(Default)]
pub(crate) struct EndState {
    generation: AtomicU32,
    seen: AtomicU32,
    sending: AtomicU16,
    loopback: AtomicU8,
    alarms: AtomicU16,
    /// Chunks replaced by the idle pattern because the far end was attached but not there.
    pub(crate) underruns: AtomicU64,
    /// D-channel frames that arrived and could not be used.
    pub(crate) bad_frames: AtomicU64,
    /// The rest of what a framer counts.
    pub(crate) line_code_violations: AtomicU64,
    pub(crate) path_code_violations: AtomicU64,
    pub(crate) far_end_errors: AtomicU64,
    pub(crate) far_end_reports: AtomicU64,
    pub(crate) wrong_fcs_frames: AtomicU64,
    pub(crate) framing_errors: AtomicU64,
    pub(crate) slips: AtomicU64,
    /// Timeslots looped by bit: what is sent comes back, and what arrives is sent back.
    local_timeslots: AtomicU32,
    network_timeslots: AtomicU32,
    /// The last request of the far end, until it is asked for.
    request: AtomicU8,
    /// What the line does on the way to this end. It outlives whoever is attached.
    pub(crate) impairments: Impairments,
}

impl EndState {
    pub(crate) fn alarms(&self) -> Alarms {
        Alarms::from_bits_truncate(self.alarms.load(Ordering::Acquire))
    }

    pub(crate) fn set_alarms(&self, alarms: Alarms) {
        self.alarms.store(alarms.bits(), Ordering::Release);
    }

    pub(crate) fn sending(&self) -> Alarms {
        Alarms::from_bits_truncate(self.sending.load(Ordering::Acquire))
    }

    pub(crate) fn set_sending(&self, alarms: Alarms) {
        self.sending.store(alarms.bits(), Ordering::Release);
    }

    /// What is counted since this end was attached.
    pub(crate) fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            line_code_violations: read(&self.line_code_violations),
            path_code_violations: read(&self.path_code_violations),
            far_end_errors: read(&self.far_end_errors),
            far_end_reports: read(&self.far_end_reports),
            wrong_fcs_frames: read(&self.wrong_fcs_frames),
            framing_errors: read(&self.framing_errors),
            slips: read(&self.slips),
            underruns: read(&self.underruns),
            bad_frames: read(&self.bad_frames),
            ..Counters::default()
        }
    }

    /// Begin anew: no loopback, nothing sent, nothing counted.
    fn reset(&self) {
        self.set_loopback(Loopback::None);
        self.local_timeslots.store(0, Ordering::Release);
        self.network_timeslots.store(0, Ordering::Release);
        self.request.store(0, Ordering::Release);
        self.set_sending(Alarms::empty());
        let counters = [
            &self.line_code_violations,
            &self.path_code_violations,
            &self.far_end_errors,
            &self.far_end_reports,
            &self.wrong_fcs_frames,
            &self.framing_errors,
            &self.slips,
            &self.underruns,
            &self.bad_frames,
        ];
        for counter in counters {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// The timeslots that are looped, by bit: locally, and towards the network.
    pub(crate) fn timeslot_loopbacks(&self) -> (u32, u32) {
        (self.local_timeslots.load(Ordering::Acquire), self.network_timeslots.load(Ordering::Acquire))
    }

    pub(crate) fn set_timeslot_loopback(&self, timeslot: Timeslot, loopback: TimeslotLoopback) {
        let set = |timeslots: &AtomicU32, on: bool| {
            let bit = crate::impair::bit(timeslot);
            if on {
                timeslots.fetch_or(bit, Ordering::AcqRel)
            } else {
                timeslots.fetch_and(!bit, Ordering::AcqRel)
            };
        };
        set(&self.local_timeslots, loopback == TimeslotLoopback::Local);
        set(&self.network_timeslots, loopback == TimeslotLoopback::Network);
    }

    pub(crate) fn hear_request(&self, request: LoopRequest) {
        self.request.store(request as u8 + 1, Ordering::Release);
    }

    pub(crate) fn take_request(&self) -> Option<LoopRequest> {
        let code = self.request.swap(0, Ordering::AcqRel);
        LoopRequest::all().find(|request| *request as u8 + 1 == code)
    }

    pub(crate) fn loopback(&self) -> Loopback {
        match self.loopback.load(Ordering::Acquire) {
            1 => Loopback::Local,
            2 => Loopback::Line,
            3 => Loopback::Payload,
            _ => Loopback::None,
        }
    }

    pub(crate) fn set_loopback(&self, loopback: Loopback) {
        let code = match loopback {
            Loopback::None => 0,
            Loopback::Local => 1,
            Loopback::Line => 2,
            Loopback::Payload => 3,
        };
        self.loopback.store(code, Ordering::Release);
    }
}

/// What both ends share besides the rings.
pub(crate) struct Joint {
    pub(crate) line: Line,
    /// Blocks in flight in each direction.
    pub(crate) delay: u32,
    /// Consecutive vain [`Half::available`] looks before the far end is given up.
    pub(crate) patience: u32,
    /// Where the places of errors are drawn from.
    pub(crate) seed: u64,
    ends: [EndState; 2],
}

impl Joint {
    pub(crate) fn end(&self, side: usize) -> &EndState {
        &self.ends[side]
    }
}

/// How an end finds the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Not attached.
    Absent,
    /// Attached, but it was given up and has not moved since.
    Silent,
    /// In a session with us.
    Joined,
}

/// One end of a joint: its halves of the rings, and where it stands in the session.
pub(crate) struct Half {
    pub(crate) joint: Arc<Joint>,
    side: usize,
    blocks_out: Producer<Block>,
    blocks_in: Consumer<Block>,
    frames_out: Producer<TimedFrame>,
    frames_in: Consumer<TimedFrame>,
    session: Option<u64>,
    /// This far end has not been given up.
    trusting: bool,
    /// Idle blocks of the session's beginning that are still to be taken.
    prefill: u32,
    given: u64,
    taken: u64,
}

impl Half {
    /// The two ends of a new joint with `delay` blocks in flight each way.
    pub(crate) fn pair(line: Line, delay: u32, patience: u32, seed: u64) -> (Half, Half) {
        let joint = Arc::new(Joint { line, delay, patience, seed, ends: Default::default() });
        // An end is at most `delay` ahead, so at most twice that is ever written and not taken.
        let blocks = 2 * delay as usize + STRAGGLERS;
        let blank = Block { session: 0, octets: [0; BLOCK_SAMPLES * BLOCK_TIMESLOTS] };
        let blank_frame = TimedFrame { session: 0, position: 0, frame: DFrame::default() };
        let (near_blocks_out, far_blocks_in) = ring(blocks, blank);
        let (far_blocks_out, near_blocks_in) = ring(blocks, blank);
        let (near_frames_out, far_frames_in) = ring(FRAMES_IN_FLIGHT, blank_frame);
        let (far_frames_out, near_frames_in) = ring(FRAMES_IN_FLIGHT, blank_frame);
        let half = |side, blocks_out, blocks_in, frames_out, frames_in| Half {
            joint: Arc::clone(&joint),
            side,
            blocks_out,
            blocks_in,
            frames_out,
            frames_in,
            session: None,
            trusting: true,
            prefill: 0,
            given: 0,
            taken: 0,
        };
        (
            half(0, near_blocks_out, near_blocks_in, near_frames_out, near_frames_in),
            half(1, far_blocks_out, far_blocks_in, far_frames_out, far_frames_in),
        )
    }

    pub(crate) fn side(&self) -> usize {
        self.side
    }

    pub(crate) fn near(&self) -> &EndState {
        self.joint.end(self.side)
    }

    pub(crate) fn far(&self) -> &EndState {
        self.joint.end(1 - self.side)
    }

    /// Become visible to the far end.
    pub(crate) fn attach(&mut self) {
        self.session = None;
        self.trusting = true;
        let near = self.near();
        near.reset();
        near.set_alarms(Alarms::empty());
        near.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Leave. The far end notices at its next tick.
    pub(crate) fn detach(&mut self) {
        self.session = None;
        let near = self.near();
        near.set_loopback(Loopback::None);
        near.set_sending(Alarms::empty());
        near.set_alarms(Alarms::LOS | Alarms::ABSENT);
        // Before the generation: whoever sees the next one must not find an answer of this one.
        near.seen.store(0, Ordering::Release);
        near.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Look for the far end; join, leave or stay.
    pub(crate) fn look(&mut self) -> Presence {
        let generation = self.near().generation.load(Ordering::Relaxed);
        let far_generation = self.far().generation.load(Ordering::Acquire);
        let name = self.session_name(generation, far_generation);
        if self.session == Some(name) {
            return Presence::Joined;
        }
        self.session = None;
        // The far end may have joined this session before us and written into it: that is kept.
        self.throw_away_all_but(name);
        if !attached(far_generation) {
            // Whoever attaches next is not the one that was given up.
            self.trusting = true;
            return Presence::Absent;
        }
        self.near().seen.store(far_generation, Ordering::Release);
        // Trust needs room for what a far end that does not move would leave in the ring, besides what
        // earlier sessions may have left there. Once it moves, it removes the latter.
        let trusted = self.trusting && self.blocks_out.slots() >= 2 * self.joint.delay as usize;
        if !trusted && self.far().seen.load(Ordering::Acquire) != generation {
            return Presence::Silent;
        }
        self.session = Some(name);
        self.prefill = self.joint.delay;
        self.given = 0;
        self.taken = 0;
        Presence::Joined
    }

    /// Give up a far end that does not move: it has to answer a new generation first.
    pub(crate) fn give_up(&mut self) {
        self.session = None;
        self.trusting = false;
        self.near().generation.fetch_add(2, Ordering::AcqRel);
    }

    /// Whether `blocks` can be taken; never when not joined.
    pub(crate) fn available(&mut self, blocks: usize) -> bool {
        let Some(session) = self.session else { return false };
        self.throw_away_all_but(session);
        self.prefill as usize + self.blocks_in.slots() >= blocks
    }

    /// Take `blocks` that are [`available`](Self::available) into `chunk`: timeslot by timeslot,
    /// `blocks * BLOCK_SAMPLES` octets each.
    pub(crate) fn take(&mut self, blocks: usize, chunk: &mut [u8]) {
        let length = blocks * BLOCK_SAMPLES;
        for index in 0..blocks {
            let from = index * BLOCK_SAMPLES;
            if self.prefill > 0 {
                self.prefill -= 1;
                let idle = self.joint.line.idle_octet();
                for timeslot in chunk.chunks_exact_mut(length) {
                    timeslot[from..from + BLOCK_SAMPLES].fill(idle);
                }
            } else if let Ok(block) = self.blocks_in.peek() {
                for (timeslot, octets) in chunk.chunks_exact_mut(length).zip(block.octets.chunks_exact(BLOCK_SAMPLES)) {
                    timeslot[from..from + BLOCK_SAMPLES].copy_from_slice(octets);
                }
                let _ = self.blocks_in.pop();
            }
            self.taken += 1;
        }
    }

    /// Give `blocks` out of `chunk`, laid out as for [`take`](Self::take). Nothing happens when not joined.
    pub(crate) fn give(&mut self, blocks: usize, chunk: &[u8]) {
        let Some(session) = self.session else { return };
        let length = blocks * BLOCK_SAMPLES;
        for index in 0..blocks {
            let from = index * BLOCK_SAMPLES;
            let mut block = Block { session, octets: [0; BLOCK_SAMPLES * BLOCK_TIMESLOTS] };
            for (octets, timeslot) in block.octets.chunks_exact_mut(BLOCK_SAMPLES).zip(chunk.chunks_exact(length)) {
                octets.copy_from_slice(&timeslot[from..from + BLOCK_SAMPLES]);
            }
            let pushed = self.blocks_out.push(block);
            debug_assert!(pushed.is_ok(), "an end was further ahead than the delay allows");
            if pushed.is_err() {
                // A session whose count is wrong is worse than a new one.
                return self.give_up();
            }
            self.given += 1;
        }
    }

    /// Send a frame beside the next block that is given. False: the ring is full.
    pub(crate) fn send_frame(&mut self, frame: DFrame) -> bool {
        let Some(session) = self.session else { return false };
        self.frames_out.push(TimedFrame { session, position: self.given, frame }).is_ok()
    }

    /// The next frame whose block has been taken.
    pub(crate) fn receive_frame(&mut self) -> Option<DFrame> {
        let session = self.session?;
        self.throw_away_all_but(session);
        let next = self.frames_in.peek().ok()?;
        if next.position + u64::from(self.joint.delay) >= self.taken {
            return None;
        }
        self.frames_in.pop().ok().map(|next| next.frame)
    }

    /// Drop what other sessions left in the rings.
    fn throw_away_all_but(&mut self, session: u64) {
        while self.blocks_in.peek().is_ok_and(|block| block.session != session) {
            let _ = self.blocks_in.pop();
        }
        while self.frames_in.peek().is_ok_and(|frame| frame.session != session) {
            let _ = self.frames_in.pop();
        }
    }

    /// The same name at both ends.
    fn session_name(&self, near: u32, far: u32) -> u64 {
        let (first, second) = if self.side == 0 { (near, far) } else { (far, near) };
        u64::from(first) << 32 | u64::from(second)
    }
}

fn attached(generation: u32) -> bool {
    generation % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined() -> (Half, Half) {
        let (mut near, mut far) = Half::pair(Line::T1, 4, 10, 1);
        near.attach();
        assert_eq!(near.look(), Presence::Absent);
        far.attach();
        // Whoever looks first.
        assert_eq!(far.look(), Presence::Joined);
        assert_eq!(near.look(), Presence::Joined);
        (near, far)
    }

    fn step(half: &mut Half, fill: u8) -> Option<u8> {
        if half.look() == Presence::Joined && !half.available(2) {
            return None;
        }
        let mut chunk = [0; 80 * 24];
        if half.available(2) {
            half.take(2, &mut chunk);
        }
        let first = chunk[0];
        half.give(2, &[fill; 80 * 24]);
        Some(first)
    }

    #[test]
    fn the_delay_is_what_was_promised() {
        let (mut near, mut far) = joined();
        let idle = Line::T1.idle_octet();
        let heard: Vec<_> = (1..=5)
            .map(|n| {
                assert!(step(&mut near, n).is_some());
                step(&mut far, 100 + n).expect("there")
            })
            .collect();
        assert_eq!(heard, [idle, idle, 1, 2, 3]);
    }

    #[test]
    fn nobody_runs_ahead_further_than_the_delay() {
        let (mut near, _far) = joined();
        assert!(step(&mut near, 1).is_some());
        assert!(step(&mut near, 2).is_some());
        assert_eq!(step(&mut near, 3), None);
        assert_eq!(near.given, 4);
    }

    #[test]
    fn an_end_that_was_still_writing_leaks_nothing_into_the_next_session() {
        for looks_first in [false, true] {
            let (mut near, mut far) = joined();
            assert!(step(&mut near, 1).is_some());
            // The near end is between begin and end when the far one goes and comes back.
            far.detach();
            far.attach();
            if looks_first {
                assert_eq!(far.look(), Presence::Joined);
            }
            near.give(2, &[66; 80 * 24]);
            assert!(near.send_frame(DFrame::new(&[66]).expect("short")));
            for n in 1..=4 {
                let heard = step(&mut far, n).expect("there");
                assert_ne!(heard, 66);
                assert!(step(&mut near, 10 + n).is_some());
            }
            assert!(far.receive_frame().is_none());
        }
    }

    #[test]
    fn what_the_far_end_sends_before_we_join_is_not_lost() {
        let (mut near, mut far) = Half::pair(Line::T1, 4, 10, 1);
        near.attach();
        far.attach();
        assert!(step(&mut far, 1).is_some());
        assert!(far.send_frame(DFrame::new(&[5]).expect("short")));
        assert!(step(&mut far, 2).is_some());
        let mut frame = None;
        let heard: Vec<_> = (0..4)
            .map(|n| {
                let heard = step(&mut near, n).expect("there");
                frame = frame.or_else(|| near.receive_frame());
                heard
            })
            .collect();
        assert_eq!(heard, [0xff, 0xff, 1, 2]);
        assert_eq!(frame, DFrame::new(&[5]));
    }

    #[test]
    fn coming_and_going_before_a_far_end_that_hangs_never_overflows() {
        let (mut near, mut far) = joined();
        let mut silent = false;
        for _ in 0..20 {
            while near.look() == Presence::Joined && step(&mut near, 66).is_some() {}
            silent |= near.look() == Presence::Silent;
            near.detach();
            near.attach();
        }
        assert!(silent, "no room for trust in the end");
        assert_eq!(far.look(), Presence::Joined);
        assert!((0..5).filter_map(|n| step(&mut far, n)).all(|heard| heard == 0xff));
        assert_eq!(near.look(), Presence::Joined);
    }

    #[test]
    fn a_far_end_given_up_is_taken_back_when_it_moves() {
        let (mut near, mut far) = joined();
        while step(&mut near, 1).is_some() {}
        near.give_up();
        for _ in 0..1000 {
            assert_eq!(near.look(), Presence::Silent);
            near.give(2, &[2; 80 * 24]);
        }
        assert_eq!(far.look(), Presence::Joined);
        assert_eq!(near.look(), Presence::Joined);
        assert_eq!(step(&mut near, 3), Some(Line::T1.idle_octet()));
        let heard: Vec<_> = (0..3)
            .map(|_| {
                let heard = step(&mut far, 9).expect("there");
                step(&mut near, 4).expect("there");
                heard
            })
            .collect();
        assert_eq!(heard, [0xff, 0xff, 3]);
    }

    #[test]
    fn frames_keep_their_place_among_the_octets() {
        let (mut near, mut far) = joined();
        assert!(step(&mut near, 1).is_some());
        assert!(near.send_frame(DFrame::new(&[7]).expect("short")));
        let mut ticks = 0;
        let frame = loop {
            step(&mut far, 0).expect("there");
            ticks += 1;
            if let Some(frame) = far.receive_frame() {
                break frame;
            }
            step(&mut near, 2).expect("there");
        };
        // Sent beside the second chunk, which comes out after 20 ms: in the far end's fourth tick.
        assert_eq!((&frame[..], ticks), (&[7_u8][..], 4));
    }
}
