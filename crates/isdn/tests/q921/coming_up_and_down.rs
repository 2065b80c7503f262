//! Establishing and releasing: who begins, who answers, and what happens when nobody does.
//!
//! A primary rate link is wanted for ever. The user side of these tests is ours after a restart, a cable pull or a switch's
//! maintenance window; the network side is an exchange that is up already, comes later, or refuses.
//!
//! Clauses: Q.921 5.5.1, 5.5.3, 5.5.4, 5.5.5, 5.8.7, 5.9.2

use crate::common::SECOND;
use crate::support::{Pair, Seen};
use isdn::Side;
use isdn::q921::{DataLink, Parameters, SendError, StateName, Why};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

/// Both ends begin in the same millisecond, as two machines powered by one switch do (5.5.5.1).
#[test]
fn both_ends_establish_at_once() {
    let mut pair = Pair::new(Parameters::default(), 1);
    pair.user.link.establish(pair.now);
    pair.network.link.establish(pair.now);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["> SABME P", "< SABME P", "> UA F", "< UA F"]);
    assert_eq!(pair.user.seen, [Seen::Up { reset: false }]);
    assert_eq!(pair.network.seen, [Seen::Up { reset: false }]);
    for side in [Side::User, Side::Network] {
        assert_eq!(pair.end(side).link.counters().resets, 0);
        assert_eq!(pair.end(side).link.counters().established, 1);
    }
}

/// We begin while the line is cut, and the exchange half a second after it was mended: with its SABME ours goes out once more,
/// ahead of the answer, so that no SABME of ours finds a link that is in use.
#[test]
fn our_sabme_was_lost_and_the_far_end_establishes() {
    let mut pair = Pair::new(Parameters::default(), 1);
    pair.cut = true;
    pair.user.link.establish(pair.now);
    pair.run(SHORT);
    pair.cut = false;
    pair.run(SHORT * 5);
    pair.network.link.establish(pair.now);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["> SABME P lost", "< SABME P", "> SABME P", "> UA F", "< UA F"]);
    pair.send(Side::Network, b"a call at once");
    pair.run(SECOND * 3);
    assert_eq!(pair.user.messages(), [b"a call at once"]);
    for side in [Side::User, Side::Network] {
        assert_eq!(pair.end(side).link.counters().established, 1);
        assert_eq!(pair.end(side).link.counters().resets, 0);
    }
}

/// The line is mended between two attempts of ours: we do not wait for the next, whichever pause we are in.
#[test]
fn a_line_that_is_restored_is_used_at_once() {
    for waited in [SHORT * 7, SECOND * 5] {
        let mut pair = Pair::new(Parameters::default(), 1);
        pair.cut = true;
        pair.user.link.establish(pair.now);
        pair.run(waited);
        pair.cut = false;
        pair.forget();
        pair.user.link.line_restored(pair.now);
        pair.run(SHORT);
        assert_eq!(pair.ladder, ["> SABME P", "< UA F"], "after {waited:?}");
        // Where there is a link, or none is wanted, there is nothing to be done.
        pair.forget();
        pair.user.link.line_restored(pair.now);
        pair.user.link.release(pair.now);
        pair.run(SHORT);
        pair.user.link.line_restored(pair.now);
        pair.run(SHORT);
        assert_eq!(pair.ladder, ["> DISC P", "< UA F"], "after {waited:?}");
    }
}

/// One end begins, the other merely answers: it need not have been asked to.
#[test]
fn the_far_end_answers_without_being_asked_to() {
    let mut pair = Pair::new(Parameters::default(), 1);
    pair.network.link.establish(pair.now);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["< SABME P", "> UA F"]);
    assert_eq!(pair.user.seen, [Seen::Up { reset: false }]);
    pair.send(Side::User, b"up");
    pair.run(SHORT);
    assert_eq!(pair.ladder[2..], ["> I 0 0", "< RR 1"]);
    assert_eq!(pair.network.messages(), [b"up"]);
}

/// We restart while the exchange believes the link up: it must come up again, and the exchange must be told.
#[test]
fn we_restart_and_the_far_end_was_up() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.send(Side::User, b"before");
    pair.run(SHORT);
    pair.forget();
    pair.user.link = DataLink::new(Side::User, Parameters::default());
    pair.user.link.establish(pair.now);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["> SABME P", "< UA F"]);
    assert_eq!(pair.user.seen, [Seen::Up { reset: false }]);
    assert_eq!(pair.network.seen, [Seen::Up { reset: true }]);
    assert_eq!(pair.network.link.counters().last_reset, Some(pair.now - SHORT + crate::common::DELAY));
    pair.forget();
    pair.send(Side::Network, b"after");
    pair.run(SHORT);
    assert_eq!(pair.user.messages(), [b"after"]);
}

/// We restart but do not begin: the exchange's polls go unanswered until it establishes by itself.
#[test]
fn a_silent_restart_is_found_by_the_far_ends_polls() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.user.link = DataLink::new(Side::User, Parameters::default());
    pair.run(SECOND * 20);
    assert_eq!(pair.ladder, ["< RR 0 P", "< RR 0 P", "< RR 0 P", "< RR 0 P", "< SABME P", "> UA F"]);
    assert_eq!(pair.network.seen, [Seen::Up { reset: true }]);
    assert_eq!(pair.network.link.counters().polls_exhausted, 1);
}

/// Nobody answers: N200 + 1 SABMEs a second apart, a pause, and again, for as long as it takes.
#[test]
fn nobody_answers_until_somebody_does() {
    let mut pair = Pair::new(Parameters::default(), 1);
    pair.cut = true;
    pair.user.link.establish(pair.now);
    pair.run(SECOND * 6 * 600);
    let counters = *pair.user.link.counters();
    // Four seconds of SABMEs and two of pause make six.
    assert_eq!(counters.attempts_failed, 600);
    assert_eq!(counters.sabme_out, 4 * 600 + 1);
    assert_eq!(pair.user.seen, [], "layer 3 never believed it up");
    assert_eq!(pair.user.link.send(pair.now, b"early"), Err(SendError::LinkDown));

    pair.cut = false;
    pair.run(SECOND * 3);
    assert_eq!(pair.user.seen, [Seen::Up { reset: false }]);
}

/// A far end that answers DM is asked again after the pause; meanwhile its invitation, DM without F, is taken up at once.
#[test]
fn the_far_end_refuses_and_later_invites() {
    let mut pair = Pair::new(Parameters::default(), 1);
    pair.cut = true;
    pair.user.link.establish(pair.now);
    pair.drain(Side::User);
    pair.inject(Side::User, &[0x00, 0x01, 0x1f]);
    assert_eq!(pair.user.link.state(), StateName::TeiAssigned);
    pair.inject(Side::User, &[0x00, 0x01, 0x1f]); // DM with F: no invitation
    assert_eq!(pair.user.link.state(), StateName::TeiAssigned);
    pair.inject(Side::User, &[0x00, 0x01, 0x0f]);
    assert_eq!(pair.user.link.state(), StateName::AwaitingEstablishment);
    pair.inject(Side::User, &[0x00, 0x01, 0x0f]); // and now it answers nothing of ours
    assert_eq!(pair.user.link.state(), StateName::AwaitingEstablishment);
    pair.inject(Side::User, &[0x00, 0x01, 0x1f]);
    pair.ladder.clear();
    pair.run(SECOND * 2);
    assert_eq!(pair.ladder, ["> SABME P lost"]);
    assert_eq!(pair.user.seen, []);
}

/// Only UA with F answers a SABME with P (5.8.7).
#[test]
fn ua_without_f_is_no_answer() {
    let mut pair = Pair::new(Parameters::default(), 1);
    pair.user.link.establish(pair.now);
    pair.inject(Side::User, &[0x00, 0x01, 0x63]);
    assert_eq!(pair.user.link.state(), StateName::AwaitingEstablishment);
    assert_eq!(pair.user.link.counters().ignored, 1);
    pair.inject(Side::User, &[0x00, 0x01, 0x73]);
    assert_eq!(pair.user.link.state(), StateName::MultipleFrameEstablished);
}

/// The far end takes the link down and we bring it back, because we still want it.
#[test]
fn the_far_end_releases_and_we_try_again() {
    let mut pair = Pair::up(Parameters::default(), 1);
    let start = pair.now;
    pair.network.link.release(pair.now);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["< DISC P", "> UA F"]);
    assert_eq!((&pair.user.seen[..], &pair.network.seen[..]), (&[Seen::Down][..], &[Seen::Down][..]));
    pair.forget();
    pair.run(SECOND * 3);
    assert_eq!(pair.ladder, ["> SABME P", "< UA F"]);
    assert_eq!(pair.user.seen, [Seen::Up { reset: false }]);
    let history: Vec<_> = pair.user.link.transitions().skip(2).map(|entry| (entry.to, entry.why)).collect();
    assert_eq!(
        history,
        [
            (StateName::TeiAssigned, Why::PeerReleased),
            (StateName::AwaitingEstablishment, Why::TriedAgain),
            (StateName::MultipleFrameEstablished, Why::Acknowledged),
        ]
    );
    assert!(pair.user.link.transitions().skip(2).all(|entry| entry.at > start));
}

/// We release: the far end learns it, and we do not begin again, but answer if it does.
#[test]
fn we_release_and_mean_it() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.network.link = DataLink::new(Side::Network, Parameters::default());
    pair.network.link.establish(pair.now);
    pair.run(SHORT);
    pair.forget();
    pair.user.link.release(pair.now);
    pair.user.link.release(pair.now); // asking twice changes nothing
    assert_eq!(pair.user.link.send(pair.now, b"late"), Err(SendError::LinkDown));
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["> DISC P", "< UA F"]);
    assert_eq!(pair.user.seen, [Seen::Down]);
    pair.run(SECOND * 3);
    // The network side still wants the link.
    assert_eq!(pair.ladder[2..], ["< SABME P", "> UA F"]);
    assert_eq!(pair.user.seen, [Seen::Down, Seen::Up { reset: false }]);
}

/// DISC unanswered N200 times ends the link all the same (error H); so does DM.
#[test]
fn a_release_nobody_answers_ends_by_itself() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.cut = true;
    pair.user.link.release(pair.now);
    pair.run(SECOND * 5);
    assert_eq!(pair.ladder, ["> DISC P lost"; 4]);
    assert_eq!(pair.user.seen, [Seen::Down]);
    assert_eq!(pair.user.link.poll_timeout(), None);

    let mut pair = Pair::up(Parameters::default(), 1);
    pair.cut = true;
    pair.user.link.release(pair.now);
    pair.inject(Side::User, &[0x00, 0x01, 0x0f]); // DM without F answers nothing
    assert_eq!(pair.user.link.state(), StateName::AwaitingRelease);
    pair.inject(Side::User, &[0x00, 0x01, 0x1f]);
    assert_eq!(pair.user.seen, [Seen::Down]);
}

/// Releasing what is down is confirmed at once and ends the attempts.
#[test]
fn releasing_a_link_that_is_down_ends_the_attempts() {
    let mut pair = Pair::new(Parameters::default(), 1);
    pair.cut = true;
    pair.user.link.establish(pair.now);
    pair.run(SECOND * 5);
    assert_eq!(pair.user.link.state(), StateName::TeiAssigned);
    pair.user.link.release(pair.now);
    pair.drain(Side::User);
    assert_eq!(pair.user.seen, [Seen::Down]);
    assert_eq!(pair.user.link.poll_timeout(), None);
}

/// Establish asked for while DISC is on its way: the link goes down and comes up again.
#[test]
fn layer_3_changes_its_mind() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.user.link.release(pair.now);
    pair.user.link.establish(pair.now);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["> DISC P", "< UA F", "> SABME P", "< UA F"]);
    assert_eq!(pair.user.seen, [Seen::Down, Seen::Up { reset: false }]);
}

/// Both release at once: each answers the other's DISC with UA (5.5.5.1). One establishes while the other releases: DM.
#[test]
fn opposite_and_equal_wishes_collide() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.user.link.release(pair.now);
    pair.network.link.release(pair.now);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["> DISC P", "< DISC P", "> UA F", "< UA F"]);
    assert_eq!((&pair.user.seen[..], &pair.network.seen[..]), (&[Seen::Down][..], &[Seen::Down][..]));

    let mut pair = Pair::up(Parameters::default(), 1);
    pair.network.link = DataLink::new(Side::Network, Parameters::default());
    pair.user.link.release(pair.now);
    pair.network.link.establish(pair.now);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["> DISC P", "< SABME P", "> DM F", "< DM F"]);
    assert_eq!((&pair.user.seen[..], &pair.network.seen[..]), (&[Seen::Down][..], &[][..]));
}

/// Asking for what is there already disturbs nothing.
#[test]
fn establishing_a_link_that_is_up_does_nothing() {
    let mut pair = Pair::up(Parameters::default(), 1);
    pair.send(Side::User, b"one");
    pair.user.link.establish(pair.now);
    pair.run(SHORT);
    assert_eq!(pair.ladder, ["> I 0 0", "< RR 1"]);
    assert_eq!(pair.user.link.counters().resets, 0);
}
