//! Three solvers, three operators, one answer.

use crate::{Case, Finding, Judge, Number, Place};
use operators::{Dense, OperatorError};
use tabular::random::Source;
use tabular::solve::{
    Method, Operator, Settings, TablePolicy, action_values, amplification, solve,
};

const METHODS: [Method; 3] = [
    Method::PolicyIteration,
    Method::ModifiedPolicyIteration { sweeps: 10 },
    Method::ValueIteration,
];

/// Slow methods stop early at γ near one: each answer is compared within the error bounds that
/// its own residual proves, so stopping early is honest.
const SETTINGS: Settings = Settings { tolerance: 0.0, max_sweeps: 400 };

pub(super) fn solvers<T: Number>(
    case: &Case<'_, T>,
    _: &mut Source,
) -> Result<Finding, OperatorError> {
    let mut judge = Judge::new();
    let (mdp, gamma) = (case.mdp(), case.gamma());
    let n = Dense::<f64>::new(mdp.layout());
    let q_star = n.cells(&action_values(mdp, gamma, &case.v_optimal))?;
    let policy = TablePolicy::new(&case.theory.projection(&n, &q_star, &case.set)?);
    let horizon = case.horizons.as_ref().and_then(|h| h.iter().max().copied());
    let factor = amplification(gamma, horizon);
    let operators = [Operator::Optimal, Operator::TopP(&case.sets), Operator::Projected(&policy)];
    for operator in operators {
        let solutions = METHODS.map(|method| solve(mdp, gamma, operator, method, SETTINGS, None));
        let error = |i: usize| solutions[i].error(factor);
        for i in 1..METHODS.len() {
            for state in 0..mdp.states() {
                let place = Place { state, action: None };
                let apart = (solutions[0].v[state] - solutions[i].v[state]).abs();
                let allowed = error(0) + error(i);
                judge.bounded::<f64>("the solvers agree", place, apart, allowed, 0.0);
            }
        }
        // And the solution is the one that the case was built with.
        if matches!(operator, Operator::Optimal) {
            for state in 0..mdp.states() {
                let place = Place { state, action: None };
                let slack = error(0) + case.value_slack;
                let (a, b) = (T::from_f64(solutions[0].v[state]), case.v_star.0[state]);
                judge.at_most("V ≤ V* + error", place, a - T::from_f64(slack), b, 0.0);
                judge.at_most("V* ≤ V + error", place, b - T::from_f64(slack), a, 0.0);
            }
        }
    }
    // Floats compared within error bounds: held, never proved.
    Ok(judge.finish::<f64>())
}
