//! Links as they are sent, changed, kept too long, passed on, and turned into media tokens.

use super::*;
use crate::key::KeyId;
use proptest::prelude::*;

const NOW: u64 = 1_795_184_515_000;
const DAY: u64 = 86_400_000;

fn ring() -> Keyring {
    Keyring::new(KeyId::FIRST, Key::new(std::array::from_fn(|i| i as u8)))
}

fn links() -> Links {
    Links::new("conferences.example.com")
}

fn event() -> EventNumber {
    EventNumber::with_serial(KeyId::FIRST, 1_234_567)
}

fn link() -> Link {
    Link {
        event: event(),
        epoch: 0,
        attendee: Attendee(0x0123_4567_89AB_CDEF),
        bearer: Bearer::Listener,
        archive: true,
        not_before_ms: 0,
        expires_ms: NOW + 30 * DAY,
        limit: 2,
        password: None,
    }
}

fn nothing_known(_: EventNumber) -> Standing {
    Standing::Open { epoch: 0 }
}

fn open(token: &str) -> Result<Link, Refused> {
    links().open(&ring(), token, NOW, nothing_known, None)
}

/// Computed apart from this program, with the standard HMAC of another language: links that were sent must
/// stay good.
#[test]
fn links_that_were_sent_stay_good() {
    let token = links().issue(&ring(), &link()).unwrap();
    assert_eq!(token, "v1.10.ADxXK08AAAEjRWeJq83vAgAAAABrJ-SDAAI.76mhLQqcRbBhYJH-kmriAQ");
    assert_eq!(open(&token), Ok(link()));
    assert!(token.len() < 70);
}

#[test]
fn any_bit_that_is_changed_is_found() {
    let ring = ring();
    let mark = links().mark(&ring, event(), 0, link().attendee, "tulip");
    let pass = links().admit(&ring, &link(), NOW, 600_000, 0).unwrap();
    for token in [link(), Link { password: mark, ..link() }].map(|link| links().issue(&ring, &link).unwrap()) {
        assert!(links().open(&ring, &token, NOW, nothing_known, Some("tulip")).is_ok());
        for other in damaged(&token) {
            let said = links().open(&ring, &other, NOW, nothing_known, Some("tulip"));
            assert!(matches!(said, Err(Refused::Altered | Refused::Revoked)), "{other}: {said:?}");
        }
    }
    for other in damaged(&pass) {
        let said = links().open_pass(&ring, &other, NOW, event(), Standing::Open { epoch: 0 }, 0);
        assert!(matches!(said, Err(Refused::Altered | Refused::Revoked)), "{other}: {said:?}");
    }
}

/// Every text that differs in one bit, lacks a sign or has one more.
fn damaged(token: &str) -> Vec<String> {
    let flipped = (0..token.len() * 8).filter_map(|bit| {
        let mut octets = token.as_bytes().to_vec();
        octets[bit / 8] ^= 1 << (bit % 8);
        // What is no text cannot even be asked.
        String::from_utf8(octets).ok()
    });
    let shorter = (0..token.len()).map(|end| token[..end].to_owned());
    let longer = ["A", ".", "=", " "].map(|more| format!("{token}{more}"));
    flipped.chain(shorter).chain(longer).collect()
}

#[test]
fn each_reason_has_an_answer_of_its_own() {
    let (ring, links) = (ring(), links());
    let at = |link: &Link, now_ms: u64, standing: Standing, password: Option<&str>| {
        let token = links.issue(&ring, link).unwrap();
        links.open(&ring, &token, now_ms, |_| standing, password).map(drop)
    };
    let known = |epoch| Standing::Open { epoch };
    let later = Link { not_before_ms: NOW + DAY, ..link() };
    let until = link().expires_ms;
    assert_eq!(at(&later, NOW, known(0), None), Err(Refused::NotYet(NOW + DAY)));
    assert_eq!(at(&later, NOW + DAY - SKEW_MS, known(0), None), Ok(()));
    assert_eq!(at(&link(), until + SKEW_MS, known(0), None), Ok(()));
    assert_eq!(at(&link(), until + SKEW_MS + 1, known(0), None), Err(Refused::Expired(until)));
    assert_eq!(at(&link(), NOW, known(1), None), Err(Refused::Revoked));
    assert_eq!(at(&Link { epoch: 1, ..link() }, NOW, known(1), None), Ok(()));
    // Made on another server, from which the news has not come yet.
    assert_eq!(at(&Link { epoch: 1, ..link() }, NOW, known(0), None), Ok(()));
    assert_eq!(at(&link(), NOW, Standing::Ended, None), Err(Refused::Ended));

    let mark = links.mark(&ring, event(), 0, link().attendee, "tulip");
    let locked = Link { password: mark, ..link() };
    assert_eq!(at(&locked, NOW, known(0), None), Err(Refused::PasswordWanted));
    assert_eq!(at(&locked, NOW, known(0), Some("rose")), Err(Refused::WrongPassword));
    assert_eq!(at(&locked, NOW, known(0), Some("tulip")), Ok(()));
    assert_eq!(at(&link(), NOW, known(0), Some("rose")), Ok(()), "asked for none, minds none");
    // The mark of one attendee's link is of no use in another's.
    let borrowed = Link { attendee: Attendee(7), ..locked };
    assert_eq!(at(&borrowed, NOW, known(0), Some("tulip")), Err(Refused::WrongPassword));

    let all = [
        Refused::Altered,
        Refused::WrongEvent,
        Refused::NotYet(NOW),
        Refused::Expired(NOW),
        Refused::Revoked,
        Refused::Ended,
        Refused::PasswordWanted,
        Refused::WrongPassword,
        Refused::TooMany(2),
    ];
    let words: std::collections::BTreeSet<String> =
        all.iter().flat_map(|refused| [refused.reason().to_owned(), refused.to_string()]).collect();
    assert_eq!(words.len(), 2 * all.len());
    assert_eq!(Refused::Expired(NOW).to_string(), "this link was good until 2026-11-20T14:21:55.000Z");
}

#[test]
fn a_link_becomes_a_pass_for_its_event_and_no_longer_than_itself() {
    let (ring, links) = (ring(), links());
    let open = |token: &str, now: u64, event, present| {
        links.open_pass(&ring, token, now, event, Standing::Open { epoch: 0 }, present)
    };
    let token = links.admit(&ring, &link(), NOW, 600_000, 1).unwrap();
    let pass = open(&token, NOW + 599_000, event(), 1).unwrap();
    assert_eq!((pass.attendee, pass.bearer, pass.archive), (link().attendee, Bearer::Listener, true));
    assert_eq!((pass.issued_ms, pass.expires_ms), (NOW, NOW + 600_000));
    let other = EventNumber::with_serial(KeyId::FIRST, 1);
    assert_eq!(open(&token, NOW, other, 0), Err(Refused::WrongEvent));
    assert_eq!(open(&token, NOW + 700_000, event(), 0), Err(Refused::Expired(NOW + 600_000)));
    assert_eq!(open(&token, NOW, event(), 2), Err(Refused::TooMany(2)));
    assert_eq!(links.open_pass(&ring, &token, NOW, event(), Standing::Ended, 0), Err(Refused::Ended));
    assert_eq!(links.admit(&ring, &link(), NOW, 600_000, 2), Err(Refused::TooMany(2)));
    assert!(links.admit(&ring, &Link { limit: 0, ..link() }, NOW, 600_000, 100_000).is_ok());
    // Nobody listens on after the link itself is no good.
    let last = links.admit(&ring, &link(), link().expires_ms - 1000, 600_000, 0).unwrap();
    assert_eq!(open(&last, link().expires_ms, event(), 0).unwrap().expires_ms, link().expires_ms);
    // One is not taken for the other.
    let invitation = links.issue(&ring, &link()).unwrap();
    assert_eq!(open(&invitation, NOW, event(), 0), Err(Refused::Altered));
    assert_eq!(links.open(&ring, &token, NOW, nothing_known, None), Err(Refused::Altered));
    let relabelled = token.replacen("m1", "v1", 1);
    assert_eq!(links.open(&ring, &relabelled, NOW, nothing_known, None), Err(Refused::Altered));
}

#[test]
fn keys_installations_and_epochs_are_kept_apart() {
    let token = links().issue(&ring(), &link()).unwrap();
    let other_key = Keyring::new(KeyId::FIRST, Key::new([7; 32]));
    assert_eq!(links().open(&other_key, &token, NOW, nothing_known, None), Err(Refused::Altered));
    let other_installation = Links::new("conferences.example.org");
    assert_eq!(other_installation.open(&ring(), &token, NOW, nothing_known, None), Err(Refused::Altered));

    // With its key an event's links go, like its PINs.
    let mut ring = ring();
    let next = KeyId::new(11).unwrap();
    ring.add(next, Key::random()).unwrap();
    ring.make_current(next).unwrap();
    assert!(links().open(&ring, &token, NOW, nothing_known, None).is_ok());
    ring.retire(KeyId::FIRST).unwrap();
    assert_eq!(links().open(&ring, &token, NOW, nothing_known, None), Err(Refused::Revoked));
    assert_eq!(links().issue(&ring, &link()), None);

    let mac = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let renewed = links().issue(&self::ring(), &Link { epoch: 1, ..link() }).unwrap();
    assert_ne!(mac(&token), mac(&renewed));
    let key = Key::new([1; 32]);
    assert_ne!(event_key(&key, event(), 0).octets(), event_key(&key, event(), 1).octets());
}

#[test]
fn secrets_stay_out_of_debug_output() {
    let mark = links().mark(&ring(), event(), 0, link().attendee, "tulip").unwrap();
    assert_eq!(format!("{mark:?} {}", link().attendee), "PasswordMark(secret) 0123456789abcdef");
}

proptest! {
    #[test]
    fn what_is_issued_is_what_is_opened(
        serial in 0u32..10_000_000, epoch: u16, attendee: u64, host: bool, archive: bool, limit: u16, days in 1u64..3650,
        password in prop::option::of(".{0,20}"),
    ) {
        let (ring, links) = (ring(), links());
        let event = EventNumber::with_serial(KeyId::FIRST, serial);
        let attendee = Attendee(attendee);
        let bearer = if host { Bearer::Host } else { Bearer::Listener };
        let mark = password.as_ref().and_then(|password| links.mark(&ring, event, epoch, attendee, password));
        let expires_ms = NOW + days * DAY;
        let link =
            Link { event, epoch, attendee, bearer, archive, not_before_ms: NOW, expires_ms, limit, password: mark };
        let token = links.issue(&ring, &link).unwrap();
        // Fit for a path as it is.
        prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)));
        prop_assert_eq!(links.open(&ring, &token, NOW, nothing_known, password.as_deref()), Ok(link));
    }

    #[test]
    fn any_text_is_answered(token in ".{0,90}|(v1|m1)\\.10\\.[A-Za-z0-9_-]{0,50}\\.[A-Za-z0-9_-]{20,24}") {
        prop_assert!(open(&token).is_err());
    }
}
