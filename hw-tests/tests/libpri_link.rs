//! Our data link against libpri's, in both roles.
//!
//! libpri establishes at once and, in the longer tests, places a call; we play layer 3 with the few octets it takes to
//! clear it. What these tests show is layer 2: up, numbered messages both ways, losses made good, restarts noticed.

mod libpri_support;

use hw_tests::peers::{GCC, LIBPRI, TSHARK, assert_no_malformed, require, tshark_fields};
use isdn::Side;
use isdn::q921::{DataLink, Output, Parameters, StateName};
use libpri_support::{Libpri, PATIENCE};
use std::time::{Duration, Instant};

/// Our end: the link, and what it told layer 3.
struct Ours {
    link: DataLink,
    established: Vec<bool>,
    messages: Vec<Vec<u8>>,
    /// Frames to drop on the way to us, and from us, by their position.
    lose_in: Vec<usize>,
    lose_out: Vec<usize>,
    count_in: usize,
    count_out: usize,
}

impl Ours {
    fn new(side: Side) -> Self {
        let link = DataLink::new(side, Parameters::default());
        let (lose_in, lose_out) = (Vec::new(), Vec::new());
        Ours { link, established: Vec::new(), messages: Vec::new(), lose_in, lose_out, count_in: 0, count_out: 0 }
    }

    /// One turn: time, one frame, and everything there is to collect.
    fn turn(&mut self, libpri: &mut Libpri) {
        self.drain(libpri);
        let now = libpri.now();
        if self.link.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.link.handle_timeout(now);
            self.drain(libpri);
        }
        if let Some(frame) = libpri.receive(Duration::from_millis(5)) {
            let position = self.count_in;
            self.count_in += 1;
            if !self.lose_in.contains(&position) {
                self.link.handle_frame(libpri.now(), &frame);
            }
        }
        self.drain(libpri);
        libpri.listen();
    }

    fn drain(&mut self, libpri: &mut Libpri) {
        while let Some(output) = self.link.poll_output() {
            match output {
                Output::Transmit(frame) => {
                    let position = self.count_out;
                    self.count_out += 1;
                    if !self.lose_out.contains(&position) {
                        libpri.send(&frame);
                    }
                }
                Output::Established { reset } => self.established.push(reset),
                Output::Information(message) => self.messages.push(message.to_vec()),
                Output::Released => panic!("the link was lost: {:?}", self.link.counters()),
            }
        }
    }

    fn run_until(&mut self, libpri: &mut Libpri, what: &str, mut done: impl FnMut(&Ours, &mut Libpri) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self, libpri) {
            let (state, counters) = (self.link.state(), self.link.counters());
            assert!(Instant::now() < deadline, "waiting for {what}: {state:?}, {counters:?}, {:#?}", libpri.seen);
            self.turn(libpri);
        }
    }
}

/// RELEASE COMPLETE, cause 34, for the call of a SETUP (Q.931 clause 3.1.10): the shortest way to refuse it.
fn refusal(setup: &[u8]) -> Vec<u8> {
    assert_eq!(
        (setup[0], setup[1], setup[4]),
        (0x08, 2, 0x05),
        "a SETUP with a call reference of two octets: {setup:02x?}"
    );
    vec![0x08, 0x02, setup[2] | 0x80, setup[3], 0x5a, 0x08, 0x02, 0x80, 0x80 | 34]
}

fn other_role(side: Side) -> &'static str {
    match side {
        Side::User => "network",
        Side::Network => "user",
    }
}

/// Takes libpri's call and refuses it; both ends must agree on that.
fn refuse_a_call(ours: &mut Ours, libpri: &mut Libpri) {
    ours.run_until(libpri, "the SETUP", |ours, _| !ours.messages.is_empty());
    let answer = refusal(&ours.messages[0]);
    ours.link.send(libpri.now(), &answer).expect("the link is up");
    ours.run_until(libpri, "the end", |_, libpri| libpri.has_ended());
}

#[test]
fn the_link_comes_up_and_carries_a_call_refused() {
    if !require("the_link_comes_up_and_carries_a_call_refused", &[GCC, LIBPRI, TSHARK]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for side in [Side::User, Side::Network] {
        for switch in ["ni2", "5ess", "euroisdn", "dms100", "4ess"] {
            let capture = folder.path().join(format!("{side:?}-{switch}.pcap"));
            let mut libpri =
                Libpri::start(other_role(side), switch, &capture, &["--call", "5550100", "--from", "2025550101"]);
            let mut ours = Ours::new(side);
            ours.link.establish(libpri.now());
            refuse_a_call(&mut ours, &mut libpri);
            let (exit, events) = libpri.finish();
            assert_eq!(exit, Some(0), "{switch} {side:?}: {events:#?}");
            let hangup = events.iter().find(|event| event["event"] == "hangup").expect("the call ended");
            assert_eq!((&hangup["cause"], &hangup["by_far_end"]), (&34.into(), &true.into()), "{switch} {side:?}");
            assert_eq!(ours.established.first(), Some(&false));
            assert_eq!(ours.link.counters().malformed, 0);
            assert_eq!(ours.link.counters().acknowledgement_errors, 0);
            assert_no_malformed(&capture);
            // An independent reader agrees on who is who.
            let directions = tshark_fields(&capture, &["lapd.direction", "q931.message_type"]);
            let setup = directions.iter().find(|row| row[1] == "0x05").expect("the SETUP is in the capture");
            assert_eq!(setup[0], if side == Side::User { "1" } else { "0" }, "{switch} {side:?}");
        }
    }
}

/// The UA is lost on its way, then the SETUP, then our answer to it: each costs a T200, none the call.
#[test]
fn lost_frames_are_made_good_by_either_end() {
    if !require("lost_frames_are_made_good_by_either_end", &[GCC, LIBPRI]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("losses.pcap");
    let mut libpri = Libpri::start("network", "ni2", &capture, &["--call", "5550100"]);
    let mut ours = Ours::new(Side::User);
    // We do not begin: in comes SABME, out goes UA (lost), in SABME, out UA, in SETUP (lost), in its poll and so on.
    ours.lose_out = vec![0];
    ours.lose_in = vec![2];
    ours.run_until(&mut libpri, "the SETUP", |ours, _| !ours.messages.is_empty());
    ours.lose_out.push(ours.count_out + 1);
    refuse_a_call(&mut ours, &mut libpri);
    let (exit, events) = libpri.finish();
    assert_eq!(exit, Some(0), "{events:#?}");
    assert_eq!(ours.messages.len(), 1, "the SETUP arrived once");
}

/// libpri is killed and started again on the same line: the link is reset and works, and layer 3 is told.
#[test]
fn an_exchange_that_restarts_is_noticed() {
    if !require("an_exchange_that_restarts_is_noticed", &[GCC, LIBPRI]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("restart.pcap");
    let mut libpri = Libpri::start("network", "5ess", &capture, &["--answer"]);
    let mut ours = Ours::new(Side::User);
    ours.link.establish(libpri.now());
    let up = |ours: &Ours, libpri: &mut Libpri| {
        ours.link.state() == StateName::MultipleFrameEstablished && libpri.reported("up").is_some()
    };
    ours.run_until(&mut libpri, "the link", up);
    let resets = ours.link.counters().resets;
    libpri.restart("network", "5ess", &["--call", "5550100"]);
    refuse_a_call(&mut ours, &mut libpri);
    assert!(ours.link.counters().resets > resets);
    assert_eq!(ours.established.last(), Some(&true), "layer 3 was told of the reset");
    let (exit, events) = libpri.finish();
    assert_eq!(exit, Some(0), "{events:#?}");
}

/// We restart while libpri believes the link up.
#[test]
fn we_restart_and_libpri_takes_us_back() {
    if !require("we_restart_and_libpri_takes_us_back", &[GCC, LIBPRI]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("taken-back.pcap");
    let mut libpri = Libpri::start("user", "euroisdn", &capture, &["--call", "5550100", "--after", "0.3"]);
    let mut before = Ours::new(Side::Network);
    before.link.establish(libpri.now());
    before.run_until(&mut libpri, "the link", |ours, libpri| {
        ours.link.state() == StateName::MultipleFrameEstablished && libpri.reported("up").is_some()
    });
    let mut after = Ours::new(Side::Network);
    after.link.establish(libpri.now());
    refuse_a_call(&mut after, &mut libpri);
    assert_eq!(after.established, [false]);
    let (exit, events) = libpri.finish();
    assert_eq!(exit, Some(0), "{events:#?}");
}
