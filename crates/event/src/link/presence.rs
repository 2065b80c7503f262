//! How many listen through each link now.

use super::{Attendee, Refused};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many listen through each link now, wherever they are counted. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    by_attendee: Arc<Mutex<HashMap<Attendee, u32>>>,
}

/// One of them; gone when it is dropped.
#[derive(Debug)]
pub struct Present {
    presence: Presence,
    attendee: Attendee,
}

impl Presence {
    /// How many listen through the link of this attendee.
    #[must_use]
    pub fn count(&self, attendee: Attendee) -> u32 {
        self.counts().get(&attendee).copied().unwrap_or(0)
    }

    /// One more, if no more than `limit` (0: any number) are there then.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub fn enter(&self, attendee: Attendee, limit: u16) -> Result<Present, Refused> {
        let mut counts = self.counts();
        let count = counts.get(&attendee).copied().unwrap_or(0);
        if limit > 0 && count >= u32::from(limit) {
            return Err(Refused::TooMany(limit));
        }
        counts.insert(attendee, count + 1);
        Ok(Present { presence: self.clone(), attendee })
    }

    /// Whole at every moment: a panic elsewhere does not spoil it.
    fn counts(&self) -> MutexGuard<'_, HashMap<Attendee, u32>> {
        self.by_attendee.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut counts = self.presence.counts();
        if let Some(count) = counts.get_mut(&self.attendee) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.attendee);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_a_time_and_no_more() {
        let presence = Presence::default();
        let (one, other) = (Attendee(1), Attendee(2));
        let first = presence.enter(one, 2).unwrap();
        let second = presence.enter(one, 2).unwrap();
        assert_eq!(presence.enter(one, 2).map(|_| ()).unwrap_err(), Refused::TooMany(2));
        assert!(presence.enter(other, 2).is_ok() && presence.count(one) == 2);
        drop(first);
        assert!(presence.enter(one, 2).is_ok(), "one has gone");
        drop(second);
        assert_eq!(presence.count(one), 0);
        assert!(presence.counts().is_empty(), "nothing of it is left");
    }
}
