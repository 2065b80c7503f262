//! The whole daemon with an exchange made by others: libpri takes the span's far end and calls in.
//!
//! On T1 with NI-2 and 5ESS and on E1 with EuroISDN: two callers are let in by keys, one speaks, the other keys and at last ends
//! the event; what each hears, the stream and the signalling are compared with what was meant. Then callers and exchanges
//! that are less polite: a caller hangs up while keying the PIN, an exchange loses its power in the middle of a call.

use super::libpri_exchange::{
    CALLER_CLEARS, DAEMON_CLEARS, ESS5, EURO_ISDN, Exchange, NI2, PATIENCE, Place, TAKEN, Trunk, ladders, pause,
};
use dsp::align::align;
use hw_tests::peers::{GCC, LIBPRI, SPANDSP, TSHARK, assert_no_malformed, require};
use hw_tests::sound::{self, CURL, FFMPEG, RECORDED_SPEECH};
use std::process::{Command, Stdio};
use std::thread;

const CALLED: &str = "5550100";
/// Keyed by the one while the other speaks; none of it means anything to the daemon.
const KEYED: &str = "1472580D";
/// Keyed by the speaker between his two sentences.
const PRESSED: &str = "123456789*0#ABCD";

/// Tells a story on these trunks at once; a failure names the trunk.
fn told_on(trunks: &[Trunk], story: impl Fn(Trunk) + Sync) {
    thread::scope(|scope| {
        let story = &story;
        let begin = |trunk: Trunk| {
            let thread = thread::Builder::new().name(trunk.switch.into());
            thread.spawn_scoped(scope, move || story(trunk)).expect("a thread")
        };
        let threads: Vec<_> = trunks.iter().map(|&trunk| begin(trunk)).collect();
        for (trunk, thread) in trunks.iter().zip(threads) {
            assert!(thread.join().is_ok(), "the story on {} {} went wrong, see above", trunk.line, trunk.switch);
        }
    });
}

#[test]
fn an_exchange_made_by_others_brings_two_callers_together() {
    if !require("libpri_call", &[GCC, LIBPRI, SPANDSP, TSHARK, FFMPEG, CURL, RECORDED_SPEECH]) {
        return;
    }
    told_on(&[NI2, ESS5, EURO_ISDN], conversation);
}

fn conversation(trunk: Trunk) {
    let mut place = Place::new(trunk);
    let pins = place.event.pins.clone();
    let speech = sound::recorded_speech(20);
    let halves = speech.split_at(10 * 8000);
    let said = [
        place.entry(&pins.speaker),
        pause(1500),
        halves.0.to_vec(),
        pause(300),
        sound::keys(PRESSED),
        pause(300),
        halves.1.to_vec(),
        pause(1500),
    ]
    .concat();
    // The other one was there three seconds before, keys something in the middle and 399 well after the last word.
    let mut keyed = place.entry(&pins.host);
    keyed.resize(14 * 8000, 0);
    keyed.extend(sound::keys(KEYED));
    keyed.resize(said.len() + 7 * 8000, 0);
    keyed.extend(sound::keys("399"));
    let (said, keyed) = (place.say("said", &said), place.say("keyed", &keyed));
    let [said, keyed, by_speaker, by_host] =
        [said, keyed, place.file("by-speaker"), place.file("by-host")].map(|file| file.display().to_string());
    let host = ["--call", CALLED, "--from", "2025550101", "--name", "Host", "--play", &keyed, "--record", &by_host];
    let speaker = ["--call", CALLED, "--after", "3", "--play", &said, "--record", &by_speaker, "--until-played"];
    let exchange = Exchange::attach(&place, "conversation", &[&host, &speaker]);
    place.wait_for_link();

    let url = place
        .daemon
        .wait_for("the stream", PATIENCE, |client| Some(client.events().ok()?.first()?.streams.first()?.url.clone()));
    let streamed = place.file("streamed.mp3");
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--no-buffer", "--max-time", "120", "--output"])
        .arg(&streamed)
        .arg(&url)
        .stdout(Stdio::null())
        .spawn()
        .expect("curl runs");
    let reported = exchange.finish(&place);
    assert!(curl.wait().expect("curl ends").success(), "the stream ends cleanly");
    place.wait_for_quiet();
    place.wait_for_no_signal();
    place.assert_discreet();
    assert!(place.daemon.terminate().success());

    let name = trunk.switch;
    let (host, speaker) = (place.heard("by-host"), place.heard("by-speaker"));
    let stream = sound::decode(&streamed);
    for (half, spoken) in [halves.0, halves.1].into_iter().enumerate() {
        let likeness = |what: &str, heard: &[i16]| {
            let found = align(spoken, heard).unwrap_or_else(|| panic!("{name}, {what}: nothing to compare"));
            println!("{name}, half {half}, {what}: correlation {:.4} at {} ms", found.correlation, found.lag / 8);
            found.correlation
        };
        assert!(likeness("the other caller", &host) >= 0.95, "{name}");
        assert!(likeness("the stream", &stream) >= 0.9, "{name}");
        assert!(likeness("the speaker himself", &speaker) < 0.2, "{name}");
    }
    for (what, samples) in [("the host", &host), ("the speaker", &speaker), ("the stream", &stream)] {
        assert_eq!(sound::our_digits(samples), "", "{name}: our detector, what {what} heard");
        let found = sound::spandsp_digits(place.daemon.state().as_path(), samples);
        assert_eq!(found, "", "{name}: spandsp's detector, what {what} heard");
    }

    let capture = place.file("conversation.pcap");
    assert_no_malformed(&capture);
    let ladders: Vec<_> = ladders(&capture).into_values().collect();
    let host = [&TAKEN[..], &DAEMON_CLEARS].concat();
    let speaker = [&TAKEN[..], &CALLER_CLEARS].concat();
    assert_eq!(ladders, [host, speaker], "{name}");
    // Normal clearing, whoever began it.
    let ends: Vec<_> = reported.iter().filter(|event| event["event"] == "hangup").map(|e| &e["cause"]).collect();
    assert_eq!(ends, [16, 16], "{name}: {reported:#?}");
}

#[test]
fn a_caller_hangs_up_while_keying_the_pin() {
    if !require("a_caller_hangs_up_while_keying_the_pin", &[GCC, LIBPRI, TSHARK]) {
        return;
    }
    told_on(&[NI2, ESS5, EURO_ISDN], |trunk| {
        let mut place = Place::new(trunk);
        let pin = place.event.pins.speaker.clone();
        // The event number, four of the PIN's digits, and half of the fifth key.
        let number = sound::keys(&format!("{}#", place.event.event));
        let begun = [sound::keys(&pin[..4]), pause(100), sound::keys(&pin[4..5])[..400].to_vec()];
        let half = [pause(600), number, pause(800), begun.concat()].concat();
        let whole = [place.entry(&pin), pause(2000)].concat();
        let [half, whole] =
            [place.say("half", &half), place.say("whole", &whole)].map(|file| file.display().to_string());
        let impatient = ["--call", CALLED, "--play", &half, "--until-played", "--hangup-cause", "31"];
        let exchange = Exchange::attach(&place, "pin", &[&impatient]);
        place.daemon.wait_for("the PIN to be asked for", PATIENCE, |client| {
            (client.calls().ok()?.first()?.state == control::CallStage::AskingPin).then_some(())
        });
        exchange.finish(&place);
        place.wait_for_quiet();
        place.wait_for_no_signal();
        let record = place.daemon.wait_for("the record", PATIENCE, |_| place.records().into_iter().next());
        let name = trunk.switch;
        assert_eq!((&record["cause"], &record["released_by"]), (&31.into(), &"far_end".into()), "{name}: {record}");
        assert!(record["connect_ms"].is_u64() && record["joined_ms"].is_null(), "{name}: {record}");
        assert_eq!(record["wrong_entries"], 0, "{name}: half a PIN is no attempt: {record}");

        // The channel is as good as new, and nothing of what was keyed is left on it.
        let next = ["--call", CALLED, "--play", &whole, "--until-played"];
        let exchange = Exchange::attach(&place, "next", &[&next]);
        place.wait_for_callers(1);
        let call = place.daemon.client().calls().expect("told").remove(0);
        assert_eq!(u64::from(call.channel), record["channel"], "{name}");
        exchange.finish(&place);
        place.wait_for_quiet();
        place.assert_discreet();
        assert!(place.daemon.terminate().success());
        for capture in ["pin.pcap", "next.pcap"] {
            let capture = place.file(capture);
            assert_no_malformed(&capture);
            let expected = [&TAKEN[..], &CALLER_CLEARS].concat();
            assert_eq!(ladders(&capture).into_values().collect::<Vec<_>>(), [expected], "{name}");
        }
    });
}

#[test]
fn an_exchange_loses_its_power_in_the_middle_of_a_call_and_comes_back() {
    if !require("an_exchange_loses_its_power", &[GCC, LIBPRI, TSHARK]) {
        return;
    }
    // Once it stays away until the data link has found out, once it is back before.
    told_on(&[EURO_ISDN, NI2], |trunk| {
        let stays_away = trunk.switch == EURO_ISDN.switch;
        let name = trunk.switch;
        let mut place = Place::new(trunk);
        let entry = place.entry(&place.event.pins.speaker);
        let [long, short] = [60_000, 2_000].map(|after| [entry.clone(), pause(after)].concat());
        let [long, short] =
            [place.say("long", &long), place.say("short", &short)].map(|file| file.display().to_string());
        let exchange = Exchange::attach(&place, "before", &[&["--call", CALLED, "--play", &long]]);
        place.wait_for_callers(1);
        exchange.kill();
        place.wait_for_no_signal();
        if stays_away {
            place.daemon.wait_for("the link to be missed", PATIENCE, |client| {
                let span = client.spans().ok()?.into_iter().next()?;
                (span.link != control::LinkState::Up && span.counters.link_losses == 1).then_some(())
            });
        }
        // A call outlives a link that is lost (Q.931 clause 5.8.9).
        let calls = place.daemon.client().calls().expect("told");
        assert_eq!(
            calls.iter().map(|call| call.state).collect::<Vec<_>>(),
            [control::CallStage::InConference],
            "{name}"
        );

        // Asked about the call, the exchange knows of none; that leaves its channel free for the next.
        let next = ["--call", CALLED, "--after", "1", "--play", &short, "--until-played"];
        let exchange = Exchange::attach(&place, "after", &[&next]);
        place.wait_for_link();
        let call = place.daemon.wait_for("a new call to be let in", PATIENCE, |client| {
            let all = client.calls().ok()?;
            let [call] = &all[..] else { return None };
            (call.id != calls[0].id && call.state == control::CallStage::InConference).then(|| call.clone())
        });
        assert_eq!(call.channel, calls[0].channel, "{name}");
        exchange.finish(&place);
        place.wait_for_quiet();
        let records = place.records();
        assert_eq!(records[0]["call"], calls[0].id, "{name}: {records:#?}");
        // 81, invalid call reference: the answer of an exchange that has forgotten it.
        assert_eq!(records.iter().map(|record| &record["cause"]).collect::<Vec<_>>(), [81, 16], "{name}: {records:#?}");
        assert!(place.daemon.terminate().success());
        for capture in ["before.pcap", "after.pcap"] {
            assert_no_malformed(&place.file(capture));
        }
        // Begun anew, the exchange has used the call's reference again.
        let asked = ["u STATUS ENQUIRY", "n RELEASE COMPLETE"];
        let expected = [&asked[..], &TAKEN, &CALLER_CLEARS].concat();
        assert_eq!(ladders(&place.file("after.pcap")).into_values().collect::<Vec<_>>(), [expected], "{name}");
    });
}
