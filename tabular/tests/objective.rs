//! The exact objective: its gradient, its known maximisers, and what can be said about it.

use operators::{CandidateSets, Cells, Dense, Discount, Phi, Selection, Shift, TopP};
use rounding::Enclosure;
use tabular::objective::{
    MaximiseSettings, Maximum, ObjectiveError, Outside, TableObjective, Variant,
};
use tabular::occupancy::{Behaviour, Occupancy, Start, occupancy};
use tabular::random::Source;
use tabular::solve::{Method, Operator, Settings, action_values, solve};
use tabular::{Family, Mdp, MdpBuilder, Size};

const SHIFTS: [Shift; 3] = [Shift::Zero, Shift::VocabMax, Shift::LogSoftmax];

fn gamma(x: f64) -> Discount {
    Discount::new(x).unwrap()
}

fn chi2(alpha: f64) -> Phi {
    Phi::chi2(alpha).unwrap()
}

fn q_star(mdp: &Mdp, discount: Discount) -> Vec<f64> {
    let settings = Settings::default();
    let solution = solve(mdp, discount, Operator::Optimal, Method::default(), settings, None);
    action_values(mdp, discount, &solution.v)
}

fn nucleus(mdp: &Mdp, q: &[f64], p: f64) -> CandidateSets {
    CandidateSets::select(mdp.layout(), q, Selection::TopP(TopP::new(p).unwrap())).unwrap()
}

fn random_model(family: Family, stream: u64) -> Mdp {
    let size = Size { states: 6, actions: 3, branching: 3 };
    let p = TopP::new(0.8).unwrap();
    family.instance(size, gamma(0.9), p, &mut Source::new(23, stream)).unwrap().mdp
}

/// One state with a self loop whose teacher is the given policy: r = log π makes Q* = log π.
struct Loop {
    mdp: Mdp,
    q_star: Vec<f64>,
    sets: CandidateSets,
    data: Occupancy,
}

impl Loop {
    fn new(teacher: &[f64]) -> Self {
        let mut builder = MdpBuilder::new(1);
        for (action, p) in teacher.iter().enumerate() {
            builder.action(0, action as u32, p.ln(), &[(0, 1.0)]).unwrap();
        }
        let mdp = builder.build().unwrap().0;
        let q_star: Vec<f64> = teacher.iter().map(|p| p.ln()).collect();
        let sets = CandidateSets::full(mdp.layout());
        let behaviour = Behaviour::Boltzmann(&q_star);
        let data = occupancy(&mdp, gamma(0.5), behaviour, Start::Uniform).unwrap();
        Self { mdp, q_star, sets, data }
    }

    fn objective(&self, discount: f64, phi: Phi, shift: Shift) -> TableObjective<'_> {
        let variant = Variant::new(phi, shift);
        TableObjective::new(&self.mdp, gamma(discount), &self.sets, &self.data, variant).unwrap()
    }

    fn maximum(&self, discount: f64, phi: Phi, shift: Shift) -> Maximum {
        let objective = self.objective(discount, phi, shift);
        objective.maximise(&self.q_star, MaximiseSettings::default()).unwrap()
    }
}

fn value(objective: &TableObjective<'_>, z: &[f64]) -> f64 {
    objective.gradient(z).unwrap().0
}

fn random_point(pairs: usize, stream: u64) -> Vec<f64> {
    let mut source = Source::new(29, stream);
    (0..pairs).map(|_| source.signed(2.0)).collect()
}

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
fn the_gradient_is_the_slope_of_the_value() {
    for family in [Family::Garnet, Family::TokenTree] {
        let mdp = random_model(family, 6);
        let q = q_star(&mdp, gamma(0.9));
        let sets = nucleus(&mdp, &q, 0.8);
        let data = occupancy(&mdp, gamma(0.9), Behaviour::Boltzmann(&q), Start::Uniform).unwrap();
        for shift in SHIFTS {
            for (floor, outside) in [(None, Outside::Drop), (Some(-2.0), Outside::Floor(-2.0))] {
                for phi in [Phi::Identity, chi2(0.1)] {
                    let variant = Variant { phi, shift, floor, outside };
                    let objective =
                        TableObjective::new(&mdp, gamma(0.9), &sets, &data, variant).unwrap();
                    let z = random_point(mdp.pairs(), 1);
                    let (_, gradient) = objective.gradient(&z).unwrap();
                    for pair in 0..mdp.pairs() {
                        let h = 1e-5;
                        let (mut up, mut down) = (z.clone(), z.clone());
                        up[pair] += h;
                        down[pair] -= h;
                        let slope = (value(&objective, &up) - value(&objective, &down)) / (2.0 * h);
                        let error = (slope - gradient[pair]).abs();
                        assert!(error < 1e-6, "{family} {variant:?} {pair}: {error:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn enclosures_contain_what_doubles_compute() {
    let mdp = random_model(Family::TokenTree, 7);
    let q = q_star(&mdp, gamma(0.9));
    let sets = nucleus(&mdp, &q, 0.8);
    let data =
        occupancy(&mdp, gamma(1.0), Behaviour::Projected(&q, &sets), Start::State(0)).unwrap();
    for shift in SHIFTS {
        let variant = Variant::new(chi2(0.1), shift);
        let objective = TableObjective::new(&mdp, gamma(0.9), &sets, &data, variant).unwrap();
        let z = random_point(mdp.pairs(), 2);
        let n = Dense::<Enclosure>::new(mdp.layout());
        let enclosure = objective.value(&n.cells(&z).unwrap()).unwrap();
        assert!(enclosure.width() < 1e-11, "{shift:?}: {}", enclosure.width());
        let rounded = value(&objective, &z);
        assert!(
            enclosure.widen(-1e-13, 1e-13).contains(rounded),
            "{shift:?}: {enclosure:?} {rounded:e}"
        );
    }
}

#[test]
fn a_terminal_state_is_worth_nothing_whatever_its_logit() {
    let mut builder = MdpBuilder::new(2);
    builder.action(0, 0, 0.0, &[(1, 1.0)]).unwrap();
    builder.action(0, 1, 0.0, &[(1, 1.0)]).unwrap();
    builder.terminal(1).unwrap();
    let mdp = builder.build().unwrap().0;
    let sets = CandidateSets::from_kept(mdp.layout(), vec![true, false, true]).unwrap();
    let policy = Behaviour::Given(&[0.75, 0.25, 1.0]);
    let data = occupancy(&mdp, gamma(1.0), policy, Start::State(0)).unwrap();
    let at = |outside, end| {
        let variant = Variant { outside, ..Variant::new(chi2(0.5), Shift::Zero) };
        let objective = TableObjective::new(&mdp, gamma(0.9), &sets, &data, variant).unwrap();
        value(&objective, &[0.5, 3.0, end])
    };
    // V = 0.5; the one action inside has δ = 0.5, and φ(0.5) − V = −0.125.
    assert_eq!(at(Outside::Drop, 0.0), -0.125);
    assert_eq!(at(Outside::Drop, 7.0), -0.125);
    // The other counts a quarter with δ = −10: φ(−10) − V = −60.5.
    let with_floor = 0.75 * -0.125 + 0.25 * -60.5;
    assert!((at(Outside::Floor(-10.0), 7.0) - with_floor).abs() < 1e-14);
}

#[test]
fn nothing_inside_the_sets_is_an_error() {
    let example = Loop::new(&[0.5, 0.5]);
    let sets = CandidateSets::from_kept(example.mdp.layout(), vec![true, false]).unwrap();
    let data = Occupancy { state: vec![1.0], pair: vec![0.0, 1.0], visits: 2.0 };
    let variant = Variant::new(Phi::Identity, Shift::Zero);
    let refused = TableObjective::new(&example.mdp, gamma(0.5), &sets, &data, variant);
    assert!(matches!(refused, Err(ObjectiveError::NothingInside)));
    let point = Cells(nalgebra::DVector::from_vec(vec![0.0]));
    assert!(example.objective(0.5, Phi::Identity, Shift::Zero).value::<f64>(&point).is_err());
}
