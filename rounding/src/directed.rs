//! One operation, rounded to a named side.
//!
//! For finite arguments each `*_down` returns a double that is at most the real result and
//! each `*_up` one that is at least the real result. Where the nearest double is infinite the
//! finite side is `±f64::MAX` and the other side is infinite, which is still an enclosure.
//! A product or quotient never changes its sign: where the nearest double underflows to zero, the
//! side towards zero is zero.

/// The rounding error of the nearest sum: `a + b = s + e` exactly (Knuth's TwoSum).
///
/// Meaningful when `a`, `b` and `s = a + b` are finite; addition cannot underflow.
#[inline]
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let b_virtual = s - a;
    let a_virtual = s - b_virtual;
    let e = (a - a_virtual) + (b - b_virtual);
    if e.is_nan() && s.is_finite() {
        // `s − a` can overflow where `s` does not: for b = MAX and a = −3 · 2^970 only, up to
        // sign. With the larger magnitude first it cannot.
        return (s, a - (s - b));
    }
    (s, e)
}

/// A double ≤ `a + b`, the largest one.
#[inline]
pub fn add_down(a: f64, b: f64) -> f64 {
    let (s, e) = two_sum(a, b);
    // `e` is NaN when something overflowed: then the neighbour is the safe answer.
    if e >= 0.0 { s } else { s.next_down() }
}

/// A double ≥ `a + b`, the smallest one.
#[inline]
pub fn add_up(a: f64, b: f64) -> f64 {
    let (s, e) = two_sum(a, b);
    if e <= 0.0 { s } else { s.next_up() }
}

/// A double ≤ `a − b`.
#[inline]
pub fn sub_down(a: f64, b: f64) -> f64 {
    add_down(a, -b)
}

/// A double ≥ `a − b`.
#[inline]
pub fn sub_up(a: f64, b: f64) -> f64 {
    add_up(a, -b)
}

/// Whether `a · b` is a double for a reason that needs no computation.
#[inline]
fn product_is_exact(a: f64, b: f64) -> bool {
    a == 0.0 || b == 0.0 || a.abs() == 1.0 || b.abs() == 1.0
}

/// The largest double below `nearest`, but +0 stays: a positive number rounds to +0, a negative
/// one to −0.
#[inline]
fn below(nearest: f64) -> f64 {
    if nearest.to_bits() == 0 { nearest } else { nearest.next_down() }
}

/// The smallest double above `nearest`, but −0 stays.
#[inline]
fn above(nearest: f64) -> f64 {
    -below(-nearest)
}

/// A double ≤ `a · b`.
#[inline]
pub fn mul_down(a: f64, b: f64) -> f64 {
    let product = a * b;
    if product_is_exact(a, b) { product } else { below(product) }
}

/// A double ≥ `a · b`.
#[inline]
pub fn mul_up(a: f64, b: f64) -> f64 {
    let product = a * b;
    if product_is_exact(a, b) { product } else { above(product) }
}

/// A double ≤ `a / b`; `b` must not be zero.
#[inline]
pub fn div_down(a: f64, b: f64) -> f64 {
    let quotient = a / b;
    if a == 0.0 || b.abs() == 1.0 { quotient } else { below(quotient) }
}

/// A double ≥ `a / b`; `b` must not be zero.
#[inline]
pub fn div_up(a: f64, b: f64) -> f64 {
    let quotient = a / b;
    if a == 0.0 || b.abs() == 1.0 { quotient } else { above(quotient) }
}

/// A double ≤ `exp(x)`, never negative, and at least 1 for `x ≥ 0`.
#[inline]
pub fn exp_down(x: f64) -> f64 {
    // exp(x) is rational for x = 0 only (Lindemann), so 0 is the one exact case; the bound covers
    // it, and keeps exp monotone around it.
    core_math::exp(x).next_down().max(if x >= 0.0 { 1.0 } else { 0.0 })
}

/// A double ≥ `exp(x)`, at most 1 for `x ≤ 0`.
#[inline]
pub fn exp_up(x: f64) -> f64 {
    let above = core_math::exp(x).next_up();
    if x <= 0.0 { above.min(1.0) } else { above }
}

/// A double ≤ `ln(x)`; `−∞` for `x ≤ 0`.
#[inline]
pub fn ln_down(x: f64) -> f64 {
    if x <= 0.0 {
        f64::NEG_INFINITY
    } else if x == 1.0 {
        0.0
    } else {
        core_math::log(x).next_down()
    }
}

/// A double ≥ `ln(x)`; `−∞` for `x ≤ 0`, where no real logarithm exists.
#[inline]
pub fn ln_up(x: f64) -> f64 {
    if x <= 0.0 {
        f64::NEG_INFINITY
    } else if x == 1.0 {
        0.0
    } else {
        core_math::log(x).next_up()
    }
}
