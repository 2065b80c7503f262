//! A host calls people into his conference, with sound: one he must not call, one who is busy, one who comes in and is heard.
//!
//! The host keys what a host keys; whoever answers hears the question, presses 1, unmutes himself with `*6` after an order has muted
//! him, and speaks. Each side's recording tells what it was told and whom it heard; the stream has the one called while everybody may
//! speak, and nothing of him in a lecture.

use super::switchboard::{PATIENCE, Place, clip, found, key, wait};
use control::{CalledState, ConferenceInfo, ConferenceMode, ConferenceOrder, MemberPlace, MutedBy};
use dsp::align::align;
use dsp::g711::Law;
use dsp::level::power_dbm0;
use exchange::{Answer, Extension, Step};
use hw_tests::sound;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Answers, and comes in.
const GUEST: &str = "5550142";
const BUSY: &str = "5550117";
/// Begins with no allowed digits.
const FORBIDDEN: &str = "0900123";

const RULES: &str = "
[conference.dial_out]
enabled = true
allow = [\"555\"]
calling = \"5550100\"
";

/// Who can be called.
fn subscribers() -> Vec<Extension> {
    let guest = vec![
        Step::WaitForSound { above_dbm0: -40.0, sound_ms: 300, at_most_ms: 10_000 },
        Step::WaitForQuiet { below_dbm0: -45.0, quiet_ms: 1200, at_most_ms: 20_000 },
        key("1"),
        // The host speaks to him meanwhile, and an order mutes him.
        wait(17_000),
        key("*6"),
        wait(3000),
        Step::SpeakLoop { clips: vec![clip("speech/lecture.wav")], pause_ms: 0, times: None },
    ];
    let extension = |number: &str, answer, script| Extension { number: number.into(), answer, script };
    vec![extension(GUEST, Answer::After(Duration::from_millis(1500)), guest), extension(BUSY, Answer::Busy, vec![])]
}

/// Some seconds of the stream as it is now.
fn stream(place: &Place, seconds: usize) -> Vec<i16> {
    let mut connection = TcpStream::connect(("127.0.0.1", place.daemon.port)).expect("a stream port");
    connection.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    write!(connection, "GET /{}.ulaw HTTP/1.0\r\n\r\n", place.event.event).expect("asked");
    let mut octets = Vec::new();
    let mut chunk = [0; 4096];
    // What was said before comes first, at once.
    while octets.len() < (seconds + 8) * 8000 {
        let count = connection.read(&mut chunk).expect("the stream goes on");
        assert!(count > 0, "the stream ended: {}", String::from_utf8_lossy(&octets[..octets.len().min(300)]));
        octets.extend_from_slice(&chunk[..count]);
    }
    assert!(octets.starts_with(b"HTTP/1.1 200") || octets.starts_with(b"HTTP/1.0 200"), "{octets:?}");
    octets[octets.len() - seconds * 8000..].iter().map(|&octet| Law::Mu.decode_one(octet)).collect()
}

#[test]
fn who_is_called_hears_the_question_comes_in_and_is_heard() {
    let mut place = Place::new(RULES, subscribers());
    let event = &place.event;
    let host = place.dial(vec![
        wait(1000),
        key(&format!("{}#", event.event)),
        wait(1500),
        key(&format!("{}#", event.pins.host)),
        wait(5000),
        key("*1"),
        wait(1500),
        key(&format!("{FORBIDDEN}#")),
        wait(5000),
        key("*1"),
        wait(1500),
        key(&format!("{BUSY}#")),
        wait(6000),
        key("*1"),
        wait(1500),
        key(&format!("{GUEST}#")),
        wait(14_000),
        Step::Speak { clip: clip("speech/a2.wav") },
    ]);

    // He is in, and called: the office knows what came of each.
    let info = place.until("the one called to be in", |c| c.present == 2);
    let went: Vec<CalledState> = info.called.iter().map(|one| one.state).collect();
    assert_eq!(went, [CalledState::Busy, CalledState::Joined], "nobody was asked at the forbidden number: {info:?}");
    assert_eq!((info.called[0].cause, info.called[1].cause), (Some(17), None));
    let guest = info.called[1].call;
    let member = info.members.iter().find(|m| m.call == guest).expect("a member");
    assert_eq!((member.place, member.role, member.muted), (MemberPlace::Present, control::Role::Speaker, None));

    // How the host's keys sound can be asked for; which they were cannot.
    let calls = place.daemon.client().calls().expect("told");
    let keyed = calls.iter().find(|call| call.id != guest).and_then(|call| call.last_key).expect("he has keyed");
    assert!(
        (keyed.row_dbm0 + 11).abs() <= 1 && keyed.twist_db.abs() <= 1 && keyed.lasted_ms.abs_diff(80) < 12,
        "{keyed:?}"
    );
    assert!(!keyed.off_frequency && keyed.snr_db > 20, "{keyed:?}");

    // Muted by an order, he unmutes himself with his key, and speaks.
    place.order(ConferenceOrder::Mute { call: guest });
    let muted = |c: &ConferenceInfo| c.members.iter().find(|m| m.call == guest).and_then(|m| m.muted);
    place.until("him to be muted", |c| muted(c) == Some(MutedBy::Host));
    place.until("him to unmute himself", |c| muted(c).is_none());
    place.until("him to speak", |c| c.members.iter().any(|m| m.call == guest && m.talking));
    let lecture = clip("speech/lecture.wav");
    let streamed = align(&stream(&place, 3), &lecture).map_or(0.0, |found| found.correlation);
    println!("stream: {streamed:.3}");
    assert!(streamed > 0.8, "the one called is in the stream");

    // In a lecture only those who may speak are in the stream.
    place.order(ConferenceOrder::Mode { mode: ConferenceMode::Lecture });
    place.until("the lecture", |c| muted(c) == Some(MutedBy::Mode));
    std::thread::sleep(Duration::from_secs(3));
    let level = power_dbm0(&stream(&place, 3));
    assert!(level < -60.0, "{level} dBm0 in the stream of a lecture in which no host speaks");

    let callers = place.exchange.callers();
    let called = callers.iter().find(|caller| caller.called == GUEST).expect("the one called").id;
    let (by_host, by_guest) = (place.heard(host), place.heard(called));
    assert!(place.daemon.terminate().success());
    for (name, least) in [
        ("prompts/en/dial-out-forbidden.wav", 0.8),
        ("prompts/en/call-busy.wav", 0.8),
        ("prompts/en/ringing.wav", 0.8),
        ("prompts/en/call-answered.wav", 0.8),
    ] {
        assert!(found(name, &by_host).0 >= least, "the host hears {name}");
    }
    assert!(align(&lecture[..4 * 8000], &by_host).is_some_and(|found| found.correlation > 0.8), "the host hears him");
    assert!(found("prompts/en/invited.wav", &by_guest).0 > 0.8, "he is asked");
    assert!(found("speech/a2.wav", &by_guest).0 > 0.8, "he hears the host");
    assert_eq!(sound::our_digits(&by_guest), "", "nobody's keys are heard by others");
}

/// Nothing in the configuration speaks of calls out: there are none, by key or by order.
#[test]
fn a_server_that_was_not_told_otherwise_calls_nobody() {
    let mut place = Place::new("", subscribers());
    let mut script = place.enters(&place.event.pins.host);
    script.extend([wait(5000), key("*1"), wait(1500), key(&format!("{GUEST}#")), wait(6000), Step::HangUp]);
    let host = place.dial(script);
    place.until("the host to be in", |c| c.present == 1);
    let order = ConferenceOrder::DialOut { number: GUEST.into() };
    let refused = place.daemon.client().order_conference(&place.event.event, order).expect_err("refused").to_string();
    assert!(refused.contains("calling out is off"), "{refused}");
    let ended = place.daemon.wait_for("the host to have keyed it all", PATIENCE, |_| place.exchange.take_ended(host));
    assert!(place.daemon.terminate().success());
    // A call that was only tried would have its record as well.
    let files = fs::read_dir(place.daemon.state().join("records")).expect("records");
    let days =
        files.map(|file| file.expect("a file").path()).filter(|file| file.extension().is_some_and(|e| e == "jsonl"));
    let records: String = days.map(|day| fs::read_to_string(day).expect("text")).collect();
    let directions = |of: &str| records.matches(&format!(r#""direction":"{of}""#)).count();
    assert_eq!((directions("incoming"), directions("outgoing")), (1, 0), "{records}");
    assert!(found("prompts/en/dial-out-unavailable.wav", &ended.samples).0 >= 0.8, "he is told so");
}
