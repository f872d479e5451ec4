//! Fused sweeps in `f64`: fast second implementations of the operators, tested against them.

use super::Operator;
use crate::Mdp;
use operators::Discount;

/// r(s,a) + γ E V(s') of one pair.
#[inline]
pub(crate) fn action_value(mdp: &Mdp, gamma: f64, pair: usize, v: &[f64]) -> f64 {
    mdp.rewards()[pair] + gamma * expectation(mdp, pair, v)
}

/// E V(s') of one pair.
#[inline]
fn expectation(mdp: &Mdp, pair: usize, v: &[f64]) -> f64 {
    let row = mdp.row(pair);
    let sum: f64 = row.successors.iter().zip(row.weights).map(|(&s, &w)| w * v[s as usize]).sum();
    match mdp.nearest_totals() {
        None => sum,
        Some(totals) => sum / totals[pair],
    }
}

/// Q(s,a) = r(s,a) + γ E V(s') for every pair.
///
/// # Panics
/// When `v` does not fit the model.
pub fn action_values(mdp: &Mdp, gamma: Discount, v: &[f64]) -> Vec<f64> {
    (0..mdp.pairs()).map(|pair| action_value(mdp, gamma.get(), pair, v)).collect()
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
    for (state, pairs) in mdp.layout().iter().enumerate() {
        let q = &mut policy[pairs.clone()];
        image[state] = match operator {
            Operator::Optimal => {
                for (q, pair) in q.iter_mut().zip(pairs) {
                    *q = action_value(mdp, gamma.get(), pair, v);
                }
                soften(q)
            }
            Operator::TopP(sets) => {
                for (q, pair) in q.iter_mut().zip(pairs) {
                    let kept = sets.kept()[pair];
                    // exp(−∞) = 0 takes the dropped action out of the sum.
                    *q = if kept {
                        action_value(mdp, gamma.get(), pair, v)
                    } else {
                        f64::NEG_INFINITY
                    };
                }
                soften(q)
            }
            Operator::Projected(fixed) => {
                let mut value = 0.0;
                for (q, pair) in q.iter_mut().zip(pairs) {
                    let share = fixed.probability[pair];
                    *q = share;
                    if share > 0.0 {
                        let action = action_value(mdp, gamma.get(), pair, v);
                        value += share * (action - fixed.log_probability[pair]);
                    }
                }
                value
            }
        };
    }
}

/// log Σ exp of `q`, which becomes the Boltzmann policy.
#[inline]
fn soften(q: &mut [f64]) -> f64 {
    let max = q.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for x in q.iter_mut() {
        *x = (*x - max).exp();
        sum += *x;
    }
    for x in q.iter_mut() {
        *x /= sum;
    }
    max + sum.ln()
}

/// γ P_π d for a vector over states; 0 at terminal states, whose value never changes.
///
/// # Panics
/// When an argument does not fit the model.
pub fn discounted_step(mdp: &Mdp, gamma: Discount, policy: &[f64], d: &[f64], result: &mut [f64]) {
    for (state, pairs) in mdp.layout().iter().enumerate() {
        let mean: f64 = pairs
            .filter(|&pair| policy[pair] > 0.0)
            .map(|pair| policy[pair] * expectation(mdp, pair, d))
            .sum();
        result[state] = if mdp.is_terminal(state) { 0.0 } else { gamma.get() * mean };
    }
}
