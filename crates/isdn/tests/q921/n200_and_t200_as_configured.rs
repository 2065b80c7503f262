//! A line that never answers: SABME, DISC and polls alike are said once and N200 times again, T200 apart, whatever the two
//! are set to.
//!
//! Clauses: Q.921 5.5.1.3, 5.5.3.3, 5.6.7, 5.9.1, 5.9.2

use crate::common::SECOND;
use crate::support::{Pair, Seen};
use isdn::q921::{Parameters, StateName};

#[test]
fn what_is_asked_of_a_dead_line() {
    for (n200, seconds) in [(0, 1), (1, 1), (3, 1), (3, 2), (5, 3)] {
        let t200 = SECOND * seconds;
        let parameters = Parameters { n200, t200, ..Parameters::default() };
        let times = usize::from(n200) + 1;
        // What was said before the line went dead began a tenth of a second earlier.
        let just_before_the_end = t200 * (u32::from(n200) + 1) - SECOND / 5;

        let mut pair = Pair::new(parameters, 1);
        pair.cut = true;
        pair.user.link.establish(pair.now);
        pair.run(just_before_the_end);
        assert_eq!(pair.ladder, vec!["> SABME P lost"; times], "N200 = {n200}, T200 = {seconds} s");
        assert_eq!(pair.user.link.state(), StateName::AwaitingEstablishment);
        pair.run(SECOND / 4);
        assert_eq!(pair.user.link.state(), StateName::TeiAssigned);

        let mut pair = Pair::user_up_alone(parameters);
        pair.user.link.release(pair.now);
        pair.run(just_before_the_end);
        assert_eq!(pair.ladder, vec!["> DISC P lost"; times]);
        assert_eq!(pair.user.seen, []);
        pair.run(SECOND / 4);
        assert_eq!(pair.user.seen, [Seen::Down]);

        let mut pair = Pair::user_up_alone(parameters);
        pair.run(parameters.t203 + just_before_the_end);
        assert_eq!(pair.ladder, vec!["> RR 0 P lost"; times]);
        pair.run(SECOND / 4);
        assert_eq!(pair.ladder.last().map(String::as_str), Some("> SABME P lost"));
        assert_eq!(pair.user.link.state(), StateName::AwaitingEstablishment);
    }
}
