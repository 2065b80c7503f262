//! What is being said to one caller: a phrase, and how far it has come.
//!
//! Data path: a phrase of the gateway → the sounds of the caller's language → added to what he hears.
//! Time: counted in samples. Nothing here allocates.

use crate::prompts::{LanguageIndex, Phrase, Said, Sounds};

/// A phrase that is being played; or none.
#[derive(Default)]
pub struct Speech {
    phrase: Phrase,
    language: LanguageIndex,
    /// Which of the phrase it is at.
    at: usize,
    /// Which sound of that.
    sound: usize,
    /// Samples of that sound that have been played.
    played: usize,
}

impl Speech {
    /// Begin with this phrase, in this language.
    pub fn begin(&mut self, phrase: &Phrase, language: LanguageIndex) {
        self.phrase.clone_from(phrase);
        self.language = language;
        (self.at, self.sound, self.played) = (0, 0, 0);
    }

    /// Go on with this phrase after what is being said; begin with it when nothing is.
    pub fn follow(&mut self, phrase: &Phrase, language: LanguageIndex) {
        if self.phrase.is_empty() {
            return self.begin(phrase, language);
        }
        for said in phrase {
            if self.phrase.push(*said).is_err() {
                return;
            }
        }
    }

    /// Whether nothing is being played.
    pub fn is_over(&self) -> bool {
        self.phrase.is_empty()
    }

    /// Add the next of it to what is heard; true when that was the last.
    pub fn add(&mut self, sounds: &Sounds, mut out: &mut [i16]) -> bool {
        while let Some(&said) = self.phrase.get(self.at) {
            if let Said::In(language) = said {
                self.language = language;
            }
            let Some(samples) = sounds.language(self.language).sound(said, self.sound) else {
                (self.at, self.sound, self.played) = (self.at + 1, 0, 0);
                continue;
            };
            let rest = &samples[self.played..];
            let (now, later) = out.split_at_mut(rest.len().min(out.len()));
            for (out, &sample) in now.iter_mut().zip(rest) {
                *out = out.saturating_add(sample);
            }
            self.played += now.len();
            if self.played < samples.len() {
                return false;
            }
            (self.sound, self.played) = (self.sound + 1, 0);
            out = later;
        }
        let spoke = !self.phrase.is_empty();
        self.phrase.clear();
        spoke
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::{Counted, Prompt};
    use std::path::Path;

    /// What is heard of a phrase in chunks of so many samples.
    fn heard(sounds: &Sounds, phrase: &[Said], language: LanguageIndex, chunk: usize) -> Vec<i16> {
        let mut speech = Speech::default();
        speech.begin(&phrase.iter().copied().collect(), language);
        let mut all = Vec::new();
        loop {
            let mut out = vec![0; chunk];
            let last = speech.add(sounds, &mut out);
            all.extend(out);
            if last {
                assert!(!speech.add(sounds, &mut vec![0; chunk]), "the end is told once");
                return all;
            }
        }
    }

    #[test]
    fn parts_follow_one_another_without_a_gap_whatever_the_chunk() {
        let sounds = Sounds::load(Path::new(""), &["en", "de"], Path::new("")).expect("built in");
        let german = LanguageIndex(1);
        let phrase = [Said::Prompt(Prompt::Joined), Said::Counted(Counted::People, 21), Said::Number(7)];
        let mut expected: Vec<i16> = Vec::new();
        for said in phrase {
            (0..).map_while(|place| sounds.language(german).sound(said, place)).for_each(|s| expected.extend(s));
        }
        for chunk in [40, 80, 160, 7777] {
            let all = heard(&sounds, &phrase, german, chunk);
            assert_eq!(all[..expected.len()], expected[..]);
            assert!(all.len() - expected.len() < chunk && all[expected.len()..].iter().all(|&s| s == 0));
        }
    }

    #[test]
    fn a_phrase_may_change_its_language_and_the_next_is_in_the_callers_own() {
        let sounds = Sounds::load(Path::new(""), &["en", "fr"], Path::new("")).expect("built in");
        let [english, french] = [LanguageIndex(0), LanguageIndex(1)];
        let choose = Said::Prompt(Prompt::ChooseLanguage);
        let both = heard(&sounds, &[choose, Said::In(french), choose], english, 80);
        let in_french = heard(&sounds, &[choose], french, 80);
        let english_samples = sounds.language(english).sound(choose, 0).expect("a sound").len();
        let french_samples = sounds.language(french).sound(choose, 0).expect("a sound").len();
        assert_eq!(both[english_samples..][..french_samples], in_french[..french_samples]);
    }
}
