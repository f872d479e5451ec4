//! Scores of tiny models against the operators on their full vocabulary, and the cache they lie in.

use candle_core::{DType, Device};
use llm::teacher::{
    Cache, Exchange, Expected, FILE, PROMPTS_PER_PART, Prompt, Row, Scores, Settings, Summary,
    fill, hash_model, hash_prompts, read_texts, score,
};
use llm::text::{ByteLevel, Tokenizer};
use llm::training::Example;
use llm::{Checkpoint, LlmError, Mode, Model, Padding, Tokens};
use operators::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
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
    let exchange =
        |(prompt, response)| Exchange { prompt: text(3, prompt), response: text(5, response) };
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

/// Prompts for two parts and a bit.
fn prompts(vocabulary: u32) -> Vec<Prompt> {
    let prompt = |number: u32| {
        let tokens = (0..=number % 5).map(|i| (number + 3 * i) % vocabulary).collect();
        Prompt { number: 2 * number, tokens }
    };
    (0..2 * PROMPTS_PER_PART as u32 + 3).map(prompt).collect()
}

fn settings(prompts: &[Prompt], p: f64) -> Settings {
    Settings {
        weights: "w".into(),
        tokenizer: "t".into(),
        template: "plain".into(),
        prompts: hash_prompts(prompts),
        dtype: "f32".into(),
        p: top_p(p),
        responses: 2,
        temperature: 0.1 + 0.2,
        top_p: 0.8,
        max_new_tokens: 4,
        batch: 4,
        seed: 7,
        short_sets: false,
        source: None,
    }
}

/// Two made-up responses to each prompt, scored by the model.
fn answer(model: &Model, p: TopP, prompts: &[Prompt]) -> Result<Vec<Row>, LlmError> {
    let vocabulary = model.config().vocabulary as u32;
    let asked = prompts.iter().flat_map(|prompt| (0..2).map(move |i| (prompt, i)));
    let exchange = |(prompt, i): (&Prompt, u32)| Exchange {
        prompt: prompt.tokens.clone(),
        response: (0..=i + prompt.number % 3)
            .map(|t| (prompt.number + 11 * t) % vocabulary)
            .collect(),
    };
    let exchanges: Vec<Exchange> = asked.clone().map(exchange).collect();
    let scores = score(model, &exchanges, p)?.into_iter();
    let row =
        |(((prompt, response), exchange), scores): (((&Prompt, u32), Exchange), Scores)| Row {
            prompt: prompt.number,
            response,
            prompt_tokens: exchange.prompt,
            response_tokens: exchange.response,
            ended: response == 0,
            scores,
        };
    Ok(asked.zip(exchanges).zip(scores).map(row).collect())
}

/// What the tokens of the tiny models are called here.
fn vocabulary() -> BTreeMap<u32, String> {
    (0..97).map(|id| (id, format!("t{id}"))).collect()
}

fn rows(cache: &Cache) -> Vec<Row> {
    let rows = cache.rows().expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}

/// A cache made without an interruption, with the rows that went in.
fn made(folder: &Path, p: f64) -> (Cache, Vec<Row>) {
    let model = model("llama");
    let prompts = prompts(model.config().vocabulary as u32);
    let mut all = Vec::new();
    let answer = |part: &[Prompt]| {
        let rows = answer(&model, top_p(p), part)?;
        all.extend(rows.clone());
        Ok(rows)
    };
    let go_on = |_| ControlFlow::Continue(());
    let cache = fill(folder, &settings(&prompts, p), &prompts, &vocabulary(), answer, go_on);
    (cache.expect("a cache").expect("finished"), all)
}

#[test]
fn a_cache_gives_back_what_went_in() {
    let folder = tempfile::tempdir().expect("folder");
    let (cache, all) = made(folder.path(), 0.8);
    assert_eq!(rows(&cache), all);
    assert_eq!(cache.responses(), all.len() as u64);
    let prompts = prompts(model("llama").config().vocabulary as u32);
    assert_eq!(*cache.settings(), settings(&prompts, 0.8));
    assert_eq!(cache.path(), folder.path().join(FILE));
    assert!(!folder.path().join("parts").exists());

    let summary = Summary::of(&cache).expect("a summary");
    assert_eq!(summary.responses, all.len() as u64);
    assert_eq!(summary.ended, 0.5);
    let sizes = || all.iter().flat_map(|row| &row.scores.sizes);
    assert_eq!(summary.tokens, sizes().count() as u64);
    assert_eq!(Some(&summary.set_sizes.max), sizes().max());
    let bytes = std::fs::metadata(cache.path()).expect("file").len();
    assert_eq!(summary.bytes_per_token, bytes as f64 / summary.tokens as f64);
}

#[test]
fn a_cache_at_a_smaller_p_is_the_one_made_at_that_p() {
    let folder = tempfile::tempdir().expect("folder");
    let (large, _) = made(&folder.path().join("large"), 0.9);
    for p in [0.2, 0.55, 0.9] {
        let (_, expected) = made(&folder.path().join(p.to_string()), p);
        let found = rows(&large.clone().at_p(top_p(p)).expect("a smaller p"));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            let (found, expected) = (&found.scores, &expected.scores);
            assert_eq!(found.sizes, expected.sizes);
            assert_eq!(found.candidates, expected.candidates);
            assert_eq!(found.log_probabilities, expected.log_probabilities);
            for (found, expected) in found.mass.iter().zip(&expected.mass) {
                // Each log-probability, at most 16 in size, was rounded to f32, and so was each mass.
                let slack = expected * (16.0 + 2.0) * f32::EPSILON / 2.0;
                assert!((found - expected).abs() <= slack, "{found} {expected}");
            }
        }
    }
    let error = large.at_p(top_p(0.95)).unwrap_err().to_string();
    let message = "candidate sets at p = 0.95 are not in a cache made at p = 0.9";
    assert!(error.ends_with(message), "{error}");
}

#[test]
fn the_adaptive_rule_cuts_sets_so_that_a_response_leaks_no_more_than_the_budget() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, all) = made(&folder.path().join("whole"), 1.0);
    let gamma = Discount::new(0.9).expect("a discount");
    let (mut smaller, mut most) = (0, 0.0f64);
    for row in &all {
        let budget = Budget::new(2.0, gamma).within(row.scores.positions());
        let (scores, short) = row.scores.adaptive(budget);
        assert_eq!((short, scores.positions()), (vec![], row.scores.positions()));
        let weights = (0..).map(|t| gamma.get().powi(t));
        let leaks = scores.mass.iter().map(|&mass| -f64::from(mass).ln());
        let leaked: f64 = weights.zip(leaks).map(|(weight, leak)| weight * leak).sum();
        // Σ γ^t = 10 masses, each off by the rounding to f32.
        assert!(leaked <= 2.0 + 10.0 * f64::from(f32::EPSILON), "{leaked}");
        most = most.max(leaked);
        let fixed = row.scores.at_p(budget.mass());
        for (t, size) in scores.sizes.iter().enumerate() {
            assert!(*size <= fixed.sizes[t]);
            smaller += u32::from(*size < fixed.sizes[t]);
        }
    }
    assert!(smaller > 0 && most > 1.0, "{smaller} {most}");
}

#[test]
fn sets_that_hold_less_than_the_adaptive_rule_asks_for_are_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, all) = made(&folder.path().join("half"), 0.5);
    let budget = Budget::new(0.1, Discount::new(0.9).expect("a discount"));
    for row in &all {
        let (scores, short) = row.scores.adaptive(budget);
        assert_eq!(scores, row.scores, "every set is taken whole");
        let below = (0..row.scores.positions()).filter(|&t| row.scores.mass[t] < 1.0);
        assert_eq!(
            short,
            below.collect::<Vec<_>>(),
            "after the first there is nothing left to spend"
        );
    }
}

/// Σ γ^t ℓ(s_t) of the largest among some responses.
fn most_leaked(scores: impl Iterator<Item = Scores>, gamma: f64) -> f64 {
    let leaked = |scores: Scores| {
        let leaks = scores.mass.iter().map(|&mass| -f64::from(mass).ln());
        (0..).zip(leaks).map(|(t, leak)| gamma.powi(t) * leak).sum::<f64>()
    };
    scores.map(leaked).fold(0.0, f64::max)
}

#[test]
fn examples_of_the_adaptive_rule_leak_no_more_than_the_budget_or_say_where_they_would() {
    let folder = tempfile::tempdir().expect("folder");
    let (cache, rows) = made(&folder.path().join("whole"), 1.0);
    let (gamma, epsilon) = (0.9, 2.0);
    let budget = Budget::new(epsilon, Discount::new(gamma).expect("a discount"));
    let examples = Example::of_cache_within(&cache, 1000, budget).expect("sets");
    assert_eq!(examples.len(), rows.iter().filter(|r| !r.response_tokens.is_empty()).count());
    let scores = |e: &Example| e.scores.clone().expect("scores");
    // Σ γ^t = 10 masses, each off by the rounding to f32.
    let slack = 10.0 * f64::from(f32::EPSILON);
    assert!(most_leaked(examples.iter().map(scores), gamma) <= epsilon + slack);
    // Sets that break the rule do not pass: those of a p with another guarantee.
    let fixed = TopP::new(0.5).expect("p");
    assert!(most_leaked(rows.iter().map(|r| r.scores.at_p(fixed)), gamma) > epsilon + slack);
    // What is cut keeps the sets that it had.
    let cut = Example::of_cache_within(&cache, 5, budget).expect("sets");
    let whole = examples.iter().find(|e| e.prompt == cut[0].prompt).expect("the same prompt");
    let (cut, whole) = (scores(&cut[0]), scores(whole));
    assert_eq!(cut.sizes[..], whole.sizes[..cut.positions()]);

    let (half, rows) = made(&folder.path().join("half"), 0.5);
    let error = Example::of_cache_within(&half, 1000, budget).expect_err("short sets");
    let LlmError::ShortOfBudget { prompt, response, position, asked, .. } = error else {
        panic!("{error}");
    };
    let row = rows.iter().find(|r| (r.prompt, r.response) == (prompt, response)).expect("a row");
    assert!(row.scores.mass[position] < asked as f32, "{asked}");
    assert!(row.scores.mass[..position].iter().all(|&mass| f64::from(mass) >= 0.5));
}

#[test]
fn texts_are_scored_as_they_stand() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, mut rows) = made(&folder.path().join("made"), 0.8);
    let model = model("llama");
    rows.retain(|row| !row.response_tokens.is_empty());
    let bare = |row: &Row| Row { scores: Scores::default(), ..row.clone() };
    let bare: Vec<Row> = rows.iter().map(bare).collect();
    // One at a time: another batch, other roundings of f32.
    let found = read_texts(&model, bare.clone(), top_p(0.8), 1, &|| false).expect("scores");
    for (found, row) in found.iter().zip(&rows) {
        assert_eq!(found.response_tokens, row.response_tokens);
        for (f, r) in found.scores.chosen.iter().zip(&row.scores.chosen) {
            assert!((f - r).abs() < 1e-4, "{f} is not {r}");
        }
    }
    assert!(matches!(read_texts(&model, bare, top_p(0.8), 1, &|| true), Err(LlmError::Stopped)));
}

#[test]
fn a_cache_taken_up_again_is_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().expect("folder");
    let model = model("llama");
    let prompts = prompts(model.config().vocabulary as u32);
    let settings = settings(&prompts, 0.8);
    let (whole, _) = made(&folder.path().join("whole"), 0.8);
    let expected = std::fs::read(whole.path()).expect("file");
    for after in 0..=3 {
        let folder = folder.path().join(after.to_string());
        let mut asked = 0;
        let mut run = |stop: usize| {
            let count = |part: &[Prompt]| {
                asked += part.len();
                answer(&model, top_p(0.8), part)
            };
            let mut parts = 0;
            let watch = |_| {
                parts += 1;
                if parts > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            fill(&folder, &settings, &prompts, &vocabulary(), count, watch).expect("no error")
        };
        assert_eq!(run(after).is_some(), after == 3, "{after}");
        // What a process that was killed while it wrote leaves behind.
        if after < 3 {
            let half = folder.join(format!("parts/{after:06}.aside"));
            std::fs::write(half, &expected[..expected.len() / 2]).expect("file");
            std::fs::write(folder.join("teacher.aside"), "PAR1").expect("file");
        }
        let cache = run(usize::MAX).expect("finished");
        assert_eq!(asked, prompts.len(), "no prompt is asked twice");
        assert!(std::fs::read(cache.path()).expect("file") == expected, "{after}");
    }
}

#[test]
fn a_part_that_was_made_with_other_settings_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let model = model("llama");
    let prompts = prompts(model.config().vocabulary as u32);
    let one_part = |settings: &Settings| {
        let mut parts = 0;
        let watch = |_| {
            parts += 1;
            if parts > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let p = settings.p;
        let answer = |part: &[Prompt]| answer(&model, p, part);
        fill(folder.path(), settings, &prompts, &vocabulary(), answer, watch)
    };
    let first = settings(&prompts, 0.8);
    assert!(one_part(&first).expect("no error").is_none());
    let error = one_part(&Settings { seed: 8, ..first }).unwrap_err().to_string();
    assert!(error.ends_with("000000.parquet: its seed is 7, where 8 is needed"), "{error}");
}

/// A byte-level tokenizer of these tokens.
fn tokenizer(tokens: &BTreeMap<u32, String>) -> Tokenizer {
    let byte_level = ByteLevel {
        model: "gpt2".into(),
        pre: "gpt-2".into(),
        tokens: tokens.values().cloned().collect(),
        ..ByteLevel::default()
    };
    byte_level.tokenizer(Path::new("tokens")).expect("a tokenizer")
}

#[test]
fn a_cache_knows_the_tokens_that_occur_and_another_tokenizer_may_have_more_or_other_rules() {
    let folder = tempfile::tempdir().expect("folder");
    let (cache, all) = made(folder.path(), 0.02);
    let lists = |row: &Row| {
        [&row.prompt_tokens, &row.response_tokens, &row.scores.candidates].map(Clone::clone)
    };
    let used: BTreeSet<u32> = all.iter().flat_map(lists).flatten().collect();
    let tokens = cache.tokens().expect("tokens").clone();
    assert_eq!(tokens.keys().copied().collect::<BTreeSet<u32>>(), used);
    assert!(tokens.iter().all(|(id, token)| *token == format!("t{id}")));
    assert!(used.len() < 97, "otherwise nothing can be added");

    let own = tokenizer(&vocabulary());
    cache.agree(&own).expect("its own tokens");
    // The same vocabulary in another file, with another rule for what is no token.
    let file = folder.path().join("tokenizer.json");
    own.save(&file).expect("saved");
    let text = std::fs::read_to_string(&file).expect("text");
    let text = text.replace("\"ignore_merges\": false", "\"ignore_merges\": true");
    let other = Tokenizer::parse(&text, &file).expect("a tokenizer");
    assert_ne!(other.hash(), own.hash());
    cache.agree(&other).expect("the same tokens");

    let mut changed = vocabulary();
    let unused = (0..97).find(|id| !used.contains(id)).expect("one that does not occur");
    changed.insert(unused, "other".into());
    changed.insert(97, "more".into());
    cache.agree(&tokenizer(&changed)).expect("what does not occur does not matter");
    let first = *used.first().expect("one that occurs");
    changed.insert(first, "wrong".into());
    let error = cache.agree(&tokenizer(&changed)).unwrap_err().to_string();
    let message = format!("differ in 1 tokens: {first} is \"t{first}\" here, \"wrong\" there");
    assert!(error.ends_with(&message), "{error}");
    let last = *used.last().expect("one that occurs");
    let fewer = vocabulary().into_iter().filter(|&(id, _)| id < last).collect();
    let error = cache.agree(&tokenizer(&fewer)).unwrap_err().to_string();
    assert!(error.contains(&format!("{last} is \"t{last}\" here, nothing there")), "{error}");
}

#[test]
fn a_folder_is_filled_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().expect("folder");
    let model = model("llama");
    let prompts = prompts(model.config().vocabulary as u32);
    let settings = settings(&prompts, 0.8);
    let again = || {
        let never = |_: &[Prompt]| panic!("nobody is asked");
        let go_on = |_| ControlFlow::Continue(());
        fill(folder.path(), &settings, &prompts, &vocabulary(), never, go_on)
    };
    let mut refused = 0;
    let answer = |part: &[Prompt]| {
        assert!(matches!(again(), Err(LlmError::Busy { .. })));
        refused += 1;
        answer(&model, top_p(0.8), part)
    };
    let go_on = |_| ControlFlow::Continue(());
    let cache = fill(folder.path(), &settings, &prompts, &vocabulary(), answer, go_on);
    let cache = cache.expect("a cache").expect("finished");
    assert_eq!(refused, 3);
    // The lock went with the parts, and what is finished is there for everybody.
    assert!(!folder.path().join("parts").exists());
    assert_eq!(rows(&again().expect("no error").expect("finished")), rows(&cache));
}

#[test]
fn rows_that_nobody_asked_for_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let model = model("llama");
    let prompts = prompts(model.config().vocabulary as u32);
    let settings = settings(&prompts, 0.8);
    type Change = fn(&mut Vec<Row>);
    let changes: [(Change, &str); 5] = [
        (|rows| drop(rows.pop()), "31 responses where there are to be 32"),
        (|rows| rows[1].response = 0, "response 0 to prompt 0 stands where response 1 to prompt 0"),
        (|rows| rows[2].prompt = 9, "response 0 to prompt 9 stands where response 0 to prompt 2"),
        (|rows| rows[0].scores.mass.clear(), "captured_mass has 0 entries for 1 response token"),
        (|rows| rows[0].scores.chosen[0] = f32::NAN, "NaN is no log-probability"),
    ];
    for (change, problem) in changes {
        let answer = |part: &[Prompt]| {
            let mut rows = answer(&model, top_p(0.8), part)?;
            change(&mut rows);
            Ok(rows)
        };
        let go_on = |_| ControlFlow::Continue(());
        let error =
            fill(folder.path(), &settings, &prompts, &vocabulary(), answer, go_on).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn every_setting_that_differs_is_refused_with_both_values() {
    let folder = tempfile::tempdir().expect("folder");
    let (cache, _) = made(folder.path(), 0.8);
    let settings = cache.settings().clone();
    let others = [
        Settings { weights: "W".into(), ..settings.clone() },
        Settings { tokenizer: "T".into(), ..settings.clone() },
        Settings { template: "alpaca".into(), ..settings.clone() },
        Settings { prompts: "none".into(), ..settings.clone() },
        Settings { dtype: "f64".into(), ..settings.clone() },
        Settings { p: top_p(0.5), ..settings.clone() },
        Settings { responses: 8, ..settings.clone() },
        Settings { temperature: 0.3, ..settings.clone() },
        Settings { top_p: 1.0, ..settings.clone() },
        Settings { max_new_tokens: 5, ..settings.clone() },
        Settings { batch: 1, ..settings.clone() },
        Settings { seed: 0, ..settings.clone() },
    ];
    let named = settings.entries();
    // Short sets may be there where they are allowed, and need not.
    assert_eq!(others.len() + 1, named.len(), "one for each setting");
    for (other, (name, found)) in others.iter().zip(named) {
        let expected = Expected::all(other);
        let (_, wanted) = other.entries().into_iter().find(|(n, _)| *n == name).expect("it");
        let error = Cache::open(cache.path(), &expected).unwrap_err().to_string();
        let message = format!("its {name} is {found}, where {wanted} is needed");
        assert!(error.ends_with(&message), "{error}");
    }
    let path = cache.path();
    let expect = Expected::anything;
    assert!(Cache::open(path, &expect().weights("w").tokenizer("t").template("plain")).is_ok());
    assert!(Cache::open(path, &expect().prompts(&settings.prompts)).is_ok());
    for expected in [
        expect().weights("x"),
        expect().tokenizer("x"),
        expect().template("x"),
        expect().prompts("x"),
    ] {
        let error = Cache::open(path, &expected).unwrap_err();
        assert!(matches!(error, LlmError::CacheMismatch { .. }), "{error}");
    }
}

#[test]
fn the_hash_of_a_model_is_that_of_its_content() {
    let folder = |name: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name)
    };
    let copy = tempfile::tempdir().expect("folder");
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(folder("llama").join(file), copy.path().join(file)).expect("a copy");
    }
    let hash = |path: &Path| hash_model(path).expect("a hash");
    let before = hash(copy.path());
    assert_eq!(before.len(), 64);
    std::fs::write(copy.path().join("README.md"), "not the model").expect("file");
    assert_eq!(hash(copy.path()), before);
    let mut weights = std::fs::read(copy.path().join("model.safetensors")).expect("file");
    *weights.last_mut().expect("bytes") ^= 1;
    std::fs::write(copy.path().join("model.safetensors"), weights).expect("file");
    assert_ne!(hash(copy.path()), before);
}

/// Opens bytes as a cache and reads it to the end.
fn read(bytes: &[u8]) -> Result<Vec<Row>, LlmError> {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), bytes).expect("file");
    let cache = Cache::open(file.path(), &Expected::anything())?;
    cache.rows()?.collect()
}

#[test]
fn a_cache_cut_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let (cache, _) = made(folder.path(), 0.8);
    let bytes = std::fs::read(cache.path()).expect("file");
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        let error = read(&bytes[..length]).unwrap_err();
        assert!(matches!(error, LlmError::Cache { .. }), "{length}: {error}");
    }
    let error = read(b"{}").unwrap_err();
    assert!(matches!(error, LlmError::Cache { .. }), "{error}");
}

#[test]
fn damaged_bytes_end_in_rows_or_in_an_error_never_in_a_panic() {
    let folder = tempfile::tempdir().expect("folder");
    let (cache, _) = made(folder.path(), 0.8);
    let bytes = std::fs::read(cache.path()).expect("file");
    let place = prop_oneof![0..bytes.len(), bytes.len().saturating_sub(3000)..bytes.len()];
    let changes = prop::collection::vec((place, any::<u8>()), 1..4);
    proptest!(|(changes in changes)| {
        let mut bytes = bytes.clone();
        for (place, byte) in changes {
            bytes[place] = byte;
        }
        let result = read(&bytes);
        let cache = matches!(result, Err(LlmError::Cache { .. } | LlmError::CacheMismatch { .. }));
        prop_assert!(result.is_ok() || cache, "{:?}", result.err());
    });
}
