//! Newton's method for large models: inexact steps by a Krylov method.

use super::krylov::{BUDGET, Krylov};
use super::parallel::Chunks;
use super::policy_matrix::{MatrixUser, PolicyMatrix, ScaledMatrix};
use crate::Mdp;
use operators::Discount;

/// The largest share of the linear residual that a step may leave.
const LOOSEST: f64 = 0.1;

/// Newton's method in which a step leaves up to a share η of the linear residual.
///
/// Source: Eisenstat and Walker, Choosing the forcing terms in an inexact Newton method, SIAM J.
/// Sci. Comput. 17 (1996), choice 2.
pub(super) struct KrylovNewton<'a> {
    chunks: &'a Chunks,
    matrix: PolicyMatrix<'a>,
    krylov: Krylov<'a>,
    step: Vec<f64>,
    fixed_policy: bool,
    filled: bool,
    last: f64,
    eta: f64,
    may_give_up: bool,
    /// Whether the last system took all the products that it may cost.
    exhausted: bool,
}

impl<'a> KrylovNewton<'a> {
    pub(super) fn new(
        mdp: &'a Mdp,
        gamma: Discount,
        chunks: &'a Chunks,
        fixed_policy: bool,
        may_give_up: bool,
    ) -> Self {
        Self {
            chunks,
            matrix: PolicyMatrix::new(mdp, gamma.get()),
            krylov: Krylov::new(chunks, mdp.states()),
            step: vec![0.0; mdp.states()],
            fixed_policy,
            filled: false,
            last: f64::INFINITY,
            eta: LOOSEST,
            may_give_up,
            exhausted: false,
        }
    }

    /// Whether a method that is exact may be tried in the place of this one.
    pub(super) fn may_give_up(&self) -> bool {
        self.may_give_up
    }

    /// Whether it should be: the last system could not be solved.
    pub(super) fn is_stuck(&self) -> bool {
        self.may_give_up && self.exhausted
    }

    /// Whether adding a constant to V is allowed: no terminal state holds it at 0.
    pub(super) fn may_shift(&self) -> bool {
        self.matrix.shift_gain() > 0.0
    }

    /// v += about (I − γ P_π)⁻¹ `residual`, for a residual of magnitude `norm` that is to become
    /// `goal`; the products that it cost.
    pub(super) fn advance(
        &mut self,
        policy: &[f64],
        residual: &[f64],
        (norm, goal): (f64, f64),
        v: &mut [f64],
    ) -> usize {
        if !(self.fixed_policy && self.filled) {
            self.matrix.fill(self.chunks, policy);
            self.filled = true;
        }
        self.force(norm);
        let target = (self.eta * norm).max(0.25 * goal);
        let system = System { krylov: &mut self.krylov, b: residual, x: &mut self.step, target };
        let products = self.matrix.with(system);
        self.exhausted = products >= BUDGET;
        v.iter_mut().zip(&self.step).for_each(|(v, d)| *v += d);
        products
    }

    /// η: loose far from the solution, tighter as the steps begin to converge or fail to.
    fn force(&mut self, norm: f64) {
        let ratio = norm / self.last;
        self.eta = if self.fixed_policy {
            1e-10
        } else if self.last.is_infinite() {
            LOOSEST
        } else if ratio < 0.5 {
            (0.5 * ratio * ratio).clamp(1e-4, LOOSEST)
        } else {
            (0.2 * self.eta).max(1e-10)
        };
        self.last = norm;
    }
}

struct System<'s, 'a> {
    krylov: &'s mut Krylov<'a>,
    b: &'s [f64],
    x: &'s mut [f64],
    target: f64,
}

impl MatrixUser<usize> for System<'_, '_> {
    fn call(self, matrix: &impl ScaledMatrix) -> usize {
        self.krylov.solve(matrix, self.b, self.x, self.target, BUDGET)
    }
}
