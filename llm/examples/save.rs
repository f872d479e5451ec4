//! Reads a model and writes it again, as a folder that transformers loads:
//! `cargo run -p bellman-llm --example save -- FROM TO`, FROM a path or a name on the hub.

use llm::{Checkpoint, DType, Device, Mode, hub};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else { return Err("usage: save FROM TO".into()) };
    let checkpoint = Checkpoint::open(&hub::resolve(from)?)?;
    let model = checkpoint.model(DType::F32, &Device::Cpu, Mode::Frozen)?;
    Ok(model.save(Path::new(to))?)
}
