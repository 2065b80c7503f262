//! The far end takes a channel out of service on which a call is being set up: acknowledged at once, the call goes on to be
//! answered and to its end, and only then is the channel kept from calls of ours.
//!
//! Clauses: maintenance glare, SERVICE

use crate::common::octets::{CLEARING, theirs};
use crate::common::{exclusive, setup};
use crate::service_support::*;
use isdn::q931::message::MessageType;
use isdn::{Event, FarState, Refused};

#[test]
fn the_call_goes_on() {
    for switch in SPEAKERS {
        let mut alone = alone_on(switch, true);
        let call = alone.be_called();
        alone.proceed(call, 5);
        alone.alert(call);
        let said = alone.ask(&service(switch, 5, OUT));
        assert_eq!(said, ["SERVICE ACKNOWLEDGE channel 5!: out of service"], "{switch:?}");
        assert_eq!(states(&alone.d, 5), (IN, FarState::OutOfService));
        alone.connect(call);
        alone.say(&theirs(1, MessageType::CONNECT_ACKNOWLEDGE, &[]));
        assert!(alone.events.contains(&Event::Connected { call }), "{switch:?}");
        assert_eq!(alone.ask(&theirs(1, MessageType::RELEASE, &[&CLEARING])), ["RELEASE COMPLETE *1"]);
        assert_eq!(alone.released(), [(16, true)]);
        assert_eq!(alone.d.dial(alone.now, &setup(exclusive(5))), Err(Refused::OutOfService));
    }
}
