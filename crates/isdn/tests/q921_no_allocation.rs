//! The real-time thread owns the data link, so the link may not allocate: neither in traffic, nor under faults, nor when
//! it goes up and down.

use isdn::Side;
use isdn::q921::{DataLink, Output, Parameters, StateName};
use std::time::Duration;

/// Hands the frames of `from` to `to`, except every `lose`-th; counts messages.
fn exchange(from: &mut DataLink, to: &mut DataLink, now: Duration, lose: usize, count: &mut usize) -> usize {
    let mut messages = 0;
    while let Some(output) = from.poll_output() {
        match output {
            Output::Transmit(frame) => {
                *count += 1;
                if !count.is_multiple_of(lose) {
                    to.handle_frame(now, frame);
                }
            }
            Output::Information(_) => messages += 1,
            Output::Established { .. } | Output::Released => {}
        }
    }
    messages
}

#[test]
fn a_link_allocates_nothing() {
    let mut user = Box::new(DataLink::new(Side::User, Parameters::default()));
    let mut network = Box::new(DataLink::new(Side::Network, Parameters::default()));
    let mut messages = 0;
    let allocations = allocation_counter::measure(|| {
        let mut now = Duration::ZERO;
        let mut frames = 0;
        user.establish(now);
        network.establish(now);
        for round in 0..10_000u32 {
            now += Duration::from_millis(50);
            if round % 3 == 0 {
                let _ = user.send(now, &round.to_be_bytes());
                let _ = network.send(now, &[0x55; 260]);
            }
            if round % 1000 == 999 {
                network.release(now);
                network.establish(now);
            }
            user.handle_timeout(now);
            network.handle_timeout(now);
            for _ in 0..4 {
                messages += exchange(&mut user, &mut network, now, 11, &mut frames);
                messages += exchange(&mut network, &mut user, now, 11, &mut frames);
            }
        }
    });
    assert_eq!(allocations.count_total, 0);
    assert!(messages > 3000, "{messages} messages: the test did carry traffic");
    assert_eq!(user.state(), StateName::MultipleFrameEstablished);
    let retransmissions = user.counters().retransmissions + network.counters().retransmissions;
    assert!(retransmissions > 100, "{retransmissions} retransmissions: the test did lose frames");
}

/// The measure itself measures.
#[test]
fn an_allocation_would_be_seen() {
    let info = allocation_counter::measure(|| {
        std::hint::black_box(vec![0u8; 16]);
    });
    assert_eq!(info.count_total, 1);
}
