//! What happened, in words: one sentence a report, with a severity and a topic.
//!
//! This is what an operator reads at night, so a sentence says which span or call, what is wrong, and
//! what to do where something can be done.

use super::picture::Picture;
use crate::gateway::{Holds, NotPlaced, Reason, Stuck, WhenOut, is_normal};
use crate::reports::{CallStage, Closed, Locked, NotLetIn, What};
use log::Level;

/// A sentence about something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// How bad it is.
    pub level: Level,
    /// span, call, event, stream, recording or server.
    pub topic: &'static str,
    /// The sentence.
    pub text: String,
}

fn sentence(level: Level, topic: &'static str, text: String) -> Option<Sentence> {
    Some(Sentence { level, topic, text })
}

/// The sentence for a report, if it is worth one. Spans are numbered from 1 for people.
#[must_use]
pub fn describe(what: &What, picture: &Picture) -> Option<Sentence> {
    use Level::{Debug, Error, Info, Warn};
    let span = |index: &u16| picture.span_name(*index);
    match what {
        What::LinkUp { span: s, reset: false } => sentence(Info, "span", format!("{}: the D channel is up", span(s))),
        What::LinkUp { span: s, reset: true } => {
            sentence(Warn, "span", format!("{}: the exchange reset the D channel; calls go on", span(s)))
        }
        What::LinkDown { span: s } => {
            sentence(Warn, "span", format!("{}: the D channel is down; active calls are held", span(s)))
        }
        What::DChannel { span: s, link, state } => {
            let (level, does) = match state {
                isdn::LinkState::InService => (Info, "carries the signalling"),
                isdn::LinkState::Standby => (Info, "stands by"),
                isdn::LinkState::OutOfService => (Error, "is down"),
                isdn::LinkState::MaintenanceBusy => (Error, "has failed; the other one takes over"),
                isdn::LinkState::Manual => (Warn, "is held down"),
            };
            sentence(level, "span", format!("{}: the {link} D channel {does}", span(s)))
        }
        What::LinkSilent { span: s } => sentence(
            Error,
            "span",
            format!(
                "{}: the exchange does not answer on the D channel; check that it is attached and that its switch \
                 variant and D-channel timeslot agree with ours",
                span(s)
            ),
        ),
        // What lasts becomes a failure, and that is told as one.
        What::Alarms { span: s, alarms } if alarms.is_empty() => {
            sentence(Info, "span", format!("{}: nothing is wrong with the line at this moment", span(s)))
        }
        What::Alarms { span: s, alarms } => {
            sentence(Info, "span", format!("{}: the line shows {alarms} at this moment", span(s)))
        }
        What::FrameLost { span: s, fault } => {
            sentence(Debug, "span", format!("{}: a D-channel frame was lost ({fault:?})", span(s)))
        }
        What::FrameUnsent { span: s } => {
            sentence(Warn, "span", format!("{}: a D-channel frame found no room in the card", span(s)))
        }
        What::Slip { span: s, .. } => sentence(Debug, "span", format!("{}: a slip", span(s))),
        What::CardRemoved { card } => sentence(Error, "span", format!("card {} has gone", card + 1)),
        What::CardReturned { card } => sentence(Info, "span", format!("card {} is back", card + 1)),
        What::Restarted { span: s, channels } => {
            sentence(Info, "span", format!("{}: the exchange restarted {channels} channel(s)", span(s)))
        }
        What::StartedAfresh { span: s, channels } => sentence(
            Info,
            "span",
            format!("{}: {channels} channel(s) restarted, lest the exchange hold calls from before the start", span(s)),
        ),
        What::RestartUnanswered { span: s, timeslot } => sentence(
            Warn,
            "span",
            format!(
                "{}: the exchange ignores RESTART of channel {timeslot}; calls on it are taken; if it never answers, set \
                 restart_at_start = false",
                span(s)
            ),
        ),
        What::Stuck { stuck, stands } => {
            let (level, how) = if *stands {
                (Error, "is stuck: a call that is not one, or a stream nobody counts; it is cleared; tell us, with the log")
            } else {
                (Info, "is stuck no more")
            };
            sentence(level, "server", format!("{} {how}", stuck_in_words(*stuck, picture.listen.1)))
        }
        What::FarChanged { span: s, channels, state } => {
            let (level, how) = match state {
                isdn::FarState::InService => (Info, "in service at the exchange again"),
                isdn::FarState::Maintenance => {
                    (Warn, "in maintenance at the exchange; calls it offers there are taken")
                }
                isdn::FarState::OutOfService => (Warn, "out of service at the exchange"),
                isdn::FarState::Unknown => (
                    Warn,
                    "in an unknown state at the exchange, which has not answered SERVICE; see that the D channel is up and \
                     that the carrier has service messages on, or set service_messages = false",
                ),
            };
            let (noun, verb) = if channels.count_ones() == 1 { ("channel", "is") } else { ("channels", "are") };
            sentence(level, "span", format!("{}: {noun} {} {verb} {how}", span(s), ranges(*channels)))
        }
        What::ServiceContested { span: s, timeslot } => sentence(
            Warn,
            "span",
            format!(
                "{}: the exchange insists that channel {timeslot}, which is suspended here, is in service; it stays \
                 suspended: tell the carrier, or resume it",
                span(s)
            ),
        ),
        What::Held { span: s, hold, channels } => {
            let why = hold_in_words(*hold);
            match channels {
                0 => sentence(Info, "span", format!("{}: no channel is {why} any more", span(s))),
                channels => sentence(Info, "span", format!("{}: {why}: channels {}", span(s), ranges(*channels))),
            }
        }
        What::Near { span: s, sets } => {
            let tested = match sets.maintenance {
                0 => String::new(),
                tested => format!("; in maintenance at our end: channels {}", ranges(tested)),
            };
            let text = match (sets.out, sets.draining) {
                (0, 0) if sets.maintenance != 0 => "no channel is out of service at our end".to_owned(),
                (0, 0) => "all channels are in service at our end".to_owned(),
                (0, draining) => format!("waiting for the calls on channels {} to end", ranges(draining)),
                (out, 0) => format!("out of service at our end: channels {}", ranges(out)),
                (out, draining) => format!(
                    "out of service at our end: channels {}; waiting for the calls on {}",
                    ranges(out & !draining),
                    ranges(draining)
                ),
            };
            sentence(Info, "span", format!("{}: {text}{tested}", span(s)))
        }
        What::SpanOut { span: s, out: true, how } => {
            let shown = match how {
                WhenOut::Service => "the exchange is told by SERVICE",
                WhenOut::DChannel => "the D channel is taken down, so that the exchange routes elsewhere",
                WhenOut::ServiceAndDChannel => "the exchange is told by SERVICE, and the D channel is taken down",
                WhenOut::Alarm => "the D channel is taken down and AIS is sent, so that the exchange routes elsewhere",
                WhenOut::Reject => "calls the exchange offers are refused",
            };
            sentence(Warn, "span", format!("{}: the whole span is out of service; {shown}", span(s)))
        }
        What::SpanOut { span: s, out: false, .. } => {
            sentence(Info, "span", format!("{}: the span comes back", span(s)))
        }
        What::PortsShort { short: true, free } => sentence(
            Warn,
            "server",
            format!(
                "only {free} stream port(s) are free: no more calls are taken until there are more; give this server more of \
                 them (stream.ports), or a shorter stream.port_reuse_s"
            ),
        ),
        What::PortsShort { short: false, free } => {
            sentence(Info, "server", format!("{free} stream ports are free: calls are taken again"))
        }
        What::LinkReleased { span: s } => {
            sentence(Info, "span", format!("{}: the D channel is down, as the whole span is out of service", span(s)))
        }
        What::Refused { span: s, called, calling, reason } => {
            let from =
                calling.as_ref().map_or("nobody known".to_owned(), |n| control::Masked::new(&n.digits).to_string());
            sentence(
                Warn,
                "call",
                format!(
                    "{}: call from {from} to {} refused: {}",
                    span(s),
                    picture.called(called),
                    reason_in_words(*reason)
                ),
            )
        }
        What::CallTaken { call, channel, called, .. } => {
            let from = picture.caller(*call);
            sentence(
                Info,
                "call",
                format!(
                    "call {} from {from} to {} on {}, channel {}",
                    call.0,
                    picture.called(called),
                    picture.span_name(channel.span),
                    channel.timeslot
                ),
            )
        }
        What::TestCallPlaced { test, call, channel, called } => sentence(
            Info,
            "call",
            format!(
                "call {} to {} placed for test {test} on {}, channel {}",
                call.0,
                called.digits,
                picture.span_name(channel.span),
                channel.timeslot
            ),
        ),
        What::CallStage { call, stage } => {
            let text = match stage {
                CallStage::Answering => "is being answered",
                CallStage::AskingLanguage => "is asked for the language",
                CallStage::AskingEvent => "is asked for the event number",
                CallStage::AskingPin => "is asked for the PIN",
                CallStage::Waiting => "waits",
                CallStage::InConference => "is in the conference",
                CallStage::Dialling => "is being placed",
                CallStage::Proceeding => "is worked on by the exchange",
                CallStage::Alerting => "rings at the other end",
                CallStage::Answered => "was answered",
                CallStage::Invited => "is invited to press 1",
                CallStage::Leaving => "is leaving",
            };
            sentence(Debug, "call", format!("call {} {text}", call.0))
        }
        What::EntryWrong { call, mistyped } => {
            let what = if *mistyped { "a mistyped event number" } else { "a wrong event number or PIN" };
            sentence(if *mistyped { Info } else { Warn }, "call", format!("call {} keyed {what}", call.0))
        }
        What::GuardLocked { call, what } => {
            let what = match what {
                Locked::Event(event) => format!("event {}", event.grouped()),
                Locked::Caller => format!("the caller {}", picture.caller(*call)),
                Locked::Trunk => "the span".to_owned(),
            };
            sentence(Error, "call", format!("too many wrong PINs: {what} is locked out for a while (call {})", call.0))
        }
        What::Joined { call, event, role } => sentence(
            Info,
            "event",
            format!("call {} is in the conference of event {} as {}", call.0, event.grouped(), role_in_words(*role)),
        ),
        What::Left { call, event, remaining } => sentence(
            Info,
            "event",
            format!("call {} left event {}; {}", call.0, event.grouped(), people(usize::from(*remaining))),
        ),
        What::TurnedAway { call, event, why } => {
            let level = if *why == NotLetIn::NoPort { Error } else { Info };
            let why = super::conference::words::not_let_in(*why);
            sentence(level, "event", format!("call {} turned away from event {}: {why}", call.0, event.grouped()))
        }
        What::Conference { event, what } => {
            sentence(Info, "event", super::conference::words::happening(&event.grouped(), what))
        }
        What::DialOutUnavailable { event, why, .. } => sentence(
            Warn,
            "event",
            format!("event {}: nobody could be called: {}", event.grouped(), not_placed_in_words(*why)),
        ),
        What::InvitePlaced { event, call, channel, called, by, .. } => {
            let by = by.map_or_else(|| " by order".to_owned(), |host| format!(" for its host (call {})", host.0));
            sentence(
                Info,
                "event",
                format!(
                    "call {} to {} placed from event {}{by}, on {}, channel {}",
                    call.0,
                    picture.invited(called),
                    event.grouped(),
                    picture.span_name(channel.span),
                    channel.timeslot
                ),
            )
        }
        What::InviteMoved { call, channel } => sentence(
            Info,
            "call",
            format!(
                "call {} placed again on {}, channel {}: the exchange did not take it on the first",
                call.0,
                picture.span_name(channel.span),
                channel.timeslot
            ),
        ),
        What::InviteWent { event, call, went, cause } => {
            let went = super::conference::words::went(*went);
            let cause = cause.map_or_else(String::new, |cause| format!(", cause {}", cause.value));
            sentence(Info, "event", format!("call {} from event {}: {went}{cause}", call.0, event.grouped()))
        }
        What::Talking { call, talking } => {
            let what = if *talking { "speaks" } else { "is silent" };
            sentence(Debug, "call", format!("call {} {what}", call.0))
        }
        What::KeyLetGo { call, press, .. } => sentence(
            Debug,
            "call",
            format!(
                "call {} keyed for {} ms: {} and {} dBm0, all else {} dB below{}",
                call.0,
                press.lasted_ms,
                press.row_dbm0,
                press.column_dbm0,
                press.snr_db,
                if press.off_frequency { ", off frequency" } else { "" }
            ),
        ),
        What::CallLanguage { call, language } => picture.language(*language).and_then(|language| {
            sentence(Debug, "call", format!("call {} is spoken to in language `{language}`", call.0))
        }),
        What::StreamStart { event, port } => sentence(
            Info,
            "stream",
            format!("event {} is on the air: {}", event.grouped(), picture.address(*event, *port)),
        ),
        What::StreamStop { event, .. } => sentence(Info, "stream", format!("event {} is off the air", event.grouped())),
        What::EventClosed { event, closed, by } => {
            let how = match (closed, by) {
                (Closed::Ended, Some(call)) => format!("was ended by its host (call {})", call.0),
                (Closed::Ended, None) => "was ended".to_owned(),
                (Closed::Cancelled, _) => "was cancelled".to_owned(),
                (Closed::Over, _) => "is over".to_owned(),
            };
            sentence(Info, "event", format!("event {} {how} and takes no more calls", event.grouped()))
        }
        What::CallEnded { call, cause, by_peer } => {
            let who = if *by_peer { "the far end hung up" } else { "we hung up" };
            let level = if is_normal(*cause) { Info } else { Warn };
            sentence(level, "call", format!("call {} ended: {who}, cause {}", call.0, cause.value))
        }
        What::ClosedFull => {
            sentence(Error, "server", "the memory of ended events is full: restart the daemon to make room".to_owned())
        }
        What::Finished => sentence(Info, "server", "all calls are cleared and the links released".to_owned()),
        What::CallConnected { .. }
        // Whoever has asked is told.
        | What::Answered { .. }
        // The end of the test says why.
        | What::TestCallNotPlaced { .. }
        // A name is for the record only.
        | What::CallNamed { .. }
        | What::ServicePending { .. }
        | What::Level { .. }
        | What::KeyPressed { .. }
        | What::ConferenceOpened { .. }
        // It is told when it ends soon; whoever wants to know before asks how the conference stands.
        | What::ConferenceEnds { .. }
        // That he is in it is told, or what he waits for.
        | What::LetIn { .. }
        | What::Probed { .. }
        | What::ConferenceClosed { .. } => None,
    }
}

/// What is stuck; stream ports begin with this one.
pub fn stuck_in_words(stuck: Stuck, first_port: u16) -> String {
    match stuck {
        Stuck::Channel(channel) => format!("channel {}/{}", channel.span + 1, channel.timeslot),
        Stuck::Port(port) => format!("stream port {}", first_port + port),
    }
}

/// Channels as people write them: `1-5, 7`. Bit n-1 stands for channel n.
#[must_use]
pub fn ranges(channels: u32) -> String {
    let has = |n: u32| (1..=32).contains(&n) && channels & 1 << (n - 1) != 0;
    let firsts = (1..=32).filter(|n| has(*n) && !has(n - 1));
    let range = |first: u32| {
        let last = (first..=32).take_while(|n| has(*n)).last().unwrap_or(first);
        if last == first { first.to_string() } else { format!("{first}-{last}") }
    };
    firsts.map(range).collect::<Vec<_>>().join(", ")
}

/// Why channels are held, in words.
#[must_use]
pub fn hold_in_words(hold: Holds) -> &'static str {
    match hold {
        Holds::OPERATOR => "suspended by an operator",
        Holds::LOAD => "given up for other servers",
        Holds::ALARM => "held as the line has failed",
        Holds::TEST => "in test",
        Holds::SELF_TEST => "in self-test",
        Holds::DRAIN => "given up, as the server is closing down",
        _ => "kept from calls, as stream ports are short",
    }
}

/// Who said a cause, as records and watchers are told (Q.850 clause 2.2.3).
#[must_use]
pub fn location_in_words(location: isdn::Location) -> String {
    let words = match location {
        isdn::Location::User => "user",
        isdn::Location::PrivateLocal => "private_local",
        isdn::Location::PublicLocal => "public_local",
        isdn::Location::Transit => "transit",
        isdn::Location::PublicRemote => "public_remote",
        isdn::Location::PrivateRemote => "private_remote",
        isdn::Location::International => "international",
        isdn::Location::BeyondInterworking => "beyond_interworking",
        isdn::Location::Other(code) => return format!("code_{code}"),
    };
    words.to_owned()
}

/// Which end cleared a call.
#[must_use]
pub const fn released_by(by_peer: bool) -> &'static str {
    if by_peer { "far_end" } else { "near_end" }
}

/// Why a test call was not placed.
#[must_use]
pub const fn not_placed_in_words(why: NotPlaced) -> &'static str {
    match why {
        NotPlaced::NoSpan => "there is no such span",
        NotPlaced::LinkDown => "the D channel is down",
        NotPlaced::OutOfService => "no channel is in service at both ends",
        NotPlaced::NoneIdle => "no channel is idle",
        NotPlaced::Closing => "the server is closing down",
    }
}

/// A reason to refuse, in words.
#[must_use]
pub const fn reason_in_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Normal => "it has run its course",
        Reason::NotOurs => "the number is not one of call_in.numbers",
        Reason::Bearer => "it is no speech call",
        Reason::NoneFree => "no channel is free, or the server is closing down",
        Reason::NoPort => "no stream port is free",
        Reason::ChannelUnavailable => "the channel it insists on cannot be had",
        Reason::Fault => "of a fault of ours",
    }
}

/// Who vouches for a number, as records say it.
#[must_use]
pub const fn screening_in_words(screening: isdn::Screening) -> &'static str {
    match screening {
        isdn::Screening::UserNotScreened => "user",
        isdn::Screening::UserPassed => "user_verified",
        isdn::Screening::UserFailed => "user_failed",
        isdn::Screening::Network => "network",
    }
}

/// A role, in words.
#[must_use]
pub const fn role_in_words(role: event::Role) -> &'static str {
    match role {
        event::Role::Host => "host",
        event::Role::Speaker => "speaker",
        event::Role::Listener => "listener",
    }
}

fn people(count: usize) -> String {
    match count {
        0 => "nobody is left".to_owned(),
        1 => "1 caller is left".to_owned(),
        n => format!("{n} callers are left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_written_as_ranges() {
        assert_eq!(ranges(0b101_1111), "1-5, 7");
        assert_eq!(ranges(1 << 31 | 1), "1, 32");
        assert_eq!(ranges(0x7fff_7fff), "1-15, 17-31");
        assert_eq!(ranges(0), "");
    }
}
