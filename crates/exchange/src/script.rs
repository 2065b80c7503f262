//! What a caller says and keys: steps, one after another, turned into samples.
//!
//! Looks after the caller's voice only; what it hears is [`crate::ear`]'s, and the two together are
//! [`crate::caller`].
//!
//! Data path: steps → [`Player`] → linear samples, 8 kHz.
//! Time: samples since the call was connected, and the exchange's sample clock for conversations. Nothing depends
//! on the length of chunks, except that the two steps that wait for sound look at it once a chunk.

use crate::conversation::Part;
use crate::wav::{Clip, SAMPLE_RATE};
use dsp::dtmf::Key;
use dsp::tones::{DtmfSequence, NotAKey};
use std::collections::VecDeque;

/// Samples in a millisecond.
const SAMPLES_MS: u64 = SAMPLE_RATE as u64 / 1000;

/// A thing a caller does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Be silent for so many milliseconds.
    Wait {
        /// Milliseconds.
        ms: u32,
    },
    /// Press keys.
    Key {
        /// The keys.
        digits: Digits,
        /// Milliseconds a key is held.
        on_ms: u32,
        /// Milliseconds between keys, and after the last.
        off_ms: u32,
        /// Level of each of the two tones, in dBm0.
        level_dbm0: f32,
    },
    /// Speak.
    Speak {
        /// What is said.
        clip: Clip,
    },
    /// Speak clips in turn, again and again.
    SpeakLoop {
        /// What is said.
        clips: Vec<Clip>,
        /// Milliseconds of silence after each.
        pause_ms: u32,
        /// How often all of it is said; without a number, until the call ends.
        times: Option<u32>,
    },
    /// Take part in a conversation until the call ends.
    Converse {
        /// The part.
        part: Part,
    },
    /// Send back what is heard, octet by octet, until the call ends.
    Echo,
    /// Be silent until so many milliseconds of quiet were heard.
    WaitForQuiet {
        /// Louder than this is no quiet, in dBm0.
        below_dbm0: f32,
        /// Milliseconds of quiet.
        quiet_ms: u32,
        /// Go on after so many milliseconds in any case.
        at_most_ms: u32,
    },
    /// Be silent until something was heard for so many milliseconds.
    WaitForSound {
        /// What counts as sound, in dBm0.
        above_dbm0: f32,
        /// Milliseconds of sound.
        sound_ms: u32,
        /// Go on after so many milliseconds in any case.
        at_most_ms: u32,
    },
    /// Be silent and listen until the call ends.
    Silence,
    /// Hang up (cause 16).
    HangUp,
}

/// Keys to be pressed, which may be a PIN: their `Debug` form shows only how many there are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Digits(String);

impl Digits {
    /// These keys: 0-9, `*`, `#`, A-D.
    ///
    /// # Errors
    /// The first character that is no key.
    pub fn new(digits: &str) -> Result<Digits, NotAKey> {
        match digits.chars().find(|digit| Key::from_char(*digit).is_none()) {
            Some(other) => Err(NotAKey(other)),
            None => Ok(Digits(digits.to_owned())),
        }
    }

    /// The keys themselves, for whoever makes them audible.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} key(s)", self.0.chars().count())
    }
}

/// What a caller does, in order. After the last step it is silent until the call ends.
pub type Script = Vec<Step>;

/// Whether a script goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do, or to hear.
    GoesOn,
    /// The caller hangs up.
    HangUp,
}

/// The step under way.
enum Doing {
    /// Between two steps.
    Nothing,
    /// Silence for so many samples.
    Quiet(u64),
    Keys(DtmfSequence),
    Speaking {
        clip: Clip,
        at: usize,
    },
    Looping {
        clips: Vec<Clip>,
        pause: u64,
        rounds: Option<u32>,
        clip: usize,
        at: u64,
    },
    Conversing {
        part: Part,
        joined: u64,
    },
    Echoing,
    /// `so_far` samples in a row on the right side of the level, of the `wanted`.
    Listening {
        level_dbm0: f32,
        for_sound: bool,
        so_far: u64,
        wanted: u64,
        left: u64,
    },
    Silent,
    HungUp,
}

/// Turns a script into samples.
pub struct Player {
    steps: VecDeque<Step>,
    doing: Doing,
}

impl Player {
    /// At the beginning of a script.
    #[must_use]
    pub fn new(script: Script) -> Player {
        Player { steps: script.into(), doing: Doing::Nothing }
    }

    /// Whether what is heard is to be sent back unchanged.
    #[must_use]
    pub fn echoes(&self) -> bool {
        matches!(self.doing, Doing::Echoing)
    }

    /// Whether the script waits for sound or quiet, and so needs the level of what is heard.
    #[must_use]
    pub fn listens(&self) -> bool {
        matches!(self.doing, Doing::Listening { .. })
    }

    /// The next samples. `clock` is the exchange's sample clock at the first of them, `heard_dbm0` the level of
    /// what was heard in the same time. After [`Progress::HangUp`] the rest is silence.
    pub fn fill(&mut self, clock: u64, heard_dbm0: f32, out: &mut [i16]) -> Progress {
        let mut done = 0;
        // A listening step that has ended must not judge the same chunk again as another one.
        let mut judged = false;
        while done < out.len() {
            let rest = &mut out[done..];
            let room = rest.len() as u64;
            match &mut self.doing {
                Doing::Nothing => self.begin_next(clock + done as u64),
                Doing::Quiet(left) => {
                    let run = (*left).min(room) as usize;
                    rest[..run].fill(0);
                    *left -= run as u64;
                    done += run;
                    if *left == 0 {
                        self.doing = Doing::Nothing;
                    }
                }
                Doing::Keys(keys) => {
                    let run = keys.fill(rest);
                    done += run;
                    if run == 0 {
                        self.doing = Doing::Nothing;
                    }
                }
                Doing::Speaking { clip, at } => {
                    let said = &clip[*at..];
                    let run = said.len().min(rest.len());
                    rest[..run].copy_from_slice(&said[..run]);
                    *at += run;
                    done += run;
                    if *at == clip.len() {
                        self.doing = Doing::Nothing;
                    }
                }
                Doing::Looping { clips, pause, rounds, clip, at } => {
                    let said = &clips[*clip];
                    let length = said.len() as u64;
                    let run = if *at < length {
                        let said = &said[*at as usize..];
                        let run = said.len().min(rest.len());
                        rest[..run].copy_from_slice(&said[..run]);
                        run
                    } else {
                        let run = (length + *pause - *at).min(room) as usize;
                        rest[..run].fill(0);
                        run
                    };
                    done += run;
                    *at += run as u64;
                    if *at == length + *pause {
                        *at = 0;
                        *clip += 1;
                        if *clip == clips.len() {
                            *clip = 0;
                            *rounds = rounds.map(|n| n.saturating_sub(1));
                            if *rounds == Some(0) {
                                self.doing = Doing::Nothing;
                            }
                        }
                    }
                }
                Doing::Conversing { part, joined } => {
                    part.fill(clock + done as u64, *joined, rest);
                    done = out.len();
                }
                Doing::Listening { level_dbm0, for_sound, so_far, wanted, left } => {
                    let run = (*left).min(room);
                    if !judged {
                        let right = (heard_dbm0 > *level_dbm0) == *for_sound;
                        *so_far = if right { *so_far + run } else { 0 };
                        judged = true;
                    }
                    rest[..run as usize].fill(0);
                    done += run as usize;
                    *left -= run;
                    if *so_far >= *wanted || *left == 0 {
                        self.doing = Doing::Nothing;
                    }
                }
                Doing::Echoing | Doing::Silent => {
                    rest.fill(0);
                    done = out.len();
                }
                Doing::HungUp => {
                    rest.fill(0);
                    return Progress::HangUp;
                }
            }
        }
        match self.doing {
            Doing::HungUp => Progress::HangUp,
            _ => Progress::GoesOn,
        }
    }

    /// Take up the next step. Steps that take no time at all leave `Nothing` behind and are passed over.
    fn begin_next(&mut self, clock: u64) {
        let samples = |ms: u32| u64::from(ms) * SAMPLES_MS;
        let quiet = |ms| if ms == 0 { Doing::Nothing } else { Doing::Quiet(samples(ms)) };
        self.doing = match self.steps.pop_front() {
            Some(Step::Wait { ms }) => quiet(ms),
            Some(Step::Key { digits, on_ms, off_ms, level_dbm0 }) => {
                match DtmfSequence::new(digits.reveal(), on_ms, off_ms, level_dbm0) {
                    Ok(keys) => Doing::Keys(keys),
                    // `Digits` holds keys only.
                    Err(NotAKey(_)) => Doing::Nothing,
                }
            }
            Some(Step::Speak { clip }) if clip.is_empty() => Doing::Nothing,
            Some(Step::Speak { clip }) => Doing::Speaking { clip, at: 0 },
            Some(Step::SpeakLoop { clips, pause_ms, times }) => {
                let spoken: Vec<Clip> = clips.into_iter().filter(|clip| !clip.is_empty()).collect();
                match (spoken.is_empty(), times) {
                    (_, Some(0)) | (true, Some(_)) => Doing::Nothing,
                    (true, None) => Doing::Silent,
                    (false, _) => {
                        Doing::Looping { clips: spoken, pause: samples(pause_ms), rounds: times, clip: 0, at: 0 }
                    }
                }
            }
            Some(Step::Converse { part }) => Doing::Conversing { part, joined: clock },
            Some(Step::Echo) => Doing::Echoing,
            Some(Step::WaitForQuiet { below_dbm0, quiet_ms, at_most_ms }) => {
                listening(below_dbm0, false, samples(quiet_ms), samples(at_most_ms))
            }
            Some(Step::WaitForSound { above_dbm0, sound_ms, at_most_ms }) => {
                listening(above_dbm0, true, samples(sound_ms), samples(at_most_ms))
            }
            Some(Step::Silence) | None => Doing::Silent,
            Some(Step::HangUp) => Doing::HungUp,
        };
    }
}

fn listening(level_dbm0: f32, for_sound: bool, wanted: u64, left: u64) -> Doing {
    if wanted == 0 || left == 0 {
        return Doing::Nothing;
    }
    Doing::Listening { level_dbm0, for_sound, so_far: 0, wanted, left }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn play(script: Script, chunk: usize, samples: usize) -> (Vec<i16>, Option<usize>) {
        let mut player = Player::new(script);
        let mut said = vec![99; samples];
        let mut clock = 1000;
        for (i, out) in said.chunks_mut(chunk).enumerate() {
            let length = out.len();
            if player.fill(clock, -90.0, out) == Progress::HangUp {
                return (said, Some(i * chunk + length));
            }
            clock += length as u64;
        }
        (said, None)
    }

    fn clip(value: i16, samples: usize) -> Clip {
        vec![value; samples].into()
    }

    fn keys(digits: &str) -> Digits {
        Digits::new(digits).expect("keys")
    }

    #[test]
    fn steps_follow_one_another_to_the_sample() {
        let script = vec![
            Step::Wait { ms: 1 },
            Step::Speak { clip: clip(5, 3) },
            Step::Wait { ms: 0 },
            Step::Speak { clip: clip(6, 0) },
            Step::SpeakLoop { clips: vec![clip(7, 2), clip(8, 1)], pause_ms: 1, times: Some(2) },
            Step::Speak { clip: clip(9, 1) },
            Step::HangUp,
            Step::Speak { clip: clip(10, 50) },
        ];
        let round = [vec![7; 2], vec![0; 8], vec![8; 1], vec![0; 8]].concat();
        let expected = [vec![0; 8], vec![5; 3], round.clone(), round, vec![9]].concat();
        for chunk in [1, 7, 40, 80] {
            let (said, hung_up) = play(script.clone(), chunk, 80);
            assert_eq!(said[..expected.len()], expected, "chunks of {chunk}");
            let hung_up = hung_up.expect("hangs up");
            assert!((expected.len()..=expected.len() + chunk).contains(&hung_up), "chunks of {chunk}: {hung_up}");
            assert!(said[expected.len()..hung_up].iter().all(|s| *s == 0), "nothing is said after hanging up");
        }
    }

    #[test]
    fn keys_sound_as_long_as_they_should() {
        let script = vec![
            Step::Key { digits: keys("12"), on_ms: 50, off_ms: 30, level_dbm0: -10.0 },
            Step::Speak { clip: clip(5, 10) },
        ];
        let (said, _) = play(script, 80, 1600);
        let loud = |from_ms: usize, to_ms: usize| said[from_ms * 8..to_ms * 8].iter().any(|s| s.abs() > 500);
        assert!(loud(2, 48) && loud(82, 128));
        assert!(said[50 * 8..80 * 8].iter().all(|s| *s == 0) && said[130 * 8..160 * 8].iter().all(|s| *s == 0));
        assert_eq!(said[160 * 8..160 * 8 + 10], [5; 10]);
    }

    #[test]
    fn a_script_that_says_nothing_for_ever_is_silence() {
        for script in [
            vec![],
            vec![Step::Silence, Step::HangUp],
            vec![Step::SpeakLoop { clips: vec![], pause_ms: 0, times: None }],
            vec![Step::SpeakLoop { clips: vec![clip(1, 0)], pause_ms: 9, times: None }, Step::HangUp],
            vec![Step::SpeakLoop { clips: vec![clip(1, 5)], pause_ms: 9, times: Some(0) }],
            vec![Step::Key { digits: keys(""), on_ms: 50, off_ms: 50, level_dbm0: -10.0 }],
            vec![Step::Key { digits: keys("12"), on_ms: 0, off_ms: 0, level_dbm0: -10.0 }],
        ] {
            let (said, hung_up) = play(script.clone(), 80, 400);
            assert_eq!((said, hung_up), (vec![0; 400], None), "{script:?}");
        }
    }

    #[test]
    fn waiting_for_quiet_ends_with_quiet_or_with_patience() {
        let mut player = Player::new(vec![
            Step::WaitForQuiet { below_dbm0: -40.0, quiet_ms: 20, at_most_ms: 1000 },
            Step::WaitForSound { above_dbm0: -40.0, sound_ms: 20, at_most_ms: 50 },
            Step::Speak { clip: clip(3, 80) },
        ]);
        let mut chunk = |level| {
            let mut out = [99; 80];
            player.fill(0, level, &mut out);
            out[0]
        };
        for level in [-20.0, -20.0, -60.0, -20.0, -60.0, -60.0] {
            assert_eq!(chunk(level), 0);
        }
        // Quiet it was; now five chunks pass without enough sound.
        for level in [-60.0, -20.0, -60.0, -20.0, -60.0] {
            assert_eq!(chunk(level), 0);
        }
        assert_eq!(chunk(-60.0), 3);
    }

    #[test]
    fn a_pin_is_not_shown() {
        let step = Step::Key { digits: keys("271828"), on_ms: 50, off_ms: 50, level_dbm0: -10.0 };
        let shown = format!("{step:?}");
        assert!(shown.contains("6 key(s)") && !shown.contains("271828"), "{shown}");
        assert_eq!(Digits::new("12x4"), Err(NotAKey('x')));
    }

    proptest! {
        #[test]
        fn the_length_of_chunks_changes_nothing(chunk in 1usize..200, wait in 0u32..20, times in 0u32..4, pause in 0u32..5) {
            let script = vec![
                Step::Wait { ms: wait },
                Step::Key { digits: keys("0*"), on_ms: 7, off_ms: 3, level_dbm0: -10.0 },
                Step::SpeakLoop { clips: vec![clip(7, 50), clip(8, 33)], pause_ms: pause, times: Some(times) },
                Step::Speak { clip: (0..100).collect() },
            ];
            let whole = play(script.clone(), 1, 1600);
            prop_assert_eq!(whole, play(script, chunk, 1600));
        }
    }
}
