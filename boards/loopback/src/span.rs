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
use crate::joint::{BLOCK_SAMPLES, FRAMES_IN_FLIGHT, Presence};
use hal::{Alarms, ChunkLength, DFrame, Error, ErrorKind, Loopback, Timeslot};
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
    loopback: Loopback,
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
            loopback: Loopback::None,
            alarms,
            vain_looks: 0,
            tick: 0,
        })
    }

    pub(crate) fn alarms(&self) -> Alarms {
        self.alarms
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
        let loopback = half.near().loopback();
        if loopback != self.loopback {
            self.loopback = loopback;
            self.inbox.clear();
            self.returned.fill(idle);
        }
        // A far end in line loopback returns our own signal, alarms included.
        let returned = half.far().loopback() == Loopback::Line;
        let sent = if returned { half.near().sending() } else { half.far().sending() };
        let on_the_line = line_alarms(self.presence, sent);
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
        } else if !alarms.usable() {
            self.received.fill(idle);
        }
        self.to_send.fill(idle);
        self.take_frames();
    }

    /// Under an alarm or the local loopback, what the line brings is lost; in the others it is also
    /// returned. Otherwise frames stay in the ring until they are asked for.
    fn take_frames(&mut self) {
        let half = self.held.half();
        match self.loopback {
            Loopback::None if self.alarms.usable() => {}
            Loopback::None | Loopback::Local => {
                while half.receive_frame().is_some() {
                    half.near().bad_frames.fetch_add(1, Ordering::Relaxed);
                }
            }
            Loopback::Line | Loopback::Payload => {
                while let Some(frame) = half.receive_frame() {
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
        let half = self.held.half();
        match self.loopback {
            Loopback::None => half.give(self.blocks, &self.to_send),
            Loopback::Local => {
                self.returned.copy_from_slice(&self.to_send);
                half.give(self.blocks, &self.to_send);
            }
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
        if self.loopback == Loopback::None {
            return self.held.half().receive_frame();
        }
        if self.inbox.front().is_some_and(|(tick, _)| *tick < self.tick) {
            return self.inbox.pop_front().map(|(_, frame)| frame);
        }
        None
    }

    pub(crate) fn send_frame(&mut self, frame: DFrame) -> Result<(), Error> {
        const OPERATION: &str = "send a D-channel frame";
        let tick = self.tick;
        let half = self.held.half();
        match self.loopback {
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
