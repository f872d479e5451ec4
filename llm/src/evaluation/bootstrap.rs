//! [`Bootstrap`]: how far a mean may be off, found by drawing from the data again and again.

use crate::LlmError;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// A mean with an interval around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
    /// How often such intervals cover what they estimate, for large n.
    pub confidence: f64,
    /// How many values the mean is of.
    pub n: usize,
}

/// The percentile bootstrap of a mean.
///
/// The interval of differences of two systems on the same prompts is that of a paired comparison.
/// It speaks of other prompts of the same kind, not of other training runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    confidence: f64,
    resamples: usize,
    seed: u64,
}

/// The most resamples, so that their means fit into memory.
pub const MOST_RESAMPLES: usize = 1_000_000;

impl Bootstrap {
    /// Intervals of this confidence from so many resamples.
    ///
    /// # Errors
    /// [`LlmError::Bootstrap`] unless 0 < confidence < 1 and 1 ≤ resamples ≤ [`MOST_RESAMPLES`].
    pub fn new(confidence: f64, resamples: usize, seed: u64) -> Result<Self, LlmError> {
        if !(confidence > 0.0 && confidence < 1.0) {
            let problem = format!("confidence = {confidence} is not between 0 and 1");
            return Err(LlmError::Bootstrap { problem });
        }
        if !(1..=MOST_RESAMPLES).contains(&resamples) {
            let problem = format!("{resamples} resamples are not in 1..={MOST_RESAMPLES}");
            return Err(LlmError::Bootstrap { problem });
        }
        Ok(Self { confidence, resamples, seed })
    }

    /// The mean of `values`, with the (1 ± confidence)/2 quantiles of the means of resamples.
    ///
    /// # Errors
    /// [`LlmError::Bootstrap`] when there is no value or one is not finite.
    ///
    /// # Example
    /// ```
    /// use llm::evaluation::Bootstrap;
    /// let same = Bootstrap::new(0.95, 100, 0)?.mean(&[2.0; 5])?;
    /// assert_eq!((same.value, same.lower, same.upper), (2.0, 2.0, 2.0));
    /// # Ok::<(), llm::LlmError>(())
    /// ```
    pub fn mean(&self, values: &[f64]) -> Result<Estimate, LlmError> {
        if values.is_empty() || values.iter().any(|x| !x.is_finite()) {
            let problem = "the mean of no values, or of some that are no numbers".to_owned();
            return Err(LlmError::Bootstrap { problem });
        }
        let n = values.len();
        let mut random = ChaCha20Rng::seed_from_u64(self.seed);
        let mut drawn = |_| {
            let sum: f64 = (0..n).map(|_| values[below(n, &mut random)]).sum();
            sum / n as f64
        };
        let mut means: Vec<f64> = (0..self.resamples).map(&mut drawn).collect();
        means.sort_by(f64::total_cmp);
        let at = |share: f64| means[((self.resamples - 1) as f64 * share).round() as usize];
        let tail = (1.0 - self.confidence) / 2.0;
        Ok(Estimate {
            value: values.iter().sum::<f64>() / n as f64,
            lower: at(tail),
            upper: at(1.0 - tail),
            confidence: self.confidence,
            n,
        })
    }
}

/// A number below `n`, all equally likely up to 2⁻⁶⁴ n.
fn below(n: usize, random: &mut ChaCha20Rng) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_covers_the_mean_about_as_often_as_it_says() {
        // Of 400 intervals of confidence 0.9 over 60 uniform numbers the count that covers 1/2 has
        // deviation 6; five of those on either side, and one for the small n.
        let mut random = ChaCha20Rng::seed_from_u64(3);
        let covered = (0..400).filter(|&seed| {
            let uniform = |_| below(1 << 30, &mut random) as f64 / (1u64 << 30) as f64;
            let values: Vec<f64> = (0..60).map(uniform).collect();
            let found = Bootstrap::new(0.9, 400, seed).unwrap().mean(&values).unwrap();
            found.lower <= 0.5 && 0.5 <= found.upper
        });
        let covered = covered.count();
        assert!((324..=390).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let of = |seed| Bootstrap::new(0.95, 500, seed).unwrap().mean(&values).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1).lower, of(2).lower);
        assert!(of(1).lower < 24.5 && 24.5 < of(1).upper);
    }

    #[test]
    fn nonsense_is_refused() {
        for confidence in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(Bootstrap::new(confidence, 10, 0).is_err());
        }
        assert!(Bootstrap::new(0.9, 0, 0).is_err());
        let bootstrap = Bootstrap::new(0.9, 10, 0).unwrap();
        assert!(bootstrap.mean(&[]).is_err());
        assert!(bootstrap.mean(&[f64::NAN]).is_err());
    }
}
