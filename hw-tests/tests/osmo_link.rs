//! Our data link against that of libosmoabis 1.3.0 with libosmocore 1.7.0, in both roles: a second Q.921 made by others, and
//! stranger than the first.
//!
//! Where it departs from Q.921 (09/97), as its captures and its source show:
//! - N201 (260), k (7), T200 (1 s), N200 (3) and T203 (10 s) are the Recommendation's. No TEI management: TEI 0 is given to it.
//! - While it waits for an I frame it has asked for with REJ, it answers no poll by RR, against 5.6.2.1 and 5.6.7: a far end that
//!   polls must reset the link. So the line here loses one frame in ten, but neither REJ nor what is sent again.
//! - For one frame that is missing it sends REJ several times, against 5.8.1: a far end that goes back for each of them gets
//!   more REJ for what then comes twice. We once answered so, and sent 265 323 frames again to bring a thousand across.
//! - When T200 expires it polls with the last I frame and P = 1, one of the two ways that 5.6.7 allows. We use the other.
//! - It never sends RNR, and once it got one, RR does not make it ready again (5.6.5), only REJ. RNR from it is made by the test.
//! - N(R) outside what it has sent is told to layer 3 and otherwise taken for good (5.8.5 wants the link established again).
//! - DM with F = 0 is ignored in every state (5.8.7 wants the link established again, or for the first time).
//! - It gives up SABME and DISC after N200 + 2 transmissions, not N200 + 1.

mod osmo_support;

use hw_tests::peers::{GCC, OSMO_ABIS, OSMO_CORE, Package, TSHARK, assert_no_malformed, require, tshark_fields};
use isdn::Side;
use isdn::q921::{Parameters, StateName};
use osmo_support::{Story, message};
use std::path::Path;
use std::time::Duration;

const NEEDED: [Package; 4] = [GCC, OSMO_ABIS, OSMO_CORE, TSHARK];
const MANY: u16 = 1000;

/// Runs a story in both roles, and has an independent reader look at all that passed.
fn in_both_roles(test: &str, story: impl Fn(Side, &Path)) {
    if !require(test, &NEEDED) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("both.pcap");
    for side in [Side::User, Side::Network] {
        story(side, &capture);
    }
    assert_no_malformed(&capture);
    let addresses = tshark_fields(&capture, &["lapd.sapi", "lapd.tei"]);
    assert!(addresses.iter().all(|row| row[..] == ["0", "0"]), "SAPI 0 and TEI 0, always");
}

fn in_order() -> Vec<u16> {
    (0..MANY).collect()
}

#[test]
fn a_thousand_messages_each_way() {
    in_both_roles("a_thousand_messages_each_way", |side, capture| {
        for we_begin in [true, false] {
            let mut arguments = vec!["--send", "1000"];
            if !we_begin {
                arguments.push("--establish");
            }
            let mut story = Story::begin(side, Parameters::default(), capture, &arguments);
            story.to_send = 0..MANY;
            if we_begin {
                story.link.establish(story.now());
            }
            story.run_until("the messages", |story| {
                story.messages.len() >= usize::from(MANY) && story.peer.messages.len() >= usize::from(MANY)
            });
            assert_eq!(story.messages, in_order());
            assert_eq!(story.peer.messages, in_order());
            assert_eq!(story.established, [false]);
            assert_eq!(story.traffic().widest_window, [7, 7], "k is 7, and both use it");
            let expected = if we_begin { "established_by_peer" } else { "established" };
            assert_eq!(story.peer.reported(expected), 1, "{:?}", story.peer.seen);
            assert_eq!(story.peer.finish(), Some(0));
        }
    });
}

/// One frame in ten is lost in each direction, I frames, acknowledgements and polls alike: nothing is missing in the end, and
/// nothing comes twice.
#[test]
fn frames_lost_in_both_directions() {
    in_both_roles("frames_lost_in_both_directions", |side, capture| {
        // Impatient and stubborn, because the clock is the real one.
        let parameters = Parameters { t200: Duration::from_millis(50), n200: 40, ..Parameters::default() };
        let arguments = ["--establish", "--send", "1000", "--t200", "60", "--n200", "40"];
        let mut story = Story::begin(side, parameters, capture, &arguments);
        // With our UA on its way it is up there as well, and begins to send.
        story.run_until("the link", |story| story.link.state() == StateName::MultipleFrameEstablished);
        story.to_send = 0..MANY;
        story.lose_percent = 10;
        story.run_until("the messages", |story| {
            story.messages.len() >= usize::from(MANY) && story.peer.messages.len() >= usize::from(MANY)
        });
        assert_eq!(story.messages, in_order());
        assert_eq!(story.peer.messages, in_order());
        // One at a time, with nothing behind it that would show the gap: now only T200 can.
        for number in MANY..MANY + 60 {
            story.to_send = number..number + 1;
            story.run_until("a single message", |story| story.peer.messages.last() == Some(&number));
        }
        let (traffic, counters) = (story.traffic(), story.link.counters());
        assert_eq!(story.established, [false], "the link was never reset: {counters:?}");
        assert!(traffic.lost.iter().all(|lost| *lost > 50), "{traffic:?}");
        assert!(traffic.sent_again.iter().all(|again| *again > 50), "{traffic:?}");
        assert!(traffic.sent_again[0] < 20 * traffic.lost[0], "REJ brings forth no more REJ: {traffic:?}");
        // All three ways of recovery were used: REJ from either end, and polls.
        assert!(counters.rejects_in > 0 && counters.rejects_out > 0 && counters.t200_expiries > 0, "{counters:?}");
        assert_eq!(counters.acknowledgement_errors, 0);
        assert_eq!(story.peer.finish(), Some(0));
    });
}

#[test]
fn both_establish_at_once() {
    in_both_roles("both_establish_at_once", |side, capture| {
        let mut story = Story::begin(side, Parameters::default(), capture, &["--establish", "--send", "20"]);
        // It sends SABME before it says so; ours goes out before we look at it.
        while story.peer.reported("ready") == 0 {
            std::thread::sleep(Duration::from_millis(1));
            story.peer.listen();
        }
        story.to_send = 0..20;
        story.link.establish(story.now());
        story.run_until("the messages", |story| story.messages.len() == 20 && story.peer.messages.len() == 20);
        assert_eq!(story.established, [false]);
        assert_eq!(story.peer.reported("established"), 1, "{:?}", story.peer.seen);
        assert_eq!(story.peer.finish(), Some(0));
        let fields = ["lapd.control.u_modifier_cmd", "lapd.control.u_modifier_resp", "lapd.direction"];
        let frames = tshark_fields(capture, &fields);
        let unnumbered: Vec<_> = frames.iter().filter(|row| !row[0].is_empty() || !row[1].is_empty()).collect();
        let [.., first, second, third, fourth] = unnumbered[..] else { panic!("{unnumbered:?}") };
        assert!(
            first[0] == "0x1b" && second[0] == "0x1b" && first[2] != second[2],
            "a SABME from each: {unnumbered:?}"
        );
        assert!(
            third[1] == "0x18" && fourth[1] == "0x18" && third[2] != fourth[2],
            "then an UA from each: {unnumbered:?}"
        );
    });
}

/// Under full traffic we lose our power, then the peer does: each time the other end is told of a reset, and what comes
/// afterwards is in order and not doubled.
#[test]
fn resets_under_traffic() {
    in_both_roles("resets_under_traffic", |side, capture| {
        let mut story = Story::begin(side, Parameters::default(), capture, &["--send", "1000"]);
        story.to_send = 0..MANY;
        story.link.establish(story.now());
        story.run_until("some messages", |story| story.messages.len() >= 300);
        let before = story.messages.len();
        story.restart_us();
        story.run_until("the messages", |story| {
            story.messages.last() == Some(&(MANY - 1)) && story.peer.messages.last() == Some(&(MANY - 1))
        });
        assert_eq!(story.peer.reported("established_by_peer"), 2, "{:?}", story.peer.seen);
        assert_eq!(story.established, [false, false]);
        // What was under way when we fell is lost on its side: a window at most. Ours are those that our queue held.
        assert!(story.messages.is_sorted_by(|a, b| a < b) && story.peer.messages.is_sorted_by(|a, b| a < b));
        assert!(story.messages.len() >= usize::from(MANY) - 7, "{before} before, {} in all", story.messages.len());

        story.to_send = 0..MANY;
        let before = story.peer.messages.len();
        story.run_until("some more", |story| story.peer.messages.len() >= before + 300);
        let resets = story.link.counters().resets;
        story.restart_peer(&["--establish", "--send", "1000"]);
        story.messages.clear();
        story.run_until("the messages", |story| {
            story.messages.len() == usize::from(MANY) && story.peer.messages.last() == Some(&(MANY - 1))
        });
        assert_eq!(story.messages, in_order());
        assert!(story.peer.messages.is_sorted_by(|a, b| a < b));
        assert_eq!(story.link.counters().resets, resets + 1);
        assert_eq!(story.established, [false, false, true], "layer 3 was told of the reset");
        assert_eq!(story.peer.finish(), Some(0));
    });
}

/// RNR: we pause, ask, and go on when the answer says so.
#[test]
fn a_busy_peer_is_asked_until_it_is_ready() {
    in_both_roles("a_busy_peer_is_asked_until_it_is_ready", |side, capture| {
        let parameters = Parameters { t200: Duration::from_millis(300), ..Parameters::default() };
        let mut story = Story::begin(side, parameters, capture, &[]);
        story.link.establish(story.now());
        story.run_until("the link", |story| story.is_up());
        // RNR, N(R) = 0, a response of the peer's.
        story.forge(&[if side == Side::User { 0x00 } else { 0x02 }, 0x01, 0x05, 0x00]);
        let now = story.now();
        story.link.send(now, &message(0)).expect("the link is up");
        story.run_until("the message", |story| !story.peer.messages.is_empty());
        let counters = story.link.counters();
        assert_eq!((counters.receiver_not_ready_in, counters.t200_expiries), (1, 1));
        assert_eq!(story.link.state(), StateName::MultipleFrameEstablished);
        assert_eq!(story.established, [false]);
        assert_eq!(story.peer.finish(), Some(0));
    });
}

#[test]
fn released_by_either_end() {
    in_both_roles("released_by_either_end", |side, capture| {
        // The peer sends DISC after ten messages, and we, who want the link, establish again.
        let mut story = Story::begin(side, Parameters::default(), capture, &["--establish", "--release-after", "10"]);
        story.to_send = 0..10;
        story.run_until("the release", |story| story.peer.has_ended() && story.released == 1);
        assert_eq!(story.link.state(), StateName::TeiAssigned);
        assert_eq!((story.peer.finish(), story.peer.reported("released")), (Some(0), 1));

        // We send DISC, and it establishes no more.
        let mut story = Story::begin(side, Parameters::default(), capture, &[]);
        story.link.establish(story.now());
        story.run_until("the link", |story| story.is_up());
        story.link.release(story.now());
        story.run_until("the release", |story| story.released == 1 && story.peer.reported("released_by_peer") == 1);
        assert_eq!(story.link.state(), StateName::TeiAssigned);
        // And takes us back.
        story.to_send = 0..10;
        story.link.establish(story.now());
        story.run_until("the messages", |story| story.peer.messages.len() == 10);
        assert_eq!(story.established, [false, false]);
        assert_eq!(story.peer.finish(), Some(0));
    });
}
