//! A host calls somebody into his conference: answered, busy, no answer, a mailbox, a channel the exchange does not want, a
//! conference that ends meanwhile; and nobody who must not.

use crate::town::{Known, Town, close, seconds};
use conference::{Answer, DialOut, Digits, Order, Refused, Went};
use dsp::dtmf::Key;
use event::Role;
use exchange::{CallerId, SpanId};
use hal::Timeslot;
use trunkcast::gateway::{CallId, Channel, Holds, NotPlaced, Voice};
use trunkcast::prompts::Prompt;
use trunkcast::reports::{CallStage, Closed, Command, What};

/// An event whose host is in his conference, and may call numbers that begin with 10 or 99.
struct Story {
    town: Town,
    event: Known,
    host: CallerId,
    /// What the host has heard was looked at up to here.
    heard: usize,
}

impl Story {
    fn new() -> Story {
        let mut town = Town::new(|settings| {
            settings.dial_out = DialOut {
                enabled: true,
                allow: vec!["10".into(), "99".into(), "11".into()],
                never: vec!["112".into()],
                ..DialOut::default()
            };
        });
        let event = town.events[0].clone();
        let host = town.enter("4930111", event.number, &event.host);
        town.pass(seconds(5));
        let heard = town.voice.len();
        Story { town, event, host, heard }
    }

    fn keys(&mut self, keys: &str) {
        self.town.keys(self.host, keys);
    }

    /// What the host has heard since this was asked last.
    fn host_heard(&mut self) -> Vec<Prompt> {
        let from = std::mem::replace(&mut self.heard, self.town.voice.len());
        self.town.heard(self.town.channels[&self.host], from)
    }

    /// The call that was placed last, and where it is.
    fn placed(&self) -> (CallId, Channel) {
        let mut last = None;
        for what in &self.town.told {
            match what {
                What::InvitePlaced { call, channel, .. } => last = Some((*call, *channel)),
                What::InviteMoved { call, channel } => {
                    assert_eq!(last.map(|(call, _)| call), Some(*call));
                    last = Some((*call, *channel));
                }
                _ => {}
            }
        }
        last.expect("placed")
    }

    fn went(&self) -> Vec<Went> {
        let went = |what: &What| match what {
            What::InviteWent { went, .. } => Some(*went),
            _ => None,
        };
        self.town.told.iter().filter_map(went).collect()
    }

    fn key_there(&mut self, key: char) {
        let (_, channel) = self.placed();
        self.town.gateway.handle_key(self.town.now, channel, Key::from_char(key).expect("a key"));
        self.town.pass(seconds(0));
    }

    /// All that was said to whoever was called.
    fn heard_there(&self) -> Vec<Prompt> {
        let (_, channel) = self.placed();
        let opened = self.town.voice.iter().rposition(|v| matches!(v, Voice::Open(c) if *c == channel));
        self.town.heard(channel, opened.unwrap_or(self.town.voice.len()))
    }

    fn order(&mut self, order: Order<CallId>) -> Result<Answer, Refused> {
        let event = self.event.number;
        self.town.order(Command::Conference { ticket: 1, event, order });
        let answer = |what: &What| match what {
            What::Answered { answer, .. } => Some(*answer),
            _ => None,
        };
        self.town.told.iter().rev().find_map(answer).expect("an answer")
    }

    fn ends(mut self) {
        if self.town.gateway.calls().any(|(channel, ..)| Some(&channel) == self.town.channels.get(&self.host)) {
            self.town.hang_up(self.host);
        }
        self.town.pass(seconds(60));
        self.town.check_empty();
    }
}

fn number(digits: &str) -> Digits {
    Digits::parse(digits).expect("digits")
}

/// Seen with a host who looked a number up while he keyed it.
#[test]
fn a_number_with_399_in_it_ends_nothing_when_it_comes_too_late() {
    let mut story = Story::new();
    story.keys("*1102");
    story.town.pass(seconds(12));
    assert_eq!(story.host_heard(), [Prompt::EnterNumber, Prompt::NumberLate]);
    story.keys("5399#");
    story.town.pass(seconds(1));
    assert_eq!((story.host_heard(), story.went()), (vec![], vec![]));
    story.ends();
}

#[test]
fn who_is_called_comes_in_with_a_one_and_speaks() {
    let mut story = Story::new();
    story.keys("*1102#");
    story.town.pass(seconds(4));
    assert_eq!(
        story.host_heard(),
        [Prompt::EnterNumber, Prompt::Calling, Prompt::Ringing, Prompt::CallAnswered],
        "how it goes"
    );
    let (call, channel) = story.placed();
    assert_eq!(
        channel,
        Channel { span: 0, timeslot: Timeslot(31) },
        "highest first, as exchanges hunt from the lowest"
    );
    assert_eq!(story.heard_there(), [Prompt::Invited]);
    assert!(
        story
            .town
            .told
            .iter()
            .any(|w| matches!(w, What::CallStage { call: c, stage: CallStage::Invited } if *c == call))
    );
    story.key_there('1');
    let joined = |w: &What| matches!(w, What::Joined { call: c, role: Role::Speaker, .. } if *c == call);
    assert_eq!(story.town.count(joined), 1);
    assert_eq!(story.heard_there(), [Prompt::Invited, Prompt::Joined]);
    assert!(story.town.voice.iter().any(|v| matches!(v, Voice::EntryTone(_))), "as of everybody");
    assert_eq!(story.went(), [Went::Ringing, Went::Answered, Went::Joined]);
    // His keys are a speaker's now, and he is a member like any other.
    assert_eq!(story.order(Order::Mute(call)), Ok(Answer::Done(1)));
    assert_eq!(story.order(Order::Kick(call)), Ok(Answer::Done(1)));
    story.town.pass(seconds(5));
    assert_eq!(story.went().len(), 3, "that he leaves is told as of everybody");
    assert_eq!(story.town.gateway.calls().count(), 1);
    story.ends();
}

#[test]
fn a_number_that_is_busy_or_does_not_exist_is_said_to_be_so() {
    for (digits, told, went, cause) in
        [("104", Prompt::CallBusy, Went::Busy, 17), ("999", Prompt::NoSuchNumber, Went::NoSuchNumber, 1)]
    {
        let mut story = Story::new();
        story.keys(&format!("*1{digits}#"));
        story.town.pass(seconds(1));
        assert_eq!(story.host_heard(), [Prompt::EnterNumber, Prompt::Calling, told]);
        assert_eq!(story.went(), [went]);
        let with = |w: &What| matches!(w, What::InviteWent { cause: Some(c), .. } if c.value == cause);
        assert_eq!(story.town.count(with), 1, "and why");
        story.ends();
    }
}

#[test]
fn nobody_answers_for_as_long_as_it_may_ring() {
    let mut story = Story::new();
    story.keys("*1103#");
    story.town.pass(seconds(44));
    assert_eq!(story.host_heard(), [Prompt::EnterNumber, Prompt::Calling, Prompt::Ringing]);
    story.town.pass(seconds(2));
    assert_eq!(story.host_heard(), [Prompt::CallNoAnswer]);
    assert_eq!(story.went(), [Went::Ringing, Went::NoAnswer]);
    story.ends();
}

#[test]
fn a_mailbox_never_gets_in() {
    let mut story = Story::new();
    story.keys("*1102#");
    story.town.pass(seconds(60));
    assert_eq!(story.heard_there(), [Prompt::Invited, Prompt::Invited, Prompt::Invited, Prompt::Goodbye]);
    assert_eq!(story.host_heard().last(), Some(&Prompt::CallNotJoined));
    assert_eq!(story.went(), [Went::Ringing, Went::Answered, Went::NotJoined]);
    assert_eq!(story.town.count(|w| matches!(w, What::Joined { .. })), 1, "the host");
    story.ends();
}

#[test]
fn any_other_key_is_a_no() {
    let mut story = Story::new();
    story.keys("*1102#");
    story.town.pass(seconds(3));
    story.key_there('2');
    story.key_there('1');
    assert_eq!(story.heard_there(), [Prompt::Invited, Prompt::Goodbye]);
    story.town.pass(seconds(4));
    assert_eq!(story.went().last(), Some(&Went::NotJoined));
    story.ends();
}

/// The exchange has taken two channels out of service, and on EuroISDN nobody can tell us.
#[test]
fn a_channel_the_exchange_does_not_want_is_changed_once() {
    let mut story = Story::new();
    let takes_out = |story: &mut Story, channel| {
        assert!(story.town.switch.channel_in_service(SpanId(0), Timeslot(channel), false));
    };
    takes_out(&mut story, 31);
    story.keys("*1102#");
    story.town.pass(seconds(3));
    let (call, channel) = story.placed();
    assert_eq!(channel.timeslot, Timeslot(30));
    assert_eq!(story.town.count(|w| matches!(w, What::InviteMoved { .. })), 1);
    assert_eq!(story.host_heard(), [Prompt::EnterNumber, Prompt::Calling, Prompt::Ringing, Prompt::CallAnswered]);
    assert_eq!(story.order(Order::Kick(call)), Ok(Answer::Done(1)), "given up after the answer, he hears a goodbye");
    assert_eq!(story.heard_there(), [Prompt::Invited, Prompt::Goodbye]);
    story.town.pass(seconds(5));
    assert_eq!(story.went().last(), Some(&Went::GivenUp));

    takes_out(&mut story, 30);
    story.keys("*1102#");
    story.town.pass(seconds(3));
    assert_eq!(story.town.count(|w| matches!(w, What::InviteMoved { .. })), 2, "once for each call");
    assert_eq!(story.host_heard(), [Prompt::EnterNumber, Prompt::Calling, Prompt::CallNotReached]);
    story.ends();
}

#[test]
fn a_call_nobody_waits_for_any_more_is_cleared_while_it_rings() {
    let ends: [fn(&mut Story); 4] = [
        |story| story.town.hang_up(story.host),
        |story| story.keys("399"),
        |story| {
            let (call, _) = story.placed();
            assert_eq!(story.order(Order::Kick(call)), Ok(Answer::Done(1)));
        },
        |story| {
            let event = story.event.number;
            story.town.order(close(event, Closed::Cancelled));
        },
    ];
    for end in ends {
        let mut story = Story::new();
        story.keys("*1103#");
        story.town.pass(seconds(5));
        let (call, _) = story.placed();
        end(&mut story);
        story.town.pass(seconds(4));
        assert!(story.town.told.iter().any(|w| matches!(w, What::CallEnded { call: c, .. } if *c == call)));
        assert_eq!(story.went(), [Went::Ringing, Went::GivenUp]);
        story.ends();
    }
}

#[test]
fn a_shutdown_clears_it_too() {
    let mut story = Story::new();
    story.keys("*1103#");
    story.town.pass(seconds(5));
    story.town.order(Command::Shutdown);
    story.town.pass(seconds(10));
    assert!(story.town.gateway.is_finished());
    assert_eq!(story.went(), [Went::Ringing, Went::GivenUp]);
    story.town.check_empty();
}

#[test]
fn only_what_is_allowed_is_called_and_only_by_hosts() {
    let mut story = Story::new();
    for forbidden in ["*1200#", "*1112#"] {
        story.keys(forbidden);
        story.town.pass(seconds(3));
        assert_eq!(story.host_heard(), [Prompt::EnterNumber, Prompt::DialOutForbidden], "{forbidden}");
    }
    let speaker = story.event.speaker.clone();
    let ann = story.town.enter("4930112", story.event.number, &speaker);
    story.town.pass(seconds(5));
    let from = story.town.voice.len();
    story.town.keys(ann, "*1102#");
    story.town.pass(seconds(3));
    assert_eq!(story.town.heard(story.town.channels[&ann], from), [], "that is no key of a speaker");
    assert_eq!(story.town.count(|w| matches!(w, What::InvitePlaced { .. })), 0);
    assert_eq!(story.order(Order::DialOut(number("112"))), Err(Refused::DialOutNever), "not by order either");
    story.town.hang_up(ann);
    story.ends();
}

#[test]
fn a_server_that_may_not_calls_nobody() {
    let mut town = Town::new(|_| {});
    let event = town.events[0].clone();
    let host = town.enter("4930111", event.number, &event.host);
    town.pass(seconds(5));
    let from = town.voice.len();
    town.keys(host, "*1");
    assert_eq!(town.heard(town.channels[&host], from), [Prompt::DialOutUnavailable]);
    town.hang_up(host);
    town.pass(seconds(60));
    town.check_empty();
}

#[test]
fn by_order_it_goes_the_same_way_and_the_call_is_named() {
    let mut story = Story::new();
    let answer = story.order(Order::DialOut(number("102")));
    let (call, _) = story.placed();
    assert_eq!(answer, Ok(Answer::Called(call.0)));
    story.town.pass(seconds(3));
    assert_eq!(story.host_heard(), [], "he has not called");
    story.key_there('1');
    assert_eq!(story.went().last(), Some(&Went::Joined));
    // Who was called is in the conference, and nobody else: it ends with him.
    story.town.hang_up(story.host);
    assert_eq!(story.town.gateway.conferences().map(|(.., members, _)| members).collect::<Vec<_>>(), [1]);
    assert_eq!(story.order(Order::Kick(call)), Ok(Answer::Done(1)));
    story.ends();
}

#[test]
fn a_server_that_drains_calls_nobody_and_waits_for_whom_it_has_called() {
    let mut story = Story::new();
    story.keys("*1103#");
    story.town.pass(seconds(2));
    story.host_heard();
    let all = 0x7fff_7fff;
    story.town.order(Command::Hold { span: 0, hold: Holds::DRAIN, channels: all, forced: 0 });
    story.town.pass(seconds(5));
    assert_eq!(story.went(), [Went::Ringing], "it goes on ringing");
    story.keys("*1102#");
    assert_eq!(story.host_heard(), [Prompt::EnterNumber, Prompt::DialOutUnavailable]);
    let why = |w: &What| matches!(w, What::DialOutUnavailable { why: NotPlaced::OutOfService, .. });
    assert_eq!(story.town.count(why), 1);
    story.ends();
}
