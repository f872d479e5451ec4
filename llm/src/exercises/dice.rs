//! [`Dice`]: everything random about exercises.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of choices that a seed and a stream name.
#[derive(Debug)]
pub(super) struct Dice(ChaCha20Rng);

impl Dice {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut source = ChaCha20Rng::seed_from_u64(seed);
        source.set_stream(stream);
        Self(source)
    }

    /// A number below `n` > 0, all equally likely but for one part in 2³².
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// The place of one of `n` ways, each half as likely as the one before it.
    pub(super) fn way(&mut self, n: usize) -> usize {
        // Of 1 to 2ⁿ − 1 2ⁿ⁻¹ numbers have n binary digits, 2ⁿ⁻² have n − 1, one has 1.
        let drawn = 1 + self.below((1 << n) - 1);
        n - 1 - drawn.ilog2() as usize
    }

    /// Brings a list into a random order.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }

    /// Several different ones of a list, in random order.
    pub(super) fn several<T: Copy>(&mut self, all: &[T], count: usize) -> Vec<T> {
        let mut all = all.to_vec();
        self.shuffle(&mut all);
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn each_way_is_half_as_likely_as_the_one_before() {
        let mut dice = Dice::new(1, 2);
        let mut counts = [0i32; 3];
        (0..7000).for_each(|_| counts[dice.way(3)] += 1);
        // 4, 2 and 1 parts of 7; six standard deviations.
        for (count, expected) in counts.iter().zip([4000, 2000, 1000]) {
            assert!((count - expected).abs() < 6 * 42, "{counts:?}");
        }
        assert_eq!((0..9).map(|_| dice.way(1)).max(), Some(0));
    }

    #[test]
    fn several_are_different_and_in_any_order() {
        let mut dice = Dice::new(0, 0);
        let drawn: Vec<Vec<u8>> = (0..50).map(|_| dice.several(&[1, 2, 3], 3)).collect();
        assert!(drawn.iter().all(|list| list.iter().sum::<u8>() == 6));
        assert!(drawn.contains(&vec![3, 1, 2]) && drawn.contains(&vec![1, 2, 3]));
    }
}
