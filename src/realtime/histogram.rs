//! A histogram of microseconds that one thread fills and any other reads, without locks.
//!
//! Buckets grow by a quarter of a power of two, so that any figure read is at most 19 % too high; the
//! real-time thread pays two relaxed additions a value.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const STEPS: u32 = 4;
const BUCKETS: usize = 128;

/// Counts of values by size.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    max: AtomicU64,
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { buckets: [const { AtomicU64::new(0) }; BUCKETS], max: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }
}

fn bucket(micros: u64) -> usize {
    if micros < u64::from(STEPS) {
        return micros as usize;
    }
    let power = micros.ilog2();
    let within = (micros >> (power - 2)) & 3;
    (((power - 1) * STEPS) as usize + within as usize).min(BUCKETS - 1)
}

/// The largest value that falls into a bucket.
fn upper(bucket: usize) -> u64 {
    if bucket < STEPS as usize {
        return bucket as u64;
    }
    let (power, within) = (bucket as u32 / STEPS + 1, bucket as u64 % u64::from(STEPS));
    (1 << power) + ((within + 1) << (power - 2)) - 1
}

impl Histogram {
    /// Count a value.
    pub fn count(&self, micros: u64) {
        self.buckets[bucket(micros)].fetch_add(1, Relaxed);
        self.sum.fetch_add(micros, Relaxed);
        if micros > self.max.load(Relaxed) {
            self.max.store(micros, Relaxed);
        }
    }

    /// The value that this share (0 to 1) of all values does not exceed.
    #[must_use]
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.total() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count.load(Relaxed);
            if seen >= wanted {
                return upper(index).min(self.max());
            }
        }
        self.max()
    }

    /// How many values were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.buckets.iter().map(|b| b.load(Relaxed)).sum()
    }

    /// The largest.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max.load(Relaxed)
    }

    /// All values together.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum.load(Relaxed)
    }

    /// The buckets that hold something: largest value, count.
    pub fn filled(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buckets.iter().enumerate().filter_map(|(i, b)| match b.load(Relaxed) {
            0 => None,
            n => Some((upper(i), n)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_at_most_a_fifth_below_what_its_bucket_says() {
        for micros in (0..2000).chain([65_535, 65_536, 1_000_000, 30_000_000]) {
            let top = upper(bucket(micros));
            assert!(
                top >= micros && top as f64 <= (micros as f64 * 1.25).max(micros as f64 + 1.0),
                "{micros} -> {top}"
            );
        }
    }

    #[test]
    fn quantiles_are_those_of_what_was_counted() {
        let histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.count(micros);
        }
        assert_eq!((histogram.total(), histogram.max(), histogram.sum()), (1000, 1000, 500_500));
        assert!((500..=625).contains(&histogram.quantile(0.5)));
        assert_eq!(histogram.quantile(1.0), 1000);
        assert_eq!(Histogram::default().quantile(0.99), 0);
    }
}
