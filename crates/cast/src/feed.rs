//! Samples from the real-time thread, or silence when it sends none.
//!
//! While a stream lives the real-time thread sends samples all the time, silence included, so its clock
//! paces the stream and none of ours is compared with it. Should it stop, players would run out and
//! disconnect; after `dry_after` silence is inserted instead, as much as time has passed. If what was
//! missing comes in a heap afterwards (the thread was held up, not dead), as much of it as silence stood in
//! for is left out: otherwise each hold-up would make the stream later for good.
//!
//! Data path: lock-free ring → here → encoders.
//! Time: `now` is given once a beat.

use std::time::{Duration, Instant};

/// Samples in a millisecond.
const PER_MS: u64 = 8;
/// Samples taken in one beat at most, so that a long pre-roll of one stream does not hold up the others.
const MOST: usize = 4000;
/// Samples of a heap that are no heap: two of the longest ticks.
const ORDINARY: usize = 320;

/// The receiving end of a stream's samples.
pub(crate) struct Feed {
    ring: rtrb::Consumer<i16>,
    dry_after: Duration,
    accounted: Instant,
    inserted: u64,
}

/// What one beat brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// Samples of silence inserted now.
    pub(crate) silence: u64,
    /// Samples came again after so many of silence.
    pub(crate) back_after: Option<u64>,
}

impl Feed {
    /// Takes over a ring at this moment.
    pub(crate) fn new(ring: rtrb::Consumer<i16>, dry_after: Duration, now: Instant) -> Self {
        Feed { ring, dry_after, accounted: now, inserted: 0 }
    }

    /// Replaces `pcm` by what has come since the last beat.
    pub(crate) fn draw(&mut self, now: Instant, pcm: &mut Vec<i16>) -> Drawn {
        pcm.clear();
        let queued = self.ring.slots();
        if queued == 0 {
            return self.stand_in(now, pcm);
        }
        let mut drawn = Drawn::default();
        if self.inserted > 0 {
            let late = queued.saturating_sub(ORDINARY).min(usize::try_from(self.inserted).unwrap_or(usize::MAX));
            self.take(late, pcm);
            pcm.clear();
            drawn.back_after = Some(std::mem::take(&mut self.inserted));
        }
        self.take(self.ring.slots().min(MOST), pcm);
        self.accounted = now;
        drawn
    }

    /// Replaces `pcm` by all that is left; the last call.
    pub(crate) fn drain(&mut self, pcm: &mut Vec<i16>) {
        pcm.clear();
        self.take(self.ring.slots(), pcm);
    }

    fn take(&mut self, count: usize, pcm: &mut Vec<i16>) {
        if let Ok(chunk) = self.ring.read_chunk(count) {
            let (first, second) = chunk.as_slices();
            pcm.extend_from_slice(first);
            pcm.extend_from_slice(second);
            chunk.commit_all();
        }
    }

    fn stand_in(&mut self, now: Instant, pcm: &mut Vec<i16>) -> Drawn {
        let missing = now.saturating_duration_since(self.accounted);
        if self.inserted == 0 && missing < self.dry_after {
            return Drawn::default();
        }
        // After a suspended machine the gap may be hours: no listener is left to fill it for.
        let silence = (missing.as_micros() as u64 * PER_MS / 1000).min(MOST as u64);
        let whole = silence < MOST as u64;
        self.accounted = if whole { self.accounted + Duration::from_micros(silence * 1000 / PER_MS) } else { now };
        self.inserted += silence;
        pcm.resize(silence as usize, 0);
        Drawn { silence, back_after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRY: Duration = Duration::from_millis(200);

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn feed() -> (rtrb::Producer<i16>, Feed, Instant) {
        let (tx, rx) = rtrb::RingBuffer::new(16_000);
        let now = Instant::now();
        (tx, Feed::new(rx, DRY, now), now)
    }

    fn send(tx: &mut rtrb::Producer<i16>, value: i16, count: usize) {
        (0..count).for_each(|_| tx.push(value).unwrap());
    }

    #[test]
    fn samples_pass_as_they_are() {
        let (mut tx, mut feed, t0) = feed();
        let (mut pcm, mut all) = (Vec::new(), 0);
        for beat in 1..500 {
            // A clock 1000 ppm slow against ours, with a hiccup of 100 ms now and then: no silence.
            if beat % 50 > 10 {
                send(&mut tx, 7, 80);
            }
            assert_eq!(feed.draw(t0 + ms(10) * beat, &mut pcm), Drawn::default());
            assert!(pcm.iter().all(|&s| s == 7));
            all += pcm.len();
        }
        assert!(all > 30_000);
    }

    #[test]
    fn silence_keeps_pace_with_time_when_nobody_sends() {
        let (_tx, mut feed, t0) = feed();
        let (mut pcm, mut all) = (Vec::new(), 0);
        for beat in 1..=1000u32 {
            let drawn = feed.draw(t0 + ms(10) * beat, &mut pcm);
            assert_eq!(drawn.silence, pcm.len() as u64);
            assert!(beat >= 20 || pcm.is_empty());
            all += pcm.len();
        }
        assert_eq!(all, 80_000);
    }

    #[test]
    fn a_heap_after_a_hold_up_is_not_cast_on_top_of_the_silence() {
        let (mut tx, mut feed, t0) = feed();
        let mut pcm = Vec::new();
        let mut all = 0;
        for beat in 1..=100 {
            feed.draw(t0 + ms(10) * beat, &mut pcm);
            all += pcm.len();
        }
        assert_eq!(all, 8000);
        send(&mut tx, 7, 8080);
        let drawn = feed.draw(t0 + ms(1010), &mut pcm);
        assert_eq!(drawn, Drawn { silence: 0, back_after: Some(8000) });
        assert_eq!(pcm.len(), ORDINARY);
        send(&mut tx, 7, 80);
        assert_eq!(feed.draw(t0 + ms(1020), &mut pcm), Drawn::default());
        assert_eq!(pcm.len(), 80);
    }

    #[test]
    fn a_pre_roll_is_not_taken_for_a_heap() {
        let (mut tx, mut feed, t0) = feed();
        let mut pcm = Vec::new();
        send(&mut tx, 7, 5000);
        feed.draw(t0 + ms(10), &mut pcm);
        assert_eq!(pcm.len(), 4000);
        feed.draw(t0 + ms(20), &mut pcm);
        assert_eq!(pcm.len(), 1000);
    }

    #[test]
    fn hours_of_standstill_are_not_filled() {
        let (_tx, mut feed, t0) = feed();
        let mut pcm = Vec::new();
        assert_eq!(feed.draw(t0 + ms(3_600_000), &mut pcm).silence, 4000);
        assert_eq!(feed.draw(t0 + ms(3_600_010), &mut pcm).silence, 80);
    }

    #[test]
    fn draining_takes_all() {
        let (mut tx, mut feed, _) = feed();
        send(&mut tx, 7, 9000);
        let mut pcm = Vec::new();
        feed.drain(&mut pcm);
        assert_eq!(pcm.len(), 9000);
    }
}
