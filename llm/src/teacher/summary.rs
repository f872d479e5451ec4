//! [`Summary`]: a cache in numbers.

use super::Cache;
use crate::LlmError;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a cache holds. Means and percentiles of nothing are 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Responses.
    pub responses: u64,
    /// Tokens of responses.
    pub tokens: u64,
    /// The size of the file divided by `tokens`.
    pub bytes_per_token: f64,
    /// The sizes of candidate sets.
    pub set_sizes: Sizes,
    /// The share of responses that ended by themselves.
    pub ended: f64,
    /// The mean mass of the candidate sets.
    pub captured_mass: f64,
    /// How many candidate sets carry less than p, because a server has shown no more.
    pub short_sets: u64,
}

/// How large candidate sets are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sizes {
    /// The mean.
    pub mean: f64,
    /// Half of the sets are no larger.
    pub p50: u32,
    /// 90 % of the sets are no larger.
    pub p90: u32,
    /// 99 % of the sets are no larger.
    pub p99: u32,
    /// The largest.
    pub max: u32,
}

impl Summary {
    /// Reads a cache once.
    ///
    /// # Errors
    /// Those of [`Cache::rows`]; [`LlmError::File`].
    pub fn of(cache: &Cache) -> Result<Self, LlmError> {
        let (mut responses, mut ended, mut tokens, mut mass) = (0u64, 0u64, 0u64, 0.0);
        let (mut short, p) = (0u64, cache.p().get() as f32);
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        for row in cache.rows()? {
            let row = row?;
            responses += 1;
            ended += u64::from(row.ended);
            tokens += row.scores.positions() as u64;
            mass += row.scores.mass.iter().map(|&m| f64::from(m)).sum::<f64>();
            if cache.settings().short_sets {
                short += row.scores.mass.iter().filter(|&&mass| mass < p).count() as u64;
            }
            for size in row.scores.sizes {
                *counts.entry(size).or_default() += 1;
            }
        }
        let path = cache.path();
        let file = std::fs::metadata(path);
        let bytes =
            file.map_err(|source| LlmError::File { path: path.to_path_buf(), source })?.len();
        let share = |part: f64, whole: u64| if whole == 0 { 0.0 } else { part / whole as f64 };
        Ok(Self {
            responses,
            tokens,
            bytes_per_token: share(bytes as f64, tokens),
            set_sizes: Sizes::of(&counts),
            ended: share(ended as f64, responses),
            captured_mass: share(mass, tokens),
            short_sets: short,
        })
    }
}

impl Sizes {
    /// The distribution of sizes, given how often each occurs.
    pub fn of(counts: &BTreeMap<u32, u64>) -> Self {
        let all: u64 = counts.values().sum();
        let sum: f64 = counts.iter().map(|(&size, &n)| f64::from(size) * n as f64).sum();
        // The smallest size that at least `percent` of all sets do not exceed.
        let percentile = |percent: u64| {
            let mut seen = 0;
            let reached = counts.iter().find(|&(_, &n)| {
                seen += n;
                seen * 100 >= all * percent
            });
            reached.map_or(0, |(&size, _)| size)
        };
        Self {
            mean: if all == 0 { 0.0 } else { sum / all as f64 },
            p50: percentile(50),
            p90: percentile(90),
            p99: percentile(99),
            max: counts.last_key_value().map_or(0, |(&size, _)| size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_sizes_that_so_many_sets_do_not_exceed() {
        let counts = BTreeMap::from([(1, 50), (3, 40), (7, 9), (90, 1)]);
        let sizes = Sizes { mean: 3.23, p50: 1, p90: 3, p99: 7, max: 90 };
        assert_eq!(Sizes::of(&counts), sizes);
        let nothing = Sizes { mean: 0.0, p50: 0, p90: 0, p99: 0, max: 0 };
        assert_eq!(Sizes::of(&BTreeMap::new()), nothing);
    }
}
