//! A telephone exchange in software and its callers.
//!
//! The network side of spans reached through [`hal`] cards: it places calls over trunk groups as an exchange
//! in service does, and its callers key digits, speak, listen and hang up. It serves the demonstration, the tests,
//! and an operator who wants to know whether a gateway takes calls.
//!
//! Data path: [`plan::DialPlan`] → [`exchange::Exchange`] → frames and octets on a card's spans.
//! Time: comes in as a `Duration` since an epoch of the user's choosing, or from the real clock with
//! [`Exchange::spawn`].
//!
//! ```text
//!  DialPlan ─► script ─► Caller ──octets──┐
//!     │                    ▲ heard        ├─► Exchange ─► hal::Traffic (any board)
//!     └─► CallOrder ─► Switch ──frames────┘
//!                        └ isdn::DChannel (network side), one a span
//! ```
#![forbid(unsafe_code)]

pub mod answer;
pub mod call;
pub mod caller;
pub mod conversation;
pub mod ear;
pub mod exchange;
pub mod handle;
pub mod plan;
pub mod route;
pub mod script;
pub mod status;
pub mod switch;
pub mod wav;

pub use answer::{Answer, Subscriber};
pub use call::{CallOrder, CallerEvent, CallerId, exchange_cause};
pub use caller::Caller;
pub use conversation::{Conversation, Part};
pub use ear::{Heard, Sink};
pub use exchange::{Builder, EndedCaller, Exchange, Extension};
pub use handle::{DialError, Handle};
pub use plan::{DialPlan, PlanError, Prepared, Repeat};
pub use route::{Server, SpanId, TrunkGroup};
pub use script::{Digits, Progress, Script, Step};
pub use status::{CallerState, CallerStatus};
pub use switch::{Output, SpanPlan, Switch, SwitchPlan};
pub use wav::{Clip, WavError, load_clip};
