//! The sentences of conferences as prompts and counts.

use crate::prompts::{Counted, Hint, Phrase, Prompt, Said};
use conference::{Mode, Role, Says, Spoken};

/// A few sentences to somebody in this role, who is told the keys he has.
pub(super) fn to(role: Role, says: &Says) -> Phrase {
    says.iter()
        .flat_map(|&sentence| {
            [Some(said(role, sentence)), hint(sentence).map(|hint| Said::Hint(role, hint))].into_iter().flatten()
        })
        .collect()
}

/// One sentence to everybody; `None`: it has keys in it, and is told to each by himself.
pub(super) fn to_all(sentence: Spoken) -> Option<Phrase> {
    // No sentence to all depends on the role but by its keys.
    hint(sentence).is_none().then(|| [said(Role::Speaker, sentence)].into_iter().collect())
}

/// Which keys a sentence makes one want.
const fn hint(sentence: Spoken) -> Option<Hint> {
    match sentence {
        Spoken::MutedByHost | Spoken::AskedToUnmute | Spoken::CalledOn => Some(Hint::BeHeard),
        Spoken::MutesLocked
        | Spoken::LectureMuted
        | Spoken::QuestionMuted
        | Spoken::ListenerMuted
        | Spoken::ModeIs(Mode::Question) => Some(Hint::RaiseHand),
        _ => None,
    }
}

const fn said(role: Role, sentence: Spoken) -> Said {
    Said::Prompt(match sentence {
        Spoken::CountIs(people) => return Said::Counted(Counted::People, people),
        Spoken::WaitingAre(waiting) => return Said::Counted(Counted::Waiting, waiting),
        Spoken::NobodyWaits => return Said::Counted(Counted::Waiting, 0),
        Spoken::NoHands => return Said::Counted(Counted::Hands, 0),
        Spoken::Help => return Said::Menu(role),
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
        Spoken::ConfirmEnd => Prompt::ConfirmEnd,
        Spoken::NotEnded => Prompt::NotEnded,
        Spoken::EnterNumber => Prompt::EnterNumber,
        Spoken::NumberLate => Prompt::NumberLate,
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
