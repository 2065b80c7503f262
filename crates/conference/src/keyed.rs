//! What a member's keys do.

use crate::hall::{Conferences, waiting_sentence};
use crate::keys::Action;
use crate::member::{Asked, Member};
use crate::words::{By, Digits, Order, Output, Place, Refused, Role, Room, Seat, Spoken};
use std::time::Duration;

/// How long the answer to a question is waited for, and the next digit of a number.
const PATIENCE: Duration = Duration::from_secs(10);
/// A # within this time after somebody has come belongs to the PIN before it.
const HASH_OF_PIN: Duration = Duration::from_secs(2);

impl Conferences {
    /// Whoever is at a seat has pressed a key: a digit, `*` or `#`.
    pub fn key(&mut self, now: Duration, seat: Seat, key: u8) {
        let Some(member) = self.members[seat.0].as_mut() else { return };
        match member.place {
            Place::Naming => return self.end_of_name(seat),
            Place::Waiting(what) => {
                // Whoever tries keys while he waits hears what he waits for.
                if member.keyed.key(now, self.menus.of(member.role), key).is_some() {
                    self.say(seat, &[waiting_sentence(what)]);
                }
                return;
            }
            Place::Present => {}
        }
        if key == b'#' && now.saturating_sub(member.came) < HASH_OF_PIN {
            member.came = Duration::ZERO;
            return;
        }
        if member.roll.take().is_some() | std::mem::take(&mut member.learns) {
            self.push(Output::Hush(seat));
        }
        // The time may have come with the key.
        self.number_timeout(now, seat);
        if self.answered(now, seat, key) {
            return;
        }
        let Some(member) = self.members[seat.0].as_mut() else { return };
        let room = member.room;
        if let Some(action) = member.keyed.key(now, self.menus.of(member.role), key) {
            self.act(now, room, seat, action);
        }
    }

    /// The key answers a question he was asked.
    fn answered(&mut self, now: Duration, seat: Seat, key: u8) -> bool {
        let Some(member) = self.members[seat.0].as_mut() else { return true };
        let room = member.room;
        match self.ask(seat, Asked::Nothing) {
            Asked::End(until) if until > now => {
                if key == b'1' {
                    self.push(Output::Close(room, seat));
                } else {
                    self.say(seat, &[Spoken::NotEnded]);
                }
                true
            }
            Asked::Number(mut number, _) => {
                match key {
                    b'#' => self.dial(room, seat, number),
                    b'*' => self.say(seat, &[Spoken::Done]),
                    digit => {
                        // One digit more than any number has: it is refused with the rest.
                        number.push(digit);
                        self.ask(seat, Asked::Number(number, Some(now + PATIENCE)));
                        self.push(Output::Hush(seat));
                    }
                }
                true
            }
            Asked::TooLate(until) if until > now => match key {
                b'#' => true,
                // Most menus begin with it, and no number does.
                b'*' => false,
                _ => {
                    self.ask(seat, Asked::TooLate(now + PATIENCE));
                    true
                }
            },
            Asked::Nothing | Asked::End(_) | Asked::TooLate(_) => false,
        }
    }

    /// What he is in the middle of from now on; what he was in before.
    fn ask(&mut self, seat: Seat, asked: Asked) -> Asked {
        let Some(member) = self.members[seat.0].as_mut() else { return Asked::Nothing };
        self.numbers_asked += u16::from(asked.is_number());
        let was = std::mem::replace(&mut member.asked, asked);
        self.numbers_asked -= u16::from(was.is_number());
        was
    }

    fn act(&mut self, now: Duration, room: Room, seat: Seat, action: Action) {
        let by = By::Member(seat);
        let Some(open) = self.rooms[room.0].as_ref() else { return };
        let (mode, locked) = (open.mode, open.locked);
        match action {
            Action::Mute => self.toggle_own(seat),
            Action::Hand => self.toggle_hand(seat),
            Action::Count => self.tell_count(room, seat),
            Action::RollCall => self.begin_roll_call(seat),
            Action::Recording => {
                let recorded = open.policy.recorded;
                self.say(seat, &[if recorded { Spoken::Recorded } else { Spoken::NotRecorded }]);
            }
            Action::Help => {
                member_of(self, seat, |m| m.learns = true);
                self.say(seat, &[Spoken::Help]);
            }
            Action::Lock => self.lock(room, !locked, by),
            Action::Mode => self.set_mode(room, mode.next(), by),
            Action::CallOn => self.ordered(now, room, seat, &Order::CallOnNext),
            Action::LowerHands => self.ordered(now, room, seat, &Order::LowerHands),
            Action::Admit => self.ordered(now, room, seat, &Order::AdmitNext),
            Action::AdmitAll => self.ordered(now, room, seat, &Order::AdmitAll),
            Action::KickLast => self.ordered(now, room, seat, &Order::KickLast),
            Action::MuteAll => drop(self.carry_out(now, room, &Order::MuteAll { lock: false }, by)),
            Action::UnmuteAll => drop(self.carry_out(now, room, &Order::UnmuteAll, by)),
            Action::DialOut => self.ask_number(seat),
            Action::End => self.push(Output::Close(room, seat)),
            Action::EndConfirmed => {
                self.ask(seat, Asked::End(now + PATIENCE));
                self.say(seat, &[Spoken::ConfirmEnd]);
            }
        }
    }

    /// An order by keys, answered in a sentence.
    fn ordered(&mut self, now: Duration, room: Room, seat: Seat, order: &Order<Seat>) {
        let answer = self.carry_out(now, room, order, By::Member(seat));
        let sentence = match answer {
            Ok(_) => Spoken::Done,
            Err(Refused::NoHand) => Spoken::NoHands,
            Err(Refused::NobodyWaits) => Spoken::NobodyWaits,
            Err(_) => return self.tell_count(room, seat),
        };
        self.say(seat, &[sentence]);
    }

    fn tell_count(&mut self, room: Room, seat: Seat) {
        let Some(open) = self.rooms[room.0].as_ref() else { return };
        let (present, waiting) = (Spoken::CountIs(open.present), Spoken::WaitingAre(open.waiting));
        let leads = self.members[seat.0].as_ref().is_some_and(|m| m.role == Role::Host);
        if leads && open.waiting > 0 {
            self.say(seat, &[present, waiting]);
        } else {
            self.say(seat, &[present]);
        }
    }

    // ---- names ----

    fn end_of_name(&mut self, seat: Seat) {
        // Before the tone there is nothing to keep.
        if self.members[seat.0].as_ref().is_some_and(|m| m.name_until.is_some()) {
            self.push(Output::KeepName(seat));
        }
    }

    fn begin_roll_call(&mut self, seat: Seat) {
        let Some(member) = self.members[seat.0].as_mut() else { return };
        let room = member.room;
        member.roll = Some(0);
        if self.next_name(room, 0).is_some() {
            self.go_on_with_roll_call(seat);
        } else {
            member_of(self, seat, |m| m.roll = None);
            self.tell_count(room, seat);
        }
    }

    /// The next name, or after the last of them the count, if not everybody has said one.
    pub(crate) fn go_on_with_roll_call(&mut self, seat: Seat) {
        let Some(member) = self.members[seat.0].as_ref() else { return };
        let (room, Some(last)) = (member.room, member.roll) else { return };
        if let Some((turn, of)) = self.next_name(room, last) {
            member_of(self, seat, |m| m.roll = Some(turn));
            return self.push(Output::PlayName { to: seat, of });
        }
        member_of(self, seat, |m| m.roll = None);
        if self.members.iter().flatten().any(|m| m.room == room && m.is_present() && !m.named) {
            self.tell_count(room, seat);
        }
    }

    fn next_name(&self, room: Room, after: u64) -> Option<(u64, Seat)> {
        let seat = self.first_by(room, |m| (m.is_present() && m.named && m.turn > after).then_some(m.turn))?;
        Some((self.members[seat.0].as_ref()?.turn, seat))
    }

    // ---- calling out ----

    fn ask_number(&mut self, seat: Seat) {
        if !self.dial_out.enabled {
            return self.say(seat, &[Spoken::DialOutUnavailable]);
        }
        self.ask(seat, Asked::Number(Digits::default(), None));
        self.say(seat, &[Spoken::EnterNumber]);
    }

    /// What was said to whoever is keying a number has been said: his time counts from now.
    pub(crate) fn number_goes_on(&mut self, now: Duration, seat: Seat) {
        member_of(self, seat, |m| {
            if let Asked::Number(_, until) = &mut m.asked {
                *until = Some(now + PATIENCE);
            }
        });
    }

    /// Whoever was too slow with a number is told. He may key on all the same: with 399 in it, it would end the event.
    pub(crate) fn number_timeout(&mut self, now: Duration, seat: Seat) {
        let until = self.members[seat.0].as_ref().and_then(|m| m.asked.number_until());
        if until.is_some_and(|until| until <= now) {
            self.ask(seat, Asked::TooLate(now + PATIENCE));
            self.push(Output::Tell(seat, [Spoken::NumberLate].into_iter().collect()));
        }
    }

    fn dial(&mut self, room: Room, seat: Seat, number: Digits) {
        match self.may_call(room, &number) {
            Ok(()) => self.push(Output::DialOut(room, seat, number)),
            Err(why) => self.not_called(seat, why),
        }
    }

    /// No call was placed for a host, and he hears why.
    pub fn not_called(&mut self, seat: Seat, why: Refused) {
        let sentence = match why {
            Refused::DialOutForbidden | Refused::DialOutNever => Spoken::DialOutForbidden,
            Refused::TooManyCalls => Spoken::TooManyCalls,
            Refused::Locked => Spoken::Locked,
            Refused::Full => Spoken::Full,
            _ => Spoken::DialOutUnavailable,
        };
        self.say(seat, &[sentence]);
    }
}

fn member_of(conferences: &mut Conferences, seat: Seat, change: impl FnOnce(&mut Member)) {
    if let Some(member) = conferences.members[seat.0].as_mut() {
        change(member);
    }
}
