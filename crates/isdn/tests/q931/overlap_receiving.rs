//! The called number comes in pieces (5.2.4), on variants that have it: SETUP ACKNOWLEDGE asks for more, INFORMATION brings
//! it, and the number is complete when Sending Complete or `#` says so, when it is long enough, or when T302 expires.
//!
//! Clauses: Q.931 5.2.4, 5.8.8, 9 T302; Q.850 2 (28)

use crate::common::{Alone, SECOND, SHORT};
use isdn::{ChannelChoice, Config, Event, Setup, Side, Switch};

fn receiving(switch: Switch, number_length: usize) -> Alone {
    Alone::up_with(Config { number_length, ..Config::new(Side::User, switch, true) })
}

/// SETUP on channel 5 with these elements behind.
fn setup(more: &[u8]) -> Vec<u8> {
    [&[8, 2, 0x00, 0x01, 0x05, 0x04, 3, 0x80, 0x90, 0xa3, 0x18, 3, 0xa9, 0x83, 0x85], more].concat()
}

fn information(elements: &[u8]) -> Vec<u8> {
    [&[8, 2, 0x00, 0x01, 0x7b], elements].concat()
}

fn offers(alone: &Alone) -> Vec<Setup> {
    let offer = |event: &Event| match event {
        Event::Incoming { setup, .. } => Some(setup.clone()),
        _ => None,
    };
    alone.events.iter().filter_map(offer).collect()
}

#[test]
fn digit_by_digit() {
    let mut alone = receiving(Switch::EuroIsdn, 4);
    assert_eq!(alone.ask(&setup(&[0x70, 2, 0x80, b'1'])), ["SETUP ACKNOWLEDGE *1 channel 5!"]);
    assert_eq!((offers(&alone), alone.state()), (vec![], vec![25]));
    assert_eq!(alone.ask(&information(&[0x70, 2, 0x80, b'2'])), [""; 0]);
    // Some send them as Keypad Facility.
    alone.say(&information(&[0x2c, 1, b'3']));
    assert_eq!(offers(&alone), []);
    alone.say(&information(&[0x70, 2, 0x80, b'4']));
    let [setup] = &offers(&alone)[..] else { panic!("once") };
    assert_eq!(setup.called.digits, "1234");
    assert_eq!(setup.channel, ChannelChoice::Exclusive(5.into()));
    // Complete is complete: T302 is not running, and the rest is as with any call.
    alone.run(SECOND * 20);
    let Some(Event::Incoming { call, .. }) = alone.events.last().cloned() else { panic!("offered") };
    assert_eq!(alone.d.proceed(alone.now, call, 6), Err(isdn::Refused::WrongState), "channel 5 was named");
    alone.d.proceed(alone.now, call, 5).expect("channel 5 was named");
    alone.settle();
    alone.ladder.clear();
    alone.d.connect(alone.now, call).expect("proceeding");
    alone.settle();
    assert_eq!(alone.heard(), ["CONNECT *1"]);
}

#[test]
fn sending_complete_and_hash() {
    for last in [&[0xa1][..], &[0xa1, 0x70, 1, 0x80], &[0x70, 2, 0x80, b'#']] {
        let mut alone = receiving(Switch::Qsig, 9);
        alone.say(&setup(&[0x70, 2, 0x80, b'1']));
        alone.say(&information(last));
        assert_eq!(offers(&alone).len(), 1, "{last:02x?}");
    }
}

/// T302: what there is must do; nothing at all is 28, incomplete number.
#[test]
fn nothing_more_comes() {
    let mut alone = receiving(Switch::EuroIsdn, 4);
    alone.say(&setup(&[0x70, 2, 0x80, b'1']));
    alone.run(SECOND * 14);
    alone.say(&information(&[0x70, 2, 0x80, b'2']));
    alone.run(SECOND * 14);
    assert_eq!(offers(&alone), []);
    alone.run(SECOND * 2);
    assert_eq!(offers(&alone)[0].called.digits, "12");

    let mut alone = receiving(Switch::EuroIsdn, 4);
    alone.say(&setup(&[]));
    alone.ladder.clear();
    alone.run(SECOND * 16);
    assert_eq!(alone.ladder, ["15.0 > DISCONNECT *1 cause 28"]);
}

/// In one piece, or on a variant without overlap receiving: offered at once.
#[test]
fn en_bloc() {
    let cases: [(Switch, &[u8]); 4] = [
        (Switch::EuroIsdn, &[0x70, 5, 0x80, b'1', b'2', b'3', b'4']),
        (Switch::EuroIsdn, &[0xa1, 0x70, 2, 0x80, b'1']),
        (Switch::Ni2, &[0x70, 2, 0x80, b'1']),
        (Switch::Ni2, &[]),
    ];
    for (switch, more) in cases {
        let mut alone = receiving(switch, 4);
        assert_eq!(alone.ask(&setup(more)), [""; 0], "{switch:?} {more:02x?}");
        assert_eq!(offers(&alone).len(), 1);
    }
}

/// Given up in the middle of the number; a reset of the link in the middle of the number (5.8.8).
#[test]
fn interrupted() {
    let mut alone = receiving(Switch::EuroIsdn, 4);
    alone.say(&setup(&[0x70, 2, 0x80, b'1']));
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x45, 0x08, 2, 0x82, 0x90]), ["RELEASE *1 cause 16"]);
    alone.say(&[8, 2, 0x00, 0x01, 0x5a]);
    assert_eq!((alone.state(), &alone.events[..]), (vec![], &[][..]), "the owner never knew of it");

    let mut alone = receiving(Switch::EuroIsdn, 4);
    alone.say(&setup(&[0x70, 2, 0x80, b'1']));
    alone.d.handle_frame(alone.now, &[0x02, 0x01, 0x7f]);
    while alone.d.poll_output().is_some() {}
    assert_eq!(alone.state(), [11]);
    alone.run(SHORT);
}
