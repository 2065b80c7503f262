//! The link goes while RESTART waits to be acknowledged. Its owner is told once how it went, and the channel takes calls again
//! when the link is back.
//!
//! Clauses: Q.931 5.5.1, 5.8.9, 9 T316

use crate::common::{Alone, SECOND, exclusive};
use isdn::{Event, Side};

#[test]
fn told_once() {
    for away in [1, 30, 200, 600] {
        let mut alone = Alone::up(Side::User);
        alone.d.restart(alone.now, 5).expect("up");
        alone.settle();
        alone.far.release(alone.now);
        alone.settle();
        assert!(!alone.d.is_up());
        // Nobody answers our SABMEs: time passes here alone.
        for _ in 0..away {
            alone.now += SECOND;
            alone.d.handle_timeout(alone.now);
            while let Some(output) = alone.d.poll_output() {
                if let isdn::Output::Event(event) = output {
                    alone.events.push(event);
                }
            }
        }
        alone.far.establish(alone.now);
        alone.settle();
        alone.run(SECOND * 600);
        let told = |event: &&Event| matches!(event, Event::RestartDone { acknowledged: false, .. });
        assert_eq!(alone.events.iter().filter(told).count(), 1, "{away} s: {:?}", alone.events);
        assert!(alone.d.is_up());
        alone.dial(exclusive(5));
    }
}
