//! Laws of the projection, the value under a policy, and the leak.

mod common;

use common::*;
use operators::*;
use proptest::prelude::*;

type Table64 = Dense<f64>;

fn one_row(k: usize) -> Table64 {
    Dense::new(&RowLayout::uniform(1, k).expect("layout"))
}

#[test]
fn the_projection_divides_by_the_mass_of_the_set() {
    let n = one_row(3);
    let q = n.cells(&[0.5f64.ln(), 0.25f64.ln(), 0.25f64.ln()]).expect("q");
    let pi = projection(&n, &q, &vec![true, false, true]).expect("projection");
    let within = |x: f64, y: f64| (x - y).abs() <= 4.0 * f64::EPSILON;
    assert!(within(pi.probability.0[0], 2.0 / 3.0) && within(pi.probability.0[2], 1.0 / 3.0));
    assert_eq!(pi.probability.0[1], 0.0);
    assert!(within(pi.log_probability.0[0], (2.0f64 / 3.0).ln()));
    let copy = pi.clone();
    assert_eq!(copy.probability.0, pi.probability.0);
    assert_eq!(copy.log_probability.0, pi.log_probability.0);
}

#[test]
fn the_value_of_the_uniform_policy_is_the_mean_of_q_plus_its_entropy() {
    let n = one_row(4);
    let uniform = projection(&n, &n.cells(&[7.0; 4]).expect("q"), &vec![true; 4]).expect("policy");
    let q = n.cells(&[1.0, 2.0, 3.0, 6.0]).expect("q");
    let v = policy_value(&n, &q, &uniform, &vec![true; 4]).expect("value").0[0];
    assert!((v - (3.0 + 4f64.ln())).abs() <= 8.0 * ulp(v));
}

#[test]
fn an_action_that_is_never_taken_does_not_swamp_the_value() {
    // log π = −1e300 makes Q − log π huge where π is 0.
    let n = one_row(2);
    let (set, q) = (vec![true; 2], n.cells(&[0.25, 1.0]).expect("q"));
    for far in [-1e3, -1e10, -1e300] {
        let policy = projection(&n, &n.cells(&[0.0, far]).expect("logits"), &set).expect("policy");
        assert_eq!(policy_value(&n, &q, &policy, &set).expect("value").0[0], 0.25);
    }
    let q = n.cells(&[0.25, 1e300]).expect("q");
    let policy = projection(&n, &n.cells(&[0.0, -1e300]).expect("logits"), &set).expect("policy");
    assert_eq!(policy_value(&n, &q, &policy, &set).expect("value").0[0], 0.25);
}

#[test]
fn the_leak_of_half_the_mass_is_ln_2() {
    let n = one_row(4);
    let q = n.cells(&[1.0; 4]).expect("q");
    let l = leak(&n, &q, &vec![true, false, true, false], &vec![true; 4]).expect("leak").0[0];
    assert_eq!(l, 2f64.ln());
}

#[test]
fn a_set_whose_mass_underflows_leaks_without_bound() {
    let n = one_row(2);
    let q = n.cells(&[0.0, -1000.0]).expect("q");
    let l = leak(&n, &q, &vec![false, true], &vec![true; 2]).expect("leak").0[0];
    assert_eq!(l, f64::INFINITY);
    let l = leak(&n, &q, &vec![true, false], &vec![true; 2]).expect("leak").0[0];
    assert_eq!(l, 0.0);
}

/// How far the `f64` value under a policy may be from the real one. For |q| ≤ 8 and six cells,
/// each π has a relative error of at most 16 + 2·6 + 4 = 32 halves of ε (gap, exp, total, division)
/// and multiplies a |Q − log π − c| ≤ 34; log π and the sums add less than that again:
/// 2 · 32 · 34 / 2 < 64 · 32 times ε.
fn slack(v: f64) -> f64 {
    64.0 * f64::EPSILON * (32.0 + v.abs())
}

proptest! {
    #[test]
    fn a_projection_sums_to_one_and_is_zero_outside(table in tables_of(extreme())) {
        let n = Table64::new(&table.layout);
        let pi = projection(&n, &n.cells(&table.q).expect("q"), &table.kept).expect("projection");
        for row in table.layout.iter() {
            // As many divisions and sums as cells, each of relative error ε/2.
            let k = row.len() as f64;
            let sum: f64 = pi.probability.0.as_slice()[row].iter().sum();
            prop_assert!((sum - 1.0).abs() <= (k + 1.0) * f64::EPSILON);
        }
        for (p, kept) in pi.probability.0.iter().zip(&table.kept) {
            prop_assert!((0.0..=1.0).contains(p) && (*kept || p.to_bits() == 0));
        }
    }

    #[test]
    fn projecting_twice_is_projecting_once(table in tables()) {
        let n = Table64::new(&table.layout);
        let once = projection(&n, &n.cells(&table.q).expect("q"), &table.kept).expect("projection");
        let twice = projection(&n, &once.log_probability, &table.kept).expect("projection");
        for (a, b) in once.probability.0.iter().zip(&twice.probability.0) {
            // log π is below 18 and rounded once: an absolute error of the logarithm is a relative one.
            prop_assert!((a - b).abs() <= (2.0 * soft_value_error(6, 18.0) + 16.0 * f64::EPSILON) * a);
        }
    }

    #[test]
    fn the_value_of_a_policy_is_at_most_the_soft_value(table in tables()) {
        let n = Table64::new(&table.layout);
        let (q, set) = (n.cells(&table.q).expect("q"), &table.kept);
        let policy = projection(&n, &n.cells(&table.other).expect("q"), set).expect("policy");
        let on_policy = policy_value(&n, &q, &policy, set).expect("value").0;
        let best = soft_value(&n, &q, set).expect("value").0;
        for (v, best) in on_policy.iter().zip(&best) {
            prop_assert!(*v <= best + slack(*best));
        }
    }

    #[test]
    fn the_boltzmann_policy_attains_the_soft_value(table in tables()) {
        let n = Table64::new(&table.layout);
        let (q, set) = (n.cells(&table.q).expect("q"), &table.kept);
        let policy = projection(&n, &q, set).expect("policy");
        let on_policy = policy_value(&n, &q, &policy, set).expect("value").0;
        let best = soft_value(&n, &q, set).expect("value").0;
        for (v, best) in on_policy.iter().zip(&best) {
            prop_assert!((v - best).abs() <= slack(*best));
        }
    }

    #[test]
    fn the_gap_to_the_soft_value_is_the_kl_divergence_of_the_policies(table in tables()) {
        let n = Table64::new(&table.layout);
        let (q, set) = (n.cells(&table.q).expect("q"), &table.kept);
        let policy = projection(&n, &n.cells(&table.other).expect("q"), set).expect("policy");
        let log_best = log_policy(&n, &q, set).expect("policy").0;
        let on_policy = policy_value(&n, &q, &policy, set).expect("value").0;
        let best = soft_value(&n, &q, set).expect("value").0;
        for (row, cells) in table.kept_cells().iter().enumerate() {
            let kl: f64 = cells
                .iter()
                .map(|&i| policy.probability.0[i] * (policy.log_probability.0[i] - log_best[i]))
                .sum();
            prop_assert!((best[row] - on_policy[row] - kl).abs() <= slack(best[row]));
        }
    }

    #[test]
    fn the_value_of_a_policy_moves_with_a_shift_of_q(table in tables_of(dyadic()), c in dyadic()) {
        let n = Table64::new(&table.layout);
        let set = &table.kept;
        let policy = projection(&n, &n.cells(&table.other).expect("q"), set).expect("policy");
        let shifted: Vec<f64> = table.q.iter().map(|q| q + c).collect();
        let v = policy_value(&n, &n.cells(&table.q).expect("q"), &policy, set).expect("value").0;
        let w = policy_value(&n, &n.cells(&shifted).expect("q"), &policy, set).expect("value").0;
        for (v, w) in v.iter().zip(&w) {
            prop_assert!((w - (v + c)).abs() <= slack(*v));
        }
    }

    #[test]
    fn the_leak_is_minus_the_logarithm_of_the_mass(table in tables()) {
        let n = Table64::new(&table.layout);
        let q = n.cells(&table.q).expect("q");
        let boltzmann = projection(&n, &q, &table.full()).expect("policy").probability.0;
        let l = leak(&n, &q, &table.kept, &table.full()).expect("leak").0;
        for (row, cells) in table.kept_cells().iter().enumerate() {
            let mass: f64 = cells.iter().map(|&i| boltzmann[i]).sum();
            // mass ≥ e^-16/6; its relative error, and that of 1 + odds, is an absolute one of the leak.
            prop_assert!((l[row] + mass.ln()).abs() <= 64.0 * f64::EPSILON + 2.0 * ulp(l[row]));
            prop_assert!(l[row] >= 0.0);
        }
    }

    #[test]
    fn a_full_set_leaks_nothing(table in tables_of(extreme())) {
        let n = Table64::new(&table.layout);
        let l = leak(&n, &n.cells(&table.q).expect("q"), &table.full(), &table.full()).expect("leak");
        prop_assert!(l.0.iter().all(|l| l.to_bits() == 0));
    }
}
