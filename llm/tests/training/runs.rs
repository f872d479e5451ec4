//! Runs: what is on disk, scores, checks, and going on.

use super::*;

fn phases<'a>(examples: &[Example], teacher: &'a Model) -> Vec<Phase<'a>> {
    let loss = bellman(SparseShift::VocabMax, Phi::chi2(0.1).unwrap(), Outside::Floor);
    let own = Objective::OnPolicy(on_policy(teacher, 0.2, 0.2));
    [
        ("sft", Objective::CrossEntropy, 12),
        ("bd", Objective::Bellman(loss), 12),
        ("minillm", own, 3),
    ]
    .map(|(name, objective, steps)| Phase {
        name: name.into(),
        objective,
        examples: examples.to_vec(),
        settings: TrainerSettings { steps, ..settings(2) },
    })
    .into()
}

const RHYTHM: Rhythm = Rhythm { save: 5, score: 4, patience: 0 };

/// Trains in a folder until `break_off` steps are taken; whether it came to its end.
fn train(folder: &Path, break_off: usize) -> (Model, bool) {
    let (examples, text) = (examples(0.5), text());
    let teacher = model("qwen2", DType::F32, Mode::Frozen);
    let phases = phases(&examples, &teacher);
    let student = model("llama", DType::F32, Mode::Trainable);
    let mut run = Run::open(folder, &phases, &text, RHYTHM).unwrap();
    // Not a good score, but one that differs from step to step and has its best in the middle.
    let mut score = |model: &Model| {
        let sum: f32 = numbers(model).values().flatten().map(|x| x.abs()).sum();
        Ok(f64::from((sum * 1000.0).sin()))
    };
    let mut taken = 0;
    let finished = run.train(&student, Some(&mut score), &mut |event| {
        taken += usize::from(matches!(event, Event::Step(_)));
        if taken >= break_off { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (student, finished.unwrap())
}

fn log(folder: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("log.jsonl")).unwrap();
    let line = |line: &str| {
        let mut entry: serde_json::Value = serde_json::from_str(line).unwrap();
        entry.as_object_mut().unwrap().remove("seconds");
        entry
    };
    text.lines().map(line).collect()
}

#[test]
fn a_run_that_is_broken_off_at_any_step_ends_with_the_same_weights_and_the_same_log() {
    let whole = tempfile::tempdir().unwrap();
    let (expected, finished) = train(whole.path(), usize::MAX);
    assert!(finished);
    let expected = numbers(&expected);
    assert_eq!(log(whole.path()).len(), 2 * (12 + 4) + (3 + 2));
    for every in [1, 2, 5, 7, 23] {
        let folder = tempfile::tempdir().unwrap();
        let mut calls = 1;
        let student = loop {
            match train(folder.path(), every) {
                (student, true) => break student,
                (_, false) => calls += 1,
            }
        };
        assert!(calls >= 27 / every, "{calls} calls");
        assert!(numbers(&student) == expected, "broken off every {every} steps");
        assert_eq!(log(folder.path()), log(whole.path()), "broken off every {every} steps");
    }
}

/// One phase of sft with these scores, in the order in which they are asked for; `None` is broken
/// off. Returns the log and the student, or nothing where it was broken off.
fn scored(folder: &Path, scores: &mut dyn Iterator<Item = Option<f64>>, patience: u64) -> Scored {
    let (examples, text) = (examples(0.5), text());
    let teacher = model("qwen2", DType::F32, Mode::Frozen);
    let phases = &phases(&examples, &teacher)[..1];
    let student = model("llama", DType::F32, Mode::Trainable);
    let rhythm = Rhythm { save: 100, score: 2, patience };
    let mut run = Run::open(folder, phases, &text, rhythm).unwrap();
    let mut seen = Vec::new();
    let mut score = |model: &Model| {
        let score = scores.next().unwrap().ok_or(LlmError::Stopped)?;
        seen.push((score, numbers(model)));
        Ok(score)
    };
    let watch = &mut |_: &Event| ControlFlow::Continue(());
    let finished = run.train(&student, Some(&mut score), watch).unwrap();
    (finished, numbers(&student), seen)
}

type Weights = BTreeMap<String, Vec<f32>>;
type Scored = (bool, Weights, Vec<(f64, Weights)>);

#[test]
fn a_phase_ends_after_scores_that_are_no_better_with_the_best_student() {
    let folder = tempfile::tempdir().unwrap();
    let scores = [1.0, 3.0, 3.0, 2.0, 9.0].map(Some);
    let (finished, student, seen) = scored(folder.path(), &mut scores.into_iter(), 2);
    assert!(finished);
    // The same score again is no new best: two without one end the phase.
    assert_eq!(seen.len(), 4);
    assert!(student == seen[1].1 && student != seen[3].1);
    let best = Checkpoint::open(&folder.path().join("best")).unwrap();
    let best = best.model(DType::F32, &CPU, Mode::Frozen).unwrap();
    assert!(numbers(&best) == seen[1].1);
    let log = log(folder.path());
    let steps = log.iter().filter(|entry| entry["event"] == "step").count();
    let bests: Vec<bool> = log.iter().filter_map(|entry| entry["best"].as_bool()).collect();
    assert_eq!((steps, bests), (6, vec![true, true, false, false]));
}

#[test]
fn a_phase_without_patience_takes_all_its_steps() {
    let folder = tempfile::tempdir().unwrap();
    let scores = [5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 0.0].map(Some);
    let (_, student, seen) = scored(folder.path(), &mut scores.into_iter(), 0);
    assert_eq!(seen.len(), 7);
    // What it started from was best.
    assert!(student == seen[0].1);
}

#[test]
fn scores_that_are_broken_off_are_made_up_for_and_no_step_is_lost() {
    let whole = tempfile::tempdir().unwrap();
    let scores = [1.0, 2.0, 5.0, 4.0, 3.0, 6.0, 0.0];
    let (_, expected, _) = scored(whole.path(), &mut scores.into_iter().map(Some), 0);
    let folder = tempfile::tempdir().unwrap();
    let broken = scores.into_iter().flat_map(|score| [None, Some(score)]);
    let mut broken = broken.collect::<Vec<_>>().into_iter();
    let mut calls = 0;
    let student = loop {
        calls += 1;
        let (finished, student, _) = scored(folder.path(), &mut broken, 0);
        if finished {
            break student;
        }
    };
    assert_eq!(calls, 8);
    assert!(student == expected);
    assert_eq!(log(folder.path()), log(whole.path()));
}

#[test]
fn a_check_that_fails_stops_a_run_and_one_that_holds_changes_nothing() {
    let run = |folder: &Path, examples: &[Example], checks: Checks| {
        let teacher = model("qwen2", DType::F32, Mode::Frozen);
        let (phases, text) = (phases(examples, &teacher), text());
        let student = model("llama", DType::F32, Mode::Trainable);
        let run = Run::open(folder, &phases[1..2], &text, RHYTHM).unwrap();
        let watch = &mut |_: &Event| ControlFlow::Continue(());
        run.with_checks(checks).train(&student, None, watch).map(|_| numbers(&student))
    };
    let (plain, checked) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (right, p) = (examples(0.5), Some(TopP::new(0.5).unwrap()));
    let weights = run(plain.path(), &right, Checks::default()).unwrap();
    assert!(run(checked.path(), &right, Checks { every: 5, p }).unwrap() == weights);
    let checks = log(checked.path()).iter().filter(|entry| entry["event"] == "check").count();
    assert_eq!(checks, 3);

    let mut wrong = right.clone();
    wrong.iter_mut().for_each(|example| example.scores.as_mut().unwrap().mass[0] = 0.25);
    let folder = tempfile::tempdir().unwrap();
    let error = run(folder.path(), &wrong, Checks { every: 1, p }).unwrap_err();
    let LlmError::Check { step: 1, checked } = error else { panic!("{error}") };
    assert_eq!(checked.statement, Statement::CapturedMass);
    let progress = Saved::at(&folder.path().join("states")).progress().unwrap().unwrap();
    assert_eq!(progress.step, 0);
}

#[test]
fn a_loss_that_is_no_number_ends_training_with_the_weights_before() {
    let examples = examples(0.5);
    let student = model("llama", DType::F32, Mode::Trainable);
    let variables = student.variables().unwrap();
    let settings = TrainerSettings { text_weight: 0.0, ..settings(4) };
    let data = (&examples[..], &[][..]);
    let mut trainer = Trainer::new(student, Objective::CrossEntropy, data, settings).unwrap();
    trainer.step().unwrap();
    let norm = variables.get("model.norm.weight").expect("a norm");
    norm.set(&norm.affine(f64::NAN, 0.0).unwrap()).unwrap();
    let before = numbers(trainer.student());
    let error = trainer.step().unwrap_err();
    assert!(matches!(error, LlmError::Diverged { step: 2, .. }), "{error}");
    let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
    let after = numbers(trainer.student());
    assert!(before.values().flatten().zip(after.values().flatten()).all(same));
}

#[test]
fn training_without_something_to_train_on_is_an_error() {
    let examples = examples(0.5);
    let trainer = |mode, examples: &[Example], text_weight| {
        let settings = TrainerSettings { text_weight, ..settings(4) };
        let student = model("llama", DType::F32, mode);
        Trainer::new(student, Objective::CrossEntropy, (examples, &[]), settings).map(|_| ())
    };
    assert!(trainer(Mode::Trainable, &examples, 0.0).is_ok());
    for (mode, examples, weight) in [
        (Mode::Trainable, &[][..], 0.0),
        (Mode::Frozen, &examples[..], 0.0),
        (Mode::Trainable, &examples[..], 1.0),
    ] {
        let error = trainer(mode, examples, weight).unwrap_err();
        assert!(matches!(error, LlmError::NothingToTrain { .. }), "{error}");
    }
    let fine = TrainerSettings { text_weight: 0.0, ..settings(4) };
    let accept = |settings: TrainerSettings| {
        let student = model("gpt2", DType::F32, Mode::Trainable);
        Trainer::accept(&student, (&examples, &[]), &settings)
    };
    accept(TrainerSettings { clip: f64::INFINITY, ..fine }).unwrap();
    for (name, wrong) in [
        ("batch", TrainerSettings { batch: 0, ..fine }),
        ("micro-batch", TrainerSettings { micro_batch: 0, ..fine }),
        ("clip", TrainerSettings { clip: 0.0, ..fine }),
        ("clip", TrainerSettings { clip: -1.0, ..fine }),
        ("clip", TrainerSettings { clip: f64::NAN, ..fine }),
        ("text-weight", TrainerSettings { text_weight: -1.0, ..fine }),
        ("learning-rate", TrainerSettings { learning_rate: -1.0, ..fine }),
    ] {
        let error = accept(wrong).unwrap_err();
        assert!(matches!(error, LlmError::Setting { setting, .. } if setting == name), "{error}");
    }
    let student = model("gpt2", DType::F32, Mode::Trainable);
    let long = Example { prompt: vec![1; 1000], ..examples[0].clone() };
    let error = Trainer::accept(&student, (&[long], &[]), &fine).unwrap_err();
    assert!(matches!(error, LlmError::TooLong { .. }), "{error}");
}
