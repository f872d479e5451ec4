//! The propositions as property suites, in both frameworks, and how failures shrink in them.

use operators::Selection;
use proptest::prelude::*;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestError, TestRunner};
use quickcheck::{Arbitrary, Gen, QuickCheck, TestResult};
use rounding::Enclosure;
use tabular::Instance;
use verify::generators::{AnyInstance, AnyTable, AnyTopP};
use verify::strategies::{discounts, instances, masses, tables};
use verify::{Case, Theory, campaign, probes, propositions};

/// The first proposition that fails on the instance.
fn failing(instance: &Instance, rigorous: bool) -> Option<String> {
    let selection = Selection::TopP(instance.p);
    propositions::all().iter().find_map(|proposition| {
        let theory = Theory::default();
        let source = probes(7, 7);
        let finding = campaign::check(proposition, instance, selection, theory, rigorous, source);
        let witness = finding.verdict.is_no().then(|| finding.verdict.witness().cloned());
        witness.map(|w| format!("{}: {:?}", proposition.name, w))
    })
}

/// A false claim: no model with κ > 0 loses more than a hundredth of it.
fn loses_little(instance: &Instance) -> bool {
    let selection = Selection::TopP(instance.p);
    let case = Case::<f64>::solve(instance, selection, Theory::default()).unwrap();
    let (gap, kappa) = (case.gap().unwrap(), case.kappa().unwrap());
    !kappa.is_finite() || case.support().all(|(_, pair, _)| gap.0[pair] <= 0.01 * kappa)
}

proptest! {
    #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_proposition_holds_in_floats(instance in instances()) {
        prop_assert_eq!(failing(&instance, false), None);
    }

    #[test]
    fn no_proposition_is_refuted_rigorously(instance in instances()) {
        prop_assert_eq!(failing(&instance, true), None);
    }

    #[test]
    fn other_parameters_do_not_matter(
        (instance, gamma, p) in (instances(), discounts(), masses())
    ) {
        prop_assert_eq!(failing(&Instance { gamma, p, ..instance }, false), None);
    }

    #[test]
    fn the_operators_contract_on_tables_of_ones_own(
        (instance, q1, q2) in instances().prop_flat_map(|instance| {
            let (q1, q2) = (tables(&instance.mdp), tables(&instance.mdp));
            (Just(instance), q1, q2)
        })
    ) {
        let selection = Selection::TopP(instance.p);
        let case = Case::<Enclosure>::enclose(&instance, selection, Theory::default()).unwrap();
        let (q1, q2) = (case.n.cells(&q1).unwrap(), case.n.cells(&q2).unwrap());
        let (b1, b2) = (case.top_p_backup(&q1).unwrap(), case.top_p_backup(&q2).unwrap());
        let widest = |a: &nalgebra::DVector<Enclosure>, b: &nalgebra::DVector<Enclosure>| {
            case.support().map(|(_, i, _)| (a[i] - b[i]).abs()).reduce(Enclosure::max).unwrap()
        };
        let gamma = Enclosure::exact(instance.gamma.get());
        // Refuted would be `Some(false)`; equality is attained and stays undecided.
        prop_assert_ne!(
            widest(&b1.0, &b2.0).at_most(gamma * widest(&q1.0, &q2.0)),
            Some(false)
        );
    }
}

#[test]
fn proptest_shrinks_a_false_claim_to_one_state() {
    // Shrinking is greedy, and one start in fifty or so ends at a larger model from which nothing
    // can be taken away: the start is fixed.
    let mut runner = TestRunner::deterministic();
    let claim = |instance: Instance| {
        prop_assert!(loses_little(&instance));
        Ok(())
    };
    match runner.run(&instances(), claim) {
        Err(TestError::Fail(_, smallest)) => {
            assert!(!loses_little(&smallest));
            assert_eq!(smallest.mdp.states(), 1, "{smallest:?}");
            assert!(smallest.mdp.pairs() <= 3, "{smallest:?}");
        }
        other => panic!("the claim is false, yet {other:?}"),
    }
}

#[test]
fn a_value_tree_goes_back_to_what_failed() {
    let mut runner = TestRunner::deterministic();
    let mut tree = instances().new_tree(&mut runner).unwrap();
    let first = tree.current();
    assert!(tree.simplify());
    // Nothing smaller fails: in the end the tree stands where it failed last.
    while tree.complicate() {}
    assert_eq!(tree.current(), first);
}

#[test]
fn quickcheck_finds_every_proposition_to_hold() {
    fn holds(AnyInstance(instance): AnyInstance, AnyTopP(p): AnyTopP) -> TestResult {
        match failing(&Instance { p, ..instance }, false) {
            None => TestResult::passed(),
            Some(what) => TestResult::error(what),
        }
    }
    let property = holds as fn(AnyInstance, AnyTopP) -> TestResult;
    QuickCheck::new().tests(400).quickcheck(property);
}

#[test]
fn quickcheck_shrinks_through_the_same_candidates() {
    let mut g = Gen::from_size_and_seed(10, 7);
    let mut smallest = (0..)
        .map(|_| AnyInstance::arbitrary(&mut g))
        .find(|AnyInstance(instance)| !loses_little(instance))
        .unwrap();
    while let Some(next) = smallest.shrink().find(|AnyInstance(i)| !loses_little(i)) {
        smallest = next;
    }
    assert_eq!(smallest.0.mdp.states(), 1, "{smallest:?}");
}

#[test]
fn quickcheck_tables_fit_their_instance() {
    let mut g = Gen::new(10);
    for _ in 0..50 {
        let AnyTable { instance, table } = AnyTable::arbitrary(&mut g);
        assert_eq!(table.len(), instance.mdp.pairs());
        assert!(table.iter().all(|x| x.is_finite()));
    }
}
