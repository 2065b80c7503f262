//! What people do in conferences, carried out: what [`conference::Conferences`] decides becomes voice, words and reports.
//!
//! Data path: keys, orders of the office, who comes and goes → `Gateway::rooms` → here → [`Voice`], reports.
//! Time: at the end of every input, [`Gateway::carry_out_rooms`]; its own times are in the gateway's `poll_timeout`.

use super::phrases;
use super::{Channel, ConferenceIndex, Gateway, Voice};
use crate::gateway::CallId;
use crate::prompts::Prompt;
use crate::reports::{CallStage, Closed, What};
use conference::{Answer, LastWord, Order, Output, Place, Refused, Role, Room, Says, Seat, Spoken, Tone};
use event::EventNumber;
use std::time::Duration;

impl Gateway {
    /// Whether somebody is in his conference, and does not wait.
    pub(super) fn is_present(&self, seat: Seat) -> bool {
        self.rooms.member(seat).is_some_and(|look| look.place == Place::Present)
    }

    /// An order from outside: carried out, and answered.
    pub(super) fn order_conference(&mut self, now: Duration, ticket: u64, event: EventNumber, order: Order<CallId>) {
        let answer = self.try_order(now, event, order);
        // What it has done is told before that it was done.
        self.carry_out_rooms(now);
        self.report(now, What::Answered { ticket, answer });
    }

    fn try_order(&mut self, now: Duration, event: EventNumber, order: Order<CallId>) -> Result<Answer, Refused> {
        let room = self.conferences.iter().position(|c| c.as_ref().is_some_and(|c| c.event == event));
        let room = Room(room.ok_or(Refused::NoConference)?);
        // Whoever is still being called is no member yet.
        if let Order::Kick(call) = order
            && self.rooms.give_up_call(room, call.0)
        {
            return Ok(Answer::Done(1));
        }
        let seat_of = |call: CallId| {
            let seat = self.calls.iter().position(|c| c.as_ref().is_some_and(|c| c.id == call))?;
            self.rooms.member(Seat(seat)).map(|_| Seat(seat))
        };
        let order = order.try_map(seat_of).ok_or(Refused::NoMember)?;
        let answer = self.rooms.order(now, room, &order)?;
        match order {
            Order::DialOut(number) => self.invite(now, room, None, &number).map(|call| Answer::Called(call.0)),
            _ => Ok(answer),
        }
    }

    /// Carry out what was decided. What is decided meanwhile comes in its turn: nothing here calls itself.
    pub(super) fn carry_out_rooms(&mut self, now: Duration) {
        while let Some(output) = self.rooms.poll_output() {
            self.carry_out_room(now, output);
        }
    }

    fn carry_out_room(&mut self, now: Duration, output: Output) {
        match output {
            Output::Join(seat, room) => self.joined(now, seat, room),
            Output::Heard(seat, heard) => {
                let Some((channel, conference)) = self.leg_of(seat) else { return };
                self.voice(Voice::Mute(channel, !heard));
                if heard && self.calls[seat.0].as_ref().is_some_and(|call| call.talking) {
                    self.put_on_air(now, conference);
                }
            }
            Output::Hold(seat, holds) => {
                let Some((channel, _)) = self.leg_of(seat) else { return };
                self.voice(Voice::Hold(channel, holds));
                if holds {
                    self.stage(now, seat, CallStage::Waiting);
                }
            }
            Output::Say(seat, says) => {
                let Some((channel, _)) = self.leg_of(seat) else { return };
                if says.contains(&Spoken::StateName) {
                    self.stage(now, seat, CallStage::Waiting);
                }
                self.voice(Voice::Play(channel, phrases::to(self.role_at(seat), &says)));
            }
            Output::Tell(seat, says) => {
                if let Some((channel, _)) = self.leg_of(seat) {
                    self.voice(Voice::Tell(channel, phrases::to(self.role_at(seat), &says)));
                }
            }
            Output::Hush(seat) => {
                if let Some((channel, _)) = self.leg_of(seat) {
                    self.voice(Voice::Hush(channel));
                }
            }
            Output::RecordName(seat) => {
                if let Some((channel, _)) = self.leg_of(seat) {
                    self.voice(Voice::RecordName(channel));
                }
            }
            Output::KeepName(seat) => {
                if let Some((channel, _)) = self.leg_of(seat) {
                    self.voice(Voice::KeepName(channel));
                }
            }
            Output::PlayName { to, of } => {
                if let Some((channel, _)) = self.leg_of(to) {
                    self.voice(Voice::PlayName(channel, Channel::at(of.0)));
                }
            }
            Output::Announce(room, sentence) => {
                let Some(conference) = self.open_room(room) else { return };
                match phrases::to_all(sentence) {
                    Some(phrase) => self.voice(Voice::Announce(conference, phrase)),
                    None => self.tell_each(room, sentence),
                }
            }
            Output::AnnounceName { room, of, left } => {
                if let Some(conference) = self.open_room(room) {
                    self.voice(Voice::AnnounceName(conference, Channel::at(of.0), left));
                }
            }
            Output::Tone(room, tone) => {
                if let Some(conference) = self.open_room(room) {
                    self.voice(match tone {
                        Tone::Entry => Voice::EntryTone(conference),
                        Tone::Exit => Voice::ExitTone(conference),
                        Tone::Knock => Voice::KnockTone(conference),
                    });
                }
            }
            Output::Dismiss(seat, last_word) => {
                if self.leg_of(seat).is_some() {
                    self.dismiss(
                        now,
                        seat.0,
                        match last_word {
                            LastWord::Kicked => Prompt::PutOut,
                            LastWord::Ended(_) => Prompt::ConferenceEnded,
                        },
                    );
                }
            }
            Output::Close(room, seat) => {
                let Some(event) = self.event_of(room) else { return };
                let by = self.calls[seat.0].as_ref().map(|call| call.id);
                self.close_event(now, event, Closed::Ended, by);
            }
            Output::DialOut(room, seat, number) => {
                if let Err(why) = self.invite(now, room, Some(seat), &number) {
                    self.rooms.not_called(seat, why);
                }
            }
            Output::GiveUp(call) => self.give_up(now, CallId(call)),
            Output::EndsAt(room, at) => {
                if let Some(event) = self.event_of(room) {
                    self.report(now, What::ConferenceEnds { event, at });
                }
            }
            Output::Happened(room, what) => {
                let Some(event) = self.event_of(room) else { return };
                let what = what.try_map(|seat| self.calls[seat.0].as_ref().map(|call| call.id));
                if let Some(what) = what {
                    self.report(now, What::Conference { event, what });
                }
            }
        }
    }

    /// A sentence to all who are in, to each with the keys he has.
    fn tell_each(&mut self, room: Room, sentence: Spoken) {
        let says: Says = [sentence].into_iter().collect();
        for seat in (0..self.calls.len()).map(Seat) {
            let Some(look) = self.rooms.member(seat).filter(|m| m.room == room && m.place == Place::Present) else {
                continue;
            };
            if let Some((channel, _)) = self.leg_of(seat) {
                self.voice(Voice::Tell(channel, phrases::to(look.role, &says)));
            }
        }
    }

    fn role_at(&self, seat: Seat) -> Role {
        self.rooms.member(seat).map_or(Role::Listener, |look| look.role)
    }

    /// In the mix from this moment: whoever speaks over the announcement is heard.
    fn joined(&mut self, now: Duration, seat: Seat, room: Room) {
        let (Some((channel, _)), Some(conference)) = (self.leg_of(seat), self.open_room(room)) else { return };
        self.stage(now, seat, CallStage::InConference);
        if let (Some(call), Some(event)) = (self.calls[seat.0].as_ref(), self.event_of(room)) {
            let role = match self.role_at(seat) {
                Role::Host => event::Role::Host,
                Role::Speaker => event::Role::Speaker,
                Role::Listener => event::Role::Listener,
            };
            let call = call.id;
            self.report(now, What::Joined { call, event, role });
        }
        self.voice(Voice::Join(channel, conference));
        // Who was speaking already while he keyed would otherwise be noticed only after his next pause.
        let Some(call) = self.calls[seat.0].as_ref().filter(|call| call.talking) else { return };
        self.report(now, What::Talking { call: call.id, talking: true });
        if self.rooms.is_heard(seat) {
            self.put_on_air(now, conference);
        }
    }

    fn stage(&mut self, now: Duration, seat: Seat, stage: CallStage) {
        if let Some(call) = self.calls[seat.0].as_ref() {
            let call = call.id;
            self.report(now, What::CallStage { call, stage });
        }
    }

    /// The channel of a member who has not left meanwhile, and his conference.
    fn leg_of(&self, seat: Seat) -> Option<(Channel, ConferenceIndex)> {
        let member = self.calls[seat.0].as_ref()?.membership.as_ref()?;
        Some((Channel::at(seat.0), member.conference))
    }

    /// A conference that has not been closed meanwhile.
    fn open_room(&self, room: Room) -> Option<ConferenceIndex> {
        self.conferences[room.0].as_ref().map(|_| ConferenceIndex(room.0 as u16))
    }

    pub(super) fn event_of(&self, room: Room) -> Option<EventNumber> {
        self.conferences[room.0].as_ref().map(|conference| conference.event)
    }
}
