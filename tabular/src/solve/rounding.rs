//! How far a sweep in `f64` can be from the real one, and how residuals add up.

use crate::Mdp;
use operators::Discount;

/// A first-order bound on the rounding of one sweep in `f64`, for one model.
#[derive(Debug, Clone, Copy)]
pub struct SweepRounding {
    roundings: f64,
    magnitude: f64,
}

impl SweepRounding {
    /// Reads the sizes that the bound depends on.
    pub fn new(mdp: &Mdp) -> Self {
        let rows = mdp.row_offsets().windows(2).map(|w| w[1] - w[0]);
        let actions = mdp.layout().iter().map(|r| r.len()).max().unwrap_or(1);
        // A row sum of n products rounds n + 1 times; discounting, reward, anchor, exp (1 ulp)
        // and ln add at most ten more, and the sum over actions one each.
        Self {
            roundings: (rows.max().unwrap_or(1) + actions + 10) as f64,
            magnitude: largest(mdp.rewards()) + (actions as f64).ln() + 1.0,
        }
    }

    /// Every number that a sweep over `v` computes is within this of the real one. Units: nats.
    pub fn bound(&self, v: &[f64]) -> f64 {
        self.roundings * f64::EPSILON * (self.magnitude + largest(v))
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
}

/// Σ_{t<H} γ^t: what an error of one sweep can add up to over the horizon; 1/(1−γ) unless the
/// model certainly ends.
pub fn amplification(gamma: Discount, horizon: Option<usize>) -> f64 {
    match horizon {
        Some(steps) => (0..steps.max(1)).fold(0.0, |sum, _| 1.0 + gamma.get() * sum),
        None => 1.0 / (1.0 - gamma.get()),
    }
}
