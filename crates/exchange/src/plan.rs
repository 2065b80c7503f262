//! What a caller is to do, in the words of whoever orders it, and its translation into a script.
//!
//! Data path: [`DialPlan`] from a command line, a configuration or the demonstration → [`DialPlan::prepare`]
//! → call order, script and recording for the exchange.
//! Time: everything that can fail (files, numbers) fails here, before anything is dialled.

use crate::call::CallOrder;
use crate::conversation::Part;
use crate::ear::Sink;
use crate::script::{Digits, Script, Step};
use crate::wav::{Recording, WavError, load_clip};
use dsp::tones::NotAKey;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How often a sound file is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// So many times.
    Times(u32),
    /// Until the call ends.
    Forever,
}

/// One call into a conference: dial, key the event number, key the PIN, speak, listen, hang up.
///
/// Its `Debug` form shows neither the PIN nor the event number.
#[derive(Clone, PartialEq)]
pub struct DialPlan {
    /// The number dialled: digits, `*`, `#`; a leading `+` makes it international.
    pub called: String,
    /// The caller's own number; empty when it is not told.
    pub calling: String,
    /// The caller's name; empty when it is not told.
    pub name: String,
    /// The event number, keyed with `#` after it.
    pub event: Option<String>,
    /// The PIN, keyed with `#` after it.
    pub pin: Option<String>,
    /// What is spoken after that: WAV, 8 kHz, one channel, 16 bit.
    pub wav: Option<PathBuf>,
    /// How often it is spoken.
    pub repeat: Repeat,
    /// Milliseconds of silence after each time.
    pub repeat_pause_ms: u32,
    /// A part in a conversation, instead of a sound file of one's own.
    pub part: Option<Part>,
    /// Where to write what is heard (WAV as above).
    pub record: Option<PathBuf>,
    /// Milliseconds a key is held.
    pub key_on_ms: u32,
    /// Milliseconds between keys.
    pub key_off_ms: u32,
    /// Level of each of a key's two tones, in dBm0.
    pub key_level_dbm0: f32,
    /// Milliseconds between the answer and the first key, so that the prompt has begun.
    pub answer_wait_ms: u32,
    /// Milliseconds between the event number and the PIN.
    pub pin_wait_ms: u32,
    /// Milliseconds between the PIN and speaking.
    pub speak_wait_ms: u32,
    /// How long to go on listening after the last word; without one, until the far end hangs up.
    pub hold: Option<Duration>,
    /// Hang up so long after the answer, whatever the script is at.
    pub hang_up_after: Option<Duration>,
    /// Look for keys in what is heard.
    pub find_keys: bool,
}

impl Default for DialPlan {
    /// Nobody to call yet; keys as a patient person presses them, 100 ms on and off at -10 dBm0 a tone.
    fn default() -> DialPlan {
        DialPlan {
            called: String::new(),
            calling: String::new(),
            name: String::new(),
            event: None,
            pin: None,
            wav: None,
            repeat: Repeat::Times(1),
            repeat_pause_ms: 1000,
            part: None,
            record: None,
            key_on_ms: 100,
            key_off_ms: 100,
            key_level_dbm0: -10.0,
            answer_wait_ms: 1000,
            pin_wait_ms: 1500,
            speak_wait_ms: 2500,
            hold: None,
            hang_up_after: None,
            find_keys: true,
        }
    }
}

impl fmt::Debug for DialPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialPlan")
            .field("called", &self.called)
            .field("event", &self.event.is_some())
            .field("pin", &self.pin.is_some())
            .field("wav", &self.wav)
            .field("record", &self.record)
            .field("hold", &self.hold)
            .field("hang_up_after", &self.hang_up_after)
            .finish_non_exhaustive()
    }
}

/// Why a plan cannot be carried out. Nothing was dialled.
#[derive(Debug)]
pub enum PlanError {
    /// Not a number that can be dialled.
    Number {
        /// Which one: "the called number".
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The event number or the PIN has a character that no telephone has.
    Key {
        /// Which one: "the PIN".
        what: &'static str,
        /// The character.
        source: NotAKey,
    },
    /// A key would be too short, too long, too quiet or too loud to be one.
    KeyTiming {
        /// What is wrong.
        why: &'static str,
    },
    /// A sound file and a part in a conversation at once.
    TwoVoices,
    /// The recording would replace the sound file that is spoken.
    RecordsOverItself {
        /// The file.
        path: PathBuf,
    },
    /// A sound file cannot be used.
    Wav {
        /// Why.
        source: WavError,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Number { what, why } => write!(f, "{what} {why}"),
            PlanError::Key { what, .. } => write!(f, "{what} cannot be keyed"),
            PlanError::KeyTiming { why } => f.write_str(why),
            PlanError::TwoVoices => f.write_str("a caller speaks either a sound file or a part in a conversation"),
            PlanError::RecordsOverItself { path } => {
                write!(f, "the recording would replace the sound file that is spoken, {}", path.display())
            }
            PlanError::Wav { .. } => f.write_str("the caller cannot be prepared"),
        }
    }
}

impl std::error::Error for PlanError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PlanError::Key { source, .. } => Some(source),
            PlanError::Wav { source } => Some(source),
            PlanError::Number { .. }
            | PlanError::KeyTiming { .. }
            | PlanError::TwoVoices
            | PlanError::RecordsOverItself { .. } => None,
        }
    }
}

/// A plan whose files are open and whose numbers are good.
pub struct Prepared {
    /// What to dial.
    pub order: CallOrder,
    /// What to do when connected.
    pub script: Script,
    /// Where to put what is heard.
    pub sink: Sink,
    /// Hang up so long after the answer.
    pub hang_up_after: Option<Duration>,
    /// Look for keys in what is heard.
    pub find_keys: bool,
}

impl Prepared {
    /// A call that follows a script of its own and records into memory or nowhere, for tests and measurements.
    #[must_use]
    pub fn from_script(called: &str, script: Script, sink: Sink) -> Prepared {
        let order = CallOrder { called: called.to_owned(), ..CallOrder::default() };
        Prepared { order, script, sink, hang_up_after: None, find_keys: false }
    }
}

impl DialPlan {
    /// Check the plan, read its sound file, create its recording.
    ///
    /// # Errors
    /// [`PlanError`]; when it is not about the recording, none was created.
    pub fn prepare(&self) -> Result<Prepared, PlanError> {
        check_number("the called number", &self.called)?;
        if self.called.is_empty() {
            return Err(PlanError::Number { what: "the called number", why: "is missing" });
        }
        check_number("the caller's number", &self.calling)?;
        let script = self.script()?;
        if let (Some(wav), Some(record)) = (&self.wav, &self.record)
            && wav.canonicalize().is_ok_and(|wav| record.canonicalize().is_ok_and(|record| wav == record))
        {
            return Err(PlanError::RecordsOverItself { path: record.clone() });
        }
        let sink = match &self.record {
            Some(path) => Sink::File(Recording::create(path).map_err(|source| PlanError::Wav { source })?),
            None => Sink::None,
        };
        let calling = (!self.calling.is_empty()).then(|| self.calling.clone());
        let order = CallOrder { called: self.called.clone(), calling, name: self.name.clone(), ..CallOrder::default() };
        Ok(Prepared { order, script, sink, hang_up_after: self.hang_up_after, find_keys: self.find_keys })
    }

    fn script(&self) -> Result<Script, PlanError> {
        let mut script = vec![Step::Wait { ms: self.answer_wait_ms }];
        for (what, digits, wait_ms) in
            [("the event number", &self.event, self.pin_wait_ms), ("the PIN", &self.pin, self.speak_wait_ms)]
        {
            let Some(digits) = digits else { continue };
            self.check_keys()?;
            let digits = Digits::new(&format!("{digits}#")).map_err(|source| PlanError::Key { what, source })?;
            let (on_ms, off_ms, level_dbm0) = (self.key_on_ms, self.key_off_ms, self.key_level_dbm0);
            script.push(Step::Key { digits, on_ms, off_ms, level_dbm0 });
            script.push(Step::Wait { ms: wait_ms });
        }
        match (&self.wav, &self.part) {
            (Some(_), Some(_)) => return Err(PlanError::TwoVoices),
            (None, Some(part)) => script.push(Step::Converse { part: part.clone() }),
            (Some(path), None) => {
                let clip = load_clip(path).map_err(|source| PlanError::Wav { source })?;
                script.push(match self.repeat {
                    Repeat::Times(1) => Step::Speak { clip },
                    Repeat::Times(n) => {
                        Step::SpeakLoop { clips: vec![clip], pause_ms: self.repeat_pause_ms, times: Some(n) }
                    }
                    Repeat::Forever => {
                        Step::SpeakLoop { clips: vec![clip], pause_ms: self.repeat_pause_ms, times: None }
                    }
                });
            }
            (None, None) => {}
        }
        if let Some(hold) = self.hold {
            script.push(Step::Wait { ms: u32::try_from(hold.as_millis()).unwrap_or(u32::MAX) });
            script.push(Step::HangUp);
        }
        Ok(script)
    }

    /// Bounds wide enough for every measurement of a receiver, and narrow enough to catch slips of the pen.
    fn check_keys(&self) -> Result<(), PlanError> {
        let why = if !(1..=10_000).contains(&self.key_on_ms) {
            "a key is held between 1 and 10000 ms"
        } else if self.key_off_ms > 10_000 {
            "the pause between keys is at most 10000 ms"
        } else if !(-60.0..=0.0).contains(&self.key_level_dbm0) {
            "the level of a key's tones is between -60 and 0 dBm0"
        } else {
            return Ok(());
        };
        Err(PlanError::KeyTiming { why })
    }
}

fn check_number(what: &'static str, number: &str) -> Result<(), PlanError> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let why = if digits.len() > isdn::NUMBER_MAX {
        "has more than 32 digits"
    } else if !digits.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#') {
        "has a character other than 0-9, *, # and a leading +"
    } else if digits.is_empty() && !number.is_empty() {
        "has no digits"
    } else {
        return Ok(());
    };
    Err(PlanError::Number { what, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Conversation;

    fn plan() -> DialPlan {
        DialPlan { called: "5551000".into(), ..DialPlan::default() }
    }

    fn refusal(plan: &DialPlan) -> String {
        let error = plan.prepare().err().expect("refused");
        match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }
    }

    #[test]
    fn a_plan_becomes_a_script() {
        let folder = tempfile::tempdir().expect("a folder");
        let (wav, record) = (folder.path().join("a.wav"), folder.path().join("b.wav"));
        let mut sound = Recording::create(&wav).expect("creates");
        sound.write(&[1, 2, 3]).expect("writes");
        sound.close().expect("closes");
        let plan = DialPlan {
            calling: "+4930123".into(),
            event: Some("123".into()),
            pin: Some("456".into()),
            wav: Some(wav),
            record: Some(record.clone()),
            hold: Some(Duration::from_secs(3)),
            ..plan()
        };
        let prepared = plan.prepare().expect("good");
        assert_eq!(prepared.order.calling.as_deref(), Some("+4930123"));
        assert!(record.exists());
        let key = |digits: &str| Step::Key {
            digits: Digits::new(digits).expect("keys"),
            on_ms: 100,
            off_ms: 100,
            level_dbm0: -10.0,
        };
        let expected = [
            Step::Wait { ms: 1000 },
            key("123#"),
            Step::Wait { ms: 1500 },
            key("456#"),
            Step::Wait { ms: 2500 },
            Step::Speak { clip: vec![1, 2, 3].into() },
            Step::Wait { ms: 3000 },
            Step::HangUp,
        ];
        assert_eq!(prepared.script, expected);
        let forever = DialPlan { repeat: Repeat::Forever, hold: None, ..plan }.prepare().expect("good");
        assert!(matches!(forever.script.last(), Some(Step::SpeakLoop { times: None, pause_ms: 1000, .. })));
    }

    #[test]
    fn what_cannot_be_done_is_said_before_dialling() {
        let folder = tempfile::tempdir().expect("a folder");
        let record = folder.path().join("b.wav");
        for (bad, message) in [
            (DialPlan::default(), "the called number is missing"),
            (DialPlan { called: "12a".into(), ..plan() }, "the called number has a character"),
            (DialPlan { called: "1".repeat(33), ..plan() }, "more than 32 digits"),
            (DialPlan { calling: "+".into(), ..plan() }, "the caller's number has no digits"),
            (DialPlan { pin: Some("12 4".into()), ..plan() }, "the PIN cannot be keyed: ' ' is not a key"),
            (DialPlan { event: Some("1".into()), key_on_ms: 0, ..plan() }, "a key is held between"),
            (DialPlan { event: Some("1".into()), key_off_ms: 99_999, ..plan() }, "the pause between"),
            (DialPlan { event: Some("1".into()), key_level_dbm0: f32::NAN, ..plan() }, "the level of"),
            (DialPlan { wav: Some("no/such.wav".into()), ..plan() }, "cannot read the sound file no/such.wav"),
            (
                DialPlan { wav: Some("a.wav".into()), part: Some(Conversation::new(&[], 0).part(0)), ..plan() },
                "either a sound file or a part",
            ),
        ] {
            let bad = DialPlan { record: Some(record.clone()), ..bad };
            let said = refusal(&bad);
            assert!(said.contains(message), "{said}");
            assert!(!record.exists(), "no recording of a call that is not made: {message}");
        }
        let wav = folder.path().join("a.wav");
        let mut sound = Recording::create(&wav).expect("creates");
        sound.write(&[1, 2, 3]).expect("writes");
        sound.close().expect("closes");
        let same = DialPlan { record: Some(folder.path().join("./a.wav")), wav: Some(wav.clone()), ..plan() };
        assert!(refusal(&same).contains("would replace"), "{}", refusal(&same));
        assert_eq!(load_clip(&wav).expect("still there").len(), 3);
        let unwritable = DialPlan { record: Some(folder.path().join("no/such/b.wav")), ..plan() };
        assert!(refusal(&unwritable).contains("cannot create the recording"), "{}", refusal(&unwritable));
    }

    #[test]
    fn a_plan_does_not_show_its_pin() {
        let plan = DialPlan { event: Some("314159".into()), pin: Some("271828".into()), ..plan() };
        let shown = format!("{plan:?}");
        assert!(!shown.contains("314159") && !shown.contains("271828"), "{shown}");
    }
}
