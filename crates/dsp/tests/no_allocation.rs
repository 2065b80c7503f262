//! Once made, nothing here allocates: all of it may run on the real-time thread.

mod support;

use dsp::dtmf::DtmfReceiver;
use dsp::g711::{Law, decode, encode};
use dsp::keyfilter::KeyFilter;
use dsp::level::TalkDetector;
use dsp::mix::{Gain, Sum};
use dsp::tones::{DtmfSequence, Oscillator, ToneSequence};
use support::Line;

#[test]
fn a_leg_and_its_conference_never_allocate() {
    let samples = Line::new("1234567890*#", 60, 60, -10.0).noise(-40.0, 1).samples();
    let mut octets = vec![0; samples.len()];
    encode(Law::A, &samples, &mut octets);

    let (mut receiver, mut filter, mut talk) = (DtmfReceiver::new(), KeyFilter::new(), TalkDetector::default());
    let (mut sum, gain) = (Sum::new(80), Gain::from_db(-3.0));
    let mut keys = DtmfSequence::new("123", 50, 50, -10.0).unwrap();
    let (mut entry, mut milliwatt) = (ToneSequence::entry(), Oscillator::milliwatt());
    let mut heard = 0;
    let counted = allocation_counter::measure(|| {
        let (mut received, mut conversation, mut stream, mut back) = ([0; 80], [0; 80], [0; 80], [0; 80]);
        for octets in octets.chunks_exact(80) {
            decode(Law::A, octets, &mut received);
            receiver.process(&received, &mut |_| heard += 1);
            filter.process(&received, &mut conversation, &mut stream, &mut |_| heard += 1);
            talk.process(&conversation, &mut |_| heard += 1);
            sum.clear();
            sum.add_with_gain(&conversation, gain);
            keys.fill(&mut received);
            entry.add(&mut received);
            milliwatt.fill(&mut stream);
            sum.add(&received);
            sum.without_with_gain(&conversation, gain, &mut stream);
            sum.shared(&mut received);
            encode(Law::Mu, &stream, &mut back);
        }
    });
    assert!(heard >= 48, "the keys were heard while counting: {heard}");
    assert_eq!(counted.count_total, 0);
}
