//! φ, the objective, and the way from logits to Q-values.

mod common;

use common::*;
use nalgebra::DVector;
use operators::*;
use proptest::prelude::*;
use rounding::Enclosure;

fn transitions(values: &[f64]) -> DVector<f64> {
    DVector::from_column_slice(values)
}

fn one_per_row(rows: usize) -> Dense<f64> {
    Dense::new(&RowLayout::uniform(rows, 1).expect("layout"))
}

#[test]
fn chi2_subtracts_the_square_over_four_alpha() {
    let n = one_per_row(5);
    let x = transitions(&[0.0, 1.0, -1.0, 2.0, 0.5]);
    let of = |f| phi(&n, f, &x).expect("phi").as_slice().to_vec();
    assert_eq!(of(Phi::chi2(0.25).expect("α")), [0.0, 0.0, -2.0, -2.0, 0.25]);
    assert_eq!(of(Phi::chi2(1.0).expect("α")), [0.0, 0.75, -1.25, 1.0, 0.4375]);
    assert_eq!(of(Phi::Identity), [0.0, 1.0, -1.0, 2.0, 0.5]);
}

#[test]
fn chi2_is_largest_at_two_alpha() {
    let n = one_per_row(3);
    let alpha = 0.125;
    let x = transitions(&[2.0 * alpha, 2.0 * alpha + 0.0625, 2.0 * alpha - 0.0625]);
    let y = phi(&n, Phi::chi2(alpha).expect("α"), &x).expect("phi");
    assert_eq!(y[0], alpha);
    assert!(y[1] < y[0] && y[1] == y[2]);
}

#[test]
fn alpha_must_be_positive_and_four_alpha_finite() {
    for alpha in [0.0, -0.0, -0.1, f64::NAN, f64::INFINITY, f64::MAX] {
        match Phi::chi2(alpha) {
            Err(OperatorError::Alpha { value }) => assert!(value == alpha || alpha.is_nan()),
            other => panic!("{other:?}"),
        }
    }
    for alpha in [5e-324, 0.1, f64::MAX / 4.0] {
        assert_eq!(Phi::chi2(alpha), Ok(Phi::Chi2 { alpha }));
    }
}

#[test]
fn the_objective_of_two_transitions_by_hand() {
    // δ = (1, −2), V = (3, 0.5), γV' = (0.25, 0), weights (1/2, 1/4), φ(x) = x − x² for α = 1/4:
    // 1/2 (0 − 2.75) + 1/4 (−6 − 0.5) = −3; with φ(x) = x: 1/2 (1 − 2.75) + 1/4 (−2.5) = −1.5.
    let n = one_per_row(2);
    let j = |f| {
        let (delta, value) = (transitions(&[1.0, -2.0]), transitions(&[3.0, 0.5]));
        let (next, weights) = (transitions(&[0.25, 0.0]), transitions(&[0.5, 0.25]));
        objective(&n, f, &delta, &value, &next, &weights).expect("objective")
    };
    assert_eq!(j(Phi::chi2(0.25).expect("α")), -3.0);
    assert_eq!(j(Phi::Identity), -1.5);
}

#[test]
fn logits_are_shifted_by_the_maximum_or_the_soft_value_of_their_row_or_not_at_all() {
    let n = Dense::<f64>::new(&RowLayout::new(vec![0, 2, 4]).expect("layout"));
    let (z, full) = (n.cells(&[1.0, 4.0, -3.0, -3.0]).expect("z"), vec![true; 4]);
    let by = |s| shift(&n, &z, s, &full).expect("shift").0.as_slice().to_vec();
    assert_eq!(by(Shift::VocabMax), [-3.0, 0.0, 0.0, 0.0]);
    assert_eq!(by(Shift::Zero), [1.0, 4.0, -3.0, -3.0]);
    let log = log_policy(&n, &z, &full).expect("log policy").0;
    for (a, b) in by(Shift::LogSoftmax).iter().zip(&log) {
        assert!((a - b).abs() <= 4.0 * f64::EPSILON);
    }
    // The maximum is over every action, not only the candidates.
    let set = vec![true, false, true, false];
    let by_set = shift(&n, &z, Shift::VocabMax, &set).expect("shift").0;
    assert_eq!(by_set.as_slice(), [0.0, 3.0, 0.0, 0.0]);
}

#[test]
fn the_floor_holds_what_is_below_it() {
    let n = Dense::<f64>::new(&RowLayout::uniform(1, 4).expect("layout"));
    let q = n.cells(&[-11.0, -10.0, -9.5, 3.0]).expect("q");
    assert_eq!(floor(&n, &q, -10.0).expect("floor").0.as_slice(), [-10.0, -10.0, -9.5, 3.0]);
    let q = n.cells(&[f64::NAN; 4]).expect("q");
    assert!(floor(&n, &q, -10.0).expect("floor").0.iter().all(|x| x.is_nan()));
}

#[test]
fn an_action_outside_its_set_counts_as_the_floor() {
    let n = one_per_row(3);
    let chosen = n.rows(&[-1.0, -2.0, f64::INFINITY]).expect("q");
    let masked = top_p_mask(&n, &chosen, &vec![true, false, false], -10.0).expect("mask");
    assert_eq!(masked.0.as_slice(), [-1.0, -10.0, -10.0]);
}

/// Text: the value after row t is that of row t + 1; after the last it is 0.
fn next<T: Scalar>(value: &DVector<T>) -> DVector<T> {
    let after = value.iter().skip(1).copied().chain([T::from_f64(0.0)]);
    DVector::from_iterator(value.len(), after)
}

/// J with φ = identity and uniform weights on a chain, and the mean of log proj_p π_Q(a|s).
fn chain<T: Scalar>(table: &Table, slots: &[usize], gamma: f64) -> (T, T) {
    let n = Dense::<T>::new(&table.layout);
    let transitions = Dense::<T>::new(&RowLayout::uniform(slots.len(), 1).expect("layout"));
    let (q, set) = (n.cells(&table.q).expect("q"), &table.kept);
    let value = soft_value(&n, &q, set).expect("value").0;
    let discounted = transitions.scale(&next(&value), gamma).expect("next");
    let chosen = n.pick(&q.0, &slots.to_vec()).expect("pick");
    let delta = transitions.sub(&chosen, &discounted).expect("δ");
    let weights = transitions.constant(&value, 1.0 / 1024.0).expect("weights");
    let j = objective(&transitions, Phi::Identity, &delta, &value, &discounted, &weights);
    let log = projection(&n, &q, set).expect("projection").log_probability.0;
    let log = n.pick(&log, &slots.to_vec()).expect("pick");
    (j.expect("objective"), transitions.dot(&weights, &log).expect("mean"))
}

proptest! {
    #[test]
    fn without_a_regulariser_the_objective_is_behaviour_cloning(
        table in tables(), gamma in 0.0..=1.0f64, choice in proptest::collection::vec(any::<proptest::sample::Index>(), 4),
    ) {
        let slots: Vec<usize> = (0..table.layout.rows())
            .map(|row| {
                let kept: Vec<usize> = table.sets().slots(row).collect();
                *choice[row].get(&kept)
            })
            .collect();
        let (j, cloning) = chain::<Enclosure>(&table, &slots, gamma);
        prop_assert!(j.intersects(cloning));
        // Each is a sum of at most 4 rows of about 6 roundings of numbers below 32, times 1/1024.
        prop_assert!(j.hull(cloning).width() <= 4.0 * 32.0 * 32.0 * f64::EPSILON / 1024.0);
        let (j, cloning) = chain::<f64>(&table, &slots, gamma);
        prop_assert!((j - cloning).abs() <= 4.0 * 32.0 * 32.0 * f64::EPSILON / 1024.0);
    }

    #[test]
    fn chi2_tends_to_the_identity_as_alpha_grows(x in -10.0..10.0f64) {
        let n = one_per_row(1);
        for alpha in [1e3, 1e6, 1e9] {
            let y = phi(&n, Phi::chi2(alpha).expect("α"), &transitions(&[x])).expect("phi")[0];
            prop_assert!((y - x).abs() <= x * x / (4.0 * alpha) + 2.0 * ulp(x));
        }
    }

    #[test]
    fn shifted_logits_have_their_largest_at_zero_or_sum_to_one(table in tables()) {
        let n = Dense::<f64>::new(&table.layout);
        let z = n.cells(&table.q).expect("z");
        let by_max = shift(&n, &z, Shift::VocabMax, &table.full()).expect("shift").0;
        let by_value = shift(&n, &z, Shift::LogSoftmax, &table.full()).expect("shift").0;
        for row in table.layout.iter() {
            let largest = by_max.as_slice()[row.clone()].iter().copied().fold(f64::MIN, f64::max);
            prop_assert_eq!(largest, 0.0);
            let sum: f64 = by_value.as_slice()[row].iter().map(|x| x.exp()).sum();
            prop_assert!((sum - 1.0).abs() <= soft_value_error(6, 8.0) + 16.0 * ulp(8.0));
        }
    }
}
