//! Inclusion: what can be computed from points inside lies inside what is computed from the whole.

mod common;

use common::*;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use proptest::prelude::*;
use rounding::Enclosure;

fn interval(lo: f64, hi: f64) -> Enclosure {
    Enclosure::new(lo, hi).expect("a real number between")
}

/// The smallest and the largest of the values at the four corners.
fn corners(
    x: Enclosure,
    y: Enclosure,
    f: impl Fn(BigRational, BigRational) -> BigRational,
) -> (BigRational, BigRational) {
    let mut values = Vec::new();
    for a in [x.lo(), x.hi()] {
        for b in [y.lo(), y.hi()] {
            values.push(f(exact(a), exact(b)));
        }
    }
    (values.iter().min().expect("four").clone(), values.iter().max().expect("four").clone())
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn sums_of_points_inside_lie_in_the_sum((x, a) in with_point(), (y, b) in with_point()) {
        prop_assert!(holds(x + y, &(exact(a) + exact(b))));
    }

    #[test]
    fn differences_of_points_inside_lie_in_the_difference((x, a) in with_point(), (y, b) in with_point()) {
        prop_assert!(holds(x - y, &(exact(a) - exact(b))));
    }

    #[test]
    fn products_of_points_inside_lie_in_the_product((x, a) in with_point(), (y, b) in with_point()) {
        prop_assert!(holds(x * y, &(exact(a) * exact(b))));
    }

    #[test]
    fn quotients_of_points_inside_lie_in_the_quotient((x, a) in with_point(), (y, b) in with_point()) {
        prop_assume!(b != 0.0);
        prop_assert!(holds(x / y, &(exact(a) / exact(b))));
    }

    #[test]
    fn sums_and_differences_are_the_tightest_enclosures(x in bounded(), y in bounded()) {
        prop_assert!(is_floor((x + y).lo(), &(exact(x.lo()) + exact(y.lo()))));
        prop_assert!(is_ceiling((x + y).hi(), &(exact(x.hi()) + exact(y.hi()))));
        prop_assert!(is_floor((x - y).lo(), &(exact(x.lo()) - exact(y.hi()))));
        prop_assert!(is_ceiling((x - y).hi(), &(exact(x.hi()) - exact(y.lo()))));
    }

    #[test]
    fn products_and_quotients_exceed_their_exact_range_by_two_doubles_at_most(x in bounded(), y in bounded()) {
        let (lo, hi) = corners(x, y, |a, b| a * b);
        prop_assert!(is_near_floor((x * y).lo(), &lo) && is_near_ceiling((x * y).hi(), &hi));
        if y.contains(0.0) {
            prop_assert_eq!(x / y, Enclosure::ENTIRE);
        } else {
            let (lo, hi) = corners(x, y, |a, b| a / b);
            prop_assert!(is_near_floor((x / y).lo(), &lo) && is_near_ceiling((x / y).hi(), &hi));
        }
    }

    #[test]
    fn the_negative_of_a_point_inside_lies_in_the_negative((x, a) in with_point()) {
        prop_assert!((-x).contains(-a));
        prop_assert_eq!(-(-x), x);
    }

    #[test]
    fn the_magnitude_of_a_point_inside_lies_in_abs_and_is_attained((x, a) in with_point()) {
        prop_assert!(x.abs().contains(a.abs()) && x.abs().lo() >= 0.0);
        prop_assert_eq!(x.abs().hi(), x.hi().abs().max(x.lo().abs()));
        let nearest_to_zero = if x.contains(0.0) { 0.0 } else { x.lo().abs().min(x.hi().abs()) };
        prop_assert_eq!(x.abs().lo(), nearest_to_zero);
    }

    #[test]
    fn the_square_of_a_point_inside_lies_in_the_square((x, a) in with_point()) {
        prop_assert!(holds(x.square(), &(exact(a) * exact(a))));
        if x.is_bounded() {
            prop_assert!(x.square().lo() >= 0.0);
            let largest = exact(x.lo()).abs().max(exact(x.hi()).abs());
            prop_assert!(is_near_ceiling(x.square().hi(), &(&largest * &largest)));
        }
    }

    #[test]
    fn the_larger_of_two_points_inside_lies_in_max((x, a) in with_point(), (y, b) in with_point()) {
        prop_assert!(x.max(y).contains(a.max(b)));
        prop_assert_eq!((x.max(y).lo(), x.max(y).hi()), (x.lo().max(y.lo()), x.hi().max(y.hi())));
    }

    #[test]
    fn the_hull_is_the_smallest_enclosure_of_both(x in enclosure(), y in enclosure()) {
        let hull = x.hull(y);
        for e in [x, y] {
            prop_assert!(hull.lo() <= e.lo() && e.hi() <= hull.hi());
        }
        prop_assert!(hull.lo() == x.lo() || hull.lo() == y.lo());
        prop_assert!(hull.hi() == x.hi() || hull.hi() == y.hi());
    }

    #[test]
    fn widening_adds_every_number_between_its_bounds((x, a) in with_point(), (y, b) in with_point()) {
        let wide = x.widen(y.lo(), y.hi());
        prop_assert!(holds(wide, &(exact(a) + exact(b))));
        prop_assert_eq!(wide, x + y);
    }

    #[test]
    fn at_most_answers_for_all_points_or_not_at_all((x, a) in with_point(), (y, b) in with_point()) {
        match x.at_most(y) {
            Some(true) => prop_assert!(a <= b),
            Some(false) => prop_assert!(a > b),
            None => {
                // Both answers occur among the ends.
                prop_assert!(x.lo() <= y.hi() && x.hi() > y.lo());
            }
        }
    }

    #[test]
    fn enclosures_intersect_exactly_when_neither_lies_above_the_other(x in enclosure(), y in enclosure()) {
        prop_assert_eq!(x.intersects(y), !(x.lo() > y.hi() || y.lo() > x.hi()));
        prop_assert_eq!(x.intersects(y), y.intersects(x));
    }

    #[test]
    fn the_midpoint_lies_inside_and_is_finite(x in enclosure()) {
        prop_assert!(x.midpoint().is_finite() && x.contains(x.midpoint()));
    }

    #[test]
    fn the_midpoint_is_as_far_from_both_ends_up_to_rounding(x in bounded()) {
        // Two halves are exact or off by half the smallest double, and their sum rounds once.
        let middle = (exact(x.lo()) + exact(x.hi())) / exact(2.0);
        let m = x.midpoint();
        let ulp = exact(m.abs().min(f64::MAX.next_down()).next_up()) - exact(m.abs().min(f64::MAX.next_down()));
        prop_assert!((exact(m) - middle).abs() <= ulp);
    }

    #[test]
    fn the_width_is_the_smallest_double_at_least_the_distance(x in bounded()) {
        prop_assert!(is_ceiling(x.width(), &(exact(x.hi()) - exact(x.lo()))));
    }

    #[test]
    fn an_exact_number_holds_itself_only(a in finite()) {
        let x = Enclosure::from(a);
        prop_assert_eq!(x, Enclosure::exact(a));
        prop_assert!(x.contains(a) && !x.contains(a.next_up()) && !x.contains(a.next_down()));
        prop_assert_eq!(x.midpoint(), a);
        prop_assert!(x.width() == 0.0 && x.is_bounded());
    }

    #[test]
    fn exp_and_ln_are_monotone_in_inclusion(x in enclosure(), y in enclosure()) {
        let hull = x.hull(y);
        for f in [Enclosure::exp, Enclosure::ln] {
            let (inner, outer) = (f(x), f(hull));
            // Of an enclosure without a positive number, ln says nothing.
            if f(x) != Enclosure::ENTIRE {
                prop_assert!(outer.lo() <= inner.lo() && inner.hi() <= outer.hi());
            }
        }
    }
}

#[test]
fn at_most_has_three_answers() {
    let (low, middle, high) = (interval(0.0, 1.0), interval(0.5, 2.0), interval(1.0, 3.0));
    assert_eq!(low.at_most(high), Some(true)); // they touch, and 1 ≤ 1
    assert_eq!(high.at_most(low), None); // 1 ≤ 1, but 3 > 0
    assert_eq!(low.at_most(middle), None);
    assert_eq!(interval(1.5, 3.0).at_most(low), Some(false));
    assert_eq!(low.at_most(Enclosure::ENTIRE), None);
}

#[test]
fn ends_that_hold_no_real_number_are_refused() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for (lo, hi) in [(1.0, 0.0), (nan, 1.0), (1.0, nan), (nan, nan), (inf, inf), (-inf, -inf)] {
        assert_eq!(Enclosure::new(lo, hi), None, "[{lo}, {hi}]");
    }
    for (lo, hi) in [(-inf, inf), (-inf, 0.0), (0.0, inf), (1.0, 1.0), (-0.0, 0.0)] {
        assert!(Enclosure::new(lo, hi).is_some(), "[{lo}, {hi}]");
    }
}

#[test]
fn what_is_no_real_number_says_nothing() {
    for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Enclosure::exact(x), Enclosure::ENTIRE);
    }
    // ∞ − ∞ and 0 · ∞ inside an operation.
    let above = interval(0.0, f64::INFINITY);
    assert_eq!(above - above, Enclosure::ENTIRE);
    assert_eq!(above * Enclosure::ZERO, Enclosure::ENTIRE);
    assert_eq!(-above * above, Enclosure::ENTIRE);
    assert_eq!(Enclosure::ENTIRE * Enclosure::ENTIRE, Enclosure::ENTIRE);
    assert_eq!(above / interval(1.0, f64::INFINITY), Enclosure::ENTIRE);
    assert_eq!(Enclosure::ONE.widen(f64::NAN, 0.0), Enclosure::ENTIRE);
    assert_eq!(Enclosure::ONE.widen(0.0, f64::NAN), Enclosure::ENTIRE);
}

#[test]
fn a_divisor_that_holds_zero_says_nothing() {
    for divisor in [Enclosure::ZERO, interval(0.0, 1.0), interval(-1.0, 0.0), interval(-1.0, 1.0)] {
        assert_eq!(Enclosure::ONE / divisor, Enclosure::ENTIRE);
    }
    assert_ne!(Enclosure::ONE / interval(5e-324, 1.0), Enclosure::ENTIRE);
    assert_ne!(Enclosure::ONE / interval(-1.0, -5e-324), Enclosure::ENTIRE);
}

#[test]
fn ln_is_unbounded_below_from_zero_on_and_knows_nothing_without_a_positive_number() {
    assert_eq!(interval(0.0, 1.0).ln(), interval(f64::NEG_INFINITY, 0.0));
    assert_eq!(interval(-1.0, 1.0).ln(), interval(f64::NEG_INFINITY, 0.0));
    assert_eq!(Enclosure::ZERO.ln(), Enclosure::ENTIRE);
    assert_eq!(interval(-2.0, -1.0).ln(), Enclosure::ENTIRE);
}

#[test]
fn the_midpoint_of_a_half_line_is_its_end_and_of_everything_is_zero() {
    assert_eq!(interval(3.0, f64::INFINITY).midpoint(), 3.0);
    assert_eq!(interval(f64::NEG_INFINITY, -3.0).midpoint(), -3.0);
    assert_eq!(Enclosure::ENTIRE.midpoint(), 0.0);
    assert_eq!(interval(f64::MIN, f64::MAX).midpoint(), 0.0);
    assert_eq!(interval(1.0, 3.0).midpoint(), 2.0);
}

#[test]
fn only_two_finite_ends_are_bounded() {
    assert!(interval(f64::MIN, f64::MAX).is_bounded());
    assert!(!interval(0.0, f64::INFINITY).is_bounded());
    assert!(!interval(f64::NEG_INFINITY, 0.0).is_bounded());
    assert!(!Enclosure::ENTIRE.is_bounded());
}

#[test]
fn square_is_tighter_than_the_product_with_itself_across_zero() {
    let x = interval(-1.0, 2.0);
    assert_eq!(x.square().lo(), 0.0);
    assert!((x * x).lo() <= -2.0);
}

#[test]
fn shared_points_touch() {
    assert!(interval(0.0, 1.0).intersects(interval(1.0, 2.0)));
    assert!(!interval(0.0, 1.0).intersects(interval(1f64.next_up(), 2.0)));
    assert!(!interval(1f64.next_up(), 2.0).intersects(interval(0.0, 1.0)));
}

#[test]
fn the_constants_are_what_they_are_called() {
    assert!(holds(Enclosure::ZERO, &BigRational::zero()) && Enclosure::ZERO.width() == 0.0);
    assert_eq!((Enclosure::ONE.lo(), Enclosure::ONE.hi()), (1.0, 1.0));
}

#[test]
fn an_enclosure_is_printed_as_its_two_ends() {
    let x = interval(0.5, 1.0);
    assert_eq!((format!("{x}"), format!("{x:?}")), ("[0.5, 1]".into(), "[0.5, 1.0]".into()));
}
