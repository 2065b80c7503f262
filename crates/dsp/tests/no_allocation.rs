//! Once made, nothing here allocates: all of it may run on the real-time thread.

mod support;

use dsp::agc::Agc;
use dsp::bert::{Generator, Pattern, Receiver, RoundTrip, Sync, Width, deal, gather};
use dsp::dtmf::DtmfReceiver;
use dsp::echo::EchoCanceller;
use dsp::g711::{Law, decode, encode};
use dsp::gate::NoiseGate;
use dsp::keyfilter::KeyFilter;
use dsp::level::TalkDetector;
use dsp::loopcode::{LoopCode, LoopCodeDetector, LoopCodeGenerator};
use dsp::measure::{EchoProbe, Meter, Sweep, milliwatt};
use dsp::mix::{Gain, Sum};
use dsp::selftest::{TestPlan, TimeslotTest};
use dsp::talkers::{Floor, Talker};
use dsp::tones::{DtmfSequence, Oscillator, ToneSequence};
use support::Line;

#[test]
fn a_leg_and_its_conference_never_allocate() {
    let samples = Line::new("1234567890*#", 60, 60, -10.0).noise(-40.0, 1).samples();
    let mut octets = vec![0; samples.len()];
    encode(Law::A, &samples, &mut octets);

    let (mut receiver, mut filter, mut talk) = (DtmfReceiver::new(), KeyFilter::new(), TalkDetector::default());
    let mut lent = KeyFilter::new();
    let (mut sum, gain) = (Sum::new(80), Gain::from_db(-3.0));
    let mut keys = DtmfSequence::new("123", 50, 50, -10.0).unwrap();
    let (mut entry, mut milliwatt) = (ToneSequence::entry(), Oscillator::milliwatt());
    let (mut gate, mut agc, mut talker, mut floor) =
        (NoiseGate::default(), Agc::default(), Talker::new(), Floor::new(3));
    let mut echo = EchoCanceller::new(64);
    let mut heard = 0;
    let counted = allocation_counter::measure(|| {
        let (mut received, mut conversation, mut stream, mut back) = ([0; 80], [0; 80], [0; 80], [0; 80]);
        let mut back_samples = [0; 80];
        for octets in octets.chunks_exact(80) {
            decode(Law::A, octets, &mut received);
            receiver.process(&received, &mut |_| heard += 1);
            echo.process(&back_samples, &mut received);
            filter.process(&received, &mut conversation, &mut stream, &mut |_| heard += 1);
            talk.process(&conversation, &mut |_| heard += 1);
            gate.process(&mut conversation, &mut stream);
            agc.process(talk.is_talking(), &mut conversation, &mut stream);
            talker.hear(&conversation);
            floor.begin();
            floor.offer(0, &talker);
            talker.settle(floor.holds(0), &mut conversation, &mut stream);
            sum.clear();
            sum.add_with_gain(&conversation, gain);
            keys.fill(&mut received);
            entry.add(&mut received);
            milliwatt.fill(&mut stream);
            sum.add(&received);
            sum.without_with_gain(&conversation, gain, &mut stream);
            sum.shared(&mut received);
            encode(Law::Mu, &stream, &mut back);
            decode(Law::Mu, &back, &mut back_samples);
            decode(Law::A, octets, lent.room(80));
            lent.hear(&mut |_| heard += 1);
            sum.encode_without(lent.conversation(), Law::Mu, &mut back);
            sum.encode_shared(Law::A, &mut back);
        }
    });
    assert!(heard >= 72, "the keys were heard while counting: {heard}");
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_test_of_a_span_never_allocates() {
    let mut generator = Generator::new(Pattern::Qrss, Width::Full);
    let mut receiver = Receiver::new(Pattern::Qrss, Width::Full, 24);
    let mut way = RoundTrip::new(Pattern::Qrss, Width::Full, 24);
    let (mut code, mut detector) = (LoopCodeGenerator::new(LoopCode::LineUp), LoopCodeDetector::new());
    let (mut meter, mut sweep, mut probe) =
        (Meter::new(), Sweep::new(300.0, 3_400.0, 100, -10.0), EchoProbe::new(-13.0, 100));
    let mut test = TimeslotTest::new(TestPlan { settle_ms: 300, measure_ms: 20, ..TestPlan::default() });
    let mut read = false;
    let counted = allocation_counter::measure(|| {
        let (mut channel, mut chunk, mut samples, mut at) = ([0; 24 * 80], [0; 80], [0; 80], 0);
        for _ in 0..20 {
            generator.inject_burst(1);
            generator.fill(&mut channel);
            for timeslot in 0..24 {
                deal(&channel, 24, timeslot, &mut chunk);
                gather(&chunk, 24, timeslot, &mut channel);
            }
            receiver.process(&channel);
            way.tick(&channel, &channel);
            code.fill(&mut channel);
            detector.process(&channel, &mut |_| {});
            at = milliwatt(Law::A, at, &mut chunk);
            sweep.fill(&mut samples);
            meter.process(&samples);
            probe.fill(&mut samples);
            probe.process(&samples);
        }
        let (mut received, mut to_send) = ([0; 80], [0; 80]);
        while test.verdict().is_none() {
            test.tick(&received, &mut to_send);
            received = to_send;
        }
        assert_eq!(way.octets(), Some(0));
        read = meter.read().is_some();
    });
    assert!(test.verdict().is_some_and(|verdict| verdict.passed()));
    assert!(read && receiver.report().sync == Sync::InSync);
    assert_eq!(counted.count_total, 0);
}
