//! Linear solves with I − γ P_π for their own sake: values of rewards, discounted occupancies.

use super::LARGEST_DENSE;
use super::dense::Lu;
use super::krylov::Krylov;
use super::parallel::Chunks;
use super::policy_matrix::{MatrixUser, PolicyMatrix, ScaledMatrix};
use crate::Mdp;
use operators::Discount;

/// Replaces `b` by (I − γ P_π)⁻¹ b. Terminal states keep their entry: nothing follows them.
///
/// # Panics
/// When an argument does not fit the model.
pub fn resolvent(mdp: &Mdp, gamma: Discount, policy: &[f64], b: &mut [f64]) {
    assert_eq!(b.len(), mdp.states(), "an entry for each state");
    if mdp.states() <= LARGEST_DENSE {
        return dense(mdp, gamma, policy).solve(b);
    }
    let chunks = Chunks::new(mdp);
    matrix(mdp, gamma, policy, &chunks).with(Refinement { chunks: &chunks, b });
}

/// Replaces `b` by (I − γ P_π)⁻ᵀ b: with b = (1−γ) times a start distribution, the discounted
/// state occupancy of π.
///
/// # Panics
/// When an argument does not fit the model.
pub fn resolvent_transposed(mdp: &Mdp, gamma: Discount, policy: &[f64], b: &mut [f64]) {
    assert_eq!(b.len(), mdp.states(), "an entry for each state");
    if mdp.states() <= LARGEST_DENSE {
        return dense(mdp, gamma, policy).solve_transposed(b);
    }
    let chunks = Chunks::new(mdp);
    let transposed = matrix(mdp, gamma, policy, &chunks).transposed();
    Refinement { chunks: &chunks, b }.call(&transposed);
}

fn dense(mdp: &Mdp, gamma: Discount, policy: &[f64]) -> Lu {
    let mut lu = Lu::default();
    lu.factor(mdp, gamma, policy);
    lu
}

fn matrix<'a>(mdp: &'a Mdp, gamma: Discount, policy: &[f64], chunks: &Chunks) -> PolicyMatrix<'a> {
    let mut matrix = PolicyMatrix::new(mdp, gamma.get());
    matrix.fill(chunks, policy);
    matrix
}

/// b := A⁻¹ b.
struct Refinement<'a> {
    chunks: &'a Chunks,
    b: &'a mut [f64],
}

impl MatrixUser<()> for Refinement<'_> {
    fn call(self, matrix: &impl ScaledMatrix) {
        let mut x = vec![0.0; self.b.len()];
        Krylov::new(self.chunks, x.len()).refine(matrix, self.b, &mut x);
        self.b.copy_from_slice(&x);
    }
}
