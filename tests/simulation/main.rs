//! An hour of a gateway's life in a second or so, from a seed.
//!
//! A span of 23 channels hangs between the gateway and the exchange in software. Callers dial at random,
//! key right and wrong numbers at their own pace, talk, press 399, hang up at any moment; frames are
//! lost, and now and then the whole D channel is; technicians take channels away and give them back, ports
//! run short, and the daemon is killed and started anew. After every step nothing may be in two places, and
//! at the end nothing may be left over.
//!
//! 500 seeds run by default; in one of 25 the sound is real (`sound.rs`: loopback card, DTMF, mix), in
//! the others keys are handed over directly (`signalling.rs`). A failure prints its seed:
//!
//! ```text
//! TRUNKCAST_SEED=17 cargo test --test simulation          # that one alone
//! TRUNKCAST_SEEDS=5000 cargo test --release --test simulation   # overnight
//! ```

mod random;
mod signalling;
mod sound;
mod upkeep;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const SEEDS: u64 = 500;

fn number_from(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

fn run(seed: u64) -> world::Tally {
    if seed.is_multiple_of(25) { sound::run(seed) } else { signalling::run(seed) }
}

#[test]
fn every_seed_ends_with_nothing_left_over() {
    let (first, count) = match number_from("TRUNKCAST_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number_from("TRUNKCAST_SEEDS").unwrap_or(SEEDS)),
    };
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let total = Mutex::new(world::Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    match catch_unwind(AssertUnwindSafe(|| run(seed))) {
                        Ok(tally) => total.lock().expect("not poisoned").add(&tally),
                        Err(_) => {
                            eprintln!("seed {seed} failed: replay it with TRUNKCAST_SEED={seed}");
                            failed.lock().expect("not poisoned").push(seed);
                        }
                    }
                }
            });
        }
    });
    let total = total.into_inner().expect("not poisoned");
    println!("{count} seeds from {first}: {total:?}");
    let failed = failed.into_inner().expect("not poisoned");
    assert!(failed.is_empty(), "failed seeds: {failed:?}");
    // A simulation in which nothing happens proves nothing.
    if count >= 20 {
        assert!(
            total.admitted > count && total.wrong > count && total.ended_by_host > 0 && total.link_losses > 0,
            "{total:?}"
        );
        assert!(total.controls > count && total.muted > count && total.waited > 0, "{total:?}");
        assert!(
            total.orders > count && total.kills > 0 && total.shortages > 0 && total.restarted > total.kills,
            "{total:?}"
        );
    }
}
