//! The self-test that goes on all the time: idle channels, encoders, stream ports. What fails leaves the pool and is an alarm;
//! what passes again comes back by itself.
//!
//! Channels are [`Rounds`]'s to choose. Ports are tried one after another: bound if they are not, and a tone is sent
//! through an encoder for each configured format in their casting thread, which shows that the thread turns as well. A port with a stream is left alone.
//!
//! Data path: picture and caster → here → loops, probes, holds, [`Command::PortFailed`], alarms.
//! Time: milliseconds since 1970; a round of ports begins with one of channels.
//! Source: ITU-T X.733 for severities and probable causes.

use super::{Office, chain, now_ms};
use crate::bench::{Finding, Rounds, Step};
use crate::gateway::{Channel, Holds};
use crate::reports::{Command, Order};
use cast::{Caster, Format, Trial};
use control::{AlarmInfo, Severity};
use crossbeam_channel::TryRecvError;
use hal::{Support, Timeslot};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// How long a casting thread may take to show what it can.
const PATIENCE_MS: u64 = 2_000;

/// A port whose casting thread was asked.
#[derive(Debug)]
struct Asked {
    port: u16,
    trial: Trial,
    until_ms: u64,
}

/// What the office keeps of it.
#[derive(Debug)]
pub(super) struct SelfTest {
    pub(super) rounds: Rounds,
    every_ms: u64,
    next_ms: u64,
    formats: Vec<Format>,
    waiting: VecDeque<u16>,
    asked: Option<Asked>,
}

impl SelfTest {
    /// Over these channels, and ports with encoders for these formats.
    pub(super) fn new(every: Duration, channels: Vec<Channel>, formats: Vec<Format>) -> SelfTest {
        let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        SelfTest {
            rounds: Rounds::new(channels, every_ms),
            every_ms,
            next_ms: 0,
            formats,
            waiting: VecDeque::new(),
            asked: None,
        }
    }

    /// A verdict on a port, if there is one by now: the port, and what is wrong with it.
    fn try_ports(&mut self, now_ms: u64, caster: &Caster) -> Option<(u16, Result<(), String>)> {
        if let Some(asked) = &self.asked {
            let verdict = match asked.trial.try_recv() {
                Ok(tried) => tried.map(drop),
                Err(TryRecvError::Disconnected) => Err("its casting thread has ended".to_owned()),
                Err(TryRecvError::Empty) if now_ms >= asked.until_ms => {
                    Err(format!("its casting thread has not answered for {} s", PATIENCE_MS / 1000))
                }
                Err(TryRecvError::Empty) => return None,
            };
            return self.asked.take().map(|asked| (asked.port, verdict));
        }
        if self.waiting.is_empty() && now_ms >= self.next_ms {
            self.next_ms = now_ms + self.every_ms;
            self.waiting.extend(caster.ports());
        }
        let port = self.waiting.pop_front()?;
        match caster.try_port(port, &self.formats) {
            Ok(trial) => self.asked = Some(Asked { port, trial, until_ms: now_ms + PATIENCE_MS }),
            // What is on the air is heard to work.
            Err(cast::Error::Live(_)) => {}
            Err(error) => return Some((port, Err(chain(&error)))),
        }
        None
    }
}

/// The channels whose card can loop them one by one.
pub(super) fn testable(bearers: impl Iterator<Item = u32>, supports: &[Support]) -> Vec<Channel> {
    let spans = (0u16..).zip(bearers.zip(supports)).filter(|(_, (_, s))| s.contains(Support::TIMESLOT_LOCAL));
    spans
        .flat_map(|(span, (set, _))| {
            let of_span = (1..=31).map(Timeslot).filter(move |t| set & 1 << t.index() != 0);
            of_span.map(move |timeslot| Channel { span, timeslot })
        })
        .collect()
}

impl Office {
    /// Take the self-test on, and do what it wants done.
    pub(super) fn see_to_self_test(&mut self) {
        let Some(mut test) = self.self_test.take() else { return };
        let now = now_ms();
        self.look_round(now, &mut test.rounds);
        self.do_as_rounds_want(&mut test.rounds);
        while let Some(finding) = test.rounds.poll_finding() {
            self.tell_of_channel(finding);
            let (Finding::Failed { channel, .. } | Finding::Well(channel)) = finding;
            self.shared.bench().keep(channel.span, test.rounds.kept(channel.span));
        }
        if let Some((port, verdict)) = test.try_ports(now, &self.caster) {
            self.judge_port(port, verdict);
        }
        self.self_test = Some(test);
    }

    /// Ports that were somebody else's at the start are given to no event.
    pub(super) fn begin_without(&mut self, unbound: &[u16]) {
        let until = if self.self_test.is_some() { "" } else { "; self_test.every_s = 0, so it is not tried again" };
        for port in unbound {
            self.judge_port(*port, Err(format!("another program has it{until}")));
        }
    }

    fn judge_port(&mut self, port: u16, verdict: Result<(), String>) {
        let failed = verdict.is_err();
        let news = {
            let ports = &mut self.shared.picture().failed_ports;
            if failed { ports.insert(port) } else { ports.remove(&port) }
        };
        if news {
            let index = port - self.settings.first_port;
            self.orders.push_back(Order::Gateway(Command::PortFailed { port: index, failed }));
            self.tell_of_port(port, verdict);
        }
    }

    /// The last thing: no loopback is left behind.
    pub(super) fn close_self_test(&mut self) {
        if let Some(mut test) = self.self_test.take() {
            test.rounds.close();
            self.do_as_rounds_want(&mut test.rounds);
        }
    }

    fn look_round(&self, now: u64, rounds: &mut Rounds) {
        // One lock after the other.
        let in_test: BTreeSet<Channel> =
            self.shared.bench().tests().iter().filter(|t| !t.is_over()).flat_map(|t| t.plan.each()).collect();
        let picture = self.shared.picture();
        rounds.look(now, |channel| {
            let bit = 1 << channel.timeslot.index();
            let of_span = |(span, hold): (u16, Holds)| span == channel.span && hold != Holds::SELF_TEST;
            let held = picture.held.iter().any(|(key, set)| of_span(*key) && set & bit != 0);
            let busy = picture.calls.values().any(|call| call.channel == channel);
            let down = !picture.spans[usize::from(channel.span)].alarms.usable();
            !(held || busy || down || in_test.contains(&channel))
        });
    }

    fn do_as_rounds_want(&mut self, rounds: &mut Rounds) {
        while let Some(step) = rounds.poll_step() {
            match step {
                Step::Probe(channel, probe) => self.orders.push_back(Order::Probe(channel, probe)),
                Step::Loop(channel, loopback) => {
                    let Some((control, own)) = self.card_of(channel.span) else { continue };
                    if let Err(error) = control.set_timeslot_loopback(own, channel.timeslot, loopback) {
                        log::warn!(target: "span", "{} is not tested any more: {}", named(channel), chain(&error));
                        rounds.cannot(channel);
                    }
                }
            }
        }
    }

    fn tell_of_channel(&self, finding: Finding) {
        let (channel, text) = match finding {
            Finding::Failed { channel, kept } => {
                let what = if kept {
                    "it gets no calls until it passes"
                } else {
                    "as much of its span is kept from calls already as may be, so it goes on taking them"
                };
                (channel, Some(format!("{} has failed its self-test; {what}; see to its card", named(channel))))
            }
            Finding::Well(channel) => (channel, None),
        };
        let what = format!("{} self-test", named(channel));
        self.tell(&what, "equipment_malfunction", text, &format!("{} passes its self-test again", named(channel)));
    }

    fn tell_of_port(&self, port: u16, verdict: Result<(), String>) {
        let text = verdict.err().map(|why| {
            format!(
                "stream port {port} does not work: {why}; no event gets it until it does; see who has the port (`ss -ltnp`), \
                 and what the log says of casting"
            )
        });
        let what = format!("stream port {port}");
        self.tell(&what, "underlying_resource_unavailable", text, &format!("stream port {port} works again"));
    }

    /// An alarm with this text, or its end with the other.
    fn tell(&self, what: &str, cause: &str, raised: Option<String>, well: &str) {
        let Some(text) = raised else {
            if self.shared.picture().clear(what) {
                self.announce(log::Level::Info, "server", None, well.to_owned());
            }
            return;
        };
        let alarm = AlarmInfo {
            severity: Severity::Minor,
            what: what.to_owned(),
            cause: cause.to_owned(),
            text: text.clone(),
            since_ms: now_ms(),
            ..AlarmInfo::default()
        };
        self.shared.picture().alarms.raise(alarm);
        self.announce(log::Level::Warn, "server", None, text);
    }
}

fn named(channel: Channel) -> String {
    format!("channel {}/{}", channel.span + 1, channel.timeslot)
}
