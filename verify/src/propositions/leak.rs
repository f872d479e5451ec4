//! The leak identity: the gap is the discounted leak along the projected teacher's own path.

use crate::{Case, Finding, Judge, Number};
use operators::OperatorError;
use tabular::random::Source;

/// Checked as a one-step equation, whose only solution is D (it is a contraction): so the check
/// needs no second solve and its slack is that of one step.
pub(super) fn leak_identity<T: Number>(
    case: &Case<'_, T>,
    _: &mut Source,
) -> Result<Finding, OperatorError> {
    let mut judge = Judge::new();
    let gap = case.gap()?;
    let step = case.theory.leak_step(
        &case.n,
        case.mdp(),
        case.gamma(),
        &case.leak,
        &case.teacher,
        &gap,
    )?;
    for (_, pair, place) in case.pairs() {
        judge.equal("D = γ E[ℓ + Σ π D]", place, gap.0[pair], step.0[pair], 4.0 * case.step_slack);
    }
    Ok(judge.finish::<T>())
}
