//! Candidate sets: which actions take part.

mod common;

use common::*;
use operators::*;
use proptest::prelude::*;

fn top_p(p: f64) -> Selection {
    Selection::TopP(TopP::new(p).expect("p"))
}

fn min_p(p: f64) -> Selection {
    Selection::MinP(TopP::new(p).expect("p"))
}

/// The flags of a single row.
fn kept(q: &[f64], selection: Selection) -> Vec<bool> {
    let layout = RowLayout::uniform(1, q.len()).expect("layout");
    CandidateSets::select(&layout, q, selection).expect("sets").kept().to_vec()
}

#[test]
fn half_the_mass_of_four_equal_actions_is_two_of_them() {
    // The cumulative mass equals p exactly; dividing before comparing would lose this tie.
    for q in [0.0, 1.0 / 3.0, -1e300, 700.0] {
        assert_eq!(kept(&[q; 4], top_p(0.5)), [true, true, false, false]);
        assert_eq!(kept(&[q; 4], top_p(0.5f64.next_up())), [true, true, true, false]);
        assert_eq!(kept(&[q; 4], top_p(0.25)), [true, false, false, false]);
    }
}

#[test]
fn k_of_n_equal_actions_have_mass_k_over_n_when_that_is_a_double() {
    for (k, n) in [(1, 2), (1, 8), (3, 8), (5, 8), (7, 16), (1, 1)] {
        let flags = kept(&vec![0.3; n], top_p(k as f64 / n as f64));
        assert_eq!(flags.iter().filter(|f| **f).count(), k);
    }
}

#[test]
fn four_of_five_equal_actions_do_not_carry_the_double_0_8() {
    // 0.8 as a double lies above 4/5; rounding 0.8 · 5 to 4 would hide that.
    assert_eq!(kept(&[0.0; 5], top_p(0.8)), [true; 5]);
    assert_eq!(kept(&[0.0; 5], top_p(0.8f64.next_down())), [true, true, true, true, false]);
}

#[test]
fn ties_go_to_the_lower_index() {
    assert_eq!(kept(&[1.0, 2.0, 2.0, 1.0], Selection::TopK(3)), [true, true, true, false]);
    assert_eq!(kept(&[1.0, 2.0, 2.0], Selection::TopK(1)), [false, true, false]);
    assert_eq!(kept(&[5.0, 5.0, 5.0], top_p(0.1)), [true, false, false]);
}

#[test]
fn minus_zero_and_zero_are_a_tie() {
    assert_eq!(kept(&[-0.0, 0.0], Selection::TopK(1)), [true, false]);
    assert_eq!(kept(&[0.0, -0.0], Selection::TopK(1)), [true, false]);
    assert_eq!(kept(&[-0.0, 0.0, -0.0, 0.0], top_p(0.5)), [true, true, false, false]);
}

#[test]
fn p_of_one_keeps_even_actions_whose_mass_underflows() {
    assert_eq!(kept(&[0.0, -1e300, -800.0], top_p(1.0)), [true; 3]);
    assert_eq!(kept(&[0.0, -1e300, -800.0], top_p(1f64.next_down())), [true, false, false]);
}

#[test]
fn the_nucleus_of_unequal_actions_follows_their_mass() {
    let q = [0.1f64, 0.4, 0.2, 0.3].map(f64::ln);
    assert_eq!(kept(&q, top_p(0.35)), [false, true, false, false]);
    assert_eq!(kept(&q, top_p(0.65)), [false, true, false, true]);
    assert_eq!(kept(&q, top_p(0.75)), [false, true, true, true]);
    assert_eq!(kept(&q, top_p(0.95)), [true; 4]);
}

#[test]
fn top_k_keeps_k_or_all() {
    let q = [1.0, 3.0, 2.0];
    assert_eq!(kept(&q, Selection::TopK(1)), [false, true, false]);
    assert_eq!(kept(&q, Selection::TopK(2)), [false, true, true]);
    assert_eq!(kept(&q, Selection::TopK(3)), [true; 3]);
    assert_eq!(kept(&q, Selection::TopK(usize::MAX)), [true; 3]);
}

#[test]
fn min_p_keeps_what_is_likely_beside_the_most_likely() {
    let q = [0.0, -(2f64.ln()) + 1e-9, -(2f64.ln()) - 1e-9, 0.0];
    assert_eq!(kept(&q, min_p(0.5)), [true, true, false, true]);
    assert_eq!(kept(&q, min_p(1.0)), [true, false, false, true]);
    assert_eq!(kept(&q, min_p(0.1)), [true; 4]);
    assert_eq!(kept(&[1e300, -1e300], min_p(1e-300)), [true, false]);
}

#[test]
fn rows_are_chosen_apart() {
    let layout = RowLayout::new(vec![0, 3, 4, 6]).expect("layout");
    let q = [1.0, 9.0, 2.0, -5.0, 4.0, 4.0];
    let sets = CandidateSets::select(&layout, &q, Selection::TopK(1)).expect("sets");
    assert_eq!(sets.kept(), [false, true, false, true, true, false]);
    assert_eq!(sets.slots(0).collect::<Vec<_>>(), [1]);
    assert_eq!(sets.slots(2).collect::<Vec<_>>(), [0]);
    assert_eq!(sets.layout(), &layout);
    assert!(!sets.is_full());
    let two = CandidateSets::select(&layout, &q, Selection::TopK(2)).expect("sets");
    assert_eq!([two.size(0), two.size(1), two.size(2)], [2, 1, 2]);
    assert_eq!(two.slots(0).collect::<Vec<_>>(), [1, 2]);
    assert!(CandidateSets::full(&layout).is_full());
    assert_eq!(CandidateSets::full(&layout).kept(), [true; 6]);
}

#[test]
fn numbers_that_are_not_finite_are_refused_with_their_place() {
    let layout = RowLayout::new(vec![0, 2, 5]).expect("layout");
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for selection in [top_p(0.5), top_p(1.0), Selection::TopK(1), min_p(0.5)] {
            let q = [0.0, 1.0, 2.0, value, 3.0];
            match CandidateSets::select(&layout, &q, selection) {
                Err(OperatorError::NotFinite { row: 1, slot: 1, value: found }) => {
                    assert!(found == value || (found.is_nan() && value.is_nan()));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn arguments_that_cannot_be_are_refused() {
    let layout = RowLayout::uniform(2, 2).expect("layout");
    let select = |q: &[f64], s| CandidateSets::select(&layout, q, s).err();
    let length = |what, found, expected| Some(OperatorError::Length { what, found, expected });
    assert_eq!(select(&[0.0; 4], Selection::TopK(0)), Some(OperatorError::TopK));
    assert_eq!(select(&[0.0; 3], Selection::TopK(1)), length("q", 3, 4));
    let flags = |flags: &[bool]| CandidateSets::from_kept(&layout, flags.to_vec()).err();
    assert_eq!(flags(&[true; 5]), length("the list of kept actions", 5, 4));
    assert_eq!(flags(&[true, false, false, false]), Some(OperatorError::EmptyRow { row: 1 }));
    assert_eq!(flags(&[true, false, false, true]), None);
    let offsets = |o: &[usize]| RowLayout::new(o.to_vec()).err();
    assert_eq!(offsets(&[0, 2, 2, 3]), Some(OperatorError::EmptyRow { row: 1 }));
    assert_eq!(offsets(&[0, 2, 1]), Some(OperatorError::EmptyRow { row: 1 }));
    assert_eq!(RowLayout::uniform(3, 0), Err(OperatorError::EmptyRow { row: 0 }));
    assert_eq!(RowLayout::uniform(0, 0).map(|l| (l.rows(), l.cells())), Ok((0, 0)));
}

#[test]
#[should_panic(expected = "row offsets start at 0")]
fn row_offsets_that_do_not_start_at_zero_are_a_mistake_of_the_caller() {
    let _ = RowLayout::new(vec![1, 2]);
}

#[test]
fn a_layout_knows_its_rows() {
    let layout = RowLayout::new(vec![0, 2, 3, 7]).expect("layout");
    assert_eq!((layout.rows(), layout.cells()), (3, 7));
    assert_eq!((layout.row(0), layout.row(2)), (0..2, 3..7));
    assert_eq!(layout.iter().collect::<Vec<_>>(), [0..2, 2..3, 3..7]);
    assert_eq!(layout.offsets(), [0, 2, 3, 7]);
    assert_eq!(RowLayout::uniform(3, 2), RowLayout::new(vec![0, 2, 4, 6]));
}

#[test]
fn p_and_gamma_are_checked_once() {
    for p in [0.0, -0.0, -0.5, 1f64.next_up(), f64::NAN, f64::INFINITY] {
        assert!(TopP::new(p).is_err(), "{p}");
    }
    for p in [5e-324, 0.8, 1.0] {
        assert_eq!(TopP::new(p).map(TopP::get), Ok(p));
    }
    for gamma in [-5e-324, 1f64.next_up(), f64::NAN, f64::NEG_INFINITY] {
        assert!(Discount::new(gamma).is_err(), "{gamma}");
    }
    for gamma in [0.0, 0.5, 1f64.next_down(), 1.0] {
        let checked = Discount::new(gamma).expect("γ");
        assert_eq!((checked.get(), checked.is_contracting()), (gamma, gamma != 1.0));
    }
    assert_eq!(TopP::new(1.5), Err(OperatorError::TopP { value: 1.5 }));
    assert_eq!(Discount::new(1.5), Err(OperatorError::Discount { value: 1.5 }));
}

/// The total weight exp(q − max) of the cells, in falling order of q, as a set is decided.
fn weight(q: &[f64], cells: impl Iterator<Item = usize>) -> f64 {
    let max = q.iter().copied().fold(f64::MIN, f64::max);
    let mut weights: Vec<f64> = cells.map(|i| (q[i] - max).exp()).collect();
    weights.sort_by(|a, b| b.total_cmp(a));
    weights.iter().sum()
}

fn selections() -> impl Strategy<Value = Selection> {
    prop_oneof![
        (0.01..1.0f64).prop_map(top_p),
        proptest::sample::select(&[0.25, 0.5, 0.75, 1.0][..]).prop_map(top_p),
        (1usize..8).prop_map(Selection::TopK),
        (0.001..1.0f64).prop_map(min_p),
    ]
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn the_nucleus_is_the_smallest_set_with_enough_mass(
        // Small integers, for many ties.
        q in proptest::collection::vec((-4i32..4).prop_map(f64::from), 1..9),
        p in 0.01..1.0f64,
    ) {
        let flags = kept(&q, top_p(p));
        let inside: Vec<usize> = (0..q.len()).filter(|&i| flags[i]).collect();
        let needed = p * weight(&q, 0..q.len());
        prop_assert!(weight(&q, inside.iter().copied()) >= needed);
        // Without its least likely member the mass is too small, so no smaller set has enough.
        let least = *inside.iter().min_by(|&&a, &&b| q[a].total_cmp(&q[b])).expect("one");
        prop_assert!(weight(&q, inside.iter().copied().filter(|&i| i != least)) < needed);
    }

    #[test]
    fn every_set_is_upward_closed_with_ties_by_the_lower_index(table in tables_of(dyadic()), selection in selections()) {
        let sets = CandidateSets::select(&table.layout, &table.q, selection).expect("sets");
        for row in table.layout.iter() {
            for a in row.clone() {
                for b in row.clone() {
                    if sets.kept()[a] && (table.q[b] > table.q[a] || (table.q[b] == table.q[a] && b < a)) {
                        prop_assert!(sets.kept()[b]);
                    }
                }
            }
        }
    }

    #[test]
    fn a_shift_of_a_row_does_not_change_its_set(table in tables_of(dyadic()), c in dyadic(), selection in selections()) {
        let shifted: Vec<f64> = table.q.iter().map(|q| q + c).collect();
        let a = CandidateSets::select(&table.layout, &table.q, selection).expect("sets");
        let b = CandidateSets::select(&table.layout, &shifted, selection).expect("sets");
        prop_assert_eq!(a, b);
    }

    #[test]
    fn a_larger_p_keeps_more(table in tables(), p in 0.01..1.0f64, share in 0.0..1.0f64) {
        let smaller = (p * share).max(1e-3);
        let of = |p| CandidateSets::select(&table.layout, &table.q, top_p(p)).expect("sets");
        let (small, large) = (of(smaller.min(p)), of(p));
        prop_assert!(small.kept().iter().zip(large.kept()).all(|(s, l)| !s || *l));
    }

    #[test]
    fn p_of_one_keeps_every_action(table in tables_of(extreme())) {
        prop_assert!(CandidateSets::select(&table.layout, &table.q, top_p(1.0)).expect("sets").is_full());
    }

    #[test]
    fn every_row_keeps_an_action_however_far_apart_its_numbers(table in tables_of(extreme()), selection in selections()) {
        let sets = CandidateSets::select(&table.layout, &table.q, selection).expect("sets");
        for row in 0..table.layout.rows() {
            prop_assert!(sets.size(row) >= 1);
            prop_assert_eq!(sets.size(row), sets.slots(row).count());
        }
    }
}
