//! How fast responses are sampled: tokens per second and peak memory, one line of JSON per round.
//! `cargo run --release -p bellman-llm --example generate -- MODEL IDS.json TOKENS ROUNDS`, IDS.json a
//! list of prompts as tokens, TOKENS how many each response gets. `benches/llm/generate.py` runs it
//! beside PyTorch.

use llm::generation::{Job, Sampling, generate};
use llm::{Checkpoint, DType, Device, Mode, hub};
use std::ops::ControlFlow;
use std::time::Instant;

/// The allocator of the command.
#[path = "../../src/allocator.rs"]
mod allocator;
mod process;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    allocator::keep_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, ids, tokens, rounds] = arguments.as_slice() else {
        return Err("usage: generate MODEL IDS.json TOKENS ROUNDS".into());
    };
    let checkpoint = Checkpoint::open(&hub::resolve(model)?)?;
    let model = checkpoint.model(DType::F32, &Device::Cpu, Mode::Frozen)?;
    let prompts: Vec<Vec<u32>> = serde_json::from_str(&std::fs::read_to_string(ids)?)?;
    for seed in 0..rounds.parse()? {
        let sampling = Sampling { max_new_tokens: tokens.parse()?, seed, ..Sampling::default() };
        let (start, busy) = (Instant::now(), process::processor_time());
        // No token ends a response, so that all are of one length.
        let watch = &mut |_| ControlFlow::Continue(());
        let responses = generate(&model, &Job::of_each(&prompts), &[], &sampling, watch)?;
        let seconds = start.elapsed().as_secs_f64();
        let made: usize = responses.iter().map(|r| r.tokens.len()).sum();
        println!(
            "{}",
            serde_json::json!({
                "tokens_per_second": made as f64 / seconds,
                "core_seconds": process::processor_time() - busy,
                "peak_bytes": process::peak(),
                "tokens": made,
            })
        );
    }
    Ok(())
}
