//! Problems that are small enough to be solved exactly, and students that are trained on them as
//! `bellman distill` trains: examples, batches, `Objective::Bellman`, AdamW.
#![allow(dead_code)] // each test binary uses a part

use bridge::{Carving, Compounding, carve, compounding, read};
use llm::config::{Activation, Architecture, Biases, ModelConfig, NormKind, Positions};
use llm::predict::next_logits;
use llm::teacher::Scores;
use llm::training::{
    AdamWSettings, BellmanLoss, Example, Objective, Outside as Without, SparseShift, Trainer,
    TrainerSettings,
};
use llm::{DType, Device, Mode, Model, Padding, Tokens};
use operators::{
    BellmanDistill, CandidateSets, Dense, Discount, NumberSystem, Phi, Selection, Shift, TopP,
    implied_reward, log_policy, shift, soft_value,
};
use std::ops::ControlFlow;
use tabular::objective::{MaximiseSettings, Maximum, Outside, TableObjective, Variant};
use tabular::occupancy::{Behaviour, Occupancy, Start, occupancy_at};
use tabular::random::Source;
use tabular::{Instance, Mdp, MdpBuilder};
use verify::{Case, Theory};

/// Tokens of every model; token 0 ends a text.
pub const TOKENS: usize = 5;
pub const Q_MIN: f64 = -10.0;

/// What an objective takes from the logits, on both sides.
pub const SHIFTS: [(Shift, SparseShift); 3] = [
    (Shift::Zero, SparseShift::Zero),
    (Shift::VocabMax, SparseShift::VocabMax),
    (Shift::LogSoftmax, SparseShift::LogSoftmax),
];

/// An MDP with its teacher, and responses of the projected teacher to train on. The last state is the
/// end, every other state offers all tokens.
pub struct Problem {
    pub instance: Instance,
    /// The teacher's Q-values, with the shift.
    pub q: Vec<f64>,
    pub sets: CandidateSets,
    /// How often the examples take each pair.
    pub data: Occupancy,
    pub examples: Vec<Example>,
    /// The tokens that a student reads to be in each state.
    pub texts: Vec<Vec<u32>>,
    /// What is taken from the logits, of teacher and student.
    pub by: (Shift, SparseShift),
    student: ModelConfig,
}

/// A student after training.
pub struct Trained {
    /// Its logits, a number for each pair; 0 at the end.
    pub z: Vec<f64>,
    /// The loss that the trainer saw last.
    pub loss: f64,
}

/// A Llama of this many layers and this width. Without layers it knows the last token only.
fn config(layers: usize, width: usize) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Llama,
        vocabulary: TOKENS,
        embedding_width: width,
        hidden_width: width,
        inner_width: 2 * width,
        layers,
        heads: 2,
        key_value_heads: 2,
        head_width: width / 2,
        max_positions: 16,
        positions: Positions::Rotary { theta: 10_000.0 },
        norm: NormKind::RootMeanSquare,
        norm_epsilon: 1e-6,
        norm_first: true,
        final_norm: true,
        activation: Activation::GatedSilu,
        biases: Biases { query_key_value: false, attention_output: false, feed_forward: false },
        tied: false,
        end_of_sequence: vec![0],
    }
}

/// A model of this shape whose logits differ by this many times as much as at random.
fn teacher(config: ModelConfig, seed: u64, times: f64) -> Model {
    let model = Model::random(config, seed, DType::F64, &Device::Cpu, Mode::Trainable).unwrap();
    let head = model.variables().unwrap().remove("lm_head.weight").unwrap();
    head.set(&head.affine(times, 0.0).unwrap()).unwrap();
    model
}

impl Problem {
    /// A bigram model: state 0 is the start, state i follows token i.
    pub fn bigram(by: (Shift, SparseShift), seed: u64) -> Self {
        let mut builder = MdpBuilder::new(TOKENS + 1);
        for state in 0..TOKENS {
            for token in 0..TOKENS {
                let next = if token == 0 { TOKENS } else { token };
                builder.action(state, token as u32, 0.0, &[(next, 1.0)]).unwrap();
            }
        }
        builder.terminal(TOKENS).unwrap();
        let mdp = builder.build().unwrap().0;
        let (gamma, p) = (Discount::new(0.9).unwrap(), TopP::new(0.8).unwrap());
        let mut source = Source::new(seed, 0);
        let logits = (0..TOKENS * TOKENS).map(|_| source.signed(1.5));
        let q = shifted(&mdp, &logits.chain([0.0]).collect::<Vec<f64>>(), by.0);
        let n = Dense::<f64>::new(mdp.layout());
        let cells = n.cells(&q).unwrap();
        let value = soft_value(&n, &cells, &vec![true; q.len()]).unwrap();
        let reward = implied_reward(&n, &cells, gamma, &mdp, &value).unwrap().0;
        let mdp = mdp.with_rewards(reward.as_slice()).unwrap();
        let sets = CandidateSets::select(mdp.layout(), &q, Selection::TopP(p)).unwrap();
        let instance = Instance { sets: Some(sets), ..Instance::new("bigram", mdp, gamma, p) };
        let texts = (0..TOKENS as u32).map(|token| vec![token]).collect();
        let mut problem = Self::of(instance, q, texts, by, config(0, 8));
        // One token from each state, and one more that tells where it led.
        for state in 0..TOKENS {
            problem.respond(state, 2, 20);
        }
        // The second is not counted, or ends would be counted too often.
        let longer = problem.examples.iter_mut().filter(|example| example.response.len() > 1);
        longer.for_each(|example| example.ended = false);
        problem.count();
        problem
    }

    /// A Llama with two layers, laid out three tokens deep.
    pub fn carved(by: (Shift, SparseShift), seed: u64) -> Self {
        let (gamma, p) = (Discount::new(0.9).unwrap(), TopP::new(0.8).unwrap());
        let carving = Carving { depth: 3, top: TOKENS, p, gamma, shift: by.0, batch: 64 };
        let (model, prompt) = (teacher(config(2, 16), seed, 20.0), [3, 1]);
        let go_on = &mut |_| ControlFlow::Continue(());
        let reading = read(&model, &prompt, &[0], &carving, go_on).unwrap();
        let carved = carve(&reading, &carving, "llama").unwrap();
        let texts = carved.prefixes.iter().map(|prefix| [&prompt[..], prefix].concat()).collect();
        let mut problem = Self::of(carved.instance, carved.q, texts, by, config(2, 16));
        // What follows the last token is worth nothing, as after one that ends.
        problem.respond(0, 3, 32);
        problem.examples.iter_mut().for_each(|example| example.ended = true);
        problem.count();
        problem
    }

    fn of(
        instance: Instance,
        q: Vec<f64>,
        texts: Vec<Vec<u32>>,
        by: (Shift, SparseShift),
        student: ModelConfig,
    ) -> Self {
        let sets = instance.sets.clone().unwrap();
        let data = Occupancy { state: Vec::new(), pair: vec![0.0; q.len()], visits: 0.0 };
        Self { instance, q, sets, data, examples: Vec::new(), texts, by, student }
    }

    pub fn mdp(&self) -> &Mdp {
        &self.instance.mdp
    }

    fn end(&self) -> usize {
        self.texts.len()
    }

    fn next(&self, pair: usize) -> usize {
        self.mdp().row(pair).successors[0] as usize
    }

    /// The responses of the projected teacher from `state`, cut off after `most` tokens: about `copies`
    /// of them, each about as often as its probability, and at least once.
    fn respond(&mut self, state: usize, most: usize, copies: usize) {
        let policy = Behaviour::Projected(&self.q, &self.sets).probabilities(self.mdp()).unwrap();
        let mut open = vec![(1.0, Vec::new(), state)];
        while let Some((likely, taken, at)) = open.pop() {
            if at != self.end() && taken.len() < most {
                let row = self.mdp().pairs_of(at).filter(|&pair| policy[pair] > 0.0);
                open.extend(row.map(|pair| {
                    (likely * policy[pair], [&taken[..], &[pair]].concat(), self.next(pair))
                }));
                continue;
            }
            let times = (copies as f64 * likely).round().max(1.0) as usize;
            let example = self.example(state, &taken, at == self.end());
            self.examples.extend(std::iter::repeat_n(example, times));
        }
    }

    fn example(&self, from: usize, taken: &[usize], ended: bool) -> Example {
        let layout = self.mdp().layout();
        let n = Dense::<f64>::new(layout);
        let log = log_policy(&n, &n.cells(&self.q).unwrap(), &vec![true; self.q.len()]).unwrap().0;
        let mut scores = Scores::default();
        for &pair in taken {
            let row = self.mdp().pairs_of(pair / TOKENS);
            let mut set: Vec<usize> = row.filter(|&other| self.sets.kept()[other]).collect();
            set.sort_by(|&a, &b| log[b].total_cmp(&log[a]));
            scores.chosen.push(log[pair] as f32);
            scores.mass.push(set.iter().map(|&other| log[other].exp()).sum::<f64>() as f32);
            scores.sizes.push(set.len() as u32);
            scores.candidates.extend(set.iter().map(|&other| (other % TOKENS) as u32));
            scores.log_probabilities.extend(set.iter().map(|&other| log[other] as f32));
        }
        let response = taken.iter().map(|&pair| (pair % TOKENS) as u32).collect();
        Example { prompt: self.texts[from].clone(), response, ended, scores: Some(scores) }
    }

    /// Counts the transitions of the examples as the loss does.
    fn count(&mut self) {
        let mut counted = vec![0.0; self.q.len()];
        for example in &self.examples {
            let mut state = self.texts.iter().position(|t| *t == example.prompt).unwrap();
            let known = example.response.len() - usize::from(!example.ended);
            for &token in &example.response[..known] {
                let pair = state * TOKENS + token as usize;
                counted[pair] += 1.0;
                state = self.next(pair);
            }
        }
        let visits: f64 = counted.iter().sum();
        self.data.pair = counted.iter().map(|count| count / visits).collect();
        let rows = self.mdp().layout().iter();
        self.data.state = rows.map(|row| self.data.pair[row].iter().sum()).collect();
        self.data.visits = visits;
    }

    /// A student from random weights, trained on all examples at each of `steps` steps.
    pub fn train(&self, phi: Phi, (steps, rate): (u64, f64), seed: u64) -> Trained {
        let gamma = self.instance.gamma;
        let settings = BellmanDistill { gamma, phi, shift: Shift::Zero, q_min: Q_MIN };
        let (shift, outside) = (self.by.1, Without::Drop);
        let objective =
            Objective::Bellman(BellmanLoss { settings, shift, outside, mass_weight: 0.0 });
        let (shape, mode) = (self.student.clone(), Mode::Trainable);
        let student = Model::random(shape, seed, DType::F64, &Device::Cpu, mode).unwrap();
        let settings = TrainerSettings {
            steps,
            batch: self.examples.len(),
            micro_batch: self.examples.len(),
            learning_rate: rate,
            warm_up: 20,
            clip: 1e9,
            text_weight: 0.0,
            text_kl: 0.0,
            checkpointing: false,
            seed: 0,
            optimiser: AdamWSettings { beta2: 0.999, weight_decay: 0.0, ..Default::default() },
        };
        let mut trainer =
            Trainer::new(student, objective, (&self.examples, &[]), settings).unwrap();
        let mut loss = f64::NAN;
        while trainer.done() < steps {
            loss = trainer.step().unwrap().loss;
        }
        let logits = |text: &Vec<u32>| {
            let tokens = Tokens::padded(&[text], Padding::Right).unwrap();
            next_logits(trainer.student(), &tokens, None).unwrap().remove(0)
        };
        let z = self.texts.iter().flat_map(logits).chain([0.0]).collect();
        Trained { z, loss }
    }

    /// The largest difference on the pairs that were trained on.
    pub fn apart(&self, left: &[f64], right: &[f64]) -> f64 {
        let pairs = (0..left.len()).filter(|&pair| self.data.pair[pair] > 0.0);
        pairs.map(|pair| (left[pair] - right[pair]).abs()).fold(0.0, f64::max)
    }

    /// The Q-values as far as the objective determines them. With φ = id it is the mean of log proj_p π_Q,
    /// whatever is added to all Q-values of a state: those of `like` are taken.
    pub fn determined(&self, phi: Phi, q: &[f64], like: &[f64]) -> Vec<f64> {
        if phi != Phi::Identity {
            return q.to_vec();
        }
        let n = Dense::<f64>::new(self.mdp().layout());
        let set = n.mask(&self.sets);
        let value = |q: &[f64]| soft_value(&n, &n.cells(q).unwrap(), &set).unwrap().0;
        let moved = n.spread(&(value(like) - value(q))).unwrap();
        q.iter().zip(moved.iter()).map(|(q, moved)| q + moved).collect()
    }

    /// Q̄_p*.
    pub fn q_bar(&self) -> Vec<f64> {
        let rule = Selection::TopP(self.instance.p);
        let case = Case::<f64>::solve(&self.instance, rule, Theory::default()).unwrap();
        case.q_top_p.0.as_slice().to_vec()
    }

    /// How far the texts of a student drift from the teacher's, both sampled from the sets.
    pub fn drift(&self, z: &[f64]) -> Compounding {
        let both = [Behaviour::Projected(&self.q, &self.sets), Behaviour::Projected(z, &self.sets)];
        compounding(self.mdp(), both, Start::State(0), 6).unwrap()
    }

    /// The share of texts of a policy on the sets that have ended after `tokens`.
    pub fn ended(&self, q: &[f64], tokens: usize) -> f64 {
        let behaviour = Behaviour::Projected(q, &self.sets);
        occupancy_at(self.mdp(), behaviour, Start::State(0), tokens).unwrap()[self.end()]
    }

    /// The objective, by its definition on tables.
    pub fn objective(&self, phi: Phi) -> TableObjective<'_> {
        let (shift, outside) = (self.by.0, Outside::Drop);
        let variant = Variant { phi, shift, floor: Some(Q_MIN), outside };
        let Instance { mdp, gamma, .. } = &self.instance;
        TableObjective::new(mdp, *gamma, &self.sets, &self.data, variant).unwrap()
    }

    /// J of logits.
    pub fn value(&self, phi: Phi, z: &[f64]) -> f64 {
        let n = Dense::<f64>::new(self.mdp().layout());
        self.objective(phi).value(&n.cells(z).unwrap()).unwrap()
    }

    /// The best point that a search finds from the usual starts, or from where a student is.
    pub fn maximum(&self, phi: Phi, student: &[f64], leader_rounds: usize) -> Maximum {
        let settings = MaximiseSettings { leader_rounds, ..MaximiseSettings::default() };
        let best = self.objective(phi).maximise(&self.q, settings).unwrap();
        let settings = MaximiseSettings { random_starts: 0, ..MaximiseSettings::default() };
        let near = self.objective(phi).maximise(student, settings).unwrap();
        if near.value > best.value { near } else { best }
    }

    /// Q-values of logits: what the student is compared by.
    pub fn student_q(&self, phi: Phi, z: &[f64]) -> Vec<f64> {
        let n = Dense::<f64>::new(self.mdp().layout());
        let mut q = self.objective(phi).q(&n.cells(z).unwrap()).unwrap().0;
        // Nothing follows the end.
        q[z.len() - 1] = 0.0;
        q.as_slice().to_vec()
    }
}

/// Q-values with 0 at the end, shifted row by row.
pub fn shifted(mdp: &Mdp, z: &[f64], by: Shift) -> Vec<f64> {
    let n = Dense::<f64>::new(mdp.layout());
    let mut q = shift(&n, &n.cells(z).unwrap(), by, &vec![true; z.len()]).unwrap().0;
    q[z.len() - 1] = 0.0;
    q.as_slice().to_vec()
}
