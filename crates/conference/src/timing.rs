//! What follows from time: the end of a grace period, the longest a conference may last, names nobody says, numbers nobody
//! keys to their end.

use crate::hall::{Conferences, Open, minutes};
use crate::member::Member;
use crate::words::{By, Happening, Output, Room, Seat, Spoken};
use std::time::Duration;

impl Open {
    /// When it is told that it will end soon.
    fn warns_at(&self) -> Option<Duration> {
        self.until.filter(|_| !self.warned).map(|until| until.saturating_sub(self.policy.warning))
    }
}

impl Conferences {
    /// When [`Conferences::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let mut open = self.rooms.iter().flatten();
        let rooms = open.clone().filter_map(|open| open.ends_at().into_iter().chain(open.warns_at()).min());
        // Seats are many, and rarely is anybody being asked for his name or a number.
        let asked = self.numbers_asked > 0 || open.any(|open| open.naming > 0);
        let until = |m: &Member| m.name_until.or_else(|| m.asked.number_until());
        let members = self.members.iter().filter(|_| asked).flatten().filter_map(until);
        rooms.chain(members).min()
    }

    /// The time of [`Conferences::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        for room in 0..self.rooms.len() {
            self.room_timeout(now, Room(room));
        }
        for seat in 0..self.members.len() {
            if self.members[seat].as_ref().and_then(|m| m.name_until).is_some_and(|until| until <= now) {
                // Whoever keeps names has not said that one is complete.
                self.named(now, Seat(seat), false);
            }
            self.number_timeout(now, Seat(seat));
        }
    }

    fn room_timeout(&mut self, now: Duration, room: Room) {
        let Some(open) = self.rooms[room.0].as_mut() else { return };
        if let Some((_, why)) = open.end().filter(|(at, _)| *at <= now) {
            return self.end(room, why, By::Rules);
        }
        let Some(until) = open.until else { return };
        if open.warns_at().is_some_and(|at| at <= now) {
            open.warned = true;
            self.happened(room, Happening::EndsSoon(until));
            self.push(Output::Announce(room, Spoken::EndingSoon(minutes(until - now))));
        }
    }
}
