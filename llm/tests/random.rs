//! Models with random weights.

use candle_core::{DType, Device, Tensor};
use llm::{Checkpoint, Mode, Model, ModelConfig, Padding, Tokens};
use std::path::Path;

const CPU: Device = Device::Cpu;

const MODELS: [&str; 6] = ["gpt2", "opt", "opt-350m-like", "qwen2", "llama", "llama-untied-head"];

fn reference(name: &str) -> Checkpoint {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name);
    Checkpoint::open(&folder).expect("a model")
}

fn random(config: &ModelConfig, seed: u64) -> Model {
    Model::random(config.clone(), seed, DType::F32, &CPU, Mode::Trainable).expect("a model")
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|t| t.to_vec1()).expect("numbers")
}

#[test]
fn a_random_model_has_the_tensors_of_a_trained_one_and_runs() {
    for name in MODELS {
        let checkpoint = reference(name);
        let trained = checkpoint.model(DType::F32, &CPU, Mode::Frozen).expect("a model");
        let drawn = random(checkpoint.config(), 0);
        let shapes = |model: &Model| {
            let shape = |(name, tensor): (&String, &Tensor)| (name.clone(), tensor.dims().to_vec());
            model.tensors().iter().map(shape).collect::<Vec<_>>()
        };
        assert_eq!(shapes(&drawn), shapes(&trained), "{name}");
        assert_eq!(drawn.variables().expect("variables").len(), drawn.tensors().len());
        let tokens = Tokens::padded(&[[1, 2, 3]], Padding::Right).expect("tokens");
        let logits = drawn.hidden(&tokens, None).and_then(|h| drawn.logits(&h)).expect("logits");
        assert!(values(&logits).iter().all(|x| x.is_finite()), "{name}");
    }
}

#[test]
fn the_seed_decides_everything_and_each_tensor_by_itself() {
    let config = reference("llama").config().clone();
    let (one, same, other) = (random(&config, 7), random(&config, 7), random(&config, 8));
    let deeper = random(&ModelConfig { layers: config.layers + 2, ..config.clone() }, 7);
    for (name, tensor) in one.tensors() {
        let tensor = values(tensor);
        assert_eq!(tensor, values(&same.tensors()[name]), "{name}");
        let differs = tensor != values(&other.tensors()[name]);
        assert_eq!(differs, !name.contains("norm"), "{name}");
        let scaled = name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
        assert_eq!(tensor != values(&deeper.tensors()[name]), scaled, "{name}");
    }
    let of = |part: &str| values(&one.tensors()[&format!("model.layers.0.mlp.{part}.weight")]);
    assert_ne!(of("gate_proj"), of("up_proj"));
}

/// Mean and deviation of a tensor.
fn moments(tensor: &Tensor) -> (f64, f64, f64) {
    let values: Vec<f64> = values(tensor).into_iter().map(f64::from).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (n, mean, variance.sqrt())
}

#[test]
fn weights_have_the_deviations_that_they_should() {
    let config = ModelConfig { layers: 8, ..reference("gpt2").config().clone() };
    for (name, tensor) in random(&config, 3).tensors() {
        if tensor.rank() == 1 {
            let constant = if name.ends_with(".weight") { 1.0 } else { 0.0 };
            assert!(values(tensor).iter().all(|&x| x == constant), "{name}");
            continue;
        }
        let expected = if name.ends_with("c_proj.weight") { 0.02 / 4.0 } else { 0.02 };
        let (n, mean, deviation) = moments(tensor);
        // Six standard errors each: of a mean, and of a deviation of normal numbers.
        assert!(mean.abs() < 6.0 * expected / n.sqrt(), "{name}: mean {mean}");
        let off = (deviation - expected).abs();
        assert!(off < 6.0 * expected / (2.0 * n).sqrt(), "{name}: deviation {deviation}");
    }
}

#[test]
fn drawn_numbers_are_normal() {
    let config = reference("gpt2").config().clone();
    let model = random(&config, 1);
    let mut all: Vec<f32> = values(&model.tensors()["transformer.h.0.mlp.c_fc.weight"]);
    all.sort_by(f32::total_cmp);
    let n = all.len() as f64;
    let normal = statrs::distribution::Normal::new(0.0, 0.02).expect("a distribution");
    // Kolmogorov and Smirnov: a distance beyond 2.2/√n has probability 1.3e-4.
    let distance = all.iter().zip(0..).map(|(&x, i)| {
        let below = statrs::distribution::ContinuousCDF::cdf(&normal, f64::from(x));
        (below - f64::from(i) / n).abs().max((below - f64::from(i + 1) / n).abs())
    });
    let distance = distance.fold(0.0, f64::max);
    assert!(distance < 2.2 / n.sqrt(), "{distance}");
}
