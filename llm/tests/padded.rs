//! Embeddings with rows that belong to no token.

use candle_core::{DType, Device, Tensor};
use llm::generation::{Job, Sampling, generate};
use llm::teacher::{Exchange, Scores, score};
use llm::training::{Batch, BellmanLoss, Example, Objective, Outside, SparseShift, Tally};
use llm::{Checkpoint, LlmError, Mode, Model, ModelConfig, Padding, Tokens};
use operators::*;
use std::path::Path;

const CPU: Device = Device::Cpu;

/// The tokens that a tokenizer would have.
const TOKENS: usize = 97;

/// A model of the architecture of `name` with random weights and so many rows in its embedding.
fn model(name: &str, rows: usize, seed: u64, mode: Mode) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name);
    let config = Checkpoint::open(&folder).expect("a model").config().clone();
    let config = ModelConfig { vocabulary: rows, ..config };
    Model::random(config, seed, DType::F64, &CPU, mode).expect("weights")
}

fn exchanges() -> Vec<Exchange> {
    let text = |from: u32, length: u32| (0..length).map(|i| (from + 7 * i) % 97).collect();
    let exchange =
        |(prompt, response)| Exchange { prompt: text(3, prompt), response: text(5, response) };
    [(4, 9), (1, 12), (2, 5)].map(exchange).to_vec()
}

fn examples(scores: Vec<Scores>) -> Vec<Example> {
    let example = |(Exchange { prompt, response }, scores)| Example {
        prompt,
        response,
        ended: true,
        scores: Some(scores),
    };
    exchanges().into_iter().zip(scores).map(example).collect()
}

fn top_p(p: f64) -> TopP {
    TopP::new(p).expect("a mass")
}

fn doubles(x: &Tensor) -> Vec<f64> {
    x.flatten_all().and_then(|x| x.to_vec1()).expect("doubles")
}

#[test]
fn candidate_sets_are_those_of_the_tokens_alone() {
    let padded = model("llama", TOKENS + 6, 1, Mode::Frozen);
    let within = padded.clone().within(TOKENS).expect("fewer");
    assert_eq!((padded.choices(), within.choices()), (TOKENS + 6, TOKENS));
    let exchange = &exchanges()[..1];
    let sequence = [&exchange[0].prompt[..], &exchange[0].response[..]].concat();
    let tokens = Tokens::padded(&[&sequence], Padding::Right).expect("tokens");
    let logits = padded.logits(&padded.hidden(&tokens, None).expect("hidden states"));
    let rows: Vec<Vec<f64>> = logits.and_then(|l| Ok(l.squeeze(0)?.to_vec2()?)).expect("logits");
    let layout = RowLayout::uniform(1, TOKENS).expect("layout");
    for p in [0.3, 0.8, 1.0].map(top_p) {
        let found = score(&within, exchange, p).expect("scores").remove(0);
        for (t, set) in found.sets().enumerate() {
            let row = &rows[exchange[0].prompt.len() - 1 + t][..TOKENS];
            let expected = CandidateSets::select(&layout, row, Selection::TopP(p)).expect("sets");
            let mut slots: Vec<usize> =
                found.candidates[set].iter().map(|&token| token as usize).collect();
            slots.sort_unstable();
            assert_eq!(slots, expected.slots(0).collect::<Vec<_>>(), "{t}");
            if p.get() == 1.0 {
                assert_eq!((slots.len(), found.mass[t]), (TOKENS, 1.0));
            }
        }
    }
    // With the padding there would have been more.
    let all = score(&padded, exchange, top_p(1.0)).expect("scores").remove(0);
    assert!(all.sizes.iter().all(|&size| size as usize == TOKENS + 6));
}

#[test]
fn rows_that_are_no_tokens_are_never_drawn() {
    // Almost all rows are padding, and at this temperature all are as likely.
    let padded = model("llama", 50 * TOKENS, 1, Mode::Frozen);
    let within = padded.clone().within(TOKENS).expect("fewer");
    let sampling = Sampling { temperature: 1e6, max_new_tokens: 20, ..Sampling::default() };
    let prompts = [[1u32, 2, 3], [4, 5, 6]];
    let largest = |model: &Model| {
        let jobs = Job::of_each(&prompts);
        let watch = &mut |_| std::ops::ControlFlow::Continue(());
        let responses = generate(model, &jobs, &[], &sampling, watch).expect("responses");
        responses.into_iter().flat_map(|r| r.tokens).max().expect("tokens") as usize
    };
    assert!(largest(&within) < TOKENS);
    assert!(largest(&padded) >= TOKENS, "otherwise this says nothing");
}

/// The loss of a student with its gradient to the embedding.
fn measured(objective: &Objective, student: &Model) -> (f64, Vec<f64>) {
    let scores = score(student, &exchanges(), top_p(0.5)).expect("scores");
    let examples = examples(scores);
    let examples: Vec<&Example> = examples.iter().collect();
    let batch = Batch::new(&examples).expect("batch");
    let loss = objective.loss(student, &batch, &examples, batch.rows(), &mut Tally::default());
    let loss = loss.expect("a loss");
    let store = loss.backward().expect("backward");
    let embedding = &student.tensors()["model.embed_tokens.weight"];
    (loss.to_scalar().expect("f64"), doubles(store.get(embedding).expect("a gradient")))
}

fn divergence(forward: bool, teacher: &Model) -> Objective<'_> {
    if forward { Objective::ForwardKl(teacher) } else { Objective::ReverseKl(teacher) }
}

#[test]
fn divergences_are_over_the_tokens_that_both_have_whichever_has_more_rows() {
    for forward in [true, false] {
        for (of_teacher, of_student) in [(TOKENS + 6, TOKENS), (TOKENS, TOKENS + 6)] {
            let teacher = model("qwen2", of_teacher, 1, Mode::Frozen);
            let student = model("llama", of_student, 2, Mode::Trainable);
            let found = measured(&divergence(forward, &teacher), &student);
            let bare = |model: &Model| model.clone().within(TOKENS).expect("fewer");
            let expected = measured(&divergence(forward, &bare(&teacher)), &bare(&student));
            assert_eq!(found, expected, "{of_teacher} rows and {of_student}");
            // By the operators, on logits that are cut by hand.
            let value = by_definition(forward, &teacher, &student);
            // Sums of a hundred numbers below 1 and a mean.
            assert!((found.0 - value).abs() <= 200.0 * f64::EPSILON, "{} {value}", found.0);
            // A row that is no token is never pulled.
            let width = student.config().embedding_width;
            assert!(found.1[TOKENS * width..].iter().all(|&slope| slope == 0.0));
        }
    }
}

/// The mean divergence over the positions of all responses.
fn by_definition(forward: bool, teacher: &Model, student: &Model) -> f64 {
    let mut total = (0.0, 0);
    for Exchange { prompt, response } in exchanges() {
        let sequence = [&prompt[..], &response[..]].concat();
        let tokens = Tokens::padded(&[&sequence], Padding::Right).expect("tokens");
        let policies = [teacher, student].map(|model| {
            let hidden = model.hidden(&tokens, None).expect("hidden states");
            let logits = model.logits(&hidden).and_then(|l| Ok(l.squeeze(0)?.to_vec2::<f64>()?));
            logits.expect("logits")
        });
        let foretold = prompt.len() - 1..sequence.len() - 1;
        let [teacher, student] = &policies;
        for rows in teacher[foretold.clone()].iter().zip(&student[foretold]) {
            let layout = RowLayout::uniform(1, TOKENS).expect("layout");
            let n = Dense::<f64>::new(&layout);
            let full = n.mask(&CandidateSets::full(&layout));
            let [teacher, student] = [rows.0, rows.1].map(|row| {
                let cells = n.cells(&row[..TOKENS]).expect("logits");
                projection(&n, &cells, &full).expect("a policy")
            });
            let divergence = match forward {
                true => kl_divergence(&n, &teacher, &student, &full),
                false => kl_divergence(&n, &student, &teacher, &full),
            };
            total = (total.0 + divergence.expect("a divergence").0[0], total.1 + 1);
        }
    }
    total.0 / f64::from(total.1)
}

#[test]
fn a_padded_teacher_at_p_1_trains_a_student_with_fewer_rows() {
    let settings = BellmanDistill {
        gamma: Discount::new(0.9).expect("γ"),
        phi: Phi::chi2(0.1).expect("α"),
        shift: Shift::VocabMax,
        q_min: -10.0,
    };
    let (shift, outside) = (SparseShift::VocabMax, Outside::Floor);
    let objective = Objective::Bellman(BellmanLoss { settings, shift, outside, mass_weight: 0.0 });
    let student = model("llama", TOKENS + 1, 2, Mode::Trainable);
    let loss = |teacher: &Model| {
        let examples = examples(score(teacher, &exchanges(), top_p(1.0)).expect("scores"));
        let examples: Vec<&Example> = examples.iter().collect();
        let batch = Batch::new(&examples).expect("batch");
        objective.loss(&student, &batch, &examples, batch.rows(), &mut Tally::default())
    };
    let teacher = model("qwen2", TOKENS + 6, 1, Mode::Frozen);
    let refused = loss(&teacher).expect_err("a token that the student does not have");
    assert!(matches!(refused, LlmError::UnknownToken { token: 102, vocabulary: 98 }), "{refused}");
    let loss = loss(&teacher.within(TOKENS).expect("fewer")).expect("a loss");
    assert!(loss.to_scalar::<f64>().expect("f64").is_finite());
}

#[test]
fn what_is_left_out_of_the_logits_stays_in_the_weights() {
    let folder = tempfile::tempdir().expect("folder");
    let within = model("llama", TOKENS + 6, 1, Mode::Trainable).within(TOKENS).expect("fewer");
    assert_eq!(within.frozen().expect("the same").choices(), TOKENS);
    within.save(folder.path()).expect("saved");
    assert_eq!(Checkpoint::open(folder.path()).expect("saved").config().vocabulary, TOKENS + 6);
    // A number beyond the tokens that is in the embedding is no token either.
    let beyond = Exchange { prompt: vec![1], response: vec![TOKENS as u32] };
    let refused = score(&within, &[beyond], top_p(0.5)).expect_err("no token");
    assert!(matches!(refused, LlmError::UnknownToken { token: 97, vocabulary: 97 }), "{refused}");
}
