//! Exact policy evaluation for small models: LU of I − γ P_π.

use crate::Mdp;
use nalgebra::{DMatrix, DVector};
use operators::Discount;

/// Replaces `b` by (I − γ P_π)⁻¹ b. Terminal states keep their entry: nothing follows them.
///
/// # Panics
/// When an argument does not fit the model.
pub fn resolvent(mdp: &Mdp, gamma: Discount, policy: &[f64], b: &mut [f64]) {
    solve_in_place(system(mdp, gamma, policy), b);
}

/// Replaces `b` by (I − γ P_π)⁻ᵀ b: with b = (1−γ) times a start distribution, the discounted
/// state occupancy of π.
///
/// # Panics
/// When an argument does not fit the model.
pub fn resolvent_transposed(mdp: &Mdp, gamma: Discount, policy: &[f64], b: &mut [f64]) {
    solve_in_place(system(mdp, gamma, policy).transpose(), b);
}

fn system(mdp: &Mdp, gamma: Discount, policy: &[f64]) -> DMatrix<f64> {
    let mut matrix = DMatrix::identity(mdp.states(), mdp.states());
    for (state, pairs) in mdp.layout().iter().enumerate() {
        if mdp.is_terminal(state) {
            continue;
        }
        for pair in pairs.filter(|&pair| policy[pair] > 0.0) {
            for (next, probability) in mdp.probabilities(pair) {
                matrix[(state, next)] -= gamma.get() * policy[pair] * probability;
            }
        }
    }
    matrix
}

/// I − γP is strictly diagonally dominant for γ < 1, and unit triangular up to order when the
/// model certainly ends; should the LU break down on rounding, NaN makes the caller stop.
fn solve_in_place(matrix: DMatrix<f64>, b: &mut [f64]) {
    let mut x = DVector::from_column_slice(b);
    if matrix.lu().solve_mut(&mut x) {
        b.copy_from_slice(x.as_slice());
    } else {
        b.fill(f64::NAN);
    }
}
