//! A leg says, hears and lets through the same with whatever instructions it is run, and by either door of the key filter.
//!
//! One test, for the instructions in use are those of the process.

mod support;

use dsp::dtmf::{DtmfReceiver, KeyEvent};
use dsp::g711::{Law, decode, encode};
use dsp::keyfilter::KeyFilter;
use dsp::level::{TalkDetector, TalkEvent};
use dsp::mix::Sum;
use proptest::prelude::*;
use simd::Instructions;
use support::Line;

#[derive(Debug, PartialEq, Default)]
struct Heard {
    keys: Vec<KeyEvent>,
    filter_keys: Vec<KeyEvent>,
    talk: Vec<TalkEvent>,
    conversation: Vec<i16>,
    stream: Vec<i16>,
    sent: Vec<u8>,
    energy: u64,
}

/// A leg of a conference in which another voice is heard, in chunks of this length.
fn hear(law: Law, octets: &[u8], chunk: usize, lent: bool) -> Heard {
    let (mut receiver, mut filter, mut talk) = (DtmfReceiver::new(), KeyFilter::new(), TalkDetector::default());
    let mut heard = Heard::default();
    let (mut sum, mut sent, mut other) = (Sum::new(chunk), vec![0; chunk], vec![0; chunk]);
    for octets in octets.chunks_exact(chunk) {
        let mut energies = None;
        let (mut received, mut conversation, mut stream) = (vec![0; chunk], vec![0; chunk], vec![0; chunk]);
        decode(law, octets, &mut received);
        receiver.process(&received, &mut |event| heard.keys.push(event));
        if lent {
            decode(law, octets, filter.room(chunk));
            energies = filter.hear(&mut |event| heard.filter_keys.push(event));
            conversation.copy_from_slice(filter.conversation());
            stream.copy_from_slice(filter.stream());
        } else {
            filter.process(&received, &mut conversation, &mut stream, &mut |event| heard.filter_keys.push(event));
        }
        match energies {
            Some(energies) => talk.process_known(&energies, &mut |event| heard.talk.push(event)),
            None => talk.process(&conversation, &mut |event| heard.talk.push(event)),
        }
        sum.clear();
        sum.add(&conversation);
        sum.add(&other);
        sum.encode_without(&other, law, &mut sent);
        heard.sent.extend(&sent);
        sum.encode_shared(law, &mut sent);
        heard.sent.extend(&sent);
        encode(law, &conversation, &mut sent);
        heard.sent.extend(&sent);
        other.copy_from_slice(&stream);
        heard.conversation.extend(conversation);
        heard.stream.extend(stream);
    }
    heard.energy = talk.energy();
    heard
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_depends_on_the_instructions_or_the_door(
        on in 15u32..70, off in 15u32..70, level in -40.0f32..0.0, noise in -60.0f32..-15.0, seed: u64,
        chunk in prop_oneof![Just(40usize), Just(80), Just(160)], a_law: bool,
    ) {
        let law = if a_law { Law::A } else { Law::Mu };
        let samples = Line::new("19*0550D", on, off, level).noise(noise, seed).samples();
        let mut octets = vec![0; samples.len()];
        encode(law, &samples, &mut octets);
        Instructions::PLAIN.put_to_use();
        let plain = hear(law, &octets, chunk, false);
        prop_assert_eq!(&plain.keys, &plain.filter_keys);
        for instructions in Instructions::all() {
            instructions.put_to_use();
            for lent in [false, true] {
                prop_assert!(hear(law, &octets, chunk, lent) == plain, "{}, lent: {lent}", instructions.name());
            }
        }
        Instructions::best().put_to_use();
    }
}
