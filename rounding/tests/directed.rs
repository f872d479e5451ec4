//! Sums, differences, products and quotients with a rounding direction, against exact rationals.

mod common;

use common::*;
use num_rational::BigRational;
use num_traits::Signed;
use proptest::prelude::*;
use rounding::directed::*;

fn sum(a: f64, b: f64) -> BigRational {
    exact(a) + exact(b)
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn add_down_is_the_largest_double_at_most_the_sum((a, b) in pair()) {
        prop_assert!(is_floor(add_down(a, b), &sum(a, b)));
        prop_assert!(is_floor(add_down(b, a), &sum(a, b)));
    }

    #[test]
    fn add_up_is_the_smallest_double_at_least_the_sum((a, b) in pair()) {
        prop_assert!(is_ceiling(add_up(a, b), &sum(a, b)));
        prop_assert!(is_ceiling(add_up(b, a), &sum(a, b)));
    }

    #[test]
    fn sub_down_and_sub_up_are_tight((a, b) in pair()) {
        let difference = exact(a) - exact(b);
        prop_assert!(is_floor(sub_down(a, b), &difference));
        prop_assert!(is_ceiling(sub_up(a, b), &difference));
    }

    #[test]
    fn two_sum_loses_nothing((a, b) in pair()) {
        let (s, e) = two_sum(a, b);
        prop_assert_eq!(s, a + b);
        if s.is_finite() {
            prop_assert_eq!(exact(s) + exact(e), sum(a, b));
        }
    }

    #[test]
    fn products_lie_between_ends_that_skip_one_double_at_most((a, b) in pair()) {
        let product = exact(a) * exact(b);
        prop_assert!(is_near_floor(mul_down(a, b), &product));
        prop_assert!(is_near_ceiling(mul_up(a, b), &product));
    }

    #[test]
    fn quotients_lie_between_ends_that_skip_one_double_at_most((a, b) in pair()) {
        prop_assume!(b != 0.0);
        let quotient = exact(a) / exact(b);
        prop_assert!(is_near_floor(div_down(a, b), &quotient));
        prop_assert!(is_near_ceiling(div_up(a, b), &quotient));
    }

    #[test]
    fn products_and_quotients_keep_their_sign((a, b) in pair()) {
        let product = exact(a) * exact(b);
        prop_assert!(!product.is_positive() || mul_down(a, b) >= 0.0);
        prop_assert!(!product.is_negative() || mul_up(a, b) <= 0.0);
        if b != 0.0 {
            prop_assert!(!product.is_positive() || div_down(a, b) >= 0.0);
            prop_assert!(!product.is_negative() || div_up(a, b) <= 0.0);
        }
    }

    #[test]
    fn products_and_quotients_with_zero_and_one_are_exact(a in finite()) {
        for one in [1.0, -1.0] {
            for f in [mul_down, mul_up, div_down, div_up] {
                prop_assert_eq!(f(a, one), a * one);
            }
            prop_assert_eq!((mul_down(one, a), mul_up(one, a)), (a * one, a * one));
        }
        for (down, up) in [(mul_down(a, 0.0), mul_up(a, 0.0)), (mul_down(0.0, a), mul_up(0.0, a))] {
            prop_assert_eq!((down, up), (0.0, 0.0));
        }
        if a != 0.0 {
            prop_assert_eq!((div_down(0.0, a), div_up(0.0, a)), (0.0, 0.0));
        }
    }
}

#[test]
fn every_pair_of_special_numbers_is_rounded_to_its_side() {
    for a in SPECIAL {
        for b in SPECIAL {
            assert!(is_floor(add_down(a, b), &sum(a, b)), "{a:e} + {b:e}");
            assert!(is_ceiling(add_up(a, b), &sum(a, b)), "{a:e} + {b:e}");
            let product = exact(a) * exact(b);
            assert!(is_near_floor(mul_down(a, b), &product), "{a:e} * {b:e}");
            assert!(is_near_ceiling(mul_up(a, b), &product), "{a:e} * {b:e}");
            if b != 0.0 {
                let quotient = exact(a) / exact(b);
                assert!(is_near_floor(div_down(a, b), &quotient), "{a:e} / {b:e}");
                assert!(is_near_ceiling(div_up(a, b), &quotient), "{a:e} / {b:e}");
            }
        }
    }
}

#[test]
fn an_overflow_leaves_the_finite_side_at_the_largest_double() {
    let (max, inf) = (f64::MAX, f64::INFINITY);
    assert_eq!((add_down(max, max), add_up(max, max)), (max, inf));
    assert_eq!((add_down(-max, -max), add_up(-max, -max)), (-inf, -max));
    assert_eq!((sub_down(max, -max), sub_up(-max, max)), (max, -max));
    assert_eq!((mul_down(max, 2.0), mul_up(max, 2.0)), (max, inf));
    assert_eq!((mul_down(max, -2.0), mul_up(max, -2.0)), (-inf, -max));
    assert_eq!((div_down(max, 0.5), div_up(max, 0.5)), (max, inf));
    assert_eq!((div_down(1.0, -5e-324), div_up(1.0, -5e-324)), (-inf, -max));
    // Half an ulp above the largest double is where the nearest sum becomes infinite.
    let half_ulp = 2f64.powi(970);
    assert_eq!((add_down(max, half_ulp), add_up(max, half_ulp)), (max, inf));
    assert_eq!((add_down(max, half_ulp / 2.0), add_up(max, half_ulp / 2.0)), (max, inf));
}

#[test]
fn two_sum_survives_the_one_sum_whose_intermediate_overflows() {
    let small = -3.0 * 2f64.powi(970);
    for (a, b) in [(small, f64::MAX), (f64::MAX, small), (-small, f64::MIN), (f64::MIN, -small)] {
        let (s, e) = two_sum(a, b);
        assert_eq!(exact(s) + exact(e), sum(a, b));
        assert_eq!(e.abs(), 2f64.powi(970));
    }
}

#[test]
fn an_underflow_stays_on_its_side_of_zero() {
    let tiny = 5e-324;
    assert_eq!((mul_down(tiny, tiny), mul_up(tiny, tiny)), (0.0, tiny));
    assert_eq!((mul_down(tiny, -tiny), mul_up(tiny, -tiny)), (-tiny, 0.0));
    assert_eq!((div_down(tiny, 4.0), div_up(tiny, 4.0)), (0.0, tiny));
    assert_eq!((div_down(-tiny, 4.0), div_up(-tiny, 4.0)), (-tiny, 0.0));
}
