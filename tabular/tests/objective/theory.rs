//! What the objective is and is not: concave in what, a trade between what.

use super::{Loop, chi2, gamma, nucleus, q_star, random_model, random_point, value};
use operators::{CandidateSets, Dense, Shift};
use tabular::objective::{MaximiseSettings, TableObjective, Variant};
use tabular::occupancy::{Behaviour, Start, occupancy};
use tabular::{Family, Mdp, MdpBuilder};

#[test]
fn the_chi2_objective_is_not_concave_in_q() {
    let example = Loop::new(&[0.9, 0.1]);
    let objective = example.objective(0.9, chi2(0.1), Shift::Zero);
    let ends = value(&objective, &[101.0, 99.0]) + value(&objective, &[99.0, 101.0]);
    let middle = value(&objective, &[100.0, 100.0]);
    assert!(middle < 0.5 * ends - 1.0, "{middle} and {}", 0.5 * ends);
}

/// The same transitions with other rewards.
fn with_rewards(mdp: &Mdp, rewards: &[f64]) -> Mdp {
    let mut builder = MdpBuilder::new(mdp.states());
    for state in 0..mdp.states() {
        for pair in mdp.pairs_of(state) {
            let row: Vec<(usize, f64)> = mdp.row(pair).iter().collect();
            builder.action(state, mdp.actions()[pair], rewards[pair], &row).unwrap();
        }
    }
    builder.build().unwrap().0
}

#[test]
fn without_shift_the_objective_is_concave_in_the_implied_reward() {
    for (stream, family) in
        [Family::Garnet, Family::Ring, Family::TokenTree].into_iter().enumerate()
    {
        let mdp = random_model(family, stream as u64);
        let discount = gamma(0.9);
        let q = q_star(&mdp, discount);
        let sets = CandidateSets::full(mdp.layout());
        let data = occupancy(&mdp, discount, Behaviour::Boltzmann(&q), Start::State(0)).unwrap();
        let variant = Variant::new(chi2(0.1), Shift::Zero);
        let objective = TableObjective::new(&mdp, discount, &sets, &data, variant).unwrap();
        // Q ↔ implied reward is one to one: the reward's own Q* is the Q that implies it.
        let of_reward = |reward: &[f64]| {
            let q = q_star(&with_rewards(&mdp, reward), discount);
            value(&objective, &q)
        };
        for trial in 0..20 {
            let mut ends =
                [random_point(mdp.pairs(), 2 * trial), random_point(mdp.pairs(), 2 * trial + 1)];
            for state in (0..mdp.states()).filter(|&s| mdp.is_terminal(s)) {
                ends.iter_mut().for_each(|reward| reward[mdp.pairs_of(state).start] = 0.0);
            }
            let middle: Vec<f64> =
                ends[0].iter().zip(&ends[1]).map(|(a, b)| 0.5 * (a + b)).collect();
            let chord = 0.5 * (of_reward(&ends[0]) + of_reward(&ends[1]));
            assert!(of_reward(&middle) >= chord - 1e-10, "{family}, trial {trial}");
        }
    }
}

#[test]
fn the_unshifted_maximiser_trades_chi2_distance_of_occupancies_for_entropy() {
    let cases = [
        (Family::Garnet, 0.9, 1.0),
        (Family::Ring, 0.9, 1.0),
        (Family::TokenTree, 0.9, 1.0),
        // Whole texts, every position counted the same.
        (Family::TokenTree, 1.0, 1.0),
        (Family::TokenTree, 1.0, 0.8),
        (Family::Garnet, 0.9, 0.8),
    ];
    for (stream, (family, weighed_by, p)) in cases.into_iter().enumerate() {
        let (mdp, discount, alpha) = (random_model(family, stream as u64), gamma(0.9), 0.1);
        let q = q_star(&mdp, discount);
        let sets = nucleus(&mdp, &q, p);
        let behaviour = Behaviour::Projected(&q, &sets);
        let data = occupancy(&mdp, gamma(weighed_by), behaviour, Start::State(0)).unwrap();
        let variant = Variant::new(chi2(alpha), Shift::Zero);
        let objective = TableObjective::new(&mdp, discount, &sets, &data, variant).unwrap();
        let m = objective.maximise(&q, MaximiseSettings::default()).unwrap();
        assert_eq!(m.agreed, m.runs.len(), "{family}: there is one maximum");
        // w(s) = d(s) − γ Σ μ P: the starts from which the data look γ-discounted.
        let mut starts = data.state.clone();
        for pair in 0..mdp.pairs() {
            for (next, probability) in mdp.probabilities(pair).filter(|&(s, _)| !mdp.is_terminal(s))
            {
                starts[next] -= 0.9 * data.pair[pair] * probability;
            }
        }
        let total: f64 = starts.iter().sum();
        starts.iter_mut().for_each(|w| *w = w.max(0.0));
        let policy = Behaviour::Given(&m.policy.probability);
        let student = occupancy(&mdp, discount, policy, Start::Weights(&starts)).unwrap();
        let point = Dense::<f64>::new(mdp.layout()).cells(&m.q).unwrap();
        let reward = objective.rewards(&point, &objective.values(&point).unwrap()).unwrap().0;
        let (mut distance, mut entropy) = (0.0, 0.0);
        for pair in (0..mdp.pairs()).filter(|&pair| data.pair[pair] > 0.0) {
            let (mu, rho) = (data.pair[pair], student.pair[pair] * student.visits * total);
            assert!((rho - mu * (1.0 - reward[pair] / (2.0 * alpha))).abs() < 1e-8, "{family}");
            distance += (rho - mu).powi(2) / mu;
            entropy -= rho * m.policy.log_probability[pair];
        }
        assert!((m.value - (alpha * distance - entropy)).abs() < 1e-8, "{family}");
    }
}

#[test]
fn with_log_softmax_and_all_actions_gamma_drops_out() {
    let mdp = random_model(Family::Garnet, 4);
    let q = q_star(&mdp, gamma(0.9));
    let sets = CandidateSets::full(mdp.layout());
    let data = occupancy(&mdp, gamma(0.9), Behaviour::Boltzmann(&q), Start::Uniform).unwrap();
    let z = random_point(mdp.pairs(), 0);
    let at = |discount| {
        let variant = Variant::new(chi2(0.1), Shift::LogSoftmax);
        value(&TableObjective::new(&mdp, gamma(discount), &sets, &data, variant).unwrap(), &z)
    };
    assert!((at(0.0) - at(0.99)).abs() < 1e-12);
}
