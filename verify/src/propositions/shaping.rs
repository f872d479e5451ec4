//! Shaping: logits are Q-values up to a constant per state, and the constant does not matter.

use crate::{Case, Finding, Judge, Number};
use operators::{
    Cells, Dense, NumberSystem, OperatorError, Rows, implied_reward, policy_value, projection,
    soft_value,
};
use tabular::random::Source;

pub(super) fn shaping<T: Number>(
    case: &Case<'_, T>,
    source: &mut Source,
) -> Result<Finding, OperatorError> {
    let n = &case.n;
    let (mdp, gamma) = (case.mdp(), case.gamma());
    let mut judge = Judge::new();
    let potential: Vec<f64> = (0..mdp.states())
        .map(|state| if mdp.is_terminal(state) { 0.0 } else { source.signed(4.0) })
        .collect();
    let c: Rows<Dense<T>> = n.rows(&potential)?;
    let c_cells = Cells::<Dense<T>>(n.spread(&c.0)?);
    let shift = |q: &Cells<Dense<T>>| -> Result<Cells<Dense<T>>, OperatorError> {
        Ok(Cells(n.add(&q.0, &c_cells.0)?))
    };
    // The reward that makes Q* + c soft-optimal, against r + c(s) − γ E c(s').
    let q_shaped = shift(&case.q_star)?;
    let v_shaped = soft_value(n, &q_shaped, &case.full)?;
    let r_shaped = implied_reward(n, &q_shaped, gamma, mdp, &v_shaped)?;
    let difference = implied_reward(n, &c_cells, gamma, mdp, &c)?;
    let expected = n.add(&case.reward.0, &difference.0)?;
    // Projected policy and gap in the shaped problem, one step at a time.
    let policy = projection(n, &q_shaped, &case.set)?;
    let projected_shaped = shift(&case.q_projected)?;
    let value = policy_value(n, &projected_shaped, &policy, &case.set)?;
    let again = operators::backup(n, &r_shaped, gamma, mdp, &value)?;
    let slack = 8.0 * (case.step_slack + case.rounding.bound(&[4.0]));
    for (_, pair, place) in case.pairs() {
        let claim = "implied reward of Q* + c = r + c − γ E c";
        judge.equal(claim, place, r_shaped.0[pair], expected[pair], slack);
        let claim = "Q̄^{proj π*} + c is the fixed point of the shaped B_p^π";
        judge.equal(claim, place, again.0[pair], projected_shaped.0[pair], slack);
    }
    for (_, pair, place) in case.support() {
        let (before, after) = (&case.teacher.probability.0, &policy.probability.0);
        // A probability moves by at most as much as the exponents that it is made of.
        judge.equal("proj_p π is unchanged", place, after[pair], before[pair], slack);
    }
    Ok(judge.finish::<T>())
}
