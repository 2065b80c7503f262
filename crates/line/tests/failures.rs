//! A defect becomes a failure after 2.5 s and stops being one after 10 s without it; what is a consequence is not told.

use line::failure::RULES;
use line::{Change, Defects, FailureKind, Failures};
use std::time::Duration;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A line whose time passes only through its own time-outs and the inputs of the test.
#[derive(Default)]
struct Watched {
    failures: Failures,
    story: Vec<String>,
}

impl Watched {
    fn tell(&mut self, now: Duration) {
        let at = now.as_millis();
        while let Some(change) = self.failures.poll_output() {
            self.story.push(match change {
                Change::Declared { kind, since } => format!("{at} {kind} since {}", since.as_millis()),
                Change::Cleared { kind, hidden_by: None, .. } => format!("{at} {kind} cleared"),
                Change::Cleared { kind, hidden_by: Some(by), .. } => format!("{at} {kind} hidden by {by}"),
            });
        }
    }

    /// Let time pass until then, by time-outs.
    fn until(&mut self, at: u64) {
        while let Some(due) = self.failures.poll_timeout().filter(|due| *due <= ms(at)) {
            self.failures.handle_timeout(due);
            self.tell(due);
        }
    }

    fn set(&mut self, at: u64, defects: Defects) {
        self.until(at);
        self.failures.handle_defects(ms(at), defects);
        self.tell(ms(at));
    }

    /// What was told until then; it is forgotten.
    fn story(&mut self, at: u64) -> Vec<String> {
        self.until(at);
        std::mem::take(&mut self.story)
    }
}

const NONE: Defects = Defects::empty();

#[test]
fn each_failure_keeps_to_its_times() {
    for rule in RULES {
        let mut line = Watched::default();
        let declare = rule.declare.as_millis() as u64;
        line.set(1_000, rule.defect);
        assert_eq!(line.story(1_000 + declare - 1), [""; 0], "{}", rule.kind);
        assert_eq!(line.story(1_000 + declare), [format!("{} {} since 1000", 1_000 + declare, rule.kind)]);
        line.set(60_000, NONE);
        assert_eq!(line.story(69_999), [""; 0]);
        assert_eq!(line.story(70_000), [format!("70000 {} cleared", rule.kind)]);
        assert_eq!(line.failures.poll_timeout(), None);
    }
}

#[test]
fn flicker_is_not_a_failure() {
    let mut line = Watched::default();
    for i in 0..1_000 {
        line.set(i * 3_000, Defects::LOS);
        line.set(i * 3_000 + 2_499, NONE);
    }
    assert_eq!(line.story(10_000_000), [""; 0]);
}

#[test]
fn a_failure_that_flickers_is_one_failure() {
    let mut line = Watched::default();
    line.set(0, Defects::LOF);
    for i in 1..100 {
        line.set(i * 11_000, NONE);
        line.set(i * 11_000 + 9_999, Defects::LOF);
    }
    line.set(2_000_000, NONE);
    assert_eq!(line.story(3_000_000), ["2500 LOF since 0", "2010000 LOF cleared"]);
}

#[test]
fn an_unplugged_cable_is_one_alarm() {
    let mut line = Watched::default();
    line.set(0, Defects::LOS | Defects::LOF | Defects::LOMF);
    line.set(4_000, Defects::LOS | Defects::LOF | Defects::LOMF | Defects::LINK_DOWN);
    assert_eq!(line.story(60_000), ["2500 LOS since 0"]);
    // The signal comes back, framing 200 ms later, the data link after 4 s more.
    line.set(60_000, Defects::LOF | Defects::LOMF | Defects::LINK_DOWN);
    line.set(60_200, Defects::LINK_DOWN);
    line.set(64_200, NONE);
    assert_eq!(line.story(200_000), ["70000 LOS cleared"], "what was hidden and is over is never told");
    assert_eq!(line.failures.poll_timeout(), None);
}

#[test]
fn what_was_hidden_and_still_stands_comes_out_at_once() {
    let mut line = Watched::default();
    line.set(0, Defects::LOS | Defects::LOF);
    line.set(30_000, Defects::LOF);
    assert_eq!(line.story(39_999), ["2500 LOS since 0"]);
    assert_eq!(line.story(50_000), ["40000 LOS cleared", "40000 LOF since 0"]);
}

#[test]
fn the_worse_takes_the_place_of_the_lesser() {
    let mut line = Watched::default();
    line.set(0, Defects::RAI);
    line.set(5_000, Defects::RAI | Defects::LOF);
    line.set(20_000, Defects::AIS | Defects::LOF);
    line.set(40_000, Defects::LOS);
    assert_eq!(
        line.story(60_000),
        [
            "2500 RAI since 0",
            "7500 LOF since 5000",
            "7500 RAI hidden by LOF",
            "22500 AIS since 20000",
            "22500 LOF hidden by AIS",
            "42500 LOS since 40000",
            "42500 AIS hidden by LOS",
        ]
    );
    assert_eq!(line.failures.standing().collect::<Vec<_>>(), [(FailureKind::Los, ms(40_000))]);
}

#[test]
fn a_worse_defect_delays_the_lesser_failure() {
    // LOF for 2 s, then the signal flickers: whether it is LOF or LOS is not known yet.
    let mut line = Watched::default();
    line.set(0, Defects::LOF);
    line.set(2_000, Defects::LOF | Defects::LOS);
    line.set(4_000, Defects::LOF);
    assert_eq!(line.story(10_000), ["4000 LOF since 0"]);
}

#[test]
fn the_data_link_is_no_alarm_while_the_line_is_in_alarm() {
    let mut line = Watched::default();
    line.set(0, Defects::LINK_DOWN | Defects::RAI);
    assert_eq!(line.story(60_000), ["2500 RAI since 0"]);
    line.set(60_000, Defects::LINK_DOWN);
    assert_eq!(line.story(80_000), ["70000 RAI cleared", "70000 D-channel link down since 0"]);
}

#[test]
fn a_late_call_finds_what_was_due_before() {
    let mut line = Watched::default();
    line.failures.handle_defects(ms(0), Defects::LOS);
    line.failures.handle_defects(ms(30_000), NONE);
    line.tell(ms(30_000));
    assert_eq!(line.story(60_000), ["30000 LOS since 0", "40000 LOS cleared"]);
}
