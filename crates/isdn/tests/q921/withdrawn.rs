//! A link that its owner has withdrawn: the exchange may not have it back before he says so.
//!
//! This is how a span goes out of service on a variant without SERVICE: the exchange finds no data link, marks the
//! interface down and routes elsewhere. An owner that only released the link would have it back with the exchange's next SABME.
//! Clauses: Q.921 5.5.1.2, 5.5.3.

use crate::common::SECOND;
use crate::support::Pair;
use isdn::Side;
use isdn::q921::{Parameters, StateName};

#[test]
fn the_exchange_is_answered_dm_until_the_owner_establishes() {
    let mut pair = Pair::new(Parameters::default(), 1);
    pair.user.link.establish(pair.now);
    pair.network.link.establish(pair.now);
    pair.run(SECOND);
    pair.ladder.clear();

    pair.user.link.withdraw(pair.now);
    pair.run(SECOND * 60);
    assert_eq!(pair.ladder[..2], ["> DISC P", "< UA F"]);
    let answers: Vec<&str> = pair.ladder[2..].iter().map(String::as_str).collect();
    assert!(answers.len() >= 20, "the exchange keeps asking: {answers:?}");
    assert!(answers.chunks(2).all(|pair| pair == ["< SABME P", "> DM F"]), "{answers:?}");
    assert_eq!(pair.end(Side::User).link.state(), StateName::TeiAssigned);

    pair.user.link.establish(pair.now);
    pair.run(SECOND * 3);
    assert_eq!(pair.end(Side::User).link.state(), StateName::MultipleFrameEstablished);
    assert_eq!(pair.end(Side::Network).link.state(), StateName::MultipleFrameEstablished);
}

/// Between the order and the far end's answer nobody knows yet who is up.
#[test]
fn a_link_withdrawn_while_it_comes_up_stays_down() {
    let mut pair = Pair::new(Parameters::default(), 1);
    pair.network.link.establish(pair.now);
    pair.user.link.establish(pair.now);
    pair.user.link.withdraw(pair.now);
    pair.run(SECOND * 30);
    assert_eq!(pair.end(Side::User).link.state(), StateName::TeiAssigned);
    assert_ne!(pair.end(Side::Network).link.state(), StateName::MultipleFrameEstablished);
}
