//! Several ranks train, score and answer as one does.

use candle_core::{DType, Device, Tensor};
use llm::evaluation::{Respond, respond};
use llm::generation::Sampling;
use llm::teacher::{
    Answers, Cache, Exchange, Prompt, Settings, fill, fill_over, hash_prompts, score,
};
use llm::text::Tokenizer;
use llm::training::*;
use llm::{Checkpoint, LlmError, Mode, Model};
use operators::*;
use ranks::{Ranks, threads};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;

const CPU: Device = Device::Cpu;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name)
}

fn model(name: &str, dtype: DType, mode: Mode) -> Model {
    Checkpoint::open(&folder(name)).expect("a model").model(dtype, &CPU, mode).expect("weights")
}

/// What each rank's work comes to, in order of rank.
fn on<T: Send>(size: usize, work: impl Fn(Ranks) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let start = |ranks| {
            // Backpropagation follows the computation call by call.
            let builder = thread::Builder::new().stack_size(1 << 26);
            builder.spawn_scoped(scope, move || work(ranks)).unwrap()
        };
        let started: Vec<_> = threads(size).into_iter().map(start).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn tokens(from: u32, length: u32) -> Vec<u32> {
    (0..length).map(|i| (from + 7 * i) % 97).collect()
}

/// Examples of different lengths with the candidate sets of a tiny model.
fn examples() -> Vec<Example> {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    let exchange = |i: u32| Exchange {
        prompt: tokens(3 + i, 2 + i % 5),
        response: tokens(5 * i, 1 + (5 * i) % 13),
    };
    let exchanges: Vec<Exchange> = (0..11).map(exchange).collect();
    let scores = score(&teacher, &exchanges, TopP::new(0.5).unwrap()).unwrap();
    let example = |(i, (exchange, scores))| {
        let Exchange { prompt, response } = exchange;
        Example { prompt, response, ended: i % 2 == 0, scores: Some(scores) }
    };
    exchanges.into_iter().zip(scores).enumerate().map(example).collect()
}

fn text() -> Vec<Example> {
    Example::of_text(&(0..96).map(|i| i * i % 97).collect::<Vec<u32>>(), 16)
}

fn settings(batch: usize) -> TrainerSettings {
    TrainerSettings {
        steps: 20,
        batch,
        micro_batch: 3,
        learning_rate: 1e-3,
        warm_up: 3,
        clip: 1.0,
        text_weight: 0.5,
        text_kl: 0.0,
        checkpointing: false,
        seed: 7,
        optimiser: AdamWSettings::default(),
    }
}

fn bellman() -> Objective<'static> {
    let phi = Phi::chi2(0.1).unwrap();
    let gamma = Discount::new(0.9).unwrap();
    let settings = BellmanDistill { gamma, phi, shift: Shift::Zero, q_min: -10.0 };
    let shift = SparseShift::VocabMax;
    Objective::Bellman(BellmanLoss { settings, shift, outside: Outside::Floor, mass_weight: 0.1 })
}

type Weights = BTreeMap<String, Vec<f64>>;

fn weights(model: &Model) -> Weights {
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_dtype(DType::F64).unwrap();
    model.tensors().iter().map(|(name, t)| (name.clone(), flat(t).to_vec1().unwrap())).collect()
}

/// The largest ‖a − b‖ / ‖b‖ of all tensors.
fn distance(a: &Weights, b: &Weights) -> f64 {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let of = |(name, b): (&String, &Vec<f64>)| {
        let difference = norm(&mut a[name].iter().zip(b).map(|(a, b)| a - b));
        difference / norm(&mut b.iter().copied())
    };
    b.iter().map(of).fold(0.0, f64::max)
}

/// Twenty steps of `batch` examples by these ranks: the weights and what the last step says.
fn trained(ranks: &Ranks, objective: &Objective, batch: usize, dtype: DType) -> (Weights, Step) {
    let (examples, text) = (examples(), text());
    let student = model("llama", dtype, Mode::Trainable);
    let data = (&examples[..], &text[..]);
    let trainer = Trainer::new(student, objective.clone(), data, settings(batch)).unwrap();
    let mut trainer = trainer.over(ranks).unwrap();
    let last = (0..20).map(|_| trainer.step().unwrap()).last();
    (weights(trainer.student()), last.unwrap())
}

#[test]
fn two_ranks_end_with_the_weights_of_one_with_the_doubled_batch() {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    let Objective::Bellman(BellmanLoss { settings, .. }) = bellman() else { unreachable!() };
    let on_policy = OnPolicy::new(0.2, 0.2, true).unwrap();
    let objectives = [
        (bellman(), DType::F32),
        (Objective::CrossEntropy, DType::F64),
        (Objective::BellmanWhole(WholeLoss { settings, shift: SparseShift::VocabMax }), DType::F64),
        (Objective::CandidateKl, DType::F64),
        (Objective::ForwardKl(&teacher), DType::F64),
        (
            Objective::OnPolicy(OnPolicyLoss {
                teacher: &teacher,
                settings: on_policy,
                ends: vec![2],
                max_new_tokens: 9,
                longest: 16,
            }),
            DType::F64,
        ),
    ];
    for (objective, dtype) in objectives {
        let start = weights(&model("llama", dtype, Mode::Frozen));
        // Of four examples each.
        let (one, step) = trained(&Ranks::alone(), &objective, 8, dtype);
        let two = on(2, |ranks| trained(&ranks, &objective, 8, dtype));
        assert!(distance(&start, &one) > 1e-3, "training changes something");
        for (found, last) in &two {
            let distance = distance(found, &one);
            assert!(distance <= 1e-6, "{dtype:?}: {distance:e}");
            assert_eq!((last.tokens, last.number), (step.tokens, 20));
            assert!((last.loss - step.loss).abs() <= 1e-5 * step.loss.abs());
            assert!((last.text_loss.unwrap() - step.text_loss.unwrap()).abs() <= 1e-5);
            assert_eq!(last.tally.rows, step.tally.rows);
        }
        assert!(two[0] == two[1], "all ranks have the same bits");
        // What the test would not notice if ranks did not hear of each other.
        let (half, _) = trained(&Ranks::alone(), &objective, 4, dtype);
        assert!(distance(&half, &one) > 1e-4);
    }
}

#[test]
fn more_ranks_than_examples_still_train() {
    let objective = Objective::CrossEntropy;
    let (one, _) = trained(&Ranks::alone(), &objective, 2, DType::F64);
    for (found, _) in on(3, |ranks| trained(&ranks, &objective, 2, DType::F64)) {
        assert!(distance(&found, &one) <= 1e-9);
    }
}

/// A run in a folder, by these ranks; rank 1 breaks off after so many steps.
fn run(ranks: &Ranks, folder: &Path, stop: usize) -> Result<(Weights, bool), LlmError> {
    let (examples, text) = (examples(), text());
    let phase = |name: &str, objective| Phase {
        name: name.into(),
        objective,
        examples: examples.clone(),
        settings: TrainerSettings { steps: 6, ..settings(4) },
    };
    let phases = [phase("sft", Objective::CrossEntropy), phase("bd", bellman())];
    let student = model("llama", DType::F32, Mode::Trainable);
    let rhythm = Rhythm { save: 2, score: 3, patience: 0 };
    let mut run = Run::open_over(ranks, folder, &phases, &text, rhythm)?;
    let mut score = |model: &Model| {
        let sum: f64 = weights(model).values().flatten().map(|x| x.abs()).sum();
        Ok((sum * 1000.0).sin())
    };
    let (mut taken, rank) = (0, ranks.rank());
    let finished = run.train(&student, Some(&mut score), &mut |event| {
        taken += usize::from(matches!(event, Event::Step(_)));
        let stops = rank == 1 && taken >= stop;
        if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok((weights(&student), finished))
}

#[test]
fn what_fails_on_any_rank_is_known_to_all() {
    let right = examples();
    // Each example in turn carries less mass than it is to: some of them are checked by rank 1.
    let failed = |damaged: usize| {
        let mut examples = right.clone();
        examples[damaged].scores.as_mut().unwrap().mass[0] = 0.25;
        let folder = tempfile::tempdir().unwrap();
        let of_ranks = on(2, |ranks| {
            let settings = TrainerSettings { steps: 2, text_weight: 0.0, ..settings(8) };
            let (name, objective) = ("bd".into(), bellman());
            let phases = [Phase { name, objective, examples: examples.clone(), settings }];
            let student = model("llama", DType::F32, Mode::Trainable);
            let rhythm = Rhythm { save: 0, score: 0, patience: 0 };
            let run = Run::open_over(&ranks, folder.path(), &phases, &[], rhythm).unwrap();
            let mut run = run.with_checks(Checks { every: 1, p: TopP::new(0.5).ok() });
            let error = run.train(&student, None, &mut |_| ControlFlow::Continue(()));
            match error.unwrap_err() {
                LlmError::Check { step, checked } => (step, *checked),
                other => panic!("{other}"),
            }
        });
        assert_eq!(of_ranks[0], of_ranks[1]);
        let place = of_ranks[0].1.place.clone();
        let log = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
        let example = place.split_once(", ").unwrap().1;
        assert!(log.contains(example), "the first rank writes it down: {log}");
        place
    };
    let places: Vec<String> = (0..right.len()).map(failed).collect();
    for rank in ["process 0, ", "process 1, "] {
        assert!(places.iter().any(|place| place.starts_with(rank)), "{places:?}");
    }
}

#[test]
fn a_run_that_one_rank_breaks_off_goes_on_on_all_to_the_same_bits() {
    let whole = tempfile::tempdir().unwrap();
    let expected = on(2, |ranks| run(&ranks, whole.path(), usize::MAX).unwrap());
    assert!(expected[0].1 && expected[0] == expected[1]);
    let lines =
        |folder: &Path| std::fs::read_to_string(folder.join("log.jsonl")).unwrap().lines().count();
    let broken = tempfile::tempdir().unwrap();
    let mut calls = 0;
    let found = loop {
        let found = on(2, |ranks| run(&ranks, broken.path(), 5).unwrap());
        calls += 1;
        assert_eq!(found[0].1, found[1].1, "all end, or none");
        if found[0].1 {
            break found;
        }
    };
    assert_eq!(calls, 3);
    assert!(found == expected);
    // One rank writes: nothing is there twice.
    assert_eq!(lines(broken.path()), lines(whole.path()));
    assert_eq!(lines(whole.path()), 2 * (6 + 3));
}

#[test]
fn ranks_that_find_different_states_are_refused() {
    let (there, nothing) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&Ranks::alone(), there.path(), usize::MAX).unwrap();
    let found = on(2, |ranks| {
        let folder = [&there, &nothing][ranks.rank()];
        run(&ranks, folder.path(), usize::MAX).map(|_| ()).unwrap_err().to_string()
    });
    for error in found {
        assert!(error.contains("all ranks need the same build, arguments and files"), "{error}");
    }
}

fn cache_settings(prompts: &[Prompt]) -> Settings {
    Settings {
        weights: "of the test".into(),
        tokenizer: "none".into(),
        template: "none".into(),
        prompts: hash_prompts(prompts),
        dtype: "f32".into(),
        p: TopP::new(0.8).unwrap(),
        responses: 2,
        temperature: 1.0,
        top_p: 1.0,
        max_new_tokens: 4,
        batch: 8,
        seed: 3,
        short_sets: false,
        source: None,
    }
}

fn sampling(max_new_tokens: usize) -> Sampling {
    Sampling { temperature: 1.0, top_p: 1.0, greedy: false, max_new_tokens, seed: 3 }
}

#[test]
fn teacher_data_of_several_ranks_are_those_of_one_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let teacher = model("llama", DType::F32, Mode::Frozen);
    // Five parts, the last one short.
    let prompt = |number| Prompt { number, tokens: tokens(number, 2 + number % 5) };
    let prompts: Vec<Prompt> = (0..70).map(prompt).collect();
    let settings = cache_settings(&prompts);
    let answers = Answers {
        model: &teacher,
        ends: &[2],
        p: settings.p,
        sampling: sampling(4),
        responses: 2,
        batch: 8,
    };
    let answer = |part: &[Prompt]| answers.rows(part, &|| false);
    let go_on = |_| ControlFlow::Continue(());
    let bytes = |cache: Option<Cache>| std::fs::read(cache.expect("finished").path()).unwrap();
    let alone = fill(
        &folder.path().join("alone"),
        &settings,
        &prompts,
        &tokenizer().vocabulary(),
        answer,
        go_on,
    )
    .unwrap();
    let expected = bytes(alone);
    for size in [2, 3] {
        let folder = folder.path().join(size.to_string());
        // Stopped on one rank in the middle, and gone on with.
        for stop in [true, false] {
            let made = on(size, |ranks| {
                let mut rounds = 0;
                let watch = |_| {
                    rounds += 1;
                    let stops = stop && rounds == 2 && ranks.rank() == 1;
                    if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                let mut asked = 0;
                let answer = |part: &[Prompt]| {
                    asked += 1;
                    answer(part)
                };
                let made = fill_over(
                    &ranks,
                    &folder,
                    &settings,
                    &prompts,
                    &tokenizer().vocabulary(),
                    answer,
                    watch,
                )
                .unwrap();
                (made, asked)
            });
            if stop {
                assert!(made.iter().all(|(made, _)| made.is_none()));
            } else {
                assert!(made.iter().map(|(_, asked)| asked).sum::<usize>() < 5, "parts are kept");
                for (cache, _) in made {
                    assert!(bytes(cache) == expected, "{size} ranks");
                }
            }
        }
        assert!(!folder.join("parts").exists());
    }
}

/// A tokenizer that has a token for each id of the tiny models.
fn tokenizer() -> Tokenizer {
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        (0..97).map(|i| (format!("t{i}"), i.into())).collect();
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null,
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "t0"},
    });
    Tokenizer::parse(&json.to_string(), Path::new("tokenizer.json")).unwrap()
}

#[test]
fn responses_of_several_ranks_are_those_of_one() {
    let (model, tokenizer) = (model("llama", DType::F32, Mode::Frozen), tokenizer());
    let prompt = |number| Prompt { number, tokens: tokens(number, 9 - number % 7) };
    let prompts: Vec<Prompt> = (0..11).map(prompt).collect();
    let (ends, sampling) = ([2], sampling(6));
    let go_on = &mut |_| ControlFlow::Continue(());
    let alone = respond(&model, &tokenizer, &prompts, &ends, &sampling, 3, go_on).unwrap();
    let over = |ranks: Ranks, stop: usize| {
        let parts = Respond {
            model: &model,
            tokenizer: &tokenizer,
            ends: &ends,
            sampling: &sampling,
            batch: 3,
        };
        let stops = ranks.rank() == stop;
        parts.over(&ranks, &prompts, &mut |_| {
            if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    };
    for texts in on(2, |ranks| over(ranks, usize::MAX)) {
        assert_eq!(texts.unwrap(), alone);
    }
    for texts in on(2, |ranks| over(ranks, 1)) {
        assert!(matches!(texts, Err(LlmError::Stopped)), "{texts:?}");
    }
}
