//! A kernel gives the same result, bit for bit, with whatever instructions it is run.

use simd::{Instructions, Kernel};

/// Sums that would differ if they were taken in another order or with fused multiplication.
struct Sums<'a>(&'a [f32], &'a mut [f32]);

impl Kernel for Sums<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        let Sums(values, lanes) = self;
        for (n, &value) in values.iter().enumerate() {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                *sum += value * (n as f32 + 0.1 * lane as f32);
            }
        }
        lanes.iter().sum()
    }
}

fn bits(instructions: Instructions) -> (u32, Vec<u32>) {
    let values: Vec<f32> = (0..1_000).map(|n| 1.0 / (n as f32 + 1.3)).collect();
    let mut lanes = [0.0; 16];
    let sum = instructions.run(Sums(&values, &mut lanes));
    (sum.to_bits(), lanes.iter().map(|lane| lane.to_bits()).collect())
}

#[test]
fn every_set_of_instructions_gives_the_same_bits() {
    let all: Vec<_> = Instructions::all().collect();
    assert_eq!((all[0], all[all.len() - 1]), (Instructions::PLAIN, Instructions::best()));
    for instructions in all {
        assert_eq!(bits(instructions), bits(Instructions::PLAIN), "{}", instructions.name());
    }
}

#[test]
fn the_best_are_in_use_until_others_are_put_to_use() {
    assert_eq!(Instructions::in_use(), Instructions::best());
    Instructions::PLAIN.put_to_use();
    assert_eq!(Instructions::in_use(), Instructions::PLAIN);
    let mut lanes = [0.0];
    assert_eq!(simd::run(Sums(&[2.0], &mut lanes)), 0.0);
    Instructions::best().put_to_use();
    assert_eq!(Instructions::in_use(), Instructions::best());
}
