//! Two T1s that share a D channel, between a gateway and an exchange: every channel carries a call, with and without a
//! backup; a line that is cut costs no call on the other; a link is given up only with the last of its spans; and what is told
//! of a D channel that is missing.

use event::Keyring;
use exchange::{
    CallOrder, CallerEvent, CallerId, Server, SharedDChannel, SpanId, SpanPlan, Switch, SwitchPlan, TrunkGroup,
};
use hal::{Alarms, Counters, DFrame, Line};
use isdn::{Group, LinkId, LinkState};
use line::{Change, FailureKind, Framing};
use std::collections::BTreeMap;
use std::time::Duration;
use trunkcast::gateway::callin::Patience;
use trunkcast::gateway::{Gateway, Holds, Output, Settings, WhenOut};
use trunkcast::office::ledger::Place;
use trunkcast::office::lines::Lines;
use trunkcast::reports::{Command, What};

const SECOND: Duration = Duration::from_secs(1);
const NI2: isdn::Switch = isdn::Switch::Ni2;

struct Town {
    gateway: Gateway,
    switch: Switch,
    now: Duration,
    told: Vec<What>,
    /// Lines that carry nothing.
    cut: [bool; 2],
    connected: BTreeMap<CallerId, (SpanId, u8)>,
    over: Vec<CallerId>,
}

impl Town {
    fn up(backup: Option<u8>, when_out: WhenOut) -> Town {
        Town::up_with(backup, when_out, |_| {})
    }

    fn up_with(backup: Option<u8>, when_out: WhenOut, alter: impl FnOnce(&mut Gateway)) -> Town {
        let group = Group::new(&[0, 1], 0, backup).expect("two interfaces");
        let mut gateway = Gateway::new(Settings {
            patience: Patience { first_digit: SECOND * 6000, digit: SECOND * 6000, tries: 3, repeat: false },
            ports: 2,
            ..Settings::new(vec![(Line::T1, NI2); 2], Keyring::random())
        });
        gateway.with_group(&[0, 1], group).expect("NI-2 has it");
        (0..2).for_each(|span| gateway.set_when_out(span, when_out));
        alter(&mut gateway);
        let spans = vec![SpanId(0), SpanId(1)];
        let server = Server { name: "gateway".into(), cards: vec![spans.clone()] };
        let switch = Switch::new(SwitchPlan {
            spans: vec![SpanPlan { line: Line::T1, switch: NI2 }; 2],
            shared: vec![SharedDChannel { spans, group }],
            groups: vec![TrunkGroup::for_all("all", vec![server])],
            ..SwitchPlan::default()
        });
        let (told, connected, over) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut town = Town { gateway, switch, now: Duration::ZERO, told, cut: [false; 2], connected, over };
        town.gateway.start(town.now);
        town.switch.start(town.now);
        town.pass(SECOND * 5);
        assert!(town.gateway.link_up(0) && town.gateway.link_up(1));
        town
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.carry();
            let next = [self.gateway.poll_timeout(), self.switch.poll_timeout()];
            let next = next.into_iter().flatten().min().filter(|t| *t <= end);
            self.now = self.now.max(next.unwrap_or(end));
            if next.is_none() {
                return;
            }
            self.gateway.handle_timeout(self.now);
            self.switch.handle_timeout(self.now);
        }
    }

    fn carry(&mut self) {
        let mut silent = false;
        while !silent {
            silent = true;
            while let Some(output) = self.gateway.poll_output() {
                silent = false;
                match output {
                    Output::Frame(span, frame) if !self.cut[usize::from(span)] => {
                        self.switch.handle_frame(self.now, SpanId(usize::from(span)), &frame);
                    }
                    Output::Report(report) => self.told.push(report.what),
                    Output::Frame(..) | Output::Voice(_) => {}
                }
            }
            while let Some(output) = self.switch.poll_output() {
                silent = false;
                match output {
                    exchange::Output::Frame { span, frame } if !self.cut[span.0] => {
                        let frame: &DFrame = &frame;
                        self.gateway.handle_frame(self.now, span.0 as u16, frame);
                    }
                    exchange::Output::Frame { .. } => {}
                    exchange::Output::Caller { caller, event } => match event {
                        CallerEvent::Connected { span, channel } => {
                            self.connected.insert(caller, (span, channel.0));
                        }
                        CallerEvent::Ended { .. } | CallerEvent::NoRoute { .. } => {
                            self.connected.remove(&caller);
                            self.over.push(caller);
                        }
                        _ => {}
                    },
                }
            }
        }
    }

    fn dial(&mut self) -> Option<(SpanId, u8)> {
        let order = CallOrder { called: "100".into(), ..CallOrder::default() };
        let caller = self.switch.originate(self.now, &order);
        self.pass(SECOND);
        self.connected.get(&caller).copied()
    }

    /// The line of a span carries nothing from now on, and both ends see that, or it does again.
    fn cut(&mut self, span: u16, cut: bool) {
        self.cut[usize::from(span)] = cut;
        self.gateway.handle_alarms(self.now, span, if cut { Alarms::LOS } else { Alarms::empty() });
        self.switch.span_usable(SpanId(usize::from(span)), !cut);
        self.pass(SECOND);
    }

    fn states(&self) -> Vec<(u16, LinkId, LinkState)> {
        let state = |what: &What| match what {
            What::DChannel { span, link, state } => Some((*span, *link, *state)),
            _ => None,
        };
        self.told.iter().filter_map(state).collect()
    }
}

#[test]
fn a_span_without_a_d_channel_has_a_call_on_timeslot_24_too() {
    let mut town = Town::up(None, WhenOut::Reject);
    let taken: Vec<_> = (0..47).map(|_| town.dial().expect("there is room")).collect();
    let all = (1..=23).map(|channel| (SpanId(0), channel)).chain((1..=24).map(|channel| (SpanId(1), channel)));
    assert!(taken.into_iter().eq(all), "the exchange hunts from the lowest, span by span");
    assert_eq!((town.dial(), town.gateway.calls().count()), (None, 47));
    let last = town.gateway.calls().last().map(|(channel, ..)| (channel.span, channel.timeslot.0));
    assert_eq!(last, Some((1, 24)));
}

#[test]
fn where_the_backup_is_timeslot_24_carries_no_call() {
    let mut town = Town::up(Some(1), WhenOut::Reject);
    assert_eq!((0..47).filter_map(|_| town.dial()).count(), 46);
}

#[test]
fn the_backup_takes_over_when_the_line_of_the_primary_is_cut() {
    let mut town = Town::up(Some(1), WhenOut::Reject);
    let on_second = (0..25).filter_map(|_| town.dial()).filter(|(span, _)| *span == SpanId(1)).count();
    assert_eq!((on_second, town.connected.len()), (2, 25));
    town.told.clear();
    town.cut(0, true);
    assert!(town.states().contains(&(1, LinkId::Backup, LinkState::InService)), "{:?}", town.states());
    assert!(town.gateway.link_up(0) && !town.told.iter().any(|what| matches!(what, What::LinkDown { .. })));
    assert_eq!(town.dial(), Some((SpanId(1), 3)), "a new call goes over the backup");
    town.pass(SECOND * 60);
    assert_eq!(town.connected.len(), 26, "no call was lost: {:?}", town.over);
    town.cut(0, false);
    town.pass(SECOND * 60);
    assert_eq!(town.states().last(), Some(&(0, LinkId::Primary, LinkState::Standby)));
    assert_eq!((town.connected.len(), town.dial().is_some()), (26, true));
}

#[test]
fn a_call_is_not_taken_on_a_span_whose_line_is_dead() {
    let mut town = Town::up(None, WhenOut::Reject);
    town.gateway.handle_alarms(town.now, 1, Alarms::LOS);
    // Only our end sees the failure, so the exchange still offers calls there.
    assert_eq!((0..30).filter_map(|_| town.dial()).count(), 23);
}

/// The exchange wants one of the two links back as soon as it has lost it; nothing of that is told, and nothing comes up again.
#[test]
fn a_server_that_closes_down_releases_both_links_without_an_alarm() {
    let mut town = Town::up(Some(1), WhenOut::Reject);
    town.told.clear();
    town.gateway.handle_command(town.now, Command::Shutdown);
    town.pass(SECOND * 10);
    assert!(town.gateway.is_finished() && !town.gateway.link_up(0) && !town.gateway.link_up(1));
    assert_eq!(town.states(), []);
    assert!(!town.told.iter().any(|what| matches!(what, What::LinkUp { .. })), "{:?}", town.told);
}

#[test]
fn the_link_goes_only_with_the_last_of_its_spans() {
    let mut town = Town::up(Some(1), WhenOut::DChannel);
    let hold = |town: &mut Town, span, channels| {
        let command = Command::Hold { span, hold: Holds::OPERATOR, channels, forced: 0 };
        town.gateway.handle_command(town.now, command);
        town.pass(SECOND * 2);
    };
    hold(&mut town, 0, u32::MAX);
    assert!(town.gateway.link_up(0), "the other span still takes calls");
    assert!(!town.told.iter().any(|what| matches!(what, What::SpanOut { .. })));
    hold(&mut town, 1, u32::MAX);
    let out = town.told.iter().filter_map(|w| match w {
        What::SpanOut { span, out, .. } => Some((*span, *out)),
        _ => None,
    });
    assert_eq!(out.collect::<Vec<_>>(), [(0, true), (1, true)]);
    assert!(!town.gateway.link_up(0) && !town.gateway.link_up(1));
    hold(&mut town, 1, 0);
    town.pass(SECOND * 40);
    assert!(town.gateway.link_up(0), "both links come back with the first span");
    assert!(matches!(town.dial(), Some((SpanId(1), _))));
}

#[test]
fn after_a_start_the_channels_of_all_spans_are_restarted() {
    let both = |gateway: &mut Gateway| (0..2).for_each(|span| gateway.set_restart_at_start(span, true));
    let mut town = Town::up_with(None, WhenOut::Reject, both);
    let afresh = town.told.iter().filter_map(|what| match what {
        What::StartedAfresh { span, channels } => Some((*span, *channels)),
        _ => None,
    });
    assert_eq!(afresh.collect::<Vec<_>>(), [(0, 23), (1, 24)]);
    assert_eq!((0..48).filter_map(|_| town.dial()).count(), 47, "and all of them take calls");
}

/// The three spans of a group with a backup, and the failures that are told.
struct Watched {
    lines: Lines,
    now: Duration,
}

impl Watched {
    fn new() -> Watched {
        let place = |span, d_channel| Place { card: "soft0".into(), span, line: Line::T1, d_channel };
        let places = [place(1, true), place(2, true), place(3, false)].map(|place| (place, Framing::T1Esf));
        let file = std::path::Path::new("/nowhere");
        let mut lines =
            Lines::new(file, places.into(), Duration::ZERO, SECOND * 1_772_366_400, |_| Counters::default());
        (0..3).for_each(|span| lines.set_one_of_two(span));
        Watched { lines, now: Duration::ZERO }
    }

    /// D channels down that are declared (true) or cleared (false) within 20 seconds, by span.
    fn after(&mut self, told: &[What]) -> Vec<(u16, bool)> {
        told.iter().for_each(|what| self.lines.handle(self.now, what));
        let mut changes = Vec::new();
        for _ in 0..200 {
            self.now += SECOND / 10;
            self.lines.handle_timeout(self.now, SECOND * 1_772_366_400 + self.now, |_| Counters::default());
            while let Some((span, output)) = self.lines.poll_output() {
                match output {
                    line::Output::Failure(Change::Declared { kind: FailureKind::LinkDown, .. }) => {
                        changes.push((span, true));
                    }
                    line::Output::Failure(Change::Cleared { kind: FailureKind::LinkDown, .. }) => {
                        changes.push((span, false));
                    }
                    _ => {}
                }
            }
        }
        changes
    }
}

#[test]
fn each_of_two_d_channels_is_watched_by_itself_and_a_span_without_one_is_not() {
    let does = |span, link, state| What::DChannel { span, link, state };
    let mut watched = Watched::new();
    let up = [does(0, LinkId::Primary, LinkState::InService), What::LinkUp { span: 0, reset: false }];
    assert_eq!(watched.after(&up), [(1, true)], "the backup never came up");
    assert_eq!(watched.after(&[does(1, LinkId::Backup, LinkState::Standby)]), [(1, false)]);
    let swapped = [does(0, LinkId::Primary, LinkState::MaintenanceBusy), does(1, LinkId::Backup, LinkState::InService)];
    assert_eq!(watched.after(&swapped), [(0, true)], "the primary has failed");
    assert_eq!(watched.after(&[does(0, LinkId::Primary, LinkState::Standby)]), [(0, false)]);
    // All of them are suspended: what we have taken down is not missed.
    let how = WhenOut::DChannel;
    let mut out: Vec<What> = (0..3).map(|span| What::SpanOut { span, out: true, how }).collect();
    out.extend([does(0, LinkId::Primary, LinkState::OutOfService), does(1, LinkId::Backup, LinkState::OutOfService)]);
    assert_eq!(watched.after(&out), []);
    let back: Vec<What> = (0..3).map(|span| What::SpanOut { span, out: false, how }).collect();
    assert_eq!(watched.after(&back), [(0, true), (1, true)]);
}
