//! Who may listen at the stream ports when that is not everybody: whoever shows a media token.
//!
//! The portal turns an attendee link into one (`/a/TOKEN/pass`), good for some minutes and for one event. It proves itself under the
//! key ring, so neither store nor database nor the portal is asked, and whoever listens already goes on when it has run out. The
//! links of an event that were renewed give no new tokens at once, and those given before run out within those minutes.

use cast::{Because, Door, Seat, TurnedAway};
use event::link::{Presence, Standing};
use event::{EventNumber, Keyring, Links, Refused, utc};
use std::fmt;

/// Checks media tokens, and counts who listens with which.
pub struct Doorkeeper {
    keyring: Keyring,
    links: Links,
    presence: Presence,
}

impl Doorkeeper {
    /// For the links of the installation of this name.
    #[must_use]
    pub fn new(keyring: Keyring, installation: &str) -> Doorkeeper {
        Doorkeeper { keyring, links: Links::new(installation), presence: Presence::default() }
    }
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doorkeeper").field("links", &self.links).finish_non_exhaustive()
    }
}

impl Door for Doorkeeper {
    fn admit(&self, event: &str, pass: Option<&str>, to_stay: bool) -> Result<Option<Seat>, TurnedAway> {
        let forbidden = |text: String| TurnedAway { because: Because::Forbidden, text };
        let pass = pass.ok_or_else(|| {
            forbidden("This stream is for those who were sent its link: open the link instead.".to_owned())
        })?;
        let event = EventNumber::parse(event).map_err(|error| forbidden(error.to_string()))?;
        let open = Standing::Open { epoch: 0 };
        let admitted = self
            .links
            .open_pass(&self.keyring, pass, utc::now_ms(), event, open, 0)
            .and_then(|pass| to_stay.then(|| self.presence.enter(pass.attendee, pass.limit)).transpose());
        match admitted {
            Ok(present) => Ok(present.map(|present| Box::new(present) as Seat)),
            Err(why) => Err(TurnedAway {
                because: match why {
                    Refused::Ended => Because::Gone,
                    Refused::TooMany(_) => Because::TooMany,
                    _ => Because::Forbidden,
                },
                text: format!("{why}; open the link you were sent again."),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::link::{Attendee, Bearer, Link};

    const INSTALLATION: &str = "example";

    fn doorkeeper() -> (Doorkeeper, EventNumber) {
        let keyring = Keyring::random();
        let number = EventNumber::random(keyring.current());
        (Doorkeeper::new(keyring, INSTALLATION), number)
    }

    fn pass(door: &Doorkeeper, event: EventNumber, limit: u16, valid_ms: u64) -> String {
        let (epoch, attendee, not_before_ms) = (0, Attendee(7), 0);
        let (bearer, archive, password) = (Bearer::Listener, false, None);
        let expires_ms = utc::now_ms() + 3_600_000;
        let link = Link { event, epoch, attendee, bearer, archive, not_before_ms, expires_ms, limit, password };
        let now_ms = utc::now_ms() - event::link::SKEW_MS - 2000;
        door.links.admit(&door.keyring, &link, now_ms, valid_ms, 0).expect("a key")
    }

    #[test]
    fn a_token_opens_its_event_and_no_other_for_as_many_as_its_link_allows() {
        let (door, event) = doorkeeper();
        let other = EventNumber::random(door.keyring.current());
        let good = pass(&door, event, 1, 600_000);
        let because = |event: EventNumber, pass: Option<&str>, to_stay| {
            door.admit(&event.to_string(), pass, to_stay).map(|seat| seat.is_some()).map_err(|why| why.because)
        };
        assert_eq!(because(event, Some(&good), false), Ok(false), "who only asks takes no seat");
        let seat = door.admit(&event.to_string(), Some(&good), true).expect("a good one");
        assert_eq!(because(event, Some(&good), true), Err(Because::TooMany));
        assert_eq!(because(event, Some(&good), false), Ok(false));
        drop(seat);
        assert_eq!(because(event, Some(&good), true), Ok(true));
        assert_eq!(because(other, Some(&good), true), Err(Because::Forbidden));
        assert_eq!(because(event, None, true), Err(Because::Forbidden));
        assert_eq!(because(event, Some("m1.10.AA.BB"), true), Err(Because::Forbidden));
        assert_eq!(because(event, Some(&pass(&door, event, 1, 1000)), true), Err(Because::Forbidden), "run out");
    }

    #[test]
    fn links_of_another_installation_open_nothing() {
        let (door, event) = doorkeeper();
        let elsewhere = Doorkeeper::new(door.keyring.clone(), "elsewhere");
        let token = pass(&elsewhere, event, 0, 600_000);
        let why = door.admit(&event.to_string(), Some(&token), true).map(|_| ()).expect_err("another's");
        assert!(why.because == Because::Forbidden && why.text.contains("damaged"), "{}", why.text);
    }
}
