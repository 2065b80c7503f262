//! What there is to say about packs: for whoever makes one.
//!
//! Data path: a directory → every file with its length, its level and the sentence it says → lines for people.
//! Time: none.

use super::pack::Source;
use super::{Fault, Language, built_in};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Softer than this on the whole, in dBm0, is hard to understand on a poor line.
const SOFTEST_DBM0: f32 = -30.0;
/// Louder than this on the whole, in dBm0, is louder than the people in the conference, and deafens key receivers.
const LOUDEST_DBM0: f32 = -12.0;
/// A sample of this size is as large as samples get.
const CLIPPED: u16 = 32_700;
/// Silence at either end that makes callers wait, in samples: 0.3 s.
const LONG_SILENCE: usize = 2400;
/// What is silence at the ends.
const SILENT: u16 = 100;
/// Longer than this, in seconds, a caller does not listen to a prompt.
const LONGEST_S: f32 = 30.0;

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// For people to read: a line for each file, and what is wrong.
    pub text: String,
    /// Files that cannot be used.
    pub faults: usize,
    /// Files that can be used, but should be better.
    pub remarks: usize,
}

/// Look at a pack, or at all packs in a directory. An empty path stands for what is built in.
#[must_use]
pub fn packs(path: &Path) -> Findings {
    let mut findings = Findings::default();
    let sources = sources(path);
    if sources.is_empty() {
        let why =
            "no pack: a pack is a directory named by its language, with language.toml and a WAV file for each prompt";
        findings.fault(&Fault { file: path.to_owned(), why: why.to_owned() });
    }
    for (code, source) in sources {
        match Language::load(&source) {
            Ok(language) => findings.language(&code, &language),
            Err(faults) => faults.iter().for_each(|fault| findings.fault(fault)),
        }
    }
    findings
}

fn sources(path: &Path) -> Vec<(String, Source)> {
    if path.as_os_str().is_empty() {
        return built_in::languages().map(|code| (code.to_owned(), Source::BuiltIn(code.to_owned()))).collect();
    }
    let is_pack = |path: &Path| path.join("language.toml").is_file() || path.join("welcome.wav").is_file();
    let name = |path: &Path| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if is_pack(path) {
        return vec![(name(path), Source::Directory(path.to_owned()))];
    }
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    let mut packs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| is_pack(path)).collect();
    packs.sort();
    packs.into_iter().map(|path| (name(&path), Source::Directory(path))).collect()
}

impl Findings {
    fn fault(&mut self, fault: &Fault) {
        self.faults += 1;
        writeln!(self.text, "{fault}").expect("room in memory");
    }

    fn language(&mut self, code: &str, language: &Language) {
        let mut octets = 0;
        writeln!(self.text, "{code}: {}", language.name()).expect("room in memory");
        writeln!(self.text, "  {:<24} {:>7} {:>8}  what it says", "file", "seconds", "dBm0").expect("room in memory");
        for (file, samples) in language.files() {
            octets += samples.len() * 2;
            let seconds = samples.len() as f32 / 8000.0;
            let level = dsp::level::power_dbm0(samples);
            // Parts of numbers differ from language to language: what they say is in their own table, if anywhere.
            let says = built_in::words(code, file).or_else(|| built_in::words("en", file)).unwrap_or_default();
            let line = format!("  {file:<24} {seconds:>7.2} {level:>8.1}  {says}");
            writeln!(self.text, "{}", line.trim_end()).expect("room in memory");
            for remark in remarks(file, samples, level) {
                self.remarks += 1;
                writeln!(self.text, "    {remark}").expect("room in memory");
            }
        }
        let kilobytes = octets.div_ceil(1000);
        let files = language.files().count();
        writeln!(self.text, "  {files} files, {kilobytes} kB").expect("room in memory");
    }
}

/// What should be better about a sound.
fn remarks(file: &str, samples: &[i16], level: f32) -> Vec<String> {
    let mut remarks = Vec::new();
    if level < SOFTEST_DBM0 {
        remarks.push(format!("too soft: bring it to about -20 dBm0 (sox IN.wav OUT.wav gain {:.0})", -20.0 - level));
    }
    if level > LOUDEST_DBM0 {
        remarks.push(format!("too loud: bring it to about -20 dBm0 (sox IN.wav OUT.wav gain {:.0})", -20.0 - level));
    }
    let clipped = samples.iter().filter(|s| s.unsigned_abs() >= CLIPPED).count();
    if clipped > 0 {
        remarks.push(format!("clipped: {clipped} samples are as large as samples get; record it again, softer"));
    }
    let loud = |s: &i16| s.unsigned_abs() > SILENT;
    let before = samples.iter().position(loud).unwrap_or(samples.len());
    let after = samples.iter().rev().position(loud).unwrap_or(samples.len());
    for (silence, end) in [(before, "begins"), (after, "ends")] {
        if silence > LONG_SILENCE {
            remarks.push(format!("{end} with {:.1} s of silence: leave 0.05 s", silence as f32 / 8000.0));
        }
    }
    if samples.len() as f32 / 8000.0 > LONGEST_S {
        remarks.push(format!("longer than {LONGEST_S} s"));
    }
    if file.starts_with("numbers/") && samples.len() > 8000 * 2 {
        remarks.push("longer than 2 s: a number is made of several of these".to_owned());
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_needs_no_remark() {
        let findings = packs(Path::new(""));
        assert_eq!((findings.faults, findings.remarks), (0, 0), "{}", findings.text);
        for line in ["en: English", "fr: Français", "  numbers/et-un", "Bitte geben Sie Ihre PIN ein"] {
            assert!(findings.text.contains(line), "{}", findings.text);
        }
    }

    #[test]
    fn a_sound_that_should_be_better_says_what_to_do() {
        let directory = tempfile::tempdir().expect("a directory");
        super::super::write_built_in(directory.path()).expect("written");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let write = |name: &str, sample: &dyn Fn(usize) -> i16, samples: usize| {
            let mut file = hound::WavWriter::create(directory.path().join("de").join(name), spec).expect("created");
            (0..samples).for_each(|i| file.write_sample(sample(i)).expect("written"));
            file.finalize().expect("written");
        };
        let wave = |size: i16| move |i: usize| if i % 8 < 4 { size } else { -size };
        write("welcome.wav", &wave(110), 8000);
        write("goodbye.wav", &wave(32_767), 8000);
        write("muted.wav", &|i| if i < 4000 { 0 } else { wave(2000)(i) }, 8000);
        let findings = packs(&directory.path().join("de"));
        assert_eq!((findings.faults, findings.remarks), (0, 4), "{}", findings.text);
        for remark in ["too soft", "too loud", "clipped: 8000", "begins with 0.5 s of silence"] {
            assert!(findings.text.contains(remark), "{remark}: {}", findings.text);
        }
        std::fs::remove_file(directory.path().join("de/numbers/und.wav")).expect("removed");
        let findings = packs(directory.path());
        assert_eq!(findings.faults, 1);
        assert!(findings.text.contains("de/numbers/und.wav: No such file"), "{}", findings.text);
        assert!(packs(&directory.path().join("fr/numbers")).text.contains("no pack"));
    }
}
