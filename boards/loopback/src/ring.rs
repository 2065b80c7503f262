//! Rings whose memory is there before the first tick: the kernel gives a page when it is first written to.
//!
//! Data path: none.
//! Time: when a ring is made.

use rtrb::{Consumer, Producer, RingBuffer};

/// A ring for so many, each place of which was written to once.
pub(crate) fn ring<T: Copy>(capacity: usize, blank: T) -> (Producer<T>, Consumer<T>) {
    let (mut producer, mut consumer) = RingBuffer::new(capacity);
    while producer.push(blank).is_ok() {}
    while consumer.pop().is_ok() {}
    (producer, consumer)
}
