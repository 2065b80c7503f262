//! Our D channel against libpri: calls placed, answered, refused and cleared, by either end, in either role.
//!
//! Each story is told on NI-2, 5ESS and EuroISDN, once with us as the subscriber and libpri as the exchange, once the other
//! way round; and an independent dissector reads the capture of each.

mod libpri_support;

use hw_tests::peers::{GCC, LIBPRI, TSHARK, assert_no_malformed, require, tshark_fields};
use isdn::{
    CallReference, Cause, ChannelChoice, Config, DChannel, Event, LapdFrame, Number, Output, Setup, Side, Switch,
};
use libpri_support::{Libpri, PATIENCE};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const CALLED: &str = "5550100";
const CALLING: &str = "2025550101";

/// Where a story plays: our role, the other end's language, and the capture that gets all of a test's stories.
struct Place<'a> {
    side: Side,
    switch: Switch,
    capture: &'a Path,
}

/// One story: our D channel, libpri, and what we were told.
struct Story {
    ours: DChannel,
    libpri: Libpri,
    events: Vec<Event>,
    name: String,
}

impl Story {
    fn begin(place: &Place, arguments: &[&str]) -> Self {
        let Place { side, switch, capture } = *place;
        let (word, e1) = match switch {
            Switch::Ni2 => ("ni2", false),
            Switch::Ess5 => ("5ess", false),
            Switch::EuroIsdn => ("euroisdn", true),
            other => panic!("{other:?} is not part of these stories"),
        };
        let role = if side == Side::User { "network" } else { "user" };
        let libpri = Libpri::start(role, word, capture, arguments);
        let mut ours = DChannel::new(Config::new(side, switch, e1));
        ours.start(libpri.now());
        let name = format!("we are {side:?} on {word}");
        Story { ours, libpri, events: Vec::new(), name }
    }

    fn turn(&mut self) {
        self.drain();
        let now = self.libpri.now();
        if self.ours.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.ours.handle_timeout(now);
            self.drain();
        }
        if let Some(frame) = self.libpri.receive(Duration::from_millis(5)) {
            self.ours.handle_frame(self.libpri.now(), &frame);
        }
        self.drain();
        self.libpri.listen();
    }

    fn drain(&mut self) {
        while let Some(output) = self.ours.poll_output() {
            match output {
                Output::Frame(frame) => {
                    let frame: LapdFrame = frame;
                    self.libpri.send(&frame);
                }
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Story) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            let (name, events, seen) = (&self.name, &self.events, &self.libpri.seen);
            assert!(Instant::now() < deadline, "{name}: waiting for {what}; we saw {events:#?}, libpri {seen:#?}");
            self.turn();
        }
    }

    /// Waits for an event of ours that `pick` makes something of.
    fn event<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        self.wait(what, |story| story.events.iter().any(|event| pick(event).is_some()));
        self.events.iter().find_map(pick).expect("waited for")
    }

    fn incoming(&mut self) -> (CallReference, Setup) {
        self.event("Incoming", |event| match event {
            Event::Incoming { call, setup } => Some((*call, setup.clone())),
            _ => None,
        })
    }

    fn connected(&mut self, call: CallReference) {
        self.event("Connected", |event| (*event == Event::Connected { call }).then_some(()));
    }

    fn released(&mut self, call: CallReference) -> (Cause, bool) {
        self.event("Released", |event| match event {
            Event::Released { call: which, cause, by_peer } if *which == call => Some((*cause, *by_peer)),
            _ => None,
        })
    }

    fn link_up(&mut self) {
        self.wait("the link", |story| story.ours.is_up() && story.libpri.reported("up").is_some());
    }

    /// Takes the call that libpri places.
    fn answer(&mut self) -> CallReference {
        let (call, setup) = self.incoming();
        assert_eq!(setup.called.digits, CALLED, "{}", self.name);
        assert_eq!(setup.calling.map(|number| number.digits).as_deref(), Some(CALLING), "{}", self.name);
        let channel = channel_of(setup.channel);
        self.ours.proceed(self.libpri.now(), call, channel).expect("a call that came in may proceed");
        self.ours.alert(self.libpri.now(), call).expect("it may ring");
        self.ours.connect(self.libpri.now(), call).expect("it may be answered");
        self.connected(call);
        call
    }

    /// Lets libpri end, checks that it is content and that no call is left here; returns what libpri reported.
    fn end(mut self) -> Vec<Value> {
        self.wait("libpri's end", |story| story.libpri.has_ended());
        // What it said last is still to be read.
        for _ in 0..3 {
            self.turn();
        }
        assert_eq!(self.ours.calls().count(), 0, "{}: a call is left", self.name);
        let (exit, seen) = self.libpri.finish();
        assert_eq!(exit, Some(0), "{}: libpri reported {seen:#?}", self.name);
        let link = self.ours.counters().link;
        assert_eq!((link.malformed, link.acknowledgement_errors, link.rejects_out), (0, 0, 0), "{}", self.name);
        seen
    }
}

fn channel_of(choice: ChannelChoice) -> u8 {
    match choice {
        ChannelChoice::Exclusive(channel) | ChannelChoice::Preferred(channel) => channel,
        ChannelChoice::Any | ChannelChoice::None => panic!("libpri names a channel"),
    }
}

fn reported<'a>(seen: &'a [Value], name: &str) -> &'a Value {
    seen.iter().find(|event| event["event"] == name).unwrap_or_else(|| panic!("libpri reported no {name}: {seen:#?}"))
}

fn setup(channel: u8) -> Setup {
    Setup {
        called: Number::new(CALLED),
        calling: Some(Number::new(CALLING)),
        channel: ChannelChoice::Exclusive(channel),
        sending_complete: true,
        ..Setup::default()
    }
}

fn everywhere(test: &str, story: impl Fn(&Place)) {
    if !require(test, &[GCC, LIBPRI, TSHARK]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let capture = &folder.path().join("all.pcap");
    for side in [Side::User, Side::Network] {
        for switch in [Switch::Ni2, Switch::Ess5, Switch::EuroIsdn] {
            story(&Place { side, switch, capture });
        }
    }
    assert_no_malformed(capture);
    // STATUS would mean that one of the two did not understand the other.
    let messages = tshark_fields(capture, &["frame.number", "lapd.direction", "q931.message_type", "q931.cause_value"]);
    let status: Vec<_> = messages.iter().filter(|row| row[2] == "0x7d").collect();
    assert!(status.is_empty(), "STATUS in the capture: {status:?}");
}

/// libpri calls, we answer, libpri hangs up.
#[test]
fn it_calls_and_hangs_up() {
    everywhere("it_calls_and_hangs_up", |place| {
        let call = ["--call", CALLED, "--from", CALLING, "--seconds", "0.05", "--hangup-cause", "31"];
        let mut story = Story::begin(place, &call);
        let call = story.answer();
        let (cause, by_peer) = story.released(call);
        assert_eq!((cause.value, by_peer), (31, true), "{}", story.name);
        let seen = story.end();
        assert_eq!(reported(&seen, "hangup")["by_far_end"], false);
    });
}

/// libpri calls, we answer and hang up.
#[test]
fn it_calls_and_we_hang_up() {
    everywhere("it_calls_and_we_hang_up", |place| {
        let mut story = Story::begin(place, &["--call", CALLED, "--from", CALLING]);
        let call = story.answer();
        story.wait("libpri to take the answer", |story| story.libpri.reported("answer").is_some());
        story.ours.clear(story.libpri.now(), call, Cause::user(16)).expect("a call in progress may be cleared");
        let (cause, by_peer) = story.released(call);
        assert_eq!((cause.value, by_peer), (16, false), "{}", story.name);
        let seen = story.end();
        let hangup = reported(&seen, "hangup");
        assert_eq!((&hangup["cause"], &hangup["by_far_end"]), (&16.into(), &true.into()));
    });
}

/// libpri calls and we refuse, before and after CALL PROCEEDING.
#[test]
fn it_calls_and_we_refuse() {
    everywhere("it_calls_and_we_refuse", |place| {
        for proceed_first in [false, true] {
            let mut story = Story::begin(place, &["--call", CALLED, "--from", CALLING]);
            let (call, setup) = story.incoming();
            if proceed_first {
                let channel = channel_of(setup.channel);
                story.ours.proceed(story.libpri.now(), call, channel).expect("it may proceed");
            }
            story.ours.clear(story.libpri.now(), call, Cause::user(17)).expect("it may be refused");
            let (cause, by_peer) = story.released(call);
            assert_eq!((cause.value, by_peer), (17, false), "{}", story.name);
            let seen = story.end();
            assert_eq!(reported(&seen, "hangup")["cause"], 17);
        }
    });
}

/// We call, libpri answers, we hang up.
#[test]
fn we_call_and_hang_up() {
    everywhere("we_call_and_hang_up", |place| {
        let mut story = Story::begin(place, &["--answer"]);
        story.link_up();
        let call = story.ours.dial(story.libpri.now(), &setup(5)).expect("the link is up");
        let channel = story.event("Proceeding", |event| match event {
            Event::Proceeding { call: which, channel } if *which == call => Some(*channel),
            _ => None,
        });
        assert_eq!(channel, 5, "{}", story.name);
        story.connected(call);
        story.wait("CONNECT ACKNOWLEDGE at libpri", |story| story.libpri.reported("connected").is_some());
        story.ours.clear(story.libpri.now(), call, Cause::user(16)).expect("a call in progress may be cleared");
        let (cause, by_peer) = story.released(call);
        assert_eq!((cause.value, by_peer), (16, false), "{}", story.name);
        let seen = story.end();
        let ring = reported(&seen, "ring");
        assert_eq!((&ring["called"], &ring["calling"]), (&CALLED.into(), &CALLING.into()));
        assert_eq!((&ring["channel"], &ring["bearer"]), (&5.into(), &0.into()));
    });
}

/// We call, libpri answers and hangs up.
#[test]
fn we_call_and_it_hangs_up() {
    everywhere("we_call_and_it_hangs_up", |place| {
        let mut story = Story::begin(place, &["--answer", "--seconds", "0.05", "--hangup-cause", "31"]);
        story.link_up();
        let call = story.ours.dial(story.libpri.now(), &setup(23)).expect("the link is up");
        story.connected(call);
        let (cause, by_peer) = story.released(call);
        assert_eq!((cause.value, by_peer), (31, true), "{}", story.name);
        story.end();
    });
}

/// We call and libpri refuses: at once with RELEASE COMPLETE (cause 34), or after CALL PROCEEDING with DISCONNECT (21).
#[test]
fn we_call_and_it_refuses() {
    everywhere("we_call_and_it_refuses", |place| {
        for refusal in [34, 21] {
            let mut story = Story::begin(place, &["--answer", "--reject", &refusal.to_string()]);
            story.link_up();
            let call = story.ours.dial(story.libpri.now(), &setup(1)).expect("the link is up");
            let (cause, by_peer) = story.released(call);
            assert_eq!((cause.value, by_peer), (refusal, true), "{}", story.name);
            story.end();
        }
    });
}

/// Twenty calls at once, on channels of libpri's choosing, and all of them end.
#[test]
fn it_places_twenty_calls_at_once() {
    everywhere("it_places_twenty_calls_at_once", |place| {
        let one = ["--call", CALLED, "--from", CALLING, "--seconds", "0.2"];
        let mut story = Story::begin(place, &one.repeat(20));
        let mut answered = Vec::new();
        let mut channels = Vec::new();
        story.wait("twenty calls", |story| {
            let new: Vec<_> = story
                .events
                .iter()
                .filter_map(|event| match event {
                    Event::Incoming { call, setup } if !answered.contains(call) => Some((*call, setup.channel)),
                    _ => None,
                })
                .collect();
            for (call, choice) in new {
                answered.push(call);
                channels.push(channel_of(choice));
                story.ours.proceed(story.libpri.now(), call, channel_of(choice)).expect("it may proceed");
                story.ours.connect(story.libpri.now(), call).expect("it may be answered");
            }
            let count = |wanted: fn(&Event) -> bool| story.events.iter().filter(|event| wanted(event)).count();
            count(|event| matches!(event, Event::Connected { .. })) == 20
                && count(|event| matches!(event, Event::Released { .. })) == 20
        });
        channels.sort_unstable();
        channels.dedup();
        assert_eq!(channels.len(), 20, "{}: {channels:?}", story.name);
        story.end();
    });
}

/// We restart a channel that is idle, and libpri acknowledges.
#[test]
fn we_restart_a_channel() {
    everywhere("we_restart_a_channel", |place| {
        let mut story = Story::begin(place, &["--answer", "--seconds", "0"]);
        story.link_up();
        story.ours.restart(story.libpri.now(), 7).expect("the link is up");
        let acknowledged = story.event("RestartDone", |event| match event {
            Event::RestartDone { channel: 7, acknowledged } => Some(*acknowledged),
            _ => None,
        });
        assert!(acknowledged, "{}", story.name);
        // And the channel carries a call afterwards.
        let call = story.ours.dial(story.libpri.now(), &setup(7)).expect("the link is up");
        story.released(call);
        let seen = story.end();
        assert_eq!(reported(&seen, "restart")["channel"], 7);
    });
}
