//! A source of random numbers that gives the same ones on every platform.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Random numbers by integer arithmetic only, so that a seed means the same model everywhere.
#[derive(Debug, Clone)]
pub struct Source(ChaCha8Rng);

impl Source {
    /// The stream `stream` of `seed`: streams are independent, so that the i-th model of a
    /// campaign does not depend on how many threads made the others.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n` (Lemire's multiplication; the bias is below n / 2^64).
    ///
    /// # Panics
    /// When `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "nothing is below zero");
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// A number in `range`, both ends included.
    pub fn within(&mut self, range: &std::ops::RangeInclusive<usize>) -> usize {
        range.start() + self.below(range.end().saturating_sub(*range.start()) + 1)
    }

    /// A multiple of 2⁻⁵³ in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A multiple of `scale` · 2⁻²⁰ in [−scale, scale): short numbers, exact sums.
    pub fn signed(&mut self, scale: f64) -> f64 {
        scale * ((self.below(1 << 21) as f64) / (1 << 20) as f64 - 1.0)
    }

    /// One of the given values.
    ///
    /// # Panics
    /// When there is none.
    pub fn choose<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// `count` distinct numbers below `n`, in random order.
    ///
    /// # Panics
    /// When `count > n`.
    pub fn distinct(&mut self, count: usize, n: usize) -> Vec<usize> {
        assert!(count <= n, "there are not {count} distinct numbers below {n}");
        if n <= 4 * count {
            let mut all: Vec<usize> = (0..n).collect();
            for i in 0..count {
                let j = i + self.below(n - i);
                all.swap(i, j);
            }
            all.truncate(count);
            return all;
        }
        let mut chosen: Vec<usize> = Vec::with_capacity(count);
        while chosen.len() < count {
            let candidate = self.below(n);
            if !chosen.contains(&candidate) {
                chosen.push(candidate);
            }
        }
        chosen
    }

    /// `parts` positive multiples of 2⁻³² that sum to exactly one: uniform on the simplex
    /// (a Dirichlet distribution with all parameters 1), up to the grid.
    ///
    /// # Panics
    /// When `parts` is 0 or more than 2³¹.
    pub fn simplex(&mut self, parts: usize) -> Vec<f64> {
        const GRID: u64 = 1 << 32;
        assert!(parts > 0 && parts <= 1 << 31, "a distribution has between 1 and 2^31 parts");
        // Cuts of the grid less one unit a part, so that no part is empty.
        let free = GRID - parts as u64;
        let mut cuts: Vec<u64> = (1..parts).map(|_| self.below(free as usize + 1) as u64).collect();
        cuts.sort_unstable();
        cuts.push(free);
        let mut previous = 0;
        cuts.iter()
            .map(|&cut| {
                let units = cut - previous + 1;
                previous = cut;
                units as f64 / GRID as f64
            })
            .collect()
    }
}
