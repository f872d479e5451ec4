//! Contraction and monotonicity of B_p^π and T_p.

use crate::{Case, Finding, Judge, Number};
use operators::{Cells, Dense, NumberSystem, OperatorError, Rows, Successor, supported_norm};
use tabular::random::Source;

/// How large the random Q-tables are; the operators are shift-equivariant, so only the spread
/// matters, and a spread of a few nats visits both sharp and flat policies.
const SPREAD: f64 = 4.0;

/// How much wilder the pairs outside the candidate sets are: an operator that reads them shows.
const OFF_SUPPORT: f64 = 8.0;

/// A random table, wild off the support.
fn random_table<T: Number>(case: &Case<'_, T>, source: &mut Source) -> Vec<f64> {
    case.set
        .iter()
        .map(|&kept| source.signed(if kept { SPREAD } else { OFF_SUPPORT * SPREAD }))
        .collect()
}

/// Rounding of one application to tables of this size.
fn slack<T: Number>(case: &Case<'_, T>) -> f64 {
    4.0 * case.rounding.bound(&[OFF_SUPPORT * SPREAD])
}

type Values<T> = Result<Rows<Dense<T>>, OperatorError>;
type Table<T> = Cells<Dense<T>>;

/// V as B_p^π and as T_p see it.
fn values<T: Number>(case: &Case<'_, T>, q: &Table<T>) -> [Values<T>; 2] {
    [
        case.theory.policy_value(&case.n, q, &case.teacher, &case.set),
        case.theory.top_p_value(&case.n, q, &case.set),
    ]
}

const CONTRACTS: [&str; 2] =
    ["|B_p^π Q₁ − B_p^π Q₂| ≤ γ ‖Q₁ − Q₂‖", "|T_p Q₁ − T_p Q₂| ≤ γ ‖Q₁ − Q₂‖"];

pub(super) fn contraction<T: Number>(
    case: &Case<'_, T>,
    source: &mut Source,
) -> Result<Finding, OperatorError> {
    let n = &case.n;
    let mut judge = Judge::new();
    let q1 = n.cells(&random_table(case, source))?;
    let q2 = n.cells(&random_table(case, source))?;
    let norm = supported_norm(n, &Cells(n.sub(&q1.0, &q2.0)?), &case.set)?;
    let bound = norm * T::from_f64(case.gamma().get());
    for ((claim, v1), v2) in CONTRACTS.iter().zip(values(case, &q1)).zip(values(case, &q2)) {
        let (v1, v2) = (v1?, v2?);
        let image = |v: &Rows<_>| case.theory.backup(n, case.mdp(), &case.reward, case.gamma(), v);
        let difference = n.abs(&n.sub(&image(&v1)?.0, &image(&v2)?.0)?)?;
        // BQ₁ − BQ₂ = γ E[V₁ − V₂]: rewards cancel, and the claim divided by γ is free of the
        // rounding of r + γ E V, which decides the cases of equality (one kept action).
        let expected = case.mdp().expected(n, &Rows(n.sub(&v1.0, &v2.0)?))?;
        let divided = n.abs(&expected.0)?;
        for (_, pair, place) in case.support() {
            let direct = difference[pair].at_most(bound, slack(case));
            let (value, bound) = match direct {
                None => (divided[pair], norm),
                Some(_) => (difference[pair], bound),
            };
            judge.bounded(claim, place, value, bound, slack(case));
        }
    }
    Ok(judge.finish::<T>())
}

pub(super) fn monotonicity<T: Number>(
    case: &Case<'_, T>,
    source: &mut Source,
) -> Result<Finding, OperatorError> {
    let n = &case.n;
    let mut judge = Judge::new();
    let lower = random_table(case, source);
    // Strictly above on the support, anything off it: only the support may matter.
    let raise = |(&x, &kept): (&f64, &bool)| {
        let step = source.signed(1.0);
        if kept { x + step.abs() + 0.125 } else { x + OFF_SUPPORT * step }
    };
    let upper: Vec<f64> = lower.iter().zip(&case.set).map(raise).collect();
    let (lower, upper) = (n.cells(&lower)?, n.cells(&upper)?);
    let claims = ["B_p^π Q₁ ≤ B_p^π Q₂", "T_p Q₁ ≤ T_p Q₂"];
    for ((claim, v1), v2) in claims.iter().zip(values(case, &lower)).zip(values(case, &upper)) {
        let image = |v: &Rows<_>| case.theory.backup(n, case.mdp(), &case.reward, case.gamma(), v);
        case.judge_at_most(&mut judge, claim, &image(&v1?)?, &image(&v2?)?, slack(case));
    }
    Ok(judge.finish::<T>())
}
