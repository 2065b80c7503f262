//! Subscribers: who answers when the far end calls.
//!
//! Data path: number dialled by the far end → [`find_subscriber`] → how the switch answers.
//! Time: none here; the switch counts the delay.
//! Source: the causes are those of ITU-T Q.850 for the subscriber's own behaviour.

use std::cmp::Reverse;
use std::time::Duration;

/// What a subscriber does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Ring for so long, then answer.
    After(Duration),
    /// Ring for ever.
    Never,
    /// Busy (cause 17).
    Busy,
    /// Refuse with this cause value.
    Refuse(u8),
}

/// A number of the exchange and what happens there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The number; with a `*` at its end, all numbers that begin so.
    pub number: String,
    /// What happens.
    pub answer: Answer,
}

/// Whose number this is, as a place in the table: the one that names it wholly, else the one with the longest
/// beginning, the earlier of equals.
#[must_use]
pub fn find_subscriber(subscribers: &[Subscriber], called: &str) -> Option<usize> {
    let places = subscribers.iter().enumerate();
    let fitting = places.filter_map(|(place, s)| Some((specificity(&s.number, called)?, Reverse(place))));
    fitting.max().map(|(_, Reverse(place))| place)
}

fn specificity(pattern: &str, called: &str) -> Option<usize> {
    match pattern.strip_suffix('*') {
        Some(beginning) => called.starts_with(beginning).then_some(beginning.len()),
        None => (pattern == called).then_some(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_number_answers() {
        let subscriber = |number: &str, answer| Subscriber { number: number.into(), answer };
        let table = [
            subscriber("55*", Answer::Busy),
            subscriber("5551", Answer::Never),
            subscriber("555*", Answer::Refuse(21)),
            subscriber("555*", Answer::Busy),
        ];
        let answer = |called| find_subscriber(&table, called).map(|place| table[place].answer);
        assert_eq!(answer("5551"), Some(Answer::Never));
        assert_eq!(answer("55512"), Some(Answer::Refuse(21)));
        assert_eq!(answer("5599"), Some(Answer::Busy));
        assert_eq!(answer("5"), None);
    }
}
