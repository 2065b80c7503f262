//! Both ends configured for the same side, the commonest mistake on a new trunk: each takes the other's commands for responses,
//! no link comes up, and the counters tell why.
//!
//! Clauses: Q.921 3.3.2, 5.8.5

use crate::common::SECOND;
use isdn::Side;
use isdn::q921::{DataLink, Output, Parameters, StateName};
use std::time::Duration;

/// The address octets: EA, C/R and SAPI 0, then TEI 0. Commands of the user and responses of the network have C/R 0.
#[test]
fn who_writes_what() {
    for (side, command, response) in [(Side::User, 0x00, 0x02), (Side::Network, 0x02, 0x00)] {
        let mut link = DataLink::new(side, Parameters::default());
        link.establish(Duration::ZERO);
        let Some(Output::Transmit(sabme)) = link.poll_output() else { panic!("SABME") };
        assert_eq!(sabme, [command, 0x01, 0x7f]);
        // The far end's command has the other value, and so has our response to it.
        link.handle_frame(Duration::ZERO, &[response, 0x01, 0x7f]);
        let Some(Output::Transmit(answer)) = link.poll_output() else { panic!("UA") };
        assert_eq!(answer, [response, 0x01, 0x73]);
    }
}

#[test]
fn no_link_comes_up() {
    for side in [Side::User, Side::Network] {
        let mut ends = [DataLink::new(side, Parameters::default()), DataLink::new(side, Parameters::default())];
        for second in 0..60 {
            let now = SECOND * second;
            for _ in 0..2 {
                let [from, to] = &mut ends;
                from.establish(now);
                from.handle_timeout(now);
                while let Some(output) = from.poll_output() {
                    let Output::Transmit(frame) = output else { panic!("{output:?}") };
                    to.handle_frame(now, frame);
                }
                ends.swap(0, 1);
            }
        }
        for end in ends {
            assert_ne!(end.state(), StateName::MultipleFrameEstablished);
            assert_eq!(end.counters().malformed, end.counters().frames_in);
            assert!(end.counters().frames_in > 30);
        }
    }
}
