//! What people do in conferences, through the gateway: by keys over the line, and by orders of the office.

use crate::town::{Known, Town, seconds};
use conference::{
    Answer, By, Count, EndReason, EntryExit, Happening, HostLeaves, Mode, MutedBy, Order, Policy, Refused,
};
use event::Role;
use exchange::CallerId;
use std::time::Duration;
use trunkcast::gateway::{CallId, Settings, Voice};
use trunkcast::prompts::{Counted, Prompt, Said};
use trunkcast::reports::{CallStage, Command, NotLetIn, What};

fn town(rules: Policy) -> (Town, Known) {
    let town = Town::new(|s: &mut Settings| s.rules = rules);
    let event = town.events[0].clone();
    (town, event)
}

/// A moment later: a # would not belong to the PIN any more.
fn enter(town: &mut Town, calling: &str, event: &Known, pin: &str) -> CallerId {
    let caller = town.enter(calling, event.number, pin);
    town.pass(seconds(5));
    caller
}

fn listener_pin(town: &Town, event: &Known) -> String {
    town.keyring.pin(event.number, Role::Listener).expect("a current key").as_str().to_owned()
}

fn call_of(town: &Town, caller: CallerId) -> CallId {
    let channel = town.channels[&caller];
    town.gateway.calls().find(|(c, ..)| *c == channel).expect("a call").1
}

/// An order, and its answer.
fn order(town: &mut Town, event: &Known, order: Order<CallId>) -> Result<Answer, Refused> {
    let ticket = town.told.len() as u64;
    town.order(Command::Conference { ticket, event: event.number, order });
    let answer = |w: &What| match w {
        What::Answered { ticket: its, answer } if *its == ticket => Some(*answer),
        _ => None,
    };
    town.told.iter().find_map(answer).expect("an answer to every order")
}

/// Whether what he says is in the mix, as the voice path was told.
fn is_heard(town: &Town, caller: CallerId) -> bool {
    let channel = town.channels[&caller];
    let change = |v: &Voice| match v {
        Voice::Join(c, _) if *c == channel => Some(true),
        Voice::Leave(c) | Voice::Close(c) if *c == channel => Some(false),
        Voice::Mute(c, muted) if *c == channel => Some(!muted),
        _ => None,
    };
    town.voice.iter().rev().find_map(change).unwrap_or(false)
}

fn holds(town: &Town, caller: CallerId) -> bool {
    let channel = town.channels[&caller];
    let change = |v: &Voice| match v {
        Voice::Hold(c, holds) if *c == channel => Some(*holds),
        _ => None,
    };
    town.voice.iter().rev().find_map(change).unwrap_or(false)
}

fn happened(town: &Town, what: impl Fn(&Happening<CallId>) -> bool) -> usize {
    town.count(|w| matches!(w, What::Conference { what: w, .. } if what(w)))
}

#[test]
fn callers_wait_with_music_until_the_host_is_there() {
    let (mut town, event) = town(Policy { wait_for_host: true, ..Policy::default() });
    let ann = enter(&mut town, "5551", &event, &event.speaker);
    let told = |town: &Town| {
        let let_in = town.count(|w| matches!(w, What::LetIn { .. }));
        (let_in, town.count(|w| matches!(w, What::Joined { .. })))
    };
    assert_eq!(told(&town), (1, 0), "let in by the PIN, and not in the conference yet");
    town.talk(ann, true);
    assert!(holds(&town, ann) && !is_heard(&town, ann));
    assert_eq!(
        town.count(|w| matches!(w, What::StreamStart { .. } | What::Talking { .. })),
        0,
        "nothing of it is heard"
    );
    assert_eq!(town.count(|w| matches!(w, What::CallStage { stage: CallStage::InConference, .. })), 0);
    let host = enter(&mut town, "5552", &event, &event.host);
    assert!(!holds(&town, ann) && is_heard(&town, ann) && is_heard(&town, host));
    assert_eq!(told(&town), (2, 2));
    // Who was speaking when he was let in is on the air at once.
    assert_eq!(town.count(|w| matches!(w, What::StreamStart { .. })), 1);
    town.hang_up(ann);
    town.keys(host, "399");
    town.pass(seconds(10));
    town.check_empty();
}

#[test]
fn who_hangs_up_while_waiting_leaves_nothing() {
    let (mut town, event) = town(Policy { wait_for_host: true, waiting_room: true, ..Policy::default() });
    let ann = enter(&mut town, "5551", &event, &event.speaker);
    town.hang_up(ann);
    assert_eq!(town.count(|w| matches!(w, What::Left { remaining: 0, .. })), 1);
    town.pass(crate::town::LINGER + seconds(1));
    town.check_empty();
}

#[test]
fn a_lecture_mutes_in_the_mix_and_raised_hands_are_called_on() {
    let (mut town, event) = town(Policy::default());
    let host = enter(&mut town, "5551", &event, &event.host);
    let [ann, bob] = ["5552", "5553"].map(|n| enter(&mut town, n, &event, &event.speaker));
    town.keys(host, "*7*7");
    assert!(is_heard(&town, host) && !is_heard(&town, ann) && !is_heard(&town, bob));
    town.talk(ann, true);
    assert_eq!(town.count(|w| matches!(w, What::StreamStart { .. })), 0, "who is not heard puts nothing on the air");
    let from = town.voice.len();
    town.keys(ann, "*6");
    assert_eq!(town.heard(town.channels[&ann], from), [Prompt::LectureMuted]);
    town.keys(bob, "*2");
    town.keys(ann, "*2");
    town.keys(host, "*2");
    assert_eq!(town.heard(town.channels[&bob], from), [Prompt::HandRaised, Prompt::CalledOn]);
    town.keys(bob, "*6");
    assert!(is_heard(&town, bob) && !is_heard(&town, ann));
    assert_eq!(order(&mut town, &event, Order::CallOnNext), Ok(Answer::Done(1)));
    town.keys(ann, "*6");
    assert!(is_heard(&town, ann) && !is_heard(&town, bob));
    assert_eq!(town.count(|w| matches!(w, What::StreamStart { .. })), 1, "he was talking all the time");
    assert_eq!(happened(&town, |w| matches!(w, Happening::Mode { mode: Mode::Lecture, by: By::Member(_) })), 1);
}

#[test]
fn orders_do_what_keys_do_and_are_answered() {
    let (mut town, event) = town(Policy::default());
    assert_eq!(order(&mut town, &event, Order::Count), Err(Refused::NoConference));
    let host = enter(&mut town, "5551", &event, &event.host);
    let ann = enter(&mut town, "5552", &event, &event.speaker);
    let (host_call, ann_call) = (call_of(&town, host), call_of(&town, ann));
    assert_eq!(order(&mut town, &event, Order::Mute(ann_call)), Ok(Answer::Done(1)));
    assert!(!is_heard(&town, ann));
    let muted = Happening::Muted { who: ann_call, muted: Some(MutedBy::Host), by: By::Office };
    assert_eq!(happened(&town, |w| *w == muted), 1);
    town.keys(ann, "*6");
    assert!(is_heard(&town, ann), "the key always works");
    assert_eq!(order(&mut town, &event, Order::MuteAll { lock: true }), Ok(Answer::Done(1)));
    town.keys(ann, "*6");
    assert!(!is_heard(&town, ann) && is_heard(&town, host));
    assert_eq!(order(&mut town, &event, Order::UnmuteAll), Ok(Answer::Done(1)));
    let count = Count { present: 2, hosts: 1, waiting: 0, hands: 0 };
    assert_eq!(order(&mut town, &event, Order::Count), Ok(Answer::Count(count)));
    assert_eq!(order(&mut town, &event, Order::Kick(CallId(99))), Err(Refused::NoMember));
    let other = town.events[1].clone();
    assert_eq!(order(&mut town, &other, Order::Kick(ann_call)), Err(Refused::NoConference));
    assert_eq!(order(&mut town, &event, Order::Kick(ann_call)), Ok(Answer::Done(1)));
    assert_eq!(town.conference(ann), None);
    town.pass(seconds(5));
    assert_eq!(town.causes.get(&ann), Some(&16), "told, and let go");
    assert_eq!(order(&mut town, &event, Order::End), Ok(Answer::Done(1)));
    town.pass(seconds(5));
    assert!(town.causes.contains_key(&host), "call {host_call:?}");
    // The conference has ended, the event has not.
    let again = enter(&mut town, "5553", &event, &event.speaker);
    assert!(town.conference(again).is_some());
    assert_eq!(town.count(|w| matches!(w, What::EventClosed { .. })), 0);
}

#[test]
fn a_locked_or_full_conference_says_so_after_a_right_pin_only() {
    let (mut town, event) = town(Policy { max_members: 1, ..Policy::default() });
    let host = enter(&mut town, "5551", &event, &event.host);
    let ann = enter(&mut town, "5552", &event, &event.speaker);
    let late = enter(&mut town, "5553", &event, &event.speaker);
    assert!(town.heard(town.channels[&late], 0).ends_with(&[Prompt::ConferenceFull, Prompt::Goodbye]));
    town.hang_up(ann);
    town.keys(host, "*5");
    let late = enter(&mut town, "5554", &event, &event.speaker);
    assert!(town.heard(town.channels[&late], 0).ends_with(&[Prompt::ConferenceLocked, Prompt::Goodbye]));
    let second = enter(&mut town, "5555", &event, &event.host);
    assert!(town.conference(second).is_some(), "a host always may");
    let away = |why| town.count(|w| matches!(w, What::TurnedAway { why: its, .. } if *its == why));
    assert_eq!((away(NotLetIn::Full), away(NotLetIn::Locked)), (1, 1));
    town.pass(seconds(10));
    assert_eq!(town.gateway.calls().count(), 2);
}

#[test]
fn a_listener_s_pin_opens_the_mix_and_never_the_stream() {
    let (mut town, event) = town(Policy::default());
    let pin = listener_pin(&town, &event);
    let lea = enter(&mut town, "5551", &event, &pin);
    assert_eq!(town.count(|w| matches!(w, What::Joined { role: Role::Listener, .. })), 1);
    assert!(town.conference(lea).is_some() && !is_heard(&town, lea));
    town.talk(lea, true);
    assert_eq!(town.count(|w| matches!(w, What::StreamStart { .. })), 0);
    let from = town.voice.len();
    town.keys(lea, "*6*2*4");
    assert_eq!(town.heard(town.channels[&lea], from), [Prompt::ListenerMuted; 2]);
    let last =
        town.voice.iter().rev().find_map(|v| if let Voice::Play(_, said) = v { Some(said.clone()) } else { None });
    assert_eq!(last.expect("played")[..], [Said::Counted(Counted::People, 1)]);
}

#[test]
fn when_the_host_leaves_there_is_a_grace_and_then_the_end() {
    let (mut town, event) = town(Policy { host_leaves: HostLeaves::Grace(seconds(60)), ..Policy::default() });
    let host = enter(&mut town, "5551", &event, &event.host);
    let ann = enter(&mut town, "5552", &event, &event.speaker);
    town.hang_up(host);
    let announced = |v: &&Voice| matches!(v, Voice::Announce(_, said) if said[..] == [Said::Prompt(Prompt::HostLeft)]);
    assert_eq!(town.voice.iter().filter(announced).count(), 1);
    town.pass(seconds(50));
    assert!(town.conference(ann).is_some());
    town.pass(seconds(20));
    assert!(town.causes.contains_key(&ann));
    assert_eq!(happened(&town, |w| matches!(w, Happening::Ended { why: EndReason::HostLeft, .. })), 1);
    town.pass(crate::town::LINGER);
    town.check_empty();
}

#[test]
fn it_ends_by_itself_when_it_has_lasted_long_enough() {
    let rules = Policy { max_duration: Some(seconds(600)), warning: seconds(120), ..Policy::default() };
    let (mut town, event) = town(rules);
    for n in 0..20 {
        enter(&mut town, &format!("55{n}"), &event, &event.speaker);
    }
    town.pass(seconds(600));
    let warned = |v: &&Voice| matches!(v, Voice::Announce(_, said) if said[..] == [Said::Counted(Counted::Minutes, 2)]);
    assert_eq!(town.voice.iter().filter(warned).count(), 1);
    assert_eq!(town.causes.len(), 20, "everybody is told and let go");
    town.pass(crate::town::LINGER);
    town.check_empty();
}

#[test]
fn names_are_asked_for_kept_announced_and_called_over() {
    let (mut town, event) = town(Policy { names: true, entry_exit: EntryExit::Name, ..Policy::default() });
    let host = enter(&mut town, "5551", &event, &event.host);
    let channel = town.channels[&host];
    let recorded =
        |town: &Town| town.voice.iter().filter(|v| matches!(v, Voice::RecordName(c) if *c == channel)).count();
    assert_eq!((recorded(&town), town.conference(host).is_some()), (1, true));
    assert!(!is_heard(&town, host), "not while he says his name");
    town.gateway.handle_named(town.now, channel, true);
    town.pass(Duration::from_millis(100));
    assert!(is_heard(&town, host));
    assert_eq!(town.voice.iter().filter(|v| matches!(v, Voice::AnnounceName(_, c, false) if *c == channel)).count(), 1);
    town.keys(host, "*8");
    assert_eq!(town.voice.iter().filter(|v| matches!(v, Voice::PlayName(_, of) if *of == channel)).count(), 1);
    // Who says nothing, and a voice path that never answers, keep nobody at the door.
    let ann = enter(&mut town, "5552", &event, &event.speaker);
    town.pass(seconds(10));
    assert!(is_heard(&town, ann));
    town.hang_up(host);
    assert_eq!(town.voice.iter().filter(|v| matches!(v, Voice::AnnounceName(_, c, true) if *c == channel)).count(), 1);
}

#[test]
fn a_shutdown_says_one_thing_to_all() {
    let rules = Policy { host_leaves: HostLeaves::End, waiting_room: true, ..Policy::default() };
    let (mut town, event) = town(rules);
    let host = enter(&mut town, "5551", &event, &event.host);
    let ann = enter(&mut town, "5552", &event, &event.speaker);
    let from = town.voice.len();
    town.order(Command::Shutdown);
    for caller in [host, ann] {
        assert_eq!(town.heard(town.channels[&caller], from), [Prompt::Closing]);
    }
    town.pass(seconds(5));
    assert!(town.gateway.is_finished());
    town.check_empty();
}
