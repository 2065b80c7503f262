//! Far ends that answer what should not be answered: whatever they make of our messages, the D channel falls silent, or
//! nearly so.
//!
//! Clauses: maintenance pace

use crate::common::{Alone, Pair, SECOND};
use crate::service_support::*;
use isdn::q921;
use isdn::{Config, Side, Switch};

/// A far end that sends something for every maintenance message it gets, and counts them.
fn echo(mut alone: Alone, first: &[u8], time: std::time::Duration, answer: impl Fn(&[u8]) -> Option<Vec<u8>>) -> usize {
    let mut heard = 0;
    let end = alone.now + time;
    if !first.is_empty() {
        alone.far.send(alone.now, first).expect("up");
    }
    while alone.now < end {
        loop {
            let mut silent = true;
            while let Some(output) = alone.d.poll_output() {
                silent = false;
                if let isdn::Output::Frame(_, frame) = output {
                    alone.far.handle_frame(alone.now, frame);
                }
            }
            while let Some(output) = alone.far.poll_output() {
                silent = false;
                match output {
                    q921::Output::Transmit(frame) => alone.d.handle_frame(alone.now, frame),
                    q921::Output::Information(message) if message[0] != 8 => {
                        heard += 1;
                        if let Some(answer) = answer(message) {
                            alone.far.send(alone.now, &answer).expect("there is room");
                        }
                    }
                    _ => {}
                }
            }
            if silent {
                break;
            }
        }
        alone.now += SECOND / 10;
        alone.d.handle_timeout(alone.now);
        alone.far.handle_timeout(alone.now);
    }
    heard
}

/// As an end without service messages does it: the type less 8, flag and all as they were.
fn less_eight(message: &[u8]) -> Option<Vec<u8>> {
    let mut answer = message.to_vec();
    answer[4] = answer[4].wrapping_sub(8);
    Some(answer)
}

fn asked(switch: Switch) -> Vec<u8> {
    service(switch, 5, OUT)
}

#[test]
fn an_end_without_service_messages() {
    for switch in SPEAKERS {
        let with = |on: bool| {
            let config = Config::new(Side::User, switch, false);
            Alone::up_with(if on { config.with_service_messages().expect("has SERVICE") } else { config })
        };
        // Ours off: not a word.
        assert_eq!(echo(with(false), &asked(switch), SECOND * 600, less_eight), 0, "{switch:?}");
        // Ours on: one answer to the one request, and what was told when the link came up and not answered is told a second
        // time. Under 0x03 the echo of that passes for an acknowledgement, under 0x43 it is nothing; either way it is the end.
        // And under 0x43 the echo of our answer passes for an acknowledgement, so that channel is not told of again.
        let heard = echo(with(true), &asked(switch), SECOND * 600, less_eight);
        assert_eq!(heard, if switch == Switch::Ni2 { 23 } else { 24 }, "{switch:?}");
    }
}

/// The same far end asks under the discriminator that our variant does not use, or a variant that has no SERVICE at all.
#[test]
fn an_end_without_service_messages_under_any_discriminator() {
    for asking in [Switch::Ni2, Switch::Ess5] {
        for switch in [Switch::EuroIsdn, Switch::Qsig] {
            let off = Alone::up_with(Config::new(Side::User, switch, true));
            assert_eq!(echo(off, &asked(asking), SECOND * 600, less_eight), 0, "{switch:?}");
        }
        for switch in SPEAKERS {
            for side in [Side::User, Side::Network] {
                let off = Alone::up_with(Config::new(side, switch, false));
                assert_eq!(echo(off, &asked(asking), SECOND * 600, less_eight), 0, "{switch:?} {side:?}");
                // One answer, and what was told when the link came up, twice at most.
                let on = Alone::up_with(config(side, switch));
                let heard = echo(on, &asked(asking), SECOND * 600, less_eight);
                assert!((1..=1 + 2 * 23).contains(&heard), "{switch:?} {side:?}: {heard}");
            }
        }
    }
}

/// One that sends every message back as it is, or with the flag turned, or acknowledges acknowledgements. What was told when the
/// link came up is asked to be answered in the first two cases; none goes on for ever at the pace of the line.
#[test]
fn other_echoes() {
    let verbatim = |message: &[u8]| Some(message.to_vec());
    let turned = |message: &[u8]| {
        let mut answer = message.to_vec();
        answer[2] ^= 0x80;
        Some(answer)
    };
    let always_acknowledges = |message: &[u8]| {
        let mut answer = message.to_vec();
        (answer[2], answer[4]) = (0x80, if answer[0] == 0x03 { 0x07 } else { 0x0f });
        Some(answer)
    };
    let always_asks = |message: &[u8]| {
        let mut answer = message.to_vec();
        (answer[2], answer[4]) = (0x00, if answer[0] == 0x03 { 0x0f } else { 0x07 });
        Some(answer)
    };
    for switch in SPEAKERS {
        let end = || Alone::up_with(config(Side::User, switch));
        assert!(echo(end(), &asked(switch), SECOND * 600, verbatim) < 200);
        assert!(echo(end(), &asked(switch), SECOND * 600, turned) < 200);
        assert!(echo(end(), &asked(switch), SECOND * 600, always_acknowledges) < 30);
        // A hundred a second otherwise; so many at once, then no more than the pace lets through.
        let heard = echo(end(), &asked(switch), SECOND * 600, always_asks);
        assert!(heard < 124 + 1200 + 100, "{switch:?}: {heard}");
    }
}

/// Two of us, in all combinations of the option, and a SERVICE that one of them is told to send.
#[test]
fn two_of_us() {
    for switch in SPEAKERS {
        for (user_on, network_on) in [(false, false), (true, false), (false, true), (true, true)] {
            let end = |side, on: bool| {
                let config = Config::new(side, switch, false);
                if on { config.with_service_messages().expect("has SERVICE") } else { config }
            };
            let mut pair = Pair::up_with(end(Side::User, user_on), end(Side::Network, network_on));
            set_in(&mut pair, Side::User, 5, OUT);
            pair.run(minutes(60));
            let maintenance = pair.ladder.iter().filter(|line| line.contains("SERVICE")).count();
            // One in two minutes, then one in 15, for each channel of an end that is not answered.
            let expected = match (user_on, network_on) {
                (false, false) => 0,
                (true, true) => 2,
                (true, false) | (false, true) => 23 * 4,
            };
            assert!(maintenance <= expected + 24, "{switch:?} {user_on} {network_on}: {maintenance}");
            assert_eq!(maintenance == 0, !user_on && !network_on);
            assert_eq!(pair.user.d.calls().count(), 0);
        }
    }
}

/// A flood of requests: answered while the pace allows, applied all the same, and the D channel goes on with calls.
#[test]
fn a_flood() {
    let mut alone = alone(true);
    for turn in 0..5000 {
        alone.say(&service(Switch::Ess5, 5, if turn % 2 == 0 { OUT } else { IN }));
    }
    let counters = alone.d.counters().service;
    assert_eq!((counters.answers, counters.answers_withheld), (124, 4876));
    assert_eq!(states(&alone.d, 5), (IN, isdn::FarState::InService));
    alone.be_connected();
}
