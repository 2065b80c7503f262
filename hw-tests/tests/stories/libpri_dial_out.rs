//! A host calls people in over an exchange made by others, in each language libpri speaks.
//!
//! One number is busy, one does not exist, at one nobody answers, and the fourth has something to say before somebody does: early
//! media, which nobody in the conference may hear. Then that one answers, presses 1, comes in and is heard. The host's own recording
//! tells that each sentence was whole and in its turn; the capture, what passed on the D channel.

use super::libpri_exchange::{DMS100, ESS4, ESS5, EURO_ISDN, Exchange, NI2, PATIENCE, Place, Trunk, ladders, pause};
use control::{CalledState, MemberPlace};
use dsp::align::align;
use hw_tests::peers::{GCC, LIBPRI, TSHARK, assert_no_malformed, require};
use hw_tests::sound::{self, RECORDED_SPEECH};
use std::path::Path;
use std::thread;

const NUMBER: &str = "5550100";
const BUSY: &str = "5550117";
const NOBODY: &str = "5550188";
const UNKNOWN: &str = "5550199";
const GUEST: &str = "5550142";

const RULES: &str = "
[conference.dial_out]
enabled = true
allow = [\"555\"]
calling = \"5550100\"
no_answer_s = 4
";

/// How a call begins that rings at the far end.
const RINGS: [&str; 3] = ["u SETUP", "n CALL PROCEEDING", "n ALERTING"];
const WE_CLEAR: [&str; 3] = ["u DISCONNECT", "n RELEASE", "u RELEASE COMPLETE"];
const THEY_CLEAR: [&str; 3] = ["n DISCONNECT", "u RELEASE", "n RELEASE COMPLETE"];

#[test]
fn a_host_calls_people_in_whatever_the_exchange_speaks() {
    if !require("libpri_dial_out", &[GCC, LIBPRI, TSHARK, RECORDED_SPEECH]) {
        return;
    }
    thread::scope(|scope| {
        let begin = |trunk: Trunk| {
            // Should a story panic, the message names the thread.
            let thread = thread::Builder::new().name(trunk.switch.into());
            thread.spawn_scoped(scope, move || calls_in(trunk)).expect("a thread")
        };
        let threads = [NI2, EURO_ISDN, ESS5, ESS4, DMS100].map(begin);
        let told = threads.map(|thread| thread.join().is_ok());
        assert_eq!(told, [true; 5], "see above");
    });
}

fn calls_in(trunk: Trunk) {
    let name = trunk.switch;
    let mut place = Place::configured(trunk, RULES);
    let dials = |number: &str, then_ms: usize| {
        [sound::keys("*1"), pause(1000), sound::keys(&format!("{number}#")), pause(then_ms)].concat()
    };
    let host = [
        place.entry(&place.event.pins.host),
        pause(5000),
        dials(BUSY, 5000),
        dials(UNKNOWN, 5000),
        dials(NOBODY, 10_000),
        dials(GUEST, 20_000),
        sound::keys("399"),
        pause(6000),
    ]
    .concat();
    let speech = sound::recorded_speech(12);
    let (early, late) = speech.split_at(3 * 8000);
    // From ALERTING on: three seconds before the answer, the question is put after it.
    let guest = [early.to_vec(), pause(5500), sound::keys("1"), pause(2500), late.to_vec()].concat();
    let [host, guest] = [place.say("host", &host), place.say("guest", &guest)].map(|file| file.display().to_string());
    let [by_host, by_guest] = ["by-host", "by-guest"].map(|file| place.file(file).display().to_string());
    let exchange = Exchange::attach(
        &place,
        "out",
        &[
            &["--call", NUMBER, "--from", "2025550101", "--play", &host, "--record", &by_host],
            &["--answers", "4"],
            &["--party", BUSY, "--reject", "17"],
            &["--party", UNKNOWN, "--reject", "1"],
            &["--party", NOBODY, "--ring", "-1"],
            &["--party", GUEST, "--ring", "3", "--early", "--play", &guest, "--record", &by_guest],
        ],
    );
    place.wait_for_link();

    let info = place.daemon.wait_for("the one called to be in", PATIENCE * 2, |client| {
        client.conference(&place.event.event).ok().filter(|c| c.present == 2)
    });
    let went: Vec<_> = info.called.iter().map(|one| (one.state, one.cause)).collect();
    let expected = [(CalledState::Busy, Some(17)), (CalledState::NoSuchNumber, Some(1)), (CalledState::NoAnswer, None)];
    assert_eq!(
        went.iter().map(|(state, _)| *state).collect::<Vec<_>>()[..3],
        expected.map(|(state, _)| state),
        "{name}"
    );
    assert_eq!([went[0].1, went[1].1], [Some(17), Some(1)], "{name}: {went:?}");
    assert_eq!(went[3].0, CalledState::Joined, "{name}: {went:?}");
    let guest = info.members.iter().find(|member| member.call == info.called[3].call).expect("a member");
    assert_eq!((guest.place, guest.muted), (MemberPlace::Present, None), "{name}");
    let reported = exchange.finish(&place);
    place.wait_for_quiet();
    assert!(place.daemon.terminate().success());

    // What the exchange was asked: the number to call, and whose call it is.
    let rings: Vec<_> = reported
        .iter()
        .filter(|event| event["event"] == "ring")
        .map(|ring| (ring["called"].as_str().unwrap_or_default(), ring["calling"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(rings, [BUSY, UNKNOWN, NOBODY, GUEST].map(|called| (called, NUMBER)), "{name}");

    let (heard, by_guest) = (place.heard("by-host"), place.heard("by-guest"));
    let prompt = |file: &str, heard: &[i16]| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/prompts/en").join(file);
        let found = align(&sound::read(&path), heard).unwrap_or_else(|| panic!("{name}, {file}: nothing to compare"));
        println!("{name}, {file}: correlation {:.3} at {} ms", found.correlation, found.lag / 8);
        assert!(found.correlation > 0.8, "{name}: {file} is not heard whole");
        found.lag
    };
    let told = ["call-busy.wav", "no-such-number.wav", "call-no-answer.wav", "call-answered.wav"];
    let told = told.map(|file| prompt(file, &heard));
    assert!(told.is_sorted(), "{name}: {told:?}");
    // Between the last two: that it is being called, whole, and then that it rings.
    let last = &heard[told[2] as usize + 8000..told[3] as usize];
    assert!(prompt("calling.wav", last) < prompt("ringing.wav", last), "{name}");
    prompt("invited.wav", &by_guest);
    let likeness = |sound: &[i16]| align(sound, &heard).map_or(0.0, |found| found.correlation);
    let (before, after) = (likeness(early), likeness(&late[..4 * 8000]));
    println!("{name}: before the answer {before:.3}, after it {after:.3}");
    assert!(before < 0.3 && after > 0.9, "{name}: {before} {after}");

    let capture = place.file("out.pcap");
    assert_no_malformed(&capture);
    let ours: Vec<_> = ladders(&capture).into_values().filter(|ladder| ladder[0] == "u SETUP").collect();
    let busy = [&RINGS[..2], &THEY_CLEAR].concat();
    let guest = [&RINGS[..], &["n CONNECT", "u CONNECT ACKNOWLEDGE"], &WE_CLEAR].concat();
    let expected = [busy, vec!["u SETUP", "n RELEASE COMPLETE"], [&RINGS[..], &WE_CLEAR].concat(), guest];
    assert_eq!(ours, expected, "{name}");
}
