//! Laws of the soft value over random ragged tables.

mod common;

use common::*;
use operators::*;
use proptest::prelude::*;

fn value(table: &Table, q: &[f64], kept: &[bool]) -> Vec<f64> {
    let n = Dense::<f64>::new(&table.layout);
    let v = soft_value(&n, &n.cells(q).expect("q"), &kept.to_vec()).expect("soft_value");
    v.0.as_slice().to_vec()
}

#[test]
fn soft_value_of_one_action_is_its_q() {
    let layout = RowLayout::uniform(1, 1).expect("layout");
    let n = Dense::<f64>::new(&layout);
    for q in [0.0, -3.25, 1e300, -1e300, 5e-324] {
        let v = soft_value(&n, &n.cells(&[q]).expect("q"), &vec![true]).expect("value");
        assert_eq!(v.0[0], q);
    }
}

#[test]
fn soft_value_of_k_equal_actions_is_q_plus_ln_k() {
    for k in 1..=8usize {
        let layout = RowLayout::uniform(1, k).expect("layout");
        let n = Dense::<f64>::new(&layout);
        for q in [0.0, 3.0, -700.0, 1e6] {
            let cells = n.cells(&vec![q; k]).expect("q");
            let v = soft_value(&n, &cells, &vec![true; k]).expect("value").0[0];
            // Every gap is 0: what is rounded is ln (1 ulp) and one sum.
            assert_eq!(v, q + (k as f64).ln());
        }
    }
}

#[test]
fn soft_value_of_logarithms_of_probabilities_is_the_logarithm_of_their_sum() {
    let layout = RowLayout::new(vec![0, 3, 5]).expect("layout");
    let n = Dense::<f64>::new(&layout);
    let p = [0.5f64, 0.125, 0.25, 0.1, 0.7];
    let q = n.cells(&p.map(f64::ln)).expect("q");
    let v = soft_value(&n, &q, &vec![true, false, true, false, true]).expect("value").0;
    assert!((v[0] - 0.75f64.ln()).abs() <= soft_value_error(2, v[0]));
    assert!((v[1] - 0.7f64.ln()).abs() <= soft_value_error(1, v[1]));
}

#[test]
fn log_policy_is_q_minus_the_soft_value_of_its_row() {
    let layout = RowLayout::new(vec![0, 2, 3]).expect("layout");
    let n = Dense::<f64>::new(&layout);
    let q = n.cells(&[1.0, 1.0, 7.0]).expect("q");
    let log = log_policy(&n, &q, &vec![true; 3]).expect("log policy").0;
    // 1 − (1 + ln 2): two roundings of numbers below 2.
    assert!((log[0] + 2f64.ln()).abs() <= 2.0 * f64::EPSILON && log[1] == log[0]);
    assert_eq!(log[2], 0.0);
}

#[test]
fn log_policy_does_not_round_in_units_of_q() {
    let layout = RowLayout::uniform(1, 2).expect("layout");
    let n = Dense::<f64>::new(&layout);
    for q in [0.0, 1e3, -1e3, 1e300] {
        let log = log_policy(&n, &n.cells(&[q, q]).expect("q"), &vec![true; 2]).expect("log").0;
        assert_eq!(log.as_slice(), [-(2f64.ln()); 2]);
    }
}

proptest! {
    #[test]
    fn soft_value_is_monotone(table in tables(), rises in proptest::collection::vec(0.0..2.0f64, 18)) {
        let higher: Vec<f64> = table.q.iter().zip(&rises).map(|(q, r)| q + r).collect();
        let (low, high) = (value(&table, &table.q, &table.kept), value(&table, &higher, &table.kept));
        for (a, b) in low.iter().zip(&high) {
            prop_assert!(*a <= b + soft_value_error(6, *a) + soft_value_error(6, *b));
        }
    }

    #[test]
    fn raising_one_candidate_raises_the_soft_value_by_its_probability(table in tables()) {
        // d V / d Q(a) = π(a), so that a rise of h adds between π(a)·h and h.
        let n = Dense::<f64>::new(&table.layout);
        let cells = n.cells(&table.q).expect("q");
        let pi = projection(&n, &cells, &table.kept).expect("projection").probability.0;
        let before = value(&table, &table.q, &table.kept);
        let h = 0.5;
        for (row, kept) in table.kept_cells().into_iter().enumerate() {
            let mut q = table.q.clone();
            q[kept[0]] += h;
            let rise = value(&table, &q, &table.kept)[row] - before[row];
            let slack = 4.0 * soft_value_error(6, before[row].abs() + h);
            prop_assert!(pi[kept[0]] * h - slack <= rise && rise <= h + slack);
        }
    }

    #[test]
    fn a_shift_of_a_row_moves_its_soft_value_by_as_much(table in tables_of(dyadic()), c in dyadic()) {
        // All sums are exact, so the gaps agree to the bit; the last addition is rounded.
        let shifted: Vec<f64> = table.q.iter().map(|q| q + c).collect();
        let (a, b) = (value(&table, &table.q, &table.kept), value(&table, &shifted, &table.kept));
        for (a, b) in a.iter().zip(&b) {
            prop_assert!((b - (a + c)).abs() <= ulp(*a) + ulp(*b));
        }
    }

    #[test]
    fn soft_value_lies_between_the_largest_q_and_that_plus_ln_k(table in tables()) {
        let v = value(&table, &table.q, &table.kept);
        for (cells, v) in table.kept_cells().iter().zip(v) {
            let max = cells.iter().map(|&i| table.q[i]).fold(f64::MIN, f64::max);
            let slack = soft_value_error(cells.len(), v);
            prop_assert!(max - slack <= v && v <= max + (cells.len() as f64).ln() + slack);
        }
    }

    #[test]
    fn a_larger_set_has_a_larger_soft_value(table in tables()) {
        let (some, all) = (value(&table, &table.q, &table.kept), value(&table, &table.q, &table.full()));
        for (some, all) in some.iter().zip(&all) {
            prop_assert!(*some <= all + soft_value_error(6, *some) + soft_value_error(6, *all));
        }
    }

    #[test]
    fn the_policy_of_its_logarithms_sums_to_one(table in tables()) {
        let n = Dense::<f64>::new(&table.layout);
        let log = log_policy(&n, &n.cells(&table.q).expect("q"), &table.kept).expect("policy").0;
        for cells in table.kept_cells() {
            let sum: f64 = cells.iter().map(|&i| log[i].exp()).sum();
            // An error of the exponent is a relative error of its share.
            let slack = soft_value_error(6, 8.0) + 2.0 * ulp(16.0) + 8.0 * f64::EPSILON;
            prop_assert!((sum - 1.0).abs() <= slack);
        }
    }

    #[test]
    fn what_lies_outside_the_set_does_not_matter(table in tables(), junk in proptest::sample::select(
        &[1e300, -1e300, f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN][..],
    )) {
        let mut q = table.q.clone();
        for (x, &kept) in q.iter_mut().zip(&table.kept) {
            if !kept {
                *x = junk;
            }
        }
        let n = Dense::<f64>::new(&table.layout);
        let (clean, dirty) = (n.cells(&table.q).expect("q"), n.cells(&q).expect("q"));
        let of = |q: &Cells<Dense<f64>>| {
            let set = &table.kept;
            let policy = projection(&n, q, set).expect("projection");
            let mut bits: Vec<u64> = Vec::new();
            let mut rows = |v: &[f64]| bits.extend(v.iter().map(|x| x.to_bits()));
            rows(soft_value(&n, q, set).expect("value").0.as_slice());
            rows(policy.probability.0.as_slice());
            rows(policy_value(&n, q, &policy, set).expect("value").0.as_slice());
            rows(&[supported_norm(&n, q, set).expect("norm")]);
            let log = policy.log_probability.0;
            rows(&table.kept_cells().concat().iter().map(|&i| log[i]).collect::<Vec<_>>());
            bits
        };
        prop_assert_eq!(of(&clean), of(&dirty));
    }

    #[test]
    fn no_operator_gives_nan_on_numbers_far_apart(table in tables_of(extreme())) {
        for (name, x) in everything_exact::<f64>(&table) {
            prop_assert!(!x.is_nan(), "{}", name);
        }
    }
}
