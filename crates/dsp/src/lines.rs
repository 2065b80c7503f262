//! Memory that begins where a line of the processor's cache begins.
//!
//! Vectors of the widest kind are as long as a line. In memory that begins anywhere each of them lies in two, and takes twice as long.

use aligned_vec::{ABox, AVec, ConstAlign};

/// Values that begin with a line.
pub(crate) type Lines<T> = ABox<[T], ConstAlign<{ simd::LINE }>>;

/// So many default values.
pub(crate) fn lines<T: Clone + Default>(count: usize) -> Lines<T> {
    AVec::from_iter(simd::LINE, std::iter::repeat_n(T::default(), count)).into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_begin_with_a_line() {
        for count in [0, 1, 160, 161] {
            let all: Lines<i32> = lines(count);
            for lines in [all.clone(), all] {
                assert_eq!(lines.as_ptr().addr() % simd::LINE, 0);
                assert_eq!(*lines, vec![0; count]);
            }
        }
    }
}
