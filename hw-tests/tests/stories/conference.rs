//! A conference from the outside: music until the host is there, a lecture in which only he is heard, hands, a lock, somebody put out,
//! and the end after the host has left.
//!
//! The daemon as a process, callers at the exchange with real keys, a technician with trunkctl. Who hears whom is measured on what
//! hosts record: one who listens in the lecture, one when everybody may speak.

use control::{ConferenceInfo, DialPlan, MemberPlace, MutedBy, Reservation, Reserve, Role};
use dsp::align::align;
use dsp::g711::Law;
use hw_tests::daemon::{Daemon, E1, program};
use hw_tests::sound;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

const RULES: &str = "
[conference]
mode = \"lecture\"
wait_for_host = true
host_leaves = \"grace\"
host_grace_s = 2
";

fn asset(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets").join(name).canonicalize().expect("there")
}

/// Somebody calls, keys number and PIN, says this over and over or nothing; what he hears is written to `NAME.wav`.
fn call(daemon: &Daemon, event: &Reservation, name: &str, pin: &str, says: Option<&str>, stays: Option<u64>) -> u64 {
    let plan = DialPlan {
        event: Some(event.event.clone()),
        pin: Some(pin.to_owned()),
        wav: says.map(|file| asset(file).display().to_string()),
        repeat: control::Repeat::Forever,
        record: Some(daemon.file(&format!("{name}.wav")).display().to_string()),
        hold_ms: stays,
        ..DialPlan::default()
    };
    daemon.client().exchange_dial(plan).expect("dialled")
}

/// Wait until the conference is so.
fn until(daemon: &Daemon, event: &Reservation, what: &str, is: impl Fn(&ConferenceInfo) -> bool) -> ConferenceInfo {
    daemon.wait_for(what, PATIENCE, |client| client.conference(&event.event).ok().filter(&is))
}

fn present(info: &ConferenceInfo, role: Role) -> usize {
    info.members.iter().filter(|m| m.place == MemberPlace::Present && m.role == role).count()
}

/// What trunkctl says, and whether it succeeded.
fn trunkctl(daemon: &Daemon, event: &Reservation, verb: &str, more: &[&str]) -> (bool, String) {
    let out = Command::new(program("trunkctl"))
        .args(["conference", verb, &event.event])
        .args(more)
        .arg("--socket")
        .arg(daemon.socket())
        .output()
        .expect("trunkctl runs");
    let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    println!("trunkctl conference {verb} {}: {}", more.join(" "), text.trim());
    (out.status.success(), text.into_owned())
}

/// How much of this sound is in a recording: 1 is all of it.
fn likeness(sound: &[i16], daemon: &Daemon, name: &str) -> f64 {
    let heard = sound::read(&daemon.file(&format!("{name}.wav")));
    let found = align(sound, &heard).map_or(0.0, |found| found.correlation);
    println!("{name}: {found:.3}");
    found
}

/// A-law in a WAV file whose samples are all that follows the word `data` and a length.
fn music() -> Vec<i16> {
    let octets = std::fs::read(asset("music/hold.wav")).expect("there");
    let data = octets.windows(4).position(|four| four == b"data").expect("a WAV file") + 8;
    octets[data..].iter().map(|&octet| Law::A.decode_one(octet)).collect()
}

#[test]
fn a_host_leads_with_a_technician_at_his_side() {
    let mut daemon =
        Daemon::start("", "linger_s = 1", &format!("[[card]]\nboard = \"loopback\"\nname = \"soft0\"\n{E1}{RULES}"));
    let event = daemon.client().reserve(Reserve { title: "Lecture".into(), ..Reserve::default() }).expect("reserved");

    // Without a host, whoever comes waits, and hears music.
    call(&daemon, &event, "speaker", &event.pins.speaker, Some("speech/lecture.wav"), None);
    let info = until(&daemon, &event, "somebody who waits", |c| c.waiting == 1);
    let speaker = info.members[0].call;
    assert_eq!(info.members[0].place, MemberPlace::WaitingForHost);
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(present(&until(&daemon, &event, "the same", |_| true), Role::Speaker), 0, "he waits still");
    let host = call(&daemon, &event, "host", &event.pins.host, None, None);
    let info = until(&daemon, &event, "the host", |c| c.present == 2 && c.waiting == 0);
    assert!(info.members.iter().any(|m| m.call == speaker && m.muted == Some(MutedBy::Mode)), "{info:?}");

    // In a lecture he is not heard, in a conversation he is: by who comes to listen.
    call(&daemon, &event, "in-lecture", &event.pins.host, None, Some(8000));
    until(&daemon, &event, "a second host", |c| present(c, Role::Host) == 2);
    until(&daemon, &event, "him to have gone", |c| present(c, Role::Host) == 1);
    assert!(trunkctl(&daemon, &event, "mode", &["conversation"]).0);
    until(&daemon, &event, "everybody to be heard", |c| c.members.iter().all(|m| m.muted.is_none()));
    call(&daemon, &event, "in-conversation", &event.pins.host, None, Some(8000));
    until(&daemon, &event, "a second host", |c| present(c, Role::Host) == 2);
    until(&daemon, &event, "him to have gone", |c| present(c, Role::Host) == 1);

    // Questions: a caller raises his hand with a key, and is called on.
    assert!(trunkctl(&daemon, &event, "mode", &["question"]).0);
    let asks = format!("{}*2", event.pins.speaker);
    call(&daemon, &event, "asks", &asks, None, None);
    let info = until(&daemon, &event, "a hand", |c| c.hands == 1);
    let asker = info.members.iter().find(|m| m.hand == Some(1)).expect("somebody").call;
    assert!(trunkctl(&daemon, &event, "hands", &[]).1.contains(&format!("call {asker}")));
    assert!(trunkctl(&daemon, &event, "rename", &[&asker.to_string(), "Ada"]).0);
    assert!(trunkctl(&daemon, &event, "call-on", &[]).0);
    let info = until(&daemon, &event, "the floor", |c| c.hands == 0);
    assert!(
        info.members.iter().any(|m| m.call == asker && m.has_floor && m.name.as_deref() == Some("Ada")),
        "{info:?}"
    );

    // Locked, nobody else gets in.
    assert!(trunkctl(&daemon, &event, "lock", &[]).0);
    call(&daemon, &event, "late", &event.pins.speaker, None, None);
    daemon.wait_for("him to be turned away", PATIENCE, |_| {
        daemon.log().contains("its conference is locked").then_some(())
    });
    assert_eq!(until(&daemon, &event, "the same", |_| true).present, 3);
    let (done, why) = trunkctl(&daemon, &event, "admit", &[]);
    assert!(!done && why.contains("nobody waits"), "{why}");

    // Put out, after it was shown whom that hits; and the rest when the host has been gone for a while.
    let number = speaker.to_string();
    assert!(trunkctl(&daemon, &event, "kick", &[&number, "--dry-run"]).1.contains(&format!("call {speaker}")));
    assert!(trunkctl(&daemon, &event, "kick", &[&number, "--yes"]).0);
    until(&daemon, &event, "one less", |c| c.members.iter().all(|m| m.call != speaker));
    daemon.client().exchange_hang_up(host).expect("hung up");
    daemon.wait_for("everybody to be let go", PATIENCE, |c| c.calls().ok()?.is_empty().then_some(()));
    assert!(!trunkctl(&daemon, &event, "show", &[]).0, "there is no conference any more");
    let audit = std::fs::read_to_string(daemon.state().join("audit.jsonl")).expect("an audit log");
    for verb in ["conference_mode", "conference_call_on", "conference_lock", "conference_kick", "conference_rename"] {
        assert!(audit.contains(verb), "{verb}: {audit}");
    }
    assert!(daemon.terminate().success());

    let speech = sound::read(&asset("speech/lecture.wav"));
    assert!(likeness(&music()[..4 * 8000], &daemon, "speaker") > 0.8, "music until the host is there");
    assert!(likeness(&sound::read(&asset("prompts/en/put-out.wav")), &daemon, "speaker") > 0.9, "he is told");
    assert!(likeness(&sound::read(&asset("prompts/en/conference-locked.wav")), &daemon, "late") > 0.9);
    assert!(likeness(&sound::read(&asset("prompts/en/conference-ended.wav")), &daemon, "asks") > 0.9);
    assert!(most_alike(&speech, &daemon, "in-lecture") < 0.3, "only hosts are heard in a lecture");
    assert!(most_alike(&speech, &daemon, "in-conversation") > 0.9, "everybody is heard in a conversation");
}

/// The same for speech that goes round: some two seconds of it are in the recording.
fn most_alike(speech: &[i16], daemon: &Daemon, name: &str) -> f64 {
    let heard = sound::read(&daemon.file(&format!("{name}.wav")));
    // From when he is in, past what he is told.
    let tail = &heard[heard.len().saturating_sub(5 * 8000)..][..2 * 8000];
    let found = align(tail, speech).map_or(0.0, |found| found.correlation);
    println!("{name}: {found:.3}");
    found
}
