//! The voice path as a whole, against what it should come to.

use super::*;
use crate::gateway::ConferenceIndex;
use dsp::keyfilter::{KeyFilter, STREAM_DELAY};
use dsp::tones::DtmfSequence;
use hal::Timeslot;

const CONFERENCES: usize = 2;

/// A voice path and the rings its streams go to.
struct Bridge {
    voice: VoicePath,
    rings: Vec<rtrb::Consumer<i16>>,
    chunk: ChunkLength,
}

impl Bridge {
    fn new(chunk: ChunkLength, settings: Settings) -> Bridge {
        let (outlets, rings) = (0..CONFERENCES).map(|_| rtrb::RingBuffer::new(16_000)).unzip();
        let mut voice = VoicePath::new(&[Line::T1], chunk, settings, Arc::new(Sounds::english()), outlets);
        for conference in 0..CONFERENCES as u16 {
            voice.command(Voice::StreamOpen(ConferenceIndex(conference)));
        }
        let mut bridge = Bridge { voice, rings, chunk };
        // What was said before.
        (0..CONFERENCES).for_each(|conference| _ = bridge.streamed(conference));
        bridge
    }

    fn streamed(&mut self, conference: usize) -> Vec<i16> {
        std::iter::from_fn(|| self.rings[conference].pop().ok()).collect()
    }

    fn hears(&mut self, channel: Channel) -> Vec<i16> {
        let mut octets = vec![0; self.chunk.samples()];
        self.voice.transmit(channel, &mut octets);
        octets.iter().map(|&octet| Law::Mu.decode_one(octet)).collect()
    }
}

fn channel(number: usize) -> Channel {
    Channel { span: 0, timeslot: Timeslot(1 + number as u8) }
}

/// One caller as he should be heard: a key filter of his own, and since when what he says counts.
struct Model {
    filter: KeyFilter,
    conference: Option<usize>,
    muted: bool,
    /// Whether each of his last chunks was said in his conference, the last first.
    said: Vec<bool>,
}

impl Model {
    /// Whose channel was just opened: what is a key is decided every 2 ms, so it is to begin where the leg does.
    fn of(voice: &VoicePath, channel: Channel) -> Model {
        let filter = KeyFilter::beginning_at(voice.legs[channel.index()].place());
        Model { filter, conference: None, muted: false, said: vec![] }
    }
}

fn random(state: &mut u32) -> u32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *state >> 8
}

/// Something happens to a caller now and then.
fn change(state: &mut u32, bridge: &mut Bridge, number: usize, model: &mut Model) {
    let voice = &mut bridge.voice;
    let conference = ConferenceIndex((random(state) % 2) as u16);
    match random(state) % 160 {
        0..4 => {
            voice.command(Voice::Join(channel(number), conference));
            (model.conference, model.muted, model.said) = (None, false, vec![]);
            model.conference = Some(usize::from(conference.0));
        }
        4 => {
            voice.command(Voice::Leave(channel(number)));
            (model.conference, model.muted, model.said) = (None, false, vec![]);
        }
        5..9 => {
            model.muted = !model.muted;
            voice.command(Voice::Mute(channel(number), model.muted));
        }
        9 => {
            voice.command(Voice::Close(channel(number)));
            voice.command(Voice::Open(channel(number)));
            *model = Model::of(voice, channel(number));
        }
        _ => {}
    }
}

/// Six callers who talk and press keys, come, go, are muted and hang up at random, before a tick and in the middle of one: what each hears
/// and what is streamed is what it comes to if every voice is filtered, delayed and summed by itself.
#[test]
fn what_is_heard_and_streamed_is_the_sum_of_the_voices() {
    for (seed, chunk) in [ChunkLength::Ms5, ChunkLength::Ms10, ChunkLength::Ms20].into_iter().enumerate() {
        let mut state = seed as u32 + 7;
        let mut bridge = Bridge::new(chunk, Settings::default());
        let samples = chunk.samples();
        let delay = STREAM_DELAY / samples;
        let (mut models, mut keys) = (vec![], vec![]);
        for number in 0..6 {
            bridge.voice.command(Voice::Open(channel(number)));
            models.push(Model::of(&bridge.voice, channel(number)));
            let digits: String = (0..400).map(|_| char::from(b'0' + (random(&mut state) % 10) as u8)).collect();
            keys.push(DtmfSequence::new(&digits, 90, 40 + 30 * number as u32, -14.0).expect("keys"));
        }
        let (mut heard_keys, mut streamed_something) = (0, 0);
        for tick in 0..160_000 / samples {
            let mut now = vec![vec![0i32; samples]; CONFERENCES];
            let mut delayed = vec![vec![0i32; samples]; CONFERENCES];
            let mut own = vec![None; models.len()];
            for number in 0..models.len() {
                let model = &mut models[number];
                change(&mut state, &mut bridge, number, model);
                let mut says = vec![0; samples];
                keys[number].fill(&mut says);
                // Half of them are loud, too.
                let peak = if number % 2 == 0 { 128 } else { 4_096 };
                says.iter_mut().for_each(|say| *say += (random(&mut state) % (2 * peak)) as i16 - peak as i16);
                let octets: Vec<u8> = says.iter().map(|&sample| Law::Mu.encode_one(sample)).collect();
                bridge.voice.receive(channel(number), &octets);
                dsp::g711::decode(Law::Mu, &octets, model.filter.room(samples));
                model.filter.hear(&mut |_| {});
                model.said.insert(0, model.conference.is_some() && !model.muted);
                // What happens now, after he was received: who goes or is muted is not heard; who comes is in the next tick.
                let before = (model.conference, model.muted);
                change(&mut state, &mut bridge, number, model);
                if (model.conference, model.muted) != before && !model.said.is_empty() {
                    model.said[0] = false;
                }
                model.said.truncate(delay + 1);
            }
            for (model, own) in models.iter().zip(&mut own) {
                let Some(conference) = model.conference else { continue };
                if model.said.first() == Some(&true) {
                    let chunk = model.filter.conversation();
                    now[conference].iter_mut().zip(chunk).for_each(|(sum, &sample)| *sum += i32::from(sample));
                    *own = Some(chunk.to_vec());
                }
                if model.said.get(delay) == Some(&true) {
                    let chunk = model.filter.stream();
                    delayed[conference].iter_mut().zip(chunk).for_each(|(sum, &sample)| *sum += i32::from(sample));
                }
            }
            bridge.voice.mix();
            for (conference, delayed) in delayed.iter().enumerate() {
                let expected: Vec<i16> = delayed.iter().map(|&sum| sum as i16).collect();
                assert_eq!(bridge.streamed(conference), expected, "chunks of {samples}, tick {tick}");
                streamed_something += usize::from(expected.iter().any(|&sample| sample.abs() > 1_000));
            }
            for (number, own) in own.iter().enumerate() {
                let heard = bridge.hears(channel(number));
                let Some(conference) = models[number].conference else { continue };
                let expected: Vec<i16> = now[conference]
                    .iter()
                    .enumerate()
                    .map(|(n, sum)| (sum - own.as_ref().map_or(0, |own| i32::from(own[n]))) as i16)
                    .map(|sample| Law::Mu.decode_one(Law::Mu.encode_one(sample)))
                    .collect();
                assert_eq!(heard, expected, "chunks of {samples}, caller {number}, tick {tick}");
            }
            while let Some((_, heard)) = bridge.voice.poll_heard() {
                heard_keys += usize::from(matches!(heard, Heard::Key(_)));
            }
        }
        assert!(heard_keys > 100 && streamed_something > 300, "{heard_keys} keys, {streamed_something} chunks");
    }
}

/// Octets of all channels of a span, one after the other.
struct Span<'a>(&'a mut [Vec<u8>]);

impl ToSend for Span<'_> {
    fn of(&mut self, channel: Channel) -> &mut [u8] {
        &mut self.0[channel.index()]
    }
}

#[test]
fn channels_together_are_what_each_is_by_itself_and_who_is_not_there_is_left_out() {
    const UNTOUCHED: u8 = 0x5a;
    for chunk in [ChunkLength::Ms5, ChunkLength::Ms10, ChunkLength::Ms20] {
        let mut state = 1;
        let samples = chunk.samples();
        let mut bridges = [(); 2].map(|()| Bridge::new(chunk, Settings::default()));
        let all = || (0..24).map(channel);
        let is_there = |channel: Channel| !channel.index().is_multiple_of(5);
        for bridge in &mut bridges {
            for (number, channel) in all().enumerate().filter(|(_, channel)| is_there(*channel)) {
                bridge.voice.command(Voice::Open(channel));
                bridge.voice.command(Voice::Join(channel, ConferenceIndex((number % CONFERENCES) as u16)));
            }
        }
        let mut keys = DtmfSequence::new(&"159*".repeat(20), 70, 50, -10.0).expect("keys");
        let (mut keys_heard, mut loud) = (0, 0);
        for tick in 0..24_000 / samples {
            let mut received: Vec<Vec<u8>> =
                (0..24).map(|_| (0..samples).map(|_| (random(&mut state) % 0x60) as u8 | 0x20).collect()).collect();
            let mut pressed = vec![0; samples];
            keys.fill(&mut pressed);
            dsp::g711::encode(Law::Mu, &pressed, &mut received[3]);
            let [together, alone] = &mut bridges;
            together.voice.receive_each(all(), |channel| &received[channel.index()]);
            all().filter(|channel| is_there(*channel)).for_each(|channel| {
                alone.voice.receive(channel, &received[channel.index()]);
            });
            let mut sent = vec![vec![UNTOUCHED; samples]; 24];
            together.voice.mix();
            together.voice.transmit_each(all(), Span(&mut sent));
            alone.voice.mix();
            for channel in all() {
                let mut expected = vec![UNTOUCHED; samples];
                if is_there(channel) {
                    alone.voice.transmit(channel, &mut expected);
                }
                assert_eq!(sent[channel.index()], expected, "chunks of {samples}, tick {tick}, {channel:?}");
            }
            for conference in 0..CONFERENCES {
                let streamed = together.streamed(conference);
                assert_eq!(streamed, alone.streamed(conference), "chunks of {samples}, tick {tick}");
                loud += usize::from(streamed.iter().any(|sample| sample.unsigned_abs() > 1_000));
            }
            let [one, other] =
                bridges.each_mut().map(|bridge| std::iter::from_fn(|| bridge.voice.poll_heard()).collect::<Vec<_>>());
            assert_eq!(one, other, "chunks of {samples}, tick {tick}");
            keys_heard += one.iter().filter(|(_, heard)| matches!(heard, Heard::Key(_))).count();
        }
        assert!(keys_heard > 20 && loud > 100, "{keys_heard} keys, {loud} chunks");
    }
}

/// Memory is asked for by the place of all tapes: a leg elsewhere would be as right as the others, and slow.
#[test]
fn whoever_comes_whenever_is_at_the_place_of_the_others() {
    for chunk in [ChunkLength::Ms5, ChunkLength::Ms10, ChunkLength::Ms20] {
        let mut state = 3;
        let mut bridge = Bridge::new(chunk, Settings::default());
        let octets = vec![0x42; chunk.samples()];
        let mut there = [false; 8];
        for tick in 0..200 {
            let mut come_and_go = |bridge: &mut Bridge, there: &mut [bool]| {
                for (number, there) in there.iter_mut().enumerate().filter(|_| random(&mut state).is_multiple_of(5)) {
                    bridge.voice.command(if *there { Voice::Close } else { Voice::Open }(channel(number)));
                    *there = !*there;
                }
            };
            come_and_go(&mut bridge, &mut there);
            bridge.voice.receive_each((0..8).map(channel), |_| &octets);
            let place = bridge.voice.tapes.place();
            for number in (0..8).filter(|number| there[*number]) {
                let found = bridge.voice.legs[channel(number).index()].place();
                assert_eq!(found, place, "chunks of {}, tick {tick}, {number}", octets.len());
            }
            come_and_go(&mut bridge, &mut there);
            bridge.voice.mix();
        }
    }
}
