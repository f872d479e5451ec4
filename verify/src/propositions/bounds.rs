//! The bounds on the gap: projected teacher, sandwich, main theorem, tightness, horizon.

use crate::{Case, Finding, Judge, Number};
use nalgebra::DVector;
use operators::{Cells, Dense, NumberSystem, OperatorError, Rows, horizon_bound};
use rounding::directed::{div_up, mul_up, sub_down};
use tabular::random::Source;

pub(super) const NEEDS_CONTRACTION: &str = "γ < 1";
pub(super) const NEEDS_EXACT_MASS: &str = "γ < 1 and every state has mass exactly p";
pub(super) const NEEDS_AN_END: &str = "every path ends within a bounded number of transitions";

/// `lower ≤ upper` on the support, where pairs at which `same` holds are equal by definition.
fn ordered<T: Number>(
    case: &Case<'_, T>,
    judge: &mut Judge,
    claim: &'static str,
    lower: &Cells<Dense<T>>,
    upper: &Cells<Dense<T>>,
    same: impl Fn(usize) -> bool,
) {
    for (_, pair, place) in case.support() {
        let settled = T::RIGOROUS && same(pair) && lower.0[pair].equals(upper.0[pair], 0.0);
        if !settled {
            judge.at_most(claim, place, lower.0[pair], upper.0[pair], case.value_slack);
        }
    }
}

pub(super) fn projected_teacher<T: Number>(
    case: &Case<'_, T>,
    _: &mut Source,
) -> Result<Finding, OperatorError> {
    let mut judge = Judge::new();
    let gap = case.gap()?;
    let full = |pair: usize| case.coincidence().full[pair];
    ordered(case, &mut judge, "Q̄^{proj π*} ≤ Q*", &case.q_projected, &case.q_star, full);
    if case.gamma().is_contracting() {
        let kappa = case.kappa()?;
        for (_, pair, place) in case.support() {
            let leakless = T::RIGOROUS && full(pair);
            let value = if leakless { T::from_f64(0.0) } else { gap.0[pair] };
            judge.bounded("Q* − Q̄^{proj π*} ≤ κ(p)", place, value, kappa, case.value_slack);
        }
    }
    Ok(judge.finish::<T>())
}

pub(super) fn sandwich<T: Number>(
    case: &Case<'_, T>,
    _: &mut Source,
) -> Result<Finding, OperatorError> {
    let mut judge = Judge::new();
    let same = |pair: usize| case.coincidence().same[pair] || case.coincidence().full[pair];
    let full = |pair: usize| case.coincidence().full[pair];
    ordered(case, &mut judge, "Q̄^{proj π*} ≤ Q̄_p*", &case.q_projected, &case.q_top_p, same);
    ordered(case, &mut judge, "Q̄_p* ≤ Q*", &case.q_top_p, &case.q_star, full);
    Ok(judge.finish::<T>())
}

pub(super) fn main_bound<T: Number>(
    case: &Case<'_, T>,
    _: &mut Source,
) -> Result<Finding, OperatorError> {
    if !case.gamma().is_contracting() {
        return Ok(Finding::outside(NEEDS_CONTRACTION));
    }
    let mut judge = Judge::new();
    let n = &case.n;
    let difference = n.abs(&n.sub(&case.q_star.0, &case.q_top_p.0)?)?;
    let kappa = case.kappa()?;
    // The supported norm is at most κ(p) when each of its terms is; so a witness says where.
    for (_, pair, place) in case.support() {
        // Where nothing leaks the difference is zero by definition.
        let leakless = T::RIGOROUS && case.coincidence().full[pair];
        let value = if leakless { T::from_f64(0.0) } else { difference[pair] };
        judge.bounded("‖Q* − Q̄_p*‖ ≤ κ(p)", place, value, kappa, case.value_slack);
    }
    Ok(judge.finish::<T>())
}

pub(super) fn tightness<T: Number>(
    case: &Case<'_, T>,
    _: &mut Source,
) -> Result<Finding, OperatorError> {
    if !case.gamma().is_contracting() {
        return Ok(Finding::outside(NEEDS_CONTRACTION));
    }
    let allowed = case.allowed_leak()?;
    // ℓ = −log p everywhere, up to the rounding of two logarithms and a row sum.
    let rounding = 8.0 * f64::EPSILON * (1.0 + allowed.center());
    if !case.leak.0.iter().all(|leak| leak.equals(allowed, rounding)) {
        return Ok(Finding::outside(NEEDS_EXACT_MASS));
    }
    let mut judge = Judge::new();
    let gap = case.gap()?;
    let top_gap = Cells::<Dense<T>>(case.n.sub(&case.q_star.0, &case.q_top_p.0)?);
    let gamma = case.gamma().get();
    // Enclosures cannot show that the mass is p, only that it is near: leaks within δ of −log p
    // give a gap within γ δ/(1 − γ) of κ (leak identity), and no more is claimed.
    let near = case.leak.0.iter().map(|leak| leak.apart(allowed)).fold(0.0, f64::max);
    let uncertain = mul_up(div_up(gamma, sub_down(1.0, gamma)), near);
    let kappa = case.kappa()?.widened(uncertain);
    let slack = case.value_slack + rounding * gamma / (1.0 - gamma);
    for (_, pair, place) in case.support() {
        judge.equal("Q* − Q̄^{proj π*} = κ(p)", place, gap.0[pair], kappa, slack);
        judge.equal("Q* − Q̄_p* = κ(p)", place, top_gap.0[pair], kappa, slack);
    }
    Ok(judge.finish::<T>())
}

pub(super) fn horizon<T: Number>(
    case: &Case<'_, T>,
    _: &mut Source,
) -> Result<Finding, OperatorError> {
    let Some(horizons) = &case.horizons else {
        return Ok(Finding::outside(NEEDS_AN_END));
    };
    let mut judge = Judge::new();
    let gap = case.gap()?;
    let leak = Rows(DVector::from_element(1, case.allowed_leak()?));
    let longest = horizons.iter().max().copied().unwrap_or(0);
    // bounds[H] = −log p Σ_{t=1}^{H−1} γ^t.
    let bounds = (0..=longest)
        .map(|h| Ok(horizon_bound(&case.n, case.gamma(), &leak, h)?.0[0]))
        .collect::<Result<Vec<T>, OperatorError>>()?;
    for (state, pair, place) in case.support() {
        let leakless = T::RIGOROUS && case.coincidence().full[pair];
        let value = if leakless { T::from_f64(0.0) } else { gap.0[pair] };
        let bound = bounds[horizons[state]];
        judge.bounded("D ≤ −log p Σ_{t<H} γ^t", place, value, bound, case.value_slack);
    }
    Ok(judge.finish::<T>())
}
