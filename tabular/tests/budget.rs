//! The adaptive rule on trees, where a state is a whole history: the exact gap is within the budget.

use operators::{Budget, CandidateSets, Discount, Selection, TopP};
use tabular::gap::Gap;
use tabular::random::Source;
use tabular::solve::{Method, Operator, Settings, action_values, solve};
use tabular::{Family, Mdp, Size};

/// A tree with Q* and the sets of the adaptive rule: what each state that these reach has left, and
/// `None` for the others, which keep the smallest set there is.
struct Spent {
    mdp: Mdp,
    q: Vec<f64>,
    sets: CandidateSets,
    rest: Vec<Option<f64>>,
}

fn tree(seed: u64, gamma: Discount) -> (Mdp, Vec<f64>) {
    let size = Size { states: 400, actions: 2 + seed as usize % 4, branching: 1 };
    let p = TopP::new(0.8).unwrap();
    let source = &mut Source::new(seed, 7);
    let mdp = Family::TokenTree.instance(size, gamma, p, source).unwrap().mdp;
    let (method, settings) = (Method::default(), Settings::default());
    let v = solve(&mdp, gamma, Operator::Optimal, method, settings, None).v;
    let q = action_values(&mdp, gamma, &v);
    (mdp, q)
}

/// The set of one state at a mass.
fn kept(mdp: &Mdp, q: &[f64], state: usize, p: TopP) -> Vec<bool> {
    let pairs = mdp.pairs_of(state);
    let layout = operators::RowLayout::uniform(1, pairs.len()).unwrap();
    let selection = Selection::TopP(p);
    CandidateSets::select(&layout, &q[pairs], selection).unwrap().kept().to_vec()
}

fn spend(seed: u64, gamma: Discount, budget: Budget) -> Spent {
    let (mdp, q) = tree(seed, gamma);
    let n = operators::Dense::<f64>::new(mdp.layout());
    let full = n.mask(&CandidateSets::full(mdp.layout()));
    let cells = n.cells(&q).unwrap();
    let mut budgets: Vec<Option<Budget>> = vec![None; mdp.states()];
    budgets[0] = Some(budget);
    let smallest = TopP::new(f64::MIN_POSITIVE).unwrap();
    let mut flags = Vec::with_capacity(mdp.pairs());
    // Parents come before their children.
    for state in 0..mdp.states() {
        let p = budgets[state].map_or(smallest, |budget| budget.mass());
        flags.extend(kept(&mdp, &q, state, p));
        let Some(mut budget) = budgets[state] else { continue };
        let mut sets = flags.clone();
        sets.resize(mdp.pairs(), true);
        let sets = CandidateSets::from_kept(mdp.layout(), sets).unwrap();
        let leak = operators::leak(&n, &cells, &n.mask(&sets), &full).unwrap().0[state];
        budget.spend(leak);
        for slot in sets.slots(state) {
            let (next, _) = mdp.probabilities(mdp.pairs_of(state).start + slot).next().unwrap();
            // All leaves are one state, at which nothing leaks.
            if !mdp.is_terminal(next) {
                budgets[next] = Some(budget);
            }
        }
    }
    let rest = budgets.iter().map(|budget| budget.map(|budget| budget.rest())).collect();
    let sets = CandidateSets::from_kept(mdp.layout(), flags).unwrap();
    Spent { mdp, q, sets, rest }
}

#[test]
fn the_exact_gap_of_the_adaptive_rule_is_within_its_budget() {
    let (mut smaller, mut used) = (0usize, 0.0f64);
    for seed in 0..60 {
        let epsilon = [0.05, 0.3, 1.0, 3.0][seed as usize % 4];
        let gamma = Discount::new([0.5, 0.9, 0.99][seed as usize % 3]).unwrap();
        let endless = Budget::new(epsilon, gamma);
        let horizon = tree(seed, gamma).0.horizon().unwrap();
        for budget in [endless, endless.within(horizon)] {
            let Spent { mdp, q, sets, rest } = spend(seed, gamma, budget);
            let gap = Gap::exact(&mdp, gamma, &q, &sets).unwrap();
            // A few roundings a step on the way down and up.
            let slack = 64.0 * f64::EPSILON * epsilon;
            for slot in sets.slots(0) {
                assert!(gap.pair[slot] <= epsilon + slack, "{seed}: {}", gap.pair[slot]);
            }
            for (state, rest) in rest.iter().enumerate() {
                let &Some(rest) = rest else { continue };
                let slack = slack * rest / epsilon + slack;
                assert!(gap.state[state] <= rest + slack, "{seed}, {state}: {rest}");
            }
            used = used.max(gap.state[0] / epsilon);
            // Never a larger set than the fixed p takes that guarantees as much.
            for (state, rest) in rest.iter().enumerate() {
                let fixed = kept(&mdp, &q, state, budget.mass()).iter().filter(|&&k| k).count();
                assert!(sets.size(state) <= fixed, "{seed}, {state}");
                smaller += usize::from(rest.is_some() && sets.size(state) < fixed);
            }
        }
    }
    assert!(smaller > 100, "{smaller}");
    // The guarantee is not so loose that half the budget would do.
    assert!(used > 0.5, "{used}");
}
