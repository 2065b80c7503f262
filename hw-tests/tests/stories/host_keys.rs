//! A host leads with keys that the operator has chosen, and hears what they do; and every sound is as good as the line allows.
//!
//! Ann says her name at the door, so does the host. He keys his roll call and hears both; how many there are, from parts; and which
//! keys he has, which are not those of the documentation. He mutes everybody, and Ann is heard again with the key she was told. In the
//! second story nobody keys anything: what an E1 brings is compared with the files, octet by octet.

use super::switchboard::{Place, alike, asset, clip, found, key, quiet, sound, told, wait};
use control::{ConferenceInfo, MutedBy, Role};
use dsp::g711::Law;
use dsp::tones::ToneSequence;
use exchange::{Prepared, Sink, Step};
use std::time::Duration;

const RULES: &str = "
[conference]
names = true
entry_exit = \"name\"
[conference.keys.host]
\"55\" = \"roll_call\"
\"*4\" = \"count\"
\"*0\" = \"help\"
\"#6\" = \"mute_all\"
\"*5\" = \"lock\"
\"*6\" = \"mute\"
\"399\" = \"end\"
[conference.keys.speaker]
\"88\" = \"mute\"
";

/// What somebody says as his name.
fn name_of(who: &str) -> exchange::Clip {
    clip(&format!("speech/{who}.wav"))[..9600].into()
}

/// He is asked for his name, and says it after the tone.
fn says_name(who: &str) -> Vec<Step> {
    vec![sound(10_000), quiet(600, 15_000), Step::Speak { clip: name_of(who) }, wait(300), key("#")]
}

/// How much of this is in what was heard.
fn likeness(what: &str, sound: &[i16], heard: &[i16]) -> f64 {
    let found = alike(sound, heard).map_or(0.0, |(found, _)| found);
    println!("{what}: {found:.3}");
    found
}

#[test]
fn keys_of_the_operators_choice_do_and_say_what_they_should() {
    let mut place = Place::new(RULES, vec![]);
    let pins = place.event.pins.clone();
    // Nothing is said to her from the host's coming until he mutes everybody.
    let anns = vec![quiet(10_000, 60_000), sound(90_000), quiet(1000, 10_000), key("88")];
    let ann = place.dial([place.enters(&pins.speaker), says_name("a1"), anns].concat());
    place.until("Ann", |c| c.present == 1);
    let leads = [("55", 6000), ("*4", 5000), ("*0", 13_000), ("#6", 9000), ("*5", 4000), ("399", 0)];
    let leads = leads.into_iter().flat_map(|(keys, then_ms)| [key(keys), wait(then_ms)]);
    let host = place.dial([place.enters(&pins.host), says_name("b1"), vec![wait(7000)], leads.collect()].concat());
    place.until("the host", |c| c.present == 2);

    let anns_mute = |c: &ConferenceInfo| c.members.iter().find(|m| m.role == Role::Speaker).and_then(|m| m.muted);
    place.until("everybody to be muted", |c| c.all_muted && anns_mute(c) == Some(MutedBy::Host));
    place.until("Ann to unmute herself", |c| anns_mute(c).is_none());
    place.until("nobody else to be let in", |c| c.locked);
    place.daemon.wait_for("the host to end it", Duration::from_secs(60), |c| c.calls().ok()?.is_empty().then_some(()));
    let (by_ann, by_host) = (place.heard(ann), place.heard(host));
    assert!(place.daemon.terminate().success());

    for who in ["a1", "b1"] {
        assert!(likeness(who, &name_of(who), &by_host) > 0.8, "the host hears {who} in the roll call");
    }
    assert!(likeness("the host's name", &name_of("b1"), &by_ann) > 0.8, "Ann hears who has come");
    let count = told("people-before numbers/2 people-after");
    assert!(likeness("the count", &count, &by_host) > 0.9);
    let keys =
        told("press-mute key-star numbers/6 / press-count key-star numbers/4 / press-roll-call numbers/5 numbers/5");
    assert!(likeness("the host's keys", &keys, &by_host) > 0.9, "as they are in the configuration");
    for prompt in ["all-muted", "unmuted", "locked", "host-ended"] {
        assert!(found(&format!("prompts/en/{prompt}.wav"), &by_ann).0 > 0.8, "Ann hears {prompt}");
    }
}

const TWO_LANGUAGES: &str = "
[voice]
comfort_noise = false
[call_in]
language = \"de\"
numbers = [\"5550100\", { number = \"5550101\", language = \"en\" }]
";

/// A file that is A-law already.
fn in_a_law(name: &str) -> Vec<i16> {
    let octets = std::fs::read(asset(name)).expect("there");
    let data = octets.windows(4).position(|four| four == b"data").expect("a WAV file") + 8;
    octets[data..].iter().map(|&octet| Law::A.decode_one(octet)).collect()
}

/// Coded once.
fn coded(samples: &[i16]) -> Vec<i16> {
    samples.iter().map(|&sample| Law::A.decode_one(Law::A.encode_one(sample))).collect()
}

/// How much of a sound is in what was heard sample by sample, as a share of its pieces: a slip of the line spoils one of them.
fn exactly(what: &str, sound: &[i16], heard: &[i16]) -> f64 {
    let pieces: Vec<&[i16]> =
        sound.chunks(400).filter(|piece| piece.iter().any(|sample| sample.unsigned_abs() > 500)).collect();
    let same = pieces.iter().filter(|piece| heard.windows(piece.len()).any(|window| window == **piece)).count();
    println!("{what}: {same} of {} pieces are the same", pieces.len());
    same as f64 / pieces.len() as f64
}

#[test]
fn what_an_a_law_line_brings_was_coded_once() {
    let mut place = Place::new(TWO_LANGUAGES, vec![]);
    let host = place.dial([place.enters(&place.event.pins.host), vec![wait(4000), Step::Silence]].concat());
    place.until("the host", |c| c.present == 1);
    let listen = |number: &str| {
        let script = vec![wait(9000), Step::HangUp];
        place.exchange.dial_prepared(Prepared::from_script(number, script, Sink::memory(20 * 8000))).expect("dialled")
    };
    let (german, english) = (listen("5550100"), listen("5550101"));
    let ann = place.dial([place.enters(&place.event.pins.speaker), vec![wait(4000), Step::HangUp]].concat());
    place.until("Ann", |c| c.present == 2);
    place.until("Ann to have gone", |c| c.present == 1);
    std::thread::sleep(Duration::from_secs(2));
    let [by_host, german, english, _] = [host, german, english, ann].map(|id| place.heard(id));
    assert!(place.daemon.terminate().success());

    for name in ["welcome", "enter-event"] {
        let (de, en) = (format!("prompts/de/{name}.wav"), format!("prompts/en/{name}.wav"));
        assert!(exactly(&de, &in_a_law(&de), &german) > 0.7, "a file in A-law passes as it is");
        assert!(exactly(&en, &coded(&clip(&en)), &english) > 0.7, "linear files are coded for the line, and no more");
    }
    for (what, mut tone) in [("entry tone", ToneSequence::entry()), ("exit tone", ToneSequence::exit())] {
        let mut samples = vec![0; 8000];
        tone.fill(&mut samples);
        samples.truncate(samples.iter().rposition(|&sample| sample != 0).expect("a tone") + 1);
        assert!(exactly(what, &coded(&samples), &by_host) >= 0.5, "{what}");
    }
}
