//! The tiny Llama of the reference files, in doubles.
#![allow(dead_code)] // each test binary uses a part

use bridge::Carving;
use llm::{Checkpoint, DType, Device, Mode, Model};
use operators::{Discount, Shift, TopP};
use std::path::Path;

/// A prompt, by the numbers of its tokens.
pub const PROMPT: &[u32] = &[5, 17, 40, 8];

/// The token that ends a response: one that the model likes after the prompt.
pub const ENDS: &[u32] = &[2];

pub fn model() -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models/llama");
    let checkpoint = Checkpoint::open(&folder).unwrap();
    checkpoint.model(DType::F64, &Device::Cpu, Mode::Frozen).unwrap()
}

/// p = 0.8 and γ = 0.99, raw logits.
pub fn carving(depth: usize, top: usize) -> Carving {
    let (gamma, p) = (Discount::new(0.99).unwrap(), TopP::new(0.8).unwrap());
    Carving { depth, top, p, gamma, shift: Shift::Zero, batch: 16 }
}
