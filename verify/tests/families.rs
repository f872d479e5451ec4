//! A seed means the same models on every platform, and families are what their names say.

mod common;

use common::{gamma, top_p};
use operators::Selection;
use tabular::random::Source;
use tabular::{Family, Instance, Size};
use verify::{Case, Plan, Theory, view};

const SIZE: Size = Size { states: 9, actions: 4, branching: 3 };
const SEEDS: std::ops::Range<u64> = 0..3;

fn instance(family: Family, seed: u64) -> Instance {
    family.instance(SIZE, gamma(0.9), top_p(0.8), &mut Source::new(seed, 0)).unwrap()
}

fn hash(instance: &Instance) -> String {
    view(&instance.mdp).unwrap().hash().to_string()
}

/// That these lines are those of a golden file; when a change is meant, the message is the new
/// file.
fn assert_golden(golden: &str, lines: impl Iterator<Item = String>) {
    let found: Vec<String> = lines.collect();
    assert!(golden.lines().eq(&found), "models have changed; they are now\n{}", found.join("\n"));
}

#[test]
fn a_family_and_a_seed_mean_the_same_model_everywhere() {
    let models = Family::ALL.into_iter().flat_map(|family| SEEDS.map(move |seed| (family, seed)));
    let line = |(family, seed)| format!("{family} {seed} {}", hash(&instance(family, seed)));
    assert_golden(include_str!("golden/families.txt"), models.map(line));
}

#[test]
fn a_seed_and_a_number_mean_the_same_instance_of_a_campaign_everywhere() {
    let plan = Plan::new(0);
    let line = |index| {
        let (instance, sets) = plan.instance(index).unwrap();
        let (gamma, p) = (instance.gamma.get(), instance.p.get());
        format!("{} {gamma} {p} {sets} {}", instance.name, hash(&instance))
    };
    assert_golden(include_str!("golden/campaign.txt"), (0..28).map(line));
}

#[test]
fn rows_of_every_family_sum_to_exactly_one() {
    for family in Family::ALL {
        assert_eq!(instance(family, 0).mdp.nearest_totals(), None, "{family}");
    }
}

#[test]
fn only_a_token_tree_ends_and_every_move_in_it_is_certain() {
    for family in Family::ALL {
        let mdp = instance(family, 0).mdp;
        assert_eq!(mdp.horizon().is_some(), family == Family::TokenTree, "{family}");
        if family == Family::TokenTree {
            assert_eq!(mdp.transitions(), mdp.pairs());
            // Three levels of four children: 1 + 4 + the end.
            assert_eq!(mdp.horizon(), Some(3));
        }
    }
}

#[test]
fn the_worst_case_keeps_mass_exactly_p_in_every_state() {
    for (asked, p) in [(0.8, 0.75), (0.5, 0.5), (0.01, 0.25), (1.0, 0.75)] {
        let mut source = Source::new(1, 0);
        let instance =
            Family::WorstCase.instance(SIZE, gamma(0.9), top_p(asked), &mut source).unwrap();
        assert_eq!(instance.p.get(), p);
        let selection = Selection::TopP(instance.p);
        let case = Case::<f64>::solve(&instance, selection, Theory::default()).unwrap();
        for state in 0..SIZE.states {
            assert_eq!(case.sets.size(state), (p * SIZE.actions as f64) as usize);
        }
    }
}
