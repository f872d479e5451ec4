//! Occupancy measures against their definitions: sums over time, balance equations, rollouts.

use operators::{CandidateSets, Discount, Selection, TopP};
use tabular::occupancy::{Behaviour, Occupancy, OccupancyError, Start, occupancy, occupancy_at};
use tabular::random::Source;
use tabular::solve::{Method, Operator, Settings, action_values, solve};
use tabular::{Family, Mdp, MdpBuilder, Size};

fn gamma(x: f64) -> Discount {
    Discount::new(x).unwrap()
}

fn model(family: Family, stream: u64) -> Mdp {
    let size = Size { states: 13, actions: 3, branching: 3 };
    let p = TopP::new(0.8).unwrap();
    family.instance(size, gamma(0.9), p, &mut Source::new(7, stream)).unwrap().mdp
}

fn q_star(mdp: &Mdp, discount: Discount) -> Vec<f64> {
    let solution =
        solve(mdp, discount, Operator::Optimal, Method::default(), Settings::default(), None);
    action_values(mdp, discount, &solution.v)
}

fn assert_close(left: &[f64], right: &[f64], tolerance: f64) {
    assert_eq!(left.len(), right.len());
    for (i, (l, r)) in left.iter().zip(right).enumerate() {
        assert!((l - r).abs() <= tolerance, "entry {i}: {l} and {r}");
    }
}

/// Σ_t γ^t P(s_t = s) over states that are not terminal, normalised, by the definition.
fn summed(mdp: &Mdp, discount: f64, behaviour: Behaviour<'_>, start: Start<'_>) -> Occupancy {
    let mut state = vec![0.0; mdp.states()];
    let mut weight = 1.0;
    for depth in 0..400 {
        for (s, p) in occupancy_at(mdp, behaviour, start, depth).unwrap().iter().enumerate() {
            state[s] += if mdp.is_terminal(s) { 0.0 } else { weight * p };
        }
        weight *= discount;
    }
    let visits: f64 = state.iter().sum();
    state.iter_mut().for_each(|d| *d /= visits);
    let policy = behaviour.probabilities(mdp).unwrap();
    let pair = (0..mdp.states()).flat_map(|s| {
        let (d, policy) = (state[s], &policy);
        mdp.pairs_of(s).map(move |pair| d * policy[pair])
    });
    Occupancy { pair: pair.collect(), visits, state }
}

#[test]
fn the_linear_solve_is_the_sum_over_time() {
    for (stream, family) in Family::ALL.into_iter().enumerate() {
        let mdp = model(family, stream as u64);
        let discount = gamma(0.9);
        let q = q_star(&mdp, discount);
        let sets =
            CandidateSets::select(mdp.layout(), &q, Selection::TopP(TopP::new(0.8).unwrap()))
                .unwrap();
        let weights: Vec<f64> = (0..mdp.states()).map(|s| (s % 3) as f64).collect();
        for behaviour in [Behaviour::Boltzmann(&q), Behaviour::Projected(&q, &sets)] {
            for start in [Start::Uniform, Start::State(0), Start::Weights(&weights)] {
                let solved = occupancy(&mdp, discount, behaviour, start).unwrap();
                let summed = summed(&mdp, 0.9, behaviour, start);
                assert_close(&solved.state, &summed.state, 1e-13);
                assert_close(&solved.pair, &summed.pair, 1e-13);
                assert!((solved.visits - summed.visits).abs() < 1e-12, "{family}");
                assert!((solved.pair.iter().sum::<f64>() - 1.0).abs() < 1e-14);
            }
        }
    }
}

#[test]
fn without_terminal_states_the_textbook_normalisation_comes_out() {
    let mdp = model(Family::Garnet, 3);
    let q = q_star(&mdp, gamma(0.9));
    let o = occupancy(&mdp, gamma(0.9), Behaviour::Boltzmann(&q), Start::Uniform).unwrap();
    assert!((o.visits - 10.0).abs() < 1e-12);
}

#[test]
fn undiscounted_occupancy_of_a_tree_is_the_share_of_each_position() {
    let mdp = model(Family::TokenTree, 5);
    let q = q_star(&mdp, gamma(0.9));
    let (behaviour, start) = (Behaviour::Boltzmann(&q), Start::State(0));
    let o = occupancy(&mdp, gamma(1.0), behaviour, start).unwrap();
    let by_depth = summed(&mdp, 1.0, behaviour, start);
    assert_close(&o.state, &by_depth.state, 1e-14);
    // 13 states, three branches: depths 0, 1, 2 (9 of 12 - 4 = 8 inner ones), then the end.
    assert!(o.visits > 2.0 && o.visits <= 3.0);
}

#[test]
fn a_coin_flip_that_ends_is_flipped_twice_on_average() {
    let mut builder = MdpBuilder::new(3);
    builder.action(0, 0, 0.0, &[(0, 0.5), (1, 0.5)]).unwrap();
    builder.terminal(1).unwrap();
    // An endless loop that no rollout enters does not disturb γ = 1.
    builder.action(2, 0, 1.0, &[(2, 1.0)]).unwrap();
    let (mdp, _) = builder.build().unwrap();
    let always = Behaviour::Given(&[1.0, 1.0, 1.0]);
    let o = occupancy(&mdp, gamma(1.0), always, Start::State(0)).unwrap();
    assert_eq!((o.state.as_slice(), o.visits), ([1.0, 0.0, 0.0].as_slice(), 2.0));
    let at_three = occupancy_at(&mdp, always, Start::State(0), 3).unwrap();
    assert_eq!(at_three, [0.125, 0.875, 0.0]);
    let endless = occupancy(&mdp, gamma(1.0), always, Start::Uniform);
    assert_eq!(endless, Err(OccupancyError::Endless { state: 2 }));
}

#[test]
fn what_is_no_distribution_is_refused() {
    let mut builder = MdpBuilder::new(2);
    builder.action(0, 0, 0.0, &[(1, 1.0)]).unwrap();
    builder.action(0, 1, 0.0, &[(1, 1.0)]).unwrap();
    builder.terminal(1).unwrap();
    let (mdp, _) = builder.build().unwrap();
    let run = |policy: &[f64], start: Start<'_>| {
        occupancy(&mdp, gamma(0.5), Behaviour::Given(policy), start).map(|o| o.visits)
    };
    let fine = [0.5, 0.5, 1.0];
    assert_eq!(run(&fine, Start::Uniform), Ok(1.0));
    assert!(matches!(run(&[0.5, 0.4, 1.0], Start::Uniform), Err(OccupancyError::Policy { .. })));
    assert!(matches!(run(&[1.5, -0.5, 1.0], Start::Uniform), Err(OccupancyError::Policy { .. })));
    assert!(matches!(
        run(&[f64::NAN, 0.5, 1.0], Start::Uniform),
        Err(OccupancyError::Policy { .. })
    ));
    assert!(matches!(run(&[1.0, 1.0], Start::Uniform), Err(OccupancyError::Operator(_))));
    assert_eq!(run(&fine, Start::State(1)), Err(OccupancyError::NothingCounts));
    assert_eq!(run(&fine, Start::Weights(&[0.0, 0.0])), Err(OccupancyError::NothingCounts));
    assert!(matches!(
        run(&fine, Start::Weights(&[1.0, -1.0])),
        Err(OccupancyError::Start { state: 1, .. })
    ));
    assert!(matches!(run(&fine, Start::Weights(&[1.0])), Err(OccupancyError::Operator(_))));
    assert!(matches!(run(&fine, Start::State(2)), Err(OccupancyError::StartOutOfRange { .. })));
}
