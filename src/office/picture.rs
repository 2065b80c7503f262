//! The office's picture of the gateway: what the reports so far add up to.
//!
//! It is what `trunkctl` is answered from, so that no question ever reaches the real-time thread.

use super::alarms::AlarmList;
use super::conference::{Answers, ConferencePicture, MemberPicture, ShowNumbers};
use crate::gateway::{CallId, Channel, Holds, NearSets, WhenOut};
use crate::prompts::LanguageIndex;
use crate::reports::{CallStage, Closed, What};
use crate::voice::Press;
use event::{EventNumber, Role};
use hal::{Alarms, Line, Timeslot};
use std::collections::{BTreeMap, BTreeSet};

/// A span.
#[derive(Clone, Debug)]
pub struct SpanPicture {
    /// The card's name.
    pub card: String,
    /// T1 or E1.
    pub line: Line,
    /// The switch variant.
    pub switch: isdn::Switch,
    /// With whom it shares its D channel; `None`: it has its own.
    pub shared: Option<SharedPicture>,
    /// What is at the far end, in words.
    pub far_end: String,
    /// SERVICE messages are on.
    pub service_messages: bool,
    /// What becomes of it towards the exchange when its last channel is suspended.
    pub when_out: WhenOut,
    /// The data link is up.
    pub up: bool,
    /// It is down because the span is suspended.
    pub released: bool,
    /// Since when it is up or down.
    pub since_ms: u64,
    /// Its alarms.
    pub alarms: Alarms,
    /// Since when.
    pub alarms_since_ms: u64,
    /// How it is framed.
    pub framing: line::Framing,
    /// Failures that stand, worst first, and since when there has been the defect.
    pub failures: Vec<(line::FailureKind, u64)>,
    /// What its card has counted.
    pub counters: hal::Counters,
    /// The exchange has not answered for a while.
    pub silent: bool,
    /// Times the link was lost.
    pub link_losses: u64,
    /// Times the far end reset it.
    pub link_resets: u64,
    /// D-channel frames lost on the line.
    pub frames_lost: u64,
    /// Slips.
    pub slips: u64,
    /// Calls refused at SETUP.
    pub refused: u64,
    /// Calls taken.
    pub taken: u64,
    /// RESTARTs carried out for the exchange.
    pub restarts: u64,
    /// Frames the card had no room for.
    pub frames_unsent: u64,
}

/// The D channel that a span shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPicture {
    /// The name of the group.
    pub group: String,
    /// The span by whose number reports mean the D channel as a whole: the one with the primary.
    pub named_by: u16,
    /// There is a backup: which of the two signals is told by their states.
    pub with_backup: bool,
    /// What the D channel on this span does; `None`: there is none.
    pub link: Option<isdn::LinkState>,
}

impl SpanPicture {
    /// Its bearer channels.
    pub fn bearers(&self) -> impl DoubleEndedIterator<Item = Timeslot> + use<> {
        self.line.bearers_beside(self.shared.as_ref().is_none_or(|shared| shared.link.is_some()))
    }
}

/// A call.
#[derive(Clone, Debug)]
pub struct CallPicture {
    /// Its channel.
    pub channel: Channel,
    /// Number calling, masked; `None` when it is not told or must not be shown.
    pub calling: Option<control::Masked>,
    /// The same, whole, for conferences.
    pub number: Option<String>,
    /// Number called.
    pub called: String,
    /// How far it has come.
    pub stage: CallStage,
    /// Since SETUP.
    pub since_ms: u64,
    /// The event and role, in a conference.
    pub event: Option<(EventNumber, Role)>,
    /// What is known of it in its conference.
    pub member: MemberPicture,
    /// Not heard in its conference.
    pub muted: bool,
    /// Since when muted.
    pub muted_since_ms: u64,
    /// Talking.
    pub talking: bool,
    /// When the talk began that has just ended or still goes on.
    pub talked_from_ms: Option<u64>,
    /// Keys pressed so far.
    pub keys_pressed: u32,
    /// The last that was let go: when it was pressed, and how it sounded.
    pub last_key: Option<(u64, Press)>,
    /// The language in which the caller is spoken to.
    pub language: Option<LanguageIndex>,
    /// Level in tenths of a dBm0, over the last second.
    pub tenth_dbm0: Option<i16>,
    /// Samples of what was sent to the caller that were too loud and were clamped.
    pub samples_clipped: u64,
    /// The server has placed it, for a test.
    pub for_test: bool,
    /// The server has placed it, for the conference of this event.
    pub invited_to: Option<EventNumber>,
}

impl CallPicture {
    /// A call that has just come.
    fn new(channel: Channel, called: String, now_ms: u64) -> CallPicture {
        CallPicture {
            channel,
            calling: None,
            number: None,
            called,
            stage: CallStage::Answering,
            since_ms: now_ms,
            event: None,
            member: MemberPicture::default(),
            muted: false,
            muted_since_ms: 0,
            talking: false,
            talked_from_ms: None,
            keys_pressed: 0,
            last_key: None,
            language: None,
            tenth_dbm0: None,
            samples_clipped: 0,
            for_test: false,
            invited_to: None,
        }
    }
}

/// An event.
#[derive(Clone, Debug, Default)]
pub struct EventPicture {
    /// Its title, where its record could be had.
    pub title: String,
    /// Callers in its conference.
    pub callers: usize,
    /// Hosts among them.
    pub hosts: usize,
    /// The port of its stream (counted from 0) and whether it is on the air, since when.
    pub port: Option<(u16, bool, u64)>,
    /// It takes no more calls.
    pub closed: Option<Closed>,
    /// Its archive is due.
    pub archive_due: bool,
    /// Recordings published.
    pub recordings: u32,
    /// Recordings being written.
    pub recording: u32,
    /// When it will be over unless somebody calls.
    pub over_at_ms: Option<u64>,
    /// Last change.
    pub since_ms: u64,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// By number less one.
    pub spans: Vec<SpanPicture>,
    /// By call.
    pub calls: BTreeMap<CallId, CallPicture>,
    /// By number.
    pub events: BTreeMap<EventNumber, EventPicture>,
    /// Conferences there are, by event.
    pub conferences: BTreeMap<EventNumber, ConferencePicture>,
    /// Answers to orders in conferences.
    pub answers: Answers,
    /// How much is seen of the numbers of callers in conferences.
    pub show_numbers: ShowNumbers,
    /// The daemon's start, in milliseconds since 1970, UTC.
    pub epoch_ms: u64,
    /// Channels whose state at the exchange is known to be other than in service.
    pub far: BTreeMap<Channel, (isdn::FarState, u64)>,
    /// By span, channels whose SERVICE is not acknowledged: bit n-1 stands for timeslot n.
    pub pending: BTreeMap<u16, u32>,
    /// By span, channels that are not in service at our end, or will not be for long.
    pub near: BTreeMap<u16, (NearSets, u64)>,
    /// By span and reason, channels that are held: bit n-1 stands for timeslot n.
    pub held: BTreeMap<(u16, Holds), u32>,
    /// How long calls last, in milliseconds: the mean of those that have ended, the latest counting most.
    pub mean_call_ms: Option<f64>,
    /// Alarms that stand, and that stood.
    pub alarms: AlarmList,
    /// Recordings being written.
    pub recording: u32,
    /// Until when a port (counted from 0) is held back after its last stream.
    pub held_until_ms: BTreeMap<u16, u64>,
    /// Stream ports (as TCP knows them) that no event gets, because what is behind them does not work.
    pub failed_ports: BTreeSet<u16>,
    /// The codes of the languages, by [`LanguageIndex`].
    pub languages: Vec<String>,
    /// Digits of a called number that are the number; by default those of E.164.
    pub dialled: Option<usize>,
    /// Since when the daemon waits for its calls before it ends, and until when.
    pub drain: Option<(u64, u64)>,
    /// Where listeners go: `http://127.0.0.1` and the first port.
    pub listen: (String, u16),
}

impl Picture {
    /// A called number as it may be shown: whoever dials event number and PIN in one go has keyed them into it.
    #[must_use]
    pub fn called(&self, number: &isdn::Number) -> String {
        let shown = self.dialled.unwrap_or_else(|| crate::trace::dialled_digits(&[]));
        number.digits.chars().enumerate().map(|(place, digit)| if place < shown { digit } else { 'x' }).collect()
    }

    /// A number called from a conference, as it may be shown: nobody but its members knows it.
    #[must_use]
    pub fn invited(&self, number: &isdn::Number) -> String {
        self.show_numbers.of(&number.digits).unwrap_or_else(|| "a number".to_owned())
    }

    /// The date of a time since the daemon's start, in milliseconds since 1970, UTC.
    #[must_use]
    pub fn at_ms(&self, at: std::time::Duration) -> u64 {
        self.epoch_ms.saturating_add(u64::try_from(at.as_millis()).unwrap_or(u64::MAX))
    }

    /// The code of a language: `en`.
    #[must_use]
    pub fn language(&self, language: LanguageIndex) -> Option<String> {
        self.languages.get(usize::from(language.0)).cloned()
    }

    /// A span in words.
    #[must_use]
    pub fn span_name(&self, index: u16) -> String {
        format!("span {}", index + 1)
    }

    /// A caller's number, masked.
    #[must_use]
    pub fn caller(&self, call: CallId) -> String {
        let calling = self.calls.get(&call).and_then(|c| c.calling.as_ref());
        calling.map_or_else(|| "a withheld number".to_owned(), ToString::to_string)
    }

    /// Where the event on a port (counted from 0) is heard: the page of its streams.
    #[must_use]
    pub fn address(&self, event: EventNumber, port: u16) -> String {
        format!("{}:{}/{event}", self.listen.0, self.listen.1 + port)
    }

    /// Take in a report.
    pub fn apply(&mut self, now_ms: u64, what: &What) {
        match what {
            What::LinkUp { span, reset } => {
                self.spans[usize::from(*span)].link_resets += u64::from(*reset);
                for span in self.signalled(*span) {
                    if !span.up {
                        span.since_ms = now_ms;
                    }
                    (span.up, span.silent, span.released) = (true, false, false);
                }
            }
            What::LinkDown { span } => {
                self.spans[usize::from(*span)].link_losses += 1;
                self.signalled(*span).for_each(|span| (span.up, span.since_ms) = (false, now_ms));
            }
            What::DChannel { span, state, .. } => {
                let span = &mut self.spans[usize::from(*span)];
                span.since_ms = now_ms;
                if let Some(shared) = &mut span.shared {
                    shared.link = Some(*state);
                }
            }
            What::LinkReleased { span } => {
                for span in self.signalled(*span) {
                    (span.up, span.silent, span.since_ms) = (false, false, now_ms);
                }
            }
            What::SpanOut { span, out, how } => {
                self.spans[usize::from(*span)].released = *out && how.releases_link();
            }
            What::Held { span, hold, channels: 0 } => drop(self.held.remove(&(*span, *hold))),
            What::Held { span, hold, channels } => drop(self.held.insert((*span, *hold), *channels)),
            What::Near { span, sets } => drop(self.near.insert(*span, (*sets, now_ms))),
            What::LinkSilent { span } => self.spans[usize::from(*span)].silent = true,
            What::Alarms { span, alarms } => {
                let span = &mut self.spans[usize::from(*span)];
                (span.alarms, span.alarms_since_ms) = (*alarms, now_ms);
            }
            What::FrameLost { span, .. } => self.spans[usize::from(*span)].frames_lost += 1,
            What::FrameUnsent { span } => self.spans[usize::from(*span)].frames_unsent += 1,
            What::Restarted { span, .. } => self.spans[usize::from(*span)].restarts += 1,
            What::FarChanged { span, channels, state } => {
                let changed = self.spans[usize::from(*span)].bearers().filter(|t| channels & 1 << t.index() != 0);
                for timeslot in changed {
                    let channel = Channel { span: *span, timeslot };
                    match state {
                        isdn::FarState::InService => drop(self.far.remove(&channel)),
                        other => drop(self.far.insert(channel, (*other, now_ms))),
                    }
                }
            }
            What::ServicePending { span, channels } => drop(self.pending.insert(*span, *channels)),
            What::Slip { span, .. } => self.spans[usize::from(*span)].slips += 1,
            What::Refused { span, .. } => self.spans[usize::from(*span)].refused += 1,
            What::CallTaken { call, channel, called, calling, .. } => {
                self.spans[usize::from(channel.span)].taken += 1;
                let number = calling
                    .as_ref()
                    .filter(|n| n.presentation == isdn::Presentation::Allowed && !n.digits.is_empty())
                    .map(|n| n.digits.to_string());
                let calling = number.as_deref().map(control::Masked::new);
                let taken = CallPicture { calling, number, ..CallPicture::new(*channel, self.called(called), now_ms) };
                self.calls.insert(*call, taken);
            }
            What::TestCallPlaced { call, channel, called, .. } => {
                let placed = CallPicture {
                    stage: CallStage::Dialling,
                    for_test: true,
                    ..CallPicture::new(*channel, called.digits.to_string(), now_ms)
                };
                self.calls.insert(*call, placed);
            }
            What::InvitePlaced { event, call, channel, called, by, .. } => {
                let shown = self.invited(called);
                let placed = CallPicture {
                    number: Some(called.digits.to_string()),
                    stage: CallStage::Dialling,
                    invited_to: Some(*event),
                    ..CallPicture::new(*channel, shown.clone(), now_ms)
                };
                self.calls.insert(*call, placed);
                self.conferences.entry(*event).or_default().calls(now_ms, *call, shown, *by);
            }
            What::InviteMoved { call, channel } => self.call(*call, |c| c.channel = *channel),
            What::InviteWent { event, call, went, cause } => {
                if let Some(conference) = self.conferences.get_mut(event) {
                    conference.call_went(now_ms, *call, *went, *cause);
                }
            }
            What::CallStage { call, stage } => self.call(*call, |c| c.stage = *stage),
            What::LetIn { call, event, role } => {
                self.call(*call, |c| {
                    c.event = Some((*event, *role));
                    c.member = MemberPicture { since_ms: now_ms, ..MemberPicture::default() };
                });
                let entry = self.event(now_ms, *event);
                entry.callers += 1;
                entry.hosts += usize::from(*role == Role::Host);
                entry.archive_due = false;
            }
            What::Left { call, event, .. } => {
                let mut host = false;
                self.call(*call, |c| {
                    host = c.event.take().is_some_and(|(_, role)| role == Role::Host);
                    (c.talking, c.muted, c.tenth_dbm0) = (false, false, None);
                    c.member = MemberPicture::default();
                });
                let entry = self.event(now_ms, *event);
                entry.callers = entry.callers.saturating_sub(1);
                entry.hosts = entry.hosts.saturating_sub(usize::from(host));
            }
            What::Conference { event, what } => self.in_conference(now_ms, *event, what),
            What::ConferenceEnds { event, at } => {
                let at_ms = at.map(|at| self.at_ms(at));
                if let Some(conference) = self.conferences.get_mut(event) {
                    conference.ends_at_ms = at_ms;
                }
            }
            What::Answered { ticket, answer } => self.answers.insert(*ticket, *answer),
            What::Talking { call, talking } => {
                self.call(*call, |c| {
                    c.talking = *talking;
                    if *talking {
                        c.talked_from_ms = Some(now_ms);
                    }
                });
            }
            What::KeyPressed { call } => self.call(*call, |c| c.keys_pressed += 1),
            What::KeyLetGo { call, pressed, press } => {
                let pressed_ms = self.at_ms(*pressed);
                self.call(*call, |c| c.last_key = Some((pressed_ms, *press)));
            }
            What::CallLanguage { call, language } => self.call(*call, |c| c.language = Some(*language)),
            What::Level { call, tenth_dbm0, clipped } => {
                let mut event = None;
                self.call(*call, |c| {
                    c.tenth_dbm0 = Some(*tenth_dbm0);
                    c.samples_clipped += u64::from(clipped.heard);
                    event = c.event.map(|(event, _)| event);
                });
                if let Some(conference) = event.and_then(|event| self.conferences.get_mut(&event)) {
                    conference.samples_clipped = clipped.sum;
                }
            }
            What::ConferenceOpened { event, port } => {
                self.event(now_ms, *event).port = Some((*port, false, now_ms));
                self.conferences.entry(*event).or_default().since_ms = now_ms;
            }
            What::StreamStart { event, port } => self.event(now_ms, *event).port = Some((*port, true, now_ms)),
            What::StreamStop { event, .. } | What::ConferenceClosed { event, .. } => {
                self.event(now_ms, *event).port = None;
                self.conferences.remove(event);
            }
            What::EventClosed { event, closed, .. } => self.event(now_ms, *event).closed = Some(*closed),
            What::CallEnded { call, .. } => {
                // A call we have placed says nothing of how long callers stay.
                if let Some(call) = self.calls.remove(call).filter(|c| !c.for_test && c.invited_to.is_none()) {
                    let lasted = now_ms.saturating_sub(call.since_ms) as f64;
                    self.mean_call_ms = Some(self.mean_call_ms.map_or(lasted, |mean| mean + (lasted - mean) / 16.0));
                }
            }
            What::CardRemoved { .. }
            | What::CardReturned { .. }
            | What::StartedAfresh { .. }
            | What::RestartUnanswered { .. }
            | What::Stuck { .. }
            | What::ServiceContested { .. }
            | What::PortsShort { .. }
            | What::Probed { .. }
            | What::CallConnected { .. }
            | What::TestCallNotPlaced { .. }
            // The lists of calls show no names, as they show no whole numbers.
            | What::CallNamed { .. }
            | What::EntryWrong { .. }
            | What::GuardLocked { .. }
            | What::TurnedAway { .. }
            | What::DialOutUnavailable { .. }
            | What::ClosedFull
            | What::Joined { .. }
            | What::Finished => {}
        }
    }

    /// The spans, counted from 0, that have the D channels of a group.
    pub fn d_channels_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = u16> + 'a {
        let has_one =
            move |span: &SpanPicture| span.shared.as_ref().is_some_and(|s| s.group == group && s.link.is_some());
        (0u16..).zip(&self.spans).filter(move |(_, span)| has_one(span)).map(|(number, _)| number)
    }

    /// The spans whose D channel reports name by this one.
    fn signalled(&mut self, named_by: u16) -> impl Iterator<Item = &mut SpanPicture> {
        let is_it = move |(index, span): &(u16, &mut SpanPicture)| {
            span.shared.as_ref().map_or(*index, |shared| shared.named_by) == named_by
        };
        (0u16..).zip(&mut self.spans).filter(is_it).map(|(_, span)| span)
    }

    /// Something is wrong; told once until it is cleared.
    pub fn raise(&mut self, now_ms: u64, what: &str, severity: control::Severity, text: String) {
        let alarm =
            control::AlarmInfo { severity, what: what.to_owned(), text, since_ms: now_ms, ..Default::default() };
        self.alarms.raise(alarm);
    }

    /// It is well again; true if it was not.
    pub fn clear(&mut self, what: &str) -> bool {
        self.alarms.contains(what) && self.alarms.clear(super::now_ms(), what).is_some()
    }

    /// An event, entered if it is new.
    pub fn event(&mut self, now_ms: u64, event: EventNumber) -> &mut EventPicture {
        let entry = self.events.entry(event).or_default();
        entry.since_ms = now_ms;
        entry
    }

    fn call(&mut self, call: CallId, change: impl FnOnce(&mut CallPicture)) {
        if let Some(call) = self.calls.get_mut(&call) {
            change(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dialled_behind_the_number_is_not_shown() {
        let picture = Picture { dialled: Some(3), ..Picture::default() };
        let dialled = isdn::Number::new("100123456789012345678");
        assert_eq!(picture.called(&dialled), "100xxxxxxxxxxxxxxxxxx");
        assert_eq!(picture.called(&isdn::Number::new("100")), "100");
        assert_eq!(Picture::default().called(&dialled), "100123456789012xxxxxx");
    }
}
