//! Ends: killed in the middle of a call, stopped with callers there, events that were ended before.

use super::support::{
    SOON, call_in, caller, likeness, logged, on_air, recorded, recordings, records, reserve, seconds, speaker, trunkctl,
};
use control::{CallStage, DialPlan, EventState};
use hw_tests::daemon::Daemon;
use hw_tests::peers::require;
use hw_tests::sound::{self, FFMPEG};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64
}

#[test]
fn what_was_recorded_until_the_daemon_was_killed_is_published_when_it_starts_again() {
    if !require("what_was_recorded_until_the_daemon_was_killed", &[FFMPEG]) {
        return;
    }
    let mut daemon = Daemon::start("", "", "");
    let (event, ended) = (reserve(&daemon, "Cut short"), reserve(&daemon, "Ended before"));
    daemon.client().end(&ended.event).expect("ended");
    let state_of = |daemon: &Daemon, number: &str| {
        let events = daemon.client().events().expect("answered");
        events.into_iter().find(|e| e.number == number).expect("known").state
    };
    daemon.wait_for("its end", SOON, |_| (state_of(&daemon, &ended.event) == EventState::Ended).then_some(()));
    let keys = fs::read(daemon.state().join("keys")).expect("there");
    call_in(&daemon, &event.event, vec![speaker(&event.event, &event.pins.host)]);
    let (_, since_ms) = on_air(&daemon, &event.event);
    std::thread::sleep(Duration::from_secs(8).saturating_sub(Duration::from_millis(now_ms() - since_ms)));
    let streamed = (now_ms() - since_ms) as f64 / 1000.0;
    daemon.kill();

    daemon.run();
    println!("{}", logged(&daemon, &["recovered", &event.event]));
    println!("{}", logged(&daemon, &["1 call(s) had not ended", "their records are written"]));
    let store = daemon.state().join("content");
    let found = daemon.wait_for("the recording", SOON, |_| recordings(&store, &event.event).pop());
    let recorded = seconds(&found);
    println!("streamed {streamed:.2} s, recorded {recorded:.2} s");
    assert!(recorded >= streamed - 1.0, "of {streamed} s only {recorded} s are in {}", found.display());
    let shown = daemon.wait_for("the recording in the list", SOON, |c| {
        c.events().ok()?.into_iter().find(|e| e.number == event.event).filter(|e| e.recordings == 1)
    });
    assert_eq!(shown.state, EventState::Idle, "nobody is in it, and it may be called");
    let records = records(&daemon);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["released_by"], "daemon_stopped");
    assert_eq!(records[0]["event"], event.event.as_str());
    assert!(records[0]["joined_ms"].is_u64() && records[0]["end_ms"].is_null(), "{}", records[0]);
    assert_eq!(state_of(&daemon, &ended.event), EventState::Ended);
    assert_eq!(fs::read(daemon.state().join("keys")).expect("there"), keys, "the PIN keys are the same");
    // And so number and PIN hold.
    call_in(&daemon, &event.event, vec![caller(&event.event, &event.pins.host)]);
}

#[test]
fn callers_hear_that_the_daemon_is_stopped_and_are_cleared() {
    let mut daemon = Daemon::start("", "linger_s = 30", "");
    let event = reserve(&daemon, "Stopped");
    let file = |name: &str| daemon.file(name);
    let people = vec![
        recorded(speaker(&event.event, &event.pins.host), &file("host.wav")),
        recorded(caller(&event.event, &event.pins.speaker), &file("speaker.wav")),
    ];
    call_in(&daemon, &event.event, people);
    on_air(&daemon, &event.event);
    let at_the_pin = DialPlan { pin: None, ..caller(&event.event, "") };
    daemon.client().exchange_dial(recorded(at_the_pin, &file("asked.wav"))).expect("dialled");
    daemon.wait_for("somebody asked for the PIN", SOON, |c| {
        c.calls().ok()?.iter().any(|call| call.state == CallStage::AskingPin).then_some(())
    });

    let asked = Instant::now();
    let status = daemon.terminate();
    let took = asked.elapsed();
    println!("ended after {took:?}");
    assert!(status.success(), "{status}\n{}", daemon.log());
    assert!(took < Duration::from_secs(10), "it took {took:?}\n{}", daemon.log());
    for name in ["host.wav", "speaker.wav", "asked.wav"] {
        let likeness = likeness("closing", &daemon.file(name));
        println!("{name}: the last words at {likeness:.3}");
        assert!(likeness >= 0.9, "{name} does not have the last words ({likeness})");
    }
    let records = records(&daemon);
    assert_eq!(records.len(), 3, "{records:?}");
    for record in &records {
        assert!(record["cause"] == 16 && record["released_by"] == "near_end", "{record}");
    }
    assert_eq!(recordings(&daemon.state().join("content"), &event.event).len(), 1, "what was streamed is published");
}

#[test]
fn a_second_signal_ends_the_daemon_at_once() {
    let mut daemon = Daemon::start("", "", "");
    let event = reserve(&daemon, "In a hurry");
    call_in(&daemon, &event.event, vec![caller(&event.event, &event.pins.host)]);
    let pid = Pid::from_raw(daemon.pid().cast_signed());
    kill(pid, Signal::SIGTERM).expect("it runs");
    logged(&daemon, &["SIGTERM", "callers are told"]);
    let asked = Instant::now();
    let status = daemon.terminate();
    // The last words alone take longer than this.
    assert!(asked.elapsed() < Duration::from_secs(2), "it took {:?}", asked.elapsed());
    assert_eq!(status.signal(), Some(Signal::SIGTERM as i32), "{status}");
    // What it could not finish it does when it starts again.
    daemon.run();
    let records = records(&daemon);
    assert!(records.len() == 1 && records[0]["released_by"] == "daemon_stopped", "{records:?}");
}

#[test]
fn an_event_that_was_ended_or_cancelled_takes_no_more_calls_after_a_restart() {
    let mut daemon = Daemon::start("", "linger_s = 1", "");
    let (ended, cancelled) = (reserve(&daemon, "Ended by its host"), reserve(&daemon, "Cancelled"));
    // The host keys 399 once he is in.
    let keyed = daemon.file("399.wav");
    let mut samples = vec![0; 8000];
    samples.extend(sound::keys("399"));
    samples.extend([0; 8000]);
    sound::write(&keyed, &samples);
    let plan = DialPlan { wav: Some(keyed.display().to_string()), ..caller(&ended.event, &ended.pins.host) };
    daemon.client().exchange_dial(recorded(plan, &daemon.file("host.wav"))).expect("dialled");
    let plan = recorded(caller(&cancelled.event, &cancelled.pins.speaker), &daemon.file("speaker.wav"));
    call_in(&daemon, &cancelled.event, vec![plan]);
    let (status, said, err) = trunkctl(&daemon, &["cancel", &cancelled.event, "--yes"]);
    assert_eq!(status, Some(0), "{err}");
    assert!(said.contains("is cancelled; callers told and let go: 1"), "{said}");
    logged(&daemon, &["was ended by its host", "takes no more calls"]);
    daemon.wait_for("everybody gone", SOON, |c| c.calls().ok()?.is_empty().then_some(()));
    let (status, _, err) = trunkctl(&daemon, &["cancel", &cancelled.event, "--yes"]);
    assert!(status == Some(1) && err.contains("takes no more calls already"), "{err}");
    assert!(daemon.terminate().success());
    for (name, words) in [("host.wav", "host-ended"), ("speaker.wav", "event-cancelled")] {
        let likeness = likeness(words, &daemon.file(name));
        assert!(likeness >= 0.9, "{name} does not have \"{words}\" ({likeness})");
    }

    daemon.run();
    let states = |daemon: &Daemon| -> Vec<EventState> {
        let events = daemon.client().events().expect("answered");
        [&ended, &cancelled].map(|r| events.iter().find(|e| e.number == r.event).expect("known").state).to_vec()
    };
    assert_eq!(states(&daemon), [EventState::Ended, EventState::Cancelled]);
    for (reservation, name) in [(&ended, "again-ended.wav"), (&cancelled, "again-cancelled.wav")] {
        let plan = recorded(caller(&reservation.event, &reservation.pins.host), &daemon.file(name));
        daemon.client().exchange_dial(plan).expect("dialled");
    }
    println!("{}", logged(&daemon, &["turned away", "it has ended"]));
    println!("{}", logged(&daemon, &["turned away", "it was cancelled"]));
    daemon.wait_for("both cleared", SOON, |c| c.calls().ok()?.is_empty().then_some(()));
    assert_eq!(states(&daemon), [EventState::Ended, EventState::Cancelled]);
    assert!(daemon.terminate().success());
    for (name, words) in [("again-ended.wav", "event-ended"), ("again-cancelled.wav", "event-cancelled")] {
        let likeness = likeness(words, &daemon.file(name));
        println!("{name}: \"{words}\" at {likeness:.3}");
        assert!(likeness >= 0.9, "{name} does not have \"{words}\" ({likeness})");
    }
    let records = records(&daemon);
    let again = &records[records.len() - 2..];
    assert!(records.len() == 4 && again.iter().all(|r| r["cause"] == 16 && r["joined_ms"].is_null()), "{again:?}");
}
