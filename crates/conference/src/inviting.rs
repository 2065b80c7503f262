//! Calls out of conferences: which are allowed, how many at a time, and what the host who called is told of them.
//!
//! A call is known by a number of whoever places it. It is *pending* until the one called has come in, and counts until it is
//! over: it costs money for as long.
//!
//! Data path: a host's keys, an order → [`Conferences::may_call`] → whoever places calls → [`Conferences::calls`],
//! [`Conferences::call_went`], [`Conferences::call_over`] → sentences to the host, [`Output::GiveUp`].
//! Time: none; how long it may ring is the business of whoever places it.
//! Source: ours; the limits are those that keep a stolen PIN from becoming a telephone bill.

use crate::hall::Conferences;
use crate::words::{Digits, Output, Refused, Role, Room, Seat, Spoken};

/// How a call out of a conference went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Went {
    /// It is on its way.
    Calling,
    /// It rings there.
    Ringing,
    /// Somebody has answered, and is asked whether he wants to come in.
    Answered,
    /// He does.
    Joined,
    /// Whoever has answered did not say that he wants to: a mailbox, perhaps.
    NotJoined,
    /// The number is busy.
    Busy,
    /// Nobody has answered.
    NoAnswer,
    /// Whoever was called has refused.
    Declined,
    /// There is no such number.
    NoSuchNumber,
    /// It could not be reached for another reason.
    NotReached,
    /// It was given up: the host has left, the conference has ended, or somebody ordered it.
    GivenUp,
}

impl Went {
    /// What the host hears of it. Of who comes in there is a tone or a name, as of everybody.
    const fn sentence(self) -> Option<Spoken> {
        Some(match self {
            Went::Calling => Spoken::Calling,
            Went::Ringing => Spoken::Ringing,
            Went::Answered => Spoken::CallAnswered,
            Went::NotJoined => Spoken::CallNotJoined,
            Went::Busy => Spoken::CallBusy,
            Went::NoAnswer => Spoken::CallNoAnswer,
            Went::Declined => Spoken::CallDeclined,
            Went::NoSuchNumber => Spoken::NoSuchNumber,
            Went::NotReached => Spoken::CallNotReached,
            Went::Joined | Went::GivenUp => return None,
        })
    }
}

pub(crate) struct Invitation {
    call: u64,
    room: Room,
    /// The host who called; `None`: it was ordered, or he has left.
    by: Option<Seat>,
    pending: bool,
    came_in: bool,
}

impl Conferences {
    /// Whether this number may be called from a conference now.
    ///
    /// # Errors
    /// [`Refused::NoConference`], those of [`DialOut::check`](crate::DialOut::check), [`Refused::TooManyCalls`], and what would keep the
    /// one called from coming in: [`Refused::Locked`], [`Refused::Full`].
    pub fn may_call(&self, room: Room, number: &Digits) -> Result<(), Refused> {
        self.dial_out.check(number)?;
        self.may_enter(room, Role::Speaker)?;
        let here = self.invitations.iter().filter(|call| call.room == room);
        let (in_room, pending) = here.fold((0, 0), |(all, pending), call| (all + 1, pending + u16::from(call.pending)));
        if in_room >= usize::from(self.dial_out.max_at_once)
            || self.invitations.len() >= usize::from(self.dial_out.max_in_all)
        {
            return Err(Refused::TooManyCalls);
        }
        let open = self.rooms[room.0].as_ref().ok_or(Refused::NoConference)?;
        let most = open.policy.max_members;
        // Whoever is being called has a place: nobody is called to be turned away.
        if most > 0 && open.guests() + pending >= most { Err(Refused::Full) } else { Ok(()) }
    }

    /// A call that [`Conferences::may_call`] has allowed is on its way, for this host or by order.
    pub fn calls(&mut self, call: u64, room: Room, by: Option<Seat>) {
        debug_assert!(self.invitations.len() < usize::from(self.dial_out.max_in_all), "it was asked");
        self.invitations.push(Invitation { call, room, by, pending: true, came_in: false });
        self.call_went(call, Went::Calling);
    }

    /// Give up a call into a room; false when none is on its way by this number.
    #[must_use]
    pub fn give_up_call(&mut self, room: Room, call: u64) -> bool {
        let pending = self.invitations.iter().any(|known| known.call == call && known.room == room && known.pending);
        self.give_up(|known| known.call == call && known.room == room);
        pending
    }

    /// It has come this far: [`Went::Joined`] when the one called [has entered](Conferences::enter).
    pub fn call_went(&mut self, call: u64, went: Went) {
        let Some(known) = self.invitations.iter_mut().find(|known| known.call == call && known.pending) else { return };
        known.came_in = went == Went::Joined;
        known.pending = !known.came_in;
        let (Some(host), Some(sentence)) = (known.by, went.sentence()) else { return };
        // Exchanges are quick: what comes of a call would cut short that it is being called. A list of names or keys waits for nobody.
        let listens = self.members[host.0].as_ref().is_some_and(|member| member.roll.is_some() || member.learns);
        if listens || went == Went::Calling {
            self.say(host, &[sentence]);
        } else {
            self.push(Output::Tell(host, [sentence].into_iter().collect()));
        }
    }

    /// It is over, like this; false when the one called had come in before.
    pub fn call_over(&mut self, call: u64, went: Went) -> bool {
        self.call_went(call, went);
        let came_in = self.invitations.iter().any(|known| known.call == call && known.came_in);
        self.invitations.retain(|known| known.call != call);
        !came_in
    }

    /// Give up what a host has begun: he leaves.
    pub(crate) fn give_up_of(&mut self, host: Seat) {
        self.give_up(|call| call.by == Some(host));
    }

    /// Give up all that is on its way into a conference: it has ended.
    pub(crate) fn give_up_into(&mut self, room: Room) {
        self.give_up(|call| call.room == room);
    }

    fn give_up(&mut self, which: impl Fn(&Invitation) -> bool) {
        for place in 0..self.invitations.len() {
            let known = &mut self.invitations[place];
            if which(known) {
                known.by = None;
                if std::mem::take(&mut known.pending) {
                    let call = known.call;
                    self.push(Output::GiveUp(call));
                }
            }
        }
    }
}
