//! How fast a teacher is scored and its rows are written: tokens per second and peak memory, one line
//! of JSON per round.
//! `cargo run --release -p bellman-llm --example score -- MODEL IDS.json P ROUNDS COMPUTE OUT.parquet`,
//! IDS.json a list of sequences of tokens, COMPUTE f32 or bf16. `benches/llm/score.py` runs it beside
//! PyTorch.

use llm::teacher::{Exchange, Row, Scores, Settings, Writer, score};
use llm::{Checkpoint, Compute, DType, Device, LlmError, Mode, hub};
use operators::TopP;
use std::path::Path;
use std::time::Instant;

/// The allocator of the command.
#[path = "../../src/allocator.rs"]
mod allocator;
mod process;

/// Writes the rows of a cache.
fn write(out: &Path, p: TopP, exchanges: &[Exchange], scores: &[Scores]) -> Result<(), LlmError> {
    let settings = Settings {
        weights: String::new(),
        tokenizer: String::new(),
        template: String::new(),
        prompts: String::new(),
        dtype: "f32".into(),
        p,
        responses: 1,
        temperature: 1.0,
        top_p: 1.0,
        max_new_tokens: 0,
        batch: exchanges.len() as u64,
        seed: 0,
        short_sets: false,
        source: None,
    };
    let rows = exchanges.iter().zip(scores).zip(0..);
    let row = |((exchange, scores), prompt): ((&Exchange, &Scores), u32)| Row {
        prompt,
        response: 0,
        prompt_tokens: exchange.prompt.clone(),
        response_tokens: exchange.response.clone(),
        ended: false,
        scores: scores.clone(),
    };
    let mut writer = Writer::create(out, &settings)?;
    writer.group(&rows.map(row).collect::<Vec<_>>())?;
    writer.finish()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    allocator::keep_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, ids, p, rounds, compute, out] = arguments.as_slice() else {
        return Err("usage: score MODEL IDS.json P ROUNDS COMPUTE OUT.parquet".into());
    };
    let compute: Compute = serde_json::from_value(compute.as_str().into())?;
    let checkpoint = Checkpoint::open(&hub::resolve(model)?)?;
    let model = checkpoint.model(DType::F32, &Device::Cpu, Mode::Frozen)?;
    let sequences: Vec<Vec<u32>> = serde_json::from_str(&std::fs::read_to_string(ids)?)?;
    let tokens: usize = sequences.iter().map(Vec::len).sum();
    // The first token is the prompt: every other position is scored.
    let exchange = |ids: &Vec<u32>| Exchange { prompt: ids[..1].into(), response: ids[1..].into() };
    let exchanges: Vec<Exchange> = sequences.iter().map(exchange).collect();
    let p = TopP::new(p.parse()?)?;
    for _ in 0..rounds.parse()? {
        let (start, busy) = (Instant::now(), process::processor_time());
        let scores = compute.run(|| score(&model, &exchanges, p))?;
        write(Path::new(out), p, &exchanges, &scores)?;
        let seconds = start.elapsed().as_secs_f64();
        let positions: usize = scores.iter().map(|s| s.positions()).sum();
        let candidates: usize = scores.iter().map(|s| s.candidates.len()).sum();
        let logs: f64 = scores.iter().flat_map(|s| &s.chosen).map(|&x| f64::from(x)).sum();
        println!(
            "{}",
            serde_json::json!({
                "tokens_per_second": tokens as f64 / seconds,
                "core_seconds": process::processor_time() - busy,
                "peak_bytes": process::peak(),
                "mean_set_size": candidates as f64 / positions as f64,
                "mean_nll": -logs / positions as f64,
            })
        );
    }
    Ok(())
}
