//! What is said to callers: which sentences there are, in which languages, and where their sound comes from.
//!
//! A caller is told a [`Phrase`]: prompts, numbers and sentences with a number in them, one after the other. The gateway puts
//! it together without knowing the language; the voice path plays the sounds of the language the caller has.
//!
//! Data path: files of a language → [`pack`] → [`Sounds`], in memory before the first call → the voice path.
//! Time: none.
//! Words: *pack*, the files of a language: `LANGUAGE/NAME.wav` for each prompt, `LANGUAGE/numbers/` for the parts of numbers, and
//! `LANGUAGE/language.toml` with the rules that put them together.

mod built_in;
pub mod check;
mod pack;
pub mod wav;

pub use built_in::write_to as write_built_in;
pub use pack::{Error, Fault, Language, LanguageIndex, Sounds};

macro_rules! names {
    ($(#[$about:meta])* $kind:ident { $($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $kind { $($(#[$doc])* $variant),* }

        impl $kind {
            /// All of them.
            pub const ALL: &'static [$kind] = &[$($kind::$variant),*];

            /// Its name in a pack.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($kind::$variant => $name),* }
            }
        }
    };
}

names! {
    /// Something said to a caller, in a file of its own: `NAME.wav`.
    Prompt {
        /// The greeting.
        Welcome = "welcome",
        /// Before the digit that chooses this language.
        ChooseLanguage = "choose-language",
        /// Asks for the event number.
        EnterEvent = "enter-event",
        /// Asks for the PIN.
        EnterPin = "enter-pin",
        /// Number and PIN do not agree.
        NotRecognised = "not-recognised",
        /// No keys came.
        NothingEntered = "nothing-entered",
        /// The last word.
        Goodbye = "goodbye",
        /// The event was ended by its host.
        EventEnded = "event-ended",
        /// The event was cancelled.
        EventCancelled = "event-cancelled",
        /// The event is over.
        EventOver = "event-over",
        /// In the conference, with others.
        Joined = "joined",
        /// In the conference, alone.
        First = "first",
        /// Said to all when the host ends the event.
        HostEnded = "host-ended",
        /// Muted by the caller's own key.
        Muted = "muted",
        /// No longer muted.
        Unmuted = "unmuted",
        /// No port or place for this event.
        Unavailable = "unavailable",
        /// The server is being closed down.
        Closing = "closing",
    }
}

names! {
    /// A sentence with a number in it. Each language has rules for it, under this name in `[sentences]` of its `language.toml`.
    Counted {
        /// How many are in the conference, the caller among them.
        People = "people",
        /// How many wait to be let in.
        Waiting = "waiting",
        /// How many hands are raised.
        Hands = "hands",
        /// Minutes until the conference ends.
        Minutes = "minutes",
    }
}

/// One thing of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A prompt.
    Prompt(Prompt),
    /// A sentence with this number in it.
    Counted(Counted, u16),
    /// A number, or a digit.
    Number(u16),
    /// Nothing; what follows in the phrase is in this language.
    In(LanguageIndex),
}

impl From<Prompt> for Said {
    fn from(prompt: Prompt) -> Said {
        Said::Prompt(prompt)
    }
}

impl From<Prompt> for Phrase {
    fn from(prompt: Prompt) -> Phrase {
        [Said::from(prompt)].into_iter().collect()
    }
}

impl PartialEq<Prompt> for Said {
    fn eq(&self, prompt: &Prompt) -> bool {
        *self == Said::Prompt(*prompt)
    }
}

/// Things said one after the other. What finds no room is not said.
pub type Phrase = heapless::Vec<Said, 16>;
