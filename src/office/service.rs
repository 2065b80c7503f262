//! Suspensions carried out: the ledger's channel sets to the gateway, alarms to the line, and what becomes of both.
//!
//! The gateway is handed the whole set of a span each time, so that nothing is lost by an order that came late.
//!
//! Time: wall-clock; a suspension ends, and its grace ends, within half a second of their time.

use super::ledger::{self, Suspension};
use super::words::ranges;
use super::{Office, chain, facts, now_ms};
use crate::control::progress;
use crate::gateway::Holds;
use crate::reports::{Command, Order};
use control::{Fact, Hold, Severity};
use hal::{Alarms, Control, SpanIndex, Timeslot};
use std::collections::BTreeMap;

/// How often the clock is compared with the ends of suspensions.
const LOOK_EVERY_MS: u64 = 500;

/// The alarm that stream ports are short.
pub(super) const PORTS_SHORT: &str = "stream ports";

/// What the gateway has been handed: by span and reason, the channels and those that are forced.
#[derive(Debug, Default)]
pub(super) struct Handed {
    sets: BTreeMap<(u16, Hold), (u32, u32)>,
    revision: Option<u64>,
    /// All of them, as the daemon is on its way out.
    draining: bool,
    /// By suspension, channels and calls that were left when it was told how far it has come.
    told: BTreeMap<u64, (u32, u32)>,
    looked_ms: u64,
}

/// The alarm that the exchange insists on a channel.
pub(super) fn contested(span: u16, timeslot: Timeslot) -> String {
    format!("channel {}/{timeslot} contested", span + 1)
}

/// The alarm that an exchange leaves SERVICE unanswered.
fn unanswered(span: u16) -> String {
    format!("service messages of span {}", span + 1)
}

impl Office {
    /// Hand over what has changed.
    pub(super) fn see_to_service(&mut self) {
        let now = now_ms();
        let revision = self.shared.ledger().revision();
        let waits = now.saturating_sub(self.service.looked_ms) < LOOK_EVERY_MS;
        self.drain_all();
        if waits && self.service.revision == Some(revision) {
            return;
        }
        self.service.looked_ms = now;
        self.end_suspensions(now);
        self.tell_progress(now);
        let held = {
            let ledger = self.shared.ledger();
            self.service.revision = Some(ledger.revision());
            [Hold::Operator, Hold::Load].map(|hold| (hold, ledger.held(now, hold)))
        };
        for (hold, (channels, forced)) in held {
            let Some(reason) = ledger::holds(hold) else { continue };
            for (span, (channels, forced)) in (0u16..).zip(channels.into_iter().zip(forced)) {
                if self.service.sets.insert((span, hold), (channels, forced)) != Some((channels, forced)) {
                    self.orders.push_back(Order::Gateway(Command::Hold { span, hold: reason, channels, forced }));
                }
            }
        }
    }

    /// Every channel out, once, when the daemon is on its way out and waits for its calls.
    fn drain_all(&mut self) {
        let spans = {
            let picture = self.shared.picture();
            if self.service.draining || picture.drain.is_none() {
                return;
            }
            picture.spans.len() as u16
        };
        self.service.draining = true;
        let held = |span| Command::Hold { span, hold: Holds::DRAIN, channels: u32::MAX, forced: 0 };
        self.orders.extend((0..spans).map(held).map(Order::Gateway));
    }

    /// Those whose time is over end; one that cannot be written down goes on, and is tried again.
    fn end_suspensions(&mut self, now: u64) {
        let expired = self.shared.ledger().expire(now);
        match expired {
            Ok(ended) => {
                for suspension in &ended {
                    let text = format!("the suspension of {} by {} is over", suspension.target, suspension.by);
                    let order = facts::ordered(suspension);
                    self.shared.tell(log::Level::Info, "server", text, Fact::SuspensionOver { order });
                }
                if !ended.is_empty() {
                    self.shared.picture().clear(ledger::FILE);
                }
            }
            Err(error) => {
                let text = format!("{}: {}; suspensions that are over go on", ledger::FILE, chain(&error));
                self.shared.picture().raise(now, ledger::FILE, Severity::Major, text);
            }
        }
    }

    /// How far suspensions have come, when that has changed.
    fn tell_progress(&mut self, now: u64) {
        let mut news = Vec::new();
        {
            let (ledger, picture) = (self.shared.ledger(), self.shared.picture());
            self.service.told.retain(|id, _| ledger.find(*id).is_some());
            for suspension in ledger.suspensions() {
                let progress = progress(now, &ledger.sets(suspension), suspension.forced_at_ms, &picture);
                let seen = (progress.channels_left, progress.calls_left);
                if self.service.told.insert(suspension.id, seen) != Some(seen) {
                    news.push((facts::ordered(suspension), progress));
                }
            }
        }
        for (order, progress) in news {
            let text = format!(
                "suspension {} of {}: {} of {} channel(s) out, {} call(s) left",
                order.suspension,
                order.target,
                progress.channels.saturating_sub(progress.channels_left),
                progress.channels,
                progress.calls_left
            );
            self.shared.tell(log::Level::Debug, "server", text, Fact::SuspensionProgress { order, progress });
        }
    }

    /// Send AIS on a span, or the signal again.
    pub(super) fn send_alarm(&mut self, span: u16, on: bool) {
        let Some((control, index)) = self.card_of(span) else { return };
        let alarms = if on { Alarms::AIS } else { Alarms::empty() };
        if let Err(error) = control.send_alarms(index, alarms) {
            let text = format!(
                "span {}: AIS cannot be sent ({}); its D channel is down all the same",
                span + 1,
                chain(&error)
            );
            self.announce(log::Level::Warn, "span", None, text);
        }
    }

    /// The card of a span, and what it calls it.
    pub(super) fn card_of(&mut self, span: u16) -> Option<(&mut dyn Control, SpanIndex)> {
        let mut first = 0;
        for card in &mut self.cards {
            if span < first + card.spans {
                return Some((&mut *card.control, SpanIndex((span - first) as u8)));
            }
            first += card.spans;
        }
        None
    }

    /// A channel that is in service again is not fought over any more.
    pub(super) fn clear_contested(&self, span: u16, out: u32) {
        let mut picture = self.shared.picture();
        for timeslot in (1..=31).map(Timeslot).filter(|t| out & 1 << t.index() == 0) {
            picture.clear(&contested(span, timeslot));
        }
    }

    /// Whether the exchange leaves SERVICE unanswered on a span.
    pub(super) fn count_unanswered(&self, at_ms: u64, span: u16) {
        let mut picture = self.shared.picture();
        let unknown = |(channel, (state, _)): (&crate::gateway::Channel, &(isdn::FarState, u64))| {
            (channel.span == span && *state == isdn::FarState::Unknown).then(|| 1 << channel.timeslot.index())
        };
        let channels: u32 = picture.far.iter().filter_map(unknown).sum();
        if channels == 0 {
            picture.clear(&unanswered(span));
        } else {
            let text = format!(
                "span {}: the exchange has not acknowledged SERVICE on channels {}; they get no calls of ours; it is asked \
                 every 15 minutes: see that the carrier has service messages on",
                span + 1,
                ranges(channels)
            );
            picture.raise(at_ms, &unanswered(span), Severity::Minor, text);
        }
    }
}

/// A suspension in one line, for logs.
pub(crate) fn in_words(suspension: &Suspension) -> String {
    let mut text = format!("{} by {}", suspension.target, suspension.by);
    for (what, value) in [("reason", &suspension.reason), ("ticket", &suspension.ticket)] {
        if let Some(value) = value {
            text += &format!(", {what} {value}");
        }
    }
    text
}
