//! Service messages between our D channel and libpri: told by either, in either role, on the four variants that have them; and an
//! independent dissector reads the capture.

mod libpri_support;

use hw_tests::peers::{GCC, LIBPRI, TSHARK, assert_no_malformed, require, tshark_fields};
use isdn::{Config, DChannel, Event, FarState, Manner, Output, ServiceState, Side, Switch};
use libpri_support::{Libpri, PATIENCE};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const STATES: [ServiceState; 3] = [ServiceState::OutOfService, ServiceState::Maintenance, ServiceState::InService];

struct Story {
    ours: DChannel,
    libpri: Libpri,
    events: Vec<Event>,
    name: String,
}

impl Story {
    fn begin(side: Side, switch: Switch, capture: &Path, arguments: &[&str]) -> Story {
        let role = if side == Side::User { "network" } else { "user" };
        let libpri = Libpri::start(role, switch.row().name, capture, arguments);
        let config = Config::new(side, switch, false).with_service_messages().expect("the variant has SERVICE");
        let mut ours = DChannel::new(config);
        ours.start(libpri.now());
        Story { ours, libpri, events: Vec::new(), name: format!("we are {side:?} on {}", switch.row().name) }
    }

    fn turn(&mut self) {
        let now = self.libpri.now();
        if self.ours.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.ours.handle_timeout(now);
        }
        while let Some(output) = self.ours.poll_output() {
            match output {
                Output::Frame(frame) => self.libpri.send(&frame),
                Output::Event(event) => self.events.push(event),
            }
        }
        if let Some(frame) = self.libpri.receive(Duration::from_millis(5)) {
            self.ours.handle_frame(self.libpri.now(), &frame);
        }
        self.libpri.listen();
    }

    fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Story) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            let (name, events, seen) = (&self.name, &self.events, &self.libpri.seen);
            assert!(Instant::now() < deadline, "{name}: waiting for {what}; we saw {events:#?}, libpri {seen:#?}");
            self.turn();
        }
    }

    fn end(mut self) -> Vec<Value> {
        self.wait("libpri's end", |story| story.libpri.has_ended());
        let (exit, seen) = self.libpri.finish();
        assert_eq!(exit, Some(0), "{}: libpri reported {seen:#?}", self.name);
        let counters = self.ours.counters();
        assert_eq!((counters.link.malformed, counters.service.not_understood), (0, 0), "{}", self.name);
        assert_eq!((counters.service.mismatches, counters.service.unsolicited), (0, 0), "{}", self.name);
        seen
    }
}

fn everywhere(test: &str, story: impl Fn(Side, Switch, &Path)) {
    if !require(test, &[GCC, LIBPRI, TSHARK]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let capture = &folder.path().join("all.pcap");
    for side in [Side::User, Side::Network] {
        for switch in [Switch::Ni2, Switch::Ess5, Switch::Ess4, Switch::Dms100] {
            story(side, switch, capture);
        }
    }
    assert_no_malformed(capture);
    // STATUS would mean that one of the two did not understand the other.
    let messages = tshark_fields(capture, &["frame.number", "q931.message_type"]);
    assert!(messages.iter().all(|row| row[1] != "0x7d"), "STATUS in the capture");
}

/// What libpri reports of a kind: channel and status.
fn reported(seen: &[Value], name: &str) -> Vec<(u64, u64)> {
    let number = |event: &Value, key: &str| event[key].as_u64().unwrap_or_else(|| panic!("{event}"));
    let of_kind = seen.iter().filter(|event| event["event"] == name);
    of_kind.map(|event| (number(event, "channel"), number(event, "status"))).collect()
}

/// We tell all channels when the link comes up, then one channel's three states; libpri reports and acknowledges each.
#[test]
fn we_tell() {
    everywhere("we_tell", |side, switch, capture| {
        // The first of the three follows at once; a channel has no more turns within half a minute than three.
        let mut story = Story::begin(side, switch, capture, &["--services", "26"]);
        story.wait("what is told on a new link", |story| story.ours.counters().service.acknowledged == 23);
        for (channel, state) in [(5, STATES[0]), (6, STATES[1]), (5, STATES[2])] {
            let now = story.libpri.now();
            story.ours.set_near(now, channel, state, Manner::Force).expect("there is such a channel");
            let settled = Event::ServiceSettled { channel, state, acknowledged: true };
            story.wait("its acknowledgement", |story| story.events.contains(&settled));
        }
        let name = story.name.clone();
        let seen = story.end();
        let told = reported(&seen, "service");
        let at_first: Vec<_> = (1..=23).map(|channel| (channel, 0)).collect();
        assert_eq!(told[..23], at_first, "{name}");
        assert_eq!(told[23..], [(5, 2), (6, 1), (5, 0)], "{name}");
    });
}

/// libpri tells three channels' states; we follow, and it gets an acknowledgement of each.
#[test]
fn it_tells() {
    everywhere("it_tells", |side, switch, capture| {
        let arguments = ["--service", "5:2", "--service", "6:1", "--service", "7:2", "--service", "7:0"];
        let mut story = Story::begin(side, switch, capture, &arguments);
        let far = |story: &Story, channel| story.ours.service(channel).expect("there is such a channel").far;
        story.wait("its states", |story| story.ours.counters().service.requests_in == 4);
        assert_eq!(far(&story, 5), FarState::OutOfService, "{}", story.name);
        assert_eq!(far(&story, 6), FarState::Maintenance, "{}", story.name);
        assert_eq!(far(&story, 7), FarState::InService, "{}", story.name);
        let name = story.name.clone();
        let seen = story.end();
        assert!(reported(&seen, "service_ack").len() >= 4, "{name}: {seen:#?}");
    });
}
