//! Orders: what hosts do with their keys, and the office without.

use crate::hall::{Conferences, muted_sentence};
use crate::member::{Floor, Member};
use crate::policy::QuestionUnmute;
use crate::words::{
    Answer, By, Count, EndReason, Happening, LastWord, Mode, MutedBy, Order, Output, Place, Refused, Role, Room, Seat,
    Spoken,
};
use std::time::Duration;

impl Conferences {
    /// Carry out an order from outside.
    ///
    /// # Errors
    /// Why it was not carried out; then nothing has changed.
    pub fn order(&mut self, now: Duration, room: Room, order: &Order<Seat>) -> Result<Answer, Refused> {
        self.carry_out(now, room, order, By::Office)
    }

    pub(crate) fn carry_out(
        &mut self,
        now: Duration,
        room: Room,
        order: &Order<Seat>,
        by: By<Seat>,
    ) -> Result<Answer, Refused> {
        let open = self.rooms.get(room.0).and_then(Option::as_ref).filter(|open| !open.ended);
        let open = open.ok_or(Refused::NoConference)?;
        // What was ordered for nobody would be found by whoever comes next.
        if open.members() == 0 && !matches!(order, Order::Count) {
            return Err(Refused::NoConference);
        }
        let was = |already: bool| if already { Answer::Unchanged } else { Answer::Done(0) };
        match *order {
            Order::Mute(seat) => self.mute(room, seat, by),
            Order::Unmute(seat) => self.unmute(room, seat, by),
            Order::MuteAll { lock } => Ok(Answer::Done(self.mute_all(room, lock, by))),
            Order::UnmuteAll => Ok(Answer::Done(self.unmute_all(room, by))),
            Order::Lock(locked) => {
                let answer = was(open.locked == locked);
                self.lock(room, locked, by);
                Ok(answer)
            }
            Order::Mode(mode) => {
                let answer = was(open.mode == mode);
                self.set_mode(room, mode, by);
                Ok(answer)
            }
            Order::Kick(seat) => {
                self.look(room, seat)?;
                self.kick(room, seat, by);
                Ok(Answer::Done(1))
            }
            Order::KickLast => {
                let last =
                    self.first_by(room, |m| (m.is_present() && m.role != Role::Host).then_some(u64::MAX - m.turn));
                let seat = last.ok_or(Refused::NobodyElse)?;
                self.kick(room, seat, by);
                Ok(Answer::Done(1))
            }
            Order::Admit(seat) => {
                if !matches!(self.look(room, seat)?.place, Place::Waiting(_)) {
                    return Err(Refused::NotWaiting);
                }
                self.place(now, seat, by);
                Ok(Answer::Done(1))
            }
            Order::AdmitNext => {
                let seat = self.next_waiting(room).ok_or(Refused::NobodyWaits)?;
                self.place(now, seat, by);
                Ok(Answer::Done(1))
            }
            Order::AdmitAll => {
                let mut admitted = 0;
                // All in one pass: they may be thousands.
                for seat in 0..self.members.len() {
                    if self.members[seat].as_ref().is_some_and(|m| m.room == room && m.is_waiting()) {
                        self.place(now, Seat(seat), by);
                        admitted += 1;
                    }
                }
                if admitted == 0 { Err(Refused::NobodyWaits) } else { Ok(Answer::Done(admitted)) }
            }
            Order::CallOn(seat) => self.call_on(room, seat, by),
            Order::CallOnNext => {
                let seat = self.first_by(room, |m| m.hand).ok_or(Refused::NoHand)?;
                self.call_on(room, seat, by)
            }
            Order::LowerHand(seat) => {
                self.look(room, seat)?.hand.ok_or(Refused::NoHand)?;
                self.lower(seat, by);
                self.say(seat, &[Spoken::HandLowered]);
                Ok(Answer::Done(1))
            }
            Order::LowerHands => {
                let mut lowered = 0;
                for seat in 0..self.members.len() {
                    if self.members[seat].as_ref().is_some_and(|m| m.room == room && m.hand.is_some()) {
                        self.lower(Seat(seat), by);
                        lowered += 1;
                    }
                }
                if lowered == 0 { Err(Refused::NoHand) } else { Ok(Answer::Done(lowered)) }
            }
            // Whoever carries it out places the call.
            Order::DialOut(ref number) => {
                self.may_call(room, number)?;
                Ok(Answer::Done(0))
            }
            Order::Count => {
                let count = Count {
                    present: open.present,
                    hosts: open.hosts,
                    waiting: open.waiting + open.naming,
                    hands: open.hands,
                };
                Ok(Answer::Count(count))
            }
            Order::End => {
                let members = open.members();
                self.end(room, EndReason::Ordered, by);
                Ok(Answer::Done(members))
            }
        }
    }

    fn look(&mut self, room: Room, seat: Seat) -> Result<&mut Member, Refused> {
        let member = self.members.get_mut(seat.0).and_then(Option::as_mut);
        member.filter(|m| m.room == room).ok_or(Refused::NoMember)
    }

    /// The same of who is in, and not only waits.
    fn present(&mut self, room: Room, seat: Seat) -> Result<&mut Member, Refused> {
        let member = self.look(room, seat)?;
        if member.is_present() { Ok(member) } else { Err(Refused::StillWaiting) }
    }

    // ---- who is heard ----

    fn mute(&mut self, room: Room, seat: Seat, by: By<Seat>) -> Result<Answer, Refused> {
        let mutes_locked = self.rooms[room.0].as_ref().is_some_and(|open| open.mutes_locked);
        let member = self.present(room, seat)?;
        if member.role == Role::Listener && member.floor == Floor::None {
            return Err(Refused::IsListener);
        }
        let already = member.host_muted;
        member.host_muted = true;
        // Whoever had the floor gives it back.
        member.floor = Floor::None;
        let locked = mutes_locked && member.role != Role::Host;
        self.tell_muted(seat, by);
        if already {
            return Ok(Answer::Unchanged);
        }
        self.say(seat, &[if locked { Spoken::MutesLocked } else { Spoken::MutedByHost }]);
        Ok(Answer::Done(1))
    }

    /// A microphone that its owner has closed is opened by nobody else.
    fn unmute(&mut self, room: Room, seat: Seat, by: By<Seat>) -> Result<Answer, Refused> {
        let mode = self.rooms[room.0].as_ref().map_or(Mode::Conversation, |open| open.mode);
        let member = self.present(room, seat)?;
        let before = member.muted(mode);
        if before == Some(MutedBy::Role) {
            return Err(Refused::IsListener);
        }
        member.host_muted = false;
        if before == Some(MutedBy::Mode) {
            member.floor = Floor::Taken;
        }
        let after = member.muted(mode);
        self.tell_muted(seat, by);
        match (before, after) {
            (None, _) => Ok(Answer::Unchanged),
            (Some(_), Some(_)) => {
                self.say(seat, &[Spoken::AskedToUnmute]);
                Ok(Answer::Asked)
            }
            (Some(_), None) => {
                self.say(seat, &[Spoken::Unmuted]);
                Ok(Answer::Done(1))
            }
        }
    }

    fn mute_all(&mut self, room: Room, lock: bool, by: By<Seat>) -> u16 {
        let Some(open) = self.rooms[room.0].as_mut() else { return 0 };
        (open.all_muted, open.mutes_locked) = (true, lock);
        let mut muted = 0;
        for member in self.members.iter_mut().flatten() {
            if member.room == room && member.is_present() && member.role != Role::Host {
                muted += u16::from(member.role == Role::Speaker && !member.host_muted);
                member.host_muted = member.role == Role::Speaker;
                member.floor = Floor::None;
            }
        }
        self.happened(room, Happening::AllMuted { muted: true, locked: lock, by });
        self.tell_all_muted(room, by);
        self.push(Output::Announce(room, Spoken::AllMuted));
        muted
    }

    fn unmute_all(&mut self, room: Room, by: By<Seat>) -> u16 {
        let Some(open) = self.rooms[room.0].as_mut() else { return 0 };
        (open.all_muted, open.mutes_locked) = (false, false);
        let mut unmuted = 0;
        for member in self.members.iter_mut().flatten().filter(|m| m.room == room) {
            unmuted += u16::from(member.host_muted);
            member.host_muted = false;
        }
        self.happened(room, Happening::AllMuted { muted: false, locked: false, by });
        self.tell_all_muted(room, by);
        self.push(Output::Announce(room, Spoken::AllUnmuted));
        unmuted
    }

    pub(crate) fn lock_mutes(&mut self, room: Room, locked: bool) {
        if let Some(open) = self.rooms[room.0].as_mut() {
            open.mutes_locked = locked;
        }
    }

    pub(crate) fn set_mode(&mut self, room: Room, mode: Mode, by: By<Seat>) {
        let Some(open) = self.rooms[room.0].as_mut().filter(|open| open.mode != mode) else { return };
        open.mode = mode;
        for member in self.members.iter_mut().flatten().filter(|m| m.room == room) {
            member.floor = Floor::None;
        }
        self.happened(room, Happening::Mode { mode, by });
        self.tell_all_muted(room, by);
        self.push(Output::Announce(room, Spoken::ModeIs(mode)));
    }

    /// A member presses the key that mutes and unmutes him.
    pub(crate) fn toggle_own(&mut self, seat: Seat) {
        let Some((member, open)) = self.both(seat) else { return };
        let (mode, mutes_locked) = (open.mode, open.mutes_locked && member.role != Role::Host);
        let anybody = mode == Mode::Question && open.policy.question_unmute == QuestionUnmute::Anybody;
        match member.muted(mode) {
            None => member.self_muted = true,
            Some(MutedBy::Oneself) => member.self_muted = false,
            Some(MutedBy::Host) if mutes_locked && member.floor == Floor::None => {}
            Some(MutedBy::Host) => (member.host_muted, member.self_muted) = (false, false),
            Some(MutedBy::Mode | MutedBy::Role) if member.floor == Floor::Given => {
                (member.floor, member.host_muted, member.self_muted) = (Floor::Taken, false, false);
            }
            Some(MutedBy::Mode) if anybody => {
                (member.floor, member.self_muted) = (Floor::Taken, false);
            }
            Some(MutedBy::Mode | MutedBy::Role) => {}
        }
        let muted = member.muted(mode);
        self.tell_muted(seat, By::Member(seat));
        self.say(seat, &[muted.map_or(Spoken::Unmuted, |muted| muted_sentence(muted, mode, mutes_locked))]);
    }

    // ---- hands ----

    /// A member presses the key that raises and lowers his hand.
    pub(crate) fn toggle_hand(&mut self, seat: Seat) {
        let turn = self.turns + 1;
        let Some((member, open)) = self.both(seat) else { return };
        if member.role == Role::Listener && !open.policy.listeners_ask {
            return self.say(seat, &[Spoken::ListenerMuted]);
        }
        if member.hand.is_some() {
            self.lower(seat, By::Member(seat));
            return self.say(seat, &[Spoken::HandLowered]);
        }
        member.hand = Some(turn);
        open.hands += 1;
        let room = member.room;
        self.turns = turn;
        self.happened(room, Happening::HandRaised { who: seat });
        self.say(seat, &[Spoken::HandRaised]);
    }

    pub(crate) fn lower(&mut self, seat: Seat, by: By<Seat>) {
        let Some((member, open)) = self.both(seat) else { return };
        if member.hand.take().is_some() {
            open.hands -= 1;
            let room = member.room;
            self.happened(room, Happening::HandLowered { who: seat, by });
        }
    }

    /// Give somebody the floor; who had it before is muted again.
    fn call_on(&mut self, room: Room, seat: Seat, by: By<Seat>) -> Result<Answer, Refused> {
        let open = self.rooms[room.0].as_ref().ok_or(Refused::NoConference)?;
        let (mode, listeners_ask) = (open.mode, open.policy.listeners_ask);
        let member = self.present(room, seat)?;
        if member.role == Role::Listener && !listeners_ask {
            return Err(Refused::IsListener);
        }
        for other in 0..self.members.len() {
            let had = self.members[other].as_mut().filter(|m| m.room == room && m.floor != Floor::None);
            if let Some(had) = had.filter(|_| other != seat.0) {
                let was_heard = had.muted(mode).is_none();
                had.floor = Floor::None;
                let muted = had.muted(mode);
                self.tell_muted(Seat(other), by);
                if let Some(muted) = muted.filter(|_| was_heard) {
                    self.say(Seat(other), &[muted_sentence(muted, mode, false)]);
                }
            }
        }
        self.lower(seat, by);
        let member = self.present(room, seat)?;
        if member.floor == Floor::None {
            member.floor = Floor::Given;
        }
        // Nobody is called on to be silent.
        member.host_muted = false;
        self.happened(room, Happening::CalledOn { who: seat, by });
        self.tell_muted(seat, by);
        self.say(seat, &[Spoken::CalledOn]);
        Ok(Answer::Done(1))
    }

    // ---- the door ----

    pub(crate) fn lock(&mut self, room: Room, locked: bool, by: By<Seat>) {
        let Some(open) = self.rooms[room.0].as_mut().filter(|open| open.locked != locked) else { return };
        open.locked = locked;
        self.happened(room, Happening::Locked { locked, by });
        self.push(Output::Announce(room, if locked { Spoken::Locked } else { Spoken::Unlocked }));
    }

    fn kick(&mut self, room: Room, seat: Seat, by: By<Seat>) {
        self.happened(room, Happening::Kicked { who: seat, by });
        self.push(Output::Dismiss(seat, LastWord::Kicked));
    }
}
