//! Training: losses against their definitions, steps, and runs.
//!
//! | file | what |
//! |---|---|
//! | `sparse` | losses on candidate tokens against the operators on the whole vocabulary |
//! | `steps` | steps of every objective: batches in parts, memory, types |
//! | `runs` | runs with scores and checks, broken off and gone on with |

mod runs;
mod sparse;
mod steps;

use candle_core::{DType, Device, Tensor, Var};
use llm::teacher::{Exchange, Scores, score};
use llm::training::*;
use llm::{Checkpoint, Compute, LlmError, Mode, Model, Tensors};
use operators::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

const CPU: Device = Device::Cpu;

fn model(name: &str, dtype: DType, mode: Mode) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name);
    Checkpoint::open(&folder).expect("a model").model(dtype, &CPU, mode).expect("weights")
}

/// Exchanges of different lengths with the candidate sets of a tiny model.
fn examples(p: f64) -> Vec<Example> {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    let text = |from: u32, length: u32| (0..length).map(|i| (from + 7 * i) % 97).collect();
    let exchange =
        |(prompt, response)| Exchange { prompt: text(3, prompt), response: text(5, response) };
    let exchanges = [(4, 9), (1, 12), (11, 1), (2, 5), (5, 3)].map(exchange);
    let scores = score(&teacher, &exchanges, TopP::new(p).expect("p")).expect("scores");
    let example = |(i, (exchange, scores)): (usize, (Exchange, Scores))| {
        let Exchange { prompt, response } = exchange;
        Example { prompt, response, ended: i % 2 == 0, scores: Some(scores) }
    };
    exchanges.into_iter().zip(scores).enumerate().map(example).collect()
}

fn bellman(shift: SparseShift, phi: Phi, outside: Outside) -> BellmanLoss {
    let gamma = Discount::new(0.9).expect("gamma");
    // A floor that some Q-values of these models reach.
    let settings = BellmanDistill { gamma, phi, shift: Shift::Zero, q_min: -1.5 };
    BellmanLoss { settings, shift, outside, mass_weight: 0.0 }
}

/// A loss with its gradients to hidden states and head, all in f64.
struct Outcome {
    loss: f64,
    gradients: Vec<f64>,
}

fn outcome(hidden: &Var, head: &Var, loss: Tensor) -> Outcome {
    let store = loss.backward().expect("backward");
    let of = |v: &Var| {
        store.get(v).expect("a gradient").flatten_all().unwrap().to_vec1::<f64>().unwrap()
    };
    Outcome { loss: loss.to_scalar().unwrap(), gradients: [of(hidden), of(head)].concat() }
}

fn assert_same(found: &Outcome, expected: &Outcome, what: &str) {
    let close = |f: f64, e: f64| (f - e).abs() <= 1e-9 * e.abs().max(1.0);
    assert!(close(found.loss, expected.loss), "{what}: {} is not {}", found.loss, expected.loss);
    for (i, (&f, &e)) in found.gradients.iter().zip(&expected.gradients).enumerate() {
        assert!(close(f, e), "{what}, gradient {i}: {f} is not {e}");
    }
}

/// Hidden states and head as variables of their own.
fn state(batch: &Batch) -> (Var, Var) {
    let student = model("llama", DType::F64, Mode::Frozen);
    // Logits of the tiny models are close to each other; these are not.
    let hidden = (batch.hidden(&student).expect("hidden states") * 8.0).unwrap();
    let head = student.head().copy().unwrap();
    (Var::from_tensor(&hidden).unwrap(), Var::from_tensor(&head).unwrap())
}

/// Rows of the whole vocabulary, with the sets in them.
fn dense(batch: &Batch, scores: &[&Scores]) -> (Tensors, CandidateSets) {
    let layout = RowLayout::uniform(batch.rows(), 97).expect("layout");
    let mut kept = vec![false; layout.cells()];
    let sets = scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
    for (row, set) in layout.iter().zip(sets) {
        set.iter().for_each(|&token| kept[row.start + token as usize] = true);
    }
    let n = Tensors::new(&layout, DType::F64, &CPU).expect("rows");
    (n, CandidateSets::from_kept(&layout, kept).expect("sets"))
}

/// The loss by its definition: every operator on the whole vocabulary.
fn defined(loss: &BellmanLoss, shift: Shift, batch: &Batch, scores: &[&Scores]) -> Outcome {
    let (n, sets) = dense(batch, scores);
    let (hidden, head) = state(batch);
    let z = n.cells_of(&hidden.matmul(&head.t().unwrap()).unwrap()).unwrap();
    let settings = BellmanDistill { shift, ..loss.settings };
    let q = student_q(&n, &z, &n.full(), &settings).unwrap();
    let slots: Vec<usize> = batch.chosen().iter().map(|&t| t as usize).collect();
    let rows = n.layout().iter().zip(&slots);
    let inside: Vec<bool> = rows.map(|(row, slot)| sets.kept()[row.start + slot]).collect();
    let counts: Vec<bool> = batch
        .counts()
        .zip(&inside)
        .map(|(counts, &inside)| counts && (inside || loss.outside == Outside::Floor))
        .collect();
    let share = 1.0 / counts.iter().filter(|c| **c).count() as f64;
    let weights: Vec<f64> = counts.iter().map(|&c| if c { share } else { 0.0 }).collect();
    let chosen = Rows(n.pick(&q.0, &n.slots(&slots).unwrap()).unwrap());
    let responses = Responses {
        set: n.mask(&sets).unwrap(),
        inside: n.one_cell_per_row().row_mask(&inside).unwrap(),
        next: batch.next(),
        weights: n.rows(&weights).unwrap(),
    };
    let mut minus_j =
        bellman_distill(&n, &q, &chosen, &responses, &settings).unwrap().objective.neg().unwrap();
    if loss.mass_weight != 0.0 {
        let inside = soft_value(&n, &z, &responses.set).unwrap().0;
        let missing = (soft_value(&n, &z, &n.full()).unwrap().0 - inside).unwrap();
        let mean = n.dot(&responses.weights.0, &missing).unwrap();
        minus_j = (minus_j + (mean * loss.mass_weight).unwrap()).unwrap();
    }
    outcome(&hidden, &head, minus_j)
}

fn sparse(loss: &BellmanLoss, batch: &Batch, scores: &[&Scores]) -> (Outcome, Tally) {
    let (hidden, head) = state(batch);
    let total = loss.transitions(batch, scores);
    let mut tally = Tally::default();
    let state = (hidden.as_tensor(), head.as_tensor());
    let value = loss.loss(batch, scores, state, total, &mut tally).expect("a loss");
    (outcome(&hidden, &head, value), tally)
}

fn settings(micro_batch: usize) -> TrainerSettings {
    TrainerSettings {
        steps: 12,
        batch: 4,
        micro_batch,
        learning_rate: 1e-3,
        warm_up: 3,
        clip: 1.0,
        text_weight: 0.5,
        text_kl: 0.0,
        checkpointing: false,
        seed: 7,
        optimiser: AdamWSettings::default(),
    }
}

fn text() -> Vec<Example> {
    Example::of_text(&(0..96).map(|i| i * i % 97).collect::<Vec<u32>>(), 16)
}

fn numbers(model: &Model) -> BTreeMap<String, Vec<f32>> {
    let tensors = model.tensors().iter();
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_dtype(DType::F32).unwrap();
    tensors.map(|(name, t)| (name.clone(), flat(t).to_vec1().unwrap())).collect()
}

fn objectives(teacher: &Model) -> Vec<Objective<'_>> {
    let chi2 = Phi::chi2(0.1).unwrap();
    // At the floor no gradient flows.
    let low = |loss: BellmanLoss| BellmanLoss {
        settings: BellmanDistill { q_min: -10.0, ..loss.settings },
        ..loss
    };
    let settings = low(bellman(SparseShift::VocabMax, chi2, Outside::Floor)).settings;
    let released = Released::new(settings, TopP::new(0.5).unwrap(), 1e-8).unwrap();
    vec![
        Objective::CrossEntropy,
        Objective::Bellman(low(bellman(SparseShift::VocabMax, chi2, Outside::Floor))),
        Objective::Bellman(low(bellman(SparseShift::LogSoftmax, Phi::Identity, Outside::Drop))),
        Objective::BellmanWhole(WholeLoss { settings, shift: SparseShift::VocabMax }),
        Objective::Released(released),
        Objective::ForwardKl(teacher),
        Objective::CandidateKl,
        Objective::ReverseKl(teacher),
        Objective::OnPolicy(on_policy(teacher, 0.2, 0.2)),
        Objective::Language(0.5),
    ]
}

fn on_policy(teacher: &Model, mix: f64, clip: f64) -> OnPolicyLoss<'_> {
    let settings = OnPolicy::new(mix, clip, true).unwrap();
    OnPolicyLoss { teacher, settings, ends: vec![2], max_new_tokens: 9, longest: 16 }
}
