//! Digits stop coming. T302 begins anew with each INFORMATION and ends with the number; what there is must then do, and
//! nothing at all is 28, invalid number format (address incomplete).
//!
//! Clauses: Q.931 5.1.3, 5.2.4, 9 T302; Q.850 2 (28)

use crate::common::octets::{CHANNEL_5, SPEECH, theirs};
use crate::common::{Alone, SECOND};
use isdn::q931::message::MessageType;
use isdn::{Config, Side, Switch, Timer};

/// SETUP without a number, on either side.
fn called(side: Side) -> Alone {
    let mut alone = Alone::up_with(Config { number_length: 8, ..Config::new(side, Switch::EuroIsdn, true) });
    let said = alone.ask(&theirs(1, MessageType::SETUP, &[&SPEECH, &CHANNEL_5]));
    assert_eq!(said, ["SETUP ACKNOWLEDGE *1 channel 5!"]);
    alone
}

#[test]
fn each_digit_gives_fifteen_seconds() {
    for side in [Side::User, Side::Network] {
        let mut alone = called(side);
        for digit in b"1234" {
            alone.run(SECOND * 14);
            alone.say(&theirs(1, MessageType::INFORMATION, &[&[0x70, 2, 0x80, *digit]]));
        }
        alone.run(SECOND * 14);
        assert_eq!(alone.events, []);
        alone.run(SECOND);
        assert_eq!(alone.offered().1.called.digits, "1234", "{side:?}");
        assert_eq!(alone.d.counters().calls.expiries(Timer::T302), 1);
        // It has done its work.
        alone.run(SECOND * 60);
        assert_eq!(alone.events.len(), 1);
    }
}

#[test]
fn not_one_digit() {
    for (side, arrow) in [(Side::User, '>'), (Side::Network, '<')] {
        let mut alone = called(side);
        alone.ladder.clear();
        alone.run(SECOND * 15);
        assert_eq!(alone.ladder, [format!("15.0 {arrow} DISCONNECT *1 cause 28")]);
        assert_eq!(alone.ask(&theirs(1, MessageType::RELEASE, &[])), ["RELEASE COMPLETE *1"]);
        assert_eq!(alone.events, [], "the owner was never asked");
    }
}
