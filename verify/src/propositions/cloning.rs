//! Without a regulariser, Bellman Distill is behaviour cloning.

use crate::{Case, Finding, Judge, Number, Place};
use operators::{
    Cells, NumberSystem, OperatorError, Phi, implied_reward, log_policy, objective, soft_value,
};
use tabular::random::Source;

/// J with φ = id over the pairs of the candidate sets, for a random Q and random weights, against
/// the mean of log proj_p π_Q.
pub(super) fn behaviour_cloning<T: Number>(
    case: &Case<'_, T>,
    source: &mut Source,
) -> Result<Finding, OperatorError> {
    let n = &case.n;
    let mut judge = Judge::new();
    let q: Vec<f64> = (0..case.mdp().pairs()).map(|_| source.signed(4.0)).collect();
    let q = n.cells(&q)?;
    let data: Vec<f64> =
        case.set.iter().map(|&kept| if kept { source.unit() } else { 0.0 }).collect();
    let weights = n.cells(&data)?;
    let value = soft_value(n, &q, &case.set)?;
    let reward = implied_reward(n, &q, case.gamma(), case.mdp(), &value)?;
    // Q − δ is γ E V(s'), without computing it a second time.
    let next = Cells::<operators::Dense<T>>(n.sub(&q.0, &reward.0)?);
    let spread = n.spread(&value.0)?;
    let j = objective(n, Phi::Identity, &reward.0, &spread, &next.0, &weights.0)?;
    let cloning = n.dot(&weights.0, &log_policy(n, &q, &case.set)?.0)?;
    let total: f64 = data.iter().sum();
    // Both sums have as many terms as pairs, of the size of the values of Q.
    let magnitude = 8.0 + value.0.iter().fold(0.0f64, |m, v| m.max(v.center().abs()));
    let terms = (case.mdp().pairs() + 16) as f64;
    let slack = terms * f64::EPSILON * magnitude * total;
    let place = Place { state: 0, action: None };
    judge.equal("J = Σ w log proj_p π_Q", place, j, cloning, slack);
    Ok(judge.finish::<T>())
}
