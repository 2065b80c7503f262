//! The caller's name: in SETUP or some seconds behind it, in the way the exchange has; nobody waits for it, and one that must
//! not be shown is not.
//!
//! Clauses: Q.931 3.1

use crate::common::{Alone, Pair, SECOND, SHORT, config};
use isdn::{CallReference, ChannelChoice, Config, Event, Name, Number, Presentation, Setup, Side, Switch};

fn setup(name: Option<Name>) -> Setup {
    let channel = ChannelChoice::Exclusive(5.into());
    Setup { called: Number::new("100"), calling: Some(Number::new("200")), channel, name, ..Setup::default() }
}

fn restricted() -> Name {
    Name { presentation: Presentation::Restricted, ..Name::default() }
}

fn names(events: &[Event]) -> Vec<(CallReference, Name)> {
    let name = |event: &Event| match event {
        Event::Name { call, name } => Some((*call, name.clone())),
        _ => None,
    };
    events.iter().filter_map(name).collect()
}

/// How each exchange tells it: in SETUP, later, or not.
#[test]
fn each_exchange_in_its_way() {
    let ada = Name::new("Ada Lovelace");
    let cases = [
        (Switch::Ni2, None, Some(&ada)),
        (Switch::Ess5, Some(&ada), None),
        (Switch::Dms100, Some(&ada), None),
        (Switch::Ess4, None, None),
        (Switch::EuroIsdn, Some(&ada), None),
        (Switch::Qsig, Some(&ada), None),
    ];
    for (switch, with_setup, later) in cases {
        let config = |side| Config::new(side, switch, false);
        let mut pair = Pair::up_with(config(Side::User), config(Side::Network));
        pair.network.d.dial(pair.now, &setup(Some(ada.clone()))).expect("up");
        pair.run(SHORT);
        let offered = pair.user.offers();
        assert_eq!(offered[0].name.as_ref(), with_setup, "{switch:?}");
        let call = pair.user.incoming();
        pair.user.d.proceed(pair.now, call, 5).expect("new");
        pair.run(SHORT);
        let expected: Vec<_> = later.map(|name| (call, name.clone())).into_iter().collect();
        assert_eq!(names(&pair.user.events), expected, "{switch:?}");
    }
}

/// A name that must not be shown never leaves the exchange; where it can be said that there is one, it is.
#[test]
fn a_restricted_name() {
    for switch in [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::Ess4, Switch::EuroIsdn, Switch::Qsig] {
        let config = |side| Config::new(side, switch, false);
        let mut pair = Pair::up_with(config(Side::User), config(Side::Network));
        let name = Name { presentation: Presentation::Restricted, ..Name::new("Ada") };
        pair.network.d.dial(pair.now, &setup(Some(name))).expect("up");
        pair.run(SHORT);
        let call = pair.user.incoming();
        pair.user.d.proceed(pair.now, call, 5).expect("new");
        pair.run(SHORT);
        let with_setup = pair.user.offers()[0].name.clone();
        let told = names(&pair.user.events).pop().map(|(_, name)| name).or(with_setup);
        let expected = matches!(switch, Switch::Ni2 | Switch::Qsig).then(restricted);
        assert_eq!(told, expected, "{switch:?}");
        assert_eq!(told.as_ref().and_then(Name::shown), None);
    }
}

/// A user has no name to tell a public network; private networks tell one another.
#[test]
fn names_from_the_user_side() {
    for (switch, expected) in [(Switch::Ni2, None), (Switch::EuroIsdn, None), (Switch::Qsig, Some(Name::new("Ada")))] {
        let config = |side| Config::new(side, switch, false);
        let mut pair = Pair::up_with(config(Side::User), config(Side::Network));
        pair.user.d.dial(pair.now, &setup(Some(Name::new("Ada")))).expect("up");
        pair.run(SHORT);
        assert_eq!(pair.network.offers()[0].name, expected, "{switch:?}");
    }
}

/// SETUP with speech and channel 5 for call 1, and these elements.
fn offer(elements: &[u8]) -> Vec<u8> {
    [&[8, 2, 0x00, 0x01, 0x05, 0x04, 3, 0x80, 0x90, 0xa2, 0x18, 3, 0xa9, 0x83, 0x85], elements].concat()
}

fn told(alone: &Alone) -> Option<Name> {
    let Some(Event::Incoming { setup, .. }) = alone.events.last() else { panic!("offered: {:?}", alone.events) };
    setup.name.clone()
}

const ADA: &[u8] = b"\x1c\x11\x9f\x8b\x01\x00\xa1\x0b\x02\x01\x01\x02\x01\x00\x80\x03Ada";
const WITHHELD: &[u8] = b"\x1c\x0e\x9f\x8b\x01\x00\xa1\x08\x02\x01\x01\x02\x01\x00\x87\x00";
const DISPLAY: &[u8] = b"\x28\x06\xb1Bob  ";

/// Display with its character set and padding; Facility counts before it, also if it forbids what Display shows.
#[test]
fn which_name_counts() {
    let cases: [(&[&[u8]], Option<Name>); 7] = [
        (&[], None),
        (&[DISPLAY], Some(Name::new("Bob"))),
        (&[b"\x28\x03   "], None),
        (&[ADA], Some(Name::new("Ada"))),
        (&[ADA, DISPLAY], Some(Name::new("Ada"))),
        (&[WITHHELD, DISPLAY], Some(restricted())),
        // Of two Facility elements the one with a name, and one that cannot be read is as if it were not there.
        (&[b"\x1c\x02\x91\x00", ADA, WITHHELD], Some(Name::new("Ada"))),
    ];
    for (elements, expected) in cases {
        let mut alone = Alone::up(Side::User);
        alone.say(&offer(&elements.concat()));
        assert_eq!(told(&alone), expected, "{elements:02x?}");
    }
}

/// FACILITY long after the answer: the owner is told, and the last one counts.
#[test]
fn a_name_that_takes_its_time() {
    let mut alone = Alone::up(Side::User);
    let call = alone.be_connected();
    alone.run(SECOND * 5);
    assert_eq!(alone.ask(&[&[8, 2, 0x00, 0x01, 0x62], ADA].concat()), [""; 0]);
    assert_eq!(alone.ask(&[&[8, 2, 0x00, 0x01, 0x62], WITHHELD].concat()), [""; 0]);
    assert_eq!(names(&alone.events), [(call, Name::new("Ada")), (call, restricted())]);
}

/// While digits are still coming the owner knows nothing of the call: he gets the name with it.
#[test]
fn a_name_among_digits() {
    let config = Config { number_length: 2, ..Config::new(Side::User, Switch::Qsig, true) };
    let mut alone = Alone::up_with(config);
    alone.say(&offer(&[0x70, 2, 0x81, b'1']));
    alone.say(&[&[8, 2, 0x00, 0x01, 0x62], ADA].concat());
    assert_eq!(alone.events, []);
    alone.say(&[8, 2, 0x00, 0x01, 0x7b, 0x70, 2, 0x81, b'2']);
    assert_eq!(told(&alone), Some(Name::new("Ada")));
}

/// FACILITY that says something else, lies, comes for a call of ours, or comes too late is nobody's name.
#[test]
fn what_is_no_name() {
    let mut alone = Alone::up(Side::User);
    let call = alone.be_connected();
    let others: [&[u8]; 4] = [
        b"",
        b"\x1c\x0c\x91\xa1\x09\x02\x01\x01\x02\x01\x05\x80\x01A",
        b"\x1c\x08\x91\xa1\x7f\x02\x01\x01\x02\x01",
        b"\x1c\x7f\x91\xa1",
    ];
    for other in others {
        assert_eq!(alone.ask(&[&[8, 2, 0x00, 0x01, 0x62], other].concat()), [""; 0], "{other:02x?}");
    }
    alone.d.clear(alone.now, call, crate::common::NORMAL).expect("active");
    alone.settle();
    alone.say(&[&[8, 2, 0x00, 0x01, 0x62], ADA].concat());
    assert_eq!(names(&alone.events), []);
    let mut alone = Alone::up_with(config(Side::User));
    alone.dial(ChannelChoice::Exclusive(5.into()));
    alone.say(&[8, 2, 0x80, 0x01, 0x02, 0x18, 3, 0xa9, 0x83, 0x85]);
    alone.say(&[&[8, 2, 0x80, 0x01, 0x62], ADA].concat());
    assert_eq!(names(&alone.events), []);
}

/// The longest SETUP we can say still is one frame, so that nothing of ours is ever segmented (Annex H is for listening).
#[test]
fn the_longest_setup_is_one_frame() {
    let digits = "1234567890123456789012345678901234567890";
    let number = || Number { presentation: Presentation::Restricted, ..Number::new(digits) };
    for switch in [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::Ess4, Switch::EuroIsdn, Switch::Qsig] {
        let config = |side| Config::new(side, switch, true);
        let mut pair = Pair::up_with(config(Side::User), config(Side::Network));
        let longest = Setup {
            called: number(),
            calling: Some(number()),
            redirecting: Some(number()),
            name: Some(Name::new(&"é".repeat(60))),
            channel: ChannelChoice::Exclusive(31.into()),
            sending_complete: true,
            ..Setup::default()
        };
        pair.network.d.dial(pair.now, &longest).expect("short enough");
        pair.user
            .d
            .dial(pair.now, &Setup { channel: ChannelChoice::Exclusive(1.into()), ..longest })
            .expect("short enough");
        pair.run(SHORT);
        assert_eq!((pair.user.offers().len(), pair.network.offers().len()), (1, 1), "{switch:?}");
        assert_eq!(pair.network.d.counters().calls.not_sent + pair.user.d.counters().calls.not_sent, 0);
    }
}
