//! The solvers against the definitions, against each other and against reference values.

use operators::{
    CandidateSets, Cells, Dense, Discount, Projection, Rows, Selection, TopP, backup, policy_value,
    projection, soft_value,
};
use tabular::formats::{ReadOptions, read};
use tabular::random::Source;
use tabular::solve::{
    Method, Operator, Settings, Solution, SweepRounding, TablePolicy, action_values, amplification,
    discounted_step, evaluate, resolvent, resolvent_transposed, solve, sweep,
};
use tabular::{Family, Instance, Mdp, MdpBuilder, Size};

const SIZE: Size = Size { states: 30, actions: 4, branching: 3 };

fn gamma(x: f64) -> Discount {
    Discount::new(x).expect("a discount")
}

/// Every family, and a Garnet whose row totals are not doubles.
fn instances(size: Size, discount: f64) -> Vec<Instance> {
    let (gamma, p) = (gamma(discount), TopP::new(0.8).expect("p"));
    let mut instances: Vec<Instance> = Family::ALL
        .iter()
        .enumerate()
        .map(|(i, f)| f.instance(size, gamma, p, &mut Source::new(7, i as u64)).expect("sizes"))
        .collect();
    let mdp = inexact(size, &mut Source::new(7, 99));
    assert!(mdp.nearest_totals().is_some());
    instances.push(Instance::new("inexact", mdp, gamma, p));
    instances
}

/// Rows of tenths and thirds: no total is exactly one.
fn inexact(size: Size, source: &mut Source) -> Mdp {
    let mut builder = MdpBuilder::new(size.states);
    for state in 0..size.states {
        for action in 0..size.actions {
            let next = source.distinct(4, size.states);
            let row =
                [(next[0], 0.1), (next[1], 0.2), (next[2], 1.0 / 3.0), (next[3], 11.0 / 30.0)];
            builder.action(state, action as u32, source.signed(2.0), &row).expect("a row");
        }
    }
    builder.build().expect("a model").0
}

/// T*'s candidate sets and projected teacher, by the definitions.
struct Teacher {
    n: Dense<f64>,
    sets: CandidateSets,
    projection: Projection<Dense<f64>>,
    policy: TablePolicy,
}

impl Teacher {
    fn new(instance: &Instance) -> Self {
        let Instance { mdp, gamma, p, .. } = instance;
        let optimal = newton(mdp, *gamma, Operator::Optimal);
        let q = action_values(mdp, *gamma, &optimal.v);
        let sets = CandidateSets::select(mdp.layout(), &q, Selection::TopP(*p)).expect("finite");
        let n = Dense::<f64>::new(mdp.layout());
        let projection = projection(&n, &n.cells(&q).expect("q"), &n.mask(&sets)).expect("policy");
        let policy = TablePolicy {
            probability: projection.probability.0.as_slice().to_vec(),
            log_probability: projection.log_probability.0.as_slice().to_vec(),
        };
        Self { n, sets, projection, policy }
    }

    fn operators(&self) -> [Operator<'_>; 3] {
        [Operator::Optimal, Operator::TopP(&self.sets), Operator::Projected(&self.policy)]
    }
}

fn newton(mdp: &Mdp, gamma: Discount, operator: Operator<'_>) -> Solution {
    solve(mdp, gamma, operator, Method::PolicyIteration, Settings::default(), None)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    // NaN is as far as it gets.
    let far = |x: f64| if x.is_nan() { f64::INFINITY } else { x };
    a.iter().zip(b).fold(0.0, |most: f64, (a, b)| most.max(far((a - b).abs())))
}

/// What the residuals prove of the distance of a solution to the fixed point.
fn error(mdp: &Mdp, gamma: Discount, solution: &Solution) -> f64 {
    solution.error(amplification(gamma, mdp.horizon()))
}

#[test]
fn sweeps_are_the_operators_of_the_definitions() {
    for instance in instances(SIZE, 0.97) {
        let Instance { name, mdp, gamma, .. } = &instance;
        let teacher = Teacher::new(&instance);
        let n = &teacher.n;
        let (full, set) = (vec![true; mdp.pairs()], n.mask(&teacher.sets));
        let mut source = Source::new(3, 0);
        let v: Vec<f64> = (0..mdp.states()).map(|_| source.signed(50.0)).collect();
        let reward: Cells<_> = n.cells(mdp.rewards()).expect("rewards");
        let q = backup(n, &reward, *gamma, mdp, &n.rows(&v).expect("v")).expect("a backup");
        let values: [Rows<_>; 3] = [
            soft_value(n, &q, &full).expect("T"),
            soft_value(n, &q, &set).expect("T_p"),
            policy_value(n, &q, &teacher.projection, &set).expect("B"),
        ];
        let policies = [
            projection(n, &q, &full).expect("T").probability,
            projection(n, &q, &set).expect("T_p").probability,
            teacher.projection.probability.clone(),
        ];
        let tolerance = 4.0 * SweepRounding::new(mdp).bound(&v);
        assert!(distance(&action_values(mdp, *gamma, &v), q.0.as_slice()) <= tolerance, "{name}");
        for (i, operator) in teacher.operators().into_iter().enumerate() {
            let mut image = vec![f64::NAN; mdp.states()];
            let mut policy = vec![f64::NAN; mdp.pairs()];
            sweep(mdp, *gamma, operator, &v, &mut image, &mut policy);
            let off = distance(&image, values[i].0.as_slice());
            assert!(off <= tolerance, "{name}, operator {i}: {off} > {tolerance}");
            let off = distance(&policy, policies[i].0.as_slice());
            assert!(off <= tolerance, "{name}, policy {i}: {off} > {tolerance}");
        }
    }
}

#[test]
fn all_methods_find_the_same_fixed_point() {
    for instance in instances(SIZE, 0.95) {
        let Instance { name, mdp, gamma, .. } = &instance;
        let teacher = Teacher::new(&instance);
        for (i, operator) in teacher.operators().into_iter().enumerate() {
            let reference = newton(mdp, *gamma, operator);
            for method in [
                Method::NewtonKrylov,
                Method::ModifiedPolicyIteration { sweeps: 10 },
                Method::ValueIteration,
            ] {
                let other = solve(mdp, *gamma, operator, method, Settings::default(), None);
                let slack = error(mdp, *gamma, &reference) + error(mdp, *gamma, &other);
                let off = distance(&reference.v, &other.v);
                assert!(off <= slack, "{name}, operator {i}, {method:?}: {off} > {slack}");
                let floor = SweepRounding::new(mdp).bound(&other.v);
                assert!(other.residual() <= floor, "{name}, operator {i}, {method:?}");
            }
        }
    }
}

/// A large model of every family: beyond the dense limit, with several chunks.
#[test]
fn krylov_steps_reach_the_rounding_floor_on_large_models_of_every_family() {
    let size = Size { states: 6000, actions: 4, branching: 5 };
    for discount in [0.9, 0.999] {
        for family in Family::ALL {
            if family == Family::Dense {
                continue;
            }
            let p = TopP::new(0.8).expect("p");
            let source = &mut Source::new(5, 0);
            let instance = family.instance(size, gamma(discount), p, source).expect("sizes");
            reaches_the_floor(&instance);
        }
    }
}

#[test]
fn krylov_steps_reach_the_rounding_floor_at_discounts_near_one() {
    for instance in instances(Size { states: 200, actions: 3, branching: 4 }, 0.9999) {
        reaches_the_floor(&instance);
    }
}

fn reaches_the_floor(instance: &Instance) {
    let Instance { name, mdp, gamma, .. } = instance;
    let teacher = Teacher::new(instance);
    for (i, operator) in teacher.operators().into_iter().enumerate() {
        for method in [Method::PolicyIteration, Method::NewtonKrylov] {
            let found = solve(mdp, *gamma, operator, method, Settings::default(), None);
            let floor = SweepRounding::new(mdp).bound(&found.v);
            let residual = found.residual();
            let what = format!("{name}, γ = {}, operator {i}, {method:?}", gamma.get());
            assert!(residual <= floor, "{what}: {residual} > {floor}, {} sweeps", found.sweeps);
        }
    }
}

/// Slow mixing at discounts where BiCGSTAB stalls: the solution must be good against κ.
#[test]
fn rings_are_solved_at_discounts_very_near_one() {
    let p = TopP::new(0.8).expect("p");
    for (discount, seed) in [(0.999999, 3), (0.99999999, 5)] {
        let size = Size { states: 600, actions: 3, branching: 3 };
        let source = &mut Source::new(seed, 0);
        let instance = Family::Ring.instance(size, gamma(discount), p, source).expect("sizes");
        let teacher = Teacher::new(&instance);
        let kappa = -discount * p.get().ln() / (1.0 - discount);
        for (i, operator) in teacher.operators().into_iter().enumerate() {
            let found = newton(&instance.mdp, instance.gamma, operator);
            let off = error(&instance.mdp, instance.gamma, &found);
            assert!(off < 1e-5 * kappa, "γ = {discount}, operator {i}: {off} against {kappa}");
        }
    }
}

/// One way around 5,000 states: the value of a reward is known exactly.
#[test]
fn a_long_cycle_is_solved() {
    let states = 5000;
    let mut builder = MdpBuilder::new(states);
    for state in 0..states {
        let reward = if state == 0 { 1.0 } else { 0.0 };
        builder.action(state, 0, reward, &[((state + 1) % states, 1.0)]).expect("a row");
    }
    let mdp = builder.build().expect("a model").0;
    let discount = 0.9999;
    let solution = newton(&mdp, gamma(discount), Operator::Optimal);
    let round = discount.powi(states as i32);
    assert!((solution.v[0] - 1.0 / (1.0 - round)).abs() < 1e-9, "{}", solution.v[0]);
    assert!(error(&mdp, gamma(discount), &solution) < 1e-9);
    assert!(solution.sweeps < 20_000, "{}", solution.sweeps);
}

#[test]
fn krylov_agrees_with_lu_at_every_discount() {
    for discount in [0.0, 0.5, 0.9, 0.99, 0.9999] {
        for instance in instances(Size { states: 100, actions: 3, branching: 4 }, discount) {
            let Instance { name, mdp, gamma, .. } = &instance;
            let lu = newton(mdp, *gamma, Operator::Optimal);
            let settings = Settings::default();
            let krylov =
                solve(mdp, *gamma, Operator::Optimal, Method::NewtonKrylov, settings, None);
            let slack = error(mdp, *gamma, &lu) + error(mdp, *gamma, &krylov);
            let off = distance(&lu.v, &krylov.v);
            assert!(off <= slack, "{name}, γ = {discount}: {off} > {slack}");
        }
    }
}

#[test]
fn models_that_certainly_end_are_solved_at_gamma_one() {
    for states in [60, 5000] {
        let size = Size { states, actions: 3, branching: 1 };
        let p = TopP::new(0.8).expect("p");
        let family = Family::TokenTree;
        let instance = family.instance(size, gamma(1.0), p, &mut Source::new(2, 0)).expect("sizes");
        let Instance { mdp, gamma, .. } = &instance;
        let teacher = Teacher::new(&instance);
        for operator in teacher.operators() {
            let exact = newton(mdp, *gamma, operator);
            let floor = SweepRounding::new(mdp).bound(&exact.v);
            assert!(exact.residual() <= floor && exact.v[states - 1] == 0.0);
            for method in [Method::NewtonKrylov, Method::ValueIteration] {
                let other = solve(mdp, *gamma, operator, method, Settings::default(), None);
                let horizon = mdp.horizon().expect("an end") as f64;
                let off = distance(&exact.v, &other.v);
                assert!(off <= 2.0 * horizon * floor, "{states} states, {method:?}: {off}");
            }
        }
    }
}

/// A chain of 20,000 states: sweeps carry a value one state a sweep, backward induction does not.
#[test]
fn long_chains_end_in_one_pass() {
    let states = 20_000;
    let mut builder = MdpBuilder::new(states);
    for state in 0..states - 1 {
        builder.action(state, 0, 1.0, &[(state + 1, 1.0)]).expect("a row");
    }
    builder.terminal(states - 1).expect("a row");
    let mdp = builder.build().expect("a model").0;
    let solution = newton(&mdp, gamma(1.0), Operator::Optimal);
    assert_eq!(solution.v[0], (states - 1) as f64);
    assert_eq!((solution.residual(), solution.sweeps), (0.0, 1));
}

#[test]
fn resolvents_of_large_models_solve_their_equations() {
    let size = Size { states: 3000, actions: 3, branching: 4 };
    for family in [Family::Garnet, Family::Ring, Family::TokenTree] {
        let p = TopP::new(0.8).expect("p");
        let gamma = gamma(0.99);
        let instance = family.instance(size, gamma, p, &mut Source::new(4, 0)).expect("sizes");
        let mdp = &instance.mdp;
        let policy = Teacher::new(&instance).policy.probability;
        let mut source = Source::new(4, 1);
        let b: Vec<f64> = (0..mdp.states()).map(|_| source.signed(1.0)).collect();
        let c: Vec<f64> = (0..mdp.states()).map(|_| source.signed(1.0)).collect();
        let (mut x, mut y) = (b.clone(), c.clone());
        resolvent(mdp, gamma, &policy, &mut x);
        resolvent_transposed(mdp, gamma, &policy, &mut y);
        let mut step = vec![0.0; mdp.states()];
        discounted_step(mdp, gamma, &policy, &x, &mut step);
        let back: Vec<f64> = x.iter().zip(&step).map(|(x, s)| x - s).collect();
        assert!(distance(&back, &b) < 1e-12, "{family}");
        // ⟨A⁻¹ b, c⟩ = ⟨b, A⁻ᵀ c⟩
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (left, right) = (dot(&x, &c), dot(&b, &y));
        assert!((left - right).abs() < 1e-9 * (1.0 + left.abs()), "{family}: {left} {right}");
    }
}

#[test]
fn resolvents_of_small_models_are_transposes_of_each_other() {
    let instance = &instances(SIZE, 0.9)[0];
    let mdp = &instance.mdp;
    let policy = Teacher::new(instance).policy.probability;
    let unit = |i: usize| (0..mdp.states()).map(|j| f64::from(u8::from(i == j))).collect();
    let columns: Vec<Vec<f64>> = (0..mdp.states())
        .map(|i| {
            let mut b: Vec<f64> = unit(i);
            resolvent(mdp, instance.gamma, &policy, &mut b);
            b
        })
        .collect();
    for i in 0..mdp.states() {
        let mut row: Vec<f64> = unit(i);
        resolvent_transposed(mdp, instance.gamma, &policy, &mut row);
        let expected: Vec<f64> = columns.iter().map(|column| column[i]).collect();
        assert!(distance(&row, &expected) < 1e-13);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let size = Size { states: 20_000, actions: 4, branching: 5 };
    let p = TopP::new(0.8).expect("p");
    let source = &mut Source::new(6, 0);
    let instance = Family::Garnet.instance(size, gamma(0.99), p, source).expect("sizes");
    let grid = tabular::families::grid(100, 100, 0.05).expect("a grid");
    for mdp in [&instance.mdp, &grid] {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            pool.install(|| newton(mdp, instance.gamma, Operator::Optimal))
        };
        assert_eq!(with(1), with(2));
    }
}

#[test]
fn a_fixed_policy_is_evaluated_by_one_factorisation() {
    let instance = &instances(SIZE, 0.99)[0];
    let policy = Teacher::new(instance).policy;
    let solution = evaluate(&instance.mdp, instance.gamma, &policy);
    assert!(solution.residual() <= SweepRounding::new(&instance.mdp).bound(&solution.v));
    assert!(solution.sweeps <= 7, "{}", solution.sweeps);
}

#[test]
fn values_that_overflow_end_the_iteration() {
    let mut builder = MdpBuilder::new(1);
    builder.action(0, 0, 1e308, &[(0, 1.0)]).expect("a row");
    builder.action(0, 1, 1e308, &[(0, 1.0)]).expect("a row");
    let mdp = builder.build().expect("a model").0;
    for method in [Method::PolicyIteration, Method::NewtonKrylov, Method::ValueIteration] {
        let settings = Settings::default();
        let solution = solve(&mdp, gamma(0.99), Operator::Optimal, method, settings, None);
        assert!(solution.sweeps < 1000, "{method:?}");
        assert!(solution.error(amplification(gamma(0.99), None)).is_infinite(), "{method:?}");
    }
}

mod reference {
    use super::*;
    use serde_json::Value;

    fn row(value: &Value) -> Vec<f64> {
        let number = |x: &Value| match x {
            Value::String(text) => text.parse().expect("a decimal"),
            other => other.as_f64().expect("a number"),
        };
        value.as_array().expect("a list").iter().map(number).collect()
    }

    fn table(value: &Value) -> Vec<f64> {
        value.as_array().expect("a table").iter().flat_map(row).collect()
    }

    /// `expected` of every file in `tests/reference/tabular`, to 1e-9.
    #[test]
    fn values_to_fifty_digits_are_met() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/reference/tabular");
        let mut files = 0;
        for entry in std::fs::read_dir(folder).expect("the reference values") {
            let path = entry.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("a file");
            let expected = serde_json::from_str::<Value>(&text).expect("JSON")["expected"].take();
            check(&path, &expected);
            files += 1;
        }
        assert_eq!(files, 12);
    }

    fn check(path: &std::path::Path, expected: &Value) {
        let file = read(path, &ReadOptions::default()).expect("a model");
        let (gamma, p) = (file.gamma.expect("γ"), file.p.expect("p"));
        let instance = Instance::new(file.name, file.mdp, gamma, p);
        let (mdp, teacher) = (&instance.mdp, Teacher::new(&instance));
        for (state, set) in expected["top_p"].as_array().expect("sets").iter().enumerate() {
            let first = mdp.pairs_of(state).start;
            let kept = teacher.sets.slots(state).map(|i| f64::from(mdp.actions()[first + i]));
            let mut set = row(set);
            set.sort_by(f64::total_cmp);
            assert_eq!(kept.collect::<Vec<_>>(), set, "{path:?}, state {state}");
        }
        let names = [
            ("v_star", "q_star"),
            ("v_bar_optimal", "q_bar_optimal"),
            ("v_bar_projected_policy", "q_bar_projected_policy"),
        ];
        for method in [Method::PolicyIteration, Method::NewtonKrylov] {
            for (operator, (v, q)) in teacher.operators().into_iter().zip(names) {
                let found = solve(mdp, gamma, operator, method, Settings::default(), None);
                let off = distance(&found.v, &row(&expected[v]));
                assert!(off < 1e-9, "{path:?}, {v}, {method:?}: {off}");
                let off = distance(&action_values(mdp, gamma, &found.v), &table(&expected[q]));
                assert!(off < 1e-9, "{path:?}, {q}, {method:?}: {off}");
            }
        }
        let pi = teacher.n.cells(&table(&expected["pi_star"])).expect("π*");
        let q = action_values(mdp, gamma, &newton(mdp, gamma, Operator::Optimal).v);
        let full = vec![true; mdp.pairs()];
        let found = projection(&teacher.n, &teacher.n.cells(&q).expect("q"), &full).expect("π*");
        let off = distance(found.probability.0.as_slice(), pi.0.as_slice());
        assert!(off < 1e-9, "{path:?}, π*: {off}");
    }
}
