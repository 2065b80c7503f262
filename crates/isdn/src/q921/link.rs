//! The procedures of multiple frame operation.
//!
//! ```text
//!               establish, retry                            UA F=1
//! TeiAssigned ────────────────────► AwaitingEstablishment ─────────► Established ◄────────────┐
//!   4  ▲ ▲ ▲ ◄──────────────────────   5      ▲                      7    │  │ T200, T203    │ answer
//!      │ │ │  DM F=1, N200 × T200             └────── error ──────────────┤  ▼               │ to poll
//!      │ │ └── SABME ────────────────────────────────────────────────► 7  │  TimerRecovery 8 ┘
//!      │ └──── DISC ──────────────────────────────────────────────────────┤
//!      └────── UA, DM, N200 × T200 ───────── AwaitingRelease ◄── release ─┘
//!                                              6
//! ```
//! Errors that lead from 7 or 8 to 5: FRMR, DM, a frame rejection condition, a wrong N(R); from 8 also N200 unanswered
//! polls. From 8, DISC leads to 4, SABME to 7 and release to 6, as from 7; release leads to 6 from 5 as well.
//!
//! Data path: see the parent. Outputs gather in `outbox`, except that I frames and plain acknowledgements are made when
//! they are collected, so that an acknowledgement rides on an I frame whenever there is one to send.
//! Time: T200 or T203, never both, in the variant of the state that has use for it.
//! Source: Q.921 (09/97) clause 5.5 to 5.8 and Annex B. Departures, each beside its line: the link is tried for ever while
//! layer 3 wants it; `establish` on a link that is up does nothing; a reset is always told to layer 3; in state 5, SABME is
//! answered by our own as well when that seems lost; no new I frame is sent in state 8; an I frame lost for want of
//! room in the outbox is left unacknowledged rather than RNR sent; a REJ that comes twice at once is obeyed once.

use super::frame::{self, Frame, NotAFrame, ShortFrame, Supervisory, Unnumbered};
use super::outbox::{Change, Item, Outbox};
use super::ring::Ring;
use super::sequence::{Arrival, Sequence};
use super::trace::{Trace, Transition, Why};
use super::writer::Writer;
use super::{Counters, Output, Parameters, QUEUE_LENGTH, SendError, StateName};
use crate::Side;
use std::time::Duration;

/// From a failed or ended link to the next attempt. Q.921 leaves the insisting to layer 3; a primary rate link is wanted
/// for ever, so it is done here. Long enough not to fill a technician's trace, short against T309.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// A SABME that is older and unanswered has been lost: frames of its length are on the line for less than a millisecond, and
/// either end looks at its D channel every few milliseconds.
const ANSWER_AT_LATEST: Duration = Duration::from_millis(100);

/// T200 runs while something is unacknowledged or the far end is busy, T203 otherwise: one of them always. With each goes when it
/// was started: that is every other frame, and when it expires is asked less often.
#[derive(Clone, Copy, Debug)]
enum Timer {
    T200(Duration),
    T203(Duration),
}

/// The state and what means something only in it. `rc` is the retransmission counter; times are deadlines, but for [`Timer`].
#[derive(Clone, Copy, Debug)]
enum State {
    TeiAssigned { retry: Option<Duration> },
    AwaitingEstablishment { t200: Duration, rc: u8, was_up: bool },
    AwaitingRelease { t200: Duration, rc: u8 },
    Established { sequence: Sequence, timer: Timer },
    TimerRecovery { sequence: Sequence, t200: Duration, rc: u8 },
}

impl State {
    const fn name(&self) -> StateName {
        match self {
            State::TeiAssigned { .. } => StateName::TeiAssigned,
            State::AwaitingEstablishment { .. } => StateName::AwaitingEstablishment,
            State::AwaitingRelease { .. } => StateName::AwaitingRelease,
            State::Established { .. } => StateName::MultipleFrameEstablished,
            State::TimerRecovery { .. } => StateName::TimerRecovery,
        }
    }
}

/// One end of a data link. It allocates nothing, ever; it is large (about 45 kB), so its owner keeps it in one place.
#[derive(Debug)]
pub struct DataLink {
    side: Side,
    parameters: Parameters,
    state: State,
    /// Layer 3 wants a link: try again whenever there is none.
    wanted: bool,
    /// Layer 3 wants none, and the far end shall not have one either.
    barred: bool,
    /// Time of the last input.
    now: Duration,
    /// Messages from the oldest unacknowledged on: the first `outstanding` have been sent.
    queue: Ring<QUEUE_LENGTH>,
    outbox: Outbox,
    /// When REJ last made us go back; see [`Sequence::went_back`].
    went_back: Duration,
    /// The frame without information that is lent.
    lent: ShortFrame,
    counters: Counters,
    trace: Trace,
}

impl DataLink {
    /// A link at rest in state 4. It answers a far end that wants to establish, and waits for [`establish`](Self::establish)
    /// before it begins on its own.
    #[must_use]
    pub fn new(side: Side, parameters: Parameters) -> Self {
        DataLink {
            side,
            parameters: parameters.in_range(),
            state: State::TeiAssigned { retry: None },
            wanted: false,
            barred: false,
            now: Duration::ZERO,
            queue: Ring::default(),
            outbox: Outbox::default(),
            went_back: Duration::ZERO,
            lent: ShortFrame::new(),
            counters: Counters::default(),
            trace: Trace::default(),
        }
    }

    /// DL-ESTABLISH request: brings the link up and keeps bringing it up until [`release`](Self::release). After N200
    /// unanswered repetitions of SABME, or when the far end releases, there is a pause of two seconds before the next attempt.
    ///
    /// On a link that is up or coming up this changes nothing (Q.921 would reset it: nobody has needed that).
    pub fn establish(&mut self, now: Duration) {
        self.advance(now);
        (self.wanted, self.barred) = (true, false);
        if let State::TeiAssigned { .. } = self.state {
            self.begin_establishment(Why::Requested, false);
        }
    }

    /// PH-ACTIVATE indication: the line carries frames again. What was asked of a dead line is asked once more at once; a link
    /// that is up, or that nobody wants, is left alone.
    pub fn line_restored(&mut self, now: Duration) {
        self.advance(now);
        match self.state {
            State::TeiAssigned { retry: Some(_) } => self.begin_establishment(Why::TriedAgain, false),
            State::AwaitingEstablishment { was_up, .. } => {
                self.transmit_unnumbered(Unnumbered::Sabme, true);
                self.state = State::AwaitingEstablishment { t200: self.t200(), rc: 0, was_up };
            }
            State::TeiAssigned { retry: None }
            | State::AwaitingRelease { .. }
            | State::Established { .. }
            | State::TimerRecovery { .. } => {}
        }
    }

    /// DL-RELEASE request: takes the link down, discarding what is queued, and stops wanting it. [`Output::Released`]
    /// confirms. A far end that establishes afterwards is still answered.
    pub fn release(&mut self, now: Duration) {
        self.advance(now);
        self.wanted = false;
        match self.state {
            State::TeiAssigned { .. } => {
                self.state = State::TeiAssigned { retry: None };
                self.announce(Change::Released);
            }
            State::AwaitingRelease { .. } => {}
            State::AwaitingEstablishment { .. } | State::Established { .. } | State::TimerRecovery { .. } => {
                self.discard_queue();
                self.transmit_unnumbered(Unnumbered::Disc, true);
                self.enter(State::AwaitingRelease { t200: self.t200(), rc: 0 }, Why::Requested);
            }
        }
    }

    /// DL-RELEASE request of a user side that is taken out of service: from now until [`establish`](Self::establish) a far end that
    /// wants a link is answered DM (5.5.1.2: not able to enter the multiple-frame-established state).
    pub fn withdraw(&mut self, now: Duration) {
        self.release(now);
        self.barred = true;
    }

    /// DL-ESTABLISH request on a link that is up: establishes it anew, which the far end is told by SABME. Messages given from
    /// now on go out afterwards. A link that is down is established.
    pub fn establish_anew(&mut self, now: Duration) {
        self.advance(now);
        (self.wanted, self.barred) = (true, false);
        match self.state {
            State::Established { sequence, .. } | State::TimerRecovery { sequence, .. } => {
                self.establish_again(sequence, Why::Requested);
            }
            State::TeiAssigned { .. } => self.begin_establishment(Why::Requested, false),
            State::AwaitingEstablishment { .. } | State::AwaitingRelease { .. } => {}
        }
    }

    /// As [`establish_anew`](Self::establish_anew), of a link that is up and no other, and whoever wanted it.
    pub(crate) fn reset(&mut self, now: Duration) {
        self.advance(now);
        if let State::Established { sequence, .. } | State::TimerRecovery { sequence, .. } = self.state {
            self.establish_again(sequence, Why::Requested);
        }
    }

    /// Layer 3 wants the link.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// DL-DATA request: queues a message for the far end.
    ///
    /// While a link that was up is being established again, messages are taken and go out afterwards.
    ///
    /// # Errors
    /// [`SendError`] says why the message was not taken; nothing has changed then.
    pub fn send(&mut self, now: Duration, information: &[u8]) -> Result<(), SendError> {
        self.send_with(now, |writer| writer.put(information))
    }

    /// As [`send`](Self::send), and the message is written where it will wait.
    ///
    /// # Errors
    /// As there.
    pub fn send_with(&mut self, now: Duration, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
        self.advance(now);
        match self.state {
            State::Established { .. }
            | State::TimerRecovery { .. }
            | State::AwaitingEstablishment { was_up: true, .. } => {}
            State::TeiAssigned { .. } | State::AwaitingEstablishment { .. } | State::AwaitingRelease { .. } => {
                return Err(SendError::LinkDown);
            }
        }
        if self.queue.is_full() {
            return Err(SendError::QueueFull);
        }
        if self.queue.push_with(self.parameters.n201, write) { Ok(()) } else { Err(SendError::TooLong) }
    }

    /// Messages that wait, those sent and not yet acknowledged included: of [`QUEUE_LENGTH`].
    pub(crate) const fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Takes a whole frame as it came from the line, without FCS. Anything is accepted: what is no frame, or not for
    /// us, is counted.
    pub fn handle_frame(&mut self, now: Duration, octets: &[u8]) {
        if let Some(message) = self.take_frame(now, octets, self.outbox.has_room()) {
            self.outbox.deliver(message);
        }
    }

    /// As [`handle_frame`](Self::handle_frame), for an owner who acts upon a message at once: gives the message that the frame
    /// has brought. Without `room` none is taken, and none acknowledged.
    pub(crate) fn take_frame<'a>(&mut self, now: Duration, octets: &'a [u8], room: bool) -> Option<&'a [u8]> {
        self.advance(now);
        self.counters.frames_in += 1;
        let frame = match frame::decode(octets, self.side.peer(), self.parameters.n201) {
            Ok(frame) => frame,
            Err(fault) => {
                self.refuse_frame(fault);
                return None;
            }
        };
        if let Frame::Unnumbered { function, poll_final } = frame {
            self.take_unnumbered(function, poll_final);
            return None;
        }
        match (self.take_numbered(frame, room), frame) {
            (true, Frame::Information { information, .. }) => Some(information),
            _ => None,
        }
    }

    fn refuse_frame(&mut self, fault: NotAFrame) {
        match fault {
            NotAFrame::Invalid => self.counters.invalid += 1,
            NotAFrame::OtherAddress { .. } => self.counters.other_address += 1,
            NotAFrame::UndefinedControl | NotAFrame::WrongLength | NotAFrame::TooLong => {
                self.counters.malformed += 1;
                // Frame rejection condition (5.8.5): only a link that is up is established again.
                if let State::Established { sequence, .. } | State::TimerRecovery { sequence, .. } = self.state {
                    self.establish_again(sequence, Why::MalformedFrame);
                }
            }
        }
    }

    /// To be called at the time told by [`poll_timeout`](Self::poll_timeout) or later; earlier does nothing.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
        if self.poll_timeout().is_none_or(|deadline| deadline > self.now) {
            return;
        }
        let n200 = self.parameters.n200;
        match self.state {
            State::TeiAssigned { .. } => self.begin_establishment(Why::TriedAgain, false),
            State::AwaitingEstablishment { rc, was_up, .. } => {
                self.counters.t200_expiries += 1;
                if rc >= n200 {
                    self.counters.attempts_failed += 1;
                    self.give_up(was_up, Why::AttemptsExhausted);
                } else {
                    self.transmit_unnumbered(Unnumbered::Sabme, true);
                    self.state = State::AwaitingEstablishment { t200: self.t200(), rc: rc + 1, was_up };
                }
            }
            State::AwaitingRelease { rc, .. } => {
                self.counters.t200_expiries += 1;
                if rc >= n200 {
                    self.finish_release(Why::AttemptsExhausted);
                } else {
                    self.transmit_unnumbered(Unnumbered::Disc, true);
                    self.state = State::AwaitingRelease { t200: self.t200(), rc: rc + 1 };
                }
            }
            State::Established { mut sequence, timer } => {
                match timer {
                    Timer::T200(_) => self.counters.t200_expiries += 1,
                    Timer::T203(_) => self.counters.t203_expiries += 1,
                }
                self.poll_peer(&mut sequence);
                self.enter(State::TimerRecovery { sequence, t200: self.t200(), rc: 0 }, Why::Polled);
            }
            State::TimerRecovery { mut sequence, rc, .. } => {
                self.counters.t200_expiries += 1;
                if rc >= n200 {
                    self.counters.polls_exhausted += 1;
                    self.establish_again(sequence, Why::PollsExhausted);
                } else {
                    self.poll_peer(&mut sequence);
                    self.state = State::TimerRecovery { sequence, t200: self.t200(), rc: rc + 1 };
                }
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, by the caller's clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.state {
            State::TeiAssigned { retry } => retry,
            State::AwaitingEstablishment { t200, .. }
            | State::AwaitingRelease { t200, .. }
            | State::TimerRecovery { t200, .. } => Some(t200),
            State::Established { timer: Timer::T200(since), .. } => Some(since.saturating_add(self.parameters.t200)),
            State::Established { timer: Timer::T203(since), .. } => Some(since.saturating_add(self.parameters.t203)),
        }
    }

    /// The next output. To be called after every input until there is none.
    pub fn poll_output(&mut self) -> Option<Output<'_>> {
        match self.outbox.next() {
            Some(Item::Frame(frame)) => Some(Output::Transmit(self.lend(frame))),
            Some(Item::Change(Change::Established { reset })) => Some(Output::Established { reset }),
            Some(Item::Change(Change::Released)) => Some(Output::Released),
            Some(Item::Message) => Some(Output::Information(self.outbox.message())),
            None => self.next_numbered_frame().map(Output::Transmit),
        }
    }

    /// Whether [`next_frame`](Self::next_frame) may have one.
    #[inline]
    pub(crate) fn has_frame(&self) -> bool {
        let numbered = match &self.state {
            State::Established { sequence, .. } => {
                sequence.acknowledge || usize::from(sequence.outstanding()) < self.queue.len()
            }
            State::TimerRecovery { sequence, .. } => sequence.acknowledge,
            State::TeiAssigned { .. } | State::AwaitingEstablishment { .. } | State::AwaitingRelease { .. } => false,
        };
        numbered || !self.outbox.is_empty()
    }

    /// The next frame to send, for an owner who takes messages from [`take_frame`](Self::take_frame) and changes from
    /// [`take_change`](Self::take_change).
    pub(crate) fn next_frame(&mut self) -> Option<&[u8]> {
        match self.outbox.next() {
            Some(Item::Frame(frame)) => Some(self.lend(frame)),
            Some(Item::Change(_) | Item::Message) | None => self.next_numbered_frame(),
        }
    }

    /// Whether [`take_change`](Self::take_change) has one.
    #[inline]
    pub(crate) fn has_change(&self) -> bool {
        self.outbox.has_change()
    }

    /// What layer 3 has not been told yet of the link's state.
    pub(crate) fn take_change(&mut self) -> Option<Change> {
        self.outbox.take_change()
    }

    fn lend(&mut self, frame: ShortFrame) -> &[u8] {
        self.counters.frames_out += 1;
        self.lent = frame;
        &self.lent
    }

    /// The state by its name.
    #[must_use]
    pub fn state(&self) -> StateName {
        self.state.name()
    }

    /// What happened so far, in numbers.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The last changes of state, oldest first.
    pub fn transitions(&self) -> impl Iterator<Item = &Transition> {
        self.trace.iter()
    }

    // The states.

    fn take_unnumbered(&mut self, function: Unnumbered, poll_final: bool) {
        match self.state {
            State::TeiAssigned { .. } => self.in_tei_assigned(function, poll_final),
            State::AwaitingEstablishment { t200, rc, was_up } => {
                self.in_awaiting_establishment(function, poll_final, t200, rc, was_up);
            }
            State::AwaitingRelease { .. } => self.in_awaiting_release(function, poll_final),
            // An answer to no question (error B); in state 8 it would be one.
            State::Established { .. } if (function, poll_final) == (Unnumbered::Dm, true) => self.counters.ignored += 1,
            State::Established { sequence, .. } | State::TimerRecovery { sequence, .. } => {
                self.unnumbered_while_up(function, poll_final, sequence);
            }
        }
    }

    fn in_tei_assigned(&mut self, function: Unnumbered, poll_final: bool) {
        match (function, poll_final) {
            (Unnumbered::Sabme, _) if !self.barred => {
                self.transmit_unnumbered(Unnumbered::Ua, poll_final);
                self.come_up(false, Why::PeerEstablished);
            }
            (Unnumbered::Sabme | Unnumbered::Disc, _) => self.transmit_unnumbered(Unnumbered::Dm, poll_final),
            // An unsolicited DM is an invitation to establish (5.5.1.1 via 5.5.4).
            (Unnumbered::Dm, false) if self.wanted => self.begin_establishment(Why::PeerDisconnected, false),
            // 5.5.4: all other frames are discarded.
            _ => self.counters.ignored += 1,
        }
    }

    fn in_awaiting_establishment(
        &mut self,
        function: Unnumbered,
        poll_final: bool,
        t200: Duration,
        rc: u8,
        was_up: bool,
    ) {
        match (function, poll_final) {
            // Both sides establish at once: answer, and go on waiting for the answer to our own (5.5.5.1). If ours was lost, it
            // goes out again before the answer. Repeated by T200, it would find a far end that is up, and what that had sent
            // by then, a SETUP as like as not, would be lost in the reset.
            (Unnumbered::Sabme, _) => {
                let sent = t200.saturating_sub(self.parameters.t200);
                if self.now.saturating_sub(sent) > ANSWER_AT_LATEST {
                    self.transmit_unnumbered(Unnumbered::Sabme, true);
                    self.state = State::AwaitingEstablishment { t200: self.t200(), rc, was_up };
                }
                self.transmit_unnumbered(Unnumbered::Ua, poll_final);
            }
            (Unnumbered::Disc, _) => self.transmit_unnumbered(Unnumbered::Dm, poll_final),
            (Unnumbered::Ua, true) => self.come_up(was_up, Why::Acknowledged),
            (Unnumbered::Dm, true) => self.give_up(was_up, Why::PeerDisconnected),
            // Responses without F answer nothing of ours (5.5.1.2, 5.8.7).
            _ => self.counters.ignored += 1,
        }
    }

    fn in_awaiting_release(&mut self, function: Unnumbered, poll_final: bool) {
        match (function, poll_final) {
            // Collision of opposite wishes (5.5.5.2).
            (Unnumbered::Sabme, _) => self.transmit_unnumbered(Unnumbered::Dm, poll_final),
            (Unnumbered::Disc, _) => self.transmit_unnumbered(Unnumbered::Ua, poll_final),
            (Unnumbered::Ua, true) => self.finish_release(Why::Acknowledged),
            (Unnumbered::Dm, true) => self.finish_release(Why::PeerDisconnected),
            _ => self.counters.ignored += 1,
        }
    }

    /// Unnumbered frames in states 7 and 8, where they mean the same except for DM with F, which 7 ignores.
    fn unnumbered_while_up(&mut self, function: Unnumbered, poll_final: bool, sequence: Sequence) {
        match function {
            Unnumbered::Sabme => {
                self.transmit_unnumbered(Unnumbered::Ua, poll_final);
                // Layer 3 is told even when nothing of ours was outstanding, which Annex B leaves out: the far end may
                // have restarted and forgotten its calls.
                self.note_reset(sequence);
                self.come_up(true, Why::PeerEstablished);
            }
            Unnumbered::Disc => {
                self.transmit_unnumbered(Unnumbered::Ua, poll_final);
                self.give_up(true, Why::PeerReleased);
            }
            Unnumbered::Dm => self.establish_again(sequence, Why::PeerDisconnected),
            Unnumbered::Frmr => {
                self.counters.frame_rejects_in += 1;
                self.establish_again(sequence, Why::PeerRejectedFrame);
            }
            // Unsolicited UA is an error to note, not to act on (5.8.7, errors C and D).
            Unnumbered::Ua | Unnumbered::Ui | Unnumbered::Xid => self.counters.ignored += 1,
        }
    }

    // What the states have in common.

    /// A numbered frame (5.6, 5.8.1). Whether the message of an I frame was taken, for which there may be room or not.
    ///
    /// The sequence is altered where it is: this and [`next_numbered_frame`](Self::next_numbered_frame) are done for every frame.
    #[inline]
    fn take_numbered(&mut self, frame: Frame<'_>, room: bool) -> bool {
        let (State::Established { sequence, .. } | State::TimerRecovery { sequence, .. }) = &mut self.state else {
            // It belongs to a link that is no more.
            self.counters.ignored += 1;
            return false;
        };
        let (mut taken, mut reject) = (false, false);
        let (n_r, poll) = match frame {
            Frame::Information { n_s, n_r, poll, .. } => {
                match sequence.arrive(n_s, room) {
                    Arrival::Taken => {
                        self.counters.information_in += 1;
                        taken = true;
                    }
                    Arrival::NoRoom => self.counters.outputs_dropped += 1,
                    Arrival::OutOfSequence => self.counters.sequence_errors += 1,
                    Arrival::Gap => {
                        self.counters.sequence_errors += 1;
                        self.counters.rejects_out += 1;
                        reject = true;
                    }
                }
                (n_r, poll)
            }
            Frame::Supervisory { function, command, n_r, poll_final } => {
                sequence.peer_busy = function == Supervisory::ReceiveNotReady;
                match function {
                    Supervisory::ReceiveReady => {}
                    Supervisory::ReceiveNotReady => self.counters.receiver_not_ready_in += 1,
                    Supervisory::Reject => self.counters.rejects_in += 1,
                }
                (n_r, command && poll_final)
            }
            Frame::Unnumbered { .. } => return false,
        };
        if poll || reject {
            sequence.acknowledge = false;
            let function = if reject { Supervisory::Reject } else { Supervisory::ReceiveReady };
            let answer = frame::write_supervisory(self.side, function, false, sequence.v_r(), poll);
            self.counters.outputs_dropped += u64::from(!self.outbox.transmit(answer));
        }
        // N(R) of any numbered frame: what is acknowledged leaves the queue.
        let Some(count) = sequence.acknowledge(n_r) else {
            let sequence = *sequence;
            self.counters.acknowledgement_errors += 1;
            self.establish_again(sequence, Why::WrongAcknowledgement);
            return taken;
        };
        debug_assert!(usize::from(count) <= self.queue.len(), "what was sent stays queued until it is acknowledged");
        self.queue.drop_oldest(usize::from(count));
        match (&mut self.state, frame) {
            (State::Established { sequence, timer }, Frame::Supervisory { function: Supervisory::Reject, .. })
                if count > 0 || !Self::went_back_just_now(sequence, self.now, self.went_back, self.parameters.t200) =>
            {
                // Everything from N(R) on goes out again as the outputs are collected, which starts T200 (5.6.4).
                sequence.go_back();
                (sequence.went_back, self.went_back) = (true, self.now);
                *timer = Timer::T203(self.now);
            }
            (State::Established { timer, .. }, Frame::Supervisory { function: Supervisory::ReceiveNotReady, .. }) => {
                *timer = Timer::T200(self.now);
            }
            (State::Established { sequence, timer }, _) if !sequence.peer_busy => {
                if sequence.outstanding() == 0 {
                    *timer = Timer::T203(self.now);
                } else if count > 0 {
                    *timer = Timer::T200(self.now);
                }
            }
            // The answer to our poll says exactly what arrived: go on from there (5.6.7 c).
            (State::TimerRecovery { sequence, .. }, Frame::Supervisory { command: false, poll_final: true, .. }) => {
                sequence.go_back();
                let timer = if sequence.peer_busy { Timer::T200(self.now) } else { Timer::T203(self.now) };
                let sequence = *sequence;
                self.enter(State::Established { sequence, timer }, Why::PollAnswered);
            }
            _ => {}
        }
        taken
    }

    /// Whether the frames that a REJ asks for may still be on the line, because the same REJ came before: seven of the longest
    /// take 231 ms at 64 kbit/s. A far end that says REJ for each frame out of sequence (5.8.1 allows one, libosmocore 1.7.0
    /// sends more) would otherwise get a window for each, find most of it out of sequence again, and so on for ever. If they
    /// were lost, T200 or a later REJ has them sent once more.
    fn went_back_just_now(sequence: &Sequence, now: Duration, went_back: Duration, t200: Duration) -> bool {
        sequence.went_back && now.saturating_sub(went_back) < t200 / 4
    }

    /// An I frame when the link is up, the far end ready, the window open (5.6.1), and a message waiting; otherwise RR if one
    /// from the far end wants acknowledging (5.6.2.2).
    ///
    /// In state 8 no I frame is sent until the poll is answered: what went out would be sent again anyhow.
    fn next_numbered_frame(&mut self) -> Option<&[u8]> {
        let sequence = match &mut self.state {
            State::Established { sequence, timer } => {
                let outstanding = sequence.outstanding();
                let place = usize::from(outstanding);
                if !sequence.peer_busy && outstanding < self.parameters.k && place < self.queue.len() {
                    let (n_s, again) = sequence.send();
                    if again {
                        self.counters.retransmissions += 1;
                    } else {
                        self.counters.information_out += 1;
                    }
                    sequence.acknowledge = false;
                    if let Timer::T203(_) = timer {
                        *timer = Timer::T200(self.now);
                    }
                    self.counters.frames_out += 1;
                    let header = frame::information_header(self.side, n_s, sequence.v_r(), false);
                    return Some(self.queue.framed(place, header));
                }
                sequence
            }
            State::TimerRecovery { sequence, .. } => sequence,
            State::TeiAssigned { .. } | State::AwaitingEstablishment { .. } | State::AwaitingRelease { .. } => {
                return None;
            }
        };
        if !std::mem::take(&mut sequence.acknowledge) {
            return None;
        }
        let n_r = sequence.v_r();
        Some(self.lend(frame::write_supervisory(self.side, Supervisory::ReceiveReady, false, n_r, false)))
    }

    /// Asks the far end where it stands (5.6.7, 5.10.2).
    fn poll_peer(&mut self, sequence: &mut Sequence) {
        sequence.acknowledge = false;
        self.transmit_supervisory(Supervisory::ReceiveReady, true, sequence.v_r(), true);
    }

    /// Establishes a link that is up again, after an error that only this can mend (5.7).
    fn establish_again(&mut self, sequence: Sequence, why: Why) {
        self.note_reset(sequence);
        self.begin_establishment(why, true);
    }

    fn begin_establishment(&mut self, why: Why, was_up: bool) {
        self.transmit_unnumbered(Unnumbered::Sabme, true);
        self.enter(State::AwaitingEstablishment { t200: self.t200(), rc: 0, was_up }, why);
    }

    fn come_up(&mut self, reset: bool, why: Why) {
        if !reset {
            self.counters.established += 1;
        }
        let timer = Timer::T203(self.now);
        self.enter(State::Established { sequence: Sequence::default(), timer }, why);
        self.announce(Change::Established { reset });
    }

    /// To state 4 without having asked for it. Layer 3 is told only if it believes the link up.
    fn give_up(&mut self, was_up: bool, why: Why) {
        self.discard_queue();
        let retry = self.wanted.then(|| self.now.saturating_add(RETRY_PAUSE));
        self.enter(State::TeiAssigned { retry }, why);
        if was_up {
            self.counters.released += 1;
            self.announce(Change::Released);
        }
    }

    fn finish_release(&mut self, why: Why) {
        self.enter(State::TeiAssigned { retry: None }, why);
        self.counters.released += 1;
        self.announce(Change::Released);
        // Layer 3 may have changed its mind in the meantime.
        if self.wanted {
            self.begin_establishment(Why::Requested, false);
        }
    }

    /// Discards the queue when the far end may have some of it, so that nothing can arrive twice (5.7.2).
    fn note_reset(&mut self, sequence: Sequence) {
        self.counters.resets += 1;
        self.counters.last_reset = Some(self.now);
        if !sequence.all_acknowledged() {
            self.discard_queue();
        }
    }

    fn discard_queue(&mut self) {
        self.counters.messages_discarded += self.queue.len() as u64;
        self.queue.clear();
    }

    fn transmit_unnumbered(&mut self, function: Unnumbered, poll_final: bool) {
        if function == Unnumbered::Sabme {
            self.counters.sabme_out += 1;
        }
        if !self.outbox.transmit(frame::write_unnumbered(self.side, function, poll_final)) {
            self.counters.outputs_dropped += 1;
        }
    }

    fn transmit_supervisory(&mut self, function: Supervisory, command: bool, n_r: u8, poll_final: bool) {
        if !self.outbox.transmit(frame::write_supervisory(self.side, function, command, n_r, poll_final)) {
            self.counters.outputs_dropped += 1;
        }
    }

    fn announce(&mut self, change: Change) {
        self.counters.outputs_dropped += self.outbox.announce(change);
    }

    /// The one place where the state gets another name.
    fn enter(&mut self, next: State, why: Why) {
        self.trace.add(Transition { at: self.now, from: self.state.name(), to: next.name(), why });
        self.state = next;
    }

    /// A clock that goes back is taken to stand still.
    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    fn t200(&self) -> Duration {
        self.now.saturating_add(self.parameters.t200)
    }
}
