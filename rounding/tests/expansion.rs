//! Exact sums against rationals.

mod common;

use common::*;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use proptest::prelude::*;
use rounding::{Enclosure, Expansion};
use std::cmp::Ordering;

/// Lists in which much cancels, none of whose partial sums overflows.
fn summands() -> impl Strategy<Value = Vec<f64>> {
    let term = prop_oneof![
        (-1.0..1.0f64, -300i32..300).prop_map(|(m, e)| m * 2f64.powi(e)),
        (-1.0..1.0f64, -60i32..60).prop_map(|(m, e)| m * 2f64.powi(e)),
        (-1000i32..1000).prop_map(f64::from),
        (any::<bool>(), 0u64..1 << 53)
            .prop_map(|(s, b)| if s { -1.0 } else { 1.0 } * f64::from_bits(b)),
        proptest::sample::select(
            &[0.0, -0.0, 1.0, 5e-324, 1e300, -1e300, 0.1, 1e16, 1.0 + f64::EPSILON][..]
        ),
    ];
    // Some terms come back with the other sign, some a little off.
    (proptest::collection::vec((term, 0u8..6), 0..12)).prop_flat_map(|terms| {
        let mut list = Vec::new();
        for (x, fate) in terms {
            list.push(x);
            match fate {
                0 | 1 => list.push(-x),
                2 => list.push(-x.next_up()),
                _ => {}
            }
        }
        Just(list).prop_shuffle()
    })
}

fn total(list: &[f64]) -> BigRational {
    list.iter().map(|&x| exact(x)).fold(BigRational::zero(), |a, b| a + b)
}

fn expansion(list: &[f64]) -> Expansion {
    Expansion::sum(list.iter().copied()).expect("no overflow")
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn an_expansion_is_the_exact_sum(list in summands()) {
        prop_assert_eq!(total(expansion(&list).terms()), total(&list));
    }

    #[test]
    fn terms_grow_without_overlap_and_without_zeros(list in summands()) {
        let e = expansion(&list);
        prop_assert!(e.terms().iter().all(|&t| t != 0.0));
        for pair in e.terms().windows(2) {
            // The larger one is a multiple of the power of two next above the smaller one.
            let unit = exact(f64::from_bits(match pair[0].abs().to_bits() {
                subnormal @ 0..0x10_0000_0000_0000 => 2 << subnormal.ilog2(),
                normal => ((normal >> 52) + 1) << 52,
            }));
            prop_assert!(unit > exact(pair[0].abs()) && (exact(pair[1]) / unit).is_integer());
        }
    }

    #[test]
    fn the_sign_is_that_of_the_sum(list in summands()) {
        prop_assert_eq!(expansion(&list).sign(), total(&list).cmp(&BigRational::zero()));
    }

    #[test]
    fn as_f64_gives_the_sum_exactly_when_it_is_a_double(list in summands()) {
        let sum = total(&list);
        let floor = expansion(&list).enclosure().lo();
        match expansion(&list).as_f64() {
            Some(x) => prop_assert_eq!(exact(x), sum),
            // Then no double near it equals the sum either.
            None => {
                let mut x = floor.next_down();
                for _ in 0..5 {
                    prop_assert!(!x.is_finite() || exact(x) != sum);
                    x = x.next_up();
                }
            }
        }
    }

    #[test]
    fn a_sum_that_is_a_double_is_found_and_enclosed_by_itself(list in summands(), x in -1e9..1e9f64) {
        // Append what makes the sum x exactly.
        let mut list = list;
        let rest: Vec<f64> = expansion(&list).terms().iter().map(|t| -t).collect();
        list.extend(rest);
        list.push(x);
        prop_assert_eq!(expansion(&list).as_f64(), Some(x));
        prop_assert_eq!(expansion(&list).enclosure(), Enclosure::exact(x));
        prop_assert_eq!(expansion(&list).approximate(), x);
    }

    #[test]
    fn the_enclosure_holds_the_sum_and_skips_one_double_at_most(list in summands()) {
        let (sum, e) = (total(&list), expansion(&list).enclosure());
        prop_assert!(is_near_floor(e.lo(), &sum) && is_near_ceiling(e.hi(), &sum), "{:?}", e);
    }

    #[test]
    fn the_approximation_is_one_ulp_off_at_most(list in summands()) {
        let sum = total(&list);
        let x = expansion(&list).approximate();
        let ulp = exact(x.abs().next_up()) - exact(x.abs());
        prop_assert!((exact(x) - sum).abs() <= ulp);
    }
}

#[test]
fn an_empty_sum_is_positive_zero() {
    let zero = Expansion::default();
    assert!(zero.terms().is_empty());
    assert_eq!(zero.approximate().to_bits(), 0);
    assert_eq!(zero.as_f64().map(f64::to_bits), Some(0));
    assert_eq!((zero.sign(), zero.enclosure()), (Ordering::Equal, Enclosure::ZERO));
}

#[test]
fn one_plus_a_tiny_number_is_no_double_and_lies_above_one() {
    let e = expansion(&[1.0, 1e-300]);
    assert_eq!(e.as_f64(), None);
    assert_eq!(e.enclosure(), Enclosure::new(1.0, 1f64.next_up()).expect("ordered"));
    assert_eq!(expansion(&[1.0, 1e-300, -1.0]).as_f64(), Some(1e-300));
}

#[test]
fn numbers_that_are_not_finite_and_overflowing_sums_are_refused() {
    for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Expansion::sum([1.0, x]), None);
    }
    assert_eq!(Expansion::sum([f64::MAX, f64::MAX]), None);
    assert_eq!(Expansion::sum([f64::MIN, f64::MIN, f64::MAX]), None);
}

#[test]
fn the_one_sum_whose_two_sum_overflows_inside_is_exact_too() {
    let small = -3.0 * 2f64.powi(970);
    for list in [[small, f64::MAX], [f64::MAX, small], [-small, f64::MIN], [f64::MIN, -small]] {
        assert_eq!(total(expansion(&list).terms()), total(&list));
    }
}
