//! The self-test in the background: every idle channel, a few at a time, round and round.
//!
//! ```text
//!  round begins ─► a few idle channels: loop, probe ─► verdicts ─► the next few ... ─► rest until the next round
//!                                          │
//!                                          ├─ failed once: again in the next turn
//!                                          ├─ failed twice: kept from calls, and tested on in every round
//!                                          └─ a call came, a test of a technician wants it: no verdict
//! ```
//!
//! A channel that passes is not held meanwhile, so that the exchange hears nothing of a test that finds nothing: a call that
//! comes ends the test of its channel at once. At most a quarter of a span is kept; when more of it fails, it is the loop or the
//! whole span that does not work, and taking all of it away would help nobody.
//!
//! Data path: which channels are idle, readings, probes that came back → here → [`Step`]s and [`Finding`]s.
//! Time: milliseconds, given; [`Rounds::look`] is called every now and then.

use super::probe::{BitPlan, Insert, Probe, Reading};
use super::schedule::{PATIENCE_MS, Station};
use crate::gateway::Channel;
use dsp::bert::Pattern;
use hal::TimeslotLoopback;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Channels tested at a time: all that the real-time thread should do beside its calls.
const AT_ONCE: usize = 8;
/// Milliseconds of pattern: 16,000 bits, eight times the pattern.
const PATTERN_MS: u32 = 250;
const PATTERN: BitPlan = BitPlan { pattern: Pattern::Prbs11, insert: Insert::Nothing, run_ms: PATTERN_MS };

/// What a round wants done.
#[derive(Debug)]
pub enum Step {
    /// Set a loopback of a timeslot.
    Loop(Channel, TimeslotLoopback),
    /// Put a probe on a channel, or take it out.
    Probe(Channel, Option<Box<Probe>>),
}

/// What a round has shown that was not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The channel fails.
    Failed {
        /// Which.
        channel: Channel,
        /// It is kept from calls; else so many of its span are kept already.
        kept: bool,
    },
    /// It is well again.
    Well(Channel),
}

/// The channels of a turn, which are tested together.
#[derive(Debug)]
struct Turn {
    stations: Vec<Station>,
    /// Channels without a verdict, because something else wants them.
    given_up: BTreeSet<Channel>,
    until_ms: u64,
    collecting: bool,
}

/// Where the rounds have come to.
#[derive(Debug)]
pub struct Rounds {
    channels: Vec<Channel>,
    every_ms: u64,
    next_ms: u64,
    waiting: VecDeque<Channel>,
    turn: Option<Turn>,
    /// Failed once, and seen again in the next turn.
    doubtful: BTreeSet<Channel>,
    /// Failed, and whether it is kept from calls.
    failed: BTreeMap<Channel, bool>,
    steps: VecDeque<Step>,
    findings: VecDeque<Finding>,
}

impl Rounds {
    /// Rounds over these channels, so long from the beginning of one to that of the next.
    #[must_use]
    pub fn new(channels: Vec<Channel>, every_ms: u64) -> Rounds {
        Rounds {
            channels,
            every_ms,
            next_ms: every_ms,
            waiting: VecDeque::new(),
            turn: None,
            doubtful: BTreeSet::new(),
            failed: BTreeMap::new(),
            steps: VecDeque::new(),
            findings: VecDeque::new(),
        }
    }

    /// The channels that are tested.
    #[must_use]
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Whether its channel is in test now.
    #[must_use]
    pub fn is_testing(&self, channel: Channel) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.stations.iter().any(|s| s.channel == channel))
    }

    /// The channels of a span that are kept from calls: bit n-1 stands for timeslot n.
    #[must_use]
    pub fn kept(&self, span: u16) -> u32 {
        let kept = self.failed.iter().filter(|(channel, kept)| channel.span == span && **kept);
        kept.fold(0, |set, (channel, _)| set | 1 << channel.timeslot.index())
    }

    /// Something else wants this channel: its test ends without a verdict.
    fn give_up(&mut self, channel: Channel) {
        let Some(turn) = &mut self.turn else { return };
        let Some(station) = turn.stations.iter().find(|s| s.channel == channel) else { return };
        if turn.given_up.insert(channel) {
            // The loop first: what is said on the channel goes out and comes in from now on.
            self.steps.push_back(Step::Loop(channel, TimeslotLoopback::None));
            if station.at_work && !turn.collecting {
                self.steps.push_back(Step::Probe(channel, None));
            }
        }
    }

    /// The card of this channel cannot loop it: it is not tested any more.
    pub fn cannot(&mut self, channel: Channel) {
        self.give_up(channel);
        self.channels.retain(|c| *c != channel);
        self.waiting.retain(|c| *c != channel);
        self.doubtful.remove(&channel);
    }

    /// A probe shows this.
    pub fn read(&mut self, channel: Channel, reading: Reading) {
        if let Some(station) = self.station(channel) {
            station.reading = Some(reading);
        }
    }

    /// A probe came back.
    pub fn came_back(&mut self, channel: Channel, probe: Box<Probe>) {
        if let Some(station) = self.station(channel) {
            station.came_back(probe);
        }
    }

    /// See what is due; `is_free` says of a channel whether nothing but this self-test wants it, and is asked of few.
    pub fn look(&mut self, now_ms: u64, is_free: impl Fn(Channel) -> bool) {
        let testing = self.turn.iter().flat_map(|turn| &turn.stations).map(|station| station.channel);
        let wanted: Vec<Channel> = testing.filter(|channel| !is_free(*channel)).collect();
        wanted.into_iter().for_each(|channel| self.give_up(channel));
        if let Some(turn) = &mut self.turn {
            let done = |s: &Station| !s.at_work || matches!(s.reading, Some(Reading::Bits { done: true, .. }));
            if !turn.collecting && (now_ms >= turn.until_ms || turn.stations.iter().all(done)) {
                (turn.collecting, turn.until_ms) = (true, now_ms + PATIENCE_MS);
                let placed = turn.stations.iter().filter(|s| s.at_work && !turn.given_up.contains(&s.channel));
                self.steps.extend(placed.map(|s| Step::Probe(s.channel, None)));
            }
            if turn.collecting && (now_ms >= turn.until_ms || turn.stations.iter().all(|s| !s.at_work)) {
                self.end_turn();
            }
            return;
        }
        if self.waiting.is_empty() && now_ms >= self.next_ms {
            self.next_ms = now_ms + self.every_ms;
            self.waiting.extend(&self.channels);
        }
        let mut few = Vec::new();
        while few.len() < AT_ONCE
            && let Some(channel) = self.waiting.pop_front()
        {
            if is_free(channel) {
                few.push(channel);
            } else {
                self.doubtful.remove(&channel);
            }
        }
        if !few.is_empty() {
            self.begin_turn(now_ms, few);
        }
    }

    /// What is to be done next.
    pub fn poll_step(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// What was found next.
    pub fn poll_finding(&mut self) -> Option<Finding> {
        self.findings.pop_front()
    }

    /// Everything ends at once, as the daemon does.
    pub fn close(&mut self) {
        self.channels.clear();
        self.waiting.clear();
        let testing: Vec<Channel> = self.turn.iter().flat_map(|t| t.stations.iter().map(|s| s.channel)).collect();
        testing.into_iter().for_each(|channel| self.give_up(channel));
        self.turn = None;
    }

    fn station(&mut self, channel: Channel) -> Option<&mut Station> {
        self.turn.as_mut()?.stations.iter_mut().find(|s| s.channel == channel)
    }

    fn begin_turn(&mut self, now_ms: u64, channels: Vec<Channel>) {
        let mut stations = Vec::new();
        for channel in channels {
            self.steps.push_back(Step::Loop(channel, TimeslotLoopback::Local));
            self.steps.push_back(Step::Probe(channel, Some(Box::new(Probe::bits(PATTERN)))));
            stations.push(Station { channel, reading: None, at_work: true });
        }
        // A line that stands still does not come to the end of a pattern.
        let until_ms = now_ms + u64::from(PATTERN_MS) + PATIENCE_MS;
        self.turn = Some(Turn { stations, given_up: BTreeSet::new(), until_ms, collecting: false });
    }

    fn end_turn(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        for station in &turn.stations {
            let channel = station.channel;
            if turn.given_up.contains(&channel) {
                self.doubtful.remove(&channel);
                continue;
            }
            self.steps.push_back(Step::Loop(channel, TimeslotLoopback::None));
            match (station.passed(), self.failed.contains_key(&channel)) {
                (true, true) => {
                    self.failed.remove(&channel);
                    self.findings.push_back(Finding::Well(channel));
                }
                (true, false) => drop(self.doubtful.remove(&channel)),
                (false, true) => {}
                (false, false) if self.doubtful.remove(&channel) => self.fail(channel),
                (false, false) => {
                    self.doubtful.insert(channel);
                    self.waiting.push_front(channel);
                }
            }
        }
    }

    fn fail(&mut self, channel: Channel) {
        let of_span = self.channels.iter().filter(|c| c.span == channel.span).count();
        let kept = (self.kept(channel.span).count_ones() as usize + 1) * 4 <= of_span;
        self.failed.insert(channel, kept);
        self.findings.push_back(Finding::Failed { channel, kept });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dsp::g711::Law;
    use hal::Timeslot;

    const EVERY_MS: u64 = 10_000;

    fn channel(timeslot: u8) -> Channel {
        Channel { span: 0, timeslot: Timeslot(timeslot) }
    }

    fn rounds(timeslots: u8) -> Rounds {
        Rounds::new((1..=timeslots).map(channel).collect(), EVERY_MS)
    }

    /// A card whose timeslots loop, but for the `broken` ones.
    #[derive(Default)]
    struct Bench {
        now_ms: u64,
        broken: Vec<u8>,
        busy: Vec<u8>,
        looped: BTreeSet<Channel>,
        probes: BTreeMap<Channel, (Box<Probe>, [u8; 80])>,
        /// How often each timeslot was tested.
        tested: BTreeMap<u8, u32>,
        at_once: usize,
    }

    impl Bench {
        /// Ticks of 10 ms; what was found meanwhile.
        fn pass(&mut self, rounds: &mut Rounds, ms: u64) -> Vec<Finding> {
            let mut found = Vec::new();
            for _ in 0..ms / 10 {
                self.now_ms += 10;
                for (channel, (probe, wire)) in &mut self.probes {
                    let whole = self.looped.contains(channel) && !self.broken.contains(&channel.timeslot.0);
                    let received = if whole { *wire } else { [0xff; 80] };
                    if let Some(reading) = probe.tick(Law::Mu, &received, wire) {
                        rounds.read(*channel, reading);
                    }
                }
                rounds.look(self.now_ms, |channel| !self.busy.contains(&channel.timeslot.0));
                self.obey(rounds);
                found.extend(std::iter::from_fn(|| rounds.poll_finding()));
            }
            found
        }

        fn obey(&mut self, rounds: &mut Rounds) {
            while let Some(step) = rounds.poll_step() {
                match step {
                    Step::Loop(channel, TimeslotLoopback::Local) => {
                        assert!(self.looped.insert(channel), "{channel:?} is looped twice");
                    }
                    Step::Loop(channel, _) => assert!(self.looped.remove(&channel), "{channel:?}"),
                    Step::Probe(channel, Some(probe)) => {
                        *self.tested.entry(channel.timeslot.0).or_default() += 1;
                        assert!(self.probes.insert(channel, (probe, [0xff; 80])).is_none(), "{channel:?} has two");
                    }
                    Step::Probe(channel, None) => {
                        let (probe, _) = self.probes.remove(&channel).expect("it was placed");
                        rounds.came_back(channel, probe);
                    }
                }
            }
            self.at_once = self.at_once.max(self.probes.len());
        }
    }

    #[test]
    fn every_idle_channel_is_tested_once_a_round_and_a_few_at_a_time() {
        let (mut rounds, mut bench) = (rounds(23), Bench { busy: vec![4, 9], ..Bench::default() });
        assert_eq!(bench.pass(&mut rounds, 2 * EVERY_MS - 10), []);
        let tested: Vec<(u8, u32)> = bench.tested.clone().into_iter().collect();
        let idle: Vec<(u8, u32)> = (1..=23).filter(|n| ![4, 9].contains(n)).map(|n| (n, 1)).collect();
        assert_eq!((tested, bench.at_once), (idle, AT_ONCE));
        assert!(bench.looped.is_empty() && bench.probes.is_empty(), "all is undone");
    }

    #[test]
    fn what_fails_twice_is_kept_and_what_passes_again_is_not() {
        let (mut rounds, mut bench) = (rounds(23), Bench { broken: vec![7], ..Bench::default() });
        let found = bench.pass(&mut rounds, EVERY_MS + 3_000);
        assert_eq!(found, [Finding::Failed { channel: channel(7), kept: true }]);
        assert_eq!((bench.tested[&7], bench.tested[&8], rounds.kept(0)), (2, 1, 1 << 6));
        assert_eq!(bench.pass(&mut rounds, 2 * EVERY_MS), [], "it is known");
        assert_eq!(rounds.kept(0), 1 << 6);
        bench.broken.clear();
        assert_eq!(bench.pass(&mut rounds, EVERY_MS), [Finding::Well(channel(7))]);
        assert_eq!(rounds.kept(0), 0);
    }

    #[test]
    fn a_single_failure_is_looked_at_again_and_forgotten() {
        let (mut rounds, mut bench) = (rounds(8), Bench { broken: vec![3], ..Bench::default() });
        assert_eq!(bench.pass(&mut rounds, EVERY_MS + 260), []);
        bench.broken.clear();
        assert_eq!(bench.pass(&mut rounds, EVERY_MS - 1_000), []);
        assert_eq!((bench.tested[&3], bench.tested[&2], rounds.kept(0)), (2, 1, 0));
    }

    #[test]
    fn a_call_ends_the_test_of_its_channel_at_once_and_is_no_verdict() {
        let (mut rounds, mut bench) = (rounds(4), Bench { broken: vec![1, 2], ..Bench::default() });
        bench.pass(&mut rounds, EVERY_MS + 50);
        assert!(rounds.is_testing(channel(1)) && bench.looped.contains(&channel(1)));
        bench.busy.push(1);
        bench.pass(&mut rounds, 10);
        assert!(!bench.looped.contains(&channel(1)) && !bench.probes.contains_key(&channel(1)));
        let found = bench.pass(&mut rounds, 2_000);
        assert_eq!(found, [Finding::Failed { channel: channel(2), kept: true }], "the others go on");
        assert_eq!(rounds.kept(0), 0b10);
    }

    #[test]
    fn a_loop_that_fails_everywhere_does_not_take_the_span_away() {
        let (mut rounds, mut bench) = (rounds(8), Bench { broken: (1..=8).collect(), ..Bench::default() });
        let found = bench.pass(&mut rounds, 3 * EVERY_MS);
        assert_eq!(found.len(), 8, "each is told once: {found:?}");
        assert_eq!(rounds.kept(0).count_ones(), 2, "a quarter");
    }

    #[test]
    fn a_card_that_does_not_loop_or_answer_ends_nothing_but_its_test() {
        let mut rounds = rounds(2);
        rounds.look(EVERY_MS, |_| true);
        assert!(rounds.is_testing(channel(1)) && rounds.is_testing(channel(2)));
        rounds.cannot(channel(1));
        // The real-time thread gives no probe back.
        rounds.look(EVERY_MS + 250 + PATIENCE_MS, |_| true);
        rounds.look(EVERY_MS + 250 + 2 * PATIENCE_MS, |_| true);
        assert!(!rounds.is_testing(channel(2)));
        while rounds.poll_step().is_some() {}
        rounds.look(3 * EVERY_MS, |_| true);
        assert!(rounds.is_testing(channel(2)) && !rounds.is_testing(channel(1)), "that channel is not tested again");
        rounds.close();
        assert!(matches!(rounds.poll_step(), Some(Step::Loop(..))) && !rounds.is_testing(channel(2)));
    }
}
