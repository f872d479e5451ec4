//! [`Posterior`]: how far a Q-table can be from a fixed point, from its Bellman residual alone.

use nalgebra::DVector;
use operators::{
    Cells, Dense, NumberSystem, OperatorError, Rows, horizon_bound, kappa, supported_norm,
};
use verify::{Case, Number};

/// A fixed point that a Q-table may be near to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Q̄_p*, the fixed point of T_p.
    TopP,
    /// Q̄^{proj_p π*}, the fixed point of B_p^{π*}.
    Projected,
}

/// What a Bellman residual says, all in the norm on the candidate sets, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior<T> {
    /// ‖B Q − Q‖.
    pub residual: T,
    /// ‖Q − Q̄‖ is at least this: residual / (1 + γ).
    pub least: T,
    /// ‖Q − Q̄‖ is at most this: residual / (1 − γ), or residual · Σ_{t<H} γ^t when the end is certain
    /// after H transitions and Q is 0 there.
    pub bound: T,
    /// ‖Q − Q̄‖ itself.
    pub distance: T,
}

/// The residual of a Q-table under the operator of `target`, the bounds that follow from it, and the
/// distance that they are about.
///
/// Both bounds are theorems for every Q-table: B is a γ-contraction on the candidate sets, and what a
/// residual adds up to ends with the transitions. In enclosures all four numbers enclose those of the
/// real line.
/// Law: least ≤ distance ≤ bound. Proved: `Q_p_star_residual_least`, `Q_p_star_residual`,
/// `Q_p_star_residual_ending`, and the same of `Q_projected`.
///
/// # Errors
/// [`OperatorError::Length`] when `q` does not fit the model.
pub fn posterior<T: Number>(
    case: &Case<'_, T>,
    q: &Cells<Dense<T>>,
    target: Target,
) -> Result<Posterior<T>, OperatorError> {
    let (n, gamma) = (&case.n, case.gamma());
    let (image, fixed) = match target {
        Target::TopP => (case.top_p_backup(q)?, &case.q_top_p),
        Target::Projected => (case.projected_backup(q)?, &case.q_projected),
    };
    let apart =
        |other: &Cells<Dense<T>>| supported_norm(n, &Cells(n.sub(&other.0, &q.0)?), &case.set);
    let residual = apart(&image)?;
    let each = Rows(DVector::from_element(1, residual));
    let later = match certain_end(case, q) {
        Some(horizon) => horizon_bound(n, gamma, &each, horizon)?,
        None => kappa(n, gamma, &each)?,
    };
    Ok(Posterior {
        residual,
        least: residual / (T::from_f64(1.0) + T::from_f64(gamma.get())),
        bound: residual + later.0[0],
        distance: apart(fixed)?,
    })
}

/// After how many transitions the end is certain, if it is and Q is 0 there.
fn certain_end<T: Number>(case: &Case<'_, T>, q: &Cells<Dense<T>>) -> Option<usize> {
    let mdp = case.mdp();
    let ends = (0..mdp.states()).filter(|&state| mdp.is_terminal(state));
    let zero = ends.into_iter().all(|state| q.0[mdp.pairs_of(state).start] == T::from_f64(0.0));
    case.horizons.as_ref().filter(|_| zero)?.iter().max().copied()
}
