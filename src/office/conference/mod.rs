//! Conferences as the office sees them: how each stands, and who is in it as what.
//!
//! Data path: [`What::Conference`](crate::reports::What::Conference) → [`Picture::in_conference`] → [`Picture::conferences`] for the
//! control socket; in words by [`words`], for programs by [`facts`].

pub mod facts;
pub mod words;

use super::Shared;
use super::picture::{CallPicture, Picture};
use crate::gateway::CallId;
use crate::reports::{CallStage, Command, Order};
use conference::{Answer, Happening, Mode, MutedBy, Refused, Waiting, Went};
use control::{CalledOut, CalledState, ConferenceInfo, ConferenceMember, ConferenceMode, MemberPlace};
use event::{EventNumber, Role};
use isdn::Cause;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Calls out of a conference that are remembered.
const CALLED: usize = 16;
/// Answers that are kept for those who have asked.
const ANSWERS: usize = 256;
/// Digits of a number that [`ShowNumbers::LastFour`] shows.
const LAST: usize = 4;
/// How long an answer is waited for: the real-time thread takes orders every tick, the office its reports every few milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(2);

/// How much is seen of the numbers of callers in a conference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShowNumbers {
    /// The last four digits, of a number that has more.
    #[default]
    LastFour,
    /// All of it.
    All,
    /// Nothing.
    None,
}

impl ShowNumbers {
    /// So much of a number.
    #[must_use]
    pub fn of(self, number: &str) -> Option<String> {
        match self {
            ShowNumbers::None => None,
            ShowNumbers::All => Some(number.to_owned()),
            ShowNumbers::LastFour => {
                let (plus, digits) = number.strip_prefix('+').map_or(("", number), |digits| ("+", digits));
                let count = digits.chars().count();
                // The last four of an extension are all of it.
                let hidden = if count > LAST { count - LAST } else { count };
                let shown = digits.chars().enumerate().map(|(place, digit)| if place < hidden { 'x' } else { digit });
                Some(plus.chars().chain(shown).collect())
            }
        }
    }
}

/// A conference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConferencePicture {
    /// Who is heard.
    pub mode: Mode,
    /// Nobody but hosts is let in.
    pub locked: bool,
    /// Whoever comes is muted.
    pub all_muted: bool,
    /// Nobody can lift a host's mute himself.
    pub mutes_locked: bool,
    /// When it opened.
    pub since_ms: u64,
    /// When it ends, as it stands.
    pub ends_at_ms: Option<u64>,
    /// Samples of its sum that were too loud and were clamped.
    pub samples_clipped: u64,
    /// Hands raised so far: the order of those that are.
    hands: u32,
    /// Who was called lately, the latest last.
    called: VecDeque<CalledPicture>,
}

/// Who was called from a conference, and how that went.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CalledPicture {
    call: CallId,
    /// As much of it as may be shown.
    number: String,
    /// The host who wanted it, with his keys.
    by: Option<CallId>,
    went: Went,
    /// The cause it ended with.
    cause: Option<Cause>,
    /// When it was placed, and when this was last heard of it.
    since_ms: u64,
    at_ms: u64,
}

impl ConferencePicture {
    /// A call was placed.
    pub fn calls(&mut self, now_ms: u64, call: CallId, number: String, by: Option<CallId>) {
        if self.called.len() == CALLED {
            self.called.pop_front();
        }
        let (since_ms, at_ms) = (now_ms, now_ms);
        self.called.push_back(CalledPicture { call, number, by, went: Went::Calling, cause: None, since_ms, at_ms });
    }

    /// It went so.
    pub fn call_went(&mut self, now_ms: u64, call: CallId, went: Went, cause: Option<Cause>) {
        if let Some(known) = self.called.iter_mut().find(|known| known.call == call) {
            (known.went, known.cause, known.at_ms) = (went, cause, now_ms);
        }
    }
}

/// What is known of a caller in a conference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberPicture {
    /// What he waits for.
    pub waits_for: Option<Waiting>,
    /// Since when.
    pub waiting_since_ms: u64,
    /// Why he is not heard.
    pub muted: Option<MutedBy>,
    /// His hand is raised: the lower, the earlier.
    pub hand: Option<u32>,
    /// A host has called on him.
    pub has_floor: bool,
    /// The name he was given.
    pub name: Option<String>,
    /// When he came.
    pub since_ms: u64,
}

/// Answers to orders, by their numbers, until there are too many.
#[derive(Clone, Debug, Default)]
pub struct Answers(BTreeMap<u64, Result<Answer, Refused>>);

impl Answers {
    /// One more.
    pub fn insert(&mut self, ticket: u64, answer: Result<Answer, Refused>) {
        self.0.insert(ticket, answer);
        if self.0.len() > ANSWERS {
            self.0.pop_first();
        }
    }

    fn take(&mut self, ticket: u64) -> Option<Result<Answer, Refused>> {
        self.0.remove(&ticket)
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It was refused.
    Refused(Refused),
    /// The real-time thread takes no more orders at this moment.
    Busy,
    /// It was handed over, and nothing has come back.
    Silent,
}

impl Shared {
    /// Do something in the conference of an event, and wait for what comes of it: for any thread but the office's.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub fn order_conference(&self, event: EventNumber, order: conference::Order<CallId>) -> Result<Answer, Unanswered> {
        let ticket = self.next_ticket();
        if !self.order(Order::Gateway(Command::Conference { ticket, event, order })) {
            return Err(Unanswered::Busy);
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.picture().answers.take(ticket);
            if let Some(answer) = answer {
                return answer.map_err(Unanswered::Refused);
            }
            if Instant::now() >= until {
                return Err(Unanswered::Silent);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Give a caller in a conference a name by which the others are to know him, or take it away; false: he is in none.
    #[must_use]
    pub fn rename(&self, call: CallId, name: Option<String>) -> bool {
        let (event, said) = {
            let mut picture = self.picture();
            let Some(entry) = picture.calls.get_mut(&call) else { return false };
            let Some((event, _)) = entry.event else { return false };
            entry.member.name.clone_from(&name);
            (event, name.unwrap_or_default())
        };
        let text = match said.as_str() {
            "" => format!("call {} has no name any more", call.0),
            name => format!("call {} is {name}", call.0),
        };
        self.tell_of_call(event, call, text, control::Fact::CallNamed { name: said });
        true
    }
}

impl Picture {
    /// Something has happened in a conference.
    pub fn in_conference(&mut self, now_ms: u64, event: EventNumber, what: &Happening<CallId>) {
        let conference = self.conferences.entry(event).or_default();
        match *what {
            Happening::Mode { mode, .. } => conference.mode = mode,
            Happening::Locked { locked, .. } => conference.locked = locked,
            Happening::AllMuted { muted, locked, .. } => {
                (conference.all_muted, conference.mutes_locked) = (muted, locked);
            }
            Happening::HostGone { ends_at } => conference.mutes_locked &= ends_at.is_some(),
            Happening::HandRaised { who } => {
                conference.hands += 1;
                let turn = conference.hands;
                self.member(who, |m| m.hand = Some(turn));
            }
            Happening::HandLowered { who, .. } => self.member(who, |m| m.hand = None),
            Happening::Waits { who, what } => {
                self.member(who, |m| {
                    if m.waits_for.is_none() {
                        m.waiting_since_ms = now_ms;
                    }
                    m.waits_for = Some(what);
                });
            }
            Happening::Admitted { who, .. } => self.member(who, |m| m.waits_for = None),
            Happening::CalledOn { who, .. } => {
                self.no_floor(event);
                self.member(who, |m| m.has_floor = true);
            }
            Happening::Muted { who, muted, .. } => {
                self.member(who, |m| {
                    m.muted = muted;
                    m.has_floor &= muted != Some(MutedBy::Host);
                });
                if let Some(call) = self.calls.get_mut(&who) {
                    (call.muted, call.muted_since_ms) = (muted.is_some(), now_ms);
                }
            }
            Happening::Kicked { .. } | Happening::HostCame | Happening::EndsSoon(_) | Happening::Ended { .. } => {}
        }
        if matches!(what, Happening::Mode { .. } | Happening::AllMuted { muted: true, .. }) {
            self.no_floor(event);
        }
    }

    fn member(&mut self, who: CallId, change: impl FnOnce(&mut MemberPicture)) {
        if let Some(call) = self.calls.get_mut(&who) {
            change(&mut call.member);
        }
    }

    fn no_floor(&mut self, event: EventNumber) {
        let members = self.calls.values_mut().filter(|c| c.event.is_some_and(|(its, _)| its == event));
        members.for_each(|call| call.member.has_floor = false);
    }

    /// All conferences there are now.
    #[must_use]
    pub fn conference_infos(&self) -> Vec<ConferenceInfo> {
        self.conferences.keys().filter_map(|event| self.conference_info(*event)).collect()
    }

    /// Samples of each conference that were clamped, by the number of its event.
    #[must_use]
    pub fn clipped_by_event(&self) -> Vec<(String, u64)> {
        self.conferences.iter().map(|(event, known)| (event.to_string(), known.samples_clipped)).collect()
    }

    /// The conference of an event, if there is one now.
    #[must_use]
    pub fn conference_info(&self, event: EventNumber) -> Option<ConferenceInfo> {
        let conference = self.conferences.get(&event)?;
        let known = self.events.get(&event)?;
        let (_, on_air, _) = known.port?;
        let of_event = |(id, call): (&CallId, &CallPicture)| {
            let (_, role) = call.event.filter(|(its, _)| *its == event)?;
            Some((*id, call.clone(), role))
        };
        let calls: Vec<(CallId, CallPicture, Role)> = self.calls.iter().filter_map(of_event).collect();
        let mut hands: Vec<u32> = calls.iter().filter_map(|(_, call, _)| call.member.hand).collect();
        hands.sort_unstable();
        let member = |(id, call, role): &(CallId, CallPicture, Role)| ConferenceMember {
            call: id.0,
            role: role_of(*role),
            place: place_of(call),
            name: call.member.name.clone(),
            number: call.number.as_deref().and_then(|number| self.show_numbers.of(number)),
            muted: call.member.muted.map(muted_of),
            hand: call.member.hand.and_then(|own| hands.iter().position(|h| *h == own)).map(|n| n as u32 + 1),
            has_floor: call.member.has_floor,
            talking: call.talking,
            level_dbm0: call.tenth_dbm0.map(|t| f32::from(t) / 10.0),
            samples_clipped: call.samples_clipped,
            since_ms: call.member.since_ms,
        };
        let members: Vec<ConferenceMember> = calls.iter().map(member).collect();
        let count = |is: &dyn Fn(&ConferenceMember) -> bool| members.iter().filter(|m| is(m)).count() as u32;
        Some(ConferenceInfo {
            event: event.to_string(),
            title: known.title.clone(),
            mode: mode_of(conference.mode),
            locked: conference.locked,
            all_muted: conference.all_muted,
            mutes_locked: conference.mutes_locked,
            on_air,
            present: count(&|m| m.place == MemberPlace::Present),
            hosts: count(&|m| m.place == MemberPlace::Present && m.role == control::Role::Host),
            waiting: count(&|m| m.place != MemberPlace::Present),
            hands: hands.len() as u32,
            since_ms: conference.since_ms,
            ends_at_ms: conference.ends_at_ms,
            samples_clipped: conference.samples_clipped,
            members,
            called: conference.called.iter().map(called_out).collect(),
        })
    }
}

fn called_out(known: &CalledPicture) -> CalledOut {
    let text = words::went(known.went).to_owned();
    let cause = known.cause.filter(|_| known.went != Went::GivenUp);
    CalledOut {
        call: known.call.0,
        number: known.number.clone(),
        by_call: known.by.map(|host| host.0),
        state: state_of(known.went),
        text: match cause {
            Some(cause) => format!("{text} (cause {}, {})", cause.value, isdn::explain::cause_name(cause.value)),
            None => text,
        },
        cause: cause.map(|cause| cause.value),
        since_ms: known.since_ms,
        at_ms: known.at_ms,
    }
}

/// The protocol's word for how a call out of a conference went.
#[must_use]
pub const fn state_of(went: Went) -> CalledState {
    match went {
        Went::Calling => CalledState::Calling,
        Went::Ringing => CalledState::Ringing,
        Went::Answered => CalledState::Answered,
        Went::Joined => CalledState::Joined,
        Went::NotJoined => CalledState::NotJoined,
        Went::Busy => CalledState::Busy,
        Went::NoAnswer => CalledState::NoAnswer,
        Went::Declined => CalledState::Declined,
        Went::NoSuchNumber => CalledState::NoSuchNumber,
        Went::NotReached => CalledState::NotReached,
        Went::GivenUp => CalledState::GivenUp,
    }
}

fn place_of(call: &CallPicture) -> MemberPlace {
    match (call.member.waits_for, call.stage) {
        (Some(Waiting::Host), _) => MemberPlace::WaitingForHost,
        (Some(Waiting::Admission), _) => MemberPlace::WaitingForAdmission,
        (None, CallStage::Waiting) => MemberPlace::Naming,
        (None, _) => MemberPlace::Present,
    }
}

/// The protocol's word for a role.
#[must_use]
pub const fn role_of(role: Role) -> control::Role {
    match role {
        Role::Host => control::Role::Host,
        Role::Speaker => control::Role::Speaker,
        Role::Listener => control::Role::Listener,
    }
}

/// The protocol's word for a mode.
#[must_use]
pub const fn mode_of(mode: Mode) -> ConferenceMode {
    match mode {
        Mode::Conversation => ConferenceMode::Conversation,
        Mode::Question => ConferenceMode::Question,
        Mode::Lecture => ConferenceMode::Lecture,
    }
}

/// The protocol's word for why somebody is not heard.
#[must_use]
pub const fn muted_of(muted: MutedBy) -> control::MutedBy {
    match muted {
        MutedBy::Oneself => control::MutedBy::Oneself,
        MutedBy::Host => control::MutedBy::Host,
        MutedBy::Mode => control::MutedBy::Mode,
        MutedBy::Role => control::MutedBy::Role,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_number_is_seen_what_may_be() {
        for (number, shown) in [
            ("4930123456", "xxxxxx3456"),
            ("+4930123456", "+xxxxxx3456"),
            ("51234", "x1234"),
            ("1234", "xxxx"),
            ("+1234", "+xxxx"),
            ("102", "xxx"),
            ("", ""),
        ] {
            assert_eq!(ShowNumbers::default().of(number).as_deref(), Some(shown), "{number}");
        }
        assert_eq!(ShowNumbers::All.of("1234").as_deref(), Some("1234"));
        assert_eq!(ShowNumbers::None.of("1234"), None);
    }

    #[test]
    fn an_answer_is_kept_until_it_is_taken_or_too_many_came_after_it() {
        let mut answers = Answers::default();
        answers.insert(1, Ok(Answer::Unchanged));
        assert_eq!((answers.take(1), answers.take(1)), (Some(Ok(Answer::Unchanged)), None));
        for ticket in 2..1000 {
            answers.insert(ticket, Err(Refused::NoMember));
        }
        assert_eq!((answers.take(2), answers.0.len()), (None, ANSWERS));
    }
}
