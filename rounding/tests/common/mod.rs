//! Exact arithmetic on doubles, and doubles of every kind.
#![allow(dead_code)] // each test binary uses a part

use num_rational::BigRational;
use proptest::prelude::*;
use rounding::Enclosure;

/// `n` cases of each property, or as many as the variable PROPTEST_CASES asks for.
pub fn cases(n: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(n),
    }
}

/// The real number that a finite double is.
pub fn exact(x: f64) -> BigRational {
    BigRational::from_float(x).expect("finite")
}

/// d ≤ r, where −∞ is below every real number.
pub fn at_most(d: f64, r: &BigRational) -> bool {
    d == f64::NEG_INFINITY || (d.is_finite() && exact(d) <= *r)
}

/// d ≥ r, where ∞ is above every real number.
pub fn at_least(d: f64, r: &BigRational) -> bool {
    at_most(-d, &-r)
}

/// Whether d is the largest double ≤ r (−∞ when there is no finite one).
pub fn is_floor(d: f64, r: &BigRational) -> bool {
    at_most(d, r) && !at_most(d.next_up(), r)
}

/// Whether d is the smallest double ≥ r.
pub fn is_ceiling(d: f64, r: &BigRational) -> bool {
    is_floor(-d, &-r)
}

/// Whether d ≤ r and at most one double lies in (d, r].
pub fn is_near_floor(d: f64, r: &BigRational) -> bool {
    at_most(d, r) && !at_most(d.next_up().next_up(), r)
}

/// Whether d ≥ r and at most one double lies in [r, d).
pub fn is_near_ceiling(d: f64, r: &BigRational) -> bool {
    is_near_floor(-d, &-r)
}

/// Whether the enclosure holds the real number.
pub fn holds(e: Enclosure, r: &BigRational) -> bool {
    at_most(e.lo(), r) && at_least(e.hi(), r)
}

/// Numbers where rounding, underflow and overflow change their behaviour.
pub const SPECIAL: [f64; 22] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    3.0,
    1.0 + f64::EPSILON,
    1.0 - f64::EPSILON / 2.0,
    5e-324,
    -5e-324,
    1e-323,
    f64::MIN_POSITIVE,
    -f64::MIN_POSITIVE,
    2.225_073_858_507_201e-308,
    f64::MAX,
    f64::MIN,
    f64::MAX / 2.0,
    1e154,
    1.4916681462400413e-154,
    9007199254740993.0,
    -0.1,
    1e16,
];

/// A finite double: of any size, of ordinary size, a small integer, or a special one.
pub fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite()),
        4 => -1e3..1e3f64,
        1 => (-40i32..40).prop_map(f64::from),
        1 => (any::<bool>(), 0u64..1 << 54).prop_map(|(s, b)| if s { -1.0 } else { 1.0 } * f64::from_bits(b)),
        2 => proptest::sample::select(&SPECIAL[..]),
    ]
}

/// Two finite doubles, often of nearly equal or nearly opposite value.
pub fn pair() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        3 => (finite(), finite()),
        1 => (finite(), -8i64..8, any::<bool>()).prop_filter_map("finite", |(a, ulps, opposite)| {
            let b = f64::from_bits(a.to_bits().wrapping_add_signed(ulps));
            b.is_finite().then_some((a, if opposite { -b } else { b }))
        }),
        // Sums near a midpoint of two doubles, and near the end of the range.
        1 => (finite(), -60i32..4, any::<bool>()).prop_filter_map("finite", |(a, shift, opposite)| {
            let b = a * 2f64.powi(shift);
            b.is_finite().then_some((a, if opposite { -b } else { b }))
        }),
        1 => (0u64..6, -6i32..6).prop_map(|(down, quarters)| {
            let big = f64::from_bits(f64::MAX.to_bits() - down);
            (big, f64::from(quarters) * 2f64.powi(969))
        }),
    ]
}

/// A bounded enclosure: a point, narrow, or wide.
pub fn bounded() -> impl Strategy<Value = Enclosure> {
    prop_oneof![
        1 => finite().prop_map(Enclosure::exact),
        3 => pair().prop_map(|(a, b)| Enclosure::new(a.min(b), a.max(b)).expect("ordered")),
    ]
}

/// An enclosure, bounded or not.
pub fn enclosure() -> impl Strategy<Value = Enclosure> {
    prop_oneof![
        8 => bounded(),
        1 => finite().prop_map(|x| Enclosure::new(x, f64::INFINITY).expect("ordered")),
        1 => finite().prop_map(|x| Enclosure::new(f64::NEG_INFINITY, x).expect("ordered")),
        1 => Just(Enclosure::ENTIRE),
    ]
}

/// A finite double inside: an end, the middle, or somewhere.
pub fn point_inside(e: Enclosure, choice: u8, at: f64) -> f64 {
    let (lo, hi) = (e.lo().max(f64::MIN), e.hi().min(f64::MAX));
    match choice {
        0 => lo,
        1 => hi,
        2 => e.midpoint(),
        _ => ((1.0 - at) * lo + at * hi).clamp(lo, hi),
    }
}

/// An enclosure and a double inside.
pub fn with_point() -> impl Strategy<Value = (Enclosure, f64)> {
    (enclosure(), 0u8..6, 0.0..1.0f64).prop_map(|(e, choice, at)| (e, point_inside(e, choice, at)))
}
