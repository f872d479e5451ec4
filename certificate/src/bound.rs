//! [`bound`]: how far values are from a fixed point, and the enclosure that follows.

use crate::ending::Growth;
use crate::sweep::{backup, log_sum_exp, projected_value};
use crate::{CertificateError, Model, Sets};
use rounding::Enclosure;
use rounding::directed::{mul_down, mul_up};
use std::hint::black_box;

/// An operator on state values whose fixed point is certified.
#[derive(Debug, Clone, Copy)]
pub enum Operator<'a> {
    /// (T V)(s) = log Σ_a exp(r + γ E V).
    Optimal,
    /// (T_p V)(s): the same over the candidate sets.
    TopP(&'a Sets),
    /// (B_p^{π*} V)(s) = Σ_a w_a (r + γ E V − log w_a) with w = proj_p π*, of which the action
    /// values Q* are known to lie in `q_star`.
    Projected {
        /// The candidate sets.
        sets: &'a Sets,
        /// Q* of every pair.
        q_star: &'a [Enclosure],
    },
}

impl Operator<'_> {
    /// What messages call the values.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Optimal => "optimal values",
            Self::TopP(_) => "top-p optimal values",
            Self::Projected { .. } => "values of the projected teacher",
        }
    }
}

/// lo ≤ (operator V)(s) − V(s) ≤ hi for all states s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// The lower bound.
    pub lo: f64,
    /// The upper bound.
    pub hi: f64,
    /// The first state with that lower bound.
    pub lowest: usize,
    /// The first state with that upper bound.
    pub highest: usize,
}

/// Bounds on (operator V) − V over all states, in one sweep.
///
/// # Panics
/// When `v`, or `q_star` of the operator, does not have one number for each state or pair.
pub fn bound(model: &Model<'_>, gamma: f64, v: &[f64], operator: &Operator<'_>) -> Residual {
    assert_eq!(v.len(), model.states(), "a value for each state");
    let value = |state: usize| Enclosure::exact(v[state]);
    let (mut q, mut q_star) = (Vec::new(), Vec::new());
    let mut residual = Residual { lo: f64::INFINITY, hi: f64::NEG_INFINITY, lowest: 0, highest: 0 };
    for state in 0..model.states() {
        // Reads that nothing waits for overlap. Those between the long computations below do not:
        // where `v` does not fit into the cache, each would be waited for.
        let pairs = model.pairs_of(state);
        let rows = model.row_offsets[pairs.start]..model.row_offsets[pairs.end];
        for &successor in &model.successors[rows] {
            black_box(v[successor as usize]);
        }
        q.clear();
        q_star.clear();
        for pair in model.pairs_of(state) {
            match operator {
                Operator::TopP(sets) | Operator::Projected { sets, .. } if !sets.keeps(pair) => {}
                _ => q.push(backup(model, gamma, pair, &value)),
            }
        }
        let image = match operator {
            Operator::Optimal | Operator::TopP(_) => log_sum_exp(&q),
            Operator::Projected { sets, q_star: all } => {
                let kept = model.pairs_of(state).filter(|&pair| sets.keeps(pair));
                q_star.extend(kept.map(|pair| all[pair]));
                projected_value(&q_star, &q)
            }
        };
        residual.include(state, image - value(state));
    }
    residual
}

impl Residual {
    fn include(&mut self, state: usize, difference: Enclosure) {
        if difference.lo() < self.lo {
            (self.lo, self.lowest) = (difference.lo(), state);
        }
        if difference.hi() > self.hi {
            (self.hi, self.highest) = (difference.hi(), state);
        }
    }

    /// The residual, or an error where it is infinite.
    pub(crate) fn bounded(self, what: &'static str) -> Result<Self, CertificateError> {
        if !self.lo.is_finite() {
            Err(CertificateError::Unbounded { what, state: self.lowest })
        } else if !self.hi.is_finite() {
            Err(CertificateError::Unbounded { what, state: self.highest })
        } else {
            Ok(self)
        }
    }
}

/// The fixed point, from values and bounds on their residual.
///
/// ```text
/// lo ≤ (operator V) − V ≤ hi   ⇒   fixed point ∈ V + [min(lo, 0), max(hi, 0)] · factor
/// ```
pub fn fixed_point(v: &[f64], lo: f64, hi: f64, growth: &Growth) -> Vec<Enclosure> {
    let around = |(state, &v): (usize, &f64)| {
        let factor = growth.factor(state);
        Enclosure::exact(v).widen(mul_down(lo.min(0.0), factor), mul_up(hi.max(0.0), factor))
    };
    v.iter().enumerate().map(around).collect()
}

/// Q(s,a) = r + γ E v for every pair.
pub fn action_values(model: &Model<'_>, gamma: f64, v: &[Enclosure]) -> Vec<Enclosure> {
    (0..model.pairs()).map(|pair| backup(model, gamma, pair, &|state| v[state])).collect()
}
