//! P and F bits, and which timer runs when: the fine print of states 7 and 8.
//!
//! The user is ours, the network is played by hand: `02 01` begins its commands, `00 01` its responses.
//!
//! Clauses: Q.921 5.1, 5.6.2, 5.6.3, 5.8.3, 5.9.1

use crate::common::SECOND;
use crate::support::Pair;
use isdn::Side;
use isdn::q921::{DataLink, Parameters, StateName};
use std::time::Duration;

fn until_timeout(pair: &Pair) -> Duration {
    pair.user.link.poll_timeout().expect("a timer runs while the link is up") - pair.now
}

/// T200 begins with the first unacknowledged I frame, anew with each acknowledgement of some, and gives way to T203 when
/// all are acknowledged (5.6.3.2).
#[test]
fn t200_starts_anew_when_some_are_acknowledged() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    pair.send(Side::User, b"0");
    pair.run(SECOND / 2);
    pair.send(Side::User, b"1");
    assert_eq!(until_timeout(&pair), SECOND / 2, "sending another does not restart it");
    pair.inject(Side::User, &[0x00, 0x01, 0x01, 0x00]); // RR, acknowledges nothing
    assert_eq!(until_timeout(&pair), SECOND / 2);
    pair.inject(Side::User, &[0x00, 0x01, 0x01, 0x02]); // RR, acknowledges the first
    assert_eq!(until_timeout(&pair), SECOND);
    pair.inject(Side::User, &[0x00, 0x01, 0x01, 0x04]); // RR, acknowledges both
    assert_eq!(until_timeout(&pair), SECOND * 10);
}

/// A far end that is busy goes on being asked, whatever its I frames acknowledge.
#[test]
fn t200_runs_on_while_the_far_end_is_busy() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    pair.send(Side::User, b"0");
    pair.inject(Side::User, &[0x00, 0x01, 0x05, 0x00]); // RNR
    pair.inject(Side::User, &[0x02, 0x01, 0x00, 0x02, b'x']); // I 0, acknowledges ours
    assert_eq!(until_timeout(&pair), SECOND);
    assert_eq!(pair.user.messages(), [b"x"]);
}

/// An I frame with P wants an answer with F at once, be it in sequence or not (5.6.2.1, 5.8.1).
#[test]
fn an_information_frame_that_polls_is_answered() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    pair.inject(Side::User, &[0x02, 0x01, 0x00, 0x01, b'a']); // I 0 P
    pair.inject(Side::User, &[0x02, 0x01, 0x04, 0x01, b'c']); // I 2 P: 1 is missing
    pair.inject(Side::User, &[0x02, 0x01, 0x06, 0x01, b'd']); // I 3 P: asked for already
    pair.inject(Side::User, &[0x02, 0x01, 0x06, 0x00, b'd']); // I 3: asked for already, no answer wanted
    assert_eq!(pair.ladder, ["> RR 1 F lost", "> REJ 1 F lost", "> RR 1 F lost"]);
    assert_eq!(pair.user.messages(), [b"a"]);
}

/// A supervisory command with P is answered in states 7 and 8, and does not itself answer our poll.
#[test]
fn a_poll_is_no_answer_to_a_poll() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    pair.inject(Side::User, &[0x02, 0x01, 0x01, 0x01]);
    assert_eq!(pair.ladder, ["> RR 0 F lost"]);
    pair.run(SECOND * 10);
    assert_eq!(pair.user.link.state(), StateName::TimerRecovery);
    pair.ladder.clear();
    for command in [0x01, 0x05, 0x09] {
        pair.inject(Side::User, &[0x02, 0x01, command, 0x01]);
        assert_eq!(pair.user.link.state(), StateName::TimerRecovery);
    }
    assert_eq!(pair.ladder, ["> RR 0 F lost"; 3]);
    pair.inject(Side::User, &[0x00, 0x01, 0x01, 0x00]); // a response without F neither
    assert_eq!(pair.user.link.state(), StateName::TimerRecovery);
    pair.inject(Side::User, &[0x00, 0x01, 0x01, 0x01]);
    assert_eq!(pair.user.link.state(), StateName::MultipleFrameEstablished);
}

/// While our poll is unanswered, what arrives is delivered and acknowledged, and what we have waits.
#[test]
fn messages_arrive_during_timer_recovery() {
    let mut pair = Pair::user_up_alone(Parameters::default());
    pair.run(SECOND * 10);
    pair.ladder.clear();
    pair.send(Side::User, b"waits");
    pair.inject(Side::User, &[0x02, 0x01, 0x00, 0x00, b'x']);
    assert_eq!(pair.ladder, ["> RR 1 lost"]);
    assert_eq!(pair.user.messages(), [b"x"]);
    pair.inject(Side::User, &[0x00, 0x01, 0x01, 0x01]);
    assert_eq!(pair.ladder, ["> RR 1 lost", "> I 0 1 lost"]);
}

/// A link that came up because the far end wanted it is not tried again when the far end ends it.
#[test]
fn nobody_here_wants_the_link() {
    let mut link = DataLink::new(Side::User, Parameters::default());
    link.handle_frame(SECOND, &[0x02, 0x01, 0x7f]);
    assert_eq!(link.state(), StateName::MultipleFrameEstablished);
    link.handle_frame(SECOND, &[0x02, 0x01, 0x53]);
    assert_eq!(link.state(), StateName::TeiAssigned);
    assert_eq!(link.poll_timeout(), None);
}
