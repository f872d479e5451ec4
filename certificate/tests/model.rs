//! What a model must be, its exact totals and its hash.

mod common;

use certificate::{CertificateError, ModelHash};
use common::{Arrays, Pair, exact};
use num_rational::BigRational;
use proptest::prelude::*;
use rounding::Enclosure;

fn two_states() -> Arrays {
    Arrays::new(&[
        vec![(1.0, vec![(0, 0.5), (1, 0.5)]), (-2.0, vec![(1, 1.0)])],
        vec![(0.0, vec![(1, 1.0)])],
    ])
}

/// The message of the error after a change, or `None` when the model is still fine.
fn after(change: impl FnOnce(&mut Arrays)) -> Option<CertificateError> {
    let mut arrays = two_states();
    change(&mut arrays);
    arrays.try_model().err()
}

#[test]
fn a_valid_model_has_the_counts_of_its_arrays() {
    let arrays = two_states();
    let model = arrays.model();
    assert_eq!((model.states(), model.pairs(), model.transitions()), (2, 3, 4));
    assert_eq!(model.pairs_of(0), 0..2);
    assert_eq!(model.row(0), (&[0, 1][..], &[0.5, 0.5][..]));
    assert_eq!(model.reward(1), -2.0);
    assert!(!model.is_terminal(0) && model.is_terminal(1));
    assert_eq!(model.total(0), None);
}

#[test]
fn offsets_must_be_a_partition_without_empty_parts() {
    use CertificateError::{Layout, Length};
    assert!(matches!(after(|a| a.state_offsets.clear()), Some(Layout { .. })));
    assert!(matches!(after(|a| a.state_offsets = vec![0]), Some(Layout { .. })));
    assert!(matches!(after(|a| a.state_offsets[0] = 1), Some(Layout { .. })));
    assert!(matches!(after(|a| a.state_offsets[1] = 3), Some(Layout { .. })));
    assert!(matches!(after(|a| a.state_offsets[1] = usize::MAX), Some(Layout { .. })));
    assert!(matches!(after(|a| a.state_offsets[2] = 4), Some(Length { .. })));
    assert!(matches!(after(|a| a.row_offsets[1] = 0), Some(Layout { .. })));
    assert!(matches!(after(|a| a.row_offsets[3] = 5), Some(Length { .. })));
    // Four rows for three pairs, though each array fits its own offsets.
    assert!(matches!(after(|a| a.row_offsets = vec![0, 1, 2, 3, 4]), Some(Length { .. })));
    assert!(matches!(after(|a| a.row_offsets = vec![0, 2, 4]), Some(Length { .. })));
}

#[test]
fn arrays_must_have_the_lengths_of_each_other() {
    use CertificateError::Length;
    assert!(matches!(after(|a| a.actions.push(1)), Some(Length { .. })));
    assert!(matches!(after(|a| a.rewards.push(1.0)), Some(Length { .. })));
    assert!(matches!(after(|a| a.successors.push(1)), Some(Length { .. })));
    assert!(matches!(after(|a| a.weights.push(1.0)), Some(Length { .. })));
}

#[test]
fn numbers_must_be_finite_and_weights_positive() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(matches!(
            after(|a| a.rewards[2] = bad),
            Some(CertificateError::Reward { pair: 2, .. })
        ));
    }
    for bad in [f64::NAN, f64::INFINITY, 0.0, -0.0, -0.5] {
        assert!(matches!(
            after(|a| a.weights[1] = bad),
            Some(CertificateError::Weight { transition: 1, .. })
        ));
    }
    assert!(matches!(
        after(|a| a.weights[..2].fill(f64::MAX)),
        Some(CertificateError::Total { pair: 0 })
    ));
    // The nearest double to this total is finite, but not the one above it.
    assert!(matches!(
        after(|a| a.weights[..2].copy_from_slice(&[f64::MAX, 1.0])),
        Some(CertificateError::Total { pair: 0 })
    ));
}

#[test]
fn successors_must_exist_and_rise_within_a_row() {
    use CertificateError::Successor;
    assert!(matches!(after(|a| a.successors[1] = 2), Some(Successor { pair: 0, successor: 2 })));
    assert!(matches!(after(|a| a.successors[1] = 0), Some(Successor { pair: 0, successor: 0 })));
    assert!(matches!(after(|a| a.successors[0] = 1), Some(Successor { pair: 0, successor: 1 })));
    // Across rows they may fall.
    assert!(after(|a| a.successors[2] = 0).is_none());
}

#[test]
fn three_thirds_are_enclosed_and_four_quarters_are_one() {
    let row = |w: f64, n: u32| (0.0, (0..n).map(|s| (s, w)).collect::<Vec<_>>());
    let states = |first: Pair, n: u32| {
        let rest = (1..n).map(|s| vec![(0.0, vec![(s, 1.0)])]);
        std::iter::once(vec![first]).chain(rest).collect::<Vec<_>>()
    };
    let thirds = Arrays::new(&states(row(1.0 / 3.0, 3), 3));
    let total = thirds.model().total(0).expect("not one");
    let sum = exact(1.0 / 3.0) * exact(3.0);
    assert!(exact(total.lo()) < sum && sum < exact(total.hi()), "{total:?}");
    assert_eq!(total.lo().next_up(), total.hi(), "the two doubles around it");
    assert_eq!(thirds.model().total(1), Some(Enclosure::ONE));
    let quarters = Arrays::new(&states(row(0.25, 4), 4));
    assert_eq!(quarters.model().total(0), None);
    // A total that is a double other than one is a point.
    let threes = Arrays::new(&states(row(3.0, 4), 4));
    assert_eq!(threes.model().total(0), Some(Enclosure::exact(12.0)));
}

#[test]
fn hash_is_a_fixed_function_of_the_content() {
    let hash = two_states().model().hash().to_string();
    // By hand: the tag, the counts and the six arrays through another SHA-256.
    assert_eq!(hash, "428b37b1914b99f2fe8f08cbb316e9ae001f910f156da0522772784f6a924a2c");
    let parsed: ModelHash = hash.parse().expect("a hash");
    assert_eq!(parsed, two_states().model().hash());
    assert_eq!(format!("{parsed:?}"), hash);
    for bad in [&hash[1..], &hash.to_uppercase(), &format!("{hash}0"), &hash.replace('a', "g"), ""]
    {
        assert!(bad.parse::<ModelHash>().is_err(), "{bad}");
    }
}

#[test]
fn hash_changes_with_every_field_and_not_with_the_sign_of_zero() {
    let hash = |change: fn(&mut Arrays)| {
        let mut arrays = two_states();
        change(&mut arrays);
        arrays.model().hash()
    };
    let original = hash(|_| {});
    let changes: [fn(&mut Arrays); 6] = [
        |a| a.state_offsets[1] = 1,
        |a| a.actions[2] = 9,
        |a| a.rewards[1] = (-2.0f64).next_up(),
        // The second transition moves from the first row to the next one.
        |a| (a.row_offsets[1], a.successors[1]) = (1, 0),
        |a| a.successors[2] = 0,
        |a| a.weights[3] = 1.0f64.next_up(),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        assert_ne!(hash(change), original, "change {i}");
    }
    // The same arrays, cut differently.
    let cut = |at: usize| {
        let states = [vec![(0.0, vec![(0, 1.0)]); at], vec![(0.0, vec![(0, 1.0)]); 3 - at]];
        Arrays::new(&states).model().hash()
    };
    assert_ne!(cut(1), cut(2));
    assert_eq!(hash(|a| a.rewards[2] = -0.0), original);
}

#[test]
fn hash_of_more_numbers_than_a_chunk_holds_sees_the_last() {
    let states: Vec<_> = (0..9000u32).map(|s| vec![(0.5, vec![(s, 1.0)])]).collect();
    let mut arrays = Arrays::new(&states);
    let before = arrays.model().hash();
    arrays.rewards[8999] = 0.25;
    assert_ne!(arrays.model().hash(), before);
}

proptest! {
    #[test]
    fn totals_enclose_the_exact_sum(
        weights in proptest::collection::vec(prop_oneof![1e-300..1.0f64, 0.1..0.2f64], 1..12)
    ) {
        let row = weights.iter().enumerate().map(|(s, &w)| (s as u32, w)).collect();
        let rest = (1..weights.len() as u32).map(|s| vec![(0.0, vec![(s, 1.0)])]);
        let arrays = Arrays::new(&std::iter::once(vec![(0.0, row)]).chain(rest).collect::<Vec<_>>());
        let total = arrays.model().total(0).unwrap_or(Enclosure::ONE);
        let sum: BigRational = weights.iter().map(|&w| exact(w)).sum();
        prop_assert!(exact(total.lo()) <= sum && sum <= exact(total.hi()));
        prop_assert!(total.width() <= 2.0 * f64::EPSILON * total.hi());
    }
}
