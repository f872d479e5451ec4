//! Three solvers, three operators, one answer.

use crate::{Case, Finding, Judge, Number, Place};
use operators::OperatorError;
use tabular::random::Source;
use tabular::solve::{
    Method, Operator, Settings, SweepRounding, TablePolicy, amplification, solve,
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
    let center = |cells: &nalgebra::DVector<T>| cells.iter().map(|x| x.center()).collect();
    let policy = TablePolicy {
        probability: center(&case.teacher.probability.0),
        log_probability: center(&case.teacher.log_probability.0),
    };
    let horizon = case.horizons.as_ref().and_then(|h| h.iter().max().copied());
    let factor = amplification(gamma, horizon);
    let rounding = SweepRounding::new(mdp);
    let operators = [Operator::Optimal, Operator::TopP(&case.sets), Operator::Projected(&policy)];
    for operator in operators {
        let solutions = METHODS.map(|method| solve(mdp, gamma, operator, method, SETTINGS, None));
        let error = |i: usize| {
            let s = &solutions[i];
            (s.residual() + rounding.bound(&s.v)) * factor
        };
        for i in 1..METHODS.len() {
            for state in 0..mdp.states() {
                let place = Place { state, action: None };
                let (a, b) = (solutions[0].v[state], solutions[i].v[state]);
                judge.equal::<f64>("the solvers agree", place, a, b, error(0) + error(i));
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
