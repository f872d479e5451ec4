//! Candidate sets that come with an instance: they are used, judged and shrunk as they are.

mod common;

use common::{half_the_bound, model, run};
use operators::{CandidateSets, Selection};
use serde_json::Value;
use std::collections::BTreeSet;
use tabular::formats::{ReadOptions, read};
use tabular::random::Source;
use tabular::{Family, Instance};
use verify::shrink::candidates;
use verify::{Case, Counterexample, Failure, Plan, Replay, Theory, propositions};

/// Any sets, whatever mass they carry.
fn with_any_sets(instance: Instance, source: &mut Source) -> Instance {
    let mut kept = vec![false; instance.mdp.pairs()];
    for state in 0..instance.mdp.states() {
        let pairs = instance.mdp.pairs_of(state);
        kept[pairs.start + source.below(pairs.len())] = true;
        for pair in pairs {
            kept[pair] |= source.below(2) == 0;
        }
    }
    let sets = CandidateSets::from_kept(instance.mdp.layout(), kept).unwrap();
    Instance { sets: Some(sets), ..instance }
}

fn instances(count: u64) -> Vec<Instance> {
    let plan = Plan::new(11);
    let instance = |index| plan.instance(index).unwrap().0;
    (0..count).map(|i| with_any_sets(instance(i), &mut Source::new(12, i))).collect()
}

#[test]
fn sets_of_the_instance_take_the_place_of_the_rule() {
    let mut instance = model(0.5, 0.75, &[&[(3.0, &[(0, 1.0)]), (0.0, &[(0, 1.0)])]]);
    let rule = Selection::TopP(instance.p);
    let case = Case::<f64>::solve(&instance, rule, Theory::default()).unwrap();
    assert_eq!((case.set.as_slice(), case.rule()), (&[true, false][..], Some(rule)));
    let unlikely = CandidateSets::from_kept(instance.mdp.layout(), vec![false, true]).unwrap();
    instance.sets = Some(unlikely);
    let case = Case::<f64>::solve(&instance, rule, Theory::default()).unwrap();
    assert_eq!((case.set.as_slice(), case.rule()), (&[false, true][..], None));
    // It carries less than p: its own leak counts, not that of p.
    assert_eq!(case.allowed_leak().unwrap(), case.largest_leak().unwrap());
    instance.sets = Some(CandidateSets::full(instance.mdp.layout()));
    let case = Case::<f64>::solve(&instance, rule, Theory::default()).unwrap();
    assert_eq!(case.allowed_leak().unwrap(), -(0.75f64.ln()));
}

#[test]
fn the_propositions_hold_of_any_sets() {
    for rigorous in [false, true] {
        // The leak of a set whose mass is no float is ∞ in floats, and says nothing.
        let tells = |instance: &Instance| {
            let rule = Selection::TopP(instance.p);
            let case = Case::<f64>::solve(instance, rule, Theory::default()).unwrap();
            case.largest_leak().unwrap().is_finite()
        };
        let given: Vec<Instance> = instances(210).into_iter().filter(tells).collect();
        assert!(given.len() > 190, "{}", given.len());
        let propositions = propositions::all();
        let plan = Plan { given, propositions, rigorous, ..Plan::new(0) };
        let outcome = run(&plan);
        for (proposition, tally) in plan.propositions.iter().zip(&outcome.tallies) {
            assert_eq!(tally.violated + tally.refuted, 0, "{proposition:?}: {tally:?}");
            assert!(tally.checked > 0 || proposition.name == "tightness", "{proposition:?}");
        }
    }
}

#[test]
fn sets_lose_what_the_model_loses() {
    // What is kept, by reward and destination, which tell pairs apart here.
    for instance in instances(35) {
        let count = |i: &Instance| i.sets.as_ref().unwrap().kept().iter().filter(|k| **k).count();
        for candidate in candidates(&instance) {
            let sets = candidate.sets.as_ref().unwrap();
            assert_eq!(sets.layout(), candidate.mdp.layout());
            assert!(count(&candidate) <= count(&instance));
            if candidate.mdp.states() == instance.mdp.states() {
                let kept = |i: &Instance| -> BTreeSet<(usize, u32)> {
                    let sets = i.sets.as_ref().unwrap();
                    let of_state = |s: usize| {
                        i.mdp
                            .pairs_of(s)
                            .filter(|&pair| sets.kept()[pair])
                            .map(move |pair| (s, pair))
                    };
                    (0..i.mdp.states())
                        .flat_map(of_state)
                        .map(|(s, pair)| (s, i.mdp.actions()[pair]))
                        .collect()
                };
                assert!(kept(&candidate).is_subset(&kept(&instance)));
            }
        }
    }
}

#[test]
fn a_counterexample_keeps_its_sets_in_the_file() {
    let proposition = half_the_bound();
    let size = tabular::Size { states: 4, actions: 4, branching: 2 };
    let (gamma, p) = (common::gamma(0.9), common::top_p(0.5));
    let instance = Family::WorstCase.instance(size, gamma, p, &mut Source::new(3, 0)).unwrap();
    let halves = (0..instance.mdp.pairs()).map(|pair| pair % 4 < 2).collect();
    let sets = CandidateSets::from_kept(instance.mdp.layout(), halves).unwrap();
    let given = vec![Instance { sets: Some(sets), ..instance }];
    let plan = Plan { given, propositions: vec![proposition], ..Plan::new(0) };
    let outcome = run(&plan);
    let failure: &Failure = outcome.tallies[0].failures.first().expect("a false conjecture");
    let example = Counterexample::shrink(&plan, &proposition, failure).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = example.write(folder.path()).unwrap();
    let file = read(&path, &ReadOptions::default()).unwrap();
    assert_eq!((&file.mdp, &file.sets), (&example.instance.mdp, &example.instance.sets));
    let text = std::fs::read_to_string(&path).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    // The conjecture does not ship, so that `replay` is asked about one that does, and holds.
    let mut found_by = json["found_by"].clone();
    found_by["proposition"] = "main-bound".into();
    let replay = Replay::from_json(&found_by).unwrap();
    assert!(!replay.run(&example.instance).verdict.is_no());
}
