//! The data link of a D channel, or the two of a group with a backup: which of them carries the signalling.
//!
//! ```text
//!                primary up                                  active lost, the other up: it is established anew,
//!   neither ─────────────────────────► primary in service ─┐ the lost one is maintenance busy until the far end
//!      │  ▲                            backup stands by    │ has answered on the other, or T321
//!      │  └── both lost: T321 ────────                     ▼
//!      └───── T321, backup up ───────► backup in service, primary stands by when it is back
//! ```
//! The one that has taken over keeps the signalling when the other comes back. Layer 3 never sees the change as a loss:
//! messages wait in the new link until it is established.
//!
//! The two ends need not notice a failure together. An end that has taken over says so by establishing a link that was up,
//! and by speaking on it; so a message on the link that stands by counts if that link was established after the last
//! message on the active one, and is ignored otherwise. On the primary, which has priority, the first message after it was
//! established always counts; so two ends that have chosen differently come together.
//!
//! Data path: data links ↔ here ↔ `desk` (messages out), [`DChannel`](crate::DChannel) (what has come of it).
//! Time: the links', and T321.
//! Source: Q.931 (05/98) Annex F.2.1 (roles), F.2.2 (switch-over), table 9-1 (T321). Departures: layer 3 need not wait for
//! the answer to its first message before it sends others; what makes a message on the standby link count is ours, as the
//! annex takes for granted that both ends see a failure.
//! Words: active, of a link: it carries the signalling; confirmed: the far end has spoken on it since it became active.

use crate::q921::{self, DataLink, Parameters, QUEUE_LENGTH, SendError, StateName, Writer};
use crate::{LinkId, LinkState, Side};
use std::time::Duration;

/// What has come of an input, for the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing.
    None,
    /// There is an active link, where there was none, or its far end has reset it.
    Up { reset: bool },
    /// There is no active link any more.
    Down,
    /// The other link has taken over.
    TakenOver,
}

/// What is known of a link beside its data link. Stamps count events of both links in their order.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    up: bool,
    established: u64,
    heard: u64,
    /// Held down: maintenance busy.
    busy: bool,
    /// Held down by the owner.
    manual: bool,
    /// The state the owner knows.
    known: LinkState,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Links {
    primary: DataLink,
    backup: Option<Box<DataLink>>,
    standing: [Standing; 2],
    active: Option<LinkId>,
    /// When the active link became so.
    since: u64,
    stamp: u64,
    t321: Option<Duration>,
    t321_value: Duration,
}

const BOTH: [LinkId; 2] = [LinkId::Primary, LinkId::Backup];

impl Links {
    pub fn new(side: Side, parameters: Parameters, with_backup: bool, t321_value: Duration) -> Links {
        Links {
            primary: DataLink::new(side, parameters),
            backup: with_backup.then(|| Box::new(DataLink::new(side, parameters))),
            standing: [Standing::default(); 2],
            active: None,
            since: 0,
            stamp: 0,
            t321: None,
            t321_value,
        }
    }

    pub const fn primary(&self) -> &DataLink {
        &self.primary
    }

    pub fn get(&self, link: LinkId) -> Option<&DataLink> {
        match link {
            LinkId::Primary => Some(&self.primary),
            LinkId::Backup => self.backup.as_deref(),
        }
    }

    fn get_mut(&mut self, link: LinkId) -> Option<&mut DataLink> {
        match link {
            LinkId::Primary => Some(&mut self.primary),
            LinkId::Backup => self.backup.as_deref_mut(),
        }
    }

    fn of(&mut self, link: LinkId) -> &mut Standing {
        &mut self.standing[link as usize]
    }

    pub const fn active(&self) -> Option<LinkId> {
        self.active
    }

    pub const fn state(&self, link: LinkId) -> LinkState {
        let standing = &self.standing[link as usize];
        match (standing.manual, standing.busy, standing.up, self.active) {
            (true, ..) => LinkState::Manual,
            (_, true, ..) => LinkState::MaintenanceBusy,
            (_, _, true, Some(active)) if active as usize == link as usize => LinkState::InService,
            (_, _, true, _) => LinkState::Standby,
            (_, _, false, _) => LinkState::OutOfService,
        }
    }

    /// A state that the owner has not been told. A D channel without a backup has none but the link's.
    pub fn next_news(&mut self) -> Option<(LinkId, LinkState)> {
        self.backup.as_ref()?;
        BOTH.into_iter().find_map(|link| {
            let state = self.state(link);
            (std::mem::replace(&mut self.of(link).known, state) != state).then_some((link, state))
        })
    }

    pub fn start(&mut self, now: Duration) {
        self.establish_all(now);
        self.await_backup(now);
    }

    /// Establishes what is not held down by the owner.
    fn establish_all(&mut self, now: Duration) {
        for link in BOTH {
            self.of(link).busy = false;
            let manual = self.of(link).manual;
            if let Some(data_link) = self.get_mut(link).filter(|_| !manual) {
                data_link.establish(now);
            }
        }
    }

    fn await_backup(&mut self, now: Duration) {
        self.t321 = self.backup.is_some().then(|| now.saturating_add(self.t321_value));
    }

    pub fn stop(&mut self, now: Duration) {
        self.t321 = None;
        for link in BOTH {
            if let Some(data_link) = self.get_mut(link) {
                data_link.release(now);
            }
        }
    }

    /// The same, and a far end that wants a link is refused until [`start`](Self::start).
    pub fn withdraw(&mut self, now: Duration) {
        self.t321 = None;
        for link in BOTH {
            if let Some(data_link) = self.get_mut(link) {
                data_link.withdraw(now);
            }
        }
    }

    pub fn line_restored(&mut self, now: Duration, link: LinkId) {
        if let Some(data_link) = self.get_mut(link) {
            data_link.line_restored(now);
        }
    }

    /// The line under a link is dead. With the other one standing by there is no need to wait until the data link finds out.
    pub fn line_failed(&mut self, now: Duration, link: LinkId) -> Change {
        if self.active == Some(link) && self.of(link.other()).up && !self.is_stopped(link) {
            self.take_over(now, link.other())
        } else {
            Change::None
        }
    }

    /// The owner holds a link down, or lets it go.
    pub fn set_manual(&mut self, now: Duration, link: LinkId, manual: bool) -> Change {
        if self.get(link).is_none() || std::mem::replace(&mut self.of(link).manual, manual) == manual {
            return Change::None;
        }
        self.of(link).busy = false;
        let Some(data_link) = self.get_mut(link) else { return Change::None };
        if !manual {
            data_link.establish(now);
            return Change::None;
        }
        data_link.withdraw(now);
        if self.active == Some(link) && self.of(link.other()).up {
            return self.take_over(now, link.other());
        }
        Change::None
    }

    /// Gives the message that a frame has brought, if there is room to act upon it.
    pub fn take_frame<'a>(&mut self, now: Duration, link: LinkId, frame: &'a [u8], room: bool) -> Option<&'a [u8]> {
        self.get_mut(link)?.take_frame(now, frame, room)
    }

    pub fn poll_timeout(&self) -> Option<Duration> {
        let backup = self.backup.as_ref().and_then(|backup| backup.poll_timeout());
        [self.primary.poll_timeout(), backup, self.t321].into_iter().flatten().min()
    }

    /// What has come of T321, if it has expired.
    pub fn handle_timeout(&mut self, now: Duration) -> Option<Change> {
        self.primary.handle_timeout(now);
        if let Some(backup) = &mut self.backup {
            backup.handle_timeout(now);
        }
        self.t321.filter(|at| *at <= now)?;
        self.t321 = None;
        // Both are asked for (F.2.2). One that is up and alone is chosen.
        self.establish_all(now);
        if self.active.is_some() {
            return Some(Change::None);
        }
        let up = BOTH.into_iter().find(|link| self.of(*link).up);
        Some(match up {
            Some(link) => self.choose(link),
            None => {
                self.await_backup(now);
                Change::None
            }
        })
    }

    #[inline]
    pub fn next_frame(&mut self) -> Option<(LinkId, &[u8])> {
        if self.primary.has_frame() {
            return Some((LinkId::Primary, self.primary.next_frame()?));
        }
        let frame = self.backup.as_mut()?.next_frame()?;
        Some((LinkId::Backup, frame))
    }

    /// Whether something has become of a link.
    #[inline]
    pub fn has_change(&self) -> bool {
        self.primary.has_change() || self.backup.as_ref().is_some_and(|backup| backup.has_change())
    }

    /// What has become of a link.
    pub fn take_change(&mut self) -> Option<(LinkId, q921::Change)> {
        if let Some(change) = self.primary.take_change() {
            return Some((LinkId::Primary, change));
        }
        let change = self.backup.as_mut()?.take_change()?;
        Some((LinkId::Backup, change))
    }

    pub fn send_with(&mut self, now: Duration, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
        match self.active.and_then(|link| self.get_mut(link)) {
            Some(data_link) => data_link.send_with(now, write),
            None => Err(SendError::LinkDown),
        }
    }

    /// Whether half of the active link's queue is free.
    pub fn has_room_to_spare(&self) -> bool {
        let active = self.active.and_then(|link| self.get(link));
        active.is_some_and(|data_link| data_link.waiting() < QUEUE_LENGTH / 2)
    }

    /// Establishes the active link again, so that both ends find out what was lost.
    pub fn reset(&mut self, now: Duration) {
        if let Some(data_link) = self.active.and_then(|link| self.get_mut(link)) {
            data_link.reset(now);
        }
    }

    /// The active link is being established again: what is sent now waits, and what was sent before may be lost.
    pub fn is_coming_up(&self) -> bool {
        let active = self.active.and_then(|link| self.get(link));
        active.is_some_and(|data_link| data_link.state() == StateName::AwaitingEstablishment)
    }

    fn next_stamp(&mut self) -> u64 {
        self.stamp += 1;
        self.stamp
    }

    fn choose(&mut self, link: LinkId) -> Change {
        self.active = Some(link);
        self.since = self.next_stamp();
        if link == LinkId::Primary {
            self.t321 = None;
        }
        Change::Up { reset: false }
    }

    /// The far end has spoken on the active link since that became active.
    fn is_confirmed(&self) -> bool {
        self.active.is_some_and(|link| self.standing[link as usize].heard > self.since)
    }

    /// DL-ESTABLISH indication or confirm.
    pub fn established(&mut self, now: Duration, link: LinkId, reset: bool) -> Change {
        let stamp = self.next_stamp();
        let standing = self.of(link);
        (standing.up, standing.established) = (true, stamp);
        match (self.active, link) {
            (Some(active), _) if active == link => Change::Up { reset },
            // Priority is the primary's, unless the backup is at work.
            (None, LinkId::Primary) => self.choose(link),
            (Some(LinkId::Backup), LinkId::Primary) if !self.is_confirmed() && self.t321.is_none() => {
                self.take_over(now, link)
            }
            // The primary may still come; T321 is the time it has.
            (None, LinkId::Backup) if self.t321.is_none() => self.choose(link),
            _ => Change::None,
        }
    }

    /// DL-RELEASE indication or confirm.
    pub fn released(&mut self, now: Duration, link: LinkId) -> Change {
        self.of(link).up = false;
        if self.active != Some(link) {
            return Change::None;
        }
        let stopped = self.is_stopped(link);
        if self.of(link.other()).up && !stopped {
            return self.take_over(now, link.other());
        }
        self.active = None;
        // A data link tries again by itself; two of them are asked for together.
        if self.backup.is_some() && !stopped {
            self.establish_all(now);
            self.await_backup(now);
        }
        Change::Down
    }

    /// The owner has taken both links down: the other one has no part to play, though it may still be up.
    fn is_stopped(&self, link: LinkId) -> bool {
        !self.get(link).is_some_and(DataLink::is_wanted) && !self.standing[link as usize].manual
    }

    /// F.2.2: the link that stands by is established anew, which tells the far end; the other one is held down meanwhile.
    fn take_over(&mut self, now: Duration, to: LinkId) -> Change {
        let from = to.other();
        self.active = Some(to);
        self.since = self.next_stamp();
        let lost = !self.of(from).manual;
        self.of(from).busy = lost;
        if let Some(data_link) = self.get_mut(from).filter(|_| lost) {
            data_link.withdraw(now);
        }
        if let Some(data_link) = self.get_mut(to) {
            data_link.establish_anew(now);
        }
        self.await_backup(now);
        Change::TakenOver
    }

    /// A message has come in: whether it counts, and what has come of it. See the module.
    pub fn heard(&mut self, now: Duration, link: LinkId) -> (bool, Change) {
        let stamp = self.next_stamp();
        let standing = self.standing[link as usize];
        let first = standing.established > standing.heard;
        self.of(link).heard = stamp;
        let change = match self.active {
            Some(active) if active == link => Change::None,
            None if standing.up => self.choose(link),
            Some(active) => {
                let newer = standing.established > self.standing[active as usize].heard;
                if !(first && (newer || link == LinkId::Primary)) {
                    return (false, Change::None);
                }
                self.active = Some(link);
                self.since = stamp - 1;
                Change::TakenOver
            }
            None => return (false, Change::None),
        };
        // The far end has answered: what was held down may come back, and stand by.
        if self.t321.take().is_some() {
            self.establish_all(now);
        }
        (true, change)
    }
}
