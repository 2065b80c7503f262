//! An hour of a line behind its one interface: a cable is pulled and put back, the clock is wrong for a while; what is
//! told, and what is shown.

mod common;

use common::MIDNIGHT;
use line::show::{Report, View};
use line::{Change, Config, Defects, Framing, Monitor, Output, Raw};
use std::time::Duration;

/// Everything but the days.
const ALL: View = View { intervals: line::INTERVALS, far: true, day: false };
const WALL: Duration = Duration::from_secs(MIDNIGHT);

struct Office {
    monitor: Monitor,
    raw: Raw,
    told: Vec<String>,
}

impl Office {
    fn new(framing: Framing) -> Self {
        let raw = Raw { crc_errors: 12_345, ..Raw::default() };
        let monitor = Monitor::new(Config::new(framing), Duration::ZERO, WALL, raw);
        Office { monitor, raw, told: Vec::new() }
    }

    fn collect(&mut self, now: Duration) {
        let at = now.as_secs_f64();
        while let Some(output) = self.monitor.poll_output() {
            self.told.push(match output {
                Output::Failure(Change::Declared { kind, .. }) => format!("{at} {kind}"),
                Output::Failure(Change::Cleared { kind, .. }) => format!("{at} {kind} cleared"),
                Output::Crossing(c) => format!("{at} {} {:?} {:?} {}", c.counter.name(), c.end, c.period, c.count),
                Output::Rate(rate) if rate.raised => format!("{at} {} {}", rate.count, rate.kind),
                Output::Rate(rate) => format!("{at} few {}", rate.kind),
            });
        }
    }

    fn defects(&mut self, at_ms: u64, defects: Defects) {
        let now = Duration::from_millis(at_ms);
        self.monitor.handle_defects(now, defects);
        self.collect(now);
    }

    /// Run until then; in each second the counters go up by this.
    fn run(&mut self, until_s: u64, each: impl Fn(&mut Raw)) {
        loop {
            let now = self.monitor.poll_timeout();
            if now > Duration::from_secs(until_s) {
                return;
            }
            if now.subsec_nanos() == 0 {
                self.raw.far_reports += 1;
                each(&mut self.raw);
            }
            self.monitor.handle_timeout(now, WALL + now, &self.raw);
            self.collect(now);
        }
    }
}

#[test]
fn an_hour_of_a_line() {
    let mut office = Office::new(Framing::T1Esf);
    office.run(900, |_| ());
    office.run(1_000, |raw| raw.crc_errors += 1);
    office.defects(1_000_400, Defects::LOS | Defects::LOF);
    office.run(1_060, |_| ());
    office.defects(1_060_400, Defects::empty());
    office.run(2_700, |_| ());
    office.run(2_706, |raw| {
        raw.slips += 1;
        raw.aborts += 2;
    });
    office.run(3_600, |_| ());
    assert_eq!(
        office.told,
        [
            "965 ES Near Quarter 65",
            "1002.9 LOS",
            "1010 UAS Near Quarter 10",
            "1010 UAS Near Day 10",
            "1070.4 LOS cleared",
            "2701 CSS Near Quarter 1",
            "2704 CSS Near Day 4",
            "2705 5 slips",
            "2705 10 aborted D-channel frames",
            "2765 few aborted D-channel frames",
        ]
    );

    office.run(4_038, |_| ());
    let now = Duration::from_secs(4_038);
    let report = Report::of(&office.monitor, now);
    let text = report.text(ALL).to_string();
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    assert_eq!(text, include_str!("samples/an_hour.txt"));
    let json = serde_json::to_string(&report).expect("can be written");
    assert_eq!(serde_json::from_str::<Report>(&json).expect("can be read"), report);

    // Less of it, and more.
    let few = report.text(View { intervals: 1, ..View::default() }).to_string();
    assert!(!few.contains("Far end"), "{few}");
    assert_eq!(few.lines().last(), text.lines().find(|line| line.trim_start().starts_with("1  ")), "{few}");
    let days = report.text(View { day: true, ..View::default() }).to_string();
    assert!(days.contains("Current day, 4038 of 86400 s elapsed:"), "{days}");
    assert!(days.ends_with("Nothing is known of the day before.\n"), "{days}");
}

#[test]
fn the_widest_numbers_fit() {
    let mut office = Office::new(Framing::T1Esf);
    office.run(3_600, |raw| {
        raw.line_violations += 1_543_000;
        raw.crc_errors += 319;
        raw.slips += 1;
    });
    office.defects(3_600_000, Defects::ABSENT);
    office.run(90_000, |_| ());
    let text = Report::of(&office.monitor, Duration::from_secs(90_000)).text(ALL).to_string();
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    assert!(text.contains("absent for 24 h"), "{text}");
    assert!(text.contains("Total of 96 intervals before (24 hours):"), "{text}");
    // Fifteen minutes of it: violations by the million, of which the register holds what it can.
    assert!(text.contains("  00:45  900    1388M  287100  900    0    0    0  900  900  900  15\n"), "{text}");
}

#[test]
fn a_restart_in_the_middle() {
    let mut before = Office::new(Framing::T1Esf);
    before.run(1_200, |raw| raw.crc_errors += 1);
    let kept = serde_json::to_string(&before.monitor.snapshot()).expect("can be written");

    // 59 s later, by the clock on the wall; the program's own clock begins anew.
    let wall = WALL + Duration::from_secs(1_259);
    let mut monitor = Monitor::new(Config::new(Framing::T1Esf), Duration::ZERO, wall, Raw::default());
    monitor.restore(serde_json::from_str(&kept).expect("can be read")).expect("ours");
    while let now = monitor.poll_timeout()
        && now <= Duration::from_secs(600)
    {
        monitor.handle_timeout(now, wall + now, &Raw::default());
    }
    let report = Report::of(&monitor, Duration::from_secs(600));
    let seen: Vec<_> = report.near.intervals.iter().map(|entry| (entry.observed, entry.counts.es)).collect();
    assert_eq!(seen, [(841, 300), (900, 900)]);
    assert!(report.text(ALL).to_string().contains("Total of 2 intervals before, 1 incomplete:"));
}

#[test]
fn watching_allocates_nothing() {
    let mut office = Office::new(Framing::E1Crc4);
    let counted = allocation_counter::measure(|| {
        for hour in 0..48 {
            let at = Duration::from_secs(hour * 3_600);
            office.monitor.handle_defects(at, if hour % 2 == 0 { Defects::RAI } else { Defects::empty() });
            loop {
                let now = office.monitor.poll_timeout();
                if now > at + Duration::from_secs(3_600) {
                    break;
                }
                office.raw.crc_errors += hour * 50;
                office.raw.wrong_fcs += 1;
                office.monitor.handle_timeout(now, WALL + now, &office.raw);
                while office.monitor.poll_output().is_some() {}
            }
        }
    });
    assert_eq!(counted.count_total, 0);
}
