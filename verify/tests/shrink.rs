//! Shrinking: never larger, still failing, and in the end as small as can be.

mod common;

use common::{check, half_the_bound, named, run, top_p};
use serde_json::Value;
use tabular::Family;
use tabular::Instance;
use tabular::formats::{ReadOptions, read};
use verify::shrink::{candidates, shrink};
use verify::{Counterexample, Failure, Mutation, Plan, Proposition, Replay, Theory};

/// States, pairs and transitions.
fn shape(instance: &Instance) -> [usize; 3] {
    let mdp = &instance.mdp;
    [mdp.states(), mdp.pairs(), mdp.transitions()]
}

/// How many binary digits all rewards take.
fn digits(instance: &Instance) -> u32 {
    let significand = |x: f64| (x.to_bits() & ((1 << 52) - 1)) | (1 << 52);
    let digits = |&x: &f64| if x == 0.0 { 0 } else { 53 - significand(x).trailing_zeros() };
    instance.mdp.rewards().iter().map(digits).sum()
}

fn instances(count: u64) -> impl Iterator<Item = Instance> {
    (0..count).map(|index| Plan::new(3).instance(index).unwrap().0)
}

/// Shrinks without a budget: it has to end by itself.
fn smallest(instance: Instance, fails: impl Fn(&Instance) -> bool) -> Instance {
    shrink(instance, usize::MAX, fails)
}

#[test]
fn candidates_are_exact_models_that_are_never_larger_and_whose_numbers_are_never_longer() {
    for instance in instances(70) {
        for candidate in candidates(&instance) {
            assert_ne!(candidate, instance);
            assert_eq!(candidate.mdp.nearest_totals(), None);
            let (before, after) = (shape(&instance), shape(&candidate));
            assert!(after.iter().zip(before).all(|(a, b)| *a <= b), "{after:?} from {before:?}");
            assert!(digits(&candidate) <= digits(&instance), "{candidate:?} from {instance:?}");
        }
    }
}

#[test]
fn states_go_first_then_actions_then_successors_then_numbers() {
    let rank = |from: &Instance, to: &Instance| {
        shape(from).iter().zip(shape(to)).position(|(a, b)| *a != b).unwrap_or(3)
    };
    for instance in instances(70) {
        assert!(candidates(&instance).map(|smaller| rank(&instance, &smaller)).is_sorted());
    }
}

#[test]
fn a_model_of_which_only_a_choice_is_needed_shrinks_to_two_actions_without_reward() {
    let choice = |instance: &Instance| instance.mdp.layout().iter().any(|row| row.len() > 1);
    for instance in instances(70).filter(choice) {
        let found = smallest(instance, choice);
        assert_eq!((shape(&found), found.mdp.rewards()), ([1, 2, 2], &[0.0; 2][..]));
        assert_eq!((found.gamma.get(), found.p.get()), (0.5, 0.5));
    }
}

#[test]
fn a_model_of_which_only_a_loss_is_needed_shrinks_to_one_action_that_costs_one() {
    let loss = |instance: &Instance| instance.mdp.rewards().iter().any(|&r| r < 0.0);
    for instance in instances(70).filter(loss) {
        let found = smallest(instance, loss);
        assert_eq!((shape(&found), found.mdp.rewards()), ([1, 1, 1], &[-1.0][..]));
        assert_eq!((found.gamma.get(), found.p.get()), (0.5, 0.5));
    }
}

#[test]
fn half_of_kappa_is_exceeded_by_one_state_with_two_equal_actions() {
    let worst = Plan { families: vec![Family::WorstCase], p: Some(top_p(0.5)), ..Plan::new(0) };
    for rigorous in [false, true] {
        let fails =
            |instance: &Instance| check(&half_the_bound(), instance, rigorous).verdict.is_no();
        for instance in (0..40).map(|index| worst.instance(index).unwrap().0).filter(fails) {
            let found = smallest(instance, fails);
            assert!(fails(&found));
            assert!(!candidates(&found).any(|smaller| fails(&smaller)), "{found:?}");
            assert_eq!(shape(&found), [1, 2, 2], "{found:?}");
            assert_eq!(found.mdp.rewards()[0], found.mdp.rewards()[1]);
            assert_eq!((found.gamma.get(), found.p.get()), (0.5, 0.5));
        }
    }
}

#[test]
fn no_more_is_tried_than_the_budget_allows() {
    for budget in [0, 1, 7] {
        let mut tried = 0;
        shrink(instances(1).next().unwrap(), budget, |_| {
            tried += 1;
            true
        });
        assert!(tried <= budget, "{tried} > {budget}");
    }
}

/// Shrinks, writes, reads back and replays.
fn assert_replays(plan: &Plan, proposition: &Proposition, failure: &Failure) {
    let example = Counterexample::shrink(plan, proposition, failure).unwrap();
    let (original, _) = plan.instance(failure.index).unwrap();
    assert!(example.finding.verdict.is_no());
    assert!(shape(&example.instance) <= shape(&original));
    let folder = tempfile::tempdir().unwrap();
    let path = example.write(folder.path()).unwrap();
    let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let model = read(&path, &ReadOptions::default()).unwrap();
    let (gamma, p) = (model.gamma.unwrap(), model.p.unwrap());
    let instance = Instance::new(model.name, model.mdp, gamma, p);
    assert_eq!(instance, example.instance);
    let replay = Replay::from_json(&file["found_by"]).unwrap();
    // As text: a witness without numbers has NaN in their place.
    assert_eq!(format!("{:?}", replay.run(&instance)), format!("{:?}", example.finding));
}

#[test]
fn a_shrunk_counterexample_fails_again_from_its_file_with_the_same_numbers() {
    let caught_by = [
        (Mutation::DiscountDropped, "contraction"),
        (Mutation::EntropySignFlipped, "projected-teacher"),
        (Mutation::ProjectionNotRenormalised, "shaping"),
        (Mutation::AnotherPolicysSets, "certificate"),
        (Mutation::KappaHalved, "main-bound"),
        (Mutation::TopPOverAllActions, "monotonicity"),
        (Mutation::LeakWithoutFirstStep, "leak-identity"),
        (Mutation::TiesUpwards, "certificate"),
    ];
    for (mutation, name) in caught_by {
        let theory = Theory { mutation: Some(mutation) };
        let plan = Plan { theory, mdps: 35, propositions: vec![named(name)], ..Plan::new(0) };
        let failure = run(&plan).tallies[0].failures[0].clone();
        assert_replays(&plan, &named(name), &failure);
    }
}
