//! Somebody guesses PINs: he gets nowhere, and what he keyed is written nowhere.

use super::support::{SOON, call_in, caller, files_under, likeness, logged, recorded, records, reserve, wrong_pin};
use control::DialPlan;
use hw_tests::daemon::Daemon;
use hw_tests::sound;
use std::fs;
use std::time::Duration;

#[test]
fn three_wrong_pins_end_the_call_lock_the_caller_and_leave_no_digit_behind() {
    // Everything that is ever logged, so that the search at the end means something.
    let mut daemon = Daemon::start("", "", "[guard]\ncaller_failures = 3\n[log]\nlevel = \"trace\"\n");
    let event = reserve(&daemon, "Guessed at");
    let wrong: Vec<String> = (1..=3).map(|turn| wrong_pin(&event.pins, turn)).collect();
    // The second and third try, each after the answer to the one before and the guard's pause.
    let mut samples = Vec::new();
    for (pause_s, pin) in [(2, &wrong[1]), (4, &wrong[2])] {
        samples.extend(vec![0; pause_s * 8000]);
        samples.extend(sound::keys(&event.event));
        samples.extend([0; 4000]);
        samples.extend(sound::keys(pin));
    }
    let tries = daemon.file("tries.wav");
    sound::write(&tries, &samples);
    let guesser = |pin: &str| DialPlan { calling: Some("2025550143".into()), ..caller(&event.event, pin) };
    let plan = DialPlan { wav: Some(tries.display().to_string()), ..guesser(&wrong[0]) };
    daemon.client().exchange_dial(recorded(plan, &daemon.file("guesser.wav"))).expect("dialled");
    println!("{}", logged(&daemon, &["ERROR", "too many wrong PINs", "locked out", "(call 1)"]));
    daemon.wait_for("the end of the call", SOON, |c| c.calls().ok()?.is_empty().then_some(()));
    let first = records(&daemon);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0]["wrong_entries"], 3);
    assert!(first[0]["cause"] == 16 && first[0]["released_by"] == "near_end", "{}", first[0]);
    assert!(first[0]["joined_ms"].is_null() && first[0]["event"].is_null(), "{}", first[0]);

    // With the right PIN he fares no better, and hears no other words; somebody else is let in.
    let plan = recorded(guesser(&event.pins.host), &daemon.file("locked.wav"));
    let locked = daemon.client().exchange_dial(plan).expect("dialled");
    logged(&daemon, &["call 2 keyed a wrong event number or PIN"]);
    let friend = DialPlan { calling: Some("2025550178".into()), ..caller(&event.event, &event.pins.speaker) };
    call_in(&daemon, &event.event, vec![friend]);
    daemon.wait_for("the answer to him", SOON, |_| {
        let log = daemon.log();
        log.split_once("call 2 keyed a wrong")?.1.contains("call 2 is asked for the event number").then_some(())
    });
    // He listens to it.
    std::thread::sleep(Duration::from_secs(4));
    daemon.client().exchange_hang_up(locked).expect("hung up");
    daemon.wait_for("his end", SOON, |c| (c.calls().ok()?.len() == 1).then_some(()));
    assert!(daemon.terminate().success());
    for name in ["guesser.wav", "locked.wav"] {
        let likeness = likeness("not-recognised", &daemon.file(name));
        println!("{name}: \"not recognised\" at {likeness:.3}");
        assert!(likeness >= 0.9, "{name}: {likeness}");
    }

    let mut secrets = wrong;
    secrets.extend([event.pins.host.clone(), event.pins.speaker.clone()]);
    // As the tools show them, too.
    secrets.extend(secrets.clone().iter().map(|pin| format!("{} {}", &pin[..4], &pin[4..])));
    let mut files = files_under(&daemon.state());
    let (info, others): (Vec<_>, Vec<_>) = files.drain(..).partition(|f| f.ends_with("event-info.xml"));
    assert_eq!(info.len(), 1, "{info:?}");
    assert!(fs::read_to_string(&info[0]).expect("there").contains(&event.pins.host), "this is the one place");
    assert!(others.len() >= 4, "keys, journal, events, records: {others:?}");
    for secret in &secrets {
        assert!(!daemon.log().contains(secret.as_str()), "digits of a PIN are in the log");
        for file in &others {
            let octets = fs::read(file).expect("readable");
            let found = octets.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "digits of a PIN are in {}", file.display());
        }
    }
}
