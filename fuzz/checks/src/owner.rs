//! What a good owner does with a call that comes in: finds it a channel and answers, or refuses it.

use crate::script::channels;
use isdn::{CallReference, Cause, Channel, ChannelChoice, DChannel};
use std::time::Duration;

/// The channel asked for, or the first that is free, if any may be taken.
pub fn channel_for(d: &DChannel, e1: bool, call: CallReference, choice: ChannelChoice) -> Option<Channel> {
    let taken = |channel| d.calls().any(|other| other.call != call && other.channel == Some(channel));
    let usable = |channel| d.service(channel).is_some_and(|service| service.incoming);
    match choice {
        ChannelChoice::Exclusive(channel) => Some(channel).filter(|channel| !taken(*channel)),
        ChannelChoice::Preferred(channel) if !taken(channel) => Some(channel),
        _ => channels(e1).find(|channel| !taken(*channel) && usable(*channel)),
    }
}

/// Answers a call that has just come in, or refuses it.
pub fn answer(d: &mut DChannel, e1: bool, now: Duration, call: CallReference, choice: ChannelChoice) {
    let done = match channel_for(d, e1, call, choice) {
        Some(channel) => d.proceed(now, call, channel).and_then(|()| d.connect(now, call)),
        // 34: no circuit or channel available.
        None => d.clear(now, call, Cause::user(34)),
    };
    done.expect("it has just come in");
}
