//! What is proved of candidate sets.

mod common;

use certificate::Decision::{Proved, Refuted, Undecided};
use certificate::sets::{Action, SetFacts};
use certificate::{CertificateError, Sets};
use common::{Arrays, exact, oracle};
use num_rational::BigRational;
use num_traits::One;
use proptest::prelude::*;
use rounding::Enclosure;

fn points(q: &[f64]) -> Vec<Enclosure> {
    q.iter().map(|&x| x.into()).collect()
}

/// Action values with these probabilities, up to rounding.
fn logs(masses: &[f64]) -> Vec<Enclosure> {
    masses.iter().map(|m| Enclosure::exact(*m).ln()).collect()
}

/// What is proved of the set that keeps the first slots and drops the others.
fn set_facts(p: f64, kept: &[Enclosure], dropped: &[Enclosure]) -> SetFacts {
    let slots: Vec<usize> = (0..kept.len() + dropped.len()).collect();
    in_slots(p, kept, dropped, &slots)
}

/// The same with the slots named: those of kept actions first.
fn in_slots(p: f64, kept: &[Enclosure], dropped: &[Enclosure], slots: &[usize]) -> SetFacts {
    let action = |(&q, &slot): (&Enclosure, &usize)| Action { slot, q };
    let (first, rest) = slots.split_at(kept.len());
    let actions =
        |q: &[Enclosure], slots: &[usize]| q.iter().zip(slots).map(action).collect::<Vec<_>>();
    certificate::sets::set_facts(p, &actions(kept, first), &actions(dropped, rest))
}

/// (mass ≥ p, nucleus) of the set that keeps and drops actions of these probabilities.
fn decide(p: f64, kept: &[f64], dropped: &[f64]) -> (certificate::Decision, certificate::Decision) {
    let facts = set_facts(p, &logs(kept), &logs(dropped));
    (facts.mass_at_least_p, facts.nucleus)
}

#[test]
fn nucleus_with_a_margin_is_proved_in_any_order() {
    assert_eq!(decide(0.8, &[0.5, 0.35], &[0.1, 0.05]), (Proved, Proved));
    assert_eq!(decide(0.8, &[0.35, 0.5], &[0.05, 0.1]), (Proved, Proved));
    assert_eq!(decide(0.5, &[0.7], &[0.2, 0.1]), (Proved, Proved));
    assert_eq!(decide(0.01, &[0.4], &[0.35, 0.25]), (Proved, Proved));
}

#[test]
fn too_little_mass_is_refuted() {
    assert_eq!(decide(0.9, &[0.5, 0.35], &[0.1, 0.05]), (Refuted, Refuted));
    assert_eq!(decide(0.51, &[0.5], &[0.3, 0.2]), (Refuted, Refuted));
}

#[test]
fn larger_than_needed_has_the_mass_but_is_no_nucleus() {
    assert_eq!(decide(0.8, &[0.5, 0.35, 0.1], &[0.05]), (Proved, Refuted));
    assert_eq!(decide(0.3, &[0.5, 0.5], &[]), (Proved, Refuted));
}

#[test]
fn less_likely_actions_in_place_of_likely_ones_are_refuted() {
    assert_eq!(decide(0.55, &[0.4, 0.2], &[0.3, 0.1]), (Proved, Refuted));
}

#[test]
fn a_mass_that_may_just_be_p_is_not_refuted() {
    // Kept e^q with q in [−1, 0], dropped 1: the mass is at most 1/2, and may be exactly that.
    let kept = Enclosure::new(-1.0, 0.0).unwrap();
    assert_eq!(set_facts(0.5, &[kept], &points(&[0.0])).mass_at_least_p, Undecided);
}

#[test]
fn exact_ties_are_undecided() {
    // Mass p exactly.
    assert_eq!(decide(0.5, &[0.25, 0.25], &[0.25, 0.25]), (Undecided, Undecided));
    // The mass is clear, but which of two equal actions is the more likely one is not.
    assert_eq!(decide(0.6, &[0.5, 0.25], &[0.25]).0, Proved);
    assert_eq!(decide(0.6, &[0.5, 0.25], &[0.25]).1, Undecided);
    // Without the least kept action the mass would be p exactly.
    assert_eq!(decide(0.5, &[0.5, 0.25], &[0.125, 0.125]), (Proved, Undecided));
}

#[test]
fn equally_likely_actions_come_by_their_slot() {
    let nucleus = |kept: &[f64], dropped: &[f64], slots: &[usize]| {
        in_slots(0.5, &points(kept), &points(dropped), slots).nucleus
    };
    // Two equal actions, each of mass ½: the nucleus is the first one.
    assert_eq!(nucleus(&[0.0], &[0.0], &[0, 1]), Proved);
    assert_eq!(nucleus(&[0.0], &[0.0], &[1, 0]), Refuted);
    // Three of five equal actions have the mass clearly, and two have not.
    let (kept, dropped) = ([0.0; 3], [0.0; 2]);
    assert_eq!(nucleus(&kept, &dropped, &[0, 1, 2, 3, 4]), Proved);
    assert_eq!(nucleus(&kept, &dropped, &[2, 0, 1, 4, 3]), Proved, "in whatever order");
    assert_eq!(nucleus(&kept, &dropped, &[0, 1, 3, 2, 4]), Refuted);
    assert_eq!(nucleus(&kept, &dropped, &[2, 3, 4, 0, 1]), Refuted);
    // Where actions differ, slots do not matter.
    assert_eq!(nucleus(&[1.0], &[0.0], &[1, 0]), Proved);
    assert_eq!(nucleus(&[0.0], &[1.0], &[0, 1]), Refuted);
}

#[test]
fn enclosures_that_touch_are_decided_only_where_the_slots_agree() {
    let of = |lo, hi| Enclosure::new(lo, hi).expect("ordered");
    let (upper, lower) = (of(0.0, 1.0), of(-1.0, 0.0));
    let nucleus = |kept: Enclosure, dropped: Enclosure, slots: &[usize]| {
        in_slots(0.25, &[kept], &[dropped], slots).nucleus
    };
    // Both may be 0: then the kept one must have the lower slot.
    assert_eq!(nucleus(upper, lower, &[0, 1]), Proved);
    assert_eq!(nucleus(upper, lower, &[1, 0]), Undecided);
    assert_eq!(nucleus(lower, upper, &[1, 0]), Refuted);
    assert_eq!(nucleus(lower, upper, &[0, 1]), Undecided);
    // Of several at the tie the last kept one decides, and the first dropped one.
    let zero = Enclosure::ZERO;
    let among = |kept: &[Enclosure], dropped: &[Enclosure], slots: &[usize]| {
        in_slots(0.4, kept, dropped, slots).nucleus
    };
    assert_eq!(among(&[upper, zero], &[zero], &[0, 2, 1]), Refuted);
    assert_eq!(among(&[zero, zero], &[lower, zero], &[0, 1, 2, 3]), Proved);
    assert_eq!(among(&[zero, zero], &[zero, lower], &[0, 2, 3, 1]), Undecided);
}

#[test]
fn wide_enclosures_are_undecided() {
    let wide = |x: f64| Enclosure::new(x - 0.2, x + 0.2).expect("ordered");
    let facts = set_facts(0.88, &[wide(1.0), wide(0.9)], &[wide(-0.5)]);
    assert_eq!((facts.mass_at_least_p, facts.nucleus), (Undecided, Undecided));
    let facts = set_facts(0.5, &[wide(1.0)], &[wide(-0.5), wide(-0.6)]);
    assert_eq!((facts.mass_at_least_p, facts.nucleus), (Proved, Proved));
    let facts = set_facts(0.8, &[Enclosure::ENTIRE], &[wide(0.0)]);
    assert_eq!((facts.mass_at_least_p, facts.nucleus), (Undecided, Undecided));
    assert_eq!((facts.mass.lo(), facts.mass.hi()), (0.0, 1.0));
    assert_eq!((facts.leak.lo(), facts.leak.hi()), (0.0, f64::INFINITY));
    // An end without bound says something all the same: at least one part in 1 + 1/e is kept.
    let up = Enclosure::new(0.0, f64::INFINITY).expect("ordered");
    let facts = set_facts(0.7, &[up], &points(&[-1.0]));
    assert!(facts.mass.lo() > 0.73 && facts.mass.hi() == 1.0);
    assert_eq!((facts.mass_at_least_p, facts.nucleus), (Proved, Proved));
}

#[test]
fn no_decision_contradicts_an_exact_mass_in_the_last_place() {
    // Equal action values have weights of exactly 1, so that the mass is k / (k + n).
    // With one kept action and many dropped ones it takes every rounding to be on its side.
    let few = (1..14usize).flat_map(|k| (1..14usize).map(move |n| (k, n)));
    for (k, n) in few.chain((14..100).map(|n| (1, n))) {
        let (kept, dropped) = (points(&vec![0.0; k]), points(&vec![0.0; n]));
        let of = |part: usize| BigRational::new(part.into(), (k + n).into());
        let mut p = k as f64 / (k + n) as f64;
        (0..6).for_each(|_| p = p.next_down());
        for _ in 0..12 {
            let facts = set_facts(p, &kept, &dropped);
            let truth = of(k) >= exact(p);
            let wrong = if truth { Refuted } else { Proved };
            assert_ne!(facts.mass_at_least_p, wrong, "{k} of {}, p = {p:e}", k + n);
            // One action fewer: the set is no nucleus if that still is enough.
            let smaller = set_facts(p, &points(&vec![0.0; k + 1]), &points(&vec![0.0; n - 1]));
            assert_ne!(smaller.nucleus, wrong_nucleus(truth), "{k} of {}, p = {p:e}", k + n);
            p = p.next_up();
        }
    }
}

/// What may not be said of a set when one without its least action has the mass, or not.
fn wrong_nucleus(enough_without: bool) -> certificate::Decision {
    if enough_without { Proved } else { Refuted }
}

#[test]
fn every_candidate_for_the_least_action_is_looked_at() {
    let all = |lo: f64, hi: f64| {
        let third = Enclosure::new(lo.ln(), hi.ln()).expect("ordered");
        [Enclosure::exact(0.4).ln(), Enclosure::exact(0.31).ln(), third]
    };
    // Either of the last two may be the least. Without the third the mass is 0.689 to 0.717, ...
    assert_eq!(set_facts(0.70, &all(0.28, 0.32), &[]).nucleus, Undecided);
    assert_eq!(set_facts(0.75, &all(0.28, 0.32), &[]).nucleus, Proved);
    assert_eq!(set_facts(0.66, &all(0.28, 0.32), &[]).nucleus, Refuted);
    // ... and here 0.664 to 0.703, but 0.693 to 0.710 without the second.
    assert_eq!(set_facts(0.705, &all(0.30, 0.36), &[]).nucleus, Undecided);
    assert_eq!(set_facts(0.72, &all(0.30, 0.36), &[]).nucleus, Proved);
}

#[test]
fn the_full_set_has_mass_one_and_no_leak() {
    for q in [&[1.0][..], &[0.0, -3.0], &[5.0, 5.0, 5.0]] {
        let facts = set_facts(1.0, &points(q), &[]);
        assert_eq!((facts.mass, facts.leak), (Enclosure::ONE, Enclosure::ZERO));
        assert_eq!((facts.mass_at_least_p, facts.nucleus), (Proved, Proved));
    }
}

#[test]
fn one_action_is_never_too_many() {
    // However wide: the weight of this action may underflow to 0 and so may the rest of it.
    let wide = Enclosure::new(-1e6, 1e6).expect("ordered");
    assert_eq!(set_facts(0.5, &[wide], &[]).nucleus, Proved);
    assert_eq!(set_facts(0.5, &[Enclosure::ENTIRE], &[]).nucleus, Proved);
}

#[test]
fn p_equal_to_one_needs_every_action_however_unlikely() {
    let facts = set_facts(1.0, &points(&[0.0]), &points(&[-2000.0]));
    assert_eq!((facts.mass_at_least_p, facts.nucleus), (Refuted, Refuted));
}

#[test]
fn sets_must_be_rising_slots_of_every_state() {
    let row = || (0.0, vec![(0, 1.0)]);
    let arrays = Arrays::new(&[vec![row(), row()], vec![row()]]);
    let model = arrays.model();
    let sets =
        |kept: &[&[u32]]| Sets::new(&model, &kept.iter().map(|s| s.to_vec()).collect::<Vec<_>>());
    let fine = sets(&[&[1], &[0]]).expect("sets");
    assert_eq!([0, 1, 2].map(|pair| fine.keeps(pair)), [false, true, true]);
    assert!(sets(&[&[0, 1], &[0]]).is_ok());
    for bad in [&[][..], &[2], &[1, 0], &[0, 0], &[0, u32::MAX]] {
        assert!(matches!(sets(&[bad, &[0]]), Err(CertificateError::Kept { state: 0 })), "{bad:?}");
    }
    assert!(matches!(sets(&[&[0], &[1]]), Err(CertificateError::Kept { state: 1 })));
    assert!(matches!(sets(&[&[0]]), Err(CertificateError::Length { .. })));
}

proptest! {
    #[test]
    fn mass_and_leak_hold_the_oracle_and_decisions_agree_with_it(
        kept in proptest::collection::vec(-6.0..6.0f64, 1..4),
        dropped in proptest::collection::vec(-6.0..6.0f64, 0..4),
        p in prop_oneof![Just(0.5), Just(1.0), 0.01..1.0f64],
    ) {
        let weigh = |q: &[f64]| q.iter().map(|&x| oracle::exp(&exact(x))).collect::<Vec<_>>();
        let (inside, outside) = (weigh(&kept), weigh(&dropped));
        let (sum_in, sum_out): (BigRational, BigRational) =
            (inside.iter().sum(), outside.iter().sum());
        let facts = set_facts(p, &points(&kept), &points(&dropped));
        let all = &sum_in + &sum_out;
        let mass = &sum_in / &all;
        prop_assert!(exact(facts.mass.lo()) <= mass && mass <= exact(facts.mass.hi()));
        prop_assert!(facts.mass.width() < 1e-14);
        let leak = oracle::ln(&(&all / &sum_in));
        if !dropped.is_empty() {
            prop_assert!(exact(facts.leak.lo()) <= leak && leak <= exact(facts.leak.hi()));
            prop_assert!(facts.leak.width() < 1e-14 * (1.0 + facts.leak.hi()));
        }
        let enough = mass >= exact(p);
        let least = inside.iter().min().expect("one");
        let apart = outside.iter().all(|x| x <= least);
        let minimal = kept.len() == 1 || (&sum_in - least) / &all < exact(p);
        // Random numbers do not tie.
        prop_assert_eq!(facts.mass_at_least_p, if enough { Proved } else { Refuted });
        let nucleus = if enough && apart && minimal { Proved } else { Refuted };
        prop_assert_eq!(facts.nucleus, nucleus);
        prop_assert!(BigRational::one() >= mass);
    }

    #[test]
    fn decisions_on_enclosures_hold_for_every_corner(
        kept in proptest::collection::vec((-2.0..2.0f64, 0.0..0.3f64), 1..3),
        dropped in proptest::collection::vec((-2.0..2.0f64, 0.0..0.3f64), 1..3),
        p in 0.2..0.95f64,
    ) {
        let boxes = |q: &[(f64, f64)]| {
            q.iter().map(|&(x, w)| Enclosure::new(x, x + w).expect("ordered")).collect::<Vec<_>>()
        };
        let facts = set_facts(p, &boxes(&kept), &boxes(&dropped));
        for corner in 0..1usize << (kept.len() + dropped.len()) {
            let end = |i: usize, (x, w): (f64, f64)| if corner >> i & 1 == 0 { x } else { x + w };
            let k: Vec<f64> = kept.iter().enumerate().map(|(i, &q)| end(i, q)).collect();
            let d: Vec<f64> =
                dropped.iter().enumerate().map(|(i, &q)| end(i + kept.len(), q)).collect();
            let at = set_facts(p, &points(&k), &points(&d));
            prop_assert!(at.mass.lo() <= facts.mass.hi() && facts.mass.lo() <= at.mass.hi());
            for (boxed, point) in [
                (facts.mass_at_least_p, at.mass_at_least_p),
                (facts.nucleus, at.nucleus),
            ] {
                prop_assert!(boxed == Undecided || point == Undecided || boxed == point);
            }
        }
    }
}
