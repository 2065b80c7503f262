//! The same samples give the same results whichever way they are cut into chunks.

mod support;

use dsp::dtmf::{DtmfReceiver, KeyEvent};
use dsp::keyfilter::KeyFilter;
use dsp::level::{TalkDetector, TalkEvent};
use dsp::signals::Signal;
use dsp::tones::{DtmfSequence, ToneSequence};
use proptest::prelude::*;
use support::Line;

/// Cuts `samples` at the given lengths, again and again.
fn cut<'a>(mut samples: &'a [i16], lengths: &'a [usize]) -> impl Iterator<Item = &'a [i16]> {
    lengths.iter().cycle().map_while(move |&length| {
        let (now, later) = samples.split_at(length.min(samples.len()));
        samples = later;
        (!now.is_empty() || !later.is_empty()).then_some(now)
    })
}

#[derive(Debug, PartialEq, Default)]
struct Heard {
    keys: Vec<KeyEvent>,
    filter_keys: Vec<KeyEvent>,
    talk: Vec<TalkEvent>,
    conversation: Vec<i16>,
    stream: Vec<i16>,
    energy: u64,
}

fn hear<'a>(chunks: impl Iterator<Item = &'a [i16]>) -> Heard {
    let (mut receiver, mut filter, mut talk) = (DtmfReceiver::new(), KeyFilter::new(), TalkDetector::default());
    let mut heard = Heard::default();
    for chunk in chunks {
        let (mut conversation, mut stream) = (vec![0; chunk.len()], vec![0; chunk.len()]);
        receiver.process(chunk, &mut |event| heard.keys.push(event));
        filter.process(chunk, &mut conversation, &mut stream, &mut |event| heard.filter_keys.push(event));
        talk.process(chunk, &mut |event| heard.talk.push(event));
        heard.conversation.extend(conversation);
        heard.stream.extend(stream);
    }
    heard.energy = talk.energy();
    heard
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![40]),
        Just(vec![80]),
        Just(vec![160]),
        Just(vec![1]),
        proptest::collection::vec(1usize..400, 1..8),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn detectors_do_not_see_chunks(
        lengths in lengths(), on in 15u32..70, off in 15u32..70, noise in -60.0f32..-15.0, seed: u64,
    ) {
        let samples = Line::new("19*0550D", on, off, -12.0).noise(noise, seed).samples();
        let whole = hear(std::iter::once(&samples[..]));
        prop_assert_eq!(&whole.keys, &whole.filter_keys);
        prop_assert!(hear(cut(&samples, &lengths)) == whole);
    }

    #[test]
    fn generators_do_not_see_chunks(lengths in lengths()) {
        let generate = |lengths: &[usize]| {
            let mut keys = DtmfSequence::new("159D", 43, 21, -9.0).unwrap();
            let busy = Signal::of("busy").expect("a signal");
            let (mut entry, mut busy) = (ToneSequence::entry(), busy.sequence());
            let mut out = vec![0; 12_000];
            let (mut rest, mut lengths) = (&mut out[..], lengths.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at_mut((*lengths.next().unwrap()).min(rest.len()));
                keys.fill(now);
                entry.add(now);
                busy.add(now);
                rest = later;
            }
            out
        };
        prop_assert!(generate(&lengths) == generate(&[12_000]));
    }
}
