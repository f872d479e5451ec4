//! What cannot be decided is said to be undecided, and a witness says where.

use operators::{Discount, Selection, TopP};
use serde_json::json;
use tabular::random::Source;
use tabular::{Instance, MdpBuilder};
use verify::{
    Case, CaseError, Finding, Mutation, Proposition, Replay, Theory, Verdict, Witness, campaign,
    propositions,
};

type Row<'a> = (usize, f64, &'a [(usize, f64)]);

/// A model from (state, reward, successors), actions numbered as they come.
fn instance(states: usize, gamma: f64, rows: &[Row<'_>]) -> Instance {
    let mut builder = MdpBuilder::new(states);
    for (i, &(state, reward, next)) in rows.iter().enumerate() {
        builder.action(state, i as u32, reward, next).unwrap();
    }
    let (gamma, p) = (Discount::new(gamma).unwrap(), TopP::new(0.75).unwrap());
    Instance::new("made up", builder.build().unwrap().0, gamma, p)
}

fn named(name: &str) -> Proposition {
    propositions::named(&[name.to_string()]).unwrap().remove(0)
}

fn check(name: &str, instance: &Instance, mutation: Option<Mutation>) -> Finding {
    let selection = Selection::TopP(instance.p);
    campaign::check(
        &named(name),
        instance,
        selection,
        Theory { mutation },
        false,
        Source::new(0, 0),
    )
}

const STAY: &[(usize, f64)] = &[(0, 1.0)];

#[test]
fn values_that_rounding_has_eaten_up_are_undecided() {
    // V* is about 1e16, where doubles are two apart.
    let near_one = 1.0 - f64::EPSILON / 2.0;
    let instance = instance(1, near_one, &[(0, 1.0, STAY), (0, 0.0, STAY)]);
    for name in ["projected-teacher", "sandwich", "main-bound"] {
        let verdict = check(name, &instance, None).verdict;
        assert!(matches!(verdict, Verdict::Undecided(_)), "{name}: {verdict:?}");
    }
}

#[test]
fn values_that_overflow_are_an_error() {
    let instance = instance(1, 0.5, &[(0, 1e308, STAY)]);
    let selection = Selection::TopP(instance.p);
    let case = Case::<f64>::solve(&instance, selection, Theory::default());
    assert!(matches!(case, Err(CaseError::Infinite)));
    let Verdict::Undecided(witness) = check("sandwich", &instance, None).verdict else {
        panic!("nothing can be said");
    };
    assert!(witness.doubt().contains("rewards are too large"), "{}", witness.doubt());
}

#[test]
fn large_values_refute_no_certificate() {
    let large = instance(1, 0.9, &[(0, 1e18, STAY), (0, 0.0, STAY)]);
    let near_one = 1.0 - f64::EPSILON / 2.0;
    let close = instance(1, near_one, &[(0, 1.0, STAY), (0, 0.0, STAY)]);
    for instance in [large, close] {
        let verdict = check("certificate", &instance, None).verdict;
        assert!(!verdict.is_no(), "{verdict:?}");
    }
}

/// State 0 is the end; all of the gap is in state 1, which keeps three of four equal actions.
fn an_end_and_a_loop() -> Instance {
    let stay: Row<'_> = (1, 0.0, &[(1, 1.0)]);
    instance(2, 0.9, &[(0, 0.0, STAY), stay, stay, stay, stay])
}

fn violated(name: &str, mutation: Mutation) -> Witness {
    match check(name, &an_end_and_a_loop(), Some(mutation)).verdict {
        Verdict::Violated(witness) => witness,
        verdict => panic!("{name} does not notice {mutation}: {verdict:?}"),
    }
}

#[test]
fn a_witness_names_the_state_that_fails() {
    let witness = violated("main-bound", Mutation::KappaHalved);
    assert!(witness.state == 1 && witness.action.is_some(), "{witness}");
}

/// V(s') cancels only when the implied reward and the objective have the same γ.
#[test]
fn behaviour_cloning_sees_the_discount() {
    let witness = violated("behaviour-cloning", Mutation::DiscountDropped);
    assert!(witness.action.is_some(), "{witness}");
}

#[test]
fn a_mutation_cannot_be_replayed_in_rigorous_mode() {
    let found_by = |mode: &str| {
        json!({
            "proposition": "main-bound", "seed": 0, "index": 1, "mode": mode, "sets": "top-p",
            "mutation": "kappa-halved",
        })
    };
    assert!(Replay::from_json(&found_by("float")).is_ok());
    let refused = Replay::from_json(&found_by("rigorous")).err().unwrap();
    assert!(refused.contains("kappa-halved") && refused.contains("float"), "{refused}");
}

#[test]
fn a_proposition_named_twice_is_checked_once() {
    let names = ["sandwich", "main-bound", "sandwich"].map(String::from);
    let found: Vec<_> = propositions::named(&names).unwrap().iter().map(|p| p.name).collect();
    assert_eq!(found, ["sandwich", "main-bound"]);
}
