//! Scores of tiny models against the operators on their full vocabulary.

use candle_core::{DType, Device};
use llm::teacher::{Exchange, Scores, score};
use llm::{Checkpoint, LlmError, Mode, Model, Padding, Tokens};
use operators::*;
use std::path::Path;

fn model(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name);
    let checkpoint = Checkpoint::open(&folder).expect("a model");
    checkpoint.model(DType::F32, &Device::Cpu, Mode::Frozen).expect("weights")
}

fn top_p(p: f64) -> TopP {
    TopP::new(p).expect("a mass")
}

/// Exchanges of different lengths, one longer than a chunk of positions in all.
fn exchanges(vocabulary: u32) -> Vec<Exchange> {
    let text = |from: u32, length: u32| (0..length).map(|i| (from + 7 * i) % vocabulary).collect();
    let exchange = |(prompt, response)| Exchange { prompt: text(3, prompt), response: text(5, response) };
    [(4, 9), (1, 30), (11, 1), (2, 0), (5, 29)].map(exchange).to_vec()
}

/// What the operators say about one exchange, alone, over the whole vocabulary.
fn by_definition(model: &Model, exchange: &Exchange, p: TopP) -> Vec<(Vec<f64>, Vec<usize>)> {
    let sequence = [&exchange.prompt[..], &exchange.response[..]].concat();
    let tokens = Tokens::padded(&[&sequence], Padding::Right).expect("tokens");
    let hidden = model.hidden(&tokens, None).expect("hidden states");
    let logits = model.logits(&hidden).expect("logits").squeeze(0).expect("one sequence");
    let logits: Vec<Vec<f32>> = logits.to_vec2().expect("numbers");
    let foretold = &logits[exchange.prompt.len() - 1..sequence.len() - 1];
    let row = |row: &Vec<f32>| {
        let layout = RowLayout::uniform(1, row.len()).expect("layout");
        let q: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
        let sets = CandidateSets::select(&layout, &q, Selection::TopP(p)).expect("sets");
        let n = Dense::<f64>::new(&layout);
        let full = n.mask(&CandidateSets::full(&layout));
        let log = log_policy(&n, &n.cells(&q).expect("cells"), &full).expect("log-probabilities");
        (log.0.iter().copied().collect(), sets.slots(0).collect())
    };
    foretold.iter().map(row).collect()
}

/// A batch multiplies larger matrices than a sequence alone, which may add up in another order:
/// logits of these models are below 1 and differ by less than this.
const BATCH: f64 = 1e-5;

fn assert_is(found: &Scores, expected: &[(Vec<f64>, Vec<usize>)], exchange: &Exchange, what: &str) {
    assert_eq!(found.positions(), expected.len(), "{what}");
    for (t, (cells, (log, set))) in found.sets().zip(expected).enumerate() {
        let what = format!("{what}, position {t}");
        let tokens = &found.candidates[cells.clone()];
        let mut slots: Vec<usize> = tokens.iter().map(|&token| token as usize).collect();
        slots.sort_unstable();
        assert_eq!(&slots, set, "{what}");
        let stored = &found.log_probabilities[cells];
        assert!(stored.is_sorted_by(|a, b| a >= b), "{what}");
        for (&token, &stored) in tokens.iter().zip(stored) {
            assert!((f64::from(stored) - log[token as usize]).abs() < BATCH, "{what}");
        }
        let chosen = log[exchange.response[t] as usize];
        assert!((f64::from(found.chosen[t]) - chosen).abs() < BATCH, "{what}");
        let mass: f64 = set.iter().map(|&token| log[token].exp()).sum();
        assert!((f64::from(found.mass[t]) - mass).abs() < BATCH, "{what}");
    }
}

#[test]
fn scores_are_those_of_the_operators_on_the_full_vocabulary() {
    for name in ["gpt2", "opt", "qwen2", "llama"] {
        let model = model(name);
        let exchanges = exchanges(model.config().vocabulary as u32);
        for p in [0.3, 0.8, 1.0].map(top_p) {
            let scores = score(&model, &exchanges, p).expect("scores");
            for (found, exchange) in scores.iter().zip(&exchanges) {
                let what = format!("{name}, p = {}", p.get());
                assert_is(found, &by_definition(&model, exchange, p), exchange, &what);
            }
        }
    }
}

#[test]
fn an_exchange_without_a_prompt_is_refused() {
    let nothing = Exchange { prompt: vec![], response: vec![1] };
    let error = score(&model("gpt2"), &[nothing], top_p(0.8)).unwrap_err();
    assert!(matches!(error, LlmError::NoTokens));
    let error = score(&model("gpt2"), &[], top_p(0.8)).unwrap_err();
    assert!(matches!(error, LlmError::NoTokens));
}
