//! What is to be copied where, decided from what each mirror has of a file.
//!
//! Pure: what was found goes in, what to do comes out. A newer version never gives way to an older one.

use crate::sum::Sum;

/// What a mirror has of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The mirror does not answer.
    Away,
    /// Nothing.
    Nothing,
    /// A copy that is what its sum says.
    Good(Sum),
    /// A copy that is not, or a sum without a copy.
    Bad,
}

/// What to do about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Every mirror that answers has the newest version, or there is none.
    Level,
    /// Copy this version from one of these mirrors to each of those.
    Copy { newest: Sum, from: Vec<usize>, to: Vec<usize> },
    /// There are copies, and none is good.
    Lost,
}

pub(crate) fn plan(found: &[Found]) -> Plan {
    let good = found.iter().filter_map(|found| if let Found::Good(sum) = found { Some(sum) } else { None });
    let Some(newest) = good.max().cloned() else {
        return if found.contains(&Found::Bad) { Plan::Lost } else { Plan::Level };
    };
    let has = |found: &Found| *found == Found::Good(newest.clone());
    let places = |wanted: &dyn Fn(&Found) -> bool| -> Vec<usize> {
        found.iter().enumerate().filter(|(_, found)| wanted(found)).map(|(place, _)| place).collect()
    };
    let from = places(&has);
    let to = places(&|found| !has(found) && *found != Found::Away);
    if to.is_empty() { Plan::Level } else { Plan::Copy { newest, from, to } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &str, changed_ms: u64) -> Found {
        Found::Good(Sum::of(text.as_bytes(), changed_ms))
    }

    #[test]
    fn the_newest_good_copy_goes_to_all_who_answer_and_lack_it() {
        let found = [good("old", 1), Found::Away, good("new", 2), Found::Nothing, Found::Bad, good("new", 2)];
        let newest = Sum::of(b"new", 2);
        assert_eq!(plan(&found), Plan::Copy { newest, from: vec![2, 5], to: vec![0, 3, 4] });
    }

    #[test]
    fn where_all_agree_nothing_is_copied() {
        assert_eq!(plan(&[good("a", 1), Found::Away, good("a", 1)]), Plan::Level);
        assert_eq!(plan(&[Found::Nothing, Found::Away]), Plan::Level);
    }

    #[test]
    fn bad_copies_alone_are_a_loss_that_is_told() {
        assert_eq!(plan(&[Found::Bad, Found::Nothing]), Plan::Lost);
    }
}
