//! Checks that cannot fail are defects: every mistake is caught, and the theory passes.

mod common;

use common::{plan, run, sampled};
use verify::{Mutation, Outcome, Plan, Tally, Theory};

/// The names of the propositions that said no.
fn caught_by(plan: &Plan, outcome: &Outcome) -> Vec<&'static str> {
    let said_no = |tally: &Tally| tally.violated + tally.refuted > 0;
    let pairs = plan.propositions.iter().zip(&outcome.tallies);
    pairs.filter(|(_, tally)| said_no(tally)).map(|(p, _)| p.name).collect()
}

#[test]
fn every_mistake_is_caught_within_a_thousand_models() {
    for mutation in Mutation::ALL {
        let plan = Plan { theory: Theory { mutation: Some(mutation) }, ..plan(1_000) };
        let caught = caught_by(&plan, &run(&plan));
        assert!(!caught.is_empty(), "nothing notices {mutation}");
    }
}

#[test]
fn the_theory_itself_is_never_violated_in_floats() {
    let plan = plan(10_000);
    let outcome = run(&plan);
    assert_eq!(outcome.mdps, 10_000);
    assert_eq!(caught_by(&plan, &outcome), Vec::<&str>::new());
    assert!(outcome.tallies.iter().all(|tally| tally.undecided == 0));
}

#[test]
fn the_theory_itself_is_never_refuted() {
    let plan = Plan { rigorous: true, ..plan(1_500) };
    let outcome = run(&plan);
    assert_eq!(caught_by(&plan, &outcome), Vec::<&str>::new());
    // Most verdicts are proofs; what stays undecided are ties and bounds that are attained.
    let proved: u64 = outcome.tallies.iter().map(|tally| tally.proved).sum();
    let undecided: u64 = outcome.tallies.iter().map(|tally| tally.undecided).sum();
    assert!(proved > 9 * undecided, "{proved} proved, {undecided} undecided");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for rigorous in [false, true] {
        let plan = Plan { rigorous, ..plan(300) };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let Outcome { tallies, samples, mdps } = pool.install(|| sampled(&plan, 1));
            // As text, in which a number that is none is itself; each double has one text.
            format!("{tallies:?} {samples:?} {mdps}")
        };
        assert!(on(1) == on(2), "rigorous: {rigorous}");
    }
}
