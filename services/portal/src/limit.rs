//! How much one asker may have: a bucket of tokens for each address, filled at a steady rate.
//!
//! Askers of IPv6 are counted by /64, as one computer has as many addresses of it as it likes. The table is bounded: with too many
//! askers those whose bucket is full again are forgotten first, which changes nothing for them.
//!
//! Time: given by the caller, since the start.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Askers remembered.
const MOST: usize = 20_000;

/// Buckets of one kind.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// Tokens a bucket holds.
    burst: f64,
    /// Tokens a second.
    rate: f64,
    buckets: HashMap<u64, Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Duration,
}

/// What stands for an asker.
pub(crate) fn asker(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(v4) => u64::from(u32::from(v4)),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => u64::from(u32::from(v4)),
            None => u64::from_be_bytes(v6.octets()[..8].try_into().expect("half of sixteen")),
        },
    }
}

impl Limiter {
    /// So many an hour, a twentieth of them at once.
    pub(crate) fn an_hour(count: u32) -> Limiter {
        let count = f64::from(count);
        Limiter { burst: (count / 20.0).max(5.0), rate: count / 3600.0, buckets: HashMap::new() }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait for the next, in whole seconds, when there is none.
    pub(crate) fn take(&mut self, now: Duration, asker: u64) -> Result<(), u64> {
        if self.buckets.len() >= MOST && !self.buckets.contains_key(&asker) {
            let (burst, rate) = (self.burst, self.rate);
            self.buckets.retain(|_, bucket| bucket.filled(now, burst, rate) < burst);
            if self.buckets.len() >= MOST {
                // Everybody is busy: nobody new until somebody rests.
                return Err(1);
            }
        }
        let bucket = self.buckets.entry(asker).or_insert(Bucket { tokens: self.burst, at: now });
        bucket.tokens = bucket.filled(now, self.burst, self.rate);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(((1.0 - bucket.tokens) / self.rate).ceil() as u64)
    }

    /// Gives one back: it was well used.
    pub(crate) fn give_back(&mut self, asker: u64) {
        if let Some(bucket) = self.buckets.get_mut(&asker) {
            bucket.tokens = (bucket.tokens + 1.0).min(self.burst);
        }
    }
}

impl Bucket {
    fn filled(self, now: Duration, burst: f64, rate: f64) -> f64 {
        (self.tokens + now.saturating_sub(self.at).as_secs_f64() * rate).min(burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_steady_rate_for_each() {
        let mut limiter = Limiter::an_hour(120);
        let at = Duration::from_secs;
        for _ in 0..6 {
            assert_eq!(limiter.take(at(0), 1), Ok(()));
        }
        assert_eq!(limiter.take(at(0), 1), Err(30), "one every thirty seconds from now on");
        assert_eq!(limiter.take(at(0), 2), Ok(()), "another asker has a bucket of his own");
        assert_eq!(limiter.take(at(29), 1), Err(1));
        assert_eq!(limiter.take(at(31), 1), Ok(()));
        assert!(limiter.take(at(31), 1).is_err());
        limiter.give_back(1);
        assert_eq!(limiter.take(at(31), 1), Ok(()));
    }

    #[test]
    fn a_crowd_does_not_grow_the_table() {
        let mut limiter = Limiter::an_hour(3600);
        let mut refused = 0;
        for asker in 0..MOST as u64 + 10 {
            refused += usize::from(limiter.take(Duration::ZERO, asker).is_err());
        }
        assert_eq!((refused, limiter.buckets.len()), (10, MOST));
        assert_eq!(limiter.take(Duration::from_secs(3600), u64::MAX), Ok(()), "those at rest are forgotten");
        assert_eq!(limiter.buckets.len(), 1);
    }

    #[test]
    fn one_computer_is_one_asker() {
        let of = |text: &str| asker(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
