//! Mix-minus: everybody hears everybody but himself.
//!
//! One [`Sum`] per conference and tick: clear, add every member, then take each member's own voice out for his
//! return path, and give the whole to listen-only members, the stream and the recording.
//!
//! Data path: members' samples → [`Sum`] → each member's mix, and the shared mix.
//! Time: one tick; nothing is kept from one to the next.
//! Source: the sum is exact in 32 bits (no rounding, no clamp before the end), so a conference of any size up to
//! 65,536 members (each at unity gain) removes a member's own voice without a trace. The one clamp is on the way out.
//! Words: *gain* is Q12: 4096 is unity.

use crate::FRAME;
use crate::g711::{self, Law, ScaleA, ScaleMu};
use crate::later::Later;
use crate::lines::{Lines, lines};
use simd::Kernel;
use simd::companding::{self, Parts};

/// A gain in Q12, from silence to +18 dB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gain(u16);

impl Gain {
    /// Leaves samples as they are.
    pub const UNITY: Self = Self(1 << Self::FRACTION_BITS);
    /// Silence.
    pub const MUTE: Self = Self(0);
    /// The most that is given: 7.99 times, +18 dB.
    pub const MAX: Self = Self(0x7fff);
    /// Bits after the binary point.
    pub const FRACTION_BITS: u32 = 12;

    /// The gain of so many decibels, limited to what a `Gain` can hold; NaN mutes.
    #[must_use]
    pub fn from_db(db: f32) -> Self {
        let factor = 10f32.powf(db / 20.0) * f32::from(Self::UNITY.0);
        // A float-to-integer `as` saturates, and takes NaN to zero.
        Self((factor.round() as u16).min(Self::MAX.0))
    }

    /// The gain with this Q12 value, limited to [`Gain::MAX`].
    #[must_use]
    pub const fn from_q12(value: u16) -> Self {
        if value > Self::MAX.0 { Self::MAX } else { Self(value) }
    }

    /// One sample with the gain applied, rounded, not clamped: at most 19 bits.
    #[must_use]
    pub const fn apply(self, sample: i16) -> i32 {
        (sample as i32 * self.0 as i32 + (1 << (Self::FRACTION_BITS - 1))) >> Self::FRACTION_BITS
    }

    /// Applies the gain to a chunk in place, clamping to 16 bits.
    pub fn apply_to(self, samples: &mut [i16]) {
        for sample in samples {
            *sample = clamp(self.apply(*sample));
        }
    }
}

/// The running sum of one conference in one tick.
#[derive(Debug, Clone)]
pub struct Sum {
    total: Lines<i32>,
    /// The sum once more, as what fits into 16 bits and then what is over, if it was settled since anything was added: half the work for
    /// each who hears it.
    heard: Lines<i16>,
    is_settled: bool,
    /// Something is over.
    is_over: bool,
}

impl Sum {
    /// An empty sum for chunks of up to `samples` samples. It allocates nothing afterwards.
    #[must_use]
    pub fn new(samples: usize) -> Self {
        Self { total: lines(samples), heard: lines(2 * samples), is_settled: false, is_over: false }
    }

    /// Forgets the last tick.
    pub fn clear(&mut self) {
        self.total.fill(0);
        self.is_settled = false;
    }

    /// Adds one member. Samples beyond the sum's length are left out.
    pub fn add(&mut self, samples: &[i16]) {
        self.is_settled = false;
        simd::run(Add { total: &mut self.total, samples });
    }

    /// The same as part of a kernel of somebody else's.
    #[inline(always)]
    pub fn add_within(&mut self, samples: &[i16]) {
        self.is_settled = false;
        Add { total: &mut self.total, samples }.run();
    }

    /// Takes a member out again who was added.
    pub fn remove(&mut self, samples: &[i16]) {
        self.is_settled = false;
        for (total, &sample) in self.total.iter_mut().zip(samples) {
            *total -= i32::from(sample);
        }
    }

    /// Adds one member with a gain.
    pub fn add_with_gain(&mut self, samples: &[i16], gain: Gain) {
        self.is_settled = false;
        for (total, &sample) in self.total.iter_mut().zip(samples) {
            *total += gain.apply(sample);
        }
    }

    /// What the member who added `own` hears: the others, clamped once.
    pub fn without(&self, own: &[i16], out: &mut [i16]) {
        simd::run(Without { total: &self.total, own, out });
    }

    /// What the member who added `own` with a gain hears. The gain must be the one he was added with.
    pub fn without_with_gain(&self, own: &[i16], gain: Gain, out: &mut [i16]) {
        for ((out, &total), &own) in out.iter_mut().zip(self.total.iter()).zip(own) {
            *out = clamp(total - gain.apply(own));
        }
    }

    /// What everybody hears who did not add anything: listeners, the stream, the recording.
    pub fn shared(&self, out: &mut [i16]) {
        simd::run(Shared { total: &self.total, out });
    }

    /// What the member who added `own` hears, as octets for his timeslot. Returns how many of them were clamped; of a sum that goes beyond
    /// twice what fits into a sample those are not counted at which `own` itself is as loud as a sample can be, which G.711 never is.
    #[inline(always)]
    pub fn encode_without(&mut self, own: &[i16], law: Law, octets: &mut [u8]) -> u32 {
        self.be_settled();
        let (fits, over) = self.heard.split_at(self.total.len());
        let sum = Parts { fits, over, is_over: self.is_over };
        let done = match law {
            Law::Mu => companding::compress_others::<ScaleMu>(sum, own, octets),
            Law::A => companding::compress_others::<ScaleA>(sum, own, octets),
        };
        done.unwrap_or_else(|| simd::run(EncodeOthers { fits, over, own, law, octets }))
    }

    /// What everybody hears who did not add anything, as octets for a timeslot: the same for all of them.
    pub fn encode_shared(&mut self, law: Law, octets: &mut [u8]) {
        self.be_settled();
        g711::encode(law, &self.heard[..self.total.len()], octets);
    }

    #[inline(always)]
    fn be_settled(&mut self) {
        if !self.is_settled {
            self.settle();
        }
    }

    /// Everybody was added: how far the sum goes at most, before any clamp. It is made ready for [`Sum::encode_without`].
    pub fn settle(&mut self) -> i32 {
        let peak = simd::run(Settle { total: &self.total, fits: &mut self.heard });
        self.settled(peak)
    }

    /// The same, and adds it to what is heard later.
    pub fn settle_and_keep(&mut self, later: &mut Later) -> i32 {
        let peak = simd::run(SettleAndKeep { total: &self.total, fits: &mut self.heard, kept: later.present() });
        self.settled(peak)
    }

    /// What fits is known: what is over.
    #[inline(always)]
    fn settled(&mut self, peak: i32) -> i32 {
        let over = &mut self.heard[self.total.len()..];
        let was_over = std::mem::replace(&mut self.is_over, peak > i32::from(i16::MAX));
        if self.is_over {
            simd::run(Exceed { total: &self.total, over });
        } else if was_over {
            over.fill(0);
        }
        self.is_settled = true;
        peak
    }

    /// How many of its samples are clamped for who adds nothing.
    pub fn clipped(&mut self) -> u64 {
        self.be_settled();
        if self.is_over { u64::from(simd::run(CountOver { over: &self.heard[self.total.len()..] })) } else { 0 }
    }

    /// How many samples are clamped for the member who added `own`.
    #[must_use]
    pub fn clipped_without(&self, own: &[i16]) -> u64 {
        u64::from(simd::run(ClippedWithout { total: &self.total, own }))
    }

    /// The sum itself, before any clamp.
    #[must_use]
    pub fn totals(&self) -> &[i32] {
        &self.total
    }
}

struct CountOver<'a> {
    over: &'a [i16],
}

impl Kernel for CountOver<'_> {
    type Output = u16;

    #[inline(always)]
    fn run(self) -> u16 {
        // In as many bits as the samples: a chunk has far fewer of them.
        self.over.iter().map(|&over| u16::from(over != 0)).sum()
    }
}

struct ClippedWithout<'a> {
    total: &'a [i32],
    own: &'a [i16],
}

impl Kernel for ClippedWithout<'_> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        let others = self.total.iter().zip(self.own).map(|(&total, &own)| total - i32::from(own));
        others.map(|others| u32::from(is_clamped(others))).sum()
    }
}

struct Settle<'a> {
    total: &'a [i32],
    fits: &'a mut [i16],
}

impl Kernel for Settle<'_> {
    type Output = i32;

    #[inline(always)]
    fn run(self) -> i32 {
        let mut peak = 0;
        for (fits, &total) in self.fits.iter_mut().zip(self.total) {
            *fits = clamp(total);
            peak = peak.max(total.unsigned_abs());
        }
        peak.min(i32::MAX as u32) as i32
    }
}

struct SettleAndKeep<'a> {
    total: &'a [i32],
    fits: &'a mut [i16],
    kept: &'a mut [i32],
}

impl Kernel for SettleAndKeep<'_> {
    type Output = i32;

    #[inline(always)]
    fn run(self) -> i32 {
        let mut peak = 0;
        for ((fits, kept), &total) in self.fits.iter_mut().zip(self.kept).zip(self.total) {
            *kept += total;
            *fits = clamp(total);
            peak = peak.max(total.unsigned_abs());
        }
        peak.min(i32::MAX as u32) as i32
    }
}

struct Exceed<'a> {
    total: &'a [i32],
    over: &'a mut [i16],
}

impl Kernel for Exceed<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (over, &total) in self.over.iter_mut().zip(self.total) {
            *over = clamp(total - i32::from(clamp(total)));
        }
    }
}

struct Add<'a> {
    total: &'a mut [i32],
    samples: &'a [i16],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Add { total, samples } = self;
        // The usual case: of a length that is known there is nothing to count.
        if let (Ok(total), Ok(samples)) =
            (<&mut [i32; FRAME]>::try_from(&mut *total), <&[i16; FRAME]>::try_from(samples))
        {
            add(total, samples);
        } else {
            add(total, samples);
        }
    }
}

#[inline(always)]
fn add(total: &mut [i32], samples: &[i16]) {
    // In parts that are in registers as a whole, so that the compiler need not ask whether it is the same memory.
    let count = total.len().min(samples.len());
    let (totals, totals_rest) = total[..count].as_chunks_mut::<32>();
    let (samples, rest) = samples[..count].as_chunks::<32>();
    for (total, samples) in totals.iter_mut().zip(samples) {
        let mut sums = *total;
        sums.iter_mut().zip(samples).for_each(|(sum, &sample)| *sum += i32::from(sample));
        *total = sums;
    }
    for (total, &sample) in totals_rest.iter_mut().zip(rest) {
        *total += i32::from(sample);
    }
}

struct Without<'a> {
    total: &'a [i32],
    own: &'a [i16],
    out: &'a mut [i16],
}

impl Kernel for Without<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((out, &total), &own) in self.out.iter_mut().zip(self.total).zip(self.own) {
            *out = clamp(total - i32::from(own));
        }
    }
}

struct Shared<'a> {
    total: &'a [i32],
    out: &'a mut [i16],
}

impl Kernel for Shared<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (out, &total) in self.out.iter_mut().zip(self.total) {
            *out = clamp(total);
        }
    }
}

struct EncodeOthers<'a> {
    fits: &'a [i16],
    over: &'a [i16],
    own: &'a [i16],
    law: Law,
    octets: &'a mut [u8],
}

impl Kernel for EncodeOthers<'_> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        let all = self.octets.iter_mut().zip(self.fits.iter().zip(self.over).zip(self.own));
        // In as many bits as the samples, so that all of it is done side by side: a chunk has far fewer samples.
        let mut clamped = 0u16;
        // Where anything is over, what fits is at the end of its range: nothing is lost by what is clamped first.
        let mut others = |((fits, over), own): ((&i16, &i16), &i16)| {
            let others = fits.saturating_sub(own.saturating_sub(*over));
            clamped = clamped.wrapping_add(u16::from(others != fits.wrapping_sub(own.wrapping_sub(*over))));
            others
        };
        // The law is chosen once a chunk: each arm is a loop without a branch.
        match self.law {
            Law::Mu => all.for_each(|(octet, sums)| *octet = Law::Mu.encode_one(others(sums))),
            Law::A => all.for_each(|(octet, sums)| *octet = Law::A.encode_one(others(sums))),
        }
        u32::from(clamped)
    }
}

/// Whether it is too much for a sample.
#[inline(always)]
const fn is_clamped(value: i32) -> bool {
    clamp(value) as i32 != value
}

/// The nearest 16-bit sample.
#[inline(always)]
pub(crate) const fn clamp(value: i32) -> i16 {
    if value > i16::MAX as i32 {
        i16::MAX
    } else if value < i16::MIN as i32 {
        i16::MIN
    } else {
        value as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members whose voices differ and which together overflow 16 bits many times over.
    fn member(number: i32) -> Vec<i16> {
        (0..80).map(|n| ((n * 7_919 + number * 104_729) % 65_536 - 32_768) as i16).collect()
    }

    #[test]
    fn each_member_hears_exactly_the_others() {
        for size in [1, 2, 3, 30, 1_000] {
            let mut sum = Sum::new(80);
            sum.clear();
            (0..size).for_each(|number| sum.add(&member(number)));
            for listener in [0, size / 2, size - 1] {
                let mut heard = [0; 80];
                sum.without(&member(listener), &mut heard);
                for (n, &heard) in heard.iter().enumerate() {
                    let others: i32 =
                        (0..size).filter(|&who| who != listener).map(|who| i32::from(member(who)[n])).sum();
                    assert_eq!(i32::from(heard), others.clamp(-32_768, 32_767));
                }
            }
        }
    }

    #[test]
    fn the_largest_conference_does_not_overflow() {
        let mut sum = Sum::new(1);
        (0..65_536).for_each(|_| sum.add(&[i16::MIN]));
        let mut out = [0];
        sum.shared(&mut out);
        assert_eq!((sum.totals()[0], out[0]), (i32::MIN, i16::MIN));
        assert_eq!(sum.settle(), i32::MAX);
    }

    #[test]
    fn octets_are_those_of_the_samples_with_all_instructions() {
        let mut sum = Sum::new(80);
        (0..9).for_each(|number| sum.add(&member(number)));
        sum.settle();
        for instructions in simd::Instructions::all() {
            for law in [Law::Mu, Law::A] {
                let (own, mut samples) = (member(3), [0; 80]);
                let encoded = |samples: &[i16]| samples.iter().map(|&s| law.encode_one(s)).collect::<Vec<u8>>();
                let (total, (fits, over), mut octets) = (sum.totals(), sum.heard.split_at(80), [0; 80]);
                instructions.run(EncodeOthers { fits, over, own: &own, law, octets: &mut octets });
                instructions.run(Without { total, own: &own, out: &mut samples });
                assert_eq!(octets[..], encoded(&samples), "{} {law:?}", instructions.name());
                instructions.run(Shared { total, out: &mut samples });
                assert_eq!(samples[..], fits[..], "{} {law:?}", instructions.name());
                let mut more = total.to_vec();
                instructions.run(Add { total: &mut more, samples: &own });
                assert!((0..80).all(|n| more[n] == total[n] + i32::from(own[n])));
            }
        }
    }

    #[test]
    fn a_member_with_gain_is_taken_out_without_a_trace() {
        let (one, other) = (member(1), member(2));
        let gain = Gain::from_db(-7.3);
        let mut sum = Sum::new(80);
        sum.add_with_gain(&one, gain);
        sum.add(&other);
        let mut heard = [0; 80];
        sum.without_with_gain(&one, gain, &mut heard);
        assert_eq!(heard[..], other[..]);
    }

    #[test]
    fn gains_are_what_they_say() {
        assert_eq!(Gain::from_db(0.0), Gain::UNITY);
        assert_eq!(Gain::UNITY.apply(-12_345), -12_345);
        assert_eq!(Gain::MUTE.apply(i16::MAX), 0);
        assert_eq!(Gain::from_db(6.02).apply(1_000), 2_000);
        assert_eq!(Gain::from_db(-6.02).apply(1_000), 500);
        assert_eq!((Gain::from_db(100.0), Gain::from_db(f32::NAN)), (Gain::MAX, Gain::MUTE));
        assert_eq!((Gain::from_db(f32::NEG_INFINITY), Gain::from_q12(u16::MAX)), (Gain::MUTE, Gain::MAX));
        let mut samples = [30_000, -30_000, 3];
        Gain::from_db(6.02).apply_to(&mut samples);
        assert_eq!(samples, [i16::MAX, i16::MIN, 6]);
    }

    #[test]
    fn what_is_clamped_is_counted() {
        let mut sum = Sum::new(4);
        assert_eq!((sum.settle(), sum.clipped()), (0, 0));
        for _ in 0..2 {
            sum.add(&[16_383, 16_384, -16_384, -16_385]);
        }
        assert_eq!((sum.settle(), sum.clipped()), (32_770, 2), "32766 and -32768 just fit");
    }

    #[test]
    fn what_is_clamped_for_a_member_is_counted_without_his_own() {
        let voices: Vec<Vec<i16>> = (0..6).map(member).collect();
        let mut sum = Sum::new(80);
        voices.iter().for_each(|voice| sum.add(voice));
        for own in &voices {
            let over = |at: usize| (sum.totals()[at] - i32::from(own[at])).clamp(-32_768, 32_767) + i32::from(own[at]);
            let clamped = (0..80).filter(|&at| over(at) != sum.totals()[at]).count() as u64;
            assert!(clamped > 0 && clamped < 80, "{clamped}: loud enough to tell");
            for instructions in simd::Instructions::all() {
                instructions.put_to_use();
                assert_eq!(sum.clipped_without(own), clamped, "{}", instructions.name());
            }
            simd::Instructions::best().put_to_use();
        }
    }

    #[test]
    fn a_single_clamp_is_counted_wherever_it_is() {
        for instructions in simd::Instructions::all() {
            instructions.put_to_use();
            for length in [1, 31, 32, 33, 40, 80, 159, 160, 161, 320] {
                for at in 0..length {
                    let (mut said, mut own) = (vec![100; length], vec![50; length]);
                    (said[at], own[at]) = if at % 2 == 0 { (30_000, -10_000) } else { (-30_000, 10_000) };
                    let mut sum = Sum::new(length);
                    sum.add(&said);
                    let clamped = sum.encode_without(&own, Law::A, &mut vec![0; length]);
                    assert_eq!(clamped, 1, "{at} of {length}, {}", instructions.name());
                }
            }
        }
    }

    #[test]
    fn what_is_just_over_is_clamped_for_those_who_did_not_say_it() {
        for instructions in simd::Instructions::all() {
            instructions.put_to_use();
            let mut sum = Sum::new(160);
            sum.add(&[i16::MAX; 160]);
            sum.add(&[1; 160]);
            let mut octets = [0; 160];
            assert_eq!(sum.encode_without(&[1; 160], Law::Mu, &mut octets), 0, "{}", instructions.name());
            assert_eq!(sum.encode_without(&[0; 160], Law::Mu, &mut octets), 160, "{}", instructions.name());
            assert_eq!(sum.clipped(), 160, "{}", instructions.name());
        }
    }

    #[test]
    fn the_shortest_slice_decides_whatever_the_others_are() {
        for instructions in simd::Instructions::all() {
            instructions.put_to_use();
            for [length, said, sent] in
                [[40, 40, 33], [40, 33, 40], [33, 40, 40], [160, 160, 161], [161, 160, 161], [160, 161, 161]]
            {
                for voice in [1_000, 30_000] {
                    let mut sum = Sum::new(length);
                    sum.add(&vec![voice; length]);
                    sum.add(&vec![voice; length]);
                    let (least, mut octets) = (length.min(said).min(sent), vec![0x77; sent]);
                    let clamped = sum.encode_without(&vec![-1_000; said], Law::Mu, &mut octets);
                    let others = (2 * i32::from(voice) + 1_000).min(32_767);
                    let expected = if others == 32_767 { least as u32 } else { 0 };
                    assert_eq!(clamped, expected, "{length} {said} {sent} {voice}, {}", instructions.name());
                    assert!(octets[..least].iter().all(|&octet| octet == Law::Mu.encode_one(others as i16)));
                    assert!(octets[least..].iter().all(|&octet| octet == 0x77), "{length} {said} {sent}");
                }
            }
        }
    }

    #[test]
    fn a_sum_that_is_settled_and_kept_is_the_same_as_settled_and_then_kept() {
        for instructions in simd::Instructions::all() {
            instructions.put_to_use();
            for samples in [40, 80, 160, 37] {
                for loud in [100, 30_000] {
                    let voice: Vec<i16> =
                        (0..samples as i16).map(|n| if n % 2 == 0 { loud } else { -loud - n }).collect();
                    let (mut one, mut other) = (Sum::new(samples), Sum::new(samples));
                    let (mut later, mut expected) = (Later::new(samples, 1), Later::new(samples, 1));
                    for sum in [&mut one, &mut other] {
                        sum.add(&voice);
                        sum.add(&voice);
                    }
                    for kept in [&mut later, &mut expected] {
                        kept.replace(0, &voice, &vec![0; samples]);
                    }
                    let peak = other.settle();
                    expected.add(other.totals());
                    assert_eq!(one.settle_and_keep(&mut later), peak, "{}", instructions.name());
                    let (mut octets, mut others) = (vec![0; samples], vec![1; samples]);
                    one.encode_without(&voice, Law::A, &mut octets);
                    other.encode_without(&voice, Law::A, &mut others);
                    assert_eq!(octets, others, "{}", instructions.name());
                    let (mut heard, mut both) = (vec![0; samples], vec![0; samples]);
                    for (later, heard) in [(&mut later, &mut heard), (&mut expected, &mut both)] {
                        later.advance(&mut vec![0; samples]);
                        later.advance(heard);
                    }
                    // Said twice and taken out once.
                    assert!(heard == both && heard == voice, "{} {samples}", instructions.name());
                }
            }
        }
    }

    #[test]
    fn octets_are_those_of_the_exact_sum_however_loud_it_is() {
        for instructions in simd::Instructions::all() {
            instructions.put_to_use();
            for (size, shift) in [1, 2, 9, 40].into_iter().flat_map(|size| (0..6).map(move |shift| (size, shift))) {
                let voice = |number| member(number).iter().map(|sample| sample >> shift).collect::<Vec<i16>>();
                let mut sum = Sum::new(80);
                (0..size).for_each(|number| sum.add(&voice(number)));
                // Who says the opposite of what was added brings out the clamp, and so does who is as loud as can be.
                let opposite: Vec<i16> = voice(0).iter().map(|sample| !sample).collect();
                for own in [voice(0), opposite, vec![i16::MIN; 80], vec![i16::MAX; 80], vec![-32_124; 80]] {
                    let totals = sum.totals().to_vec();
                    let exact = totals.iter().zip(&own).map(|(total, own)| total - i32::from(*own));
                    let clamped = exact.clone().map(|others| u32::from(is_clamped(others))).sum::<u32>();
                    let is_countable = |(total, own): (&i32, &i16)| {
                        total.unsigned_abs() < 65_535 || (*own > i16::MIN && *own < i16::MAX)
                    };
                    for law in [Law::Mu, Law::A] {
                        let expected: Vec<u8> = exact.clone().map(|others| law.encode_one(clamp(others))).collect();
                        let mut octets = [0; 80];
                        let counted = sum.encode_without(&own, law, &mut octets);
                        assert_eq!(octets[..], expected, "{size} members, {law:?}, {}", instructions.name());
                        if totals.iter().zip(&own).all(is_countable) {
                            assert_eq!(counted, clamped, "{size} members, {law:?}, {}", instructions.name());
                        }
                    }
                }
                for law in [Law::Mu, Law::A] {
                    let (mut octets, mut samples) = ([0; 80], [0; 80]);
                    sum.encode_shared(law, &mut octets);
                    sum.shared(&mut samples);
                    assert_eq!(octets, samples.map(|sample| law.encode_one(sample)), "{size} members, {law:?}");
                }
                sum.add(&voice(0));
                assert!(!sum.is_settled, "what is added afterwards counts");
            }
        }
        simd::Instructions::best().put_to_use();
    }

    #[test]
    fn what_was_over_is_not_over_in_the_next_tick() {
        let mut sum = Sum::new(40);
        let mut sent = |voices: [i16; 3]| {
            sum.clear();
            voices.iter().for_each(|&voice| sum.add(&[voice; 40]));
            assert_eq!(sum.settle(), voices.iter().map(|&voice| i32::from(voice)).sum::<i32>());
            let mut octets = [0; 40];
            sum.encode_without(&[voices[0]; 40], Law::Mu, &mut octets);
            Law::Mu.decode_one(octets[0])
        };
        assert_eq!(sent([30_000, 30_000, 30_000]), 32_124);
        assert_eq!(sent([30_000, 1_884, 0]), 1_884);
    }

    #[test]
    fn what_is_left_over_is_left_out() {
        let mut sum = Sum::new(2);
        sum.add(&[1, 2, 3]);
        sum.add(&[10]);
        let mut out = [9; 3];
        sum.shared(&mut out);
        assert_eq!(out, [11, 2, 9]);
        sum.clear();
        sum.shared(&mut out);
        assert_eq!(out, [0, 0, 9]);
    }
}
