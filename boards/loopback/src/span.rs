//! One end of a software span, as its card shows it.
//!
//! Turns the presence of the far end, the alarms either end sends and the loopbacks into what a framer
//! would show: alarms, received chunks, received frames. The rings and sessions are in `joint`.
//!
//! Data path: far end → [`Half`] → received chunk, for the daemon; chunk to send → [`Half`] → far end.
//! Time: one call of each of `look`, `take` and `give` a tick.
//! Source: loopbacks as in ANSI T1.403 clause 9.4.2 and ITU-T I.604; which alarms reach whom, ITU-T G.732
//! clause 4.

use crate::card::Held;
use crate::impair::{FrameFate, Impairer, bit};
use crate::joint::{BLOCK_SAMPLES, FRAMES_IN_FLIGHT, Presence};
use hal::{Alarms, CardEvent, ChunkLength, DFrame, Error, ErrorKind, FrameFault, Line, Loopback, SpanIndex, Timeslot};
use heapless::Deque;
use std::sync::atomic::Ordering;

/// The running state of one end of a span.
pub(crate) struct Span {
    held: Held,
    blocks: usize,
    received: Box<[u8]>,
    to_send: Box<[u8]>,
    /// What was sent in the last tick, for the local loopback.
    returned: Box<[u8]>,
    /// Frames a loopback brought, with the tick they came in.
    inbox: Deque<(u64, DFrame), FRAMES_IN_FLIGHT>,
    presence: Presence,
    line: Line,
    loopback: Loopback,
    /// Timeslots looped by bit: locally, and towards the network.
    timeslots: (u32, u32),
    /// What the line does to what arrives.
    impairer: Impairer,
    slipped: bool,
    frames_lost: u32,
    alarms: Alarms,
    vain_looks: u32,
    tick: u64,
}

impl Span {
    /// Attach this end.
    ///
    /// # Errors
    /// `GiveUp` when a chunk is longer than the delay of the span, for then neither end could begin.
    pub(crate) fn start(mut held: Held, chunk: ChunkLength) -> Result<Self, Error> {
        let blocks = chunk.samples() / BLOCK_SAMPLES;
        let half = held.half();
        if blocks > half.joint.delay as usize {
            return Err(Error::new(ErrorKind::GiveUp, "start a software span whose delay is shorter than a chunk"));
        }
        let line = half.joint.line;
        half.attach();
        // So that whoever asks before the first tick is not told that all is well with nobody there.
        let presence = half.look();
        let impairer = Impairer::new(line, half.joint.seed, half.side());
        let alarms = line_alarms(presence, Alarms::empty());
        half.near().set_alarms(alarms);
        let octets = || vec![line.idle_octet(); usize::from(line.timeslots()) * chunk.samples()].into_boxed_slice();
        Ok(Span {
            held,
            blocks,
            received: octets(),
            to_send: octets(),
            returned: octets(),
            inbox: Deque::new(),
            presence,
            line,
            loopback: Loopback::None,
            timeslots: (0, 0),
            impairer,
            slipped: false,
            frames_lost: 0,
            alarms,
            vain_looks: 0,
            tick: 0,
        })
    }

    pub(crate) fn alarms(&self) -> Alarms {
        self.alarms
    }

    /// Leave the line.
    pub(crate) fn let_go(&mut self) {
        self.held.let_go();
    }

    /// What happened on the line, but for alarms.
    pub(crate) fn next_event(&mut self, at: SpanIndex) -> Option<CardEvent> {
        if std::mem::take(&mut self.slipped) {
            return Some(CardEvent::Slip(at));
        }
        self.frames_lost = self.frames_lost.checked_sub(1)?;
        Some(CardEvent::FrameLost(at, FrameFault::BadFcs))
    }

    /// Find out where the far end is. False: it is attached but its chunk is not there yet.
    ///
    /// Patience is for a far end that may only be late. Once it has run out there is none left until the
    /// far end is heard again, or every tick of a span that hangs would be late.
    pub(crate) fn look(&mut self) -> bool {
        let half = self.held.half();
        let patience = half.joint.patience;
        self.presence = half.look();
        if self.presence == Presence::Absent || half.available(self.blocks) {
            self.vain_looks = 0;
            return true;
        }
        self.vain_looks = self.vain_looks.saturating_add(1);
        if self.vain_looks < patience {
            return false;
        }
        if self.presence == Presence::Joined {
            half.give_up();
            self.presence = Presence::Silent;
        }
        true
    }

    /// Take in the chunk of this tick, and see which alarms there are.
    pub(crate) fn take(&mut self) {
        self.tick += 1;
        let half = self.held.half();
        let idle = half.joint.line.idle_octet();
        let (loopback, timeslots) = (half.near().loopback(), half.near().timeslot_loopbacks());
        if (loopback, timeslots) != (self.loopback, self.timeslots) {
            self.change_loops(loopback, timeslots);
        }
        let half = self.held.half();
        // A far end in line loopback returns our own signal, alarms included.
        let returned = half.far().loopback() == Loopback::Line;
        let sent = if returned { half.near().sending() } else { half.far().sending() };
        // A framer that does not hear its line says so on the other half of it (G.732 clause 4).
        let unheard = !returned && !half.far().impairments.alarms().usable();
        let answer = if unheard { Alarms::RAI } else { Alarms::empty() };
        let on_the_line = line_alarms(self.presence, sent | answer | half.near().impairments.alarms());
        let alarms = match loopback {
            Loopback::None => on_the_line,
            // Our framer hears itself, whatever the line does.
            Loopback::Local => Alarms::LOOPBACK,
            Loopback::Line | Loopback::Payload => on_the_line | Alarms::LOOPBACK,
        };
        self.alarms = alarms;
        half.near().set_alarms(alarms);

        if self.presence == Presence::Joined {
            half.take(self.blocks, &mut self.received);
        } else if self.presence == Presence::Silent {
            half.near().underruns.fetch_add(1, Ordering::Relaxed);
        }
        if loopback == Loopback::Local {
            self.received.copy_from_slice(&self.returned);
        } else if alarms.usable() {
            let frames = self.blocks * BLOCK_SAMPLES;
            let wrong = |counters: hal::Counters| [counters.path_code_violations, counters.framing_errors];
            let before = wrong(half.near().counters());
            self.slipped |= self.impairer.chunk(&mut self.received, frames, half.near(), half.far());
            if loopback == Loopback::Line {
                // The framing goes back as it came, and so does what was wrong with it.
                let [path, framing] = wrong(half.near().counters());
                half.far().path_code_violations.fetch_add(path - before[0], Ordering::Relaxed);
                half.far().framing_errors.fetch_add(framing - before[1], Ordering::Relaxed);
            }
            self.come_back();
            if self.impairer.d_garbage(&self.held.half().near().impairments) {
                self.lose_frame();
            }
        } else {
            self.received.fill(idle);
            self.come_back();
        }
        self.to_send.fill(idle);
        self.take_frames();
    }

    /// What is not looped or released goes on without a break, be it timeslots or frames.
    fn change_loops(&mut self, loopback: Loopback, timeslots: (u32, u32)) {
        let before = self.loopback_of_frames();
        if self.loopback != Loopback::Local && self.timeslots.0 == 0 {
            self.returned.fill(self.line.idle_octet());
        }
        (self.loopback, self.timeslots) = (loopback, timeslots);
        if self.loopback_of_frames() != before {
            self.inbox.clear();
        }
    }

    /// What was sent on timeslots in local loopback is what they bring, if they bring anything but one octet.
    fn come_back(&mut self) {
        let (local, _) = self.timeslots;
        if local != 0 {
            self.each_looped(local, |span, timeslot, range| {
                match span.held.half().near().impairments.stuck(timeslot) {
                    Some(octet) => span.received[range].fill(octet),
                    None => span.received[range.clone()].copy_from_slice(&span.returned[range]),
                }
            });
        }
    }

    fn each_looped(&mut self, timeslots: u32, what: impl Fn(&mut Self, Timeslot, std::ops::Range<usize>)) {
        for timeslot in (1..=self.line.timeslots()).map(Timeslot).filter(|timeslot| timeslots & bit(*timeslot) != 0) {
            if let Some(range) = self.octets(timeslot) {
                what(self, timeslot, range);
            }
        }
    }

    /// The loopback the D channel is in, be it that of its timeslot or of the whole span.
    fn loopback_of_frames(&self) -> Loopback {
        let d_channel = bit(self.line.d_channel());
        match self.loopback {
            Loopback::None if self.timeslots.0 & d_channel != 0 => Loopback::Local,
            Loopback::None if self.timeslots.1 & d_channel != 0 => Loopback::Payload,
            whole => whole,
        }
    }

    fn lose_frame(&mut self) {
        let near = self.held.half().near();
        near.bad_frames.fetch_add(1, Ordering::Relaxed);
        near.wrong_fcs_frames.fetch_add(1, Ordering::Relaxed);
        self.frames_lost = self.frames_lost.saturating_add(1);
    }

    /// The next frame the line brings whole. Those it spoils are counted and told.
    fn whole_frame(&mut self) -> Option<DFrame> {
        loop {
            let frame = self.held.half().receive_frame()?;
            match self.impairer.frame_fate(&self.held.half().near().impairments) {
                FrameFate::Whole => return Some(frame),
                FrameFate::Spoilt => self.lose_frame(),
                FrameFate::Unheard => {}
            }
        }
    }

    /// Under an alarm or the local loopback, what the line brings is lost; in the others it is also
    /// returned. Otherwise frames stay in the ring until they are asked for.
    fn take_frames(&mut self) {
        match self.loopback_of_frames() {
            Loopback::None if self.alarms.usable() => {}
            Loopback::None | Loopback::Local => {
                let half = self.held.half();
                while half.receive_frame().is_some() {
                    half.near().bad_frames.fetch_add(1, Ordering::Relaxed);
                }
            }
            Loopback::Line | Loopback::Payload => {
                while let Some(frame) = self.whole_frame() {
                    let half = self.held.half();
                    let returned = half.send_frame(frame);
                    let kept = self.inbox.push_back((0, frame)).is_ok();
                    if !(returned && kept) {
                        half.near().bad_frames.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// Hand over the chunk of this tick.
    pub(crate) fn give(&mut self) {
        let (local, network) = self.timeslots;
        if local != 0 || self.loopback == Loopback::Local {
            self.returned.copy_from_slice(&self.to_send);
        }
        if network != 0 {
            self.each_looped(network, |span, _, range| {
                span.to_send[range.clone()].copy_from_slice(&span.received[range]);
            });
        }
        let half = self.held.half();
        match self.loopback {
            Loopback::None | Loopback::Local => half.give(self.blocks, &self.to_send),
            Loopback::Line | Loopback::Payload => half.give(self.blocks, &self.received),
        }
    }

    pub(crate) fn received(&self, timeslot: Timeslot) -> &[u8] {
        self.octets(timeslot).map_or(&[], |range| &self.received[range])
    }

    pub(crate) fn outgoing(&mut self, timeslot: Timeslot) -> &mut [u8] {
        match self.octets(timeslot) {
            Some(range) => &mut self.to_send[range],
            None => &mut [],
        }
    }

    pub(crate) fn receive_frame(&mut self) -> Option<DFrame> {
        if self.loopback_of_frames() == Loopback::None {
            return self.whole_frame();
        }
        if self.inbox.front().is_some_and(|(tick, _)| *tick < self.tick) {
            return self.inbox.pop_front().map(|(_, frame)| frame);
        }
        None
    }

    pub(crate) fn send_frame(&mut self, frame: DFrame) -> Result<(), Error> {
        const OPERATION: &str = "send a D-channel frame";
        let (tick, loopback) = (self.tick, self.loopback_of_frames());
        let half = self.held.half();
        match loopback {
            Loopback::Line | Loopback::Payload => Err(Error::new(ErrorKind::Alarm, OPERATION)),
            Loopback::Local => {
                if self.inbox.push_back((tick, frame)).is_err() {
                    return Err(Error::new(ErrorKind::Retry, OPERATION));
                }
                // The line still carries what we send; who listens there is not our concern in a test.
                half.send_frame(frame);
                Ok(())
            }
            Loopback::None if self.presence != Presence::Joined => Err(Error::new(ErrorKind::Alarm, OPERATION)),
            Loopback::None if half.send_frame(frame) => Ok(()),
            Loopback::None => Err(Error::new(ErrorKind::Retry, OPERATION)),
        }
    }

    fn octets(&self, timeslot: Timeslot) -> Option<std::ops::Range<usize>> {
        let length = self.blocks * BLOCK_SAMPLES;
        let from = usize::from(timeslot.0).checked_sub(1)? * length;
        (from < self.received.len()).then_some(from..from + length)
    }
}

/// What our framer declares when the far end, if it is there, sends these.
fn line_alarms(presence: Presence, sent: Alarms) -> Alarms {
    match presence {
        Presence::Absent => Alarms::LOS | Alarms::ABSENT,
        Presence::Silent => Alarms::LOS,
        Presence::Joined => sent,
    }
}
