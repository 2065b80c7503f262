//! The link is back under a call: first the calls are asked about, then the channels are told, all of them at once and in order.
//!
//! Clauses: Q.931 5.8.9; maintenance SERVICE

use crate::common::Alone;
use crate::service_support::*;
use isdn::Side;

#[test]
fn calls_before_channels() {
    for switch in SPEAKERS {
        let mut alone = Alone::up_with(config(Side::User, switch));
        alone.be_connected();
        for channel in 1..=23 {
            alone.say(&acknowledge(switch, channel, IN));
        }
        alone.far.release(alone.now);
        alone.settle();
        alone.ladder.clear();
        alone.far.establish(alone.now);
        alone.settle();
        let mut expected = vec!["STATUS ENQUIRY *1".to_string()];
        expected.extend((1..=23).map(|channel| format!("SERVICE channel {channel}!: in service")));
        assert_eq!(alone.heard(), expected, "{switch:?}");
    }
}
