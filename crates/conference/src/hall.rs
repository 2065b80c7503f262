//! All conferences with their members: who comes in, waits, and leaves.

use crate::inviting::Invitation;
use crate::keys::Menus;
use crate::member::{Floor, Look, Member};
use crate::policy::{DialOut, EntryExit, HostLeaves, Policy};
use crate::words::{
    By, Count, EndReason, Happening, LastWord, Mode, MutedBy, Output, Place, Refused, Role, Room, Says, Seat, Spoken,
    Tone, Waiting,
};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a name may be, and a little for the tone before it.
pub(crate) const NAMING: Duration = Duration::from_secs(5);
/// Less than this is less than a minute.
const ALMOST_A_MINUTE: Duration = Duration::from_secs(45);

/// How a conference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Who is heard.
    pub mode: Mode,
    /// Nobody but hosts is let in.
    pub locked: bool,
    /// Whoever comes is muted.
    pub all_muted: bool,
    /// Nobody can lift a host's mute himself.
    pub mutes_locked: bool,
    /// How many there are.
    pub count: Count,
    /// When it ends, as it stands.
    pub ends_at: Option<Duration>,
}

pub(crate) struct Open {
    pub policy: Policy,
    pub mode: Mode,
    pub locked: bool,
    pub all_muted: bool,
    pub mutes_locked: bool,
    /// A host has been there: nobody waits for one any more.
    pub begun: bool,
    /// There were as many as there have to be.
    pub enough: bool,
    pub present: u16,
    pub hosts: u16,
    pub waiting: u16,
    /// Being asked for their names.
    pub naming: u16,
    /// Hosts among those: they never wait.
    pub hosts_naming: u16,
    pub hands: u16,
    /// When it has lasted as long as it may, and whether that was told.
    pub until: Option<Duration>,
    pub warned: bool,
    /// When it ends for want of a host.
    pub hostless_until: Option<Duration>,
    /// When it ends for want of people.
    pub too_few_until: Option<Duration>,
    /// Everybody is being let go.
    pub ended: bool,
    /// It is on the air, and so recorded if anything is.
    pub on_air: bool,
    /// The end of it that was told last.
    told_end: Option<Duration>,
}

impl Open {
    fn new(policy: Policy) -> Open {
        Open {
            policy,
            mode: policy.mode,
            locked: false,
            all_muted: false,
            mutes_locked: false,
            begun: false,
            enough: false,
            present: 0,
            hosts: 0,
            waiting: 0,
            naming: 0,
            hosts_naming: 0,
            hands: 0,
            until: None,
            warned: false,
            hostless_until: None,
            too_few_until: None,
            ended: false,
            on_air: false,
            told_end: None,
        }
    }

    pub fn members(&self) -> u16 {
        self.present + self.waiting + self.naming
    }

    /// Those whom `max_members` counts.
    pub fn guests(&self) -> u16 {
        self.members() - self.hosts - self.hosts_naming
    }

    pub fn ends_at(&self) -> Option<Duration> {
        self.end().map(|(at, _)| at)
    }

    /// The first of its ends, and why.
    pub fn end(&self) -> Option<(Duration, EndReason)> {
        let ends = [
            (self.too_few_until, EndReason::TooFew),
            (self.hostless_until, EndReason::HostLeft),
            (self.until, EndReason::TooLong),
        ];
        ends.into_iter().filter_map(|(at, why)| Some((at?, why))).min_by_key(|(at, _)| *at)
    }

    /// Whether coming and leaving is told while so many are there.
    fn tells(&self) -> bool {
        self.policy.quiet_above == 0 || self.present <= self.policy.quiet_above
    }
}

/// All conferences of a server.
pub struct Conferences {
    pub(crate) rooms: Box<[Option<Open>]>,
    /// By seat.
    pub(crate) members: Box<[Option<Member>]>,
    pub(crate) menus: Menus,
    pub(crate) dial_out: DialOut,
    /// Calls out; room for as many as there may be.
    pub(crate) invitations: Vec<Invitation>,
    /// How many are being asked for a number.
    pub(crate) numbers_asked: u16,
    pub(crate) turns: u64,
    outputs: VecDeque<Output>,
    lost: u64,
}

impl Conferences {
    /// None open, nobody in; for so many seats and rooms.
    #[must_use]
    pub fn new(seats: usize, rooms: usize, menus: Menus, mut dial_out: DialOut) -> Conferences {
        // More than there are seats find none.
        dial_out.max_in_all = dial_out.max_in_all.min(u16::try_from(seats).unwrap_or(u16::MAX));
        Conferences {
            rooms: (0..rooms).map(|_| None).collect(),
            members: (0..seats).map(|_| None).collect(),
            menus,
            invitations: Vec::with_capacity(dial_out.max_in_all.into()),
            dial_out,
            numbers_asked: 0,
            turns: 0,
            // The most there is: all who wait are let in at once, and each is told of and spoken to.
            outputs: VecDeque::with_capacity(64 + seats * 8),
            lost: 0,
        }
    }

    /// Open a conference under these rules. What was there before is forgotten.
    pub fn open(&mut self, room: Room, policy: Policy) {
        self.rooms[room.0] = Some(Open::new(policy));
        if policy.mode != Mode::default() {
            self.happened(room, Happening::Mode { mode: policy.mode, by: By::Rules });
        }
    }

    /// Close one: nobody is in it any more.
    pub fn close(&mut self, room: Room) {
        self.give_up_into(room);
        self.rooms[room.0] = None;
    }

    /// What is to be done next; drain after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Outputs that found no room. Anything but 0 is a mistake of ours.
    #[must_use]
    pub fn lost_outputs(&self) -> u64 {
        self.lost
    }

    /// How a conference stands, if it is open.
    #[must_use]
    pub fn state(&self, room: Room) -> Option<State> {
        let open = self.rooms.get(room.0)?.as_ref()?;
        let count =
            Count { present: open.present, hosts: open.hosts, waiting: open.waiting + open.naming, hands: open.hands };
        Some(State {
            mode: open.mode,
            locked: open.locked,
            all_muted: open.all_muted,
            mutes_locked: open.mutes_locked,
            count,
            ends_at: open.ends_at(),
        })
    }

    /// What can be seen of whoever is at a seat.
    #[must_use]
    pub fn member(&self, seat: Seat) -> Option<Look> {
        let member = self.members.get(seat.0)?.as_ref()?;
        let mode = self.rooms[member.room.0].as_ref().map_or(Mode::Conversation, |open| open.mode);
        Some(Look {
            room: member.room,
            role: member.role,
            place: member.place,
            muted: member.muted(mode),
            hand: member.hand,
            has_floor: member.floor != Floor::None,
            named: member.named,
        })
    }

    /// Whether what is said at a seat is heard by others.
    #[must_use]
    pub fn is_heard(&self, seat: Seat) -> bool {
        self.member(seat).is_some_and(|look| look.place == Place::Present && look.muted.is_none())
    }

    /// Seats of the members of a room.
    pub fn members_of(&self, room: Room) -> impl Iterator<Item = Seat> + '_ {
        let is_in = move |(_, member): &(usize, &Option<Member>)| member.as_ref().is_some_and(|m| m.room == room);
        self.members.iter().enumerate().filter(is_in).map(|(seat, _)| Seat(seat))
    }

    /// Whether somebody in this role may come in.
    ///
    /// # Errors
    /// [`Refused::NoConference`], [`Refused::Locked`], [`Refused::Full`]; the last two never for a host.
    pub fn may_enter(&self, room: Room, role: Role) -> Result<(), Refused> {
        let open = self.rooms.get(room.0).and_then(Option::as_ref).filter(|open| !open.ended);
        let open = open.ok_or(Refused::NoConference)?;
        if role == Role::Host {
            return Ok(());
        }
        if open.locked {
            return Err(Refused::Locked);
        }
        let most = open.policy.max_members;
        if most > 0 && open.guests() >= most { Err(Refused::Full) } else { Ok(()) }
    }

    /// Somebody comes in, to be asked for his name, to wait, or to be there at once.
    ///
    /// # Errors
    /// Those of [`Conferences::may_enter`]; then nothing has changed.
    pub fn enter(&mut self, now: Duration, room: Room, seat: Seat, role: Role) -> Result<(), Refused> {
        debug_assert!(self.members[seat.0].is_none(), "two at one seat");
        self.may_enter(room, role)?;
        let Some(open) = self.rooms[room.0].as_mut() else { return Err(Refused::NoConference) };
        open.naming += 1;
        open.hosts_naming += u16::from(role == Role::Host);
        let names = open.policy.names;
        self.turns += 1;
        self.members[seat.0] = Some(Member::new(room, role, self.turns, now));
        if names && role != Role::Listener {
            self.say(seat, &[Spoken::StateName]);
        } else {
            self.arrive(now, seat);
        }
        Ok(())
    }

    /// All that was to be said at a seat was said.
    pub fn said(&mut self, now: Duration, seat: Seat) {
        let Some(member) = self.members[seat.0].as_mut() else { return };
        match member.place {
            Place::Naming if member.name_until.is_none() => {
                member.name_until = Some(now + NAMING);
                self.push(Output::RecordName(seat));
            }
            Place::Present => {
                member.learns = false;
                self.number_goes_on(now, seat);
                self.go_on_with_roll_call(seat);
            }
            Place::Naming | Place::Waiting(_) => {}
        }
    }

    /// What was kept as the name of whoever is at a seat is all there will be of it; `heard`: it is more than silence.
    pub fn named(&mut self, now: Duration, seat: Seat, heard: bool) {
        let Some(member) = self.members[seat.0].as_mut().filter(|m| m.place == Place::Naming) else { return };
        member.named = heard;
        member.name_until = None;
        self.arrive(now, seat);
    }

    /// He has no more to do but to wait, or to be there.
    fn arrive(&mut self, now: Duration, seat: Seat) {
        // Where everybody is being let go nobody comes in any more.
        let Some((member, open)) = self.both(seat).filter(|(_, open)| !open.ended) else { return };
        let waits = match member.role {
            Role::Host => None,
            _ if open.policy.wait_for_host && !open.begun => Some(Waiting::Host),
            _ => open.policy.waiting_room.then_some(Waiting::Admission),
        };
        match waits {
            Some(what) => self.wait(seat, what),
            None => self.place(now, seat, By::Rules),
        }
    }

    fn wait(&mut self, seat: Seat, what: Waiting) {
        let Some((member, open)) = self.both(seat) else { return };
        if member.place == Place::Naming {
            open.naming -= 1;
            open.waiting += 1;
        }
        member.place = Place::Waiting(what);
        let (room, knocks) = (member.room, what == Waiting::Admission && open.hosts > 0);
        self.say(seat, &[waiting_sentence(what)]);
        self.push(Output::Hold(seat, true));
        self.happened(room, Happening::Waits { who: seat, what });
        if knocks {
            self.push(Output::Tone(room, Tone::Knock));
        }
    }

    /// He is in from now on.
    pub(crate) fn place(&mut self, now: Duration, seat: Seat, by: By<Seat>) {
        let Some((member, open)) = self.both(seat) else { return };
        let (room, role, waited) = (member.room, member.role, member.is_waiting());
        if waited {
            open.waiting -= 1;
        } else {
            open.naming -= 1;
            open.hosts_naming -= u16::from(role == Role::Host);
        }
        member.place = Place::Present;
        member.host_muted = open.all_muted && role == Role::Speaker;
        open.present += 1;
        let first_host = role == Role::Host && open.hosts == 0;
        open.hosts += u16::from(role == Role::Host);
        let (alone, tells) = (open.present == 1, open.tells());
        let recorded = open.policy.recorded && open.policy.announce_recording;
        let muted = member.muted(open.mode);
        let entry = match open.policy.entry_exit {
            EntryExit::Nothing => None,
            EntryExit::Name if member.named => Some(Output::AnnounceName { room, of: seat, left: false }),
            EntryExit::Name | EntryExit::Tone => Some(Output::Tone(room, Tone::Entry)),
        };
        if open.until.is_none() {
            open.until = open.policy.max_duration.map(|lasts| now + lasts);
        }
        if open.policy.min_members > 0 && open.present >= open.policy.min_members {
            open.enough = true;
            open.too_few_until = None;
        }
        let mode = open.mode;
        if waited {
            self.push(Output::Hold(seat, false));
        }
        self.push(Output::Join(seat, room));
        if waited {
            self.happened(room, Happening::Admitted { who: seat, by });
        }
        self.tell_muted(seat, By::Rules);
        let mut says = Says::new();
        // Three at most: there is room.
        let _ = says.push(if alone { Spoken::First } else { Spoken::Joined });
        if recorded {
            let _ = says.push(Spoken::Recorded);
        }
        if let Some(muted) = muted.filter(|_| role != Role::Listener) {
            let _ = says.push(muted_sentence(muted, mode, false));
        }
        self.push(Output::Say(seat, says));
        if let Some(entry) = entry.filter(|_| tells) {
            self.push(entry);
        }
        if first_host {
            self.host_came(now, room);
        }
        self.tell_end(room);
    }

    fn host_came(&mut self, now: Duration, room: Room) {
        let Some(open) = self.rooms[room.0].as_mut() else { return };
        open.begun = true;
        open.hostless_until = None;
        let knocking = open.policy.waiting_room;
        self.happened(room, Happening::HostCame);
        for seat in 0..self.members.len() {
            let waits = |m: &Member| m.room == room && m.place == Place::Waiting(Waiting::Host);
            match self.members[seat].as_ref().is_some_and(waits) {
                true if knocking => self.wait(Seat(seat), Waiting::Admission),
                true => self.place(now, Seat(seat), By::Rules),
                false => {}
            }
        }
    }

    /// Whoever has waited longest.
    pub(crate) fn next_waiting(&self, room: Room) -> Option<Seat> {
        self.first_by(room, |m| m.is_waiting().then_some(m.turn))
    }

    /// The member for whom this is least.
    pub(crate) fn first_by(&self, room: Room, turn: impl Fn(&Member) -> Option<u64>) -> Option<Seat> {
        let of = |(seat, member): (usize, &Option<Member>)| {
            let member = member.as_ref().filter(|m| m.room == room)?;
            Some((turn(member)?, Seat(seat)))
        };
        self.members.iter().enumerate().filter_map(of).min().map(|(_, seat)| seat)
    }

    /// Whoever is at a seat is gone, or on his way out. Whoever says so has taken him out of the mix, or given him no more music;
    /// his hand is lowered without a word.
    pub fn leave(&mut self, now: Duration, seat: Seat) {
        let Some(member) = self.members[seat.0].take() else { return };
        let room = member.room;
        self.numbers_asked -= u16::from(member.asked.is_number());
        self.give_up_of(seat);
        let Some(open) = self.rooms[room.0].as_mut() else { return };
        open.hands -= u16::from(member.hand.is_some());
        match member.place {
            Place::Naming => {
                open.naming -= 1;
                open.hosts_naming -= u16::from(member.role == Role::Host);
            }
            Place::Waiting(_) => open.waiting -= 1,
            Place::Present => {
                open.present -= 1;
                open.hosts -= u16::from(member.role == Role::Host);
                let tells = open.tells() && open.present > 0 && !open.ended;
                let exit = match open.policy.entry_exit {
                    EntryExit::Nothing => None,
                    EntryExit::Name if member.named => Some(Output::AnnounceName { room, of: seat, left: true }),
                    EntryExit::Name | EntryExit::Tone => Some(Output::Tone(room, Tone::Exit)),
                };
                if let Some(exit) = exit.filter(|_| tells) {
                    self.push(exit);
                }
            }
        }
        let Some(open) = self.rooms[room.0].as_mut() else { return };
        if open.members() == 0 {
            self.begin_anew(room);
        } else if !open.ended {
            if member.is_present() && member.role == Role::Host && open.hosts == 0 {
                self.host_left(now, room);
            }
            self.too_few(now, room);
        }
        self.tell_end(room);
    }

    /// Nobody is left: whoever comes next begins a conference of its own, on the stream that there may be.
    fn begin_anew(&mut self, room: Room) {
        self.give_up_into(room);
        let Some(open) = self.rooms[room.0].as_mut() else { return };
        let fresh = Open { on_air: open.on_air, told_end: open.told_end, ..Open::new(open.policy) };
        let was = std::mem::replace(open, fresh);
        let (mode, by) = (was.policy.mode, By::Rules);
        if was.mode != mode {
            self.happened(room, Happening::Mode { mode, by });
        }
        if was.locked {
            self.happened(room, Happening::Locked { locked: false, by });
        }
        if was.all_muted {
            self.happened(room, Happening::AllMuted { muted: false, locked: false, by });
        }
    }

    fn host_left(&mut self, now: Duration, room: Room) {
        let Some(open) = self.rooms[room.0].as_mut() else { return };
        match open.policy.host_leaves {
            HostLeaves::End => self.end(room, EndReason::HostLeft, By::Rules),
            HostLeaves::Grace(grace) => {
                let ends_at = now + grace;
                open.hostless_until = Some(ends_at);
                self.happened(room, Happening::HostGone { ends_at: Some(ends_at) });
                self.push(Output::Announce(room, Spoken::HostLeft));
            }
            HostLeaves::GoOn => {
                self.happened(room, Happening::HostGone { ends_at: None });
                // Nobody is there who could undo it with his keys. Who waits to be let in waits on: that is no host's deed but
                // a rule, and a host whose line was lost must not let in whom he has not seen.
                self.lock_mutes(room, false);
                self.lock(room, false, By::Rules);
                if self.rooms[room.0].as_ref().is_some_and(|open| open.mode != Mode::Conversation) {
                    self.set_mode(room, Mode::Conversation, By::Rules);
                }
            }
        }
    }

    fn too_few(&mut self, now: Duration, room: Room) {
        let Some(open) = self.rooms[room.0].as_mut().filter(|open| !open.ended) else { return };
        if open.enough && open.present < open.policy.min_members && open.too_few_until.is_none() {
            let at = now + open.policy.min_grace;
            open.too_few_until = Some(at);
            self.happened(room, Happening::EndsSoon(at));
            self.push(Output::Announce(room, Spoken::EndingSoon(minutes(at - now))));
        }
    }

    /// Whoever calls this lets everybody go, and says why: nothing more is said here.
    pub fn shut(&mut self, room: Room) {
        self.give_up_into(room);
        if let Some(open) = self.rooms[room.0].as_mut() {
            open.ended = true;
            (open.until, open.hostless_until, open.too_few_until) = (None, None, None);
        }
        self.tell_end(room);
    }

    /// Tell when it ends, if that has changed.
    fn tell_end(&mut self, room: Room) {
        let Some(open) = self.rooms[room.0].as_mut() else { return };
        let at = open.ends_at();
        if at != open.told_end {
            open.told_end = at;
            self.push(Output::EndsAt(room, at));
        }
    }

    /// Everybody is told and let go.
    pub(crate) fn end(&mut self, room: Room, why: EndReason, by: By<Seat>) {
        if self.rooms[room.0].as_ref().is_none_or(|open| open.ended) {
            return;
        }
        self.shut(room);
        self.happened(room, Happening::Ended { why, by });
        for seat in 0..self.members.len() {
            if self.members[seat].as_ref().is_some_and(|m| m.room == room) {
                self.push(Output::Dismiss(Seat(seat), LastWord::Ended(why)));
            }
        }
    }

    /// It is on the air from now on.
    pub fn on_air(&mut self, room: Room) {
        let Some(open) = self.rooms[room.0].as_mut().filter(|open| !open.on_air) else { return };
        open.on_air = true;
        if open.policy.recorded && open.policy.announce_recording {
            self.push(Output::Announce(room, Spoken::RecordingStarts));
        }
    }

    /// Tell whether he is heard, if that has changed.
    pub(crate) fn tell_muted(&mut self, seat: Seat, by: By<Seat>) {
        let Some((member, open)) = self.both(seat) else { return };
        let muted = member.muted(open.mode);
        if !member.is_present() || muted == member.told {
            return;
        }
        let changed = muted.is_some() != member.told.is_some();
        member.told = muted;
        let room = member.room;
        if changed {
            self.push(Output::Heard(seat, muted.is_none()));
        }
        self.happened(room, Happening::Muted { who: seat, muted, by });
    }

    pub(crate) fn tell_all_muted(&mut self, room: Room, by: By<Seat>) {
        for seat in 0..self.members.len() {
            if self.members[seat].as_ref().is_some_and(|m| m.room == room) {
                self.tell_muted(Seat(seat), by);
            }
        }
    }

    /// A member and his room.
    pub(crate) fn both(&mut self, seat: Seat) -> Option<(&mut Member, &mut Open)> {
        let member = self.members.get_mut(seat.0)?.as_mut()?;
        let open = self.rooms.get_mut(member.room.0)?.as_mut()?;
        Some((member, open))
    }

    pub(crate) fn say(&mut self, seat: Seat, sentences: &[Spoken]) {
        self.push(Output::Say(seat, sentences.iter().copied().collect()));
    }

    pub(crate) fn happened(&mut self, room: Room, what: Happening<Seat>) {
        self.push(Output::Happened(room, what));
    }

    pub(crate) fn push(&mut self, output: Output) {
        // Growing would allocate on the real-time thread.
        if self.outputs.len() < self.outputs.capacity() {
            self.outputs.push_back(output);
        } else {
            self.lost += 1;
        }
    }
}

/// Whole minutes, as people would say it: 90 seconds are two, half a minute is less than one.
pub(crate) fn minutes(time: Duration) -> u16 {
    if time < ALMOST_A_MINUTE { 0 } else { u16::try_from((time.as_secs() + 30) / 60).unwrap_or(u16::MAX) }
}

pub(crate) const fn waiting_sentence(what: Waiting) -> Spoken {
    match what {
        Waiting::Host => Spoken::WaitForHost,
        Waiting::Admission => Spoken::WaitForAdmission,
    }
}

/// What somebody hears who is not heard, for this reason.
pub(crate) const fn muted_sentence(muted: MutedBy, mode: Mode, mutes_locked: bool) -> Spoken {
    match (muted, mode) {
        (MutedBy::Oneself, _) => Spoken::Muted,
        (MutedBy::Host, _) if mutes_locked => Spoken::MutesLocked,
        (MutedBy::Host, _) => Spoken::MutedByHost,
        (MutedBy::Mode, Mode::Question) => Spoken::QuestionMuted,
        (MutedBy::Mode, _) => Spoken::LectureMuted,
        (MutedBy::Role, _) => Spoken::ListenerMuted,
    }
}
