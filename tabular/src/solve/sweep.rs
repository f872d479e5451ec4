//! Fused sweeps in `f64`: fast second implementations of the operators, tested against them.

use super::Operator;
use super::parallel::Chunks;
use crate::Mdp;
use operators::Discount;

/// The smallest and the largest of some numbers; NaN if one of them is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ends {
    pub(super) lo: f64,
    pub(super) hi: f64,
}

impl Ends {
    const NONE: Self = Self { lo: f64::INFINITY, hi: f64::NEG_INFINITY };

    /// NaN must not vanish in `min` and `max`: it makes both ends NaN, and stays.
    #[inline]
    fn include(self, lo: f64, hi: f64) -> Self {
        Self { lo: -larger(-self.lo, -lo), hi: larger(self.hi, hi) }
    }

    pub(super) fn over(values: impl IntoIterator<Item = f64>) -> Self {
        values.into_iter().fold(Self::NONE, |ends, x| ends.include(x, x))
    }

    pub(super) fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::NONE, |ends, x| ends.include(x.lo, x.hi))
    }

    /// The largest distance from the middle, where a shift can have a `gain`; else from zero.
    pub(super) fn spread(self, gain: f64) -> f64 {
        if gain > 0.0 { 0.5 * (self.hi - self.lo) } else { self.magnitude() }
    }

    /// The largest magnitude; NaN if one of the numbers is.
    pub(super) fn magnitude(self) -> f64 {
        if self.hi.is_nan() { self.hi } else { self.hi.abs().max(self.lo.abs()) }
    }
}

/// The larger one; NaN if one of them is.
#[inline]
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a >= b || a.is_nan() { a } else { b }
}

/// An operator on a model, ready to be applied.
#[derive(Clone, Copy)]
pub(super) struct Kernel<'a> {
    mdp: &'a Mdp,
    gamma: f64,
    operator: Operator<'a>,
    totals: Option<&'a [f64]>,
}

impl<'a> Kernel<'a> {
    pub(super) fn new(mdp: &'a Mdp, gamma: Discount, operator: Operator<'a>) -> Self {
        Self { mdp, gamma: gamma.get(), operator, totals: mdp.nearest_totals() }
    }

    /// r(s,a) + γ E V(s').
    #[inline]
    fn action_value(&self, pair: usize, v: &[f64]) -> f64 {
        self.mdp.rewards()[pair] + self.gamma * expectation(self.mdp, self.totals, pair, v)
    }

    /// (TV)(s); `policy`, over the pairs of the state, becomes the policy that attains it.
    #[inline]
    pub(super) fn image(&self, state: usize, v: &[f64], policy: &mut [f64]) -> f64 {
        let pairs = self.mdp.pairs_of(state);
        match self.operator {
            Operator::Optimal => {
                for (q, pair) in policy.iter_mut().zip(pairs) {
                    *q = self.action_value(pair, v);
                }
                soften(policy)
            }
            Operator::TopP(sets) => {
                let kept = &sets.kept()[pairs.clone()];
                for ((q, pair), &kept) in policy.iter_mut().zip(pairs).zip(kept) {
                    // exp(−∞) = 0 takes the dropped action out of the sum.
                    *q = if kept { self.action_value(pair, v) } else { f64::NEG_INFINITY };
                }
                soften(policy)
            }
            Operator::Projected(fixed) => {
                let mut value = 0.0;
                for (q, pair) in policy.iter_mut().zip(pairs) {
                    let share = fixed.probability[pair];
                    *q = share;
                    if share > 0.0 {
                        let action = self.action_value(pair, v);
                        value += share * (action - fixed.log_probability[pair]);
                    }
                }
                value
            }
        }
    }

    /// `image` := TV over a run of states, whose pairs `policy` covers.
    fn images(&self, first: usize, v: &[f64], image: &mut [f64], mut policy: &mut [f64]) {
        for (state, image) in (first..).zip(image) {
            let (own, rest) = policy.split_at_mut(self.mdp.pairs_of(state).len());
            *image = self.image(state, v, own);
            policy = rest;
        }
    }

    /// `residual` := TV − V and the policy that attains TV, over all states.
    pub(super) fn residuals(
        &self,
        chunks: &Chunks,
        v: &[f64],
        residual: &mut [f64],
        policy: &mut [f64],
    ) -> Ends {
        let part = |first: usize, residual: &mut [f64], policy: &mut [f64]| {
            self.images(first, v, residual, policy);
            Ends::over(residual.iter_mut().zip(&v[first..]).map(|(image, v)| {
                *image -= v;
                *image
            }))
        };
        if chunks.is_single() {
            return part(0, residual, policy);
        }
        let parts = chunks.split(residual).into_iter().zip(chunks.split_pairs(self.mdp, policy));
        Ends::join(chunks.map(parts.collect(), |states, (r, p)| part(states.start, r, p)))
    }
}

/// E V(s') of one pair.
#[inline(always)]
fn expectation(mdp: &Mdp, totals: Option<&[f64]>, pair: usize, v: &[f64]) -> f64 {
    let row = mdp.row(pair);
    let mut sum = 0.0;
    for (&successor, &weight) in row.successors.iter().zip(row.weights) {
        sum += weight * v[successor as usize];
    }
    match totals {
        None => sum,
        Some(totals) => sum / totals[pair],
    }
}

/// log Σ exp of `q`, which becomes the Boltzmann policy.
#[inline]
fn soften(q: &mut [f64]) -> f64 {
    if let [only] = q {
        return std::mem::replace(only, 1.0);
    }
    let mut max = f64::NEG_INFINITY;
    for &x in q.iter() {
        max = if x > max { x } else { max };
    }
    let mut sum = 0.0;
    for x in q.iter_mut() {
        *x = if *x == f64::NEG_INFINITY { 0.0 } else { (*x - max).exp() };
        sum += *x;
    }
    let scale = 1.0 / sum;
    for x in q.iter_mut() {
        *x *= scale;
    }
    max + sum.ln()
}

/// Q(s,a) = r(s,a) + γ E V(s') for every pair.
///
/// # Panics
/// When `v` does not fit the model.
pub fn action_values(mdp: &Mdp, gamma: Discount, v: &[f64]) -> Vec<f64> {
    let kernel = Kernel::new(mdp, gamma, Operator::Optimal);
    (0..mdp.pairs()).map(|pair| kernel.action_value(pair, v)).collect()
}

/// One application of the operator to state values: writes (TV)(s) to `image` and the policy
/// that attains it to `policy` (per pair; 0 outside the candidate sets).
///
/// # Panics
/// When an argument does not fit the model.
pub fn sweep(
    mdp: &Mdp,
    gamma: Discount,
    operator: Operator<'_>,
    v: &[f64],
    image: &mut [f64],
    policy: &mut [f64],
) {
    assert!(v.len() == mdp.states() && image.len() == mdp.states());
    assert!(policy.len() == mdp.pairs());
    Kernel::new(mdp, gamma, operator).images(0, v, image, policy);
}

/// γ P_π d for a vector over states; 0 at terminal states, whose value never changes.
///
/// # Panics
/// When an argument does not fit the model.
pub fn discounted_step(mdp: &Mdp, gamma: Discount, policy: &[f64], d: &[f64], result: &mut [f64]) {
    let totals = mdp.nearest_totals();
    for (state, pairs) in mdp.layout().iter().enumerate() {
        let mut mean = 0.0;
        for pair in pairs {
            if policy[pair] > 0.0 {
                mean += policy[pair] * expectation(mdp, totals, pair, d);
            }
        }
        result[state] = if mdp.is_terminal(state) { 0.0 } else { gamma.get() * mean };
    }
}
