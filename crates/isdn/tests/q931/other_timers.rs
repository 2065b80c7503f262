//! The timers that have no file of their own: what a call does when the far end says something and then nothing more.

use crate::common::{Alone, SECOND};
use isdn::{ChannelChoice, Side, Timer};

/// Messages from the far end for our call 1.
const SETUP_ACKNOWLEDGE: [u8; 10] = [8, 2, 0x80, 0x01, 0x0d, 0x18, 3, 0xa9, 0x83, 0x85];
const CALL_PROCEEDING: [u8; 10] = [8, 2, 0x80, 0x01, 0x02, 0x18, 3, 0xa9, 0x83, 0x85];
const ALERTING: [u8; 5] = [8, 2, 0x80, 0x01, 0x01];

/// Dials, lets the far end say this, and tells after how many seconds which cause is said, and which told.
fn silence_after(messages: &[&[u8]], side: Side, timer: Timer) -> (u64, String, u8) {
    let mut alone = Alone::up(side);
    alone.dial(ChannelChoice::Exclusive(5));
    for message in messages {
        alone.say(message);
    }
    let start = alone.now;
    alone.ladder.clear();
    while alone.ladder.is_empty() {
        let next = alone.d.poll_timeout().expect("some timer runs").max(alone.now);
        assert!(next - start < SECOND * 400, "nothing happens");
        alone.run(next - alone.now);
    }
    let waited = alone.now - start;
    assert_eq!(alone.d.counters().calls.expiries(timer), 1);
    let said = alone.heard().join(", ");
    alone.run(SECOND * 60);
    let [(told, false)] = alone.released()[..] else { panic!("{:?}", alone.released()) };
    (waited.as_secs(), said, told)
}

#[test]
fn t304_after_setup_acknowledge() {
    let user = silence_after(&[&SETUP_ACKNOWLEDGE], Side::User, Timer::T304);
    assert_eq!(user, (30, "DISCONNECT 1 cause 102".into(), 102));
    let network = silence_after(&[&SETUP_ACKNOWLEDGE], Side::Network, Timer::T304);
    assert_eq!(network, (20, "DISCONNECT 1 cause 102".into(), 102));
}

#[test]
fn t310_after_call_proceeding() {
    let user = silence_after(&[&CALL_PROCEEDING], Side::User, Timer::T310);
    assert_eq!(user, (30, "DISCONNECT 1 cause 102".into(), 18));
    let network = silence_after(&[&CALL_PROCEEDING], Side::Network, Timer::T310);
    assert_eq!(network, (10, "DISCONNECT 1 cause 102".into(), 18));
}

#[test]
fn t301_after_alerting() {
    let user = silence_after(&[&CALL_PROCEEDING, &ALERTING], Side::User, Timer::T301);
    assert_eq!(user, (180, "DISCONNECT 1 cause 102".into(), 19));
}

/// CONNECT is not acknowledged: 102, which is "recovery on timer expiry" (5.2.8).
#[test]
fn t313_after_connect() {
    let mut alone = Alone::up(Side::User);
    let call = alone.be_called();
    alone.d.proceed(alone.now, call, 5).expect("new");
    alone.d.connect(alone.now, call).expect("proceeding");
    alone.settle();
    alone.run(SECOND * 3);
    alone.ladder.clear();
    alone.run(SECOND * 2);
    assert_eq!(alone.ladder, ["4.0 > DISCONNECT *1 cause 102"]);
    alone.say(&[8, 2, 0x00, 0x01, 0x4d, 0x08, 2, 0x82, 0x90]);
    assert_eq!(alone.released(), [(102, false)]);
}

/// A SETUP ACKNOWLEDGE to a number dialled in one piece: where Sending Complete is known it is said again.
#[test]
fn setup_acknowledge_is_told_that_this_was_all() {
    let config = isdn::Config::new(Side::User, isdn::Switch::EuroIsdn, true);
    let mut alone = Alone::up_with(config);
    alone.dial(ChannelChoice::Exclusive(5));
    assert_eq!(alone.ladder, ["0.0 > SETUP 1 channel 5! to 100 complete"]);
    assert_eq!(alone.ask(&SETUP_ACKNOWLEDGE), ["INFORMATION 1 complete"]);
    assert_eq!(alone.state(), [2]);
    alone.say(&CALL_PROCEEDING);
    assert_eq!(alone.state(), [3]);
}

/// STATUS from a far end that stands elsewhere: asked again to be sure, then cleared with 101 (5.8.11).
#[test]
fn a_status_that_does_not_fit() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    // State 6: it has not seen our answer. It may be an old message, so ask.
    let status = [8, 2, 0x00, 0x01, 0x7d, 0x08, 2, 0x82, 0x9e, 0x14, 1, 6];
    assert_eq!(alone.ask(&status), ["STATUS ENQUIRY *1"]);
    assert_eq!(alone.state(), [10]);
    assert_eq!(alone.ask(&status), ["DISCONNECT *1 cause 101"]);
    alone.say(&[8, 2, 0x00, 0x01, 0x4d]);
    assert_eq!(alone.released(), [(101, false)]);
}

/// One that fits, or whose sender is about to clear, changes nothing; state 0 ends the call.
#[test]
fn a_status_that_fits() {
    let mut alone = Alone::up(Side::User);
    alone.be_connected();
    for state in [10, 8, 11, 12, 19] {
        let status = [8, 2, 0x00, 0x01, 0x7d, 0x08, 2, 0x82, 0xe1, 0x14, 1, state];
        assert_eq!(alone.ask(&status), [""; 0], "{state}");
    }
    assert_eq!(alone.state(), [10]);
    assert_eq!(alone.ask(&[8, 2, 0x00, 0x01, 0x7d, 0x08, 2, 0x82, 0xe1, 0x14, 1, 0]), [""; 0]);
    assert_eq!(alone.released(), [(41, true)]);
}
