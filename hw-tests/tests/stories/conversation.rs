//! Two people in a conference, a listener and a recorder: everybody hears what was said, nobody hears
//! himself, and no key that was pressed is heard by anybody.
//!
//! A caller speaks two minutes of recorded speech with keys pressed in the middle, through the daemon
//! as a process; curl takes the stream.

use control::{DialPlan, EventState, Reserve};
use dsp::align::align;
use hw_tests::daemon::Daemon;
use hw_tests::peers::{GCC, SPANDSP, require};
use hw_tests::sound::{self, CURL, FFMPEG, RECORDED_SPEECH};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

const PRESSED: &str = "1234567890*#ABCD";

#[test]
fn what_is_said_is_heard_streamed_and_recorded_and_what_is_keyed_is_not() {
    if !require("conversation", &[CURL, FFMPEG, RECORDED_SPEECH, GCC, SPANDSP]) {
        return;
    }
    let mut daemon = Daemon::start("", "linger_s = 3", "");
    let speech = sound::recorded_speech(120);
    let mut said = speech[..60 * 8000].to_vec();
    said.extend(sound::keys(PRESSED));
    said.extend(&speech[60 * 8000..]);
    let spoken = daemon.file("spoken.wav");
    sound::write(&spoken, &said);
    assert_eq!(sound::our_digits(&said), PRESSED, "the keys are there to be found");

    let mut client = daemon.client();
    let event = client.reserve(Reserve { title: "Conversation".into(), ..Reserve::default() }).expect("reserved");
    let path = |name: &str| Some(daemon.file(name).display().to_string());
    let listener = DialPlan {
        event: Some(event.event.clone()),
        pin: Some(event.pins.speaker.clone()),
        record: path("listener.wav"),
        ..DialPlan::default()
    };
    let listener = client.exchange_dial(listener).expect("dialled");
    daemon
        .wait_for("the listener", Duration::from_secs(30), |c| (c.events().ok()?.first()?.callers == 1).then_some(()));
    let speaker = DialPlan {
        event: Some(event.event.clone()),
        pin: Some(event.pins.host.clone()),
        wav: path("spoken.wav"),
        record: path("speaker.wav"),
        hold_ms: Some(1500),
        ..DialPlan::default()
    };
    client.exchange_dial(speaker).expect("dialled");
    let url = daemon.wait_for("the stream", Duration::from_secs(30), |c| {
        Some(c.events().ok()?.first()?.streams.first()?.url.clone())
    });
    let streamed = daemon.file("streamed.mp3");
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--no-buffer", "--max-time", "200", "--output"])
        .arg(&streamed)
        .arg(&url)
        .stdout(Stdio::null())
        .spawn()
        .expect("curl runs");
    daemon.wait_for("the speaker to have hung up", Duration::from_secs(180), |c| {
        let event = c.events().ok()?.into_iter().next()?;
        (event.callers == 1 && event.state == EventState::Live).then_some(())
    });
    // Two minutes of silence have closed the first connection.
    daemon.client().exchange_hang_up(listener).expect("hung up");
    daemon.wait_for("the recording", Duration::from_secs(20), |c| {
        (c.events().ok()?.first()?.recordings > 0).then_some(())
    });
    let ended = curl.wait().expect("curl ends");
    assert!(ended.success(), "the stream ends cleanly: {ended}");
    assert!(daemon.terminate().success());

    // The recording is the stream. curl came a moment after the first frame, but the burst holds it.
    let directory = daemon.state().join("content/events").join(&event.event);
    let recording = fs::read_dir(&directory)
        .expect("published")
        .filter_map(|e| Some(e.ok()?.path()))
        .find(|p| p.extension().is_some_and(|e| e == "mp3"))
        .unwrap_or_else(|| panic!("no recording in {}\n{}", directory.display(), daemon.log()));
    let (streamed_octets, recorded_octets) =
        (fs::read(&streamed).expect("there"), fs::read(&recording).expect("there"));
    assert!(recorded_octets.ends_with(&streamed_octets), "the recording differs from the stream");
    assert!(streamed_octets.len() > 120 * 16_000, "only {} octets were streamed", streamed_octets.len());

    let (stream, recorded) = (sound::decode(&streamed), sound::decode(&recording));
    let (heard, own) = (sound::read(&daemon.file("listener.wav")), sound::read(&daemon.file("speaker.wav")));
    // What was keyed is muted, so the two halves of what was spoken are compared.
    let halves = [&speech[..60 * 8000], &speech[60 * 8000..]];
    for (half, spoken) in halves.into_iter().enumerate() {
        let match_of = |name: &str, heard: &[i16]| {
            let found = align(spoken, heard).unwrap_or_else(|| panic!("{name}: nothing to compare"));
            println!("half {half}, {name}: correlation {:.4} at {} ms", found.correlation, found.lag / 8);
            found.correlation
        };
        assert!(match_of("stream", &stream) >= 0.9);
        assert!(match_of("recording", &recorded) >= 0.9);
        assert!(match_of("the other caller", &heard) >= 0.95);
        assert!(match_of("the speaker himself", &own) < 0.2);
    }
    for (name, samples) in [("the other caller", &heard), ("stream", &stream), ("recording", &recorded)] {
        assert_eq!(sound::our_digits(samples), "", "our detector, {name}");
        assert_eq!(sound::spandsp_digits(daemon.state().as_path(), samples), "", "spandsp's detector, {name}");
    }
    // Nothing that was keyed is in the log or the records.
    let log = daemon.log();
    for pin in [&event.pins.host, &event.pins.speaker] {
        assert!(!log.contains(pin.as_str()), "a PIN is in the log");
    }
}
