//! The exchange on its own thread, by the real clock. What is waited for has a generous bound; nothing is timed.

mod common;

use common::dialect;
use common::gateway::Gateway;
use common::wire::{Knobs, pair};
use exchange::{CallerState, CallerStatus, DialError, DialPlan, Exchange, Handle, Prepared, Sink, SpanId, Step};
use hal::{ChunkLength, Line};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running exchange, and a thread that plays the gateway until told to end.
struct Running {
    handle: Handle,
    knobs: Arc<Knobs>,
    end: Arc<AtomicBool>,
    gateway: Option<JoinHandle<()>>,
}

impl Running {
    fn new() -> Running {
        let chunk = ChunkLength::Ms5;
        let (ours, theirs, knobs) = pair("wire", Line::E1, 1, chunk);
        let builder = Exchange::builder(chunk).card("a", Box::new(ours), dialect(Line::E1));
        let handle = builder.start(Duration::ZERO).expect("starts").spawn().expect("a thread");
        let end = Arc::new(AtomicBool::new(false));
        let ended = end.clone();
        let gateway = std::thread::spawn(move || {
            let began = Instant::now();
            let mut gateway = Gateway::start(Box::new(theirs), chunk, began.elapsed());
            while !ended.load(Relaxed) {
                gateway.tick(began.elapsed());
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let running = Running { handle, knobs, end, gateway: Some(gateway) };
        assert!(running.handle.wait_for_link(Duration::from_secs(10)), "the link is up");
        running
    }

    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        for _ in 0..5_000 {
            if done() {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("not within ten seconds: {what}: {:?}", self.handle.callers());
    }

    fn only_caller(&self) -> CallerStatus {
        self.handle.callers().pop().expect("a caller")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end.store(true, Relaxed);
        if let Some(gateway) = self.gateway.take() {
            assert!(gateway.join().is_ok() || std::thread::panicking(), "the gateway panicked");
        }
    }
}

#[test]
fn a_call_is_dialled_heard_and_hung_up_through_the_handle() {
    let running = Running::new();
    let clip = (0..400).map(|i| i * 10).collect();
    let script = vec![Step::Speak { clip }];
    let id = running.handle.dial_prepared(Prepared::from_script("1", script, Sink::memory(80_000))).expect("dials");
    running.until("speech came back", || running.only_caller().heard.samples > 2_000);
    assert_eq!(running.only_caller().state, CallerState::Connected);
    assert!(running.handle.hang_up(id));
    running.until("it has ended", || running.only_caller().state == CallerState::Ended);
    assert!(!running.handle.hang_up(id));
    let samples = running.handle.take_ended(id).expect("kept").samples;
    assert!(samples.iter().any(|sample| *sample > 3_000), "the echo of what was said");
    assert!(running.handle.callers().is_empty(), "taken away");
}

#[test]
fn a_shutdown_hangs_everybody_up_and_says_so() {
    let running = Running::new();
    let plan = DialPlan { called: "1".into(), ..DialPlan::default() };
    running.handle.dial(&plan).expect("dials");
    running.handle.dial(&plan).expect("dials");
    running.until("both are through", || {
        running.handle.callers().iter().filter(|caller| caller.state == CallerState::Connected).count() == 2
    });
    let callers = running.handle.shutdown();
    let ends: Vec<_> = callers.iter().map(|caller| (caller.state, caller.cause)).collect();
    assert_eq!(ends, [(CallerState::Ended, Some(16)); 2]);
    assert!(matches!(running.handle.dial(&plan), Err(DialError::Stopped)));
    assert!(running.handle.callers().is_empty() && running.handle.shutdown().is_empty());
    assert!(!running.handle.link_up(SpanId(0)));
    assert!(!running.handle.wait_for_link(Duration::from_secs(3600)), "there is nothing to wait for");
}

#[test]
fn a_bad_plan_is_refused_before_the_exchange_hears_of_it() {
    let running = Running::new();
    let plan = DialPlan { called: "1".into(), wav: Some("no/such.wav".into()), ..DialPlan::default() };
    let error = running.handle.dial(&plan).expect_err("no such file");
    assert!(matches!(error, DialError::Plan { .. }));
    assert!(running.handle.callers().is_empty());
}

#[test]
fn an_exchange_that_is_too_slow_for_its_cards_still_answers() {
    let running = Running::new();
    running.knobs.slow.store(true, Relaxed);
    // Until it is late: before, everything is answered while it waits.
    std::thread::sleep(Duration::from_millis(100));
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| (0..50).map(|_| running.handle.callers().len()).sum::<usize>());
        let answered = (0..2_000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            asked.is_finished()
        });
        // Else nobody could end it.
        running.knobs.slow.store(false, Relaxed);
        assert!(answered, "not within ten seconds");
    });
}
