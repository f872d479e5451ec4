//! The gap by sampling: rollouts of the projected teacher, as one does with a language model.

use super::Gap;
use crate::Mdp;
use crate::occupancy::{OccupancyError, Start};
use crate::random::Source;
use operators::Discount;

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
    /// The sample variances of the two ends.
    variances: [f64; 2],
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
        let ((mean, variance), (mean_widened, wide)) = (moments(&seen), moments(&widened));
        let count = rollouts.count;
        let standard_error = (variance / count as f64).sqrt();
        let variances = [variance, wide];
        Ok(Estimate { mean, mean_widened, standard_error, count, cut_off, bound, variances })
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

/// Mean and unbiased variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, squares / (count - 1.0).max(1.0))
}

impl Estimate {
    /// An interval that contains the expectation with probability at least 1 − `failure`,
    /// however few rollouts there are: the better, end by end, of Hoeffding's and Maurer and
    /// Pontil's empirical Bernstein inequality (2009, Theorem 4), each allowed a quarter of
    /// `failure`.
    ///
    /// # Panics
    /// Unless 0 < `failure` < 1.
    pub fn interval(&self, failure: f64) -> (f64, f64) {
        assert!(failure > 0.0 && failure < 1.0, "the failure probability lies between 0 and 1");
        let lo = self.mean - self.radius(self.variances[0], failure / 4.0);
        let hi = self.mean_widened + self.radius(self.variances[1], failure / 4.0);
        (lo.max(0.0), hi.min(self.bound))
    }

    /// How far the mean of `count` terms in [0, bound] can be from its expectation on one side.
    fn radius(&self, variance: f64, failure: f64) -> f64 {
        let count = self.count as f64;
        let hoeffding = self.bound * ((1.0 / failure).ln() / (2.0 * count)).sqrt();
        if self.count < 2 {
            return hoeffding;
        }
        let log = (2.0 / failure).ln();
        let bernstein =
            (2.0 * variance * log / count).sqrt() + 7.0 * self.bound * log / (3.0 * (count - 1.0));
        hoeffding.min(bernstein)
    }
}
