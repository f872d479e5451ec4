//! Each architecture against what transformers computed with a tiny random checkpoint: logits,
//! loss, gradients; padding, the cache, and that no tensor is left without a gradient.

use candle_core::{DType, Device, Tensor, Var};
use llm::weights::{Safetensors, Weights};
use llm::{Cache, Checkpoint, LlmError, Mode, Model, Padding, Tensors, Tokens};
use operators::*;
use std::path::{Path, PathBuf};

const CPU: Device = Device::Cpu;

const MODELS: [&str; 6] = ["gpt2", "opt", "opt-350m-like", "qwen2", "llama", "llama-untied-head"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name)
}

fn load(name: &str, dtype: DType, mode: Mode) -> Model {
    Checkpoint::open(&folder(name))
        .and_then(|c| c.model(dtype, &CPU, mode))
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn doubles(t: &Tensor) -> Vec<f64> {
    let flat = t.flatten_all().and_then(|t| t.to_dtype(DType::F64));
    flat.and_then(|t| t.to_vec1()).expect("numbers")
}

/// What transformers computed.
struct Expected {
    ids: Vec<Vec<u32>>,
    logits: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
}

impl Expected {
    fn read(name: &str) -> Self {
        let file = Safetensors::open(&folder(name).join("expected.safetensors")).expect("file");
        let tensor = |name: &str| doubles(&file.load(name).expect("tensor"));
        let time = file.shape("input_ids").expect("ids")[1];
        let ids: Vec<u32> = tensor("input_ids").iter().map(|&id| id as u32).collect();
        Self {
            ids: ids.chunks(time).map(<[u32]>::to_vec).collect(),
            logits: tensor("logits"),
            loss: tensor("mean_next_token_nll")[0],
            gradient: tensor("grad_token_embedding"),
        }
    }
}

/// The mean cross entropy of the tokens that follow, as an operator on the logits.
fn next_token_loss(model: &Model, tokens: &Tokens) -> Tensor {
    let hidden_bte = model.hidden(tokens, None).expect("hidden states");
    let (b, t, _) = hidden_bte.dims3().expect("[B, T, E]");
    let before = hidden_bte.narrow(1, 0, t - 1).and_then(|h| h.contiguous()).expect("positions");
    let logits_btv = model.logits(&before).expect("logits");
    let layout = RowLayout::uniform(b * (t - 1), model.config().vocabulary).expect("layout");
    let n = Tensors::new(&layout, logits_btv.dtype(), &CPU).expect("rows");
    let z = n.cells_of(&logits_btv).expect("logits");
    let full = n.mask(&CandidateSets::full(&layout)).expect("mask");
    let rows = tokens.ids().chunks(t);
    let next: Vec<usize> = rows.flat_map(|row| &row[1..]).map(|&id| id as usize).collect();
    let slots = n.slots(&next).expect("tokens");
    let weights = n.rows(&vec![1.0 / next.len() as f64; next.len()]).expect("weights");
    cross_entropy(&n, &z, &full, &slots, &weights).expect("loss")
}

/// Whether each number agrees to `slack` of its own size, and at least of that of `scale`.
fn assert_close(found: &[f64], expected: &[f64], slack: f64, scale: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let close = (f - e).abs() <= slack * e.abs().max(scale);
        assert!(close, "{what}, entry {i}: {f} is not {e}");
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
}

/// The name of the embedding of tokens.
fn embedding(name: &str) -> &'static str {
    match name {
        "gpt2" => "transformer.wte.weight",
        "opt" | "opt-350m-like" => "model.decoder.embed_tokens.weight",
        _ => "model.embed_tokens.weight",
    }
}

#[test]
fn logits_loss_and_the_gradient_of_the_embedding_are_those_of_transformers() {
    for name in MODELS {
        let expected = Expected::read(name);
        let tokens = Tokens::padded(&expected.ids, Padding::Right).expect("tokens");
        for dtype in [DType::F32, DType::F64] {
            let model = load(name, dtype, Mode::Trainable);
            let logits =
                model.logits(&model.hidden(&tokens, None).expect("hidden")).expect("logits");
            let what = |part: &str| format!("{name} {dtype:?} {part}");
            // Roundings of f32 on the side of transformers: a millionth of the largest logit.
            assert_close(&doubles(&logits), &expected.logits, 1e-4, 0.02, &what("logits"));
            let loss = next_token_loss(&model, &tokens);
            assert_close(&doubles(&loss), &[expected.loss], 1e-6, 1.0, &what("loss"));
            let gradients = loss.backward().expect("backward");
            let gradient = gradients.get(&model.tensors()[embedding(name)]).expect("gradient");
            let scale = 0.1 * largest(&expected.gradient);
            let gradient = doubles(gradient);
            assert_close(&gradient, &expected.gradient, 1e-4, scale, &what("gradient"));
        }
    }
}

#[test]
fn every_tensor_of_every_architecture_receives_a_gradient() {
    for name in MODELS {
        let model = load(name, DType::F32, Mode::Trainable);
        let tokens = Tokens::padded(&Expected::read(name).ids, Padding::Right).expect("tokens");
        let gradients = next_token_loss(&model, &tokens).backward().expect("backward");
        let variables = model.variables().expect("variables");
        assert_eq!(variables.len(), model.tensors().len());
        for (tensor, variable) in &variables {
            let gradient = gradients.get(variable).unwrap_or_else(|| panic!("{name}: {tensor}"));
            assert_eq!(gradient.dims(), variable.dims(), "{name}: {tensor}");
            let largest = largest(&doubles(gradient));
            // A key's bias moves all scores of a query alike, and cancels but for rounding.
            let cancels = name.starts_with("opt") && tensor.ends_with("k_proj.bias");
            assert!(
                largest.is_finite() && (largest > 1e-7 || cancels),
                "{name}: {tensor} {largest}"
            );
        }
        // Nothing in the file is left out, but for what is no tensor of the model.
        let file = Safetensors::open(&folder(name).join("model.safetensors")).expect("file");
        let names: Vec<&str> = file.names().collect();
        assert_eq!(variables.keys().collect::<Vec<_>>(), names, "{name}");
    }
}

#[test]
fn gradients_of_all_tensors_are_limits_of_differences() {
    for name in MODELS {
        let model = load(name, DType::F64, Mode::Trainable);
        let tokens = Tokens::padded(&Expected::read(name).ids, Padding::Right).expect("tokens");
        let gradients = next_token_loss(&model, &tokens).backward().expect("backward");
        for (number, (tensor, variable)) in model.variables().expect("variables").iter().enumerate()
        {
            let values = doubles(variable);
            // A direction that every entry takes part in.
            let wave = |i: usize| (1.0 + i as f64 * 0.7 + number as f64).sin();
            // Small, so that no input of a ReLU crosses zero.
            let h = 1e-6;
            let at = |step: f64| {
                let moved: Vec<f64> =
                    values.iter().enumerate().map(|(i, x)| x + step * wave(i)).collect();
                set(variable, &moved);
                doubles(&next_token_loss(&model, &tokens))[0]
            };
            let slope = (at(h) - at(-h)) / (2.0 * h);
            set(variable, &values);
            let gradient = doubles(gradients.get(variable).expect("gradient"));
            let along: f64 = gradient.iter().enumerate().map(|(i, g)| g * wave(i)).sum();
            // candle's derivative of GELU has constants of six digits.
            let slack = 1e-5 * along.abs().max(1e-3);
            assert!((slope - along).abs() <= slack, "{name}: {tensor}: {slope} is not {along}");
        }
    }
}

fn set(variable: &Var, values: &[f64]) {
    let tensor = Tensor::from_slice(values, variable.shape(), &CPU).expect("tensor");
    variable.set(&tensor).expect("the same shape");
}

/// Three sequences of different lengths.
fn ragged(name: &str) -> Vec<Vec<u32>> {
    let ids = Expected::read(name).ids;
    vec![ids[0][..5].to_vec(), ids[1][..11].to_vec(), ids[0][7..8].to_vec()]
}

/// The logits of the real positions of each sequence.
fn of_sequences(logits_btv: &Tensor, tokens: &Tokens) -> Vec<Vec<f64>> {
    let vocabulary = logits_btv.dims()[2];
    let values = doubles(logits_btv);
    let rows: Vec<&[f64]> = values.chunks(vocabulary).collect();
    let of = |b: usize| {
        let positions = (0..tokens.time()).map(|t| b * tokens.time() + t);
        let real = positions.filter(|&i| tokens.real()[i]);
        real.flat_map(|i| rows[i].to_vec()).collect()
    };
    (0..tokens.batch()).map(of).collect()
}

fn logits(model: &Model, tokens: &Tokens, cache: Option<&mut Cache>) -> Tensor {
    model.logits(&model.hidden(tokens, cache).expect("hidden states")).expect("logits")
}

#[test]
fn padding_on_either_side_changes_nothing_for_real_positions() {
    for name in MODELS {
        // In f32 what is trained and what is not take different short ways, whose sums are of another
        // order in a batch: a few dozen operations, one after the other.
        let single = 64.0 * f64::from(f32::EPSILON);
        for (dtype, mode, slack) in [
            (DType::F64, Mode::Frozen, 1e-12),
            (DType::F32, Mode::Trainable, single),
            (DType::F32, Mode::Frozen, single),
        ] {
            let model = load(name, dtype, mode);
            let sequences = ragged(name);
            for side in [Padding::Left, Padding::Right] {
                let tokens = Tokens::padded(&sequences, side).expect("tokens");
                let together = of_sequences(&logits(&model, &tokens, None), &tokens);
                for (sequence, found) in sequences.iter().zip(together) {
                    let alone = Tokens::padded(&[sequence], side).expect("tokens");
                    let alone = doubles(&logits(&model, &alone, None));
                    let what = format!("{name} {side:?} {dtype:?} {mode:?}");
                    assert_close(&found, &alone, slack, 1.0, &what);
                }
            }
        }
    }
}

#[test]
fn a_cache_gives_what_the_whole_sequence_gives() {
    for name in MODELS {
        let model = load(name, DType::F64, Mode::Frozen);
        let ids = Expected::read(name).ids;
        let long: Vec<Vec<u32>> = vec![ids[0][..12].to_vec(), ids[1][..9].to_vec()];
        // Prompts of 7 and 4 tokens, padded on the left, then one token or several at a time.
        let mut cache = Cache::new();
        let prompts = [&long[0][..7], &long[1][..4]];
        let tokens = Tokens::padded(&prompts, Padding::Left).expect("tokens");
        let mut found = of_sequences(&logits(&model, &tokens, Some(&mut cache)), &tokens);
        for (from, to) in [(0, 1), (1, 2), (2, 5)] {
            let next = [&long[0][7 + from..7 + to], &long[1][4 + from..4 + to]];
            let tokens = Tokens::padded(&next, Padding::Left).expect("tokens");
            let more = of_sequences(&logits(&model, &tokens, Some(&mut cache)), &tokens);
            for (found, more) in found.iter_mut().zip(more) {
                found.extend(more);
            }
        }
        assert_eq!(cache.time(), 12);
        for (sequence, found) in long.iter().zip(found) {
            let alone = Tokens::padded(&[sequence], Padding::Right).expect("tokens");
            let alone = doubles(&logits(&model, &alone, None));
            assert_close(&found, &alone, 1e-12, 1.0, name);
        }
    }
}

#[test]
fn a_frozen_model_computes_the_same_and_has_no_variables() {
    for name in MODELS {
        let tokens = Tokens::padded(&Expected::read(name).ids, Padding::Right).expect("tokens");
        let both = |dtype| {
            let frozen = load(name, dtype, Mode::Frozen);
            assert!(frozen.variables().expect("variables").is_empty());
            let trained = load(name, dtype, Mode::Trainable);
            let run = |model| doubles(&logits(model, &tokens, None));
            (run(&frozen), run(&trained))
        };
        let (found, expected) = both(DType::F64);
        assert_eq!(found, expected, "{name}");
        // In f32 a frozen model takes short ways, which round in another order: a few dozen
        // operations, one after the other.
        let (found, expected) = both(DType::F32);
        assert_close(&found, &expected, 64.0 * f64::from(f32::EPSILON), 1.0, name);
    }
}

#[test]
fn bf16_computes_roughly_the_same_with_finite_gradients() {
    for name in MODELS {
        let expected = Expected::read(name);
        let tokens = Tokens::padded(&expected.ids, Padding::Right).expect("tokens");
        let model = load(name, DType::BF16, Mode::Trainable);
        let loss = next_token_loss(&model, &tokens);
        // Eight bits of precision in each of a few dozen operations.
        assert_close(&doubles(&loss), &[expected.loss], 0.05, 1.0, name);
        let gradients = loss.backward().expect("backward");
        for (tensor, variable) in model.variables().expect("variables") {
            let gradient = gradients.get(&variable).unwrap_or_else(|| panic!("{name}: {tensor}"));
            assert!(doubles(gradient).iter().all(|g| g.is_finite()), "{name}: {tensor}");
        }
    }
}

#[test]
fn a_head_that_is_not_tied_is_a_tensor_of_its_own() {
    let tied = load("llama", DType::F32, Mode::Trainable);
    assert_eq!(tied.head().id(), tied.tensors()[embedding("llama")].id());
    let untied = load("llama-untied-head", DType::F32, Mode::Trainable);
    assert_eq!(untied.head().id(), untied.tensors()["lm_head.weight"].id());
}

#[test]
fn what_a_model_cannot_take_is_an_error_that_says_so() {
    let model = load("gpt2", DType::F32, Mode::Frozen);
    let tokens = |ids: &[u32]| Tokens::padded(&[ids], Padding::Right).expect("tokens");
    match model.hidden(&tokens(&[3, 97]), None) {
        Err(LlmError::UnknownToken { token: 97, vocabulary: 97 }) => {}
        other => panic!("{other:?}"),
    }
    match model.hidden(&tokens(&[1; 65]), None) {
        Err(LlmError::TooLong { needed: 65, positions: 64 }) => {}
        other => panic!("{other:?}"),
    }
    let mut cache = Cache::new();
    model.hidden(&tokens(&[1, 2]), Some(&mut cache)).expect("two tokens");
    let two = Tokens::padded(&[[1], [2]], Padding::Left).expect("tokens");
    assert!(matches!(model.hidden(&two, Some(&mut cache)), Err(LlmError::Length { found: 2, .. })));
    assert!(matches!(Tokens::padded(&[[0u32; 0]], Padding::Left), Err(LlmError::NoTokens)));
    assert!(matches!(Tokens::padded::<[u32; 1]>(&[], Padding::Left), Err(LlmError::NoTokens)));
}

#[test]
fn a_saved_model_is_the_same_when_it_is_loaded_again() {
    for name in MODELS {
        let folder = tempfile::tempdir().expect("folder");
        let model = load(name, DType::F32, Mode::Trainable);
        model.save(folder.path()).expect("saved");
        let again = Checkpoint::open(folder.path())
            .and_then(|c| c.model(DType::F32, &CPU, Mode::Frozen))
            .expect("loaded");
        assert_eq!(again.config(), model.config(), "{name}");
        assert_eq!(
            again.tensors().keys().collect::<Vec<_>>(),
            model.tensors().keys().collect::<Vec<_>>()
        );
        for (tensor, values) in model.tensors() {
            assert_eq!(doubles(&again.tensors()[tensor]), doubles(values), "{name}: {tensor}");
        }
        let mut files: Vec<_> = std::fs::read_dir(folder.path()).expect("folder").collect();
        files.retain(|f| {
            f.as_ref().is_ok_and(|f| f.path().extension().is_some_and(|e| e == "part"))
        });
        assert!(files.is_empty());
    }
}

#[test]
fn both_spellings_of_the_rotary_base_are_read() {
    let config = |text: &str| llm::ModelConfig::parse(text, Path::new("config.json"));
    let rest = r#""model_type":"llama","vocab_size":9,"hidden_size":4,"intermediate_size":4,
        "num_hidden_layers":1,"num_attention_heads":1,"max_position_embeddings":8"#;
    let theta = |spelling: &str| match config(&format!("{{{rest}{spelling}}}"))
        .expect("config")
        .positions
    {
        llm::config::Positions::Rotary { theta } => theta,
        other => panic!("{other:?}"),
    };
    assert_eq!(theta(r#","rope_theta":5e5"#), 5e5);
    assert_eq!(theta(r#","rope_parameters":{"rope_theta":7e5,"rope_type":"default"}"#), 7e5);
    assert_eq!(theta(r#","rope_theta":3e5,"rope_scaling":null"#), 3e5);
    assert_eq!(theta(""), 1e4);
    let scaled = config(&format!(r#"{{{rest},"rope_scaling":{{"type":"linear","factor":2}}}}"#));
    assert!(matches!(scaled, Err(LlmError::Config { .. })));
}
