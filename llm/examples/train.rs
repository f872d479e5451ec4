//! How fast a model is trained: tokens per second and peak memory, one line of JSON per step.
//! `cargo run --release -p bellman-llm --example train -- MODEL BATCH.json OBJECTIVE STEPS`.
//! `benches/train/train.py` makes the batch and runs it beside PyTorch.

use candle_core::Tensor;
use llm::training::{AdamW, AdamWSettings, Gradients, Target, vocabulary_loss};
use llm::{Checkpoint, DType, Device, LlmError, Mode, Model, Padding, Tokens, hub};
use serde::Deserialize;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sequences of one length.
#[derive(Deserialize)]
struct Batch {
    ids: Vec<Vec<u32>>,
}

/// The peak of resident memory in bytes, as Linux counts it; 0 elsewhere.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kilobytes.unwrap_or(0u64) * 1024
}

/// The processor time so far in seconds, of all threads, as Linux counts it in hundredths.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold blanks; user and system time are the 12th and 13th behind.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The mean cross entropy of the tokens that follow.
fn cross_entropy(model: &Model, batch: &Batch) -> Result<Tensor, LlmError> {
    let tokens = Tokens::padded(&batch.ids, Padding::Right)?;
    let hidden_bte = model.hidden(&tokens, None)?;
    let (b, t, e) = hidden_bte.dims3()?;
    let hidden_re = hidden_bte.narrow(1, 0, t - 1)?.contiguous()?.reshape((b * (t - 1), e))?;
    let next: Vec<u32> = batch.ids.iter().flat_map(|ids| &ids[1..]).copied().collect();
    let weights = vec![1.0 / next.len() as f64; next.len()];
    vocabulary_loss(&hidden_re, model.head(), &Target::Tokens(&next), &weights)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, batch, objective, steps] = arguments.as_slice() else {
        return Err("usage: train MODEL BATCH.json OBJECTIVE STEPS".into());
    };
    let checkpoint = Checkpoint::open(&hub::resolve(model)?)?;
    let model = checkpoint.model(DType::F32, &Device::Cpu, Mode::Trainable)?;
    let variables = model.variables()?;
    let mut optimiser = AdamW::new(&variables, AdamWSettings::default())?;
    let batch: Batch = serde_json::from_str(&std::fs::read_to_string(batch)?)?;
    let tokens: usize = batch.ids.iter().map(Vec::len).sum();
    for _ in 0..steps.parse()? {
        let (start, busy) = (Instant::now(), processor_time());
        let loss = match objective.as_str() {
            "sft" => cross_entropy(&model, &batch)?,
            other => return Err(format!("no objective {other}").into()),
        };
        let forward = start.elapsed().as_secs_f64();
        let mut gradients = Gradients::new();
        gradients.add(&variables, loss.backward()?)?;
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
                "core_seconds": processor_time() - busy,
                "peak_bytes": peak(),
                "loss": loss.to_scalar::<f32>()?,
                "forward_seconds": forward,
                "backward_seconds": backward,
                "optimiser_seconds": seconds - forward - backward,
            })
        );
    }
    Ok(())
}
