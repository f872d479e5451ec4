//! Models with some of their layers, against folders that were made by hand, and which layers go.

mod gguf_file;

use candle_core::{DType, Device, Tensor};
use llm::model::{Layers, LayersProblem};
use llm::prune::{Calibration, Greedy};
use llm::teacher::Exchange;
use llm::text::Message;
use llm::weights::{Safetensors, Weights};
use llm::{Checkpoint, LlmError, Mode, Model, Padding, Tokens};
use operators::*;
use serde_json::Value;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

const CPU: Device = Device::Cpu;

const MODELS: [&str; 6] = ["gpt2", "opt", "opt-350m-like", "qwen2", "llama", "llama-untied-head"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name)
}

fn open(folder: &Path, dtype: DType) -> Model {
    let checkpoint = Checkpoint::open(folder).unwrap_or_else(|e| panic!("{e}"));
    checkpoint.model(dtype, &CPU, Mode::Frozen).unwrap_or_else(|e| panic!("{e}"))
}

fn layers(numbers: &[usize]) -> Layers {
    Layers::new(numbers.to_vec()).expect("layers")
}

fn tokens() -> Tokens {
    let sequences = [vec![5, 17, 3, 3, 8, 40, 2, 11], vec![1, 2, 30]];
    Tokens::padded(&sequences, Padding::Right).expect("tokens")
}

fn logits(model: &Model) -> Vec<f64> {
    let hidden = model.hidden(&tokens(), None).expect("hidden states");
    let flat = model.logits(&hidden).and_then(|l| Ok(l.flatten_all()?.to_dtype(DType::F64)?));
    flat.and_then(|l| Ok(l.to_vec1()?)).expect("logits")
}

#[test]
fn a_model_that_keeps_all_layers_gives_the_same_logits_bit_by_bit() {
    for name in MODELS {
        let model = open(&folder(name), DType::F32);
        let all = Layers::all(model.config().layers).expect("layers");
        let pruned = model.pruned(&all).expect("a model");
        assert_eq!(pruned.config(), model.config(), "{name}");
        assert!(pruned.tensors().keys().eq(model.tensors().keys()), "{name}");
        assert_eq!(logits(&pruned), logits(&model), "{name}");
    }
}

/// The reference folder of a model without its layer 1 (or 0 of two), made by editing its files.
fn by_hand(name: &str, to: &Path) -> Layers {
    let read = std::fs::read_to_string(folder(name).join("config.json")).expect("config");
    let mut config: Value = serde_json::from_str(&read).expect("JSON");
    let field = if name == "gpt2" { "n_layer" } else { "num_hidden_layers" };
    let count = config[field].as_u64().expect("a number") as usize;
    let gone = if count > 2 { 1 } else { 0 };
    config[field] = (count - 1).into();
    std::fs::write(to.join("config.json"), config.to_string()).expect("written");
    let file = Safetensors::open(&folder(name).join("model.safetensors")).expect("file");
    let mut tensors: HashMap<String, Tensor> = HashMap::new();
    for tensor in file.names() {
        let parts: Vec<&str> = tensor.split('.').collect();
        let place = parts.iter().position(|part| part.parse::<usize>().is_ok());
        let renamed = match place.map(|i| (i, parts[i].parse::<usize>().expect("a number"))) {
            Some((_, layer)) if layer == gone => continue,
            Some((i, layer)) if layer > gone => {
                let number = (layer - 1).to_string();
                [&parts[..i], &[number.as_str()], &parts[i + 1..]].concat().join(".")
            }
            _ => tensor.to_owned(),
        };
        tensors.insert(renamed, file.load(tensor).expect("a tensor"));
    }
    candle_core::safetensors::save(&tensors, to.join("model.safetensors")).expect("saved");
    layers(&(0..count).filter(|&layer| layer != gone).collect::<Vec<_>>())
}

#[test]
fn a_pruned_model_is_the_one_made_by_hand_also_when_it_was_saved() {
    for name in MODELS {
        let (hand, saved) =
            (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let kept = by_hand(name, hand.path());
        let expected = open(hand.path(), DType::F32);
        let pruned = open(&folder(name), DType::F32).pruned(&kept).expect("a model");
        assert_eq!(pruned.config(), expected.config(), "{name}");
        assert!(pruned.tensors().keys().eq(expected.tensors().keys()), "{name}");
        assert_eq!(logits(&pruned), logits(&expected), "{name}");
        assert_ne!(logits(&pruned), logits(&open(&folder(name), DType::F32)), "{name}");
        pruned.save(saved.path()).expect("saved");
        assert_eq!(logits(&open(saved.path(), DType::F32)), logits(&expected), "{name}");
    }
}

#[test]
fn a_pruned_model_shares_its_tensors_and_stays_trainable() {
    let checkpoint = Checkpoint::open(&folder("llama")).expect("a model");
    let model = checkpoint.model(DType::F32, &CPU, Mode::Trainable).expect("a model");
    let pruned = model.pruned(&layers(&[0, 2])).expect("a model");
    let (from, to) = ("model.layers.2.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight");
    assert_eq!(pruned.tensors()[to].id(), model.tensors()[from].id());
    assert_eq!(pruned.variables().expect("variables").len(), pruned.tensors().len());
}

#[test]
fn a_layer_that_is_not_there_is_named() {
    let model = open(&folder("llama"), DType::F32);
    match model.pruned(&layers(&[0, 3])) {
        Err(LlmError::NoLayer { layer: 3, layers: 3 }) => {}
        other => panic!("{other:?}"),
    }
}

/// Exchanges of different lengths, with more positions than have their logits in memory at once,
/// and one without a response.
fn texts() -> Vec<Exchange> {
    let text = |from: u32, length: u32| (0..length).map(|i| (from + 7 * i) % 90).collect();
    let exchange =
        |(prompt, response)| Exchange { prompt: text(3, prompt), response: text(5, response) };
    [(4, 9), (1, 30), (11, 1), (2, 0), (5, 29), (3, 21)].map(exchange).to_vec()
}

/// The mean divergence by the operators on doubles, one text after the other.
fn by_definition(teacher: &Model, student: &Model) -> f64 {
    let (mut sum, mut positions) = (0.0, 0);
    for text in texts().iter().filter(|text| !text.response.is_empty()) {
        let sequence = [&text.prompt[..], &text.response[..]].concat();
        let tokens = Tokens::padded(&[&sequence], Padding::Right).expect("tokens");
        let rows = |model: &Model| {
            let hidden = model.hidden(&tokens, None).expect("hidden states");
            let logits =
                model.logits(&hidden).and_then(|l| Ok(l.squeeze(0)?.to_dtype(DType::F64)?));
            logits.and_then(|l| Ok(l.to_vec2::<f64>()?)).expect("logits")
        };
        let (of_teacher, of_student) = (rows(teacher), rows(student));
        for t in text.prompt.len() - 1..sequence.len() - 1 {
            let layout = RowLayout::uniform(1, of_teacher[t].len()).expect("a row");
            let n = Dense::<f64>::new(&layout);
            let full = n.mask(&CandidateSets::full(&layout));
            let policy =
                |z: &[f64]| projection(&n, &n.cells(z).expect("cells"), &full).expect("a policy");
            let kl = kl_divergence(&n, &policy(&of_teacher[t]), &policy(&of_student[t]), &full);
            sum += kl.expect("a divergence").0[0];
            positions += 1;
        }
    }
    sum / f64::from(positions)
}

#[test]
fn the_divergence_is_the_mean_by_the_definition() {
    for name in MODELS {
        let teacher = open(&folder(name), DType::F64);
        let student = teacher.pruned(&layers(&[0])).expect("a model");
        let calibration = Calibration::new(&teacher, &texts(), 2).expect("texts");
        assert_eq!(calibration.positions(), 90);
        let found = calibration.divergence(&student).expect("a divergence");
        let expected = by_definition(&teacher, &student);
        // Sums of a few hundred terms in f64, in another order.
        assert!((found - expected).abs() < 1e-12, "{name}: {found} is not {expected}");
        assert!(expected > 1e-6, "{name}: the layers do nothing");
        assert_eq!(calibration.divergence(&teacher).expect("a divergence"), 0.0, "{name}");
    }
}

fn go_on() -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn the_divergence_without_each_layer_is_that_of_each_pruned_model() {
    for name in MODELS {
        let teacher = open(&folder(name), DType::F32);
        let calibration = Calibration::new(&teacher, &texts(), 4).expect("texts");
        let all = Layers::all(teacher.config().layers).expect("layers");
        let found = calibration.without_each_layer(&teacher, &mut go_on).expect("divergences");
        let one_by_one: Vec<f64> = (0..teacher.config().layers)
            .map(|layer| all.without(layer).map(|kept| teacher.pruned(&kept)))
            .map(|student| calibration.divergence(&student.expect("layers").expect("a model")))
            .collect::<Result<_, _>>()
            .expect("divergences");
        assert_eq!(found, one_by_one, "{name}");
    }
}

#[test]
fn the_layer_that_matters_least_goes_first() {
    let teacher = open(&folder("llama"), DType::F32);
    let calibration = Calibration::new(&teacher, &texts(), 4).expect("texts");
    let mut greedy = Greedy::new(&teacher, &calibration).expect("a model");
    for left in [3, 2] {
        let kept = greedy.kept().clone();
        assert_eq!(kept.numbers().len(), left);
        // Every choice, measured by itself.
        let choices = (0..left).map(|place| {
            let rest = kept.without(place).expect("layers");
            let student = teacher.pruned(&rest).expect("a model");
            (calibration.divergence(&student).expect("a divergence"), kept.numbers()[place])
        });
        let (divergence, layer) = choices.min_by(|a, b| a.0.total_cmp(&b.0)).expect("a choice");
        let dropped = greedy.step(&mut go_on).expect("a step");
        assert_eq!((dropped.divergence, dropped.layer), (divergence, layer));
        assert!(!greedy.kept().numbers().contains(&layer));
        assert_eq!(greedy.student().config().layers, left - 1);
    }
    match greedy.step(&mut go_on) {
        Err(LlmError::Layers(LayersProblem::None)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_search_that_is_stopped_has_changed_nothing() {
    let teacher = open(&folder("gpt2"), DType::F32);
    let calibration = Calibration::new(&teacher, &texts(), 2).expect("texts");
    assert_eq!(calibration.batches(), 3);
    let mut greedy = Greedy::new(&teacher, &calibration).expect("a model");
    let mut batches = 0;
    let stopped = greedy.step(&mut || {
        batches += 1;
        if batches == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(LlmError::Stopped)) && batches == 2);
    assert_eq!(greedy.kept().numbers(), [0, 1, 2]);
}

#[test]
fn texts_that_nothing_can_be_measured_on_are_refused() {
    let teacher = open(&folder("gpt2"), DType::F32);
    let text = |prompt: &[u32], response: &[u32]| {
        [Exchange { prompt: prompt.to_vec(), response: response.to_vec() }]
    };
    let with = |texts: &[Exchange]| Calibration::new(&teacher, texts, 4);
    assert!(matches!(with(&[]), Err(LlmError::NoResponses)));
    assert!(matches!(with(&text(&[1], &[])), Err(LlmError::NoResponses)));
    assert!(matches!(with(&text(&[], &[1])), Err(LlmError::NoTokens)));
}

#[test]
fn the_files_about_text_go_with_a_student() {
    let (from, to) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(folder("llama").join(file), from.path().join(file)).expect("copied");
    }
    for file in ["tokenizer.json", "chat_template.jinja", "generation_config.json"] {
        std::fs::write(from.path().join(file), file).expect("written");
    }
    let checkpoint = Checkpoint::open(from.path()).expect("a model");
    checkpoint.write_text_files(to.path()).expect("written");
    let mut names: Vec<_> = std::fs::read_dir(to.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["chat_template.jinja", "generation_config.json", "tokenizer.json"]);
    let content = std::fs::read_to_string(to.path().join("tokenizer.json")).expect("a text");
    assert_eq!(content, "tokenizer.json");
}

#[test]
fn tokenizer_and_template_of_a_gguf_file_become_files_of_the_folder() {
    let place = tempfile::tempdir().expect("folder");
    let file = place.path().join("model.gguf");
    let mut writer = gguf_file::llama();
    writer.string("tokenizer.ggml.model", "gpt2");
    writer.string("tokenizer.ggml.pre", "smollm");
    writer.texts("tokenizer.ggml.tokens", &["a", "b", "</s>", "Ġ", "ab", "<s>"]);
    writer.texts("tokenizer.ggml.merges", &["a b"]);
    writer.integers("tokenizer.ggml.token_type", &[1, 1, 3, 1, 1, 3]);
    writer.integer("tokenizer.ggml.bos_token_id", 5);
    writer.string(
        "tokenizer.chat_template",
        "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}",
    );
    writer.write(&file);
    let checkpoint = Checkpoint::open(&file).expect("a model");
    let model = checkpoint.model(DType::F32, &CPU, Mode::Frozen).expect("a model");
    let out = place.path().join("out");
    model.pruned(&layers(&[0, 2])).and_then(|student| student.save(&out)).expect("saved");
    checkpoint.write_text_files(&out).expect("written");
    let student = Checkpoint::open(&out).expect("a model");
    assert_eq!(student.config().layers, 2);
    assert_eq!(student.end_of_sequence().expect("ends"), [2]);
    let (ours, theirs) =
        (student.tokenizer().expect("tokens"), checkpoint.tokenizer().expect("tokens"));
    assert_eq!(ours.hash(), theirs.hash());
    assert_eq!(ours.encode("ab a</s>").expect("tokens"), [4, 3, 0, 2]);
    let rendered =
        student.chat_template().and_then(|template| template.render(&[Message::user("x")]));
    assert_eq!(rendered.expect("a prompt"), "<s>x</s>");
}
