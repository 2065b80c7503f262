//! What all answers are made from.

use crate::access::Actor;
use crate::accounts::Accounts;
use crate::config::Config;
use crate::events::{Events, Known};
use crate::gateway::Gateway;
use crate::limit::{Limiter, asker};
use crate::problem::Problem;
use crate::sessions::Sessions;
use axum::http::{HeaderMap, header};
use control::EventState;
use event::link::Presence;
use event::{EventNumber, Guard, Role as PinRole, Status};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Passwords checked at a time: each takes 19 MiB and a core for tens of milliseconds.
const PASSWORDS_AT_ONCE: usize = 2;
/// What [`Portal::state_of`] may say.
pub(crate) const STATES: [&str; 8] = ["reserved", "waiting", "live", "idle", "ended", "cancelled", "over", "archived"];
/// The guard counts attempts by trunk as well; the portal is one.
const PORTAL: u16 = 0;

/// Whom a connection is from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What all answers are made from.
pub(crate) struct Portal {
    pub(crate) config: Config,
    /// What addresses begin with.
    pub(crate) base: String,
    pub(crate) events: Events,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) presence: Presence,
    pub(crate) requests: Mutex<Limiter>,
    pub(crate) reservations: Mutex<Limiter>,
    pub(crate) sign_ins: Mutex<Limiter>,
    accounts: Accounts,
    guard: Mutex<Guard>,
    passwords: Semaphore,
    began: Instant,
}

/// Of all that is shared here, each is whole at every moment: a panic elsewhere does not spoil it.
pub(crate) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) type Shared = Arc<Portal>;

impl Portal {
    pub(crate) fn new(
        config: Config,
        base: String,
        events: Events,
        gateway: Arc<Gateway>,
        accounts: Accounts,
    ) -> Portal {
        Portal {
            base,
            events,
            gateway,
            accounts,
            sessions: Mutex::default(),
            presence: Presence::default(),
            requests: Mutex::new(Limiter::an_hour(config.limits.requests)),
            reservations: Mutex::new(Limiter::an_hour(config.limits.reservations)),
            sign_ins: Mutex::new(Limiter::an_hour(config.limits.sign_ins)),
            guard: Mutex::new(Guard::default()),
            passwords: Semaphore::new(PASSWORDS_AT_ONCE),
            began: Instant::now(),
            config,
        }
    }

    /// Since the start.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Takes one of what an asker may have.
    ///
    /// # Errors
    /// 429, and when to come again.
    pub(crate) fn take(&self, limiter: &Mutex<Limiter>, peer: Peer) -> Result<(), Problem> {
        locked(limiter).take(self.now(), asker(peer.0)).map_err(Problem::too_many)
    }

    /// Runs what may wait for a disk.
    ///
    /// # Errors
    /// What it says.
    pub(crate) async fn slowly<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Portal) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let portal = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&portal)).await;
        done.map_err(|_| Problem::unavailable("that could not be done"))?
    }

    /// An event and what the gateway says of it.
    pub(crate) async fn find(self: &Arc<Self>, number: EventNumber) -> Result<Known, Problem> {
        match self.events.at_hand(number) {
            Some(known) => Ok(known),
            None => self.slowly(move |portal| portal.events.find(number)).await,
        }
    }

    /// Tells the gateway of an event that is new or has changed, so that it lists it. One that is away learns of it by a call.
    pub(crate) fn announce(self: &Arc<Self>, number: EventNumber) {
        let gateway = self.gateway.clone();
        tokio::spawn(async move {
            let told = gateway.ask(move |client| client.announce(&number.to_string())).await;
            if let Err(problem) = told {
                log::debug!(target: "portal", "event {} is not announced: {}", number.grouped(), problem.detail);
            }
        });
    }

    /// Takes from the store what the gateway has closed meanwhile: the records say so for good, the gateway for a day.
    pub(crate) async fn catch_up(self: &Arc<Self>) {
        let closed: Vec<EventNumber> = {
            let table = self.gateway.table();
            let late = |known: &Known| {
                let state = table.event(&known.number.to_string()).map(|event| event.state);
                let closed = matches!(state, Some(EventState::Ended | EventState::Cancelled | EventState::Over));
                closed && !known.is_closed()
            };
            self.events.all().into_iter().filter(late).map(|known| known.number).collect()
        };
        for number in closed {
            // It is looked at again with the next round.
            let _ = self.slowly(move |portal| portal.events.reread(number)).await;
        }
    }

    /// Says to the log and to the records what somebody did with an event.
    pub(crate) async fn note(self: &Arc<Self>, number: EventNumber, word: &'static str, said: &str, actor: &Actor) {
        let by = actor.shown();
        log::info!(target: "portal", "event {} {said}, by {by}", number.grouped());
        let server = self.gateway.table().server.clone();
        let work = move |portal: &Portal| {
            portal.events.records().happened(number, word, &by, &server, event::utc::now_ms());
            Ok(())
        };
        // It has said why if it is not recorded; what was done is done.
        let _ = self.slowly(work).await;
    }

    /// Where an event stands, in a word.
    pub(crate) fn state_of(&self, known: &Known) -> &'static str {
        match known.status {
            Status::Cancelled => return "cancelled",
            Status::Ended => return "ended",
            Status::Over => return "over",
            Status::Archived => return "archived",
            _ => {}
        }
        let table = self.gateway.table();
        match table.event(&known.number.to_string()).map(|event| (event.state, event.streams.is_empty())) {
            Some((EventState::Live, false)) => "live",
            Some((EventState::Live, true)) => "waiting",
            Some((EventState::Idle | EventState::ArchiveDue, _)) => "idle",
            Some((EventState::Over, _)) => "over",
            Some((EventState::Ended, _)) => "ended",
            Some((EventState::Cancelled, _)) => "cancelled",
            Some((EventState::Reserved | EventState::Unknown, _)) | None => "reserved",
        }
    }

    /// Whether this is the host's PIN of this event. Counts as an attempt on the telephone does.
    pub(crate) fn is_host(&self, number: EventNumber, pin: &str, peer: Peer) -> bool {
        let role = self.events.keyring().verify(number, pin.as_bytes());
        let (now, asker) = (self.now(), asker(peer.0));
        let mut guard = locked(&self.guard);
        let allowed = guard.check(now, number, asker, PORTAL).is_allowed();
        if allowed && role == Some(PinRole::Host) {
            guard.succeeded(now, asker);
            return true;
        }
        let locks = guard.failed(now, number, asker, PORTAL);
        if locks.any() {
            log::warn!(target: "portal", "too many wrong PINs for event {}: {locks:?}", number.grouped());
        }
        false
    }

    /// Whoever has this account and password, or this event number and host's PIN.
    ///
    /// # Errors
    /// 401 when it is wrong, 429 when it was tried too often.
    pub(crate) async fn sign_in(self: &Arc<Self>, name: &str, secret: &str, peer: Peer) -> Result<Actor, Problem> {
        self.take(&self.sign_ins, peer)?;
        let refused = || {
            Problem::new(
                axum::http::StatusCode::UNAUTHORIZED,
                "unauthorized",
                "name and password, or number and PIN, do not fit",
            )
        };
        if let Ok(number) = EventNumber::parse(name) {
            let digits: String = secret.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
            return if self.is_host(number, &digits, peer) {
                Ok(self.welcome(Actor::HostOf(number), peer))
            } else {
                Err(refused())
            };
        }
        let _slot = self.passwords.acquire().await.map_err(|_| Problem::unavailable("the portal is closing down"))?;
        let (given, password) = (name.to_owned(), secret.to_owned());
        let role = self.slowly(move |portal| Ok(portal.accounts.sign_in(&given, &password))).await?;
        role.map(|role| self.welcome(Actor::Known { name: name.to_owned(), role }, peer)).ok_or_else(refused)
    }

    /// Only attempts that fail count.
    fn welcome(&self, actor: Actor, peer: Peer) -> Actor {
        locked(&self.sign_ins).give_back(asker(peer.0));
        actor
    }

    /// Who asks, by the head of his request; the session of a cookie is for pages alone.
    ///
    /// # Errors
    /// 401 for a token, name or password that is wrong; nobody is not wrong.
    pub(crate) async fn actor(self: &Arc<Self>, headers: &HeaderMap, peer: Peer) -> Result<Actor, Problem> {
        let Some(line) = headers.get(header::AUTHORIZATION) else { return Ok(Actor::Nobody) };
        let line = line.to_str().map_err(|_| Problem::unauthorized())?;
        let (scheme, rest) = line.split_once(' ').unwrap_or((line, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            if let Some((name, role)) = self.accounts.token(rest.trim()) {
                return Ok(Actor::Known { name: name.to_owned(), role });
            }
            self.take(&self.sign_ins, peer)?;
            return Err(Problem::unauthorized());
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let (name, secret) = name_and_secret(rest).ok_or_else(Problem::unauthorized)?;
            return self.sign_in(&name, &secret, peer).await;
        }
        Err(Problem::unauthorized())
    }
}

/// What HTTP Basic carries (RFC 7617 clause 2).
fn name_and_secret(text: &str) -> Option<(String, String)> {
    let text = String::from_utf8(decode_base64(text.trim())?).ok()?;
    text.split_once(':').map(|(name, secret)| (name.to_owned(), secret.to_owned()))
}

/// The password in a request's head, whoever says it.
pub(crate) fn password_in(headers: &HeaderMap) -> Option<String> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") { name_and_secret(rest).map(|(_, secret)| secret) } else { None }
}

/// The value of a cookie (RFC 6265 clause 4.2).
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// RFC 4648 clause 4, with or without padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0u32, 0);
    for octet in text.trim_end_matches('=').bytes() {
        let value = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_the_clause_has_it() {
        // RFC 4648 clause 10.
        for (text, expected) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(decode_base64(text), Some(expected.as_bytes().to_vec()), "{text}");
        }
        assert_eq!(decode_base64("Zm9v YmFy"), None);
    }
}
