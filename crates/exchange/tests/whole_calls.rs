//! Whole calls, sound included, between the exchange and a gateway, under a virtual clock.

mod common;

use board_loopback::LoopbackCard;
use common::gateway::{Gateway, Hears};
use common::wire::{Knobs, pair};
use common::{dialect, setup};
use dsp::g711::Law;
use dsp::tones::{Oscillator, Tone};
use exchange::{
    Answer, Builder, CallerId, CallerState, CallerStatus, Clip, Conversation, DialPlan, Exchange, Extension,
};
use exchange::{Prepared, Repeat, Sink, Step, load_clip};
use hal::{Alarms, Card, CardEvent, ChunkLength, Line, SpanIndex, Timeslot};
use isdn::ChannelChoice;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The exchange and its gateway, one card each.
struct Town {
    now: Duration,
    chunk: ChunkLength,
    exchange: Exchange,
    gateways: Vec<Gateway>,
    knobs: Vec<Arc<Knobs>>,
}

impl Town {
    /// Gateways reached over the software card, one span each.
    fn new(line: Line, chunk: ChunkLength, cards: usize) -> Town {
        Town::with(line, chunk, cards, |builder| builder)
    }

    fn with(line: Line, chunk: ChunkLength, cards: usize, more: impl FnOnce(Builder) -> Builder) -> Town {
        let join = |card: usize| {
            let mut software = LoopbackCard::builder(format!("gateway {card}"));
            let far_end = software.span_to_exchange(line);
            let ours = far_end.attach(format!("card {card}")).expect("nobody else holds it");
            (Box::new(ours) as Box<dyn Card>, Box::new(software.build()) as Box<dyn Card>)
        };
        Town::of(line, chunk, (0..cards).map(join), more, Vec::new())
    }

    /// Gateways reached over cards that can be made to fail.
    fn on_wires(line: Line, chunk: ChunkLength, cards: usize) -> Town {
        let mut knobs = Vec::new();
        let mut join = |card: usize| {
            let (ours, theirs, knob) = pair(&format!("card {card}"), line, 1, chunk);
            knobs.push(knob);
            (Box::new(ours) as Box<dyn Card>, Box::new(theirs) as Box<dyn Card>)
        };
        let joined: Vec<_> = (0..cards).map(&mut join).collect();
        Town::of(line, chunk, joined.into_iter(), |builder| builder, knobs)
    }

    fn of(
        line: Line,
        chunk: ChunkLength,
        cards: impl Iterator<Item = (Box<dyn Card>, Box<dyn Card>)>,
        more: impl FnOnce(Builder) -> Builder,
        knobs: Vec<Arc<Knobs>>,
    ) -> Town {
        let now = Duration::from_secs(50);
        let mut builder = more(Exchange::builder(chunk));
        let mut gateways = Vec::new();
        for (card, (ours, theirs)) in cards.enumerate() {
            builder = builder.card(&format!("server {card}"), ours, dialect(line));
            gateways.push(Gateway::start(theirs, chunk, now));
        }
        let exchange = builder.start(now).expect("cards start");
        let mut town = Town { now, chunk, exchange, gateways, knobs };
        town.pass(3_000);
        town
    }

    fn pass(&mut self, ms: u32) {
        for _ in 0..ms / self.chunk.milliseconds() {
            self.now += self.chunk.duration();
            self.exchange.tick(self.now);
            self.gateways.iter_mut().for_each(|gateway| gateway.tick(self.now));
        }
    }

    fn dial(&mut self, plan: &DialPlan) -> CallerId {
        self.exchange.dial(self.now, plan.prepare().expect("a good plan"))
    }

    fn status(&self, id: CallerId) -> CallerStatus {
        self.exchange.caller(id).expect("remembered")
    }

    fn assert_idle(&self) {
        assert_eq!(self.exchange.calls(), 0);
        assert_eq!(self.exchange.switch().calls(), 0);
        assert!(self.exchange.switch().channels().all(|channel| channel.caller.is_none()));
        for gateway in &self.gateways {
            assert!(gateway.talks.is_empty());
            assert!(gateway.d.iter().all(|d| d.calls().count() == 0));
        }
    }
}

fn plan() -> DialPlan {
    DialPlan { called: "5551000".into(), ..DialPlan::default() }
}

/// Something that correlates with nothing but itself: a sweep.
fn sweep(from_hz: f32, samples: usize) -> Vec<i16> {
    let mut phase = 0.0f32;
    let step = |i: usize| (from_hz + 800.0 * i as f32 / samples as f32) / 8000.0;
    (0..samples)
        .map(|i| {
            phase = (phase + step(i)).fract();
            ((phase * std::f32::consts::TAU).sin() * 8000.0) as i16
        })
        .collect()
}

fn write_wav(path: &Path, samples: &[i16]) {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec).expect("creates");
    samples.iter().for_each(|sample| writer.write_sample(*sample).expect("writes"));
    writer.finalize().expect("closes");
}

fn over_the_line(law: Law, samples: &[i16]) -> Vec<i16> {
    samples.iter().map(|sample| law.decode_one(law.encode_one(*sample))).collect()
}

fn find(needle: &[i16], haystack: &[i16]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[test]
fn a_caller_keys_speaks_and_records_what_comes_back() {
    for (line, law) in [(Line::E1, Law::A), (Line::T1, Law::Mu)] {
        for chunk in [ChunkLength::Ms5, ChunkLength::Ms10, ChunkLength::Ms20] {
            let folder = tempfile::tempdir().expect("a folder");
            let (wav, record) = (folder.path().join("speech.wav"), folder.path().join("heard.wav"));
            let speech = sweep(400.0, 12_345);
            write_wav(&wav, &speech);
            let mut town = Town::new(line, chunk, 1);
            let caller = town.dial(&DialPlan {
                calling: "4930123456".into(),
                name: "Ada".into(),
                event: Some("1234567890".into()),
                pin: Some("271828".into()),
                wav: Some(wav),
                record: Some(record.clone()),
                hold: Some(Duration::from_millis(500)),
                ..plan()
            });
            town.pass(6_000);
            let status = town.status(caller);
            assert_eq!((status.state, status.span, status.channel), (CallerState::Connected, 1, 1));
            let setup = town.gateways[0].talks[&(0, 1)].setup.clone().expect("came in");
            assert_eq!(setup.called.digits.as_str(), "5551000");
            assert_eq!(setup.calling.expect("told").digits.as_str(), "4930123456");
            assert_eq!(setup.name, Some(isdn::Name::new("Ada")));
            town.pass(6_000);
            assert_eq!(town.gateways[0].ended, [("1234567890#271828#".to_string(), 16)]);
            let status = town.status(caller);
            assert_eq!((status.state, status.cause, status.by_far_end), (CallerState::Ended, Some(16), false));
            assert_eq!(status.heard.keys, "1234567890#271828#", "the echo brought them back");
            assert_eq!(status.offers, 1);
            let heard = load_clip(&record).expect("a whole file");
            assert_eq!(heard.len() as u64, status.heard.samples);
            let at = find(&over_the_line(law, &speech), &heard).expect("the speech came back octet for octet");
            // Wait 1 s, 11 keys, 1.5 s, 7 keys, 2.5 s; then 20 ms each way through the software span.
            assert_eq!(at, (1_000 + 18 * 200 + 4_000 + 40) * 8);
            town.assert_idle();
        }
    }
}

#[test]
fn a_recording_is_whole_however_the_call_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("heard.wav");
    let plan = DialPlan { record: Some(record.clone()), ..plan() };
    // The gateway hangs up.
    let mut town = Town::new(Line::T1, ChunkLength::Ms10, 1);
    let caller = town.dial(&plan);
    town.pass(2_000);
    let now = town.now;
    town.gateways[0].hang_up(now, 0, 1);
    town.pass(1_000);
    let status = town.status(caller);
    assert_eq!((status.state, status.cause, status.by_far_end), (CallerState::Ended, Some(16), true));
    assert_eq!(load_clip(&record).expect("whole").len() as u64, status.heard.samples);
    assert!((14_000..16_500).contains(&status.heard.samples), "{status:?}");
    town.assert_idle();
    // The exchange ends in the middle of the call.
    let caller = town.dial(&plan);
    town.pass(1_000);
    let ended = town.exchange.close();
    let status = ended.iter().find(|status| status.id == caller).expect("listed");
    assert_eq!(load_clip(&record).expect("whole").len() as u64, status.heard.samples);
    // The exchange is dropped.
    let mut town = Town::new(Line::T1, ChunkLength::Ms10, 1);
    town.dial(&plan);
    town.pass(1_000);
    drop(town);
    assert!(load_clip(&record).expect("whole").len() > 6_000);
}

#[test]
fn a_call_that_finds_no_place_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("heard.wav");
    let mut town = Town::new(Line::T1, ChunkLength::Ms10, 2);
    town.gateways.iter_mut().for_each(|gateway| gateway.refuse = Some(34));
    let caller = town.dial(&DialPlan { record: Some(record.clone()), ..plan() });
    town.pass(1_000);
    let status = town.status(caller);
    assert_eq!((status.state, status.cause, status.offers), (CallerState::Ended, Some(34), 2));
    assert_eq!((status.connected_at_ms, status.by_far_end), (None, true));
    assert_eq!(hound::WavReader::open(&record).expect("a valid file").duration(), 0);
    town.assert_idle();
}

#[test]
fn a_caller_hangs_up_when_its_time_is_over() {
    let mut town = Town::new(Line::E1, ChunkLength::Ms10, 1);
    let caller = town.dial(&DialPlan { hang_up_after: Some(Duration::from_secs(2)), ..plan() });
    town.pass(1_900);
    assert_eq!(town.status(caller).state, CallerState::Connected);
    town.pass(500);
    let status = town.status(caller);
    assert_eq!((status.state, status.cause), (CallerState::Ended, Some(16)));
    let lasted = status.ended_at_ms.expect("ended") - status.connected_at_ms.expect("connected");
    assert!((2_000..2_200).contains(&lasted), "{lasted} ms");
    town.assert_idle();
}

#[test]
fn two_people_converse_and_hear_one_another() {
    let (a, b): (Vec<Clip>, Vec<Clip>) =
        (vec![sweep(400.0, 9_000).into(), sweep(2_000.0, 7_000).into()], vec![sweep(1_200.0, 8_000).into()]);
    let conversation = Conversation::between(&a, &b, 250);
    let mut town = Town::new(Line::E1, ChunkLength::Ms10, 1);
    town.gateways[0].hears = Hears::Others;
    let mut person = |voice| {
        let mut call = plan();
        call.part = Some(conversation.part(voice));
        let prepared = Prepared { sink: Sink::memory(100_000), ..call.prepare().expect("good") };
        let id = town.exchange.dial(town.now, prepared);
        town.pass(700);
        id
    };
    let (one, other) = (person(0), person(1));
    town.pass(11_000);
    town.exchange.hang_up_all(town.now);
    town.pass(1_000);
    town.assert_idle();
    let mut heard = |id| town.exchange.take_ended(id).expect("ended").samples;
    let (by_one, by_other) = (heard(one), heard(other));
    let line = |clip: &Clip| over_the_line(Law::A, clip);
    for clip in &a {
        let said = line(clip);
        assert!(find(&said, &by_other).is_some(), "the other hears a clip of {} samples", said.len());
        assert_eq!(find(&said[1_000..2_000], &by_one), None, "nobody hears himself");
    }
    assert!(find(&line(&b[0]), &by_one).is_some());
    assert_eq!(find(&line(&b[0])[1_000..2_000], &by_other), None);
}

#[test]
fn speech_is_repeated_as_often_as_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let wav = folder.path().join("speech.wav");
    let speech = sweep(500.0, 1_600);
    write_wav(&wav, &speech);
    let mut town = Town::new(Line::T1, ChunkLength::Ms20, 1);
    let repeated = |repeat| DialPlan { wav: Some(wav.clone()), repeat, repeat_pause_ms: 100, ..plan() };
    let thrice = town.dial(&repeated(Repeat::Times(3)));
    let forever = town.dial(&repeated(Repeat::Forever));
    town.pass(6_000);
    let count = |town: &Town, channel| {
        let heard = &town.gateways[0].talks[&(0, channel)].samples;
        let said = over_the_line(Law::Mu, &speech);
        heard.windows(said.len()).filter(|window| *window == said).count()
    };
    assert_eq!(count(&town, 1), 3);
    assert!((15..=17).contains(&count(&town, 2)), "{} times in about 5 s", count(&town, 2));
    assert!(town.exchange.hang_up(town.now, thrice) && town.exchange.hang_up(town.now, forever));
    town.pass(500);
    town.assert_idle();
}

#[test]
fn the_gateway_calls_a_test_number_and_hears_its_echo() {
    let echo =
        Extension { number: "108".into(), answer: Answer::After(Duration::from_millis(500)), script: vec![Step::Echo] };
    let mut town = Town::with(Line::E1, ChunkLength::Ms10, 1, |builder| builder.extension(echo));
    let now = town.now;
    town.gateways[0].hears = Hears::Octets;
    town.gateways[0].dial(now, 0, &setup("108", ChannelChoice::Any));
    town.pass(300);
    let status = town.exchange.callers().next().expect("a call");
    assert_eq!((status.state, status.called.as_str(), status.calling.as_str()), (CallerState::Called, "108", "4711"));
    town.pass(1_000);
    let status = town.exchange.callers().next().expect("a call");
    assert_eq!((status.state, status.span, status.channel), (CallerState::Connected, 1, 1));
    let all: Vec<i16> = (0..=255).map(|octet| Law::A.decode_one(octet)).collect();
    let came_back = &town.gateways[0].talks[&(0, 1)].samples;
    assert!(find(&all, came_back).is_some(), "every octet, in order");
    let now = town.now;
    town.gateways[0].hang_up(now, 0, 1);
    town.pass(500);
    town.assert_idle();
}

#[test]
fn a_card_that_is_not_ready_catches_up() {
    let mut town = Town::on_wires(Line::T1, ChunkLength::Ms10, 1);
    let mut tone = vec![0; 8_000];
    Oscillator::new(Tone::new(1_000.0, -10.0)).fill(&mut tone);
    let script = vec![Step::Speak { clip: sweep(600.0, 8_000).into() }];
    let caller = town.exchange.dial(town.now, Prepared::from_script("1", script, Sink::memory(100_000)));
    town.pass(300);
    // For 150 ms the exchange is not served; the gateway's side runs dry, and then everything goes on.
    town.knobs[0].stalled.store(true, Relaxed);
    town.pass(150);
    town.knobs[0].stalled.store(false, Relaxed);
    town.pass(2_000);
    town.exchange.hang_up(town.now, caller);
    town.pass(500);
    let heard = town.exchange.take_ended(caller).expect("ended").samples;
    assert!(find(&over_the_line(Law::Mu, &sweep(600.0, 8_000)), &heard).is_some(), "not a sample is missing");
    town.assert_idle();
}

#[test]
fn frames_without_room_wait_their_turn() {
    let mut town = Town::on_wires(Line::E1, ChunkLength::Ms10, 1);
    town.knobs[0].refusals.store(20, Relaxed);
    let caller = town.dial(&plan());
    town.pass(1_000);
    assert_eq!(town.status(caller).state, CallerState::Connected);
    assert_eq!(town.exchange.frames_lost(), 0);
    town.exchange.hang_up_all(town.now);
    town.pass(500);
    town.assert_idle();
}

#[test]
fn a_span_in_alarm_gets_no_calls_until_it_is_well() {
    let mut town = Town::on_wires(Line::T1, ChunkLength::Ms10, 2);
    let alarm = |town: &Town, alarms| {
        let event = CardEvent::Alarms(SpanIndex(0), alarms);
        town.knobs[0].events.lock().expect("unpoisoned").push_back(event);
    };
    for bad in [Alarms::LOS, Alarms::AIS, Alarms::RAI] {
        alarm(&town, bad);
        town.pass(50);
        let caller = town.dial(&plan());
        town.pass(200);
        assert_eq!(town.status(caller).span, 2, "{bad}");
        alarm(&town, Alarms::empty());
        town.pass(50);
        let caller = town.dial(&plan());
        town.pass(200);
        assert_eq!(town.status(caller).span, 1, "after {bad}");
        town.exchange.hang_up_all(town.now);
        town.pass(500);
    }
    town.assert_idle();
}

#[test]
fn a_card_that_goes_takes_its_calls_with_it_and_the_others_work_on() {
    let mut town = Town::on_wires(Line::T1, ChunkLength::Ms10, 2);
    let (lost, second) = (town.dial(&plan()), {
        town.exchange.channel_in_service(exchange::SpanId(0), Timeslot(2), false);
        town.dial(&plan())
    });
    town.pass(500);
    assert_eq!((town.status(lost).channel, town.status(second).channel), (1, 3));
    town.knobs[0].removed.store(true, Relaxed);
    let next = town.dial(&plan());
    town.pass(500);
    assert_eq!(town.exchange.cards_gone(), 1);
    let after = town.dial(&plan());
    town.pass(20_000);
    assert_eq!(town.status(after).span, 2, "new calls go to the other server");
    assert_eq!(town.status(next).span, 2, "and so does the one that was being offered");
    town.pass(160_000);
    for id in [lost, second] {
        assert_eq!(town.status(id).state, CallerState::Ended, "no longer than T309");
    }
    town.exchange.hang_up_all(town.now);
    town.pass(500);
    assert_eq!(town.exchange.calls(), 0);
    assert!(town.exchange.switch().channels().all(|channel| channel.caller.is_none()));
}

#[test]
fn the_list_of_ended_callers_is_bounded() {
    let mut town = Town::new(Line::T1, ChunkLength::Ms10, 1);
    town.gateways[0].refuse = Some(17);
    for _ in 0..exchange::ENDED_KEPT + 10 {
        town.dial(&plan());
        town.pass(100);
    }
    assert_eq!(town.exchange.callers().count(), exchange::ENDED_KEPT);
    town.assert_idle();
}
