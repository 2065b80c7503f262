//! What the stories play in: one hall, people at its seats, and whatever is to be done for them done at once.

#![allow(dead_code, reason = "each test program uses a part of it")]

use conference::{
    Answer, By, Conferences, DialOut, Happening, LastWord, Menus, Order, Output, Place, Policy, Refused, Role, Room,
    Seat, Spoken, Tone,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub const SEATS: usize = 12;
pub const ROOMS: usize = 3;
pub const ROOM: Room = Room(0);

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub struct Hall {
    pub conferences: Conferences,
    pub now: Duration,
    /// What was said to each and has not been looked at.
    pub said: BTreeMap<Seat, Vec<Spoken>>,
    /// What was said to all.
    pub announced: Vec<Spoken>,
    pub tones: Vec<Tone>,
    /// Who is in the mix, and whether he is heard there.
    pub mix: BTreeMap<Seat, bool>,
    pub held: BTreeSet<Seat>,
    pub dismissed: Vec<(Seat, LastWord)>,
    pub happened: Vec<Happening<Seat>>,
    /// When each ends, as was told last.
    pub ends: BTreeMap<Room, Option<Duration>>,
    /// Names: asked for, played to whom, announced.
    pub recording: BTreeSet<Seat>,
    pub played: Vec<(Seat, Seat)>,
    pub announced_names: Vec<(Seat, bool)>,
    pub closed: Vec<(Room, Seat)>,
    pub dialled: Vec<String>,
    pub given_up: Vec<u64>,
    /// How often something said was cut short.
    pub hushed: usize,
    /// How often something was said in place of what was being said.
    pub cut_short: usize,
}

impl Hall {
    pub fn new(policy: Policy) -> Hall {
        Hall::with_dial_out(policy, DialOut::default())
    }

    pub fn with_dial_out(policy: Policy, dial_out: DialOut) -> Hall {
        let mut hall = Hall {
            conferences: Conferences::new(SEATS, ROOMS, Menus::default(), dial_out),
            now: seconds(1000),
            said: BTreeMap::new(),
            announced: Vec::new(),
            tones: Vec::new(),
            mix: BTreeMap::new(),
            held: BTreeSet::new(),
            dismissed: Vec::new(),
            happened: Vec::new(),
            ends: BTreeMap::new(),
            recording: BTreeSet::new(),
            played: Vec::new(),
            announced_names: Vec::new(),
            closed: Vec::new(),
            dialled: Vec::new(),
            given_up: Vec::new(),
            hushed: 0,
            cut_short: 0,
        };
        hall.conferences.open(ROOM, policy);
        hall.drain();
        hall
    }

    pub fn enter(&mut self, seat: usize, role: Role) -> Seat {
        self.try_enter(seat, role).expect("let in")
    }

    pub fn try_enter(&mut self, seat: usize, role: Role) -> Result<Seat, Refused> {
        self.now += seconds(5);
        let entered = self.conferences.enter(self.now, ROOM, Seat(seat), role);
        self.drain();
        // Long enough for the # that many key after their PIN.
        self.now += seconds(3);
        entered.map(|()| Seat(seat))
    }

    pub fn keys(&mut self, seat: Seat, keys: &str) {
        for key in keys.bytes() {
            self.now += Duration::from_millis(300);
            self.conferences.key(self.now, seat, key);
            self.drain();
        }
    }

    pub fn order(&mut self, order: Order<Seat>) -> Result<Answer, Refused> {
        let answer = self.conferences.order(self.now, ROOM, &order);
        self.drain();
        answer
    }

    /// He hangs up.
    pub fn leave(&mut self, seat: Seat) {
        self.gone(seat);
        self.drain();
    }

    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.conferences.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.conferences.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    /// All that plays to him has been played.
    pub fn played(&mut self, seat: Seat) {
        self.conferences.said(self.now, seat);
        self.drain();
    }

    /// What was said to him since this was asked last.
    pub fn heard(&mut self, seat: Seat) -> Vec<Spoken> {
        self.said.remove(&seat).unwrap_or_default()
    }

    /// What was said to all since this was asked last.
    pub fn announced(&mut self) -> Vec<Spoken> {
        std::mem::take(&mut self.announced)
    }

    pub fn is_heard(&self, seat: Seat) -> bool {
        let heard = self.mix.get(&seat).copied().unwrap_or(false);
        assert_eq!(heard, self.conferences.is_heard(seat), "what is done is what is so");
        heard
    }

    pub fn place(&self, seat: Seat) -> Option<Place> {
        self.conferences.member(seat).map(|look| look.place)
    }

    pub fn count(&self, is: impl Fn(&Happening<Seat>) -> bool) -> usize {
        self.happened.iter().filter(|what| is(what)).count()
    }

    /// He is gone; what follows is to be drained.
    pub fn gone(&mut self, seat: Seat) {
        self.mix.remove(&seat);
        self.held.remove(&seat);
        self.recording.remove(&seat);
        self.conferences.leave(self.now, seat);
    }

    /// Do what is to be done.
    pub fn drain(&mut self) {
        while let Some(output) = self.conferences.poll_output() {
            match output {
                Output::Join(seat, room) => {
                    assert_eq!(self.conferences.member(seat).map(|look| look.room), Some(room));
                    assert!(!self.held.contains(&seat), "no music in the conference");
                    assert!(self.mix.insert(seat, true).is_none(), "joined twice");
                }
                Output::Heard(seat, heard) => {
                    let was = self.mix.insert(seat, heard);
                    assert_eq!(was, Some(!heard), "told once, of who is in");
                }
                Output::Hold(seat, true) => {
                    assert!(!self.mix.contains_key(&seat), "whoever waits is in no mix");
                    self.held.insert(seat);
                }
                Output::Hold(seat, false) => assert!(self.held.remove(&seat)),
                Output::Say(seat, says) => {
                    self.cut_short += 1;
                    self.said.entry(seat).or_default().extend(says);
                }
                Output::Tell(seat, says) => self.said.entry(seat).or_default().extend(says),
                Output::Hush(seat) => {
                    assert!(self.conferences.member(seat).is_some());
                    self.hushed += 1;
                }
                Output::RecordName(seat) => _ = self.recording.insert(seat),
                Output::KeepName(seat) => {
                    assert!(self.recording.remove(&seat));
                    self.conferences.named(self.now, seat, true);
                }
                Output::PlayName { to, of } => self.played.push((to, of)),
                Output::Announce(_, sentence) => self.announced.push(sentence),
                Output::AnnounceName { of, left, .. } => self.announced_names.push((of, left)),
                Output::Tone(_, tone) => self.tones.push(tone),
                Output::Dismiss(seat, word) => {
                    self.dismissed.push((seat, word));
                    self.gone(seat);
                }
                Output::Close(room, seat) => self.closed.push((room, seat)),
                Output::DialOut(_, _, number) => self.dialled.push(number.as_str().to_owned()),
                Output::GiveUp(call) => self.given_up.push(call),
                Output::EndsAt(room, at) => {
                    assert_ne!(self.ends.insert(room, at).flatten(), at, "told once");
                }
                Output::Happened(_, what) => self.happened.push(what),
            }
        }
        assert_eq!(self.conferences.lost_outputs(), 0);
    }
}

/// By a member's own keys.
pub fn own(seat: Seat) -> By<Seat> {
    By::Member(seat)
}
