//! Rings whose memory is there before the first tick.
//!
//! The kernel gives a page when it is first written to. In a ring that is half a second, or a thousand reports, after the start,
//! in the middle of a tick, where memory is not locked.
//!
//! Data path: none.
//! Time: when a ring is made; never on the real-time thread.

/// A ring for so many, each place of which was written to once.
pub fn ring<T>(capacity: usize, blank: impl Fn() -> T) -> (rtrb::Producer<T>, rtrb::Consumer<T>) {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(capacity);
    while producer.push(blank()).is_ok() {}
    while consumer.pop().is_ok() {}
    (producer, consumer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn every_place_was_written_to_and_is_free() {
        let blanks = Cell::new(0);
        let (producer, consumer) = ring(100, || blanks.set(blanks.get() + 1));
        assert_eq!((producer.slots(), consumer.slots()), (100, 0));
        assert!(blanks.get() >= 100);
    }
}
