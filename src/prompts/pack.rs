//! A language's files, read and found right before the first call.
//!
//! Everything wrong with a pack is told at once: whoever translates mends a list, not one file at a time.
//!
//! Data path: directory, or what is built in → samples and grammar → [`Sounds`] → `voice`.
//! Time: at the start only.

use super::menus::{PAUSE, Sound, Told};
use super::{Counted, Prompt, Said, built_in, wav};
use conference::Menus;
use serde::Deserialize;
use spoken::{Grammar, Sentence, Written};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A language, by its place among those that were loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LanguageIndex(pub u8);

/// A file that cannot be used.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// What is wrong, and what to do.
    pub why: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "prompt {}: {}", self.file.display(), self.why)
    }
}

/// Prompts that cannot be used: every file, not only the first.
#[derive(Clone, Debug)]
pub struct Error(pub Vec<Fault>);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Error {}

/// `language.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// What the language calls itself.
    name: String,
    /// How numbers are said, by form.
    numbers: Written,
    /// Sentences with a number.
    sentences: Written,
}

/// Where the files of a language are.
pub(super) enum Source {
    /// Built in, under this code.
    BuiltIn(String),
    /// In this directory.
    Directory(PathBuf),
}

impl Source {
    /// Of a language: in the operator's directory if it is there, else built in.
    fn find(directory: &Path, code: &str) -> Result<Source, Fault> {
        let own = directory.join(code);
        if !directory.as_os_str().is_empty() && own.is_dir() {
            return Ok(Source::Directory(own));
        }
        if built_in::is_built_in(code) {
            return Ok(Source::BuiltIn(code.to_owned()));
        }
        let known: Vec<_> = built_in::languages().collect();
        let place = match directory.as_os_str().is_empty() {
            true => format!("set call_in.prompts to a directory with a pack {code}"),
            false => format!("make {}", own.display()),
        };
        let why = format!(
            "language \"{code}\" is not built in: choose one of those that are ({}), or {place}",
            known.join(", ")
        );
        Err(Fault { file: PathBuf::from(code), why })
    }

    fn path(&self, name: &str) -> PathBuf {
        match self {
            Source::BuiltIn(code) => Path::new(code).join(name),
            Source::Directory(directory) => directory.join(name),
        }
    }

    fn read(&self, name: &str) -> Result<Cow<'static, [u8]>, Fault> {
        let fault = |why| Fault { file: self.path(name), why };
        match self {
            Source::BuiltIn(code) => {
                built_in::file(code, name).map(Cow::Borrowed).ok_or_else(|| fault("is not built in".to_owned()))
            }
            Source::Directory(_) => match std::fs::read(self.path(name)) {
                Ok(octets) => Ok(Cow::Owned(octets)),
                // Whoever records it wants to know what it says.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let said = name.strip_suffix(".wav").and_then(|name| built_in::words("en", name));
                    Err(fault(said.map_or_else(|| error.to_string(), |said| format!("{error}; it says \"{said}\""))))
                }
                Err(error) => Err(fault(error.to_string())),
            },
        }
    }
}

/// A language: the sounds of all prompts, and of the parts of numbers.
pub struct Language {
    name: String,
    /// By [`Prompt`].
    prompts: Vec<Vec<i16>>,
    grammar: Grammar,
    /// By [`spoken::Part`].
    parts: Vec<Vec<i16>>,
    /// What is said of keys.
    told: Told,
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not a million samples.
        f.debug_struct("Language").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Language {
    /// Read a pack.
    pub(super) fn load(source: &Source) -> Result<Language, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut sound = |name: &str| {
            let file = format!("{name}.wav");
            let samples = source.read(&file).and_then(|octets| {
                let fault = |why| Fault { file: source.path(&file), why };
                wav::read(&octets).map_err(fault)
            });
            samples.unwrap_or_else(|fault| {
                faults.push(fault);
                Vec::new()
            })
        };
        let prompts = Prompt::ALL.iter().map(|prompt| sound(prompt.name())).collect();
        match manifest(source) {
            Ok((name, grammar)) => {
                let parts = grammar.files().iter().map(|name| sound(name)).collect();
                let told = Told::new(&Menus::default(), &grammar);
                if faults.is_empty() { Ok(Language { name, prompts, grammar, parts, told }) } else { Err(faults) }
            }
            Err(Unusable { faults: more, needed }) => {
                needed.iter().for_each(|name| drop(sound(name)));
                Err([faults, more].concat())
            }
        }
    }

    /// What it calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All files it needs and their samples: prompts first, then parts of numbers and sentences.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &[i16])> {
        let prompts = Prompt::ALL.iter().map(|prompt| prompt.name()).zip(self.prompts.iter().map(Vec::as_slice));
        prompts.chain(self.grammar.files().iter().map(String::as_str).zip(self.parts.iter().map(Vec::as_slice)))
    }

    /// The sound that is the `place`th of something said; `None` when there are no more.
    #[must_use]
    pub fn sound(&self, said: Said, place: usize) -> Option<&[i16]> {
        let parts = match said {
            Said::Prompt(prompt) => return (place == 0).then(|| self.prompts[prompt as usize].as_slice()),
            Said::Number(number) => self.grammar.number(number),
            Said::Counted(counted, number) => self.grammar.sentence(Sentence(counted as u8), number),
            Said::Menu(role) => return self.told.menu(role).get(place).map(|sound| self.samples(*sound)),
            Said::Hint(role, hint) => return self.told.hint(role, hint).get(place).map(|sound| self.samples(*sound)),
            Said::In(_) => &[],
        };
        parts.get(place).map(|part| self.parts[part.index()].as_slice())
    }

    fn samples(&self, sound: Sound) -> &[i16] {
        match sound {
            Sound::Prompt(prompt) => &self.prompts[prompt as usize],
            Sound::Part(part) => &self.parts[part.index()],
            Sound::Pause => &PAUSE,
        }
    }
}

/// Rules that cannot be used.
struct Unusable {
    faults: Vec<Fault>,
    /// The sounds that the others of them need.
    needed: Vec<String>,
}

impl From<Fault> for Unusable {
    fn from(fault: Fault) -> Unusable {
        Unusable { faults: vec![fault], needed: Vec::new() }
    }
}

fn manifest(source: &Source) -> Result<(String, Grammar), Unusable> {
    const FILE: &str = "language.toml";
    let fault = |why: String| Fault { file: source.path(FILE), why };
    let octets = source.read(FILE)?;
    let text = std::str::from_utf8(&octets).map_err(|_| fault("is not UTF-8".to_owned()))?;
    let Manifest { name, numbers, sentences } = toml::from_str(text).map_err(|e| {
        let line = e.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        fault(format!("line {line}: {}", e.message()))
    })?;
    let wanted: Vec<&str> = Counted::ALL.iter().map(|counted| counted.name()).collect();
    let grammar = Grammar::compile(&numbers, &sentences, &wanted).map_err(|problems| Unusable {
        faults: problems.iter().map(|p| fault(p.to_string())).collect(),
        needed: Grammar::needed(&numbers, &sentences, &wanted),
    })?;
    Ok((name, grammar))
}

/// All that can be played to a caller.
#[derive(Debug)]
pub struct Sounds {
    codes: Vec<String>,
    languages: Vec<Language>,
    /// For callers who wait: it goes round.
    music: Vec<i16>,
}

/// A composition of our own: `assets/make-music.sh`.
static MUSIC: &[u8] = include_bytes!("../../assets/music/hold.wav");

impl Sounds {
    /// Load these languages, each from `directory` if that has it, else from what is built in, and the music of waiting callers.
    /// Empty paths are none.
    ///
    /// # Errors
    /// Every file of every language that cannot be used.
    pub fn load<S: AsRef<str>>(directory: &Path, codes: &[S], music: &Path) -> Result<Sounds, Error> {
        let (mut languages, mut faults) = (Vec::new(), Vec::new());
        for code in codes {
            match Source::find(directory, code.as_ref()).map_err(|fault| vec![fault]).and_then(|s| Language::load(&s)) {
                Ok(language) => languages.push(language),
                Err(more) => faults.extend(more),
            }
        }
        let music = read_music(music).unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        });
        let codes = codes.iter().map(|code| code.as_ref().to_owned()).collect();
        if faults.is_empty() { Ok(Sounds { codes, languages, music }) } else { Err(Error(faults)) }
    }

    /// The same, where keys do this; without it they do what they do by default.
    #[must_use]
    pub fn with_menus(mut self, menus: &Menus) -> Sounds {
        for language in &mut self.languages {
            language.told = Told::new(menus, &language.grammar);
        }
        self
    }

    /// English as it is built in.
    ///
    /// # Panics
    /// Never: a test loads everything that is built in.
    #[must_use]
    pub fn english() -> Sounds {
        Sounds::load(Path::new(""), &["en"], Path::new("")).expect("what is built in can be used")
    }

    /// What callers hear who wait; its end leads on to its beginning.
    #[must_use]
    pub fn music(&self) -> &[i16] {
        &self.music
    }

    /// A language by its code.
    #[must_use]
    pub fn index_of(&self, code: &str) -> Option<LanguageIndex> {
        self.codes.iter().position(|known| known == code).map(|place| LanguageIndex(place as u8))
    }

    /// A language; the first, should there be no such one.
    #[must_use]
    pub fn language(&self, index: LanguageIndex) -> &Language {
        self.languages.get(usize::from(index.0)).unwrap_or(&self.languages[0])
    }
}

fn read_music(file: &Path) -> Result<Vec<i16>, Fault> {
    let fault = |why| Fault { file: file.to_owned(), why };
    let octets = match file.as_os_str().is_empty() {
        true => Cow::Borrowed(MUSIC),
        false => Cow::Owned(std::fs::read(file).map_err(|error| fault(error.to_string()))?),
    };
    wav::read(&octets).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_built_in_language_can_say_everything() {
        for code in built_in::languages() {
            let sounds = Sounds::load(Path::new(""), &[code], Path::new("")).expect("built in");
            let language = sounds.language(LanguageIndex(0));
            for (file, samples) in language.files() {
                let seconds = samples.len() as f64 / 8000.0;
                assert!((0.15..30.0).contains(&seconds), "{code}/{file}: {seconds} s");
            }
            for counted in Counted::ALL {
                for number in [0, 1, 2, 21, 1999] {
                    assert!(
                        language.sound(Said::Counted(*counted, number), 0).is_some(),
                        "{code}: {counted:?} {number}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_music_is_soft_and_goes_round_without_a_click() {
        let sounds = Sounds::english();
        let music = sounds.music();
        assert!(music.len() < 8000 * 30);
        let level = dsp::level::power_dbm0(music);
        assert!((-21.0..-19.0).contains(&level), "{level} dBm0");
        let step = |a: i16, b: i16| (i32::from(a) - i32::from(b)).abs();
        let greatest = music.windows(2).map(|pair| step(pair[0], pair[1])).max().expect("some");
        let seam = step(music[music.len() - 1], music[0]);
        assert!(seam * 4 < greatest, "a step of {seam} where the greatest within is {greatest}");
    }

    /// A directory with the packs that are built in.
    fn packs() -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        built_in::write_to(directory.path()).expect("written");
        directory
    }

    #[test]
    fn everything_wrong_is_named_at_once_with_what_it_should_say() {
        let directory = packs();
        let file = |name: &str| directory.path().join("en").join(name);
        Sounds::load(directory.path(), &["en", "de"], Path::new("")).expect("a copy is as good");
        fs::remove_file(file("welcome.wav")).expect("removed");
        fs::remove_file(file("numbers/20.wav")).expect("removed");
        fs::write(file("muted.wav"), b"RIFF nonsense").expect("written");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        hound::WavWriter::create(file("first.wav"), spec).expect("created").finalize().expect("written");
        let said = Sounds::load(directory.path(), &["en", "xx"], Path::new("")).expect_err("five faults").to_string();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 5, "{said}");
        for (line, file, why) in [
            (lines[0], "en/welcome.wav", "No such file or directory (os error 2); it says \"Welcome to Trunkcast.\""),
            (lines[1], "en/first.wav", "44100 Hz, 2 channel(s), 16 bit; needed: 8000 Hz"),
            (lines[2], "en/muted.wav", "no readable WAV"),
            (lines[3], "en/numbers/20.wav", "it says \"twenty\""),
            (lines[4], "xx", "choose one of those that are (de, en, es, fr), or make "),
        ] {
            assert!(line.contains(file) && line.contains(why), "{line}");
        }
    }

    #[test]
    fn a_language_the_operator_has_not_is_the_one_built_in() {
        let directory = packs();
        fs::remove_dir_all(directory.path().join("fr")).expect("removed");
        let sounds = Sounds::load(directory.path(), &["de", "fr"], Path::new("")).expect("one of each");
        let names = [0, 1].map(|index| sounds.language(LanguageIndex(index)).name().to_owned());
        assert_eq!(names, ["Deutsch", "Français"]);
        assert_eq!(sounds.index_of("fr"), Some(LanguageIndex(1)));
    }

    #[test]
    fn wrong_rules_are_named_with_their_place() {
        let directory = packs();
        let file = directory.path().join("de/language.toml");
        let good = fs::read_to_string(&file).expect("read");
        let said = |text: String| {
            fs::write(&file, text).expect("written");
            Sounds::load(directory.path(), &["de"], Path::new("")).expect_err("wrong").to_string()
        };
        let unread = said(good.replace("name = ", "nam = "));
        assert!(unread.contains("de/language.toml: line 2") && unread.contains("nam"), "{unread}");
        let rules = said(good.replace("hundert [>]", "hundert [>").replace("people = ", "persons = "));
        assert!(rules.contains("alone: \"100-199: hundert [>\": a bracket is not closed"), "{rules}");
        assert!(rules.contains("\"people\" has no rules") && rules.contains("no sentence \"persons\""), "{rules}");
        let missing = said(good.replace("0-19: =", "0-21: ="));
        assert!(missing.contains("de/numbers/21.wav: No such file"), "{missing}");
        // Both at once: who has mended the rules does not want to be told of the next thing.
        fs::remove_file(directory.path().join("de/numbers/7.wav")).expect("removed");
        let both = said(good.replace("\"100-199: hundert [>]\",", ""));
        assert!(both.contains("alone: no rule says 100") && both.contains("de/numbers/7.wav: No such"), "{both}");
    }
}
