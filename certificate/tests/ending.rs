//! Models that certainly end: horizons, how residuals grow along the way, and γ = 1.

mod common;

use certificate::bound::fixed_point;
use certificate::ending::{Growth, horizons, leak_sum};
use certificate::{Certificate, CertificateError, Refusal};
use common::{Arrays, Pair, accepted, assert_tight, certify, exact, refused};
use num_rational::BigRational;
use num_traits::One;
use proptest::prelude::*;

/// Three steps to a terminal state.
fn ending() -> Arrays {
    let to = |r: f64, s: u32| (r, vec![(s, 1.0)]);
    Arrays::new(&[
        vec![to(1.0, 1), to(1.0, 1)],
        vec![to(0.5, 2), to(0.5, 2), (0.5, vec![(2, 0.5), (3, 0.5)])],
        vec![to(0.0, 3), to(0.0, 3)],
        vec![to(0.0, 3)],
    ])
}

#[test]
fn horizons_are_longest_paths() {
    let end = vec![(0.0, vec![(3, 1.0)])];
    let to = |r: f64, s: &[u32]| (r, s.iter().map(|&s| (s, 1.0)).collect::<Vec<_>>());
    let chain = [vec![to(0.0, &[1, 3]), to(0.0, &[3])], vec![to(1.0, &[2])], vec![to(1.0, &[3])]];
    let chain = |last: Vec<Pair>| Arrays::new(&[&chain[..], &[last]].concat());
    assert_eq!(horizons(&chain(end.clone()).model()), Some(vec![3, 2, 1, 0]));
    // A reward at the end, a second action there, or a way back: it may never end.
    assert_eq!(horizons(&chain(vec![to(1.0, &[3])]).model()), None);
    assert_eq!(horizons(&chain(vec![to(0.0, &[3]), to(0.0, &[3])]).model()), None);
    assert_eq!(horizons(&chain(vec![to(0.0, &[0])]).model()), None);
    assert_eq!(horizons(&chain(vec![to(0.0, &[2, 3])]).model()), None);
}

#[test]
fn horizons_of_a_deep_model_do_not_need_the_call_stack() {
    let n = 300_000u32;
    let mut states: Vec<Vec<Pair>> = (0..n).map(|s| vec![(0.0, vec![(s + 1, 1.0)])]).collect();
    states.push(vec![(0.0, vec![(n, 1.0)])]);
    assert_eq!(horizons(&Arrays::new(&states).model()).expect("it ends")[0], n);
}

#[test]
fn growth_is_zero_at_the_end_and_infinite_without_discount() {
    assert_eq!(Growth::ending(0.9, &[0, 1, 2]).factor(0), 0.0);
    assert_eq!(Growth::ending(0.5, &[0, 1, 2]).factor(1), 1.0);
    assert!(Growth::ending(0.5, &[0, 1, 2]).factor(2) >= 1.5);
    assert_eq!(Growth::discounted(1.0).factor(0), f64::INFINITY);
    assert_eq!(Growth::discounted(0.0).factor(0), 1.0);
}

#[test]
fn fixed_point_takes_the_worse_of_the_residual_and_zero() {
    let growth = Growth::Discounted(2.0);
    let around = |lo, hi| fixed_point(&[1.0], lo, hi, &growth)[0];
    let (wide, above, below) = (around(-0.5, 0.25), around(0.25, 0.5), around(-0.5, -0.25));
    assert!(wide.lo() <= 0.0 && wide.lo() > -1e-15 && wide.hi() >= 1.5 && wide.hi() < 1.5 + 1e-15);
    assert!(above.lo() == 1.0 && above.hi() >= 2.0 && above.hi() < 2.0 + 1e-15);
    assert!(below.hi() == 1.0 && below.lo() <= 0.0 && below.lo() > -1e-15);
    // Outwards in the last place: 0.1 · 3 is no double.
    let tenth = fixed_point(&[0.0], -0.1, 0.1, &Growth::Discounted(3.0))[0];
    let product = exact(0.1) * exact(3.0);
    assert!(exact(tenth.hi()) >= product && exact(tenth.lo()) <= -product);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn growth_and_leak_sums_are_bounds_of_the_last_place(
        gamma in prop_oneof![Just(0.0), Just(0.5), Just(0.99), 0.0..0.9999f64],
        h in 0u32..12,
    ) {
        let one = BigRational::one();
        let g = exact(gamma);
        let factor = exact(Growth::discounted(gamma).factor(7));
        let true_factor = &one / (&one - &g);
        assert!(factor >= true_factor, "1/(1-γ) is rounded up");
        assert!(factor <= true_factor * exact(1.0 + 4.0 * f64::EPSILON), "by little");
        let powers: Vec<BigRational> = (0..h).map(|t| g.pow(t as i32)).collect();
        let sum: BigRational = powers.iter().sum();
        let bound = exact(Growth::ending(gamma, &[0, h]).factor(1));
        assert!(bound >= sum && bound <= sum * exact(1.0 + 20.0 * f64::EPSILON));
        let leaks: BigRational = powers.iter().skip(1).sum();
        assert_tight(leak_sum(gamma, h), &leaks, 30.0, 12.0);
    }
}

#[test]
fn gamma_one_needs_an_ending() {
    let endless = Arrays::new(&vec![vec![(1.0, vec![(0, 1.0)])]; 3]);
    let ending = ending();
    let zeros = || vec![0.0; 3];
    let error = Certificate::for_values(&endless.model(), 1.0, 0.8, zeros(), None).unwrap_err();
    assert!(matches!(error, CertificateError::Gamma { value: 1.0 }));
    let model = ending.model();
    let facts = accepted(&certify(&model, 1.0, 0.6), &model);
    assert_eq!(facts.horizon, Some(3));
    // V = (1.5 + ln 2 + ln 3 + ln of the mean way to the end, …, ln 2, 0)
    let ln_2 = 2f64.ln();
    let last = ln_2;
    let second = 0.5 + (2.0 * last.exp() + (0.5 * last).exp()).ln();
    for (e, v) in facts.v_star.iter().zip([1.0 + ln_2 + second, second, last, 0.0]) {
        assert!((e.midpoint() - v).abs() < 1e-14 && e.width() < 1e-14, "{e:?} {v}");
    }
    assert_eq!((facts.v_star[3].lo(), facts.v_star[3].hi()), (0.0, 0.0));
    let sets = facts.restricted.expect("sets");
    assert!(sets.kappa.is_none() && sets.kappa_from_mass.is_none());
    let bound = sets.horizon_bound.expect("it ends");
    assert!((bound.midpoint() + 2.0 * 0.6f64.ln()).abs() < 1e-14, "−log p · (γ + γ²)");
    assert!(sets.gap_projected.hi() <= bound.lo());
}

#[test]
fn terminal_values_other_than_zero_are_refused_at_gamma_one_and_discounted_below() {
    let ending = ending();
    let model = ending.model();
    let mut certificate = certify(&model, 1.0, 0.6);
    certificate.optimal.v[3] = 1e-300;
    let refusal = refused(&certificate, &model);
    assert!(matches!(&refusal, Refusal::Unfit { reason } if reason.contains("terminal state 3")));
    let error = Certificate::for_values(&model, 1.0, 0.6, vec![0.0, 0.0, 0.0, 1.0], None);
    assert!(matches!(error, Err(CertificateError::Terminal { state: 3, .. })));
    // With γ < 1 the residual is told apart from the true value 0, at 1/(1−γ).
    let v = vec![0.0, 0.0, 0.0, 0.25];
    let facts = accepted(
        &Certificate::for_values(&model, 0.75, 0.6, v, None).expect("a certificate"),
        &model,
    );
    assert!(facts.v_star[3].contains(0.0) && facts.v_star[3].width() >= 1.0);
}

#[test]
fn an_ending_counts_each_residual_once_a_step() {
    let ending = ending();
    let model = ending.model();
    let mut certificate = certify(&model, 0.5, 0.6);
    (certificate.optimal.c_lo, certificate.optimal.c_hi) = (-1.0, 2.0);
    certificate.restricted = None;
    let facts = accepted(&certificate, &model);
    assert!(facts.width >= 5.25 && facts.width < 5.2501, "that of state 0");
    for (state, factor) in [(0, 1.75), (1, 1.5), (2, 1.0), (3, 0.0)] {
        let (v, e) = (certificate.optimal.v[state], facts.v_star[state]);
        assert!((v - e.lo() - factor).abs() < 1e-14, "state {state}: {e:?}");
        assert!((e.hi() - v - 2.0 * factor).abs() < 1e-14, "state {state}: {e:?}");
    }
}
