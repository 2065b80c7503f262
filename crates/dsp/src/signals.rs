//! The tones by which exchanges tell callers what is going on, and what trunks are measured with, by name.
//!
//! Data path: name → [`Signal::of`] → [`Signal::sequence`] → samples for a timeslot.
//! Time: counted in samples; every signal goes on for ever.
//! Source: ITU-T E.180/Q.35 (03/98) for the tones of Europe and the special information tone, whose levels are its clause 2: nominally
//! -10 dBm0, where two tones sound together for both of them; the values within its ranges are those most countries of
//! Europe have (425 Hz). E.300-series Supplement 3 (11/88), the precise tone plan, for those of North America. Telcordia GR-1162 for the
//! four special information tones that its exchanges tell causes by. IEEE Std 743 for what measures a trunk.
//! Words: *congestion* is what North America calls reorder or fast busy.

use crate::tones::{Segment, Tone, ToneSequence};

/// A tone with a name.
#[derive(Debug, PartialEq)]
pub struct Signal {
    /// What it is called: a word.
    pub name: &'static str,
    /// What it is, in words.
    pub what: &'static str,
    segments: &'static [Segment],
}

const fn both(hz: f32, other_hz: f32, dbm0: f32, ms: u32) -> Segment {
    Segment::dual(Tone::new(hz, dbm0), Tone::new(other_hz, dbm0), ms)
}

const fn one(hz: f32, dbm0: f32, ms: u32) -> Segment {
    Segment::single(Tone::new(hz, dbm0), ms)
}

/// A tone that stands does so for six days; then it takes a breath of 4 ms.
const fn stands(segment: Segment) -> Segment {
    Segment { samples: u32::MAX, ..segment }
}

/// The tone of Europe.
const EUROPE_HZ: f32 = 425.0;
/// The level of E.180 clause 2, for all that sounds at once.
const E180_DBM0: f32 = -10.0;
/// The tones of a special information tone that tells a cause: low and high of each, and short and long.
const FIRST_HZ: [f32; 2] = [913.8, 985.2];
const SECOND_HZ: [f32; 2] = [1_370.6, 1_428.5];
const THIRD_HZ: f32 = 1_776.7;
const SIT_MS: [u32; 2] = [274, 380];
const SIT_DBM0: f32 = -24.0;
/// What sounds before an announcement comes again after so long.
const SIT_PAUSE: Segment = Segment::silence(1_000);

/// The first two tones each low and short, or high and long; the third is always long.
const fn cause(first: usize, first_long: usize, second: usize, second_long: usize) -> [Segment; 4] {
    [
        one(FIRST_HZ[first], SIT_DBM0, SIT_MS[first_long]),
        one(SECOND_HZ[second], SIT_DBM0, SIT_MS[second_long]),
        one(THIRD_HZ, SIT_DBM0, SIT_MS[1]),
        SIT_PAUSE,
    ]
}

const fn signal(name: &'static str, what: &'static str, segments: &'static [Segment]) -> Signal {
    Signal { name, what, segments }
}

impl Signal {
    /// All there are.
    pub const ALL: [Signal; 16] = [
        signal("dial", "dial tone (North America)", &[stands(both(350.0, 440.0, -13.0, 0))]),
        signal("dial-europe", "dial tone (Europe)", &[stands(one(EUROPE_HZ, E180_DBM0, 0))]),
        signal("ringback", "ringback (North America)", &[both(440.0, 480.0, -19.0, 2_000), Segment::silence(4_000)]),
        signal("ringback-europe", "ringback (Europe)", &[one(EUROPE_HZ, E180_DBM0, 1_000), Segment::silence(4_000)]),
        signal("busy", "busy tone (North America)", &[both(480.0, 620.0, -24.0, 500), Segment::silence(500)]),
        signal("busy-europe", "busy tone (Europe)", &[one(EUROPE_HZ, E180_DBM0, 500), Segment::silence(500)]),
        signal("congestion", "congestion (North America)", &[both(480.0, 620.0, -24.0, 250), Segment::silence(250)]),
        signal("congestion-europe", "congestion (Europe)", &[one(EUROPE_HZ, E180_DBM0, 250), Segment::silence(250)]),
        signal(
            "sit",
            "special information tone (E.180)",
            &[
                one(950.0, E180_DBM0, 330),
                one(1_400.0, E180_DBM0, 330),
                one(1_800.0, E180_DBM0, 330),
                Segment::silence(1_000),
            ],
        ),
        signal("sit-intercept", "special information tone: number changed", &cause(0, 0, 0, 0)),
        signal("sit-vacant", "special information tone: no such number", &cause(1, 1, 0, 0)),
        signal("sit-reorder", "special information tone: call not completed", &cause(0, 0, 1, 1)),
        signal("sit-no-circuit", "special information tone: no circuit free", &cause(1, 1, 1, 1)),
        signal("milliwatt", "1004 Hz at 0 dBm0", &[stands(one(1_004.0, 0.0, 0))]),
        signal(
            "slope",
            "404, 1004 and 2804 Hz at -16 dBm0, 5 s each",
            &[one(404.0, -16.0, 5_000), one(1_004.0, -16.0, 5_000), one(2_804.0, -16.0, 5_000)],
        ),
        signal("quiet", "silence, for noise", &[stands(Segment::silence(0))]),
    ];

    /// The signal of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Signal> {
        const { &Signal::ALL }.iter().find(|signal| signal.name == name)
    }

    /// Its sound, for ever.
    #[must_use]
    pub fn sequence(&self) -> ToneSequence {
        ToneSequence::repeated(self.segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::power_dbm0;
    use crate::{SAMPLE_RATE, level::peak_of};

    /// Level of one frequency in a recording, in dBm0.
    fn level_at(samples: &[i16], hz: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &sample) in samples.iter().enumerate() {
            let angle = std::f64::consts::TAU * hz * n as f64 / f64::from(SAMPLE_RATE);
            re += f64::from(sample) * angle.cos();
            im += f64::from(sample) * angle.sin();
        }
        20.0 * (2.0 * re.hypot(im) / samples.len() as f64 / f64::from(peak_of(0.0))).log10()
    }

    /// So many milliseconds of it.
    fn heard(name: &str, ms: u32) -> Vec<i16> {
        let mut samples = vec![0; (ms * 8) as usize];
        let signal = Signal::of(name).unwrap_or_else(|| panic!("{name} is one"));
        assert_eq!(signal.sequence().fill(&mut samples), samples.len(), "{name} goes on");
        samples
    }

    #[test]
    fn every_signal_has_its_frequencies_levels_and_times() {
        let silence = |ms| (vec![], 0.0, ms);
        let pairs = |hz: &[f64], dbm0: f64, ms: u32| (hz.to_vec(), dbm0, ms);
        let on_off = |hz: &[f64], dbm0, on, off| vec![pairs(hz, dbm0, on), silence(off)];
        let sit = |first, second, ms: [u32; 2], dbm0| {
            vec![
                pairs(&[first], dbm0, ms[0]),
                pairs(&[second], dbm0, ms[1]),
                pairs(&[1_776.7], dbm0, 380),
                silence(1_000),
            ]
        };
        let table = [
            ("dial", vec![pairs(&[350.0, 440.0], -13.0, 3_000)]),
            ("dial-europe", vec![pairs(&[425.0], -10.0, 3_000)]),
            ("ringback", on_off(&[440.0, 480.0], -19.0, 2_000, 4_000)),
            ("ringback-europe", on_off(&[425.0], -10.0, 1_000, 4_000)),
            ("busy", on_off(&[480.0, 620.0], -24.0, 500, 500)),
            ("busy-europe", on_off(&[425.0], -10.0, 500, 500)),
            ("congestion", on_off(&[480.0, 620.0], -24.0, 250, 250)),
            ("congestion-europe", on_off(&[425.0], -10.0, 250, 250)),
            (
                "sit",
                vec![
                    pairs(&[950.0], -10.0, 330),
                    pairs(&[1_400.0], -10.0, 330),
                    pairs(&[1_800.0], -10.0, 330),
                    silence(1_000),
                ],
            ),
            ("sit-intercept", sit(913.8, 1_370.6, [274, 274], -24.0)),
            ("sit-vacant", sit(985.2, 1_370.6, [380, 274], -24.0)),
            ("sit-reorder", sit(913.8, 1_428.5, [274, 380], -24.0)),
            ("sit-no-circuit", sit(985.2, 1_428.5, [380, 380], -24.0)),
            ("milliwatt", vec![pairs(&[1_004.0], 0.0, 3_000)]),
            (
                "slope",
                vec![pairs(&[404.0], -16.0, 5_000), pairs(&[1_004.0], -16.0, 5_000), pairs(&[2_804.0], -16.0, 5_000)],
            ),
            ("quiet", vec![silence(2_000)]),
        ];
        assert_eq!(table.len(), Signal::ALL.len());
        for (name, parts) in table {
            let length: u32 = parts.iter().map(|(.., ms)| ms).sum();
            // Twice around, so that the second begins where the first did.
            let samples = heard(name, 2 * length);
            let mut at = 0;
            for (tones, dbm0, ms) in parts.iter().chain(&parts) {
                // Past the soft edges, which are 2 ms long.
                let part = &samples[at..][..(ms * 8) as usize][24..(ms * 8) as usize - 24];
                at += (ms * 8) as usize;
                if tones.is_empty() {
                    assert!(part.iter().all(|&sample| sample == 0), "{name}: silence for {ms} ms");
                    continue;
                }
                for &hz in tones {
                    let found = level_at(part, hz);
                    assert!((found - dbm0).abs() < 0.4, "{name}: {hz} Hz at {found:.1} dBm0, not {dbm0}");
                }
                // Nothing but these tones.
                let all = dbm0 + 10.0 * (tones.len() as f64).log10();
                assert!((f64::from(power_dbm0(part)) - all).abs() < 0.3, "{name}: {} dBm0 in all", power_dbm0(part));
            }
        }
    }

    #[test]
    fn what_stands_has_no_gap_and_a_wrong_name_is_none() {
        for name in ["dial", "dial-europe", "milliwatt"] {
            let samples = heard(name, 20_000);
            // Two tones beat, 90 times a second: less than 12 ms a beat.
            let quietest = samples[160..].chunks(160).map(power_dbm0).fold(0.0, f32::min);
            assert!(quietest > power_dbm0(&samples) - 2.0, "{name}: {quietest} dBm0 in 20 ms");
        }
        assert!(Signal::of("buzy").is_none());
    }
}
