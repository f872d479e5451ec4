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
    // γ E V(s') of its own: as Q − δ it would cancel whatever the implied reward is.
    let nothing = Cells(n.constant(&q.0, 0.0)?);
    let next = case.theory.backup(n, case.mdp(), &nothing, case.gamma(), &value)?;
    let spread = n.spread(&value.0)?;
    let j = objective(n, Phi::Identity, &reward.0, &spread, &next.0, &weights.0)?;
    let log_share = log_policy(n, &q, &case.set)?;
    let cloning = n.dot(&weights.0, &log_share.0)?;
    let total: f64 = data.iter().sum();
    // Both sums have as many terms as pairs, of the size of the values of Q.
    let magnitude = 8.0 + value.0.iter().fold(0.0f64, |m, v| m.max(v.center().abs()));
    let terms = (case.mdp().pairs() + 16) as f64;
    let slack = terms * f64::EPSILON * magnitude * total;
    let claim = "J = Σ w log proj_p π_Q";
    let place = if j.equals(cloning, slack) {
        Place { state: 0, action: None }
    } else {
        // Both are sums over transitions: the one at which they differ most is named.
        let terms = n.sub(&reward.0, &n.sub(&spread, &next.0)?)?;
        let difference = n.mul(&weights.0, &n.sub(&terms, &log_share.0)?)?;
        largest(case, |pair| difference[pair].center().abs())
    };
    judge.equal(claim, place, j, cloning, slack);
    Ok(judge.finish::<T>())
}

/// The pair of the candidate sets with the largest size; there is one, as no set is empty.
fn largest<T: Number>(case: &Case<'_, T>, size: impl Fn(usize) -> f64) -> Place {
    let sizes = case.support().map(|(_, pair, place)| (size(pair), place));
    let first = (f64::NEG_INFINITY, Place { state: 0, action: None });
    sizes.fold(first, |most, next| if next.0 > most.0 { next } else { most }).1
}
