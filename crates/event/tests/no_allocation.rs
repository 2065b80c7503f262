//! What the real-time thread calls does not allocate: not once, whatever is keyed.

use event::{ClosedSet, EventNumber, Guard, Key, KeyId, Keyring, Limits, Role};
use std::time::Duration;

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8; 100])));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn parsing_verifying_guarding_and_remembering_allocate_nothing() {
    let mut ring = Keyring::new(KeyId::FIRST, Key::random());
    ring.add(KeyId::LAST, Key::random()).unwrap();
    let pins = Role::ALL.map(|role| ring.pin(EventNumber::with_serial(KeyId::FIRST, 1), role).unwrap());
    let mut guard = Guard::new(Limits { remembered: 32, trunks: 2, ..Limits::default() });
    let mut closed = ClosedSet::with_capacity(100);
    let mut admitted = 0;
    let counted = allocation_counter::measure(|| {
        for n in 0..1000u32 {
            let now = Duration::from_secs(n.into());
            // More events, callers and trunks than are remembered, so that some have to make room.
            let [known, other] = [KeyId::FIRST, KeyId::LAST].map(|id| EventNumber::with_serial(id, n));
            let (caller, trunk) = (u64::from(n % 50), (n % 5) as u16);
            for number in [known, other, EventNumber::with_serial(KeyId::new(50).unwrap(), n)] {
                for pin in [&pins[0].as_bytes()[..], pins[1].as_bytes(), pins[2].as_bytes(), b"", b"12345", b"00000000"]
                {
                    let role = ring.verify(number, pin);
                    let allowed = guard.check(now, number, caller, trunk).is_allowed();
                    if role.is_some() && allowed {
                        admitted += 1;
                        guard.succeeded(now, caller);
                    } else {
                        std::hint::black_box(guard.failed(now, number, caller, trunk));
                    }
                    std::hint::black_box(guard.delay(now, number, caller, trunk));
                }
            }
            for text in ["101 234 567 9", "1012345679", "", "no number", "99999999999"] {
                std::hint::black_box(EventNumber::parse(text).ok());
                std::hint::black_box(ring.verify_digits(text, pins[0].as_bytes()));
            }
            std::hint::black_box(closed.insert(known.as_u64()).ok());
            std::hint::black_box(closed.contains(other.as_u64()));
        }
    });
    assert_eq!(admitted, 3, "event 1 was opened with each of its PINs");
    assert_eq!(closed.len(), 100);
    assert_eq!((counted.count_total, counted.count_current), (0, 0));
}
