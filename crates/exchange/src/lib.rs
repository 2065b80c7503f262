//! A telephone exchange in software and its callers.
//!
//! The network side of spans reached through [`hal`] cards: it places calls over trunk groups as an exchange
//! in service does, and its callers key digits, speak, listen and hang up. It serves the demonstration, the tests,
//! and an operator who wants to know whether a gateway takes calls.
//!
//! Data path: [`plan::DialPlan`] → [`Exchange`] → frames and octets on a card's spans.
//! Time: comes in as a `Duration` since an epoch of the user's choosing, or from the real clock with
//! [`Exchange::spawn`].
//!
//! ```text
//!  DialPlan ─► script ─► Caller ──octets──┐
//!     │                    ▲ heard        ├─► Exchange ─► hal::Traffic (any board)
//!     └─► CallOrder ─► Switch ──frames────┘
//!                        └ isdn::DChannel (network side), one a span
//! ```
//!
//! By the real clock it is `builder(..)…start(Duration::ZERO)?.spawn()?` and then [`Handle::dial`]. Under a
//! virtual one, with nobody at the other end of the span yet:
//!
//! ```
//! use board_loopback::LoopbackCard;
//! use exchange::{CallerState, DialPlan, Exchange};
//! use hal::{ChunkLength, Line};
//! use std::time::Duration;
//!
//! let mut gateway = LoopbackCard::builder("gateway");
//! let far_end = gateway.span_to_exchange(Line::E1).attach("exchange")?;
//! let mut now = Duration::ZERO;
//! let mut exchange = Exchange::builder(ChunkLength::Ms10)
//!     .card("gateway", Box::new(far_end), isdn::Switch::EuroIsdn)
//!     .start(now)?;
//! let plan = DialPlan { called: "5551000".into(), event: Some("1234".into()), ..DialPlan::default() };
//! let caller = exchange.dial(now, plan.prepare()?);
//! for _ in 0..10 {
//!     now += exchange.chunk().duration();
//!     exchange.tick(now);
//! }
//! let status = exchange.caller(caller).ok_or("forgotten")?;
//! assert_eq!((status.state, status.cause), (CallerState::Ended, Some(38)), "network out of order");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod answer;
mod builder;
pub mod call;
pub mod caller;
mod cards;
pub mod conversation;
pub mod ear;
mod exchange;
pub mod handle;
mod party;
pub mod plan;
pub mod route;
pub mod script;
pub mod status;
pub mod switch;
pub mod test_line;
mod trunk;
pub mod wav;

pub use answer::{Answer, Subscriber};
pub use builder::{Builder, Extension};
pub use call::{CallOrder, CallerEvent, CallerId, exchange_cause};
pub use caller::Caller;
pub use conversation::{Conversation, Part};
pub use ear::{Heard, Sink};
pub use exchange::{ENDED_KEPT, Exchange};
pub use handle::{DialError, Handle};
pub use party::EndedCaller;
pub use plan::{DialPlan, PlanError, Prepared, Repeat};
pub use route::{Server, SpanId, TrunkGroup};
pub use script::{Digits, Progress, Script, Step};
pub use status::{CallerState, CallerStatus};
pub use switch::{Output, SpanPlan, Switch, SwitchPlan};
pub use trunk::SharedDChannel;
pub use wav::{Clip, WavError, load_clip};
