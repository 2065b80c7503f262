//! What is said to callers: which sentences there are, in which languages, and where their sound comes from.
//!
//! A caller is told a [`Phrase`]: prompts, numbers and sentences with a number in them, one after the other. The gateway puts
//! it together without knowing the language; the voice path plays the sounds of the language the caller has.
//!
//! Data path: files of a language → `pack` → [`Sounds`], in memory before the first call → the voice path.
//! Time: none.
//! Words: *pack*, the files of a language: `LANGUAGE/NAME.wav` for each prompt, `LANGUAGE/numbers/` for the parts of numbers, and
//! `LANGUAGE/language.toml` with the rules that put them together.

mod built_in;
pub mod check;
mod menus;
mod pack;
pub mod wav;

pub use built_in::{is_built_in, write_to as write_built_in};
pub use pack::{Error, Fault, Language, LanguageIndex, Sounds};

use conference::Role;

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
        /// Before the digits of the event number that was keyed.
        YouEntered = "you-entered",
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
        /// The conference takes nobody in any more.
        ConferenceLocked = "conference-locked",
        /// The conference takes no more.
        ConferenceFull = "conference-full",
        /// Put out by a host.
        PutOut = "put-out",
        /// The conference has ended for all; its event may be called again.
        ConferenceEnded = "conference-ended",
        /// Asks for the caller's name.
        StateName = "state-name",
        /// There is no host yet.
        WaitForHost = "wait-for-host",
        /// The host is to let him in.
        WaitForAdmission = "wait-for-admission",
        /// It is recorded.
        Recorded = "recorded",
        /// It is not recorded.
        NotRecorded = "not-recorded",
        /// Recording begins.
        RecordingStarts = "recording-starts",
        /// Muted by a host.
        MutedByHost = "muted-by-host",
        /// Muted by a host, and kept so.
        MutesLocked = "mutes-locked",
        /// Not heard, as it is a lecture.
        LectureMuted = "lecture-muted",
        /// Not heard, as only who is called on is.
        QuestionMuted = "question-muted",
        /// Not heard, as a listener.
        ListenerMuted = "listener-muted",
        /// A host wants to hear who has muted himself.
        AskedToUnmute = "asked-to-unmute",
        /// To all: everybody is muted.
        AllMuted = "all-muted",
        /// To all: nobody is muted by the host any more.
        AllUnmuted = "all-unmuted",
        /// To all: everybody may speak.
        ModeConversation = "mode-conversation",
        /// To all: the host answers questions.
        ModeQuestion = "mode-question",
        /// To all: only the host is heard.
        ModeLecture = "mode-lecture",
        /// To all: nobody is let in any more.
        Locked = "locked",
        /// To all: everybody is let in again.
        Unlocked = "unlocked",
        /// His hand is raised.
        HandRaised = "hand-raised",
        /// His hand is lowered.
        HandLowered = "hand-lowered",
        /// He has the floor.
        CalledOn = "called-on",
        /// What the host has keyed is done.
        Done = "done",
        /// Asks whether the event is to be ended.
        ConfirmEnd = "confirm-end",
        /// It is not.
        NotEnded = "not-ended",
        /// Asks for a number to call.
        EnterNumber = "enter-number",
        /// The number was not complete in time.
        NumberLate = "number-late",
        /// Calling out cannot be done.
        DialOutUnavailable = "dial-out-unavailable",
        /// This number must not be called.
        DialOutForbidden = "dial-out-forbidden",
        /// To whoever was called from a conference: how he comes in.
        Invited = "invited",
        /// As many are being called as may be at a time.
        TooManyCalls = "too-many-calls",
        /// To the host: the number is being called.
        Calling = "calling",
        /// To the host: it rings.
        Ringing = "ringing",
        /// To the host: somebody has answered.
        CallAnswered = "call-answered",
        /// To the host: who has answered does not come in.
        CallNotJoined = "call-not-joined",
        /// To the host: the number is busy.
        CallBusy = "call-busy",
        /// To the host: nobody answers.
        CallNoAnswer = "call-no-answer",
        /// To the host: the call was refused.
        CallDeclined = "call-declined",
        /// To the host: nobody has this number.
        NoSuchNumber = "no-such-number",
        /// To the host: the number cannot be reached.
        CallNotReached = "call-not-reached",
        /// To all: the host has left.
        HostLeft = "host-left",
        /// Before the keys that mute oneself.
        PressMute = "press-mute",
        /// Before the same keys, to whoever is muted.
        PressUnmute = "press-unmute",
        /// Before the keys that raise the hand.
        PressHand = "press-hand",
        /// Before the keys that tell how many there are.
        PressCount = "press-count",
        /// Before the keys of the roll call.
        PressRollCall = "press-roll-call",
        /// Before the keys that tell whether it is recorded.
        PressRecording = "press-recording",
        /// Before the keys that lock and open the conference.
        PressLock = "press-lock",
        /// Before the keys of the next mode.
        PressMode = "press-mode",
        /// Before the keys that call on the next hand.
        PressCallOn = "press-call-on",
        /// Before the keys that lower all hands.
        PressLowerHands = "press-lower-hands",
        /// Before the keys that let in the next who waits.
        PressAdmit = "press-admit",
        /// Before the keys that let in all who wait.
        PressAdmitAll = "press-admit-all",
        /// Before the keys that mute everybody.
        PressMuteAll = "press-mute-all",
        /// Before the keys that lift that.
        PressUnmuteAll = "press-unmute-all",
        /// Before the keys that put out who came last.
        PressKickLast = "press-kick-last",
        /// Before the keys that call somebody in.
        PressDialOut = "press-dial-out",
        /// Before the keys that end the event.
        PressEnd = "press-end",
        /// Before the keys that end it after a question.
        PressEndConfirmed = "press-end-confirmed",
        /// Before the keys that say all this.
        PressHelp = "press-help",
        /// The key `*`.
        KeyStar = "key-star",
        /// The key `#`.
        KeyHash = "key-hash",
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
    /// What the keys of a role do, one after the other, as they are configured.
    Menu(Role),
    /// What keys of this role do what is meant; nothing, if it has none.
    Hint(Role, Hint),
    /// Nothing; what follows in the phrase is in this language.
    In(LanguageIndex),
}

/// What somebody is told the keys of with the sentence that makes him want them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// He is muted, and may unmute himself.
    BeHeard,
    /// He may raise his hand.
    RaiseHand,
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

/// The languages a caller is offered, in the order of the keys; the first is spoken until a key chooses another.
pub type Menu = heapless::Vec<LanguageIndex, { crate::config::call_in::MOST_LANGUAGES }>;

/// Things said one after the other. What finds no room is not said.
pub type Phrase = heapless::Vec<Said, 16>;
