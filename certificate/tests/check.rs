//! Making and checking certificates: what is accepted is true, what is changed is refused.

mod common;

use certificate::{
    Certificate, CertificateError, Refusal, RestrictedValues, ValueBounds, Verdict, check,
};
use common::{Arrays, Pair, accepted, certify, exact, optimal, oracle, refused};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One;
use proptest::prelude::*;

const P: f64 = 0.85;

/// Three states, the first of which keeps two of three actions at p = 0.85.
fn arrays() -> Arrays {
    let row = |r: f64, t: &[(u32, f64)]| (r, t.to_vec());
    Arrays::new(&[
        vec![row(1.0, &[(0, 0.5), (1, 0.5)]), row(2.5, &[(2, 1.0)]), row(-1.0, &[(1, 1.0)])],
        vec![row(0.0, &[(0, 1.0 / 3.0), (1, 1.0 / 3.0), (2, 1.0 / 3.0)]), row(2.0, &[(2, 1.0)])],
        vec![row(0.25, &[(0, 0.1), (2, 0.9)])],
    ])
}

/// What checking says after a change.
fn after(change: impl FnOnce(&mut Certificate)) -> Verdict {
    let arrays = arrays();
    let model = arrays.model();
    let mut certificate = certify(&model, 0.9, P);
    change(&mut certificate);
    check(&certificate, &model)
}

fn is_refused(change: impl FnOnce(&mut Certificate)) -> bool {
    matches!(after(change), Verdict::Refused(_))
}

/// The three lists of values in a certificate.
fn bounds(c: &mut Certificate) -> [&mut ValueBounds; 3] {
    let r = c.restricted.as_mut().expect("sets");
    [&mut c.optimal, &mut r.projected, &mut r.top_p]
}

#[test]
fn the_unchanged_certificate_is_accepted() {
    assert!(!is_refused(|_| {}));
    assert!(!is_refused(|c| c.restricted = None));
    assert!(!is_refused(|c| c.adjustments = Some(Default::default())));
}

#[test]
fn bounds_one_ulp_too_narrow_are_refused_and_name_the_state() {
    for i in 0..3 {
        assert!(is_refused(|c| bounds(c)[i].c_lo = bounds(c)[i].c_lo.next_up()), "{i}");
        assert!(is_refused(|c| bounds(c)[i].c_hi = bounds(c)[i].c_hi.next_down()), "{i}");
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(is_refused(|c| bounds(c)[i].c_lo = bad), "{i}: {bad}");
            assert!(is_refused(|c| bounds(c)[i].c_hi = bad), "{i}: {bad}");
        }
    }
    let verdict = after(|c| c.optimal.c_hi = -1.0);
    assert!(matches!(verdict, Verdict::Refused(Refusal::Above { claimed: -1.0, .. })));
    let verdict = after(|c| c.optimal.c_lo = 1.0);
    assert!(matches!(verdict, Verdict::Refused(Refusal::Below { claimed: 1.0, .. })));
}

#[test]
fn bounds_wider_than_needed_are_accepted_and_used() {
    let verdict = after(|c| {
        (c.optimal.c_lo, c.optimal.c_hi) = (-1.0, 0.5);
        c.restricted = None;
    });
    let Verdict::Accepted(facts) = verdict else { panic!("refused") };
    assert!(facts.width >= 15.0 && facts.width < 15.001, "1.5 / (1 − 0.9) = 15");
}

#[test]
fn bounds_over_the_sets_rest_on_the_claim_about_the_teacher() {
    // A wider V* allows teachers for which the bounds of the projected values do not hold.
    let verdict = after(|c| c.optimal.c_hi = 0.5);
    let what = "values of the projected teacher";
    assert!(
        matches!(verdict, Verdict::Refused(Refusal::Below { what: w, state: 0, .. }) if w == what)
    );
}

#[test]
fn a_changed_value_is_refused() {
    for i in 0..3 {
        for state in 0..3 {
            for bit in [0, 20, 40, 51, 52, 63] {
                assert!(
                    is_refused(|c| {
                        let v = &mut bounds(c)[i].v[state];
                        // The last bits change less than the residual: make room for nothing.
                        *v = f64::from_bits(v.to_bits() ^ 1 << bit);
                        if bit == 0 {
                            *v = f64::from_bits(v.to_bits() ^ 0xfff);
                        }
                    }),
                    "values {i}, state {state}, bit {bit}"
                );
            }
            for bad in [f64::NAN, f64::INFINITY, f64::MAX] {
                assert!(is_refused(|c| bounds(c)[i].v[state] = bad), "{i}, {state}, {bad}");
            }
        }
        assert!(is_refused(|c| bounds(c)[i].v.push(0.0)), "{i}");
        assert!(is_refused(|c| bounds(c)[i].v.truncate(2)), "{i}");
        assert!(is_refused(|c| bounds(c)[i].v.clear()), "{i}");
    }
}

#[test]
fn another_gamma_or_p_out_of_range_is_refused() {
    assert!(is_refused(|c| c.gamma = 0.9f64.next_up() + 1e-12));
    for bad in [f64::NAN, -0.1, 1.0, 1.5, f64::INFINITY] {
        assert!(is_refused(|c| c.gamma = bad), "γ = {bad}");
    }
    for bad in [f64::NAN, 0.0, -0.5, 1.5, f64::INFINITY] {
        assert!(is_refused(|c| c.p = bad), "p = {bad}");
    }
}

#[test]
fn other_sets_are_refused() {
    let kept = |c: &Certificate| c.restricted.as_ref().expect("sets").kept.clone();
    let arrays = arrays();
    let sets = kept(&certify(&arrays.model(), 0.9, P));
    assert_eq!(sets[0], [0, 1], "two of three, so that there is something to swap");
    let changes: [fn(&mut Vec<Vec<u32>>); 8] = [
        |k| k[0] = vec![0, 2],
        |k| k[0] = vec![0],
        |k| k[0] = vec![0, 1, 2],
        |k| k[0] = vec![1, 0],
        |k| k[0] = vec![],
        |k| k[2] = vec![1],
        |k| k.truncate(2),
        |k| k.push(vec![0]),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        assert!(
            is_refused(|c| change(&mut c.restricted.as_mut().expect("sets").kept)),
            "change {i}"
        );
    }
}

#[test]
fn another_model_is_refused_by_its_hash() {
    let original = arrays();
    let certificate = certify(&original.model(), 0.9, P);
    let mut other = original.clone();
    other.rewards[5] = other.rewards[5].next_up();
    let refusal = refused(&certificate, &other.model());
    assert!(matches!(refusal, Refusal::Model { claimed, .. } if claimed == certificate.model_hash));
    // Relabelled to the other model, it fails for its numbers.
    other.rewards[5] += 0.5;
    let relabelled = Certificate { model_hash: other.model().hash(), ..certificate };
    assert!(matches!(refused(&relabelled, &other.model()), Refusal::Above { state: 2, .. }));
}

#[test]
fn a_self_loop_of_n_equal_actions_has_value_ln_n_over_1_minus_gamma() {
    for (n, gamma) in [(1u32, 0.9), (2, 0.5), (4, 0.9375), (7, 0.99)] {
        let pairs: Vec<Pair> = (0..n).map(|_| (0.0, vec![(0, 1.0)])).collect();
        let arrays = Arrays::new(&[pairs]);
        let model = arrays.model();
        let facts = accepted(&certify(&model, gamma, 0.5), &model);
        let one_minus_gamma = BigRational::one() - exact(gamma);
        let ln = |n: u32| oracle::ln(&BigRational::from(BigInt::from(n)));
        let v = ln(n) / &one_minus_gamma;
        let e = facts.v_star[0];
        assert!(exact(e.lo()) <= v && v <= exact(e.hi()), "{n} {gamma}: {e:?}");
        assert!(e.width() < 1e-10);
        // κ = −γ ln ½ / (1 − γ), and the gap is γ ln(n/k) / (1 − γ) when k actions are kept.
        let sets = facts.restricted.expect("sets");
        let kappa = exact(gamma) * ln(2) / &one_minus_gamma;
        let k = sets.kappa.expect("γ < 1");
        assert!(exact(k.lo()) <= kappa && kappa <= exact(k.hi()) && k.width() < 1e-12 * k.hi());
        let kept = n.div_ceil(2);
        let gap = exact(gamma) * (ln(n) - ln(kept)) / &one_minus_gamma;
        for g in [sets.gap_projected, sets.gap_top_p, sets.kappa_from_mass.expect("γ < 1")] {
            assert!(exact(g.lo()) <= gap && gap <= exact(g.hi()), "{n} {gamma}: {g:?}");
            // The mass is as uncertain as Q*, and κ multiplies that by γ/(1−γ) once more.
            assert!(g.width() <= 2.0 * e.width() / (1.0 - gamma), "{n} {gamma}: {g:?}");
        }
    }
}

#[test]
fn poor_values_make_a_wide_certificate_that_still_holds() {
    let arrays = arrays();
    let model = arrays.model();
    let good = optimal(&model, 0.9);
    for poor in [[0.0; 3], [100.0, -50.0, 3.0], [1e6, 1e6, 1e6]] {
        let c = Certificate::for_values(&model, 0.9, 0.8, poor.to_vec(), None).expect("made");
        let facts = accepted(&c, &model);
        assert!(facts.v_star.iter().zip(&good).all(|(e, &v)| e.contains(v)), "{poor:?}");
    }
}

#[test]
fn unusable_input_is_an_error() {
    use CertificateError::*;
    let arrays = arrays();
    let model = arrays.model();
    let make = |gamma, p, v: Vec<f64>, sets| Certificate::for_values(&model, gamma, p, v, sets);
    assert!(matches!(make(f64::NAN, 0.5, vec![0.0; 3], None), Err(Gamma { .. })));
    assert!(matches!(make(-0.5, 0.5, vec![0.0; 3], None), Err(Gamma { .. })));
    assert!(matches!(make(0.5, 0.0, vec![0.0; 3], None), Err(P { .. })));
    assert!(matches!(make(0.5, 1.5, vec![0.0; 3], None), Err(P { .. })));
    assert!(matches!(make(0.5, 0.5, vec![0.0; 2], None), Err(Length { .. })));
    assert!(matches!(make(0.5, 0.5, vec![0.0, f64::NAN, 0.0], None), Err(Value { state: 1, .. })));
    let huge = vec![f64::MAX, -f64::MAX, f64::MAX];
    assert!(matches!(make(0.5, 0.5, huge, None), Err(Unbounded { .. })));
    let sets = |kept: Vec<Vec<u32>>, n| {
        Some(RestrictedValues { kept, projected: vec![0.0; n], top_p: vec![0.0; 3] })
    };
    assert!(matches!(make(0.5, 0.5, vec![0.0; 3], sets(vec![], 3)), Err(Length { .. })));
    let singles = || vec![vec![0]; 3];
    assert!(matches!(make(0.5, 0.5, vec![0.0; 3], sets(singles(), 2)), Err(Length { .. })));
    let made = make(0.5, 0.5, vec![0.0; 3], sets(singles(), 3)).expect("a certificate");
    let record = certificate::certificate::Record::from_iter([("rows".to_string(), 1.into())]);
    assert_eq!(made.with_adjustments(record.clone()).adjustments, Some(record));
}

fn random_model() -> impl Strategy<Value = Arrays> {
    let weight = prop_oneof![Just(0.5), 0.05..1.0f64];
    (2usize..6).prop_flat_map(move |n| {
        let row = proptest::collection::btree_map(0..n as u32, weight.clone(), 1..=n);
        let pair = (-3.0..3.0f64, row.prop_map(|row| row.into_iter().collect::<Vec<_>>()));
        let pairs = proptest::collection::vec(pair, 1..5);
        proptest::collection::vec(pairs, n).prop_map(|states| Arrays::new(&states))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn random_models_are_certified_narrowly_around_their_values(
        arrays in random_model(),
        gamma in prop_oneof![Just(0.0), Just(0.5), 0.1..0.97f64],
        p in prop_oneof![Just(1.0), 0.1..1.0f64],
    ) {
        let model = arrays.model();
        let certificate = certify(&model, gamma, p);
        let facts = accepted(&certificate, &model);
        let narrow = |scale: f64| 1e-14 * (1.0 + scale) / ((1.0 - gamma) * (1.0 - gamma));
        let good = optimal(&model, gamma);
        for (e, v) in facts.v_star.iter().zip(&good) {
            prop_assert!((e.midpoint() - v).abs() <= narrow(v.abs()), "{e:?} {v}");
            prop_assert!(e.width() <= narrow(v.abs() + 3.0), "{e:?}");
        }
        let sets = facts.restricted.expect("sets");
        // The propositions, where arithmetic can tell: 0 ≤ gap ≤ κ and Q̄ ≤ Q̄_p*.
        let kappa = sets.kappa.expect("γ < 1").hi();
        for gap in [sets.gap_projected, sets.gap_top_p] {
            prop_assert!(gap.hi() >= 0.0 && gap.lo() <= kappa, "{gap:?} {kappa}");
        }
        prop_assert!(sets.gap_top_p.lo() <= sets.gap_projected.hi());
        for (projected, top_p) in sets.v_projected.iter().zip(&sets.v_top_p) {
            prop_assert!(projected.lo() <= top_p.hi());
        }
        prop_assert!(sets.width <= 100.0 * narrow(100.0));
    }
}
