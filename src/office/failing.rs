//! What follows from a failure: an alarm that says what to do, a notice, a line in the log, and channels that are held.
//!
//! Layer 1 and the D channel are told apart: a link that is down on a sound line is an alarm of its own, one that is down
//! because the line is not is none. Errors become an alarm by their rate, never one by one.
//!
//! Data path: [`line::Output`] from [`super::lines`] → here → picture, notices, log, [`Command::Hold`].
//! Time: failures are as old as their defects, so alarms begin before they are told.
//! Source: ITU-T X.733 for severities; probable causes are words of X.733 and M.3100. What each means to a technician is in
//! docs/MANUAL.md, "Alarms".

use super::{Office, alarms, now_ms};
use crate::gateway::Holds;
use crate::reports::{Command, Order, What};
use control::{AlarmInfo, Fact, Notice, Severity, Topic};
use hal::{Counters, SpanIndex};
use line::{Change, Crossing, End, FailureKind, Output, Period, RateChange, RateKind};
use log::Level;
use std::time::Duration;

/// How often what was counted is written down.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// What the office keeps of it.
#[derive(Debug, Default)]
pub(super) struct Failing {
    /// By span, whether the gateway was told to hold its channels.
    held: Vec<bool>,
    saved: Duration,
}

/// What a trouble of a line means.
struct Meaning {
    severity: Severity,
    cause: &'static str,
    advice: &'static str,
}

const fn failure(kind: FailureKind) -> Meaning {
    let (severity, cause, advice) = match kind {
        FailureKind::Absent => (
            Severity::Critical,
            "underlying_resource_unavailable",
            "the card, or the program at the far end of a software span, is not there: see that it is powered, found by its \
             driver, or started",
        ),
        FailureKind::Los => (
            Severity::Critical,
            "loss_of_signal",
            "no signal arrives: look at cable and connectors, then ask the carrier whether the far end sends",
        ),
        FailureKind::Ais => (
            Severity::Critical,
            "alarm_indication_signal",
            "the carrier's equipment sends AIS in place of a signal: the fault, or a test, is further away; ask the carrier",
        ),
        FailureKind::Lof => (
            Severity::Critical,
            "loss_of_frame",
            "a signal arrives without frames: see that framing and line code are the carrier's, then look at the cable",
        ),
        FailureKind::Lomf => (
            Severity::Minor,
            "framing_error",
            "no CRC-4 multiframe arrives: if the carrier sends none, set framing = \"no_crc4\"",
        ),
        FailureKind::Rai => (
            Severity::Major,
            "far_end_receiver_failure",
            "the far end does not hear us: look at the pair we send on, then ask the carrier",
        ),
        FailureKind::LinkDown => (
            Severity::Major,
            "communications_protocol_error",
            "the line is sound, but the exchange does not answer on the D channel: is it attached, with our switch variant \
             and D-channel timeslot?",
        ),
    };
    Meaning { severity, cause, advice }
}

const fn rate(kind: RateKind) -> Meaning {
    let (cause, advice) = match kind {
        RateKind::Slips => (
            "timing_problem",
            "the two ends have different clocks: see that the card takes its clock from the exchange, and from one only",
        ),
        RateKind::Aborts | RateKind::WrongFcs => (
            "degraded_signal",
            "signalling is repeated, and calls are set up late: look at `trunkctl performance` for errors of the line; \
             without any, the D channel's timeslot may be the wrong one",
        ),
    };
    Meaning { severity: Severity::Minor, cause, advice }
}

/// What the alarm of a failure is about.
fn about(span: u16, kind: FailureKind) -> String {
    match kind {
        FailureKind::LinkDown => format!("span {} D channel", span + 1),
        kind => format!("span {} {kind}", span + 1),
    }
}

fn about_rate(span: u16, kind: RateKind) -> String {
    let what = match kind {
        RateKind::Slips => "slips",
        RateKind::Aborts => "aborted frames",
        RateKind::WrongFcs => "wrong check sequences",
    };
    format!("span {} {what}", span + 1)
}

impl Office {
    /// Something happened that may concern a line.
    pub(super) fn watch_line(&mut self, at: Duration, what: &What) {
        let concerns = matches!(
            what,
            What::Alarms { .. }
                | What::LinkUp { .. }
                | What::LinkDown { .. }
                | What::LinkReleased { .. }
                | What::DChannel { .. }
                | What::SpanOut { .. }
                | What::Slip { .. }
        );
        if concerns {
            self.shared.lines().handle(at, what);
            self.tell_lines();
        }
    }

    /// Ask the cards what they have counted, once a second, and keep it.
    pub(super) fn see_to_lines(&mut self) {
        let now = self.settings.epoch.elapsed();
        if self.shared.lines().poll_timeout().is_some_and(|at| at <= now) {
            self.shared.lines().handle_timeout(now, Duration::from_millis(now_ms()), |span| self.counters(span));
            self.tell_lines();
        }
        if now.saturating_sub(self.failing.saved) >= SAVE_EVERY {
            self.failing.saved = now;
            self.save_lines();
        }
    }

    /// Write down what was counted.
    pub(super) fn save_lines(&self) {
        let saved = self.shared.lines().save();
        let mut picture = self.shared.picture();
        match saved {
            Ok(()) => drop(picture.clear(super::lines::FILE)),
            Err(error) => {
                let text = format!(
                    "{} cannot be written ({error}): make room, or see to its permissions; what lines have suffered is kept \
                     in memory only",
                    super::lines::FILE
                );
                picture.raise(now_ms(), super::lines::FILE, Severity::Minor, text);
            }
        }
    }

    /// What the card of a span has counted; nothing, if no card is known for it.
    fn counters(&self, span: u16) -> Counters {
        let mut first = 0;
        for card in &self.cards {
            if span < first + card.spans {
                return card.control.counters(SpanIndex((span - first) as u8));
            }
            first += card.spans;
        }
        Counters::default()
    }

    /// Tell what has changed, and hold or free channels once all of it is known.
    fn tell_lines(&mut self) {
        loop {
            let output = self.shared.lines().poll_output();
            match output {
                Some((span, Output::Failure(change))) => self.tell_failure(span, change),
                Some((span, Output::Rate(change))) => self.tell_rate(span, change),
                Some((span, Output::Crossing(crossing))) => self.tell_crossing(span, crossing),
                None => break,
            }
        }
        let (lines, mut picture) = (self.shared.lines(), self.shared.picture());
        let spans = picture.spans.len();
        self.failing.held.resize(spans, false);
        for (number, span) in (0u16..).zip(&mut picture.spans) {
            let since = |since: Duration| self.epoch_ms.saturating_add(since.as_millis() as u64);
            span.failures = lines.standing(number).map(|(kind, began)| (kind, since(began))).collect();
            span.counters = lines.counters(number);
            let useless = lines.keeps_from_calls(number);
            if std::mem::replace(&mut self.failing.held[usize::from(number)], useless) != useless {
                let bearers = lines.place(number).map_or(0, super::ledger::Place::bearers);
                let channels = if useless { bearers } else { 0 };
                let command = Command::Hold { span: number, hold: Holds::ALARM, channels, forced: 0 };
                self.orders.push_back(Order::Gateway(command));
            }
        }
    }

    fn tell_failure(&self, span: u16, change: Change) {
        match change {
            Change::Declared { kind, since } => {
                let since_ms = self.epoch_ms.saturating_add(since.as_millis() as u64);
                self.raise(span, about(span, kind), since_ms, failure(kind), &kind.to_string());
            }
            Change::Cleared { kind, hidden_by, .. } => {
                let why = hidden_by.map_or_else(String::new, |worse| format!(", as it comes with {worse}"));
                self.clear(span, &about(span, kind), &format!("{kind} cleared{why}"));
            }
        }
    }

    fn tell_rate(&self, span: u16, change: RateChange) {
        let RateChange { kind, raised, count, window } = change;
        let what = about_rate(span, kind);
        if raised {
            let minutes = window.as_secs() / 60;
            let within = if minutes < 120 { format!("{minutes} min") } else { format!("{} h", minutes / 60) };
            self.raise(span, what, now_ms(), rate(kind), &format!("{count} {kind} within {within}"));
        } else {
            self.clear(span, &what, &format!("few {kind} again"));
        }
    }

    /// One line of an interval that is bad; the interval ends by itself, so it is no alarm that stands.
    fn tell_crossing(&self, span: u16, crossing: Crossing) {
        let Crossing { end, period, counter, count, threshold, .. } = crossing;
        let end = match end {
            End::Near => "here",
            End::Far => "at the far end",
        };
        let period = match period {
            Period::Quarter => "this quarter of an hour",
            Period::Day => "this day",
        };
        let text = format!(
            "span {}: {count} {} {end} in {period}, of which {threshold} are too many; see `trunkctl performance {}`",
            span + 1,
            counter.words(),
            span + 1
        );
        self.notice(span, Level::Warn, Severity::Warning, text, None);
    }

    fn raise(&self, span: u16, what: String, since_ms: u64, meaning: Meaning, name: &str) {
        let Meaning { severity, cause, advice } = meaning;
        let text = format!("span {}: {name}: {advice}", span + 1);
        let cause = cause.to_owned();
        let alarm = AlarmInfo { severity, what, cause, text: text.clone(), since_ms, ..AlarmInfo::default() };
        let fact = {
            let alarms = &mut self.shared.picture().alarms;
            let what = alarm.what.clone();
            alarms.raise(alarm);
            alarms.take_news_of(&what).map(alarms::fact)
        };
        let level = if severity >= Severity::Major { Level::Error } else { Level::Warn };
        self.notice(span, level, severity, text, fact);
    }

    fn clear(&self, span: u16, what: &str, text: &str) {
        let fact = {
            let mut picture = self.shared.picture();
            picture.clear(what).then(|| picture.alarms.take_news_of(what)).flatten().map(alarms::fact)
        };
        if fact.is_some() {
            self.notice(span, Level::Info, Severity::Cleared, format!("span {}: {text}", span + 1), fact);
        }
    }

    fn notice(&self, span: u16, level: Level, severity: Severity, text: String, fact: Option<Fact>) {
        crate::logging::tell(level, "span", &text, &[("span", Some(u64::from(span) + 1))]);
        let at_ms = now_ms();
        let span = Some(span + 1);
        self.shared.hub.publish(Notice { at_ms, severity, topic: Topic::Span, text, span, fact, ..Notice::default() });
    }
}
