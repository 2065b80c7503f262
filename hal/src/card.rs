//! The traits a board implements.
//!
//! A card is described, then started; starting splits it into its traffic (for the real-time thread,
//! once a tick) and its control (for whoever looks after it). A wrapper that injects faults or writes
//! captures implements the same traits around another card.
//!
//! Words: *chunk*, the samples a timeslot carries in one tick; *begin* and *end*, the two halves of a
//! tick, taking in what has arrived and handing over what is to be sent.

use crate::{
    Alarms, ChunkLength, DFrame, Error, ErrorKind, FramerPattern, Line, LineError, LoopRequest, Loopback,
    PatternResult, SpanIndex, Support, Timeslot, TimeslotLoopback,
};
use std::os::fd::RawFd;

/// What a span is, before anything runs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanDescription {
    /// The line's kind.
    pub line: Line,
    /// What the board calls it ("far end: exchange in software"), for people.
    pub label: String,
}

/// What a board can do beyond carrying octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// What at least one span can do for a test; [`Control::support`] tells it span by span.
    pub support: Support,
    /// [`Counters`] are counted by the framer rather than left at zero.
    pub counters: bool,
}

/// What a framer counts, since the card was started. All counters go up only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Line code violations (B8ZS, HDB3).
    pub line_code_violations: u64,
    /// CRC-6 or CRC-4 errors.
    pub path_code_violations: u64,
    /// CRC-4 errors the far end reports by E bits, or the T1 performance report.
    pub far_end_errors: u64,
    /// Performance reports received from the far end (T1 ESF, one a second).
    pub far_end_reports: u64,
    /// Reports in which the far end was out of frame (SE).
    pub far_end_out_of_frame: u64,
    /// Reports in which the far end saw line code violations (LV).
    pub far_end_line_violations: u64,
    /// Reports in which the far end had a controlled slip (SL).
    pub far_end_slips: u64,
    /// Framing bit errors.
    pub framing_errors: u64,
    /// Times frame alignment was lost, if only for some frames.
    pub out_of_frame: u64,
    /// Controlled slips: a chunk dropped or repeated because two clocks differ.
    pub slips: u64,
    /// Chunks that were not there in time and were replaced by the idle pattern.
    pub underruns: u64,
    /// D-channel frames thrown away for a wrong frame check sequence, an abort or their length.
    pub bad_frames: u64,
    /// Of those, the aborted.
    pub aborted_frames: u64,
    /// Of those, the ones with a wrong frame check sequence.
    pub wrong_fcs_frames: u64,
}

impl std::ops::Add for Counters {
    type Output = Counters;

    fn add(self, other: Counters) -> Counters {
        Counters {
            line_code_violations: self.line_code_violations + other.line_code_violations,
            path_code_violations: self.path_code_violations + other.path_code_violations,
            far_end_errors: self.far_end_errors + other.far_end_errors,
            far_end_reports: self.far_end_reports + other.far_end_reports,
            far_end_out_of_frame: self.far_end_out_of_frame + other.far_end_out_of_frame,
            far_end_line_violations: self.far_end_line_violations + other.far_end_line_violations,
            far_end_slips: self.far_end_slips + other.far_end_slips,
            framing_errors: self.framing_errors + other.framing_errors,
            out_of_frame: self.out_of_frame + other.out_of_frame,
            slips: self.slips + other.slips,
            underruns: self.underruns + other.underruns,
            bad_frames: self.bad_frames + other.bad_frames,
            aborted_frames: self.aborted_frames + other.aborted_frames,
            wrong_fcs_frames: self.wrong_fcs_frames + other.wrong_fcs_frames,
        }
    }
}

/// Why a D-channel frame was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameFault {
    /// Ended by seven ones.
    Abort,
    /// Wrong frame check sequence.
    BadFcs,
    /// The receiver could not keep up.
    Overrun,
    /// Longer than [`crate::D_FRAME_MAX`].
    TooLong,
}

/// Which of two clocks would be ahead, if a slip came from their difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// The card's: it brought a chunk too many, or wanted one.
    Card,
    /// That of the card that leads.
    Leader,
}

/// Something that happened on a card, other than samples and frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardEvent {
    /// The alarms of a span are now these.
    Alarms(SpanIndex, Alarms),
    /// A D-channel frame was lost.
    FrameLost(SpanIndex, FrameFault),
    /// One chunk was dropped or repeated on a span.
    Slip(SpanIndex),
    /// One chunk of a span was dropped, or an idle one put in, between this card and the one that leads.
    BufferSlip(SpanIndex, Ahead),
    /// The card has gone; every later call answers [`crate::ErrorKind::Reopen`].
    Removed,
}

/// Whether a chunk of every timeslot could be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// A chunk of each timeslot is there: process it, then call [`Traffic::end`].
    Ready,
    /// Not yet: poll and call [`Traffic::begin`] again. Nothing was consumed, nothing is to be sent.
    NotYet,
}

/// A card that has been found but not started.
pub trait Card: Send {
    /// The name configuration and people use.
    fn name(&self) -> &str;

    /// Its spans; [`SpanIndex`] counts them in this order.
    fn spans(&self) -> &[SpanDescription];

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// This span has no D channel of its own: the timeslot named by [`Line::d_channel`] carries speech like the others. To
    /// be called before the start.
    ///
    /// # Errors
    /// `Unsupported` when the board has a D channel on every span, or no such span.
    fn without_d_channel(&mut self, _span: SpanIndex) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "use a span without a D channel"))
    }

    /// Take out of what callers' lines return what was sent to them, on all bearer channels, for echoes of up to so many
    /// milliseconds. To be called before the start; a board whose driver refuses then goes on without, and says so in its log.
    ///
    /// # Errors
    /// `Unsupported` when the board has no echo canceller.
    fn cancel_echo(&mut self, _tail_ms: u32) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "cancel echo"))
    }

    /// Start the card with this chunk length and the timeslots named by [`Line::d_channel`] as D channels, but for spans
    /// [without one](Self::without_d_channel).
    ///
    /// # Errors
    /// [`crate::ErrorKind::GiveUp`] when the board refuses the configuration, `Reopen` when it has gone.
    fn start(self: Box<Self>, chunk: ChunkLength) -> Result<Running, Error>;
}

/// Where a card comes from, and where it comes back to: what is asked again after a removal.
pub trait Slot: Send {
    /// The card, if it is there.
    ///
    /// # Errors
    /// `Reopen` when it is not there (yet), or something still holds it.
    fn find(&mut self) -> Result<Box<dyn Card>, Error>;
}

/// The two halves of a started card.
pub struct Running {
    /// For the real-time thread.
    pub traffic: Box<dyn Traffic>,
    /// For everyone else.
    pub control: Box<dyn Control>,
}

/// The audio and signalling exchange of a started card.
///
/// Called by one thread, once a tick: drain [`Traffic::next_event`], [`Traffic::begin`], then (if ready)
/// read [`Traffic::received`], fill [`Traffic::to_send`], move D-channel frames, and [`Traffic::end`].
/// None of it blocks or allocates; system calls are only those of the board itself.
pub trait Traffic: Send {
    /// Descriptors that become readable when samples, frames or events are there; empty when the
    /// board has none and the timer alone paces it.
    fn descriptors(&self) -> &[RawFd];

    /// Take in one chunk of every timeslot, all or nothing.
    ///
    /// # Errors
    /// `Reopen` when the card has gone. An alarm on a span is no error: its timeslots carry the idle pattern.
    fn begin(&mut self) -> Result<Readiness, Error>;

    /// Move what the card has between ticks. Called whenever a descriptor may have become ready; what keeps its own time needs it.
    ///
    /// # Errors
    /// `Reopen` when the card has gone.
    fn serve(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// The chunk received on a timeslot in this tick, in the line's companding law.
    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8];

    /// The chunk to send on a timeslot in this tick; it holds the idle pattern until written.
    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8];

    /// Hand over what was written.
    ///
    /// # Errors
    /// `Reopen` when the card has gone.
    fn end(&mut self) -> Result<(), Error>;

    /// The next D-channel frame received on a span, if there is one.
    ///
    /// # Errors
    /// `Reopen` when the card has gone.
    fn receive_frame(&mut self, span: SpanIndex) -> Result<Option<DFrame>, Error>;

    /// Send a D-channel frame.
    ///
    /// # Errors
    /// `Retry` when the transmit queue is full (the frame was not taken), `Alarm` when the span cannot
    /// send, `Reopen` when the card has gone.
    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error>;

    /// The next event, oldest first.
    fn next_event(&mut self) -> Option<CardEvent>;
}

/// Looking after a started card.
///
/// Tests and loopbacks are what boards differ in most: ask [`Control::support`] first. What a board does not
/// have it need not implement; the answer then is `Unsupported`.
pub trait Control: Send {
    /// The alarms of a span now.
    fn alarms(&self, span: SpanIndex) -> Alarms;

    /// The counters of a span since the start.
    fn counters(&self, span: SpanIndex) -> Counters;

    /// Set or release a loopback.
    ///
    /// # Errors
    /// `Unsupported` when the board has none of this kind.
    fn set_loopback(&mut self, span: SpanIndex, loopback: Loopback) -> Result<(), Error>;

    /// Send these alarms (AIS, RAI; none to stop) to the far end.
    ///
    /// # Errors
    /// `Unsupported` when the board cannot.
    fn send_alarms(&mut self, span: SpanIndex, alarms: Alarms) -> Result<(), Error>;

    /// Whether echo is taken out on the bearer channels of a span, as was [asked](Card::cancel_echo) of the card.
    fn cancels_echo(&self, _span: SpanIndex) -> bool {
        false
    }

    /// What this span can do for a test.
    fn support(&self, _span: SpanIndex) -> Support {
        Support::empty()
    }

    /// Set or release a loopback of one timeslot. One that carries the D channel turns its frames back too.
    ///
    /// # Errors
    /// `Unsupported` when the board has none of this kind or the span has no such timeslot.
    fn set_timeslot_loopback(
        &mut self,
        _span: SpanIndex,
        _timeslot: Timeslot,
        _loopback: TimeslotLoopback,
    ) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "set a loopback of a timeslot"))
    }

    /// Ask the far end to set or release a loopback. Whether it obeys is seen only by a test over the loop.
    ///
    /// # Errors
    /// `Unsupported` when the board cannot send it or the line has no such message.
    fn request_loop(&mut self, _span: SpanIndex, _request: LoopRequest) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "ask the far end for a loopback"))
    }

    /// What the far end has asked for since this was last called, the latest only. Nothing is set by it:
    /// whether it is obeyed (by [`Control::set_loopback`] with [`LoopRequest::obeyed`]) is for the caller.
    fn requested_loop(&mut self, _span: SpanIndex) -> Option<LoopRequest> {
        None
    }

    /// Put so many errors of a kind into what is sent, no faster than one a frame check.
    ///
    /// # Errors
    /// `Unsupported` when the board cannot insert this kind.
    fn insert_errors(&mut self, _span: SpanIndex, _error: LineError, _count: u32) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "insert errors"))
    }

    /// Let the framer send a pattern on these timeslots and compare what comes back, or stop.
    ///
    /// # Errors
    /// `Unsupported` when the framer has no patterns, or not this one.
    fn set_pattern(
        &mut self,
        _span: SpanIndex,
        _timeslots: &[Timeslot],
        _pattern: Option<FramerPattern>,
    ) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "send a pattern of the framer"))
    }

    /// What the framer has found of the pattern it was told to compare.
    ///
    /// # Errors
    /// `Unsupported` when the framer has no patterns.
    fn pattern_result(&self, _span: SpanIndex) -> Result<PatternResult, Error> {
        Err(Error::new(ErrorKind::Unsupported, "read the pattern receiver of the framer"))
    }
}
