//! The first response to SETUP names the channel, exclusively, whichever message it is; later ones do not repeat it.
//!
//! Clauses: Q.931 5.2.3.1, 5.1.2

use crate::common::Alone;
use isdn::Side;

#[test]
fn whichever_message_it_is() {
    for side in [Side::User, Side::Network] {
        let mut alone = Alone::up(side);
        let call = alone.be_called();
        alone.proceed(call, 5);
        alone.alert(call);
        alone.connect(call);
        let said = alone.heard();
        assert_eq!(said[0], "CALL PROCEEDING *1 channel 5!");
        assert!(said[1..].iter().all(|line| !line.contains("channel")), "{said:?}");

        let mut alone = Alone::up(side);
        let call = alone.be_called();
        alone.alert(call);
        alone.connect(call);
        let said = alone.heard();
        assert!(said[0].starts_with("ALERTING *1 channel 5!"), "{said:?}");
        assert_eq!(said[1], "CONNECT *1");

        let mut alone = Alone::up(side);
        let call = alone.be_called();
        alone.connect(call);
        assert_eq!(alone.heard(), ["CONNECT *1 channel 5!"]);
    }
}
