//! The operators against exact rationals and a 60-digit oracle, in the last place.

mod common;

use certificate::sweep::{
    backup, backup_difference, expected, log_sum_exp, projected_value, shares,
};
use certificate::{Operator, Sets, bound};
use common::{Arrays, Pair, assert_tight, decimal, exact, oracle};
use num_rational::BigRational;
use proptest::prelude::*;
use rounding::Enclosure;

fn interval(lo: f64, width: f64) -> Enclosure {
    Enclosure::new(lo, lo + width).expect("ordered")
}

/// Rows of one to five transitions among eight states, some exactly stochastic.
fn row() -> impl Strategy<Value = Vec<(u32, f64)>> {
    let weight = prop_oneof![Just(0.25), Just(1.0 / 3.0), Just(0.1), 0.01..1.0f64, Just(1.0)];
    proptest::sample::subsequence((0u32..8).collect::<Vec<_>>(), 1..=5)
        .prop_flat_map(move |s| {
            let n = s.len();
            (Just(s), proptest::collection::vec(weight.clone(), n))
        })
        .prop_map(|(s, w)| s.into_iter().zip(w).collect())
}

/// A model of eight states where only state 0 is of interest.
fn with_row(reward: f64, row: Vec<(u32, f64)>) -> Arrays {
    let rest = (1..8).map(|s| vec![(0.0, vec![(s, 1.0)])]);
    Arrays::new(&std::iter::once(vec![(reward, row)]).chain(rest).collect::<Vec<Vec<Pair>>>())
}

fn exact_mean(row: &[(u32, f64)], v: &[f64]) -> BigRational {
    let sum: BigRational = row.iter().map(|&(s, w)| exact(w) * exact(v[s as usize])).sum();
    sum / row.iter().map(|&(_, w)| exact(w)).sum::<BigRational>()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn backup_of_points_is_within_ulps_of_the_rational_result(
        row in row(),
        reward in -5.0..5.0f64,
        gamma in prop_oneof![Just(0.0), Just(0.99), Just(1.0), 0.0..1.0f64],
        v in proptest::collection::vec(-100.0..100.0f64, 8),
    ) {
        let arrays = with_row(reward, row.clone());
        let model = arrays.model();
        let value = |s: usize| Enclosure::exact(v[s]);
        let mean = exact_mean(&row, &v);
        assert_tight(expected(&model, 0, &value), &mean, 24.0, 100.0);
        let q = exact(reward) + exact(gamma) * &mean;
        assert_tight(backup(&model, gamma, 0, &value), &q, 28.0, 100.0);
    }

    #[test]
    fn backup_of_enclosures_holds_both_ends_and_their_differences(
        row in row(),
        gamma in 0.0..1.0f64,
        lo in proptest::collection::vec(-100.0..100.0f64, 8),
        width in proptest::collection::vec(0.0..1.0f64, 8),
    ) {
        let arrays = with_row(1.0, row.clone());
        let model = arrays.model();
        let v: Vec<Enclosure> = lo.iter().zip(&width).map(|(&a, &b)| interval(a, b)).collect();
        let hi: Vec<f64> = v.iter().map(|e| e.hi()).collect();
        let q = backup(&model, gamma, 0, &|s| v[s]);
        let [down, up] = [&lo, &hi].map(|v| exact(1.0) + exact(gamma) * exact_mean(&row, v));
        assert!(exact(q.lo()) <= down && up <= exact(q.hi()));
        assert!(&down - exact(q.lo()) <= exact(1e-12) && exact(q.hi()) - up <= exact(1e-12));
        // v − w is least where v is at its lower end and w at its upper one.
        let w: Vec<Enclosure> = lo.iter().map(|&x| interval(0.5 * x, 0.25)).collect();
        let least: Vec<f64> = lo.iter().zip(&w).map(|(v, w)| v - w.hi()).collect();
        let difference = backup_difference(&model, gamma, 0, &v, &w);
        let d = exact(gamma) * exact_mean(&row, &least);
        assert!((exact(difference.lo()) - &d) <= exact(1e-12), "lower end");
        assert!((&d - exact(difference.lo())) <= exact(1e-12), "lower end");
    }

    #[test]
    fn log_sum_exp_is_within_ulps_of_the_oracle(
        lo in proptest::collection::vec(-20.0..20.0f64, 2..5),
        width in prop_oneof![Just(0.0), 0.0..0.5f64],
    ) {
        let q: Vec<Enclosure> = lo.iter().map(|&x| interval(x, width)).collect();
        let result = log_sum_exp(&q);
        let of = |end: fn(Enclosure) -> f64| {
            oracle::log_sum_exp(&q.iter().map(|&e| exact(end(e))).collect::<Vec<_>>())
        };
        let (down, up) = (of(Enclosure::lo), of(Enclosure::hi));
        let allowed = exact(10.0 * 20.0 * f64::EPSILON);
        let (lo, hi) = (exact(result.lo()), exact(result.hi()));
        assert!(lo <= down && up <= hi, "{result:?}");
        assert!(down - lo <= allowed && hi - up <= allowed, "{result:?} is too wide");
    }

    #[test]
    fn shares_are_attained_at_opposite_ends_and_within_ulps(
        lo in proptest::collection::vec(-4.0..4.0f64, 2..5),
        width in prop_oneof![Just(0.0), 0.0..0.5f64],
    ) {
        let q: Vec<Enclosure> = lo.iter().map(|&x| interval(x, width)).collect();
        let allowed = exact(12.0 * f64::EPSILON);
        let weights = |end: fn(Enclosure) -> f64| {
            q.iter().map(|&e| oracle::exp(&exact(end(e)))).collect::<Vec<_>>()
        };
        let (least, most) = (weights(Enclosure::lo), weights(Enclosure::hi));
        for (i, share) in shares(&q).into_iter().enumerate() {
            let of = |own: &[BigRational], others: &[BigRational]| {
                let rest = (0..q.len()).filter(|&j| j != i).map(|j| &others[j]);
                &own[i] / (&own[i] + rest.sum::<BigRational>())
            };
            let (down, up) = (of(&least, &most), of(&most, &least));
            let (lo, hi) = (exact(share.lo()), exact(share.hi()));
            assert!(lo <= down && up <= hi, "{share:?}");
            assert!(&down - lo <= &allowed * &down && hi - &up <= &allowed * &up, "{share:?}");
        }
    }

    #[test]
    fn projected_value_of_points_is_within_ulps_of_the_oracle(
        cells in proptest::collection::vec((-8.0..8.0f64, 0.0..9.0f64), 2..5),
    ) {
        let q: Vec<Enclosure> = cells.iter().map(|c| Enclosure::exact(c.0)).collect();
        let q_bar: Vec<Enclosure> = cells.iter().map(|c| Enclosure::exact(c.0 - c.1)).collect();
        let points = |q: &[Enclosure]| q.iter().map(|e| exact(e.lo())).collect::<Vec<_>>();
        let f = oracle::projected_value(&points(&q), &points(&q_bar));
        assert_tight(projected_value(&q, &q_bar), &f, 24.0, 16.0);
    }

    #[test]
    fn projected_value_of_boxes_holds_every_corner(
        cells in proptest::collection::vec((-8.0..8.0f64, 0.0..9.0f64), 2..4),
        (width, narrow) in (0.0..0.5f64, 0.0..0.01f64),
    ) {
        let q: Vec<Enclosure> = cells.iter().map(|c| interval(c.0, width)).collect();
        let q_bar: Vec<Enclosure> = cells.iter().map(|c| interval(c.0 - c.1, narrow)).collect();
        let result = projected_value(&q, &q_bar);
        for corner in 0..1 << (2 * cells.len()) {
            let end = |i: usize, e: &Enclosure| {
                exact(if corner >> i & 1 == 0 { e.lo() } else { e.hi() })
            };
            let theta: Vec<_> = q.iter().enumerate().map(|(i, e)| end(i, e)).collect();
            let bar: Vec<_> =
                q_bar.iter().enumerate().map(|(i, e)| end(i + cells.len(), e)).collect();
            let f = oracle::projected_value(&theta, &bar);
            assert!(exact(result.lo()) <= f && f <= exact(result.hi()), "{corner:b}");
        }
        // ½ ρ (max D − min D) to each side, and what Q̄ itself is wide.
        let d = |c: &(f64, f64)| c.1;
        let spread = cells.iter().map(d).fold(0.0, f64::max)
            - cells.iter().map(d).fold(f64::INFINITY, f64::min);
        let allowed = width * 0.5 * (spread + width + narrow) + narrow * 1.001 + 1e-12;
        assert!(result.width() <= allowed, "{} > {allowed}", result.width());
    }

}

#[test]
fn bound_names_the_states_of_both_ends() {
    let loops = |r: f64, s: u32| vec![(r, vec![(s, 1.0)])];
    let arrays = Arrays::new(&[loops(0.0, 0), loops(1.0, 1), loops(-1.0, 2), loops(0.0, 3)]);
    let residual = bound(&arrays.model(), 0.5, &[0.0; 4], &Operator::Optimal);
    assert_eq!((residual.lo, residual.hi), (-1.0, 1.0));
    assert_eq!((residual.lowest, residual.highest), (2, 1));
    // T V − V = r + γ V − V, and with γ = 1 every number is exact.
    let residual = bound(&arrays.model(), 1.0, &[4.0, 2.0, -2.0, 0.0], &Operator::Optimal);
    assert_eq!((residual.lo, residual.hi), (-1.0, 1.0));
    let residual = bound(&arrays.model(), 0.5, &[4.0, 2.0, -2.0, 0.0], &Operator::Optimal);
    assert!(residual.lo <= -2.0 && residual.lo > -2.0 - 1e-14);
    assert!(residual.hi >= 0.0 && residual.hi < 1e-14);
    // The first of several.
    let equal = Arrays::new(&[loops(0.0, 0), loops(0.0, 1)]);
    let residual = bound(&equal.model(), 0.5, &[0.0; 2], &Operator::Optimal);
    assert_eq!((residual.lowest, residual.highest), (0, 0));
}

#[test]
fn each_operator_uses_its_own_actions_and_values() {
    // One state with the action values 1, 2 and 3 whatever V is.
    let arrays = Arrays::new(&[(1..=3).map(|q| (f64::from(q), vec![(0, 1.0)])).collect()]);
    let model = arrays.model();
    let sets = Sets::new(&model, &[vec![1, 2]]).expect("sets");
    let check = |operator: Operator, expected: BigRational| {
        let residual = bound(&model, 0.0, &[0.0], &operator);
        assert_tight(Enclosure::new(residual.lo, residual.hi).expect("ends"), &expected, 16.0, 4.0);
    };
    let q = [1.0, 2.0, 3.0].map(exact);
    check(Operator::Optimal, oracle::log_sum_exp(&q));
    check(Operator::TopP(&sets), oracle::log_sum_exp(&q[1..]));
    let teacher = [9.0, 0.5, 0.25].map(Enclosure::exact);
    let expected = oracle::projected_value(&[exact(0.5), exact(0.25)], &q[1..]);
    check(Operator::Projected { sets: &sets, q_star: &teacher }, expected);
}

#[test]
fn a_single_action_or_successor_needs_no_rounding() {
    let wide = Enclosure::new(0.1, 0.3).expect("ordered");
    assert_eq!(log_sum_exp(&[wide]), wide);
    assert_eq!(projected_value(&[Enclosure::ENTIRE], &[wide]), wide);
    let arrays = with_row(0.0, vec![(3, 0.3)]);
    assert_eq!(expected(&arrays.model(), 0, &|s| Enclosure::exact(s as f64)), 3.0.into());
}

#[test]
fn unbounded_arguments_give_unbounded_results() {
    let up = Enclosure::new(0.0, f64::INFINITY).expect("ordered");
    let down = Enclosure::new(f64::NEG_INFINITY, 0.0).expect("ordered");
    assert!(!log_sum_exp(&[up, Enclosure::ZERO]).is_bounded());
    assert!(log_sum_exp(&[down, Enclosure::ZERO]).contains(0.5));
    for odd in [up, down, Enclosure::ENTIRE] {
        assert_eq!(projected_value(&[odd, 0.0.into()], &[0.0.into(); 2]), Enclosure::ENTIRE);
        assert_eq!(projected_value(&[0.0.into(); 2], &[odd, 0.0.into()]), Enclosure::ENTIRE);
    }
}

#[test]
fn far_apart_actions_neither_overflow_nor_lose_the_small_one() {
    let q = [Enclosure::exact(5000.0), Enclosure::exact(-5000.0)];
    let value = log_sum_exp(&q);
    assert!(value.contains(5000.0) && value.hi() > 5000.0 && value.width() < 1e-11);
    let projected = projected_value(&q, &[1.0.into(), 2.0.into()]);
    assert!(projected.contains(1.0) && projected.width() < 1e-10);
}

#[test]
fn shares_round_outwards_in_every_operation() {
    // Equal weights of exactly 1 leave two operations to round, the sum 1 + 2 being exact.
    let third = exact(1.0) / exact(3.0);
    for share in shares(&[Enclosure::ZERO; 3]) {
        assert!(exact(share.lo()) < third && third < exact(share.hi()), "{share:?}");
    }
    // An action too unlikely for a double still has a share, at most a tiny one.
    let all = shares(&[0.0.into(), (-2000.0).into()]);
    assert!(all[0].hi() == 1.0 && all[0].lo() > 1.0 - 1e-15);
    assert!(all[1].lo() == 0.0 && all[1].hi() > 0.0 && all[1].hi() < 1e-300);
}

#[test]
fn decimals_are_read_exactly() {
    assert_eq!(decimal("-0.25e1"), exact(-2.5));
    assert_eq!(decimal("125e-3"), exact(0.125));
}

#[test]
fn what_all_actions_lose_alike_is_taken_out_before_it_meets_the_shares() {
    // Each of 100 shares has an error, and so would 100 products with a loss of 1000 have.
    let (q_star, q_bar) = ([Enclosure::ZERO; 100], [Enclosure::exact(-1000.0); 100]);
    let ulp = 1000f64.next_up() - 1000.0;
    assert!(projected_value(&q_star, &q_bar).width() <= 8.0 * ulp);
}
