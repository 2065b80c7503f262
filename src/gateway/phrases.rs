//! The sentences of conferences as prompts and counts.

use crate::prompts::{Counted, Phrase, Prompt, Said};
use conference::{Mode, Role, Says, Spoken};

/// A few sentences.
pub(super) fn of(says: &Says) -> Phrase {
    says.iter().map(|sentence| said(*sentence)).collect()
}

/// One sentence.
pub(super) fn one(sentence: Spoken) -> Phrase {
    [said(sentence)].into_iter().collect()
}

const fn said(sentence: Spoken) -> Said {
    Said::Prompt(match sentence {
        Spoken::CountIs(people) => return Said::Counted(Counted::People, people),
        Spoken::WaitingAre(waiting) => return Said::Counted(Counted::Waiting, waiting),
        Spoken::NobodyWaits => return Said::Counted(Counted::Waiting, 0),
        Spoken::NoHands => return Said::Counted(Counted::Hands, 0),
        Spoken::EndingSoon(minutes) => return Said::Counted(Counted::Minutes, minutes),
        Spoken::Joined => Prompt::Joined,
        Spoken::First => Prompt::First,
        Spoken::StateName => Prompt::StateName,
        Spoken::WaitForHost => Prompt::WaitForHost,
        Spoken::WaitForAdmission => Prompt::WaitForAdmission,
        Spoken::Recorded => Prompt::Recorded,
        Spoken::NotRecorded => Prompt::NotRecorded,
        Spoken::RecordingStarts => Prompt::RecordingStarts,
        Spoken::Muted => Prompt::Muted,
        Spoken::Unmuted => Prompt::Unmuted,
        Spoken::MutedByHost => Prompt::MutedByHost,
        Spoken::MutesLocked => Prompt::MutesLocked,
        Spoken::LectureMuted => Prompt::LectureMuted,
        Spoken::QuestionMuted => Prompt::QuestionMuted,
        Spoken::ListenerMuted => Prompt::ListenerMuted,
        Spoken::AskedToUnmute => Prompt::AskedToUnmute,
        Spoken::AllMuted => Prompt::AllMuted,
        Spoken::AllUnmuted => Prompt::AllUnmuted,
        Spoken::ModeIs(Mode::Conversation) => Prompt::ModeConversation,
        Spoken::ModeIs(Mode::Question) => Prompt::ModeQuestion,
        Spoken::ModeIs(Mode::Lecture) => Prompt::ModeLecture,
        Spoken::Locked => Prompt::Locked,
        Spoken::Unlocked => Prompt::Unlocked,
        Spoken::HandRaised => Prompt::HandRaised,
        Spoken::HandLowered => Prompt::HandLowered,
        Spoken::CalledOn => Prompt::CalledOn,
        Spoken::Done => Prompt::Done,
        Spoken::Help(Role::Host) => Prompt::HelpHost,
        Spoken::Help(Role::Speaker) => Prompt::HelpSpeaker,
        Spoken::Help(Role::Listener) => Prompt::HelpListener,
        Spoken::ConfirmEnd => Prompt::ConfirmEnd,
        Spoken::NotEnded => Prompt::NotEnded,
        Spoken::EnterNumber => Prompt::EnterNumber,
        Spoken::DialOutUnavailable => Prompt::DialOutUnavailable,
        Spoken::DialOutForbidden => Prompt::DialOutForbidden,
        Spoken::TooManyCalls => Prompt::TooManyCalls,
        Spoken::Full => Prompt::ConferenceFull,
        Spoken::Calling => Prompt::Calling,
        Spoken::Ringing => Prompt::Ringing,
        Spoken::CallAnswered => Prompt::CallAnswered,
        Spoken::CallNotJoined => Prompt::CallNotJoined,
        Spoken::CallBusy => Prompt::CallBusy,
        Spoken::CallNoAnswer => Prompt::CallNoAnswer,
        Spoken::CallDeclined => Prompt::CallDeclined,
        Spoken::NoSuchNumber => Prompt::NoSuchNumber,
        Spoken::CallNotReached => Prompt::CallNotReached,
        Spoken::HostLeft => Prompt::HostLeft,
    })
}
