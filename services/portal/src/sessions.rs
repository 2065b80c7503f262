//! Who is signed in: a random name in a cookie, and what it stands for here.
//!
//! The name is kept only as its hash, so that memory of this process shown to somebody signs nobody in. Each session has a second
//! secret for its forms, against requests that other sites make in its name.
//!
//! Time: since the start, given by the caller.

use crate::access::Actor;
use crate::accounts::{hash_of, random_hex};
use std::collections::HashMap;
use std::time::Duration;

/// A session ends when it has not been used for so long.
const IDLE: Duration = Duration::from_secs(3600);
/// It ends then in any case.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// Sessions at a time; the one used longest ago goes first.
const MOST: usize = 10_000;

/// What a session stands for.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Who.
    pub(crate) actor: Actor,
    /// What its forms must say.
    pub(crate) form_secret: String,
    began: Duration,
    used: Duration,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_hash: HashMap<String, Session>,
}

impl Sessions {
    /// Begins one; its name, for the cookie.
    pub(crate) fn begin(&mut self, now: Duration, actor: Actor) -> String {
        self.by_hash.retain(|_, session| session.lives(now));
        if self.by_hash.len() >= MOST {
            let oldest = self.by_hash.iter().min_by_key(|(_, session)| session.used).map(|(hash, _)| hash.clone());
            oldest.map(|hash| self.by_hash.remove(&hash));
        }
        let name = random_hex();
        let session = Session { actor, form_secret: random_hex(), began: now, used: now };
        self.by_hash.insert(hash_of(&name), session);
        name
    }

    /// The session of this name, if it lives; that counts as use.
    pub(crate) fn find(&mut self, now: Duration, name: &str) -> Option<Session> {
        let hash = hash_of(name);
        let session = self.by_hash.get_mut(&hash)?;
        if !session.lives(now) {
            self.by_hash.remove(&hash);
            return None;
        }
        session.used = now;
        Some(session.clone())
    }

    /// Ends one.
    pub(crate) fn end(&mut self, name: &str) {
        self.by_hash.remove(&hash_of(name));
    }
}

impl Session {
    fn lives(&self, now: Duration) -> bool {
        now.saturating_sub(self.used) < IDLE && now.saturating_sub(self.began) < LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_while_it_is_used_but_not_for_ever() {
        let mut sessions = Sessions::default();
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let name = sessions.begin(minutes(0), Actor::Nobody);
        assert!(sessions.find(minutes(59), &name).is_some());
        assert!(sessions.find(minutes(118), &name).is_some(), "used an hour less a minute ago");
        assert!(sessions.find(minutes(179), &name).is_none(), "idle");
        let name = sessions.begin(minutes(200), Actor::Nobody);
        let lived = (0..40).take_while(|n| sessions.find(minutes(200 + 30 * n), &name).is_some()).count();
        assert_eq!(lived, 24, "twelve hours");
        let name = sessions.begin(minutes(5000), Actor::Nobody);
        sessions.end(&name);
        assert!(sessions.find(minutes(5000), &name).is_none() && sessions.find(minutes(5000), "").is_none());
    }

    #[test]
    fn two_sessions_have_nothing_in_common() {
        let mut sessions = Sessions::default();
        let names = [0, 0].map(|_| sessions.begin(Duration::ZERO, Actor::Nobody));
        let secrets = names.each_ref().map(|name| sessions.find(Duration::ZERO, name).unwrap().form_secret);
        assert!(names[0] != names[1] && secrets[0] != secrets[1] && names[0] != secrets[0]);
        assert!(sessions.by_hash.keys().all(|hash| !names.contains(hash)), "names are not kept");
    }
}
