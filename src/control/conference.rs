//! Conferences over the control socket: how each stands, and orders to them.
//!
//! Data path: a request → the office's picture, or an order to the real-time thread and its answer → a reply in words.
//! Time: an order is waited for, two seconds at most, by the thread of the connection that gave it.

use super::Desk;
use crate::gateway::CallId;
use crate::office::conference::{Unanswered, words};
use conference::{Answer, Digits, Mode, Order, Refused};
use control::{ConferenceMode, ConferenceOrder, Done, Problem, ProblemKind, Reply};
use event::EventNumber;

impl Desk {
    pub(super) fn conferences(&self) -> Reply {
        Reply::Conferences(self.shared.picture().conference_infos())
    }

    pub(super) fn conference(&self, event: &str) -> Result<Reply, Problem> {
        let number = event_number(event)?;
        let info = self.shared.picture().conference_info(number);
        info.map(|info| Reply::Conference(Box::new(info))).ok_or_else(|| refused(Refused::NoConference))
    }

    pub(super) fn order_conference(&self, event: &str, order: &ConferenceOrder) -> Result<Reply, Problem> {
        let number = event_number(event)?;
        if let ConferenceOrder::Rename { call, name } = order {
            return self.rename(number, *call, name);
        }
        let answer = self.shared.order_conference(number, order_of(order)?).map_err(|why| match why {
            Unanswered::Refused(why) => refused(why),
            Unanswered::Busy => Problem::busy("the real-time thread takes no more orders at this moment"),
            Unanswered::Silent => Problem::busy("the order was given, but nothing was heard of it within two seconds")
                .with_hint(
                    "`trunkctl conference show` tells how the conference stands; `trunkctl doctor` looks for the cause",
                ),
        })?;
        let call = match answer {
            Answer::Called(call) => Some(call),
            _ => None,
        };
        Ok(Reply::Done(Done { text: in_words(order, answer), call }))
    }

    /// Names are the office's own: the real-time thread has no use for them.
    fn rename(&self, event: EventNumber, call: u64, name: &str) -> Result<Reply, Problem> {
        let info = self.shared.picture().conference_info(event).ok_or_else(|| refused(Refused::NoConference))?;
        let name = name.trim();
        let given = (!name.is_empty()).then(|| name.to_owned());
        if !info.members.iter().any(|member| member.call == call) || !self.shared.rename(CallId(call), given) {
            return Err(refused(Refused::NoMember));
        }
        Ok(Reply::done(match name {
            "" => format!("call {call} has no name any more"),
            name => format!("call {call} is {name}"),
        }))
    }
}

fn event_number(event: &str) -> Result<EventNumber, Problem> {
    EventNumber::parse(event).map_err(|e| {
        Problem::malformed(format!("{event} is no event number: {e}"))
            .with_hint("`trunkctl conference list` shows those that are on")
    })
}

fn order_of(order: &ConferenceOrder) -> Result<Order<CallId>, Problem> {
    Ok(match order {
        ConferenceOrder::Mute { call } => Order::Mute(CallId(*call)),
        ConferenceOrder::Unmute { call } => Order::Unmute(CallId(*call)),
        ConferenceOrder::MuteAll { lock } => Order::MuteAll { lock: *lock },
        ConferenceOrder::UnmuteAll => Order::UnmuteAll,
        ConferenceOrder::Lock => Order::Lock(true),
        ConferenceOrder::Unlock => Order::Lock(false),
        ConferenceOrder::Mode { mode } => Order::Mode(match mode {
            ConferenceMode::Question => Mode::Question,
            ConferenceMode::Lecture => Mode::Lecture,
            // A mode without a word is refused before it gets here.
            ConferenceMode::Conversation | ConferenceMode::Unknown => Mode::Conversation,
        }),
        ConferenceOrder::Kick { call } => Order::Kick(CallId(*call)),
        ConferenceOrder::KickLast => Order::KickLast,
        ConferenceOrder::Admit { call } => Order::Admit(CallId(*call)),
        ConferenceOrder::AdmitNext => Order::AdmitNext,
        ConferenceOrder::AdmitAll => Order::AdmitAll,
        ConferenceOrder::CallOn { call } => Order::CallOn(CallId(*call)),
        ConferenceOrder::CallOnNext => Order::CallOnNext,
        ConferenceOrder::LowerHand { call } => Order::LowerHand(CallId(*call)),
        ConferenceOrder::LowerHands => Order::LowerHands,
        ConferenceOrder::DialOut { number } => {
            let digits = Digits::parse(number);
            Order::DialOut(digits.ok_or_else(|| Problem::malformed("`number` is no number that can be called"))?)
        }
        ConferenceOrder::End => Order::End,
        ConferenceOrder::Rename { .. } => return Err(Problem::internal("names are not for the real-time thread")),
    })
}

fn refused(why: Refused) -> Problem {
    let kind = match why {
        Refused::NoConference | Refused::NoMember => ProblemKind::NotFound,
        Refused::DialOutOff | Refused::DialOutForbidden | Refused::DialOutNever => ProblemKind::Denied,
        Refused::DialOutUnavailable => ProblemKind::Unavailable,
        _ => ProblemKind::Conflict,
    };
    let problem = Problem::new(kind, words::refused(why));
    match why {
        Refused::NoConference => problem.with_hint("`trunkctl conference list` shows those that are on"),
        Refused::NoMember | Refused::NotWaiting | Refused::StillWaiting => {
            problem.with_hint("`trunkctl conference show EVENT` lists the members")
        }
        Refused::NoHand => problem.with_hint("`trunkctl conference hands EVENT` lists those that are"),
        _ => problem,
    }
}

/// What an order has come to.
fn in_words(order: &ConferenceOrder, answer: Answer) -> String {
    let members = |count: u16| if count == 1 { "1 member".to_owned() } else { format!("{count} members") };
    let counted = match answer {
        Answer::Unchanged => return "it was so already".to_owned(),
        Answer::Asked => return "he has muted himself: he was asked to unmute".to_owned(),
        Answer::Called(call) => return format!("call {call} is being placed"),
        Answer::Count(count) => count.present,
        Answer::Done(count) => count,
    };
    match order {
        ConferenceOrder::Mute { call } => format!("call {call} is muted"),
        ConferenceOrder::Unmute { call } => format!("call {call} can be heard"),
        ConferenceOrder::MuteAll { lock: true } => format!("{} muted, and kept so", members(counted)),
        ConferenceOrder::MuteAll { lock: false } => format!("{} muted", members(counted)),
        ConferenceOrder::UnmuteAll => format!("the mute is lifted: {}", members(counted)),
        ConferenceOrder::Lock => "the conference is locked: only hosts are let in".to_owned(),
        ConferenceOrder::Unlock => "the conference is open again".to_owned(),
        ConferenceOrder::Mode { .. } => "the mode is changed".to_owned(),
        ConferenceOrder::Kick { call } => format!("call {call} is put out"),
        ConferenceOrder::KickLast => "who came last is put out".to_owned(),
        ConferenceOrder::Admit { call } => format!("call {call} is let in"),
        ConferenceOrder::AdmitNext | ConferenceOrder::AdmitAll => format!("{} let in", members(counted)),
        ConferenceOrder::CallOn { call } => format!("call {call} has the floor"),
        ConferenceOrder::CallOnNext => "the first hand has the floor".to_owned(),
        ConferenceOrder::LowerHand { call } => format!("the hand of call {call} is lowered"),
        ConferenceOrder::LowerHands => format!("hands lowered: {counted}"),
        ConferenceOrder::End => format!("the conference is ended: {} let go", members(counted)),
        ConferenceOrder::Rename { .. } | ConferenceOrder::DialOut { .. } => "done".to_owned(),
    }
}
