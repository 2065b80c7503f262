//! A line of the e1d server: a far end, and the timeslots clients have open on it.
//!
//! The far end is attached while at least one timeslot is open, so the near end is in alarm for as long
//! as no program is there.
//!
//! Data path: the far end's traffic ↔ [`OpenTimeslot`], each tick.
//! Time: a tick is 10 ms of the server's own timer. A late turn is caught up at once; a chunk that is not
//! there yet is looked for again a millisecond later.

use super::Counts;
use super::timeslot::OpenTimeslot;
use super::wire::{LINE_CHANNELIZED, LINE_OFF, LineInfo, TIMESLOT_HDLC_FCS, TIMESLOT_OFF, TIMESLOT_RAW, TimeslotInfo};
use crate::card::FarEnd;
use hal::{Alarms, Card, CardEvent, ChunkLength, Readiness, Running, Timeslot};
use nix::errno::Errno;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

const CHUNK: ChunkLength = ChunkLength::Ms10;
/// How soon a chunk that is not there yet is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Further behind than this nobody wants to be caught up: the machine was asleep.
const LATEST: Duration = Duration::from_millis(500);

/// A timeslot's place: what it was opened as, and the client's socket.
type Place = Option<(TimeslotInfo, OpenTimeslot)>;

/// One line.
pub(crate) struct ServedLine {
    far_end: FarEnd,
    mode: u8,
    running: Option<(Running, Instant)>,
    /// By timeslot, from 1; the first is never used.
    timeslots: Vec<Place>,
    alarms: Alarms,
}

impl ServedLine {
    pub(crate) fn new(far_end: FarEnd) -> Self {
        let timeslots = (0..=far_end.line().timeslots()).map(|_| None).collect();
        ServedLine { far_end, mode: LINE_CHANNELIZED, running: None, timeslots, alarms: Alarms::empty() }
    }

    pub(crate) fn info(&self, id: u8) -> LineInfo {
        LineInfo { id, mode: self.mode, usable: self.running.is_some() && self.alarms.usable() }
    }

    /// What is known of a timeslot, if there is one of this number.
    pub(crate) fn timeslot_info(&self, id: u8) -> Option<TimeslotInfo> {
        if id == 0 {
            return None;
        }
        let place = self.timeslots.get(usize::from(id))?;
        let closed = TimeslotInfo { id, mode: TIMESLOT_OFF, read_size: 0 };
        Some(place.as_ref().map_or(closed, |(info, _)| *info))
    }

    pub(crate) fn timeslot_infos(&self) -> impl Iterator<Item = TimeslotInfo> {
        (1..=self.far_end.line().timeslots()).filter_map(|id| self.timeslot_info(id))
    }

    pub(crate) fn open_timeslots(&self) -> usize {
        self.timeslots.iter().flatten().count()
    }

    /// Switch the line on or off. Off, it closes every timeslot and can open none.
    pub(crate) fn configure(&mut self, mode: u8) -> Result<(), Errno> {
        match mode {
            LINE_CHANNELIZED => {}
            LINE_OFF => {
                self.timeslots.iter_mut().for_each(|place| *place = None);
                self.detach_if_unused();
            }
            _ => return Err(Errno::EINVAL),
        }
        self.mode = mode;
        Ok(())
    }

    /// Open a timeslot; the answer is the client's end of its socket.
    pub(crate) fn open(
        &mut self,
        id: u8,
        mode: u8,
        force: bool,
        read_size: u16,
        now: Instant,
    ) -> Result<(TimeslotInfo, OwnedFd), Errno> {
        let known = self.timeslot_info(id).ok_or(Errno::ENODEV)?;
        if self.mode != LINE_CHANNELIZED || read_size == 0 {
            return Err(Errno::EINVAL);
        }
        if known.mode != TIMESLOT_OFF && !force {
            return Err(Errno::EBUSY);
        }
        let (open, theirs) = match mode {
            TIMESLOT_RAW => OpenTimeslot::raw(read_size)?,
            // Whole frames travel on the D channel only: a software span has no HDLC elsewhere.
            TIMESLOT_HDLC_FCS if Timeslot(id) == self.far_end.line().d_channel() => OpenTimeslot::frames()?,
            _ => return Err(Errno::EINVAL),
        };
        self.attach(now)?;
        let info = TimeslotInfo { id, mode, read_size };
        // Whoever had it loses it: his socket is closed here.
        self.timeslots[usize::from(id)] = Some((info, open));
        Ok((info, theirs))
    }

    /// Do the ticks that are due; alarms that came or went are told as (which, whether it came).
    pub(crate) fn turn(&mut self, now: Instant, counts: &Counts, mut tell: impl FnMut(Alarms, bool)) {
        if let Some((_, next)) = &mut self.running
            && now.saturating_duration_since(*next) > LATEST
        {
            *next = now;
        }
        while self.running.as_ref().is_some_and(|(_, next)| *next <= now) {
            self.tick(now, counts, &mut tell);
        }
    }

    /// When the next tick is due.
    pub(crate) fn next_turn(&self) -> Option<Instant> {
        self.running.as_ref().map(|(_, next)| *next)
    }

    fn tick(&mut self, now: Instant, counts: &Counts, tell: &mut impl FnMut(Alarms, bool)) {
        let Some((Running { traffic, .. }, next)) = &mut self.running else { return };
        match traffic.begin() {
            Ok(Readiness::Ready) => {}
            Ok(Readiness::NotYet) => {
                *next = now + LOOK_AGAIN;
                return;
            }
            Err(error) => {
                log::warn!("e1d: {error}; the line is detached");
                self.timeslots.iter_mut().for_each(|place| *place = None);
                self.running = None;
                return;
            }
        }
        for (id, place) in self.timeslots.iter_mut().enumerate() {
            if let Some((_, open)) = place
                && open.turn(traffic.as_mut(), Timeslot(id as u8), counts).is_err()
            {
                *place = None;
            }
        }
        let ended = traffic.end();
        *next += CHUNK.duration();
        while let Some(event) = traffic.next_event() {
            if let CardEvent::Alarms(_, alarms) = event {
                let changed = alarms.symmetric_difference(self.alarms);
                self.alarms = alarms;
                changed.iter().for_each(|alarm| tell(alarm, alarms.contains(alarm)));
            }
        }
        if ended.is_err() {
            self.timeslots.iter_mut().for_each(|place| *place = None);
        }
        self.detach_if_unused();
    }

    fn attach(&mut self, now: Instant) -> Result<(), Errno> {
        if self.running.is_none() {
            let card = self.far_end.attach("e1d").map_err(|_| Errno::EBUSY)?;
            let running = Box::new(card).start(CHUNK).map_err(|_| Errno::EINVAL)?;
            self.running = Some((running, now));
            self.alarms = Alarms::empty();
        }
        Ok(())
    }

    fn detach_if_unused(&mut self) {
        if self.open_timeslots() == 0 {
            self.running = None;
        }
    }
}
