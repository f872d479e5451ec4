//! Exact quotients and expected rewards: which double is nearest, and whether it is the value.

use num_bigint::{BigInt, BigUint, Sign};
use std::cmp::Ordering;

/// A real number as the nearest double.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nearest {
    /// The nearest double, ties to even; infinite beyond the doubles.
    pub value: f64,
    /// Whether the double is the number.
    pub exact: bool,
}

/// n / d rounded to nearest; d is not zero.
pub(super) fn quotient(n: &BigUint, d: &BigUint) -> Nearest {
    if *n == BigUint::ZERO {
        return Nearest { value: 0.0, exact: true };
    }
    // 2^e ≤ n/d < 2^(e+1), and the last bit of the double is worth 2^unit.
    let guess = n.bits() as i64 - d.bits() as i64;
    let e = if reaches(n, d, guess) { guess } else { guess - 1 };
    let unit = (e - 52).max(-1074);
    if unit > 971 {
        return Nearest { value: f64::INFINITY, exact: false };
    }
    let (n, d) = scaled(n, d, unit);
    let (whole, rest) = (&n / &d, &n % &d);
    // Below 2^53 by the choice of `unit`, so this is exact.
    let whole = whole.iter_u64_digits().next().unwrap_or(0);
    let up = match (&rest << 1u32).cmp(&d) {
        Ordering::Less => 0,
        Ordering::Equal => whole & 1,
        Ordering::Greater => 1,
    };
    // A multiple of 2^unit with at most 53 bits: the product is exact, subnormal or not.
    Nearest { value: (whole + up) as f64 * power_of_two(unit), exact: rest == BigUint::ZERO }
}

/// base + Σ w·r / Σ w over the (w, r) given, all finite, with w > 0 and at least one.
pub(super) fn expected_reward(base: f64, weighted: &[(f64, f64)]) -> Nearest {
    // Any double is a multiple of 2^-1074, so in that unit everything below is an integer.
    let (mut sum, mut total) = (BigInt::ZERO, BigInt::ZERO);
    for &(w, r) in weighted {
        let w = integer(w);
        sum += &w * integer(r);
        total += w;
    }
    let n = sum + integer(base) * &total;
    let rounded = quotient(n.magnitude(), (total << 1074u32).magnitude());
    let sign = if n.sign() == Sign::Minus { -1.0 } else { 1.0 };
    Nearest { value: sign * rounded.value, ..rounded }
}

/// x · 2^1074 for a finite x.
fn integer(x: f64) -> BigInt {
    let bits = x.to_bits();
    let (exponent, fraction) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
    let magnitude = match exponent {
        0 => BigUint::from(fraction),
        _ => BigUint::from(fraction | 1 << 52) << (exponent - 1),
    };
    BigInt::from_biguint(if x < 0.0 { Sign::Minus } else { Sign::Plus }, magnitude)
}

/// Whether n / d ≥ 2^e.
fn reaches(n: &BigUint, d: &BigUint, e: i64) -> bool {
    let (n, d) = scaled(n, d, e);
    n >= d
}

/// Numerator and denominator of n / (d · 2^e).
fn scaled(n: &BigUint, d: &BigUint, e: i64) -> (BigUint, BigUint) {
    match e {
        0.. => (n.clone(), d << e.unsigned_abs()),
        _ => (n << e.unsigned_abs(), d.clone()),
    }
}

/// 2^e for −1074 ≤ e ≤ 1023.
fn power_of_two(e: i64) -> f64 {
    let bits = if e >= -1022 { (e + 1023) << 52 } else { 1 << (e + 1074) };
    f64::from_bits(bits as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finite() -> impl Strategy<Value = f64> {
        any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite())
    }

    proptest! {
        #[test]
        fn quotients_of_doubles_are_rounded_as_the_processor_does(x in finite(), y in finite()) {
            prop_assume!(y != 0.0);
            let q = quotient(integer(x).magnitude(), integer(y).magnitude());
            prop_assert_eq!(q.value, (x / y).abs());
        }

        #[test]
        fn quotients_of_small_integers_are_rounded_as_the_processor_does(x: u32, y in 1u32..) {
            let q = quotient(&x.into(), &y.into());
            prop_assert_eq!(q.value, f64::from(x) / f64::from(y));
            prop_assert_eq!(q.exact, (q.value * f64::from(y)).to_bits() == f64::from(x).to_bits()
                && u64::from(x) % (u64::from(y) >> y.trailing_zeros()) == 0);
        }

        #[test]
        fn a_single_reward_is_its_own_expectation(w in finite(), r in finite()) {
            prop_assume!(w > 0.0);
            let expected = Nearest { value: r + 0.0, exact: true };
            prop_assert_eq!(expected_reward(0.0, &[(w, r)]), expected);
        }
    }

    #[test]
    fn half_of_one_and_half_of_three_is_two_and_exact() {
        let two = Nearest { value: 2.0, exact: true };
        assert_eq!(expected_reward(0.0, &[(0.5, 1.0), (0.5, 3.0)]), two);
        assert_eq!(expected_reward(1.5, &[(0.5, -1.0), (0.5, 2.0)]), two);
    }

    #[test]
    fn three_equal_weights_average_to_the_nearest_double_of_a_third() {
        let third = 0.3333333333333333;
        let mean = expected_reward(0.0, &[(third, 1.0), (third, 0.0), (third, 0.0)]);
        assert_eq!(mean, Nearest { value: 1.0 / 3.0, exact: false });
    }

    #[test]
    fn sums_beyond_the_doubles_are_infinite() {
        assert_eq!(expected_reward(f64::MAX, &[(1.0, f64::MAX)]).value, f64::INFINITY);
    }
}
