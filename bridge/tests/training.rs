//! Does gradient training reach what the theory describes? A table of logits, trained with the very loss
//! of language models on a bigram model, against the exact maximiser of the objective and the fixed
//! points of the theory. The first distance is tested, the others are findings; `--nocapture` prints
//! them.

use bridge::{Target, posterior};
use llm::table::{TableTraining, TrainedTable, Transitions, train_table};
use operators::{
    BellmanDistill, CandidateSets, Dense, Discount, Phi, Selection, Shift, TopP, implied_reward,
    shift, soft_value,
};
use tabular::objective::{MaximiseSettings, Maximum, Outside, TableObjective, Variant};
use tabular::occupancy::{Behaviour, Occupancy, Start, occupancy};
use tabular::random::Source;
use tabular::{Instance, Mdp, MdpBuilder};
use verify::{Case, Enclosure, Theory};

/// Tokens of the bigram model; token 0 ends a text.
const TOKENS: usize = 5;
const Q_MIN: f64 = -10.0;

/// A bigram model: state 0 is the start, state i follows token i, and the last state is the end.
struct Bigram {
    instance: Instance,
    /// The teacher's Q-values, with the shift.
    q: Vec<f64>,
    sets: CandidateSets,
    data: Occupancy,
}

fn layout() -> Mdp {
    let end = TOKENS;
    let mut builder = MdpBuilder::new(TOKENS + 1);
    for state in 0..TOKENS {
        for token in 0..TOKENS {
            let next = if token == 0 { end } else { token };
            builder.action(state, token as u32, 0.0, &[(next, 1.0)]).unwrap();
        }
    }
    builder.terminal(end).unwrap();
    builder.build().unwrap().0
}

/// Q-values with 0 at the end, shifted row by row.
fn shifted(mdp: &Mdp, logits: &[f64], by: Shift) -> Vec<f64> {
    let n = Dense::<f64>::new(mdp.layout());
    let z: Vec<f64> = logits.iter().copied().chain([0.0]).collect();
    let mut q = shift(&n, &n.cells(&z).unwrap(), by, &vec![true; z.len()]).unwrap().0;
    q[z.len() - 1] = 0.0;
    q.as_slice().to_vec()
}

impl Bigram {
    fn new(by: Shift, seed: u64) -> Self {
        let (gamma, p) = (Discount::new(0.9).unwrap(), TopP::new(0.8).unwrap());
        let mut source = Source::new(seed, 0);
        let logits: Vec<f64> = (0..TOKENS * TOKENS).map(|_| source.signed(1.5)).collect();
        let mdp = layout();
        let q = shifted(&mdp, &logits, by);
        let n = Dense::<f64>::new(mdp.layout());
        let cells = n.cells(&q).unwrap();
        let value = soft_value(&n, &cells, &vec![true; q.len()]).unwrap();
        let reward = implied_reward(&n, &cells, gamma, &mdp, &value).unwrap().0;
        let mdp = mdp.with_rewards(reward.as_slice()).unwrap();
        let sets = CandidateSets::select(mdp.layout(), &q, Selection::TopP(p)).unwrap();
        let behaviour = Behaviour::Projected(&q, &sets);
        let weighed_by = Discount::new(0.99).unwrap();
        let data = occupancy(&mdp, weighed_by, behaviour, Start::Uniform).unwrap();
        let own = Some(sets.clone());
        let instance = Instance { sets: own, ..Instance::new("bigram", mdp, gamma, p) };
        Self { instance, q, sets, data }
    }

    fn transitions(&self) -> Transitions {
        let weights = self.data.pair[..TOKENS * TOKENS].iter().enumerate();
        let taken = weights.filter(|(_, weight)| **weight > 0.0).map(|(pair, &weight)| {
            let token = pair % TOKENS;
            (pair / TOKENS, token, (token > 0).then_some(token), weight)
        });
        let sets = self.sets.kept()[..TOKENS * TOKENS].to_vec();
        Transitions { actions: TOKENS, sets, taken: taken.collect() }
    }

    fn train(&self, phi: Phi, by: Shift) -> TrainedTable {
        let settings = BellmanDistill { gamma: self.instance.gamma, phi, shift: by, q_min: Q_MIN };
        let training = TableTraining { steps: 6000, rate: 0.05 };
        let start = vec![0.0; TOKENS * TOKENS];
        train_table(&start, &self.transitions(), &settings, training).unwrap()
    }

    fn maximum(&self, phi: Phi, by: Shift) -> Maximum {
        let variant = Variant { phi, shift: by, floor: Some(Q_MIN), outside: Outside::Drop };
        let Instance { mdp, gamma, .. } = &self.instance;
        let objective = TableObjective::new(mdp, *gamma, &self.sets, &self.data, variant).unwrap();
        objective.maximise(&self.q, MaximiseSettings::default()).unwrap()
    }

    fn case(&self) -> Case<'_, Enclosure> {
        let rule = Selection::TopP(self.instance.p);
        Case::<Enclosure>::enclose(&self.instance, rule, Theory::default()).unwrap()
    }
}

#[test]
fn gradients_reach_the_maximiser_of_the_objective() {
    let chi2 = |alpha| Phi::chi2(alpha).unwrap();
    for by in [Shift::Zero, Shift::VocabMax] {
        let bigram = Bigram::new(by, 1);
        for phi in [Phi::Identity, chi2(0.1), chi2(1.0), chi2(10.0)] {
            let (trained, best) = (bigram.train(phi, by), bigram.maximum(phi, by));
            let same = MaximiseSettings::default().agreement * (1.0 + best.value.abs());
            let short = best.value - trained.objective;
            let q = shifted(&bigram.instance.mdp, &trained.logits, by);
            let case = bigram.case();
            let found = posterior(&case, &case.n.cells(&q).unwrap(), Target::TopP).unwrap();
            println!(
                "{by:?} {phi:?}: J short of its maximum by {short:.1e}, gradient {:.1e}, \
                 ‖Q − Q̄_p*‖ = {:.3}, residual {:.3}; the maximiser: {:.3} from Q̄_p*, {:.3} from Q*",
                trained.gradient,
                found.distance.midpoint(),
                found.residual.midpoint(),
                best.distances.q_bar_optimal,
                best.distances.q_star,
            );
            // At a kink, where several actions share the largest logit, steps of a fixed size go to and
            // fro: how near they come is a finding too.
            assert!(short <= same || best.tied_states > 0, "{by:?} {phi:?}: {short:e}");
        }
    }
}

/// Whether the audit of `q` by `case` is right about `truth`: its bounds hold of the distance from Q̄_p*,
/// and the residual is that of the teacher, γ times the largest leak, but for what `q` is away from
/// the teacher on the sets.
fn is_right(case: &Case<'_, Enclosure>, truth: &Bigram, q: &[f64]) -> bool {
    let of = |case: &Case<'_, Enclosure>| {
        posterior(case, &case.n.cells(q).unwrap(), Target::TopP).unwrap()
    };
    let (gamma, whole) = (truth.instance.gamma.get(), truth.case());
    let (found, distance) = (of(case), of(&whole).distance);
    let bounds = found.least.lo() <= distance.hi() && distance.lo() <= found.bound.hi();
    let kept = || truth.sets.kept().iter().enumerate().filter(|(_, kept)| **kept);
    let away = kept().map(|(pair, _)| (q[pair] - truth.q[pair]).abs()).fold(0.0, f64::max);
    let ahead = |pair: usize| truth.instance.mdp.row(pair).successors[0] as usize;
    let leak = kept().map(|(pair, _)| whole.leak.0[ahead(pair)].hi()).fold(0.0, f64::max);
    // Rounding is far below what training leaves.
    bounds && (found.residual.midpoint() - gamma * leak).abs() <= (1.0 + gamma) * away + 1e-12
}

#[test]
fn a_trained_student_lies_within_its_bounds_and_another_reward_or_shift_is_noticed() {
    let by = Shift::VocabMax;
    for seed in 1..=5 {
        let bigram = Bigram::new(by, seed);
        for alpha in [0.1, 10.0] {
            let trained = bigram.train(Phi::chi2(alpha).unwrap(), by);
            let q = shifted(&bigram.instance.mdp, &trained.logits, by);
            let case = bigram.case();
            let found = posterior(&case, &case.n.cells(&q).unwrap(), Target::TopP).unwrap();
            assert!(found.least.lo() <= found.distance.hi(), "{seed} {alpha}");
            assert!(found.distance.lo() <= found.bound.hi(), "{seed} {alpha}");
        }
        // Behaviour cloning finds the teacher on its sets, of which the residual is known.
        let trained = bigram.train(Phi::Identity, by);
        let q = shifted(&bigram.instance.mdp, &trained.logits, by);
        assert!(is_right(&bigram.case(), &bigram, &q), "{seed}");
        let more: Vec<f64> = bigram.instance.mdp.rewards().iter().map(|r| r + 0.5).collect();
        let mdp = bigram.instance.mdp.clone().with_rewards(&more).unwrap();
        let instance = Instance { mdp, ..bigram.instance.clone() };
        let rule = Selection::TopP(instance.p);
        let wrong = Case::<Enclosure>::enclose(&instance, rule, Theory::default()).unwrap();
        assert!(!is_right(&wrong, &bigram, &q), "another reward, {seed}");
        let other = Bigram::new(Shift::LogSoftmax, seed);
        assert!(!is_right(&other.case(), &bigram, &q), "another shift, {seed}");
    }
}
