//! Attendee links: what lets somebody listen, in an address, and proves itself.
//!
//! ```text
//!   https://host/a/v1.10.PChebhUAAAAA…AAQ.nS5Jb_c…/
//!                   │  │  │                └── MAC, 16 octets
//!                   │  │  └── what it says: event, epoch, attendee, rights, times
//!                   │  └───── key id, as in the event number
//!                   └──────── v1: an invitation; m1: a media token
//! ```
//!
//! An *invitation* is sent to people and lasts as long as the reservation is kept: the planned hour is only a
//! guide. Whoever shows it gets a *media token*, good for minutes and for the stream ports. Neither is looked
//! up anywhere: with the key ring at hand they are checked while content store and database are away. What
//! the checker may know besides is passed in: that the event has ended, or that its links were renewed (its
//! *epoch* was raised). The key of every event and epoch is another, so no link of an old epoch can be made
//! one of the new.
//!
//! ```text
//!   event key = HMAC-SHA256(key, 2 || "attendee link" || event number || epoch || 1)
//!   MAC       = HMAC-SHA256(event key, kind || length of audience || audience || fields), first 16 octets
//!   password  = HMAC-SHA256(event key, 3 || attendee || password), first 16 octets
//! ```
//!
//! The *audience* is the installation's name: a link of one is none of another that has the same keys. A
//! password is in the link only as a MAC under a key that its bearer does not have, so it cannot be searched
//! for at home; who tries here is slowed down by whoever calls this.
//!
//! Data path: a [`Link`] → [`Links::issue`] → address; address → [`Links::open`] → [`Link`] →
//! [`Links::admit`] → media token → [`Links::open_pass`] → [`Pass`], at a stream port.
//! Time: milliseconds of UTC, given by the caller; seconds in the token; [`SKEW_MS`] between clocks.
//! Source: RFC 5869 clause 2.3 for the event key (its first block; the keys are random, so clause 3.3 lets
//! extraction be left out), RFC 2104 for MACs, RFC 4648 clause 5 for letters.
//! Words: an *attendee* here is whoever the link was made for, however many hear through it.

mod base64url;
mod presence;

pub use presence::{Presence, Present};

use crate::key::Key;
use crate::keyring::Keyring;
use crate::number::EventNumber;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// How far clocks of two servers may be apart.
pub const SKEW_MS: u64 = 60_000;

/// Begins what event keys are derived from; 1 is the PINs'.
const LINK_USE: u8 = 2;
/// Begins what a password is turned into under an event key.
const PASSWORD_USE: u8 = 3;
const MAC_BYTES: usize = 16;
const INVITATION: &str = "v1";
const MEDIA: &str = "m1";
/// Event, epoch, attendee, rights, two times, limit.
const FIXED_BYTES: usize = 5 + 2 + 8 + 1 + 4 + 4 + 2;

const RIGHT_HOST: u8 = 1;
const RIGHT_ARCHIVE: u8 = 2;
const HAS_PASSWORD: u8 = 4;

/// Whom a link was made for: sixteen hexadecimal digits in logs, in which the token itself must not appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attendee(pub u64);

impl Attendee {
    /// One that nobody else has.
    ///
    /// # Panics
    /// When the operating system has no random numbers.
    #[must_use]
    pub fn random() -> Attendee {
        Attendee(getrandom::u64().expect("the operating system supplies random numbers"))
    }
}

impl fmt::Display for Attendee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a link lets its bearer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bearer {
    /// Listen.
    Listener,
    /// Listen, and see and do what hosts may on their page.
    Host,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// To this event.
    pub event: EventNumber,
    /// Of the event's links as they were renewed so often.
    pub epoch: u16,
    /// For this attendee.
    pub attendee: Attendee,
    /// Who may do this.
    pub bearer: Bearer,
    /// Also to the archive.
    pub archive: bool,
    /// From this moment on: milliseconds of UTC, in whole seconds. 0 stands for at once.
    pub not_before_ms: u64,
    /// Until this moment: the end of the reservation's retention. Milliseconds of UTC, in whole seconds.
    pub expires_ms: u64,
    /// So many at a time; 0 stands for any number.
    pub limit: u16,
    /// The password it wants, if it wants one.
    pub password: Option<PasswordMark>,
}

/// What a link knows of its password. Made by [`Links::mark`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PasswordMark([u8; MAC_BYTES]);

impl fmt::Debug for PasswordMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordMark(secret)")
    }
}

/// A media token: what a link was turned into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// For this event's streams.
    pub event: EventNumber,
    /// Of links of this epoch.
    pub epoch: u16,
    /// Whose link it was.
    pub attendee: Attendee,
    /// What he may do.
    pub bearer: Bearer,
    /// Also the archive.
    pub archive: bool,
    /// When it was made: milliseconds of UTC, in whole seconds.
    pub issued_ms: u64,
    /// Until when it is good.
    pub expires_ms: u64,
    /// So many at a time; 0 stands for any number.
    pub limit: u16,
}

/// What is known of an event when a token for it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may be attended with links of this epoch. An event of which nothing is known is in epoch 0 or later.
    Open {
        /// How often its links were renewed, as far as is known here.
        epoch: u16,
    },
    /// It has ended, or was cancelled, and has no archive to show.
    Ended,
}

/// Why a token opens nothing. Each has an answer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not one of ours, or not any more what we made: a sign was changed or lost.
    Altered,
    /// A good one, for another event.
    WrongEvent,
    /// It is good from this moment on (milliseconds of UTC).
    NotYet(u64),
    /// It was good until this moment (milliseconds of UTC).
    Expired(u64),
    /// The event's links were renewed, or its key was retired.
    Revoked,
    /// The event has ended.
    Ended,
    /// It wants a password.
    PasswordWanted,
    /// It wants another password.
    WrongPassword,
    /// As many as it allows (so many) are there already.
    TooMany(u16),
}

impl Refused {
    /// For programs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Refused::Altered => "altered",
            Refused::WrongEvent => "wrong-event",
            Refused::NotYet(_) => "not-yet",
            Refused::Expired(_) => "expired",
            Refused::Revoked => "revoked",
            Refused::Ended => "ended",
            Refused::PasswordWanted => "password-wanted",
            Refused::WrongPassword => "wrong-password",
            Refused::TooMany(_) => "too-many",
        }
    }

    /// The status of an HTTP answer that says so (RFC 9110, clause 15; RFC 6585 clause 4 for the last).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Refused::Altered | Refused::WrongEvent | Refused::NotYet(_) | Refused::Expired(_) | Refused::Revoked => 403,
            Refused::Ended => 410,
            Refused::PasswordWanted | Refused::WrongPassword => 401,
            Refused::TooMany(_) => 429,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Altered => f.write_str("this link is damaged: a sign of it was changed or lost"),
            Refused::WrongEvent => f.write_str("this link is for another event"),
            Refused::NotYet(ms) => write!(f, "this link is good from {} on", crate::utc::rfc3339(*ms)),
            Refused::Expired(ms) => write!(f, "this link was good until {}", crate::utc::rfc3339(*ms)),
            Refused::Revoked => f.write_str("this link was replaced by a newer one"),
            Refused::Ended => f.write_str("the event has ended"),
            Refused::PasswordWanted => f.write_str("this link wants a password"),
            Refused::WrongPassword => f.write_str("this is not the password of this link"),
            Refused::TooMany(limit) => write!(f, "{limit} listen through this link already, as many as it allows"),
        }
    }
}

impl std::error::Error for Refused {}

/// Makes links and opens them, for one installation.
#[derive(Clone, Debug)]
pub struct Links {
    audience: String,
}

impl Links {
    /// For an installation of this name, the same on all its servers. Of a name longer than 255 octets, these.
    #[must_use]
    pub fn new(audience: &str) -> Links {
        Links { audience: audience.to_owned() }
    }

    /// The token of a link; none when the key that its event names is not here or retired.
    #[must_use]
    pub fn issue(&self, ring: &Keyring, link: &Link) -> Option<String> {
        let rights = rights(link) | if link.password.is_some() { HAS_PASSWORD } else { 0 };
        let times = [link.not_before_ms, link.expires_ms];
        let mut fields = fields(link.event, link.epoch, link.attendee, rights, times, link.limit);
        fields.extend(link.password.iter().flat_map(|mark| mark.0));
        self.seal(ring, INVITATION, link.event, link.epoch, &fields)
    }

    /// What a link of this event, epoch and attendee is to know of its password.
    #[must_use]
    pub fn mark(
        &self,
        ring: &Keyring,
        event: EventNumber,
        epoch: u16,
        attendee: Attendee,
        password: &str,
    ) -> Option<PasswordMark> {
        let mac = password_mac(&event_key(ring.key(event.key_id())?, event, epoch), attendee, password);
        let mut mark = [0; MAC_BYTES];
        mark.copy_from_slice(&mac.finalize().into_bytes()[..MAC_BYTES]);
        Some(PasswordMark(mark))
    }

    /// What a link says, if it is good now. `standing` tells what is known of its event.
    ///
    /// # Errors
    /// Why it is not; what is wrong with the token itself comes before what is wrong with the moment, and that
    /// before the password.
    pub fn open(
        &self,
        ring: &Keyring,
        token: &str,
        now_ms: u64,
        standing: impl FnOnce(EventNumber) -> Standing,
        password: Option<&str>,
    ) -> Result<Link, Refused> {
        let fields = self.unseal(ring, INVITATION, token)?;
        let password_mark = match <[u8; MAC_BYTES]>::try_from(fields.rest.as_slice()) {
            Ok(mark) if fields.rights & HAS_PASSWORD != 0 => Some(PasswordMark(mark)),
            Err(_) if fields.rights & HAS_PASSWORD == 0 && fields.rest.is_empty() => None,
            _ => return Err(Refused::Altered),
        };
        let [not_before_ms, expires_ms] = fields.times_ms;
        fields.check(now_ms, not_before_ms, expires_ms, standing)?;
        if let Some(PasswordMark(mark)) = password_mark {
            let password = password.ok_or(Refused::PasswordWanted)?;
            let key = ring.key(fields.event.key_id()).ok_or(Refused::Revoked)?;
            let mac = password_mac(&event_key(key, fields.event, fields.epoch), fields.attendee, password);
            mac.verify_truncated_left(&mark).map_err(|_| Refused::WrongPassword)?;
        }
        Ok(Link {
            event: fields.event,
            epoch: fields.epoch,
            attendee: fields.attendee,
            bearer: fields.bearer(),
            archive: fields.rights & RIGHT_ARCHIVE != 0,
            not_before_ms,
            expires_ms,
            limit: fields.limit,
            password: password_mark,
        })
    }

    /// A media token for the bearer of this link, good for so long, while so many listen through it already.
    /// None as with [`Links::issue`].
    ///
    /// # Errors
    /// [`Refused::TooMany`], [`Refused::Revoked`] when the key has been retired.
    pub fn admit(
        &self,
        ring: &Keyring,
        link: &Link,
        now_ms: u64,
        valid_ms: u64,
        present: u32,
    ) -> Result<String, Refused> {
        if link.limit > 0 && present >= u32::from(link.limit) {
            return Err(Refused::TooMany(link.limit));
        }
        let times = [now_ms, now_ms.saturating_add(valid_ms).min(link.expires_ms)];
        let fields = fields(link.event, link.epoch, link.attendee, rights(link), times, link.limit);
        self.seal(ring, MEDIA, link.event, link.epoch, &fields).ok_or(Refused::Revoked)
    }

    /// What a media token says, if it is good now and for this event; `present` listen with it already.
    ///
    /// # Errors
    /// Why it is not.
    pub fn open_pass(
        &self,
        ring: &Keyring,
        token: &str,
        now_ms: u64,
        event: EventNumber,
        standing: Standing,
        present: u32,
    ) -> Result<Pass, Refused> {
        let fields = self.unseal(ring, MEDIA, token)?;
        if !fields.rest.is_empty() || fields.rights & HAS_PASSWORD != 0 {
            return Err(Refused::Altered);
        }
        if fields.event != event {
            return Err(Refused::WrongEvent);
        }
        let [issued_ms, expires_ms] = fields.times_ms;
        fields.check(now_ms, issued_ms, expires_ms, |_| standing)?;
        if fields.limit > 0 && present >= u32::from(fields.limit) {
            return Err(Refused::TooMany(fields.limit));
        }
        Ok(Pass {
            event: fields.event,
            epoch: fields.epoch,
            attendee: fields.attendee,
            bearer: fields.bearer(),
            archive: fields.rights & RIGHT_ARCHIVE != 0,
            issued_ms,
            expires_ms,
            limit: fields.limit,
        })
    }

    fn seal(&self, ring: &Keyring, kind: &str, event: EventNumber, epoch: u16, fields: &[u8]) -> Option<String> {
        let id = event.key_id();
        let mac = self.mac(&event_key(ring.key(id)?, event, epoch), kind, fields).finalize().into_bytes();
        Some(format!("{kind}.{id}.{}.{}", base64url::encode(fields), base64url::encode(&mac[..MAC_BYTES])))
    }

    fn unseal(&self, ring: &Keyring, kind: &str, token: &str) -> Result<Fields, Refused> {
        let mut parts = token.split('.');
        let mut part = || parts.next().ok_or(Refused::Altered);
        let (found, id, fields, mac) = (part()?, part()?, part()?, part()?);
        if found != kind || parts.next().is_some() {
            return Err(Refused::Altered);
        }
        let octets = base64url::decode(fields).ok_or(Refused::Altered)?;
        let mac = base64url::decode(mac).filter(|mac| mac.len() == MAC_BYTES).ok_or(Refused::Altered)?;
        let fields = Fields::read(&octets).ok_or(Refused::Altered)?;
        let key_id = fields.event.key_id();
        if id != key_id.to_string() {
            return Err(Refused::Altered);
        }
        // A retired key proves nothing any more, not even that the link was one of ours.
        let key = ring.key(key_id).ok_or(Refused::Revoked)?;
        let proof = self.mac(&event_key(key, fields.event, fields.epoch), kind, &octets);
        // In constant time, and before anything that the token says is believed.
        proof.verify_truncated_left(&mac).map_err(|_| Refused::Altered)?;
        Ok(fields)
    }

    fn mac(&self, key: &Key, kind: &str, fields: &[u8]) -> Hmac<Sha256> {
        let audience = &self.audience.as_bytes()[..self.audience.len().min(255)];
        let mut mac = keyed(key);
        mac.update(kind.as_bytes());
        mac.update(&[audience.len() as u8]);
        mac.update(audience);
        mac.update(fields);
        mac
    }
}

/// What a token says, before it is judged.
struct Fields {
    event: EventNumber,
    epoch: u16,
    attendee: Attendee,
    rights: u8,
    times_ms: [u64; 2],
    limit: u16,
    rest: Vec<u8>,
}

impl Fields {
    fn read(octets: &[u8]) -> Option<Fields> {
        let (fixed, rest) = octets.split_at_checked(FIXED_BYTES)?;
        let number = |from: usize, to: usize| fixed[from..to].iter().fold(0, |n, &octet| n << 8 | u64::from(octet));
        Some(Fields {
            event: EventNumber::from_u64(number(0, 5)).ok()?,
            epoch: number(5, 7) as u16,
            attendee: Attendee(number(7, 15)),
            rights: fixed[15],
            times_ms: [number(16, 20) * 1000, number(20, 24) * 1000],
            limit: number(24, 26) as u16,
            rest: rest.to_vec(),
        })
    }

    fn bearer(&self) -> Bearer {
        if self.rights & RIGHT_HOST != 0 { Bearer::Host } else { Bearer::Listener }
    }

    fn check(
        &self,
        now_ms: u64,
        from_ms: u64,
        until_ms: u64,
        standing: impl FnOnce(EventNumber) -> Standing,
    ) -> Result<(), Refused> {
        if now_ms.saturating_add(SKEW_MS) < from_ms {
            return Err(Refused::NotYet(from_ms));
        }
        if now_ms > until_ms.saturating_add(SKEW_MS) {
            return Err(Refused::Expired(until_ms));
        }
        match standing(self.event) {
            Standing::Ended => Err(Refused::Ended),
            Standing::Open { epoch } if self.epoch < epoch => Err(Refused::Revoked),
            Standing::Open { .. } => Ok(()),
        }
    }
}

fn rights(link: &Link) -> u8 {
    let when = |so: bool, right: u8| if so { right } else { 0 };
    when(link.bearer == Bearer::Host, RIGHT_HOST) | when(link.archive, RIGHT_ARCHIVE)
}

fn fields(event: EventNumber, epoch: u16, attendee: Attendee, rights: u8, times: [u64; 2], limit: u16) -> Vec<u8> {
    let mut out = Vec::with_capacity(FIXED_BYTES + MAC_BYTES);
    out.extend_from_slice(&event.as_u64().to_be_bytes()[3..]);
    out.extend_from_slice(&epoch.to_be_bytes());
    out.extend_from_slice(&attendee.0.to_be_bytes());
    out.push(rights);
    for ms in times {
        out.extend_from_slice(&u32::try_from(ms / 1000).unwrap_or(u32::MAX).to_be_bytes());
    }
    out.extend_from_slice(&limit.to_be_bytes());
    out
}

fn event_key(key: &Key, event: EventNumber, epoch: u16) -> Key {
    let mut mac = keyed(key);
    mac.update(&[LINK_USE]);
    mac.update(b"attendee link");
    mac.update(&event.as_u64().to_be_bytes());
    mac.update(&epoch.to_be_bytes());
    mac.update(&[1]);
    Key::new(mac.finalize().into_bytes().into())
}

fn password_mac(key: &Key, attendee: Attendee, password: &str) -> Hmac<Sha256> {
    let mut mac = keyed(key);
    mac.update(&[PASSWORD_USE]);
    mac.update(&attendee.0.to_be_bytes());
    mac.update(password.as_bytes());
    mac
}

fn keyed(key: &Key) -> Hmac<Sha256> {
    Hmac::new_from_slice(key.octets()).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests;
