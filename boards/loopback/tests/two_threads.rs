//! Two ends on two threads, each as fast as it can: as exact as in one.

mod common;

use common::{End, pattern, span};
use hal::{ChunkLength, Line};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[test]
fn samples_and_frames_survive_real_threads() {
    const MILLISECONDS: usize = 6_000;
    let (card, far_end) = span(Line::E1, 20, u32::MAX);
    let near = End::start(card, ChunkLength::Ms10);
    let far = End::attach(&far_end, ChunkLength::Ms20);
    let run = |mut end: End, chunk_ms: usize| {
        std::thread::spawn(move || {
            let (mut done, mut sent, mut got) = (0, 0_u16, Vec::new());
            while done < MILLISECONDS / chunk_ms {
                if !end.tick() {
                    std::thread::yield_now();
                    continue;
                }
                done += 1;
                if done % 3 == 0 && end.send(&sent.to_be_bytes()).is_ok() {
                    sent += 1;
                }
                got.extend(end.frames());
            }
            (end.heard.clone(), sent, got, end)
        })
    };
    let (near, far) = (run(near, 10), run(far, 20));
    // The ends are kept until both are done: one that goes is an alarm at the other.
    let results = [near.join().expect("no panic"), far.join().expect("no panic")];
    for (index, (heard, _, frames, end)) in results.iter().enumerate() {
        assert_eq!(heard.len(), MILLISECONDS * 8);
        assert!(heard[..160].iter().all(|octet| *octet == Line::E1.idle_octet()));
        assert!(heard[160..].iter().zip(0..).all(|(octet, at)| *octet == pattern(1, at)));
        assert!(end.alarms().is_empty());
        // All but those still in the last 20 ms.
        let sent = results[1 - index].1;
        assert!(frames.len() + 3 >= usize::from(sent), "{} of {sent}", frames.len());
        assert!(frames.iter().zip(0_u16..).all(|(frame, number)| frame[..] == number.to_be_bytes()));
    }
}

#[test]
fn a_far_end_that_comes_and_goes_on_its_own_thread_does_no_harm() {
    let (card, far_end) = span(Line::T1, 20, 1_000);
    let mut near = End::start(card, ChunkLength::Ms5);
    let beginnings: Vec<_> = (0..50).map(|chunks| pattern(1, chunks * 80)).collect();
    // Where other work takes the processor, hundreds of visits may be over before anybody has listened.
    let was_heard = Arc::new(AtomicBool::new(false));
    let is_enough = Arc::clone(&was_heard);
    let visitor = std::thread::spawn(move || {
        for visit in 0..100_000 {
            if visit >= 200 && is_enough.load(Relaxed) {
                break;
            }
            let mut far = End::attach(&far_end, ChunkLength::Ms10);
            for _ in 0..visit % 50 {
                let _ = far.send(&[visit as u8]);
                far.tick();
                far.frames();
                std::thread::yield_now();
            }
        }
    });
    while !visitor.is_finished() {
        let _ = near.send(&[1]);
        let before = near.heard.len();
        near.tick();
        if near.heard[before..].contains(&beginnings[0]) {
            was_heard.store(true, Relaxed);
        }
        std::thread::yield_now();
        assert!(near.frames().iter().all(|frame| frame.len() == 1));
    }
    visitor.join().expect("no panic");
    near.ticks(1);
    assert_eq!(near.alarms(), hal::Alarms::LOS | hal::Alarms::ABSENT);

    // Whatever was heard is silence (255, which the counter never has) or a run of a counter, and no run
    // follows another without the silence that begins a session. A visitor that was not answered in time
    // may have counted some chunks for itself.
    let mut before = 255;
    for octet in &near.heard {
        match (before, *octet) {
            (_, 255) => {}
            (255, first) => assert!(beginnings.contains(&first), "a run that began with {first}"),
            (last, next) => assert_eq!(u16::from(next), (u16::from(last) + 1) % 251),
        }
        before = *octet;
    }
    assert!(near.heard.contains(&beginnings[0]), "some visitor was heard");
}
