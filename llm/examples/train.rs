//! How fast a model is trained: tokens per second and peak memory, one line of JSON per step.
//! `cargo run --release -p bellman-llm --example train -- MODEL BATCH.json OBJECTIVE STEPS COMPUTE
//! [TEACHER]`, COMPUTE f32 or bf16, a teacher for the objective `kd`.
//! `benches/train/train.py` makes the batch and runs it beside PyTorch.

use candle_core::Tensor;
use llm::teacher::Scores;
use llm::training::{
    AdamW, AdamWSettings, Batch, BellmanLoss, Example, Gradients, Outside, SparseShift, Tally,
    Target, vocabulary_loss,
};
use llm::{Checkpoint, Compute, DType, Device, Mode, Model, hub};
use operators::{BellmanDistill, Discount, Phi, Shift};
use serde::Deserialize;
use std::time::Instant;

/// The allocator of the command.
#[path = "../../src/allocator.rs"]
mod allocator;
mod process;

/// Sequences, and the candidate set of every position but the last.
#[derive(Deserialize)]
struct File {
    ids: Vec<Vec<u32>>,
    sets: Vec<Vec<Vec<u32>>>,
}

/// The sequences as responses to their first token, with the candidate sets of every position.
fn examples(batch: &File) -> (Vec<Example>, Vec<Scores>) {
    let example = |ids: &Vec<u32>| Example {
        prompt: ids[..1].into(),
        response: ids[1..].into(),
        ended: false,
        scores: None,
    };
    let scores = |sets: &Vec<Vec<u32>>| Scores {
        // What the teacher's probabilities are is only counted, and not here.
        chosen: vec![-1.0; sets.len()],
        mass: vec![1.0; sets.len()],
        sizes: sets.iter().map(|set| set.len() as u32).collect(),
        log_probabilities: vec![-1.0; sets.iter().map(Vec::len).sum()],
        candidates: sets.concat(),
    };
    (batch.ids.iter().map(example).collect(), batch.sets.iter().map(scores).collect())
}

/// The loss of the batch.
fn loss(
    objective: &str,
    model: &Model,
    teacher: Option<&Model>,
    batch: &Batch,
    scores: &[&Scores],
) -> Result<Tensor, Box<dyn std::error::Error>> {
    let hidden_re = batch.hidden(model)?;
    if let Some(teacher) = teacher {
        let weights = vec![1.0 / batch.rows() as f64; batch.rows()];
        let (hidden, head) = (&batch.hidden(teacher)?, teacher.head());
        let target = Target::Forward { hidden, head };
        return Ok(vocabulary_loss(&hidden_re, model.head(), &target, &weights)?);
    }
    if objective == "sft" {
        let weights = vec![1.0 / batch.rows() as f64; batch.rows()];
        let target = Target::Tokens(batch.chosen());
        return Ok(vocabulary_loss(&hidden_re, model.head(), &target, &weights)?);
    }
    let shift = match objective {
        "bd" => SparseShift::VocabMax,
        "bd-candidates" => SparseShift::CandidateMax,
        other => return Err(format!("no objective {other}").into()),
    };
    let (gamma, phi) = (Discount::new(0.99)?, Phi::chi2(0.1)?);
    let settings = BellmanDistill { gamma, phi, shift: Shift::VocabMax, q_min: -10.0 };
    let bellman = BellmanLoss { settings, shift, outside: Outside::Floor, mass_weight: 0.0 };
    let (total, tally) = (bellman.transitions(batch, scores), &mut Tally::default());
    Ok(bellman.loss(batch, scores, (&hidden_re, model.head()), total, tally)?)
}

/// A model that is not trained.
fn frozen(path: &str) -> Result<Model, Box<dyn std::error::Error>> {
    let checkpoint = Checkpoint::open(&hub::resolve(path)?)?;
    Ok(checkpoint.model(DType::F32, &Device::Cpu, Mode::Frozen)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    allocator::keep_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, batch, objective, steps, compute, rest @ ..] = arguments.as_slice() else {
        return Err("usage: train MODEL BATCH.json OBJECTIVE STEPS COMPUTE [TEACHER]".into());
    };
    let compute: Compute = serde_json::from_value(compute.as_str().into())?;
    let teacher = match rest {
        [teacher] => Some(frozen(teacher)?),
        _ => None,
    };
    let checkpoint = Checkpoint::open(&hub::resolve(model)?)?;
    let model = checkpoint.model(DType::F32, &Device::Cpu, Mode::Trainable)?;
    let variables = model.variables()?;
    let mut optimiser = AdamW::new(&variables, AdamWSettings::default())?;
    let file: File = serde_json::from_str(&std::fs::read_to_string(batch)?)?;
    let tokens: usize = file.ids.iter().map(Vec::len).sum();
    let (examples, scores) = examples(&file);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>())?;
    let scores: Vec<&Scores> = scores.iter().collect();
    for _ in 0..steps.parse()? {
        let (start, busy) = (Instant::now(), process::processor_time());
        let loss = compute.run(|| loss(objective, &model, teacher.as_ref(), &batch, &scores))?;
        let forward = start.elapsed().as_secs_f64();
        let mut gradients = Gradients::new();
        gradients.add_of(&variables, &loss)?;
        // The graph with all that it kept is not needed any more.
        let loss = loss.detach();
        let backward = start.elapsed().as_secs_f64() - forward;
        optimiser.step(&gradients, 1e-5)?;
        drop(gradients);
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{}",
            serde_json::json!({
                "tokens_per_second": tokens as f64 / seconds,
                "core_seconds": process::processor_time() - busy,
                "peak_bytes": process::peak(),
                "loss": loss.to_scalar::<f32>()?,
                "forward_seconds": forward,
                "backward_seconds": backward,
                "optimiser_seconds": seconds - forward - backward,
            })
        );
    }
    Ok(())
}
