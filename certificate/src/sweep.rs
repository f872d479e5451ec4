//! The operators T, T_p and B_p^π for state values, in directed rounding.
//!
//! Everything here maps enclosures to enclosures and follows one law (inclusion): real numbers
//! inside the arguments give a real result inside the result. The order of operations is that of
//! the loops, left to right.

use crate::Model;
use rounding::Enclosure;
use rounding::directed::{add_down, add_up, div_down, div_up, mul_down, mul_up, sub_up};

/// w · x for a double w ≥ 0.
#[inline]
fn scaled(w: f64, x: Enclosure) -> Enclosure {
    Enclosure::new(mul_down(w, x.lo()), mul_up(w, x.hi())).unwrap_or(Enclosure::ENTIRE)
}

/// E_{s' ~ P(·|s,a)} v(s') = (Σ w v) / (Σ w).
#[inline]
pub fn expected(model: &Model<'_>, pair: usize, v: &impl Fn(usize) -> Enclosure) -> Enclosure {
    let (successors, weights) = model.row(pair);
    // A certain successor needs no arithmetic, whatever its weight.
    if let [successor] = successors {
        return v(*successor as usize);
    }
    // Weights are positive, so each end is a sum of its own. A NaN stays one until it is caught.
    let (mut lo, mut hi) = (0.0, 0.0);
    for (&successor, &weight) in successors.iter().zip(weights) {
        let v = v(successor as usize);
        lo = add_down(lo, mul_down(weight, v.lo()));
        hi = add_up(hi, mul_up(weight, v.hi()));
    }
    let sum = Enclosure::new(lo, hi).unwrap_or(Enclosure::ENTIRE);
    match model.total(pair) {
        None => sum,
        Some(total) => sum / total,
    }
}

/// Q(s,a) = r(s,a) + γ E v(s').
#[inline]
pub fn backup(
    model: &Model<'_>,
    gamma: f64,
    pair: usize,
    v: &impl Fn(usize) -> Enclosure,
) -> Enclosure {
    Enclosure::exact(model.reward(pair)) + scaled(gamma, expected(model, pair, v))
}

/// The largest upper end: an anchor that keeps `exp` from overflowing. Any double would be correct,
/// so long as it is finite.
fn anchor(q: &[Enclosure]) -> Option<Enclosure> {
    let largest = q.iter().fold(f64::NEG_INFINITY, |best, x| best.max(x.hi()));
    largest.is_finite().then_some(Enclosure::exact(largest))
}

/// log Σ_a exp q_a over one or more numbers.
pub fn log_sum_exp(q: &[Enclosure]) -> Enclosure {
    // log exp q = q needs no arithmetic: terminal states keep exactly 0.
    if let [only] = q {
        return *only;
    }
    let Some(anchor) = anchor(q) else { return Enclosure::ENTIRE };
    let mut sum = Enclosure::ZERO;
    for &x in q {
        sum = sum + (x - anchor).exp();
    }
    anchor + sum.ln()
}

/// The value of the Boltzmann policy w of θ = `q_star` for the action values `q_bar`.
///
/// ```text
/// f(θ) = Σ_a w_a (Q̄_a − log w_a)      w_a = exp θ_a / Σ_b exp θ_b
///      = log Σ_a exp θ_a − Σ_a w_a D_a       D_a = θ_a − Q̄_a
///      = log Σ_a exp θ_a − c − Σ_a w_a (D_a − c)      for any c, as Σ w_a = 1
/// ```
///
/// Evaluating that on intervals would count the width of θ three times, though f hardly depends
/// on θ: along a segment θ + tΔ,
///
/// ```text
/// f' = Σ w Δ − Σ w Δ − Cov_w(D, Δ) = −Cov_w(D, Δ),   |f'| ≤ ¼ (max D − min D)(max Δ − min Δ)
/// ```
///
/// (Popoviciu and Cauchy–Schwarz). So f is evaluated at a point θ̂ of the box and widened by
/// ½ ρ (max D − min D), where ρ is the largest distance of θ from θ̂ and D ranges over the box.
pub fn projected_value(q_star: &[Enclosure], q_bar: &[Enclosure]) -> Enclosure {
    if let [only] = q_bar {
        return *only;
    }
    let mut radius = 0.0f64;
    let (mut d_lo, mut d_hi) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut point = Vec::with_capacity(q_star.len());
    for (&theta, &bar) in q_star.iter().zip(q_bar) {
        let center = Enclosure::exact(theta.midpoint());
        let (away, d) = ((theta - center).abs(), theta - bar);
        radius = radius.max(away.hi());
        d_lo = d_lo.min(d.lo());
        d_hi = d_hi.max(d.hi());
        point.push(center);
    }
    let c = Enclosure::exact(0.5 * d_lo + 0.5 * d_hi);
    let shares = shares(&point);
    if !c.is_bounded() || shares.len() != q_bar.len() {
        return Enclosure::ENTIRE;
    }
    let slack = mul_up(0.5, mul_up(radius, sub_up(d_hi, d_lo)));
    let mut sum = Enclosure::ZERO;
    for (i, &share) in shares.iter().enumerate() {
        sum = sum + share * (point[i] - q_bar[i] - c);
    }
    (log_sum_exp(&point) - c - sum).widen(-slack, slack)
}

/// exp q_a / Σ_b exp q_b of each.
///
/// Leave-one-out: x / (x + rest) rises in x and falls in the rest, so its ends are attained at
/// opposite ends of the two; x / total would count the width of x twice.
///
/// Empty when `q` is not bounded above.
pub fn shares(q: &[Enclosure]) -> Vec<Enclosure> {
    let Some(anchor) = anchor(q) else { return Vec::new() };
    let weight: Vec<Enclosure> = q.iter().map(|&x| (x - anchor).exp()).collect();
    let rests = all_but_one(&weight);
    weight.iter().zip(rests).map(|(&x, rest)| share(x, rest)).collect()
}

/// For each number the sum of the others: those before it, left to right, plus those after it,
/// right to left.
pub(crate) fn all_but_one(numbers: &[Enclosure]) -> Vec<Enclosure> {
    let mut sums = vec![Enclosure::ZERO; numbers.len()];
    for i in (1..numbers.len()).rev() {
        sums[i - 1] = sums[i] + numbers[i];
    }
    let mut before = Enclosure::ZERO;
    for (sum, &x) in sums.iter_mut().zip(numbers) {
        *sum = before + *sum;
        before = before + x;
    }
    sums
}

/// x / (x + rest) for x, rest ≥ 0, not both 0.
fn share(x: Enclosure, rest: Enclosure) -> Enclosure {
    let lo = if x.lo() > 0.0 { div_down(x.lo(), add_up(x.lo(), rest.hi())) } else { 0.0 };
    let total = add_down(x.hi(), rest.lo());
    let hi = if total > 0.0 { div_up(x.hi(), total).min(1.0) } else { 1.0 };
    Enclosure::new(lo, hi).unwrap_or(Enclosure::ENTIRE)
}

/// The difference of two backups, γ E (v(s') − w(s')): the reward, the same in both, drops out.
pub fn backup_difference(
    model: &Model<'_>,
    gamma: f64,
    pair: usize,
    v: &[Enclosure],
    w: &[Enclosure],
) -> Enclosure {
    scaled(gamma, expected(model, pair, &|state| v[state] - w[state]))
}
