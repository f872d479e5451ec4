//! The leak identity: the exact gap against Q* − Q̄, 50-digit references, bounds and samples.

use operators::{CandidateSets, Discount, Selection, TopP};
use std::path::Path;
use tabular::formats::{ReadOptions, read};
use tabular::gap::{Gap, Rollouts};
use tabular::occupancy::{Behaviour, OccupancyError, Start, occupancy};
use tabular::random::Source;
use tabular::solve::{Method, Operator, Settings, action_values, evaluate, solve};
use tabular::{Family, Instance, MdpBuilder, Size};

fn q_star(instance: &Instance) -> Vec<f64> {
    let settings = Settings::default();
    let method = Method::default();
    let solution = solve(&instance.mdp, instance.gamma, Operator::Optimal, method, settings, None);
    action_values(&instance.mdp, instance.gamma, &solution.v)
}

fn nucleus(instance: &Instance, q: &[f64]) -> CandidateSets {
    CandidateSets::select(instance.mdp.layout(), q, Selection::TopP(instance.p)).unwrap()
}

fn exact(instance: &Instance) -> (Vec<f64>, Gap) {
    let q = q_star(instance);
    let sets = nucleus(instance, &q);
    let gap = Gap::exact(&instance.mdp, instance.gamma, &q, &sets).unwrap();
    (q, gap)
}

fn random_instances() -> Vec<Instance> {
    let mut instances = Vec::new();
    for family in Family::ALL {
        for (stream, (discount, p)) in
            [(0.0, 0.8), (0.5, 0.5), (0.9, 0.9), (0.99, 0.8)].into_iter().enumerate()
        {
            let size = Size { states: 14, actions: 4, branching: 3 };
            let (discount, p) = (Discount::new(discount).unwrap(), TopP::new(p).unwrap());
            let source = &mut Source::new(11, stream as u64);
            instances.push(family.instance(size, discount, p, source).unwrap());
        }
    }
    instances
}

/// A table of decimal strings, flattened.
fn decimals(value: &serde_json::Value) -> Vec<f64> {
    match value {
        serde_json::Value::Array(items) => items.iter().flat_map(decimals).collect(),
        other => vec![other.as_str().unwrap().parse().unwrap()],
    }
}

#[test]
fn gap_and_leak_are_those_of_the_references() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/tabular");
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = read(&path, &ReadOptions::default()).unwrap();
        let json: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let expected = &json["expected"];
        let (gamma, p) = (file.gamma.unwrap(), file.p.unwrap());
        let instance = Instance::new(file.name, file.mdp, gamma, p);
        // The reference Q* rounded to doubles, so that exact ties are decided as there.
        let q = decimals(&expected["q_star"]);
        let sets = nucleus(&instance, &q);
        let gap = Gap::exact(&instance.mdp, instance.gamma, &q, &sets).unwrap();
        let worst = |found: &[f64], expected: &[f64]| {
            assert_eq!(found.len(), expected.len());
            found.iter().zip(expected).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
        };
        let leak = worst(&gap.leak, &decimals(&expected["leak"]));
        let pair = worst(&gap.pair, &decimals(&expected["gap"]));
        println!("{}: leak off by {leak:e}, gap by {pair:e}", instance.name);
        assert!(leak < 1e-12 && pair < 1e-9, "{}: {leak:e}, {pair:e}", instance.name);
        let kappa = decimals(&expected["kappa_from_smallest_mass"])[0];
        assert!((gap.mass_bound(instance.gamma).unwrap() - kappa).abs() < 1e-9);
        compared += 1;
    }
    assert_eq!(compared, 12);
}

#[test]
fn gap_is_the_difference_of_the_two_fixed_points() {
    for instance in random_instances() {
        let (q, gap) = exact(&instance);
        let v_bar = evaluate(&instance.mdp, instance.gamma, &gap.policy).v;
        let q_bar = action_values(&instance.mdp, instance.gamma, &v_bar);
        // Rewards of the family of extremes are a thousand times larger, and so is rounding.
        let scale = q.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        for pair in 0..q.len() {
            let error = (gap.pair[pair] - (q[pair] - q_bar[pair])).abs();
            assert!(error < 1e-9_f64.min(1e-12 * scale), "{}: {error:e}", instance.name);
        }
    }
}

#[test]
fn bounds_hold_and_the_horizon_makes_them_smaller() {
    for instance in random_instances() {
        let (_, gap) = exact(&instance);
        let largest = gap.pair.iter().copied().fold(0.0, f64::max);
        let bound = gap.mass_bound(instance.gamma).unwrap();
        let slack = 1e-12 * (1.0 + bound);
        assert!(largest <= bound + slack, "{}", instance.name);
        let within = gap.horizon_bound(&instance.mdp, instance.gamma).unwrap();
        assert_eq!(within.is_some(), instance.name == "token-tree");
        if let Some(within) = within {
            assert!(largest <= within + slack && within <= bound + slack);
        }
        if instance.name == "worst-case" {
            assert!((largest - bound).abs() <= slack, "the worst case attains its bound");
        }
    }
}

#[test]
fn sampled_intervals_cover_the_exact_gap() {
    let rollouts = Rollouts { count: 2000, max_steps: 60 };
    let (mut intervals, mut missed) = (0, 0);
    for (stream, instance) in random_instances().iter().enumerate() {
        let (_, gap) = exact(instance);
        let (mdp, discount) = (&instance.mdp, instance.gamma);
        let mut source = Source::new(13, stream as u64);
        let pair = source.below(mdp.pairs());
        let of_pair = gap.sample_pair(mdp, discount, pair, rollouts, &mut source).unwrap();
        let of_start =
            gap.sample_start(mdp, discount, Start::Uniform, rollouts, &mut source).unwrap();
        let start = Start::Uniform.distribution(mdp).unwrap();
        // Σ ρ(s) E D(s,a) is Σ ρ(s) (D_V(s) − ℓ(s)): the leak of the start itself is not in it.
        let mean: f64 = (0..mdp.states()).map(|s| start[s] * (gap.state[s] - gap.leak[s])).sum();
        for (estimate, truth) in [(of_pair, gap.pair[pair]), (of_start, mean)] {
            let (lo, hi) = estimate.interval(1e-3);
            intervals += 1;
            missed += usize::from(!(lo - 1e-12 <= truth && truth <= hi + 1e-12));
            assert!(estimate.mean <= estimate.mean_widened + 1e-15);
            if estimate.cut_off == 0 {
                assert_eq!(estimate.mean, estimate.mean_widened);
                let errors = (estimate.mean - truth).abs() / (estimate.standard_error + 1e-12);
                assert!(errors < 4.5, "{}: {errors} standard errors", instance.name);
            }
        }
    }
    println!("{intervals} intervals, {missed} missed");
    assert_eq!(missed, 0);
}

#[test]
fn cutting_rollouts_off_widens_them_enough() {
    let instance = &random_instances()[3];
    let (_, gap) = exact(instance);
    let (mdp, discount) = (&instance.mdp, instance.gamma);
    for max_steps in [0, 1, 5, 30, 300] {
        let rollouts = Rollouts { count: 3000, max_steps };
        let mut source = Source::new(17, max_steps as u64);
        let estimate = gap.sample_pair(mdp, discount, 0, rollouts, &mut source).unwrap();
        assert_eq!(estimate.cut_off, 3000, "a model without an end cuts every rollout");
        let lacking = discount.get().powi(max_steps as i32) * estimate.bound;
        assert!(estimate.mean_widened - estimate.mean <= lacking * (1.0 + 1e-12));
        let (lo, hi) = estimate.interval(1e-3);
        assert!(lo <= gap.pair[0] && gap.pair[0] <= hi, "{max_steps}: {lo} {hi}");
    }
}

#[test]
fn gap_is_the_leak_under_the_occupancy_of_the_projected_teacher() {
    let instance = &random_instances()[2];
    let (q, gap) = exact(instance);
    let (mdp, discount) = (&instance.mdp, instance.gamma);
    let sets = nucleus(instance, &q);
    for state in 0..mdp.states() {
        let behaviour = Behaviour::Projected(&q, &sets);
        let o = occupancy(mdp, discount, behaviour, Start::State(state)).unwrap();
        let leaked: f64 = o.state.iter().zip(&gap.leak).map(|(d, leak)| d * leak).sum();
        assert!((gap.state[state] - o.visits * leaked).abs() < 1e-12);
    }
}

#[test]
fn without_discount_a_tree_has_a_finite_gap_and_a_loop_is_refused() {
    let undiscounted = Discount::new(1.0).unwrap();
    let size = Size { states: 14, actions: 3, branching: 1 };
    let p = TopP::new(0.6).unwrap();
    let tree = Family::TokenTree.instance(size, undiscounted, p, &mut Source::new(5, 0)).unwrap();
    let (_, gap) = exact(&tree);
    let largest = gap.pair.iter().copied().fold(0.0, f64::max);
    assert_eq!(gap.mass_bound(undiscounted).unwrap(), f64::INFINITY);
    assert!(largest > 0.0 && largest <= gap.bound(&tree.mdp, undiscounted).unwrap());

    let mut builder = MdpBuilder::new(1);
    builder.action(0, 0, 0.0, &[(0, 1.0)]).unwrap();
    builder.action(0, 1, 0.0, &[(0, 1.0)]).unwrap();
    let (mdp, _) = builder.build().unwrap();
    let sets = CandidateSets::from_kept(mdp.layout(), vec![true, false]).unwrap();
    let refused = Gap::exact(&mdp, undiscounted, &[0.0, 0.0], &sets);
    assert_eq!(refused, Err(OccupancyError::Endless { state: 0 }));
}
