//! A call in each of its states, brought there by the shortest way.

use super::octets::{CHANNEL_5, CLEARING, SPEECH, message, theirs};
use super::{Alone, NORMAL, exclusive};
use isdn::q931::message::MessageType;
use isdn::{CallReference, Config, Side, Switch};

/// The states a call of ours can rest in, by their numbers, on the user side.
pub const USER: [u8; 12] = [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 19, 25];
/// And on the network side.
pub const NETWORK: [u8; 11] = [1, 2, 3, 4, 6, 7, 9, 10, 11, 19, 25];

/// Both, with their sides.
pub fn all() -> impl Iterator<Item = (Side, u8)> {
    USER.map(|state| (Side::User, state)).into_iter().chain(NETWORK.map(|state| (Side::Network, state)))
}

/// One end with one call, on channel 5 with call reference 1, and what was said and told so far forgotten.
pub struct InState {
    pub alone: Alone,
    pub call: CallReference,
}

impl InState {
    pub fn new(side: Side, state: u8) -> InState {
        let (dialled, received): ([u8; 4], [u8; 4]) = match side {
            Side::User => ([1, 2, 3, 4], [6, 25, 9, 7]),
            Side::Network => ([6, 25, 9, 7], [1, 2, 3, 4]),
        };
        // Overlap receiving is only where digits may come one by one.
        let switch = if state == received[1] { Switch::EuroIsdn } else { Switch::Ni2 };
        let alone = Alone::up_with(Config::new(side, switch, false));
        let call = CallReference { value: 1, ours: dialled.contains(&state) };
        let mut it = InState { alone, call };
        if call.ours {
            it.alone.dial(exclusive(5));
            match dialled.iter().position(|of| *of == state) {
                Some(1) => it.say(MessageType::SETUP_ACKNOWLEDGE, &CHANNEL_5),
                Some(2) => it.say(MessageType::CALL_PROCEEDING, &CHANNEL_5),
                Some(3) => it.say(MessageType::ALERTING, &CHANNEL_5),
                _ => vec![],
            };
        } else {
            it.alone.say(&theirs(1, MessageType::SETUP, &[&SPEECH, &CHANNEL_5]));
            match received.iter().position(|of| *of == state) {
                Some(0 | 1) => {}
                Some(2) => it.alone.proceed(call, 5),
                Some(_) => {
                    it.alone.proceed(call, 5);
                    it.alone.alert(call);
                }
                None => {
                    it.alone.proceed(call, 5);
                    it.alone.connect(call);
                    if state != 8 && side == Side::User {
                        it.say(MessageType::CONNECT_ACKNOWLEDGE, &[]);
                    }
                    match state {
                        11 => it.alone.clear(call, NORMAL),
                        19 => drop(it.say(MessageType::DISCONNECT, &CLEARING)),
                        _ => {}
                    }
                }
            }
        }
        assert_eq!(it.alone.state(), [state], "{side:?}");
        it.alone.events.clear();
        it.alone.ladder.clear();
        it
    }

    /// The far end says this about the call; what comes back?
    pub fn say(&mut self, kind: MessageType, elements: &[u8]) -> Vec<String> {
        let flag = if self.call.ours { 0x80 } else { 0 };
        self.alone.ask(&message(flag, self.call.value, kind, &[elements]))
    }
}
