//! Training: the losses on candidate tokens against the operators on the whole vocabulary, batches
//! in parts, and runs that are broken off and go on.

use candle_core::{DType, Device, Tensor, Var};
use llm::teacher::{Exchange, Scores, score};
use llm::training::*;
use llm::{Checkpoint, Compute, LlmError, Mode, Model, Tensors};
use operators::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

const CPU: Device = Device::Cpu;

fn model(name: &str, dtype: DType, mode: Mode) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name);
    Checkpoint::open(&folder).expect("a model").model(dtype, &CPU, mode).expect("weights")
}

/// Exchanges of different lengths with the candidate sets of a tiny model.
fn examples(p: f64) -> Vec<Example> {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    let text = |from: u32, length: u32| (0..length).map(|i| (from + 7 * i) % 97).collect();
    let exchange =
        |(prompt, response)| Exchange { prompt: text(3, prompt), response: text(5, response) };
    let exchanges = [(4, 9), (1, 12), (11, 1), (2, 5), (5, 3)].map(exchange);
    let scores = score(&teacher, &exchanges, TopP::new(p).expect("p")).expect("scores");
    let example = |(i, (exchange, scores)): (usize, (Exchange, Scores))| {
        let Exchange { prompt, response } = exchange;
        Example { prompt, response, ended: i % 2 == 0, scores: Some(scores) }
    };
    exchanges.into_iter().zip(scores).enumerate().map(example).collect()
}

fn bellman(shift: SparseShift, phi: Phi, outside: Outside) -> BellmanLoss {
    let gamma = Discount::new(0.9).expect("gamma");
    // A floor that some Q-values of these models reach.
    let settings = BellmanDistill { gamma, phi, shift: Shift::Zero, q_min: -1.5 };
    BellmanLoss { settings, shift, outside, mass_weight: 0.0 }
}

/// A loss with its gradients to hidden states and head, all in f64.
struct Outcome {
    loss: f64,
    gradients: Vec<f64>,
}

fn outcome(hidden: &Var, head: &Var, loss: Tensor) -> Outcome {
    let store = loss.backward().expect("backward");
    let of = |v: &Var| {
        store.get(v).expect("a gradient").flatten_all().unwrap().to_vec1::<f64>().unwrap()
    };
    Outcome { loss: loss.to_scalar().unwrap(), gradients: [of(hidden), of(head)].concat() }
}

fn assert_same(found: &Outcome, expected: &Outcome, what: &str) {
    let close = |f: f64, e: f64| (f - e).abs() <= 1e-9 * e.abs().max(1.0);
    assert!(close(found.loss, expected.loss), "{what}: {} is not {}", found.loss, expected.loss);
    for (i, (&f, &e)) in found.gradients.iter().zip(&expected.gradients).enumerate() {
        assert!(close(f, e), "{what}, gradient {i}: {f} is not {e}");
    }
}

/// Hidden states and head as variables of their own.
fn state(batch: &Batch) -> (Var, Var) {
    let student = model("llama", DType::F64, Mode::Frozen);
    // Logits of the tiny models are close to each other; these are not.
    let hidden = (batch.hidden(&student).expect("hidden states") * 8.0).unwrap();
    let head = student.head().copy().unwrap();
    (Var::from_tensor(&hidden).unwrap(), Var::from_tensor(&head).unwrap())
}

/// Rows of the whole vocabulary, with the sets in them.
fn dense(batch: &Batch, scores: &[&Scores]) -> (Tensors, CandidateSets) {
    let layout = RowLayout::uniform(batch.rows(), 97).expect("layout");
    let mut kept = vec![false; layout.cells()];
    let sets = scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
    for (row, set) in layout.iter().zip(sets) {
        set.iter().for_each(|&token| kept[row.start + token as usize] = true);
    }
    let n = Tensors::new(&layout, DType::F64, &CPU).expect("rows");
    (n, CandidateSets::from_kept(&layout, kept).expect("sets"))
}

/// The loss by its definition: every operator on the whole vocabulary.
fn defined(loss: &BellmanLoss, shift: Shift, batch: &Batch, scores: &[&Scores]) -> Outcome {
    let (n, sets) = dense(batch, scores);
    let (hidden, head) = state(batch);
    let z = n.cells_of(&hidden.matmul(&head.t().unwrap()).unwrap()).unwrap();
    let settings = BellmanDistill { shift, ..loss.settings };
    let q = student_q(&n, &z, &n.full(), &settings).unwrap();
    let slots: Vec<usize> = batch.chosen().iter().map(|&t| t as usize).collect();
    let rows = n.layout().iter().zip(&slots);
    let inside: Vec<bool> = rows.map(|(row, slot)| sets.kept()[row.start + slot]).collect();
    let counts: Vec<bool> = batch
        .counts()
        .zip(&inside)
        .map(|(counts, &inside)| counts && (inside || loss.outside == Outside::Floor))
        .collect();
    let share = 1.0 / counts.iter().filter(|c| **c).count() as f64;
    let weights: Vec<f64> = counts.iter().map(|&c| if c { share } else { 0.0 }).collect();
    let chosen = Rows(n.pick(&q.0, &n.slots(&slots).unwrap()).unwrap());
    let responses = Responses {
        set: n.mask(&sets).unwrap(),
        inside: n.one_cell_per_row().row_mask(&inside).unwrap(),
        next: batch.next(),
        weights: n.rows(&weights).unwrap(),
    };
    let mut minus_j =
        bellman_distill(&n, &q, &chosen, &responses, &settings).unwrap().objective.neg().unwrap();
    if loss.mass_weight != 0.0 {
        let inside = soft_value(&n, &z, &responses.set).unwrap().0;
        let missing = (soft_value(&n, &z, &n.full()).unwrap().0 - inside).unwrap();
        let mean = n.dot(&responses.weights.0, &missing).unwrap();
        minus_j = (minus_j + (mean * loss.mass_weight).unwrap()).unwrap();
    }
    outcome(&hidden, &head, minus_j)
}

fn sparse(loss: &BellmanLoss, batch: &Batch, scores: &[&Scores]) -> (Outcome, Tally) {
    let (hidden, head) = state(batch);
    let total = loss.transitions(batch, scores);
    let mut tally = Tally::default();
    let state = (hidden.as_tensor(), head.as_tensor());
    let value = loss.loss(batch, scores, state, total, &mut tally).expect("a loss");
    (outcome(&hidden, &head, value), tally)
}

#[test]
fn bellman_distill_on_candidates_is_bellman_distill_on_the_whole_vocabulary() {
    let shifts = [
        (SparseShift::VocabMax, Shift::VocabMax),
        (SparseShift::LogSoftmax, Shift::LogSoftmax),
        (SparseShift::Zero, Shift::Zero),
    ];
    let chi2 = Phi::chi2(0.1).unwrap();
    for p in [0.05, 0.5, 1.0] {
        let examples = examples(p);
        let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
        let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
        for (sparse_shift, shift) in shifts {
            for phi in [chi2, Phi::Identity] {
                for outside in [Outside::Floor, Outside::Drop] {
                    for mass_weight in [0.0, 0.7] {
                        let loss = bellman(sparse_shift, phi, outside);
                        let loss = BellmanLoss { mass_weight, ..loss };
                        let what = format!("p {p}, {loss:?}");
                        if loss.transitions(&batch, &scores) == 0 {
                            continue;
                        }
                        let expected = defined(&loss, shift, &batch, &scores);
                        assert_same(&sparse(&loss, &batch, &scores).0, &expected, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn without_sets_bellman_distill_is_that_of_sets_that_hold_every_token() {
    let shifts = [
        (SparseShift::VocabMax, Shift::VocabMax),
        (SparseShift::CandidateMax, Shift::VocabMax),
        (SparseShift::LogSoftmax, Shift::LogSoftmax),
        (SparseShift::Zero, Shift::Zero),
    ];
    let examples = examples(1.0);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    for (sparse_shift, shift) in shifts {
        for phi in [Phi::chi2(0.1).unwrap(), Phi::Identity] {
            let loss = bellman(sparse_shift, phi, Outside::Floor);
            let total = loss.transitions(&batch, &scores);
            let expected = defined(&loss, shift, &batch, &scores);
            let (hidden, head) = state(&batch);
            let whole = WholeLoss { settings: loss.settings, shift: sparse_shift };
            let state = (hidden.as_tensor(), head.as_tensor());
            let value = whole.loss(&batch, state, total, &mut Tally::default()).expect("a loss");
            assert_same(&outcome(&hidden, &head, value), &expected, &format!("{loss:?}"));
        }
    }
}

#[test]
fn cloning_that_holds_the_mass_in_the_sets_is_cross_entropy() {
    let examples = examples(0.5);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    let mut loss = bellman(SparseShift::VocabMax, Phi::Identity, Outside::Drop);
    (loss.settings.q_min, loss.mass_weight) = (-1e3, 1.0);
    let (found, _) = sparse(&loss, &batch, &scores);

    let sets = scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
    let inside = sets.zip(batch.chosen()).map(|(set, token)| set.contains(token));
    let counted: Vec<bool> = batch.counts().zip(inside).map(|(c, inside)| c && inside).collect();
    // With φ = identity γ V_{t+1} cancels within each transition, whichever others are left out.
    let share = 1.0 / counted.iter().filter(|counted| **counted).count() as f64;
    let weights: Vec<f64> = counted.iter().map(|&c| if c { share } else { 0.0 }).collect();
    let (hidden, head) = state(&batch);
    let target = Target::Tokens(batch.chosen());
    let entropy = vocabulary_loss(&hidden, &head, &target, &weights).unwrap();
    assert!(counted.iter().any(|counted| *counted) && counted.iter().any(|counted| !*counted));
    assert_same(&found, &outcome(&hidden, &head, entropy), "cross entropy");
}

#[test]
fn the_largest_candidate_is_the_largest_logit_where_nothing_is_outside() {
    let examples = examples(1.0);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    let of = |shift| sparse(&bellman(shift, Phi::Identity, Outside::Floor), &batch, &scores);
    let ((exact, tally), (quick, _)) = (of(SparseShift::VocabMax), of(SparseShift::CandidateMax));
    assert_same(&quick, &exact, "the whole vocabulary");
    let shares = tally.shares();
    assert_eq!((shares.outside, shares.best_outside), (Some(0.0), Some(0.0)));
    // Every token is a candidate: all mass is inside, of teacher and student.
    assert!((shares.student_mass.unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn what_is_counted_is_what_is_there() {
    let examples = examples(0.5);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    let loss = bellman(SparseShift::VocabMax, Phi::Identity, Outside::Floor);
    let (_, tally) = sparse(&loss, &batch, &scores);
    let (hidden, head) = state(&batch);
    let logits = hidden.matmul(&head.t().unwrap()).unwrap().to_vec2::<f64>().unwrap();
    let sets = scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
    let (mut outside, mut best_outside, mut floored, mut mass) = (0.0, 0.0, 0.0, 0.0);
    for ((z, set), token) in logits.iter().zip(sets).zip(batch.chosen()) {
        let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let best = z.iter().position(|&x| x == largest).unwrap() as u32;
        outside += f64::from(u8::from(!set.contains(token)));
        best_outside += f64::from(u8::from(!set.contains(&best)));
        let exp = |&token: &u32| (z[token as usize] - largest).exp();
        floored += set.iter().filter(|&&a| z[a as usize] - largest <= -1.5).count() as f64;
        let total: f64 = z.iter().map(|x| (x - largest).exp()).sum();
        mass += set.iter().map(exp).sum::<f64>() / total;
    }
    assert!(outside > 0.0 && best_outside > 0.0 && floored > 0.0);
    assert_eq!((tally.rows, tally.outside), (batch.rows() as f64, outside));
    assert_eq!((tally.best_outside, tally.floored), (best_outside, floored));
    assert!((tally.student_mass - mass).abs() < 1e-9);
    // A student that is the teacher has its rewards.
    assert!(tally.residual > 0.0);
}

#[test]
fn the_residual_of_the_teacher_itself_is_zero() {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    let examples = examples(0.5);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    for shift in [SparseShift::VocabMax, SparseShift::LogSoftmax] {
        let loss = bellman(shift, Phi::Identity, Outside::Floor);
        let (hidden, mut tally) = (batch.hidden(&teacher).unwrap(), Tally::default());
        loss.loss(&batch, &scores, (&hidden, teacher.head()), 1, &mut tally).unwrap();
        // Log-probabilities are stored in f32: 2⁻²⁴ of numbers below 16, for two of them.
        assert!(tally.shares().residual.unwrap() < 4e-6, "{shift:?}: {tally:?}");
    }
}

#[test]
fn candidate_kl_is_forward_kl_where_every_token_is_a_candidate_and_below_it_elsewhere() {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    for p in [0.3, 0.8, 1.0] {
        let examples = examples(p);
        let examples: Vec<&Example> = examples.iter().collect();
        let batch = Batch::new(&examples).unwrap();
        let student = model("llama", DType::F64, Mode::Frozen);
        let of = |objective: Objective| {
            let mut tally = Tally::default();
            let loss = objective.loss(&student, &batch, &examples, batch.rows(), &mut tally);
            loss.unwrap().to_scalar::<f64>().unwrap()
        };
        let (some, all) = (of(Objective::CandidateKl), of(Objective::ForwardKl(&teacher)));
        if p == 1.0 {
            // What is stored is rounded to f32, and the bucket of nothing holds one rounding of 1.
            assert!((some - all).abs() < 1e-5, "{some} is not {all}");
        } else {
            assert!(some > 0.0 && some < all, "p {p}: {some} is not below {all}");
        }
    }
}

fn settings(micro_batch: usize) -> TrainerSettings {
    TrainerSettings {
        steps: 12,
        batch: 4,
        micro_batch,
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

fn text() -> Vec<Example> {
    Example::of_text(&(0..96).map(|i| i * i % 97).collect::<Vec<u32>>(), 16)
}

fn numbers(model: &Model) -> BTreeMap<String, Vec<f32>> {
    let tensors = model.tensors().iter();
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_dtype(DType::F32).unwrap();
    tensors.map(|(name, t)| (name.clone(), flat(t).to_vec1().unwrap())).collect()
}

fn objectives(teacher: &Model) -> Vec<Objective<'_>> {
    let chi2 = Phi::chi2(0.1).unwrap();
    // At the floor no gradient flows.
    let low = |loss: BellmanLoss| BellmanLoss {
        settings: BellmanDistill { q_min: -10.0, ..loss.settings },
        ..loss
    };
    let settings = low(bellman(SparseShift::VocabMax, chi2, Outside::Floor)).settings;
    let released = Released::new(settings, TopP::new(0.5).unwrap(), 1e-8).unwrap();
    vec![
        Objective::CrossEntropy,
        Objective::Bellman(low(bellman(SparseShift::VocabMax, chi2, Outside::Floor))),
        Objective::Bellman(low(bellman(SparseShift::LogSoftmax, Phi::Identity, Outside::Drop))),
        Objective::Released(released),
        Objective::ForwardKl(teacher),
        Objective::CandidateKl,
        Objective::ReverseKl(teacher),
        Objective::OnPolicy(on_policy(teacher, 0.2, 0.2)),
        Objective::Language(0.5),
    ]
}

#[test]
fn the_loss_on_text_is_cross_entropy_with_a_share_of_kl() {
    let (examples, student) = (examples(0.5), model("llama", DType::F64, Mode::Frozen));
    let examples: Vec<&Example> = examples.iter().collect();
    let batch = Batch::new(&examples).unwrap();
    let of = |objective: Objective| {
        let mut tally = Tally::default();
        let loss = objective.loss(&student, &batch, &examples, batch.rows(), &mut tally);
        loss.unwrap().to_scalar::<f64>().unwrap()
    };
    let (entropy, kl) = (of(Objective::CrossEntropy), of(Objective::CandidateKl));
    assert!((entropy - kl).abs() > 0.1);
    for share in [0.0, 0.3, 1.0] {
        let expected = (1.0 - share) * entropy + share * kl;
        assert!((of(Objective::Language(share)) - expected).abs() < 1e-12, "{share}");
    }
}

#[test]
fn text_with_a_share_of_kl_needs_a_teacher() {
    let (examples, text) = (examples(0.5), text());
    let trainer = |text_kl, text: &[Example]| {
        let settings = TrainerSettings { text_kl, ..settings(4) };
        let student = model("llama", DType::F32, Mode::Trainable);
        Trainer::new(student, Objective::CrossEntropy, (&examples, text), settings)?.step()
    };
    assert!(matches!(trainer(0.5, &text), Err(LlmError::NoScores)));
    assert!(trainer(0.5, &examples).is_ok());
    assert!(matches!(trainer(1.5, &examples), Err(LlmError::NothingToTrain { .. })));
}

fn on_policy(teacher: &Model, mix: f64, clip: f64) -> OnPolicyLoss<'_> {
    let settings = OnPolicy::new(mix, clip, true).unwrap();
    OnPolicyLoss { teacher, settings, ends: vec![2], max_new_tokens: 9, longest: 16 }
}

#[test]
fn the_loss_on_own_responses_has_the_gradient_of_its_definition() {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    let loss = on_policy(&teacher, 0.4, f64::INFINITY);
    let examples = examples(0.5);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let (hidden, head) = state(&batch);
    let value = loss.loss(&batch, (&hidden, &head), 0.25).unwrap();
    let found = outcome(&hidden, &head, value);

    let (n, _) =
        dense(&batch, &examples.iter().filter_map(|e| e.scores.as_ref()).collect::<Vec<_>>());
    let policy = |hidden: &Tensor, head: &Tensor| {
        let z = n.cells_of(&hidden.matmul(&head.t().unwrap()).unwrap()).unwrap();
        projection(&n, &z, &n.full()).unwrap()
    };
    let student = policy(&hidden, &head);
    let expert = policy(&batch.hidden(&teacher).unwrap(), teacher.head());
    let slots: Vec<usize> = batch.chosen().iter().map(|&t| t as usize).collect();
    let slots = n.slots(&slots).unwrap();
    let chosen = |of: &Projection<Tensors>| {
        n.read_rows(&n.pick(&of.log_probability.0, &slots).unwrap()).unwrap()
    };
    let factors =
        loss.settings.factors(&chosen(&student), &chosen(&expert), &batch.next()).unwrap();
    let rows = |x: &[f64]| n.rows(x).unwrap();
    let weights = rows(&vec![0.25; batch.rows()]);
    let (single, long) = (rows(&factors.single), rows(&factors.long));
    let policies = (&student, &expert);
    let expected =
        on_policy_loss(&n, policies, &n.full(), &slots, (&single, &long), &weights).unwrap();
    let divergence = kl_divergence(&n, &student, &expert, &n.full()).unwrap().0;
    let steps = n.dot(&weights.0, &(divergence * &single.0).unwrap()).unwrap();
    let expected = outcome(&hidden, &head, expected);
    let expected = Outcome { loss: steps.to_scalar().unwrap(), ..expected };
    assert_same(&found, &expected, "MiniLLM");
}

#[test]
fn own_responses_follow_from_seed_step_and_weights_and_come_from_the_mixture() {
    let [teacher, student] =
        ["qwen2", "llama"].map(|name| model(name, DType::F64, Mode::Trainable));
    let prompts = Example::of_prompts([vec![3, 5], vec![9], vec![3, 5], vec![1; 16]], 16);
    assert_eq!(prompts.iter().map(|e| e.prompt.len()).collect::<Vec<_>>(), [2, 1]);
    let prompts: Vec<&Example> = prompts.iter().collect();
    let loss = on_policy(&teacher, 0.2, 0.2);
    let of = |loss: &OnPolicyLoss, seed, step| {
        loss.respond(&student, &prompts, 0.., seed, step).unwrap()
    };
    assert_eq!(of(&loss, 7, 3), of(&loss, 7, 3));
    assert_ne!(of(&loss, 7, 3), of(&loss, 7, 4));
    assert_ne!(of(&loss, 7, 3), of(&loss, 8, 3));
    assert!(of(&loss, 7, 3).iter().all(|e| e.response.len() <= 9 && e.length() <= 16));

    let none = OnPolicyLoss { max_new_tokens: 0, ..on_policy(&teacher, 0.2, 0.2) };
    let none = none.respond(&student, &prompts, 0.., 7, 3).unwrap_err();
    assert!(matches!(none, LlmError::NothingToTrain { .. }), "{none}");

    // How often each token comes first, against p̃: many prompts at a time, each with its own draws.
    let loss = OnPolicyLoss { max_new_tokens: 1, ..on_policy(&teacher, 0.4, 0.2) };
    let one = prompts[0];
    let mut counts = [0.0; 97];
    for step in 0..60 {
        let drawn = loss.respond(&student, &[one; 64], 0.., 1, step).unwrap();
        drawn.iter().for_each(|e| counts[e.response[0] as usize] += 1.0 / (60.0 * 64.0));
    }
    let policy = |model: &Model| {
        let tokens = llm::Tokens::padded(&[&one.prompt], llm::Padding::Left).unwrap();
        let z = llm::predict::next_logits(model, &tokens, None).unwrap().remove(0);
        let most = z.iter().copied().fold(f64::MIN, f64::max);
        let total: f64 = z.iter().map(|z| (z - most).exp()).sum();
        z.iter().map(|z| (z - most).exp() / total).collect::<Vec<f64>>()
    };
    let (q, p) = (policy(&student), policy(&teacher));
    let distance = |mix: f64| {
        let mixed = q.iter().zip(&p).map(|(q, p)| mix * p + (1.0 - mix) * q);
        let terms = mixed.zip(counts).map(|(m, c)| (c - m) * (c - m) / m);
        60.0 * 64.0 * terms.sum::<f64>()
    };
    // χ² with 96 degrees of freedom: mean 96, deviation 14; the draws are always the same.
    let found = [0.0, 0.4, 1.0].map(distance);
    assert!(found[1] < 150.0 && found[0] > 170.0 && found[2] > 170.0, "{found:?}");
}

#[test]
fn the_gradient_of_a_step_does_not_depend_on_how_its_batch_is_split() {
    let (teacher, examples, text) =
        (model("qwen2", DType::F64, Mode::Frozen), examples(0.5), text());
    for objective in objectives(&teacher) {
        let step = |micro_batch| {
            let student = model("llama", DType::F64, Mode::Trainable);
            let data = (&examples[..], &text[..]);
            let settings = settings(micro_batch);
            let mut trainer = Trainer::new(student, objective.clone(), data, settings).unwrap();
            let step = trainer.step().unwrap();
            let padding = step.tally.shares().padding.unwrap();
            // Alone no example is padded; together they are of different lengths.
            assert_eq!(padding == 0.0, micro_batch == 1, "{padding}");
            assert!(padding <= 0.25, "{padding}");
            (step.loss, step.text_loss.unwrap(), step.gradient_norm)
        };
        let whole = step(4);
        for micro_batch in [1, 3] {
            let parts = step(micro_batch);
            for (w, p) in [(whole.0, parts.0), (whole.1, parts.1), (whole.2, parts.2)] {
                assert!((w - p).abs() <= 1e-12 * w.abs().max(1.0), "{objective:?}: {p} is not {w}");
            }
        }
    }
}

#[test]
fn activations_that_are_computed_again_give_the_same_weights_bit_by_bit() {
    let (examples, text) = (examples(0.5), text());
    for name in ["gpt2", "opt", "qwen2", "llama"] {
        let (teacher, data) = (model(name, DType::F32, Mode::Frozen), (&examples[..], &text[..]));
        let trained = |objective: &Objective, checkpointing| {
            let settings = TrainerSettings { checkpointing, ..settings(3) };
            let student = model(name, DType::F32, Mode::Trainable);
            let mut trainer = Trainer::new(student, objective.clone(), data, settings).unwrap();
            let steps: Vec<Step> = (0..2).map(|_| trainer.step().unwrap()).collect();
            (steps, numbers(trainer.student()))
        };
        for objective in objectives(&teacher) {
            let expected = trained(&objective, false);
            assert!(trained(&objective, true) == expected, "{name}, {objective:?}");
        }
    }
}

#[test]
fn a_block_that_is_computed_again_keeps_its_input_only() {
    let student = model("llama", DType::F32, Mode::Trainable);
    let tokens = llm::Tokens::padded(&[[1, 2, 3]], llm::Padding::Right).unwrap();
    // The numbers that the graph of the hidden states holds on to, without the weights.
    let kept = |model: &Model| {
        let hidden = model.hidden(&tokens, None).unwrap();
        let nodes = hidden.sorted_nodes();
        nodes.iter().filter(|t| !t.is_variable()).map(|t| t.elem_count()).sum::<usize>()
    };
    let (all, again) = (kept(&student), kept(&student.clone().checkpointing()));
    assert!(again * 3 < all, "{again} numbers in place of {all}");
}

#[test]
fn every_objective_falls_when_it_is_trained_on() {
    let (teacher, examples) = (model("qwen2", DType::F32, Mode::Frozen), examples(0.5));
    for objective in objectives(&teacher) {
        let student = model("llama", DType::F32, Mode::Trainable);
        let settings = TrainerSettings { text_weight: 0.0, batch: 5, ..settings(5) };
        let mut trainer = Trainer::new(student, objective, (&examples, &[]), settings).unwrap();
        let losses: Vec<f64> = (0..12).map(|_| trainer.step().unwrap().loss).collect();
        assert!(losses[11] < losses[0], "{losses:?}");
    }
}

#[test]
fn gradients_that_are_added_in_place_are_those_of_backpropagation() {
    let examples = examples(0.5);
    let parts: Vec<Vec<&Example>> = examples.chunks(3).map(|part| part.iter().collect()).collect();
    let loss = bellman(SparseShift::VocabMax, Phi::chi2(0.1).unwrap(), Outside::Floor);
    // With heads that are the embedding, and with one of its own.
    for architecture in ["gpt2", "opt", "qwen2", "llama", "llama-untied-head"] {
        for objective in [Objective::CrossEntropy, Objective::Bellman(loss)] {
            let student = model(architecture, DType::F32, Mode::Trainable);
            let variables = student.variables().unwrap();
            let (mut plain, mut in_place) = (Gradients::new(), Gradients::new());
            for part in &parts {
                let of = || {
                    let batch = Batch::new(part).unwrap();
                    objective.loss(&student, &batch, part, 7, &mut Tally::default()).unwrap()
                };
                plain.add(&variables, of().backward().unwrap()).unwrap();
                in_place.add_of(&variables, &of()).unwrap();
            }
            for name in variables.keys() {
                let [expected, found] = [&plain, &in_place].map(|g| g.get(name));
                let (Some(expected), Some(found)) = (expected, found) else {
                    assert!(expected.is_none() && found.is_none(), "{architecture} {name}");
                    continue;
                };
                let largest = |x: &Tensor| {
                    let x = x.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
                    x.to_scalar::<f32>().unwrap()
                };
                // Two orders of adding up what some dozens of positions contribute.
                let slack = 64.0 * f32::EPSILON * largest(expected);
                let distance = largest(&expected.sub(found).unwrap());
                assert!(distance <= slack, "{architecture} {name}: {distance} > {slack}");
            }
        }
    }
}

#[test]
fn training_in_bf16_rounds_and_falls() {
    let examples = examples(0.5);
    let losses = |compute: Compute| {
        let student = model("llama", DType::F32, Mode::Trainable);
        let settings = TrainerSettings { text_weight: 0.0, batch: 5, ..settings(5) };
        let data = (&examples[..], &[][..]);
        let mut trainer = Trainer::new(student, Objective::CrossEntropy, data, settings).unwrap();
        let step = |_| compute.run(|| trainer.step()).unwrap().loss;
        (0..12).map(step).collect::<Vec<f64>>()
    };
    let (exact, rounded) = (losses(Compute::F32), losses(Compute::Bf16));
    assert!(rounded[11] < rounded[0] && rounded[0] != exact[0], "{rounded:?} {exact:?}");
    assert_eq!(rounded, losses(Compute::Bf16));
}

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
}
