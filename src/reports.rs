//! What the real-time thread tells the rest of the daemon, and what it is told.
//!
//! Both directions are values of fixed size in bounded queues: nothing here allocates, formats or
//! names a file. Times are since the daemon's start; the office puts dates to them.

use crate::bench::{Probe, Reading};
use crate::gateway::{CallId, Channel, Holds, NearSets, NotPlaced, Stuck, WhenOut};
use crate::prompts::LanguageIndex;
use crate::voice::{Clipped, Press};
use conference::{Answer, Happening, Refused, Went};
use event::{EventNumber, Role};
use hal::{Alarms, FrameFault, Timeslot};
use isdn::{Cause, Number};
use std::time::Duration;

/// What became of an event so that it takes no more calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// A host keyed 399, or an operator ended it.
    Ended,
    /// It was cancelled.
    Cancelled,
    /// Nobody called for the time that makes it over.
    Over,
}

impl From<Closed> for event::Closing {
    fn from(closed: Closed) -> event::Closing {
        match closed {
            Closed::Ended => event::Closing::Ended,
            Closed::Cancelled => event::Closing::Cancelled,
            Closed::Over => event::Closing::Over,
        }
    }
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStage {
    /// Answered; the exchange has not acknowledged yet.
    Answering,
    /// The language is asked for.
    AskingLanguage,
    /// The event number is asked for.
    AskingEvent,
    /// The PIN is asked for.
    AskingPin,
    /// Let in by its PIN; it waits, or is asked for a name.
    Waiting,
    /// In the conference.
    InConference,
    /// Of a call we have placed: SETUP was sent.
    Dialling,
    /// Of a call we have placed: the exchange works on it.
    Proceeding,
    /// Of a call we have placed: it rings at the other end.
    Alerting,
    /// Of a test call: somebody has answered.
    Answered,
    /// Whoever was called from a conference is told how he comes in.
    Invited,
    /// Last words, clearing.
    Leaving,
}

/// Why a caller was not let in though number and PIN were right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLetIn {
    /// The event takes no more calls.
    Closed(Closed),
    /// No stream port is free.
    NoPort,
    /// The conference is locked.
    Locked,
    /// The conference takes no more.
    Full,
}

/// What a lock of the guard fell on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// An event number.
    Event(EventNumber),
    /// The caller of this call.
    Caller,
    /// The span of this call.
    Trunk,
}

/// Why a call got no further than its SETUP.
pub use crate::gateway::Reason;

/// Something that happened.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "kept by value so that the real-time thread need not allocate")]
pub enum What {
    /// The data link of a span came up (or was reset by the far end).
    LinkUp {
        /// The span.
        span: u16,
        /// It was up before.
        reset: bool,
    },
    /// The data link of a span was lost.
    LinkDown {
        /// The span.
        span: u16,
    },
    /// A D channel of several spans, which has a backup or is one, is now doing this.
    DChannel {
        /// The span it is on.
        span: u16,
        /// Which of the two it is.
        link: isdn::LinkId,
        /// What it does.
        state: isdn::LinkState,
    },
    /// The exchange has not answered SABME for a while.
    LinkSilent {
        /// The span.
        span: u16,
    },
    /// The alarms of a span changed.
    Alarms {
        /// The span.
        span: u16,
        /// To these.
        alarms: Alarms,
    },
    /// A D-channel frame was lost on the line.
    FrameLost {
        /// The span.
        span: u16,
        /// Why.
        fault: FrameFault,
    },
    /// A frame could not be sent: the card's queue was full.
    FrameUnsent {
        /// The span.
        span: u16,
    },
    /// A chunk was dropped, repeated or replaced by an idle one.
    Slip {
        /// The span.
        span: u16,
        /// Whose clock would be ahead, where it was our own buffer that slipped; none where the card tells of it.
        ahead: Option<hal::Ahead>,
        /// A tick had been late, which may be why.
        late: bool,
    },
    /// A card has gone.
    CardRemoved {
        /// The card.
        card: u16,
    },
    /// It is there again.
    CardReturned {
        /// The card.
        card: u16,
    },
    /// RESTART from the exchange was carried out for so many channels.
    Restarted {
        /// The span.
        span: u16,
        /// How many.
        channels: u32,
    },
    /// RESTART was sent for so many channels, the first time since the daemon was started.
    StartedAfresh {
        /// The span.
        span: u16,
        /// How many.
        channels: u32,
    },
    /// The exchange has left our RESTART of a channel unanswered; calls on it are taken all the same.
    RestartUnanswered {
        /// The span.
        span: u16,
        /// The channel.
        timeslot: Timeslot,
    },
    /// Something is at odds with itself for longer than any timer runs, and is being cleared away; or is well again.
    Stuck {
        /// What.
        stuck: Stuck,
        /// It is at odds.
        stands: bool,
    },
    /// The exchange's service state of these channels is now this.
    FarChanged {
        /// The span.
        span: u16,
        /// The channels: bit n-1 stands for timeslot n.
        channels: u32,
        /// Their state.
        state: isdn::FarState,
    },
    /// These channels, and no others of the span, wait for SERVICE to be acknowledged.
    ServicePending {
        /// The span.
        span: u16,
        /// The channels: bit n-1 stands for timeslot n.
        channels: u32,
    },
    /// The exchange has, a second time, called a channel in service that we keep out of it.
    ServiceContested {
        /// The span.
        span: u16,
        /// The channel.
        timeslot: Timeslot,
    },
    /// These channels, and no others of the span, are held for this reason.
    Held {
        /// The span.
        span: u16,
        /// The reason: one of them.
        hold: Holds,
        /// The channels: bit n-1 stands for timeslot n.
        channels: u32,
    },
    /// What our end's service states on a span are now.
    Near {
        /// The span.
        span: u16,
        /// The channels that are not in service, or will not be for long.
        sets: NearSets,
    },
    /// The last channel of a span is out of service and the exchange has been shown so, or that is over.
    SpanOut {
        /// The span.
        span: u16,
        /// Out, or back.
        out: bool,
        /// In which way the exchange is shown.
        how: WhenOut,
    },
    /// Stream ports have run low, and no channel takes calls; or that is over.
    PortsShort {
        /// Low, or enough again.
        short: bool,
        /// Free ports.
        free: u16,
    },
    /// The data link of a span that is suspended was released.
    LinkReleased {
        /// The span.
        span: u16,
    },
    /// A call was refused at its SETUP.
    Refused {
        /// The span.
        span: u16,
        /// Number called.
        called: Number,
        /// Number calling.
        calling: Option<Number>,
        /// Why.
        reason: Reason,
    },
    /// A call was taken.
    CallTaken {
        /// The call.
        call: CallId,
        /// Its channel.
        channel: Channel,
        /// Number called.
        called: Number,
        /// Number calling.
        calling: Option<Number>,
        /// Number that forwarded it.
        redirecting: Option<Number>,
    },
    /// A call was placed for a test.
    TestCallPlaced {
        /// The test.
        test: u64,
        /// The call.
        call: CallId,
        /// Its channel.
        channel: Channel,
        /// Number called.
        called: Number,
    },
    /// None was placed.
    TestCallNotPlaced {
        /// The test.
        test: u64,
        /// Why.
        why: NotPlaced,
    },
    /// The caller's name was told, with the call or later.
    CallNamed {
        /// The call.
        call: CallId,
        /// The name.
        name: isdn::Name,
    },
    /// CONNECT was acknowledged, by whichever end did not send it.
    CallConnected {
        /// The call.
        call: CallId,
    },
    /// A call has come this far.
    CallStage {
        /// The call.
        call: CallId,
        /// This far.
        stage: CallStage,
    },
    /// An entry of number and PIN was wrong.
    EntryWrong {
        /// The call.
        call: CallId,
        /// A mistyped number, which is no guess.
        mistyped: bool,
    },
    /// The guard locked somebody out.
    GuardLocked {
        /// The call that caused it.
        call: CallId,
        /// What is locked.
        what: Locked,
    },
    /// Number and PIN were right: a caller is with the conference of this event, and in it when he is said to be.
    LetIn {
        /// The call.
        call: CallId,
        /// The event.
        event: EventNumber,
        /// As whom.
        role: Role,
    },
    /// He is in it: he has said his name, and waits no longer.
    Joined {
        /// The call.
        call: CallId,
        /// The event.
        event: EventNumber,
        /// As whom.
        role: Role,
    },
    /// A caller who was let in has left it, or waits for it no longer.
    Left {
        /// The call.
        call: CallId,
        /// The event.
        event: EventNumber,
        /// Those still in it.
        remaining: u16,
    },
    /// A caller could not be let in though number and PIN were right.
    TurnedAway {
        /// The call.
        call: CallId,
        /// The event.
        event: EventNumber,
        /// Why.
        why: NotLetIn,
    },
    /// Something has happened in the conference of an event.
    Conference {
        /// The event.
        event: EventNumber,
        /// What.
        what: Happening<CallId>,
    },
    /// The conference of an event ends then, as it stands; `None`: it has no end.
    ConferenceEnds {
        /// The event.
        event: EventNumber,
        /// When.
        at: Option<Duration>,
    },
    /// The answer to [`Command::Conference`].
    Answered {
        /// The order's number.
        ticket: u64,
        /// What came of it.
        answer: Result<Answer, Refused>,
    },
    /// A number was to be called from the conference of an event, and nothing was sent.
    DialOutUnavailable {
        /// The event.
        event: EventNumber,
        /// The host who wanted it, with his keys; `None`: an order.
        by: Option<CallId>,
        /// Why.
        why: NotPlaced,
    },
    /// Somebody is being called from the conference of an event.
    InvitePlaced {
        /// The event.
        event: EventNumber,
        /// The call.
        call: CallId,
        /// Its channel.
        channel: Channel,
        /// Number called.
        called: Number,
        /// Number shown.
        calling: Option<Number>,
        /// The host who wanted it, with his keys; `None`: an order.
        by: Option<CallId>,
    },
    /// The exchange did not want that channel for it: SETUP was sent again on this one.
    InviteMoved {
        /// The call.
        call: CallId,
        /// Its channel now.
        channel: Channel,
    },
    /// A call from the conference of an event went so.
    InviteWent {
        /// The event.
        event: EventNumber,
        /// The call.
        call: CallId,
        /// So.
        went: Went,
        /// The cause it ended with before somebody came in.
        cause: Option<Cause>,
    },
    /// Talking or not.
    Talking {
        /// The call.
        call: CallId,
        /// Now talking.
        talking: bool,
    },
    /// The level of a caller, about once a second while in a conference.
    Level {
        /// The call.
        call: CallId,
        /// In tenths of a dBm0.
        tenth_dbm0: i16,
        /// What was too loud meanwhile.
        clipped: Clipped,
    },
    /// A caller pressed a key; which one is nobody's business.
    KeyPressed {
        /// The call.
        call: CallId,
    },
    /// He let it go.
    KeyLetGo {
        /// The call.
        call: CallId,
        /// When he pressed it.
        pressed: Duration,
        /// How it sounded.
        press: Press,
    },
    /// The language in which a caller is spoken to.
    CallLanguage {
        /// The call.
        call: CallId,
        /// The language.
        language: LanguageIndex,
    },
    /// A conference has opened; its stream will be on this port (counted from 0).
    ConferenceOpened {
        /// The event.
        event: EventNumber,
        /// The port.
        port: u16,
    },
    /// Somebody speaks for the first time: encode.
    StreamStart {
        /// The event.
        event: EventNumber,
        /// The port.
        port: u16,
    },
    /// The stream has ended.
    StreamStop {
        /// The event.
        event: EventNumber,
        /// The port.
        port: u16,
    },
    /// A conference was given up before anybody spoke.
    ConferenceClosed {
        /// The event.
        event: EventNumber,
        /// The port.
        port: u16,
    },
    /// An event takes no more calls.
    EventClosed {
        /// The event.
        event: EventNumber,
        /// Why.
        closed: Closed,
        /// By the host of this call, or else by command or time.
        by: Option<CallId>,
    },
    /// A call is gone and its channel idle.
    CallEnded {
        /// The call.
        call: CallId,
        /// Why.
        cause: Cause,
        /// The caller hung up, or the exchange cleared.
        by_peer: bool,
    },
    /// A probe on a channel shows this.
    Probed {
        /// The channel.
        channel: Channel,
        /// This.
        reading: Reading,
    },
    /// The memory of closed events is full.
    ClosedFull,
    /// Everything is cleared and the links are released: the thread may stop.
    Finished,
}

/// Something that happened, and when.
#[derive(Clone, Debug)]
pub struct Report {
    /// Since the start.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What the real-time thread is told.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "kept by value so that the real-time thread need not free it")]
pub enum Command {
    /// An event takes no more calls; its callers are told and let go.
    CloseEvent {
        /// The event.
        event: EventNumber,
        /// Why.
        closed: Closed,
    },
    /// Do something in the conference of an event. Answered with [`What::Answered`].
    Conference {
        /// The order's number, by which its answer is known.
        ticket: u64,
        /// The event.
        event: EventNumber,
        /// What is to be done.
        order: conference::Order<CallId>,
    },
    /// Place a call for a test. Answered with [`What::TestCallPlaced`] or [`What::TestCallNotPlaced`].
    PlaceCall {
        /// The test.
        test: u64,
        /// On this span; on any without.
        span: Option<u16>,
        /// Number to call.
        called: Number,
        /// So long an answer is waited for, and so long again it stays up then.
        stay: Duration,
    },
    /// Clear the call of a test, if it still has one.
    HangUpTest {
        /// The test.
        test: u64,
    },
    /// Clear a call.
    HangUp {
        /// The call.
        call: CallId,
    },
    /// Hold exactly these channels of a span for this reason; bit n-1 stands for timeslot n.
    Hold {
        /// The span.
        span: u16,
        /// The reason: one of them.
        hold: Holds,
        /// The channels.
        channels: u32,
        /// Of these, those whose calls are not waited for: callers are told and let go.
        forced: u32,
    },
    /// Give a stream port (counted from 0) to no event, or to events again.
    PortFailed {
        /// The port.
        port: u16,
        /// What is behind it does not work.
        failed: bool,
    },
    /// Take no more calls, say goodbye to those there are, release the links.
    Shutdown,
}

/// What the real-time thread is handed.
#[derive(Debug)]
pub enum Order {
    /// For the gateway.
    Gateway(Command),
    /// A fresh ring to the encoder, for the next stream on this port (counted from 0).
    Outlet(u16, rtrb::Producer<i16>),
    /// A probe for a channel in test, or none any more.
    Probe(Channel, Option<Box<Probe>>),
}
