//! A host lets people in with his keys, takes a question, and puts the last one out; the rest is done by the conference's own rules.
//!
//! Ann knocks and hears music until the host lets her in. In question mode she raises her hand, is called on and unmutes herself, each
//! with the key she is told. A listener is let in by order and never heard; Ben finds the conference full. When it has lasted as long
//! as it may, everybody is told, twice. A program beside it is told all of that as well.

use super::switchboard::{Place, asset, heard_in_turn, key, quiet, search, sound, wait};
use control::{ConferenceInfo, ConferenceMember, ConferenceMode, ConferenceOrder, MemberPlace, MutedBy, Role};
use dsp::g711::Law;
use dsp::tones::ToneSequence;
use exchange::Step;
use hw_tests::daemon::program;
use serde_json::Value;
use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Duration;

const RULES: &str = "
[conference]
waiting_room = true
announce_recording = true
max_members = 2
max_duration_s = 100
warning_s = 20
";

fn member(info: &ConferenceInfo, role: Role) -> Option<&ConferenceMember> {
    info.members.iter().find(|member| member.role == role)
}

#[test]
fn a_host_lets_people_in_and_the_rules_do_the_rest() {
    let mut place = Place::new(RULES, vec![]);
    let pins = place.event.pins.clone();
    let watched = tempfile::NamedTempFile::new().expect("a file");
    let mut watch = Command::new(program("trunkctl"))
        .args(["watch", "--json", "--socket"])
        .arg(place.daemon.socket())
        .stdout(Stdio::from(File::create(watched.path()).expect("a file")))
        .spawn()
        .expect("trunkctl starts");

    // Two tones of 80 ms.
    let knock = Step::WaitForSound { above_dbm0: -40.0, sound_ms: 60, at_most_ms: 60_000 };
    // He hears a knock, and lets in who has knocked; then the next mode, the next hand, and out with the last one.
    let leads = [quiet(2500, 30_000), knock, wait(7000), key("#1"), wait(9000), key("*7"), wait(13_000), key("*2")];
    let leads = [&leads[..], &[wait(35_000), key("#7")]].concat();
    let host = place.dial([place.enters(&pins.host), vec![sound(10_000)], leads].concat());
    place.until("the host", |c| c.present == 1);
    // All is said to him, and it is quiet.
    std::thread::sleep(Duration::from_secs(8));
    let asks = vec![
        sound(10_000),
        // No more music, and all was said.
        quiet(2500, 90_000),
        sound(60_000),
        quiet(1000, 20_000),
        key("*2"),
        sound(10_000),
        quiet(2500, 10_000),
        sound(60_000),
        quiet(1000, 20_000),
        key("*6"),
        Step::Silence,
    ];
    let ann = place.dial([place.enters(&pins.speaker), asks].concat());
    let waits = |info: &ConferenceInfo, role| {
        member(info, role).is_some_and(|member| member.place == MemberPlace::WaitingForAdmission)
    };
    place.until("Ann to knock", |c| waits(c, Role::Speaker));
    place.until("Ann to be let in", |c| c.present == 2 && c.waiting == 0);
    let anns = |info: &ConferenceInfo| member(info, Role::Speaker).map(|ann| (ann.muted, ann.has_floor));
    place.until("questions", |c| c.mode == ConferenceMode::Question && anns(c) == Some((Some(MutedBy::Mode), false)));
    place.until("a hand", |c| c.hands == 1);
    place.until("Ann to be called on", |c| c.hands == 0 && anns(c).is_some_and(|(_, has_floor)| has_floor));
    place.until("Ann to be heard", |c| anns(c) == Some((None, true)));

    let listener = place.dial([place.enters(&pins.listener), vec![Step::Silence]].concat());
    place.until("a listener", |c| waits(c, Role::Listener));
    place.order(ConferenceOrder::AdmitNext);
    let info = place.until("him to be let in", |c| c.present == 3);
    assert_eq!(member(&info, Role::Listener).and_then(|listener| listener.muted), Some(MutedBy::Role));
    let ben = place.dial([place.enters(&pins.speaker), vec![Step::Silence]].concat());
    place.daemon.wait_for("Ben to be turned away", Duration::from_secs(30), |_| {
        place.daemon.log().contains("its conference is full").then_some(())
    });
    place.until("the listener to be put out", |c| c.present == 2 && member(c, Role::Listener).is_none());
    place.daemon.wait_for("the end", Duration::from_secs(120), |client| client.calls().ok()?.is_empty().then_some(()));
    let [host, ann, listener, ben] = [host, ann, listener, ben].map(|caller| place.heard(caller));
    assert!(place.daemon.terminate().success());
    assert!(watch.wait().is_ok());

    let mut knock = vec![0; 8000];
    ToneSequence::knock().fill(&mut knock);
    knock.truncate(knock.iter().rposition(|sample| *sample != 0).expect("a tone") + 1);
    let (likeness, _) = search(&knock, &host);
    assert!(likeness > 0.8, "the host hears her knock: {likeness}");
    let music = std::fs::read(asset("music/hold.wav")).expect("there");
    let data = music.windows(4).position(|four| four == b"data").expect("a WAV file") + 8;
    let music: Vec<i16> = music[data..][..2 * 8000].iter().map(|&octet| Law::A.decode_one(octet)).collect();
    let (likeness, _) = search(&music, &ann);
    assert!(likeness > 0.8, "Ann hears music while she waits: {likeness}");
    for (who, sounds) in [
        (&host, &["first recorded", "minutes-less", "conference-ended"][..]),
        (
            &ann,
            &[
                "wait-for-admission",
                "joined recorded",
                "mode-question press-hand key-star numbers/2",
                "hand-raised",
                "called-on press-unmute key-star numbers/6",
                "unmuted",
                "minutes-less",
                "conference-ended",
            ],
        ),
        (&listener, &["put-out"]),
        (&ben, &["conference-full"]),
    ] {
        heard_in_turn(sounds, who);
    }

    let text = std::fs::read_to_string(watched.path()).expect("read");
    let documents =
        serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<Vec<Value>, _>>().expect("JSON");
    for kind in [
        "call_waiting",
        "host_came",
        "call_admitted",
        "conference_mode",
        "call_muted",
        "hand_raised",
        "called_on",
        "call_turned_away",
        "call_kicked",
        "conference_ends_at",
    ] {
        assert!(documents.iter().any(|document| document["kind"] == kind), "{kind} is told");
    }
    let ended = documents.iter().find(|document| document["kind"] == "conference_ended").expect("told");
    assert_eq!((&ended["why"], &ended["by"]), (&"too_long".into(), &"rules".into()), "{ended}");
}
