//! Maximisers that are known independently.

use super::{Loop, SHIFTS, chi2, gamma, nucleus, q_star, random_model};
use operators::{Dense, Phi, Shift};
use tabular::Family;
use tabular::objective::{MaximiseSettings, TableObjective, Variant};
use tabular::occupancy::{Behaviour, Start, occupancy};

/// The root of a decreasing function.
fn bisect(f: impl Fn(f64) -> f64, mut lo: f64, mut hi: f64) -> f64 {
    assert!(f(lo) > 0.0 && f(hi) < 0.0);
    for _ in 0..200 {
        let middle = 0.5 * (lo + hi);
        if f(middle) > 0.0 { lo = middle } else { hi = middle }
    }
    lo
}

#[test]
fn the_published_setting_gives_064_to_an_action_that_the_teacher_takes_in_nine_of_ten() {
    let example = Loop::new(&[0.9, 0.1]);
    let m = example.maximum(0.9, chi2(0.1), Shift::Zero);
    assert!((m.policy.probability[0] - 0.64).abs() < 0.005, "{}", m.policy.probability[0]);
    assert_eq!(m.agreed, m.runs.len());
    assert!(m.gradient_norm < 1e-9);
}

#[test]
fn one_state_without_shift_satisfies_its_stationarity_conditions() {
    // J = Σ μ φ(x) − log Σ exp x gives μ_a (1 − x_a/2α) = softmax(x)_a, and so Σ μ x = 0.
    for (mu, alpha) in [(0.9, 0.1), (0.9, 1.0), (0.7, 0.05), (0.55, 10.0)] {
        let x0 = bisect(
            |x| mu * (1.0 - x / (2.0 * alpha)) - 1.0 / (1.0 + (-x / (1.0 - mu)).exp()),
            0.0,
            2.0 * alpha,
        );
        let expected = 1.0 / (1.0 + (-x0 / (1.0 - mu)).exp());
        let example = Loop::new(&[mu, 1.0 - mu]);
        for discount in [0.0, 0.5, 0.9, 0.99] {
            let m = example.maximum(discount, chi2(alpha), Shift::Zero);
            let found = m.policy.probability[0];
            assert!((found - expected).abs() < 1e-8, "{mu} {alpha} {discount}: {found} {expected}");
        }
    }
}

/// The largest value of a function of one number, by a grid and then ternary search.
fn best_on_a_line(f: impl Fn(f64) -> f64, lo: f64, hi: f64) -> f64 {
    let step = (hi - lo) / 20_000.0;
    let grid = (0..=20_000).map(|i| lo + step * f64::from(i));
    let top = grid.max_by(|a, b| f(*a).total_cmp(&f(*b))).unwrap();
    let (mut lo, mut hi) = ((top - step).max(lo), (top + step).min(hi));
    for _ in 0..100 {
        let third = (hi - lo) / 3.0;
        if f(lo + third) < f(hi - third) { lo += third } else { hi -= third }
    }
    0.5 * (lo + hi)
}

#[test]
fn one_state_with_a_shift_is_a_problem_in_one_number() {
    let mu = [0.9, 0.1];
    let example = Loop::new(&mu);
    for (discount, alpha) in [(0.0, 0.1), (0.5, 0.5), (0.9, 0.1), (0.99, 0.05)] {
        let mean = |x: [f64; 2]| -> f64 {
            (0..2).map(|a| mu[a] * (x[a] - x[a] * x[a] / (4.0 * alpha))).sum()
        };
        // vocab_max: Q = (0, −u).
        let of_u = |u: f64| {
            let v = (-u).exp().ln_1p();
            mean([-discount * v, -u - discount * v]) - (1.0 - discount) * v
        };
        let u = best_on_a_line(of_u, 0.0, 10.0);
        // log_softmax: Q = log π, V = 0, and γ does not enter.
        let of_u_softmax = |u: f64| {
            let v = (-u).exp().ln_1p();
            mean([-v, -u - v])
        };
        let w = best_on_a_line(of_u_softmax, 0.0, 10.0);
        for (shift, u) in [(Shift::VocabMax, u), (Shift::LogSoftmax, w)] {
            let found = example.maximum(discount, chi2(alpha), shift).policy.probability[0];
            let expected = 1.0 / (1.0 + (-u).exp());
            assert!((found - expected).abs() < 1e-6, "{shift:?}: {found} {expected}");
        }
    }
}

#[test]
fn without_a_regulariser_the_maximiser_is_the_projected_teacher() {
    for family in [Family::Garnet, Family::TokenTree] {
        let mdp = random_model(family, 1);
        let discount = gamma(0.9);
        let q = q_star(&mdp, discount);
        for (p, shift) in [
            (1.0, Shift::Zero),
            (0.8, Shift::Zero),
            (0.8, Shift::VocabMax),
            (0.8, Shift::LogSoftmax),
        ] {
            let sets = nucleus(&mdp, &q, p);
            let data = occupancy(&mdp, discount, Behaviour::Projected(&q, &sets), Start::State(0))
                .unwrap();
            let variant = Variant::new(Phi::Identity, shift);
            let objective = TableObjective::new(&mdp, discount, &sets, &data, variant).unwrap();
            let m = objective.maximise(&q, MaximiseSettings::default()).unwrap();
            assert!(m.distances.projected.largest < 1e-7, "{family} {p}: {:?}", m.distances);
            let taken = (0..mdp.pairs()).filter(|&pair| data.pair[pair] > 0.0);
            let of_state =
                |pair| (0..mdp.states()).find(|&s| mdp.pairs_of(s).contains(&pair)).unwrap();
            let entropy: f64 = taken
                .map(|pair| data.pair[pair] * (data.pair[pair] / data.state[of_state(pair)]).ln())
                .sum();
            assert!((m.value - entropy).abs() < 1e-12, "{family} {p}: {} {entropy}", m.value);
            assert_eq!(m.agreed, m.runs.len());
        }
    }
}

#[test]
fn the_larger_alpha_the_closer_to_behaviour_cloning() {
    let mdp = random_model(Family::Garnet, 2);
    let discount = gamma(0.9);
    let q = q_star(&mdp, discount);
    let sets = nucleus(&mdp, &q, 0.9);
    let data = occupancy(&mdp, discount, Behaviour::Projected(&q, &sets), Start::Uniform).unwrap();
    for shift in SHIFTS {
        let mut previous = 1.0;
        for alpha in [0.1, 1.0, 10.0, 100.0, 1e4] {
            let variant = Variant::new(chi2(alpha), shift);
            let objective = TableObjective::new(&mdp, discount, &sets, &data, variant).unwrap();
            let m = objective.maximise(&q, MaximiseSettings::default()).unwrap();
            let apart = m.distances.projected.mean;
            assert!(apart < previous, "{shift:?}, α = {alpha}: {apart} after {previous}");
            previous = apart;
        }
        assert!(previous < 1e-4, "{shift:?}: {previous}");
    }
}

#[test]
fn ties_at_the_maximum_are_kinks_where_vocab_max_stops() {
    // Both likely actions want more than the same share: neither may fall below the other.
    let example = Loop::new(&[0.45, 0.44, 0.11]);
    let m = example.maximum(0.0, chi2(0.05), Shift::VocabMax);
    let [first, second, third] = [0, 1, 2].map(|a| m.policy.probability[a]);
    assert!((first - second).abs() < 1e-9 && third < first);
    assert_eq!((m.tied_states, m.agreed), (1, m.runs.len()));
    assert!(m.gradient_norm > 1e-3 && m.stationarity < 1e-9);
}

#[test]
fn many_wild_searches_stay_where_doubles_mean_something() {
    // With p < 1 and log_softmax dropped logits may want to go to −∞, and a shift of a row is
    // free: a search that runs away would end where V ≤ 0 no longer holds.
    let mdp = random_model(Family::TokenTree, 3);
    let discount = gamma(0.9);
    let q = q_star(&mdp, discount);
    let sets = nucleus(&mdp, &q, 0.8);
    let data = occupancy(&mdp, discount, Behaviour::Projected(&q, &sets), Start::State(0)).unwrap();
    for shift in SHIFTS {
        let variant = Variant::new(chi2(0.05), shift);
        let objective = TableObjective::new(&mdp, discount, &sets, &data, variant).unwrap();
        let settings = MaximiseSettings { random_starts: 100, ..MaximiseSettings::default() };
        let m = objective.maximise(&q, settings).unwrap();
        assert!(m.stationarity < 1e-6, "{shift:?}: {:e}", m.stationarity);
        assert!(m.z.iter().all(|z| z.abs() < 1e5));
        let n = Dense::<f64>::new(mdp.layout());
        let values = objective.values(&n.cells(&m.q).unwrap()).unwrap().0;
        assert!(shift != Shift::LogSoftmax || values.max() < 1e-9);
        // Trying every action as the leader of its row can only help.
        let rounds = MaximiseSettings { leader_rounds: 3, ..MaximiseSettings::default() };
        assert!(objective.maximise(&q, rounds).unwrap().value >= m.value - 1e-9, "{shift:?}");
    }
}
