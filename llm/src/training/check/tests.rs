//! The checks hold of training as it is, and each of them fails where something is wrong.

use super::*;
use crate::teacher::{Exchange, score};
use crate::training::{
    AdamWSettings, OnPolicyLoss, Outside, SparseShift, TrainerSettings, WholeLoss,
};
use crate::{Checkpoint, Mode};
use candle_core::Device;
use operators::{BellmanDistill, Discount, OnPolicy, Phi, Released, Shift};
use std::path::Path;

const P: f64 = 0.6;

fn model(name: &str, dtype: DType) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name);
    Checkpoint::open(&folder).unwrap().model(dtype, &Device::Cpu, Mode::Frozen).unwrap()
}

fn examples() -> Vec<Example> {
    let text = |from: u32, length: u32| (0..length).map(|i| (from + 7 * i) % 97).collect();
    let exchange =
        |(prompt, response)| Exchange { prompt: text(3, prompt), response: text(5, response) };
    let exchanges = [(4, 9), (1, 12), (11, 1), (2, 5), (5, 3)].map(exchange);
    let teacher = model("qwen2", DType::F64);
    let scores = score(&teacher, &exchanges, TopP::new(P).unwrap()).unwrap();
    let example = |(i, (exchange, scores)): (usize, (Exchange, Scores))| {
        let Exchange { prompt, response } = exchange;
        Example { prompt, response, ended: i % 2 == 0, scores: Some(scores) }
    };
    exchanges.into_iter().zip(scores).enumerate().map(example).collect()
}

fn bellman(shift: SparseShift, phi: Phi) -> BellmanLoss {
    let gamma = Discount::new(0.9).unwrap();
    // A floor that some Q-values of this model reach.
    let settings = BellmanDistill { gamma, phi, shift: Shift::Zero, q_min: -3.5 };
    BellmanLoss { settings, shift, outside: Outside::Floor, mass_weight: 0.5 }
}

fn chi2() -> BellmanLoss {
    bellman(SparseShift::VocabMax, Phi::chi2(0.1).unwrap())
}

/// What Bellman Distill is compared with.
fn baselines(teacher: &Model) -> Vec<Objective<'_>> {
    let settings = BellmanDistill { shift: Shift::VocabMax, ..chi2().settings };
    let minillm = |clip, by_length| {
        let settings = OnPolicy::new(0.2, clip, by_length).unwrap();
        Objective::OnPolicy(OnPolicyLoss {
            teacher,
            settings,
            ends: Vec::new(),
            max_new_tokens: 8,
            longest: 64,
        })
    };
    vec![
        Objective::CrossEntropy,
        Objective::Language(0.0),
        Objective::Language(0.3),
        Objective::Released(Released::new(settings, TopP::new(P).unwrap(), 1e-8).unwrap()),
        Objective::CandidateKl,
        Objective::ForwardKl(teacher),
        Objective::ReverseKl(teacher),
        minillm(0.2, true),
        minillm(f64::INFINITY, false),
    ]
}

fn right(
    objective: &Objective,
    state: (&Tensor, &Tensor),
    part: &Part,
    total: usize,
) -> Result<Tensor, LlmError> {
    objective.of_state(state, &part.batch, part.examples, total, &mut Tally::default())
}

/// The worst instances, in parts of three examples.
fn check(
    student: &Model,
    objective: &Objective,
    examples: &[Example],
    p: f64,
    compute: Compute,
) -> Vec<Checked> {
    let check = Check { student, objective, p: Some(TopP::new(p).unwrap()), seed: 5 };
    let number = |example: &Example| {
        let place = examples.iter().position(|other| std::ptr::eq(other, example)).unwrap();
        format!("example {}", place + 1)
    };
    check.all(&examples.iter().collect::<Vec<_>>(), 3, compute, &number).unwrap()
}

/// Which statements fail of BD with χ².
fn failing(examples: &[Example], p: f64, compute: Compute) -> Vec<Checked> {
    let student = model("llama", DType::F32);
    let mut checked = check(&student, &Objective::Bellman(chi2()), examples, p, compute);
    assert_eq!(checked.len(), 5);
    checked.retain(Checked::fails);
    checked
}

fn statements(checked: &[Checked]) -> Vec<Statement> {
    checked.iter().map(|c| c.statement).collect()
}

#[test]
fn everything_holds_of_bf16_and_is_checked_in_f32() {
    let examples = examples();
    let shifts = [SparseShift::VocabMax, SparseShift::CandidateMax, SparseShift::LogSoftmax];
    let bellman = shifts.map(|shift| Objective::Bellman(bellman(shift, Phi::chi2(0.1).unwrap())));
    for dtype in [DType::F32, DType::BF16] {
        let (student, teacher) = (model("llama", dtype), model("qwen2", dtype));
        for objective in bellman.iter().chain(&baselines(&teacher)) {
            let of = || check(&student, objective, &examples, P, &right);
            let checked = crate::Compute::Bf16.run(of);
            // What is left of KL to a teacher in bf16 is the mass of its sets.
            let narrow = dtype == DType::BF16 && objective.teacher().is_some();
            assert_eq!(checked.len() == 1, narrow, "{dtype:?} {objective:?}");
            for checked in checked {
                assert!(!checked.fails(), "{dtype:?} {objective:?}: {checked:?}");
            }
        }
    }
}

#[test]
fn everything_holds_of_training_as_it_is_by_bounds_that_are_tight() {
    let examples = examples();
    let shifts = [
        SparseShift::VocabMax,
        SparseShift::CandidateMax,
        SparseShift::LogSoftmax,
        SparseShift::Zero,
    ];
    // Bounds as shares of the size of what is compared: some hundred roundings.
    for (dtype, tight) in [(DType::F32, 1e-3), (DType::F64, 1e-11)] {
        let (student, teacher) = (model("llama", dtype), model("qwen2", dtype));
        let bellman = shifts.iter().flat_map(|&shift| {
            [Phi::Identity, Phi::chi2(0.1).unwrap()]
                .map(|phi| Objective::Bellman(bellman(shift, phi)))
        });
        let whole = |shift| Objective::BellmanWhole(WholeLoss { settings: chi2().settings, shift });
        let whole = [SparseShift::VocabMax, SparseShift::LogSoftmax].map(whole);
        for objective in bellman.chain(whole).chain(baselines(&teacher)) {
            let checked = check(&student, &objective, &examples, P, &right);
            let is_bellman = matches!(objective, Objective::Bellman(_));
            assert_eq!(checked.len(), if is_bellman { 5 } else { 3 }, "{objective:?}");
            for checked in checked {
                assert!(!checked.fails(), "{objective:?}: {checked:?}");
                let size = checked.expected.abs().max(checked.found.abs()).max(1.0);
                // A gradient is made up of smaller numbers with more sums.
                let of_gradient = if checked.statement == Statement::Gradient { 20.0 } else { 1.0 };
                if checked.statement != Statement::CapturedMass {
                    assert!(
                        checked.bound < tight * of_gradient * size,
                        "{objective:?}: {checked:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_loss_that_is_a_little_off_is_found_and_so_is_where() {
    let examples = examples();
    // Of the second example only.
    let wrong = |objective: &Objective, state: (&Tensor, &Tensor), part: &Part, total| {
        let loss = right(objective, state, part, total)?;
        let meant = part.examples.iter().any(|example| example.prompt.len() == 1);
        Ok(if meant { (loss.detach() * 0.01)?.add(&loss)? } else { loss })
    };
    let failed = failing(&examples, P, &wrong);
    assert_eq!(statements(&failed), [Statement::Objective, Statement::BehaviourCloning]);
    assert_eq!(failed[0].place, "example 2");
    assert!((failed[0].found / failed[0].expected - 1.01).abs() < 1e-3, "{:?}", failed[0]);
}

#[test]
fn of_every_baseline_a_loss_and_a_gradient_that_are_off_are_found() {
    let examples = examples();
    let (student, teacher) = (model("llama", DType::F32), model("qwen2", DType::F32));
    let larger = |objective: &Objective, state: (&Tensor, &Tensor), part: &Part, total| {
        let loss = right(objective, state, part, total)?;
        Ok((loss.detach() * 0.01)?.add(&loss)?)
    };
    let steeper = |objective: &Objective, state: (&Tensor, &Tensor), part: &Part, total| {
        let loss = right(objective, state, part, total)?;
        Ok((&loss * 1.01)?.sub(&(loss.detach() * 0.01)?)?)
    };
    for objective in baselines(&teacher) {
        for (wrong, statement) in
            [(&larger as Compute, Statement::Objective), (&steeper, Statement::Gradient)]
        {
            let mut checked = check(&student, &objective, &examples, P, wrong);
            checked.retain(Checked::fails);
            assert_eq!(statements(&checked), [statement], "{objective:?}");
        }
    }
}

#[test]
fn factors_of_minillm_that_are_not_those_of_its_settings_are_found() {
    let examples = examples();
    let (student, teacher) = (model("llama", DType::F32), model("qwen2", DType::F32));
    for (mix, clip, by_length) in [(0.25, 0.2, true), (0.2, 1e-3, true), (0.2, 0.2, false)] {
        let wrong = |objective: &Objective, state: (&Tensor, &Tensor), part: &Part, total| {
            let Objective::OnPolicy(loss) = objective else { panic!("{objective:?}") };
            let settings = OnPolicy::new(mix, clip, by_length)?;
            let objective = Objective::OnPolicy(OnPolicyLoss { settings, ..loss.clone() });
            right(&objective, state, part, total)
        };
        let minillm = &baselines(&teacher)[7];
        let checked = check(&student, minillm, &examples, P, &wrong);
        let failed = checked.iter().any(|c| c.fails() && c.statement == Statement::Gradient);
        assert!(failed, "{mix}, {clip}, {by_length}: {checked:?}");
    }
}

#[test]
fn a_token_that_the_student_does_not_have_counts_as_outside() {
    let mut examples = examples();
    // The last row of the batch.
    *examples[4].response.last_mut().unwrap() = 1 << 20;
    let (student, loss) = (model("llama", DType::F32), chi2());
    let batch = Part::new(&[&examples[4]]).unwrap().batch;
    assert!(batch.chosen().contains(&(1 << 20)));
    let width = student.head().dim(1).unwrap();
    let hidden = Tensor::ones((batch.rows(), width), DType::F32, &Device::Cpu).unwrap();
    let logits = Logits::new(&hidden, student.head(), None).unwrap();
    let scores = examples[4].scores.as_ref().unwrap();
    let positions = Positions::<24>::new(&loss, &batch, &[scores], &logits).unwrap();
    assert!(positions.loss(&loss, batch.rows()).unwrap().at.value.is_finite());
}

#[test]
fn the_batch_of_plain_text_is_checked_as_well() {
    let mut text = examples();
    text.iter_mut().for_each(|piece| piece.prompt.truncate(1));
    let examples = examples();
    let check = |text: &[Example]| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models/llama");
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let student = checkpoint.model(DType::F32, &Device::Cpu, Mode::Trainable).unwrap();
        let settings = TrainerSettings {
            steps: 1,
            batch: 3,
            micro_batch: 2,
            learning_rate: 1e-3,
            warm_up: 0,
            clip: 1.0,
            text_weight: 1.0,
            text_kl: 0.5,
            checkpointing: false,
            seed: 3,
            optimiser: AdamWSettings::default(),
        };
        let objective = Objective::CrossEntropy;
        Trainer::new(student, objective, (&examples, text), settings).unwrap().check(None)
    };
    let checked = check(&text).unwrap();
    assert_eq!(statements(&checked), [Statement::Objective, Statement::Gradient]);
    assert!(!checked.iter().any(Checked::fails), "{checked:?}");
    // Of text that nobody has scored there is no divergence from a teacher.
    text.iter_mut().for_each(|piece| piece.scores = None);
    assert!(matches!(check(&text), Err(LlmError::NoScores)));
}

#[test]
fn a_head_with_more_rows_than_the_teacher_s_is_cut() {
    let examples = examples();
    let (student, teacher) = (model("llama", DType::F64), model("qwen2", DType::F64));
    let teacher = teacher.within(student.head().dim(0).unwrap() - 1).unwrap();
    for objective in baselines(&teacher).into_iter().filter(|o| o.teacher().is_some()) {
        let checked = check(&student, &objective, &examples, P, &right);
        assert_eq!(checked.len(), 3, "{objective:?}");
        assert!(!checked.iter().any(Checked::fails), "{objective:?}: {checked:?}");
    }
}

#[test]
fn a_gradient_that_is_not_that_of_the_loss_is_found() {
    let examples = examples();
    let scaled = |objective: &Objective, state: (&Tensor, &Tensor), part: &Part, total| {
        let loss = right(objective, state, part, total)?;
        Ok((&loss * 1.01)?.sub(&(loss.detach() * 0.01)?)?)
    };
    let cut = |objective: &Objective, state: (&Tensor, &Tensor), part: &Part, total| {
        right(objective, (state.0, &state.1.detach()), part, total)
    };
    for wrong in [&scaled as Compute, &cut] {
        assert_eq!(statements(&failing(&examples, P, wrong)), [Statement::Gradient]);
    }
}

#[test]
fn an_identity_that_is_none_is_found() {
    // Almost the identity.
    let wrong = |objective: &Objective, state: (&Tensor, &Tensor), part: &Part, total| {
        let objective = match objective {
            Objective::Bellman(loss) if loss.settings.phi == Phi::Identity => {
                let settings = BellmanDistill { phi: Phi::chi2(1e3)?, ..loss.settings };
                Objective::Bellman(BellmanLoss { settings, ..*loss })
            }
            other => other.clone(),
        };
        right(&objective, state, part, total)
    };
    let failed = failing(&examples(), P, &wrong);
    assert_eq!(statements(&failed), [Statement::BehaviourCloning]);
}

#[test]
fn sets_that_carry_less_than_they_should_are_found_by_position() {
    let mut small = examples();
    small[1].scores.as_mut().unwrap().mass[4] = 0.59;
    let mut other = examples();
    let set = other[1].scores.as_ref().unwrap().sets().nth(4).unwrap();
    other[1].scores.as_mut().unwrap().log_probabilities[set.start] -= 0.001;
    for (examples, p) in [(small, P), (other, P), (examples(), 0.99)] {
        let failed = failing(&examples, p, &right);
        assert_eq!(statements(&failed), [Statement::CapturedMass]);
        if p == P {
            assert_eq!(failed[0].place, "example 2, position 5");
        }
    }
}

#[test]
fn a_set_that_counts_a_token_more_than_once_has_too_large_a_value() {
    let mut examples = examples();
    let scores = examples[3].scores.as_mut().unwrap();
    // As many as it takes for more than the whole vocabulary.
    let (token, log) = (scores.candidates[0], scores.log_probabilities[0]);
    scores.candidates.splice(0..0, vec![token; 400]);
    scores.log_probabilities.splice(0..0, vec![log; 400]);
    scores.sizes[0] += 400;
    let failed = failing(&examples, P, &right);
    assert!(statements(&failed).contains(&Statement::SoftValue), "{failed:?}");
}
