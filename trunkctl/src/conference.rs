//! `trunkctl conference`: who is in a conference, and what is to become of them.

use crate::args::AtLeast;
use crate::args::conference::{Conference, Whom};
use crate::confirm::{self, Answer};
use crate::failure::Failure;
use crate::output::Output;
use crate::{show, words};
use control::{
    CalledState, Client, ClientError, ConferenceInfo, ConferenceMember, ConferenceOrder, MemberPlace, Problem,
    ProblemKind,
};
use serde_json::json;
use std::thread;
use std::time::Duration;

/// How often a call out is asked after.
const BEAT: Duration = Duration::from_millis(250);

/// Do one of these.
pub fn conference(mut client: Client, what: Conference, output: Output) -> Result<(), Failure> {
    match what {
        Conference::List => {
            let all = client.conferences()?;
            output.answer(&all, || show::conferences(&all, words::now_ms()))
        }
        Conference::Show(which) => {
            let info = client.conference(&which.event)?;
            output.answer(&info, || show::conference(&info, words::now_ms()))
        }
        Conference::Count(which) => {
            let info = client.conference(&which.event)?;
            let ConferenceInfo { present, hosts, waiting, hands, .. } = info;
            let count = json!({ "present": present, "hosts": hosts, "waiting": waiting, "hands": hands });
            output.answer(&count, || show::conference_count(&info) + "\n")
        }
        Conference::Roll(which) => {
            let mut info = client.conference(&which.event)?;
            info.members.retain(|member| member.place == MemberPlace::Present);
            output.answer(&info.members, || show::roll(&info.members))
        }
        Conference::Hands(which) => {
            let mut info = client.conference(&which.event)?;
            info.members.retain(|member| member.hand.is_some());
            info.members.sort_by_key(|member| member.hand);
            output.answer(&info.members, || show::hands(&info.members))
        }
        Conference::Mute { lock: true, whom, .. } if whom != Whom::All => {
            Err(Failure::Usage("--lock is for all of them: trunkctl conference mute EVENT all --lock".to_owned()))
        }
        Conference::Mute { event, whom, lock } => {
            let order = match whom {
                Whom::Call(call) => ConferenceOrder::Mute { call },
                _ => ConferenceOrder::MuteAll { lock },
            };
            order_it(&mut client, &event, order, output)
        }
        Conference::Unmute { event, whom } => {
            let order = match whom {
                Whom::Call(call) => ConferenceOrder::Unmute { call },
                _ => ConferenceOrder::UnmuteAll,
            };
            order_it(&mut client, &event, order, output)
        }
        Conference::Lock(which) => order_it(&mut client, &which.event, ConferenceOrder::Lock, output),
        Conference::Unlock(which) => order_it(&mut client, &which.event, ConferenceOrder::Unlock, output),
        Conference::Mode { event, mode } => {
            order_it(&mut client, &event, ConferenceOrder::Mode { mode: mode.mode() }, output)
        }
        Conference::Kick { event, whom, asking } => {
            if confirm::is_asked(asking) && !is_being_called(&mut client, &event, whom)? {
                let info = client.conference(&event)?;
                let hit = members_hit(&info, whom)?;
                let what = format!("This puts out:\n{}", show::roll(std::slice::from_ref(hit)));
                if confirm::confirm(asking, output, &what)? == Answer::DryRun {
                    return output.answer(&confirm::WouldHit("member", &hit), || what);
                }
            }
            let order = match whom {
                Whom::Call(call) => ConferenceOrder::Kick { call },
                _ => ConferenceOrder::KickLast,
            };
            order_it(&mut client, &event, order, output)
        }
        Conference::Admit { event, whom } => {
            let order = match whom {
                Whom::Call(call) => ConferenceOrder::Admit { call },
                Whom::All => ConferenceOrder::AdmitAll,
                Whom::Last | Whom::Next => ConferenceOrder::AdmitNext,
            };
            order_it(&mut client, &event, order, output)
        }
        Conference::CallOn { event, whom } => {
            let order = match whom {
                Whom::Call(call) => ConferenceOrder::CallOn { call },
                _ => ConferenceOrder::CallOnNext,
            };
            order_it(&mut client, &event, order, output)
        }
        Conference::Lower { event, whom } => {
            let order = match whom {
                Whom::Call(call) => ConferenceOrder::LowerHand { call },
                _ => ConferenceOrder::LowerHands,
            };
            order_it(&mut client, &event, order, output)
        }
        Conference::Rename { event, call, name } => {
            order_it(&mut client, &event, ConferenceOrder::Rename { call, name }, output)
        }
        Conference::Dial { event, number, no_follow } => dial(&mut client, &event, number, no_follow, output),
        Conference::End { event, asking } => {
            if confirm::is_asked(asking) {
                let info = client.conference(&event)?;
                let what = format!("This ends:\n{}", show::conference(&info, words::now_ms()));
                if confirm::confirm(asking, output, &what)? == Answer::DryRun {
                    return output.answer(&confirm::WouldHit("conference", &info), || what);
                }
            }
            order_it(&mut client, &event, ConferenceOrder::End, output)
        }
        Conference::Watch { event, at_least } => watch(client, event.as_deref(), at_least, output),
    }
}

fn order_it(client: &mut Client, event: &str, order: ConferenceOrder, output: Output) -> Result<(), Failure> {
    let done = client.order_conference(event, order)?;
    output.answer(&done, || words::clean(&done.text) + "\n")
}

/// Call somebody in, and tell how it goes until it is known whether he comes.
fn dial(client: &mut Client, event: &str, number: String, no_follow: bool, output: Output) -> Result<(), Failure> {
    let done = client.order_conference(event, ConferenceOrder::DialOut { number })?;
    let Some(call) = done.call.filter(|_| !no_follow) else {
        return output.answer(&done, || words::clean(&done.text) + "\n");
    };
    let mut told = String::new();
    let gone = || Failure::CallFailed(format!("call {call}: the conference has ended"));
    loop {
        let info = match client.conference(event) {
            Err(ClientError::Refused(problem)) if problem.kind == ProblemKind::NotFound => {
                return Err(gone());
            }
            other => other?,
        };
        let one = info.called.into_iter().find(|one| one.call == call).ok_or_else(gone)?;
        if one.text != told && !output.is_json() {
            output.text(&format!("call {call} to {}: {}\n", words::clean(&one.number), words::clean(&one.text)))?;
            told.clone_from(&one.text);
        }
        if one.state.is_final() {
            if output.is_json() {
                output.answer(&one, String::new)?;
            }
            return match one.state {
                CalledState::Joined => Ok(()),
                _ => Err(Failure::CallFailed(format!("call {call} has brought nobody in"))),
            };
        }
        thread::sleep(BEAT);
    }
}

/// Refuse what can be no event's number: only the daemon knows. That nobody is in its conference now is no fault.
pub fn is_a_number(client: &mut Client, event: &str) -> Result<(), Failure> {
    match client.conference(event) {
        Err(ClientError::Refused(problem)) if problem.kind != ProblemKind::NotFound => {
            Err(ClientError::Refused(problem).into())
        }
        Ok(_) | Err(ClientError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whoever is still being called hears nothing of it: there is nothing to ask.
fn is_being_called(client: &mut Client, event: &str, whom: Whom) -> Result<bool, Failure> {
    let info = client.conference(event)?;
    Ok(info.called.iter().any(|one| whom == Whom::Call(one.call) && !one.state.is_final()))
}

/// Whom a kick would hit.
fn members_hit(info: &ConferenceInfo, whom: Whom) -> Result<&ConferenceMember, Failure> {
    let found = match whom {
        Whom::Call(call) => info.members.iter().find(|member| member.call == call),
        _ => info.members.iter().rfind(|m| m.role != control::Role::Host && m.place == MemberPlace::Present),
    };
    found.ok_or_else(|| {
        let problem = Problem::not_found("nobody such is in the conference of this event");
        ClientError::Refused(problem.with_hint("`trunkctl conference show EVENT` lists the members")).into()
    })
}

fn watch(mut client: Client, event: Option<&str>, at_least: AtLeast, output: Output) -> Result<(), Failure> {
    if let Some(event) = event {
        is_a_number(&mut client, event)?;
    }
    crate::watch(client, at_least, output, |notice| match event {
        Some(event) => notice.event.as_deref() == Some(event),
        None => notice.event.is_some(),
    })
}
