//! The control socket: what is said over it, and both of its ends.
//!
//! The daemon offers a UNIX stream socket. Either side writes JSON, one document a line. A client asks
//! `{"v":1,"request":"status"}` and is answered `{"ok":{"status":{...}}}` or
//! `{"error":{"kind":"not_found","message":"...","hint":"..."}}`, in the order of its requests. After
//! `"watch"` the server writes `{"notice":{...}}` lines, and after `"trace"` `{"frame":{...}}` lines, until one side closes or
//! `{"end":"..."}` says that there are no more.
//!
//! Data path: [`Request`] → [`Client`] → socket → [`Server`] → [`Handler`] (the daemon) → [`Reply`] or
//! [`Problem`] → client. [`NoticeHub`] takes [`Notice`]s from the daemon to everybody who watches.
//! Time: all waits are bounded by the socket's time-outs; nothing here is near the real-time thread.
//! Source: our own protocol. Unknown fields in a request are refused, since a misspelt one would be
//! ignored at the technician's cost; in what the server says they are ignored and unknown words read as
//! `Unknown`, so that an older client understands a newer daemon.
//! Words: request, reply, problem (why a request was not carried out), notice (something that happened).
//!
//! Privacy: telephone numbers of callers travel as [`Masked`], and PINs only in the answer to a
//! reservation; both keep what they hide out of `Debug`.
#![forbid(unsafe_code)]

mod access;
mod bench;
mod bind;
mod calls;
mod client;
mod conference;
mod conference_order;
mod events;
mod fact;
mod find;
mod finding;
mod line;
mod mask;
mod notice;
mod notices;
mod peer;
mod performance;
mod problem;
mod request;
mod server;
mod service;
mod spans;
mod status;
mod trace;
mod wire;

pub use access::{Access, Admission, Member};
pub use bench::{
    BitsFound, CallFound, Check, InsertErrors, LoopWord, SoundFound, SyncState, TestChannel, TestInfo, TestKind,
    TestPlan, TestState, TestWish, Verdict,
};
pub use calls::{CallInfo, CallStage, ExchangeCallInfo, ExchangeCallState, KeyPress, Role};
pub use client::{Client, ClientError, Tracing, Watching};
pub use conference::{CalledOut, CalledState, ConferenceInfo, ConferenceMember, ConferenceMode, MemberPlace, MutedBy};
pub use conference_order::ConferenceOrder;
pub use events::{EventInfo, EventState, Pins, PortInfo, PortState, Reservation, StreamInfo};
pub use fact::{Doer, DoneBy, Fact, LinkFact, Ordered};
pub use find::{ENVIRONMENT, SYSTEM_SOCKET, Tried, places};
pub use finding::Finding;
pub use mask::Masked;
pub use notice::{Notice, Severity, Topic, WatchEnd};
pub use notices::{NoticeHub, Subscription};
pub use peer::Peer;
pub use performance::{LineReport, LineView, PerformanceInfo};
pub use problem::{Problem, ProblemKind};
pub use request::{DialPlan, Repeat, Request, Reserve};
pub use server::{Handler, Limits, Server};
pub use service::{CallHit, Hold, NoTarget, Progress, Resume, SpanPlan, Suspend, SuspendPlan, SuspensionInfo, Target};
pub use spans::{ChannelInfo, ChannelUse, HoldInfo, LinkState, ServiceState, Side, SpanCounters, SpanInfo};
pub use status::{AlarmInfo, Bucket, DrainInfo, LoopInfo, RealtimeInfo, Status, Timing};
pub use trace::{Octets, TraceFeed, TraceFrame, TraceHead, TraceWish};
pub use wire::{Done, PROTOCOL_VERSION, REPLY_LINE_MAX, REQUEST_LINE_MAX, Reply, Said, decode_request, encode_request};
