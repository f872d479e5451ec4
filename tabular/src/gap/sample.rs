//! The gap by sampling: rollouts of the projected teacher, as one does with a language model.

use super::Gap;
use crate::Mdp;
use crate::occupancy::{OccupancyError, Start};
use crate::random::Source;
use operators::{BoundedMean, Discount};

/// Rollouts to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollouts {
    /// How many.
    pub count: usize,
    /// The most transitions before one is cut off.
    pub max_steps: usize,
}

/// A mean over rollouts. The truth lies between the means of the two ends up to sampling error;
/// they differ only by what rollouts that were cut off may lack.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The mean of Σ_{t≥1} γ^t ℓ(s_t) over what was seen.
    pub mean: f64,
    /// The same, with γ^n times the bound added to every rollout that was cut off after n steps.
    pub mean_widened: f64,
    /// The standard error of `mean`.
    pub standard_error: f64,
    /// How many rollouts there are.
    pub count: usize,
    /// How many of them were cut off.
    pub cut_off: usize,
    /// No term can exceed this: κ at the smallest mass, or the finite-horizon bound.
    pub bound: f64,
    /// The means of the two ends.
    ends: [BoundedMean; 2],
}

impl Gap {
    /// An unbiased estimate of D(s,a) of one pair.
    ///
    /// # Errors
    /// [`OccupancyError::Operator`] when the gap does not belong to the model.
    ///
    /// # Panics
    /// When `pair` is not a pair of the model or no rollout is asked for.
    pub fn sample_pair(
        &self,
        mdp: &Mdp,
        gamma: Discount,
        pair: usize,
        rollouts: Rollouts,
        source: &mut Source,
    ) -> Result<Estimate, OccupancyError> {
        self.sample(mdp, gamma, rollouts, source, |_| pair)
    }

    /// An unbiased estimate of the mean gap Σ_s ρ(s) Σ_a proj π*(a|s) D(s,a) over starts: what a
    /// language model's prompts and finished responses give.
    ///
    /// # Errors
    /// [`OccupancyError`] when the start is no distribution.
    ///
    /// # Panics
    /// When no rollout is asked for.
    pub fn sample_start(
        &self,
        mdp: &Mdp,
        gamma: Discount,
        start: Start<'_>,
        rollouts: Rollouts,
        source: &mut Source,
    ) -> Result<Estimate, OccupancyError> {
        let start = start.distribution(mdp)?;
        self.sample(mdp, gamma, rollouts, source, |source| {
            let state = draw(start.iter().copied().enumerate(), source);
            self.act(mdp, state, source)
        })
    }

    fn sample(
        &self,
        mdp: &Mdp,
        gamma: Discount,
        rollouts: Rollouts,
        source: &mut Source,
        mut first: impl FnMut(&mut Source) -> usize,
    ) -> Result<Estimate, OccupancyError> {
        assert!(rollouts.count > 0, "a mean needs at least one rollout");
        let bound = self.bound(mdp, gamma)?;
        let mut seen = Vec::with_capacity(rollouts.count);
        let mut widened = Vec::with_capacity(rollouts.count);
        let mut cut_off = 0;
        for _ in 0..rollouts.count {
            let pair = first(source);
            let (leaked, lacking) = self.rollout(mdp, gamma, pair, rollouts.max_steps, source);
            seen.push(leaked);
            // Nothing lacks: avoid 0 · ∞.
            let rest = if lacking == 0.0 { 0.0 } else { lacking * bound };
            widened.push((leaked + rest).min(bound));
            cut_off += usize::from(lacking > 0.0);
        }
        let count = rollouts.count;
        // Rollouts have one distribution, and so are one group.
        let ends = [seen, widened].map(|values| BoundedMean::new(&values, count, bound));
        Ok(Estimate {
            mean: ends[0].mean(),
            mean_widened: ends[1].mean(),
            standard_error: (ends[0].variance() / count as f64).sqrt(),
            count,
            cut_off,
            bound,
            ends,
        })
    }

    /// One rollout from a pair: Σ_{t=1}^n γ^t ℓ(s_t), and γ^n if it was cut off after n steps, 0
    /// if it ended.
    fn rollout(
        &self,
        mdp: &Mdp,
        gamma: Discount,
        mut pair: usize,
        max_steps: usize,
        source: &mut Source,
    ) -> (f64, f64) {
        let (mut leaked, mut discount) = (0.0, 1.0);
        for _ in 0..max_steps {
            let state = draw(mdp.probabilities(pair), source);
            if mdp.is_terminal(state) {
                return (leaked, 0.0);
            }
            discount *= gamma.get();
            leaked += discount * self.leak[state];
            pair = self.act(mdp, state, source);
        }
        (leaked, discount)
    }

    /// An action of the projected teacher, as a pair.
    fn act(&self, mdp: &Mdp, state: usize, source: &mut Source) -> usize {
        draw(mdp.pairs_of(state).map(|pair| (pair, self.policy.probability[pair])), source)
    }
}

/// One of the outcomes, by its probability; those of probability 0 never.
fn draw(outcomes: impl Iterator<Item = (usize, f64)>, source: &mut Source) -> usize {
    let mut rest = source.unit();
    let mut last = 0;
    for (outcome, probability) in outcomes.filter(|&(_, probability)| probability > 0.0) {
        last = outcome;
        rest -= probability;
        if rest < 0.0 {
            break;
        }
    }
    // Probabilities that sum to one less a rounding leave a sliver to the last outcome.
    last
}

impl Estimate {
    /// An interval that contains the expectation with probability at least 1 − `failure`,
    /// however few rollouts there are: the better, end by end, of Hoeffding's and Maurer and
    /// Pontil's empirical Bernstein inequality, each allowed a quarter of `failure`.
    ///
    /// # Panics
    /// Unless 0 < `failure` < 1.
    pub fn interval(&self, failure: f64) -> (f64, f64) {
        assert!(failure > 0.0 && failure < 1.0, "the failure probability lies between 0 and 1");
        let [seen, widened] = &self.ends;
        let lo = seen.mean() - seen.radius(failure / 2.0);
        let hi = widened.mean() + widened.radius(failure / 2.0);
        (lo.max(0.0), hi.min(self.bound))
    }
}
