//! Bit error tests over lines that do everything lines do: errors, slips, turned wires, nothing at all.

use dsp::bert::{Generator, Pattern, Receiver, Report, RoundTrip, Sync, Width, deal, gather};
use proptest::prelude::*;
use std::num::NonZeroU64;

const SEQUENCES: [Pattern; 5] = [Pattern::Prbs11, Pattern::Prbs15, Pattern::Prbs20, Pattern::Qrss, Pattern::Prbs23];

fn sent(pattern: Pattern, octets: usize) -> Vec<u8> {
    let mut line = vec![0; octets];
    Generator::new(pattern, Width::Full).fill(&mut line);
    line
}

fn heard(pattern: Pattern, line: &[u8]) -> Report {
    let mut receiver = Receiver::new(pattern, Width::Full, 1);
    receiver.process(line);
    receiver.report()
}

#[test]
fn every_pattern_is_found_within_a_few_dozen_bits_and_compared_from_then_on() {
    for pattern in Pattern::named() {
        for width in [Width::Full, Width::Seven] {
            let mut line = [0; 10_000];
            Generator::new(pattern, width).fill(&mut line);
            let mut receiver = Receiver::new(pattern, width, 1);
            receiver.process(&line);
            let report = receiver.report();
            assert_eq!(
                (report.sync, report.bit_errors, report.sync_losses),
                (Sync::InSync, 0, 0),
                "{pattern} {width:?}"
            );
            let unheard = 10_000 * u64::from(width.bits()) - report.bits;
            // From its register full of ones the quasi-random signal soon comes to a one that was forced.
            let few = if pattern == Pattern::Qrss { 100 } else { 64 };
            assert!(unheard <= few, "{pattern} {width:?}: {unheard} bits to find it");
        }
    }
}

#[test]
fn the_eighth_bit_is_nobodys_business_at_56_kbit() {
    let mut line = [0; 16_000];
    Generator::new(Pattern::Prbs15, Width::Seven).fill(&mut line);
    assert!(line.iter().all(|octet| octet & 1 == 1));
    line.iter_mut().for_each(|octet| *octet &= 0xfe);
    let mut receiver = Receiver::new(Pattern::Prbs15, Width::Seven, 1);
    receiver.process(&line);
    assert_eq!((receiver.report().sync, receiver.report().bit_errors), (Sync::InSync, 0));
}

#[test]
fn errors_injected_are_errors_counted_over_millions_of_bits() {
    for pattern in Pattern::named() {
        let fixed = !SEQUENCES.contains(&pattern);
        for spacing in [1_000, 10_000, 100_000, 1_000_000].into_iter().take(if fixed { 1 } else { 4 }) {
            let mut generator = Generator::new(pattern, Width::Full);
            let mut receiver = Receiver::new(pattern, Width::Full, 1);
            let mut line = [0; 1_000];
            generator.fill(&mut line);
            receiver.process(&line);
            generator.inject_one_in(NonZeroU64::new(spacing));
            for _ in 0..500 {
                generator.fill(&mut line);
                receiver.process(&line);
            }
            let report = receiver.report();
            assert_eq!(generator.errors(), 4_000_000 / spacing);
            assert_eq!((report.bit_errors, report.sync_losses), (generator.errors(), 0), "{pattern}, 1 in {spacing}");
            assert_eq!(generator.bits() - report.bits, 8_000 - heard(pattern, &sent(pattern, 1_000)).bits);
        }
    }
}

#[test]
fn a_burst_counts_bit_for_bit_and_a_long_one_is_a_loss() {
    for (burst, losses) in [(1, 0), (64, 0), (102, 0), (103, 1), (160, 1)] {
        let mut generator = Generator::new(Pattern::Prbs23, Width::Full);
        let mut receiver = Receiver::new(Pattern::Prbs23, Width::Full, 1);
        let mut line = [0; 1_000];
        generator.fill(&mut line);
        receiver.process(&line);
        generator.inject_burst(burst);
        generator.fill(&mut line);
        receiver.process(&line);
        let report = receiver.report();
        assert_eq!(report.sync_losses, losses, "{burst}");
        if losses == 0 {
            assert_eq!(report.bit_errors, u64::from(burst));
        } else {
            assert_eq!((report.sync, report.bit_errors), (Sync::InSync, 0), "found again, and vain bits not counted");
        }
    }
}

#[test]
fn turned_over_bits_are_told_and_do_not_count_as_errors() {
    for pattern in SEQUENCES.into_iter().chain([Pattern::Ones, Pattern::OneInEight, Pattern::ThreeIn24]) {
        let mut line = sent(pattern, 1_000);
        assert!(!heard(pattern, &line).inverted, "{pattern}: the polarity of O.150");
        line.iter_mut().for_each(|octet| *octet = !*octet);
        let report = heard(pattern, &line);
        assert_eq!((report.sync, report.inverted, report.bit_errors), (Sync::InSync, true, 0), "{pattern}");
        let mut against = vec![0; 1_000];
        Generator::new(pattern, Width::Full).against_polarity().fill(&mut against);
        assert_eq!(line, against);
    }
}

#[test]
fn idle_lines_alarms_and_other_patterns_are_no_sync() {
    let constant: Vec<_> = [0x00, 0xff, 0xd5, 0x7f, 0x55, 0x7e].map(|octet| vec![octet; 20_000]).into();
    for pattern in SEQUENCES {
        for line in
            constant.iter().cloned().chain(SEQUENCES.into_iter().filter(|o| *o != pattern).map(|o| sent(o, 20_000)))
        {
            assert_eq!(heard(pattern, &line).sync, Sync::Waiting, "{pattern} in {:02x?}", &line[..4]);
        }
        let mut line = sent(pattern, 1_000);
        line.resize(2_000, 0xff);
        assert_eq!(heard(pattern, &line).sync, Sync::Lost);
    }
}

#[test]
fn a_super_channel_has_the_order_of_the_line() {
    let mut generator = Generator::new(Pattern::Prbs20, Width::Full);
    let mut channel = [0; 3 * 40];
    generator.fill(&mut channel);
    let mut timeslots = [[0; 40]; 3];
    for (at, timeslot) in timeslots.iter_mut().enumerate() {
        deal(&channel, 3, at, timeslot);
    }
    // Twenty ones, three zeros, a one: the first frame holds all of it.
    assert_eq!([timeslots[0][0], timeslots[1][0], timeslots[2][0]], [0xff, 0xff, 0b1111_0001]);
    let mut back = [0; 3 * 40];
    for (at, timeslot) in timeslots.iter().enumerate() {
        gather(timeslot, 3, at, &mut back);
    }
    assert_eq!(back, channel);
    // A timeslot alone carries no pattern, and two in the wrong order none either.
    assert_eq!(heard(Pattern::Prbs20, &timeslots[0]).sync, Sync::Waiting);
    timeslots.swap(0, 1);
    for (at, timeslot) in timeslots.iter().enumerate() {
        gather(timeslot, 3, at, &mut back);
    }
    assert_eq!(heard(Pattern::Prbs20, &back).sync, Sync::Waiting);
}

#[test]
fn seconds_are_counted_as_a_technician_would() {
    let mut line = sent(Pattern::Qrss, 8 * 8_000 + 1);
    // Nothing in the first second, a wrong bit in the fourth, an octet lost in the sixth.
    line[..8_000].fill(0xff);
    line[3 * 8_000 + 7] ^= 1;
    line.remove(5 * 8_000 + 4_000);
    let report = heard(Pattern::Qrss, &line);
    assert_eq!((report.seconds, report.sync_losses, report.bit_errors), (8, 1, 1));
    // Sync began within the second second, was whole in the third to fifth, the seventh and the eighth.
    assert_eq!((report.seconds_in_sync, report.errored_seconds), (5, 2));
    let rate = report.error_rate().expect("bits were compared");
    assert!((rate - 1.0 / report.bits as f64).abs() < 1e-12);
    assert_eq!(heard(Pattern::Qrss, &[0xff; 80]).error_rate(), None);
}

#[test]
fn one_error_in_a_thousand_does_not_keep_a_receiver_out() {
    let mut generator = Generator::new(Pattern::Qrss, Width::Full);
    generator.inject_one_in(NonZeroU64::new(1_000));
    let mut line = [0; 1_000];
    generator.fill(&mut line);
    assert_eq!(heard(Pattern::Qrss, &line).sync, Sync::InSync);
}

#[test]
fn the_way_there_and_back_is_measured_to_the_octet() {
    for (pattern, timeslots, delay) in [
        (Pattern::Prbs23, 1, 320),
        (Pattern::Qrss, 1, 0),
        (Pattern::Prbs20, 1, 7_900),
        (Pattern::Prbs15, 1, 4_000),
        (Pattern::Prbs11, 1, 2_046),
        (Pattern::Prbs23, 24, 24 * 320),
    ] {
        let mut way = RoundTrip::new(pattern, Width::Full, timeslots);
        let out = sent(pattern, 40_000);
        let mut line = vec![0xd5; delay];
        line.extend(&out);
        for (tick, (back, out)) in line.chunks(80).zip(out.chunks(80)).enumerate() {
            way.tick(back, out);
            let expected = ((tick + 1) * 80 >= delay + 8).then_some(delay as u32);
            assert_eq!(way.octets(), expected, "{pattern} after {tick} ticks");
        }
    }
    let mut fixed = RoundTrip::new(Pattern::ThreeIn24, Width::Full, 1);
    fixed.tick(&sent(Pattern::ThreeIn24, 80), &sent(Pattern::ThreeIn24, 80));
    assert_eq!(fixed.octets(), None);
}

proptest! {
    /// Octets lost or repeated anywhere: whatever can show it does, once, and the test goes on.
    #[test]
    fn any_single_slip_is_noticed(
        pattern in prop::sample::select(Pattern::named().filter(|p| p.shows_slips()).collect::<Vec<_>>()),
        at in 200_usize..20_000,
        octets in 1_usize..40,
        lost in any::<bool>(),
        length in 30_000_usize..30_500,
    ) {
        // A shift by whole turns is no shift.
        prop_assume!(pattern != Pattern::ThreeIn24 || octets % 3 != 0);
        let mut line = sent(pattern, length);
        if lost {
            line.drain(at..at + octets);
        } else {
            let again = line[at..at + octets].to_vec();
            line.splice(at..at, again);
        }
        let report = heard(pattern, &line);
        prop_assert_eq!((report.sync, report.sync_losses), (Sync::InSync, 1));
    }

    /// Cut into chunks of any length, the result is the same.
    #[test]
    fn chunks_do_not_matter(cuts in prop::collection::vec(1_usize..200, 1..60), errors in prop::collection::vec(0_usize..4_000, 0..20)) {
        let mut line = sent(Pattern::Prbs15, 4_000);
        errors.into_iter().for_each(|at| line[at] ^= 0x10);
        let mut receiver = Receiver::new(Pattern::Prbs15, Width::Full, 1);
        let mut rest = &line[..];
        for cut in cuts.into_iter().cycle() {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            receiver.process(now);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(receiver.report(), heard(Pattern::Prbs15, &line));
    }
}
