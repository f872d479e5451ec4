//! The Bellman Distill objective and the baselines on tensors, with gradients by backpropagation,
//! against values and gradients that PyTorch computed in float64.

#[path = "../../operators/tests/common/batch.rs"]
mod batch;

use batch::*;
use candle_core::{DType, Device, Tensor, Var};
use llm::Tensors;
use llm::training::{Target, vocabulary_loss};
use operators::*;
use serde_json::Value;

const CPU: Device = Device::Cpu;

fn parts(n: &Tensors, batch: &Batch, sets: &CandidateSets) -> Parts<Tensors> {
    Parts {
        full: n.mask(&CandidateSets::full(n.layout())).expect("mask"),
        slots: n.slots(&batch.action).expect("slots"),
        responses: Responses {
            set: n.mask(sets).expect("mask"),
            inside: n.one_cell_per_row().row_mask(&batch.inside(sets)).expect("mask"),
            next: batch.next(),
            weights: n.rows(&batch.weights()).expect("weights"),
        },
        teacher: n.cells(&batch.teacher).expect("teacher"),
        even: n.rows(&batch.even()).expect("weights"),
    }
}

/// The student's logits [rows, vocabulary] as a variable.
fn student(batch: &Batch, dtype: DType) -> Var {
    let shape = (batch.rows(), batch.vocabulary);
    let logits = Tensor::from_slice(&batch.student, shape, &CPU).expect("logits");
    Var::from_tensor(&logits.to_dtype(dtype).expect("type")).expect("variable")
}

fn doubles(t: &Tensor) -> Vec<f64> {
    let flat = t.flatten_all().and_then(|t| t.to_dtype(DType::F64));
    flat.and_then(|t| t.to_vec1()).expect("numbers")
}

/// A loss, its gradient with respect to the student's logits, and soft values where it has them.
struct Outcome {
    loss: f64,
    gradient: Vec<f64>,
    value: Vec<f64>,
}

fn outcome(z: &Var, loss: Tensor, value: Option<Tensor>) -> Outcome {
    let gradients = loss.backward().expect("backward");
    Outcome {
        loss: doubles(&loss)[0],
        gradient: doubles(gradients.get(z).expect("the logits have a gradient")),
        value: value.map_or(Vec::new(), |v| doubles(&v)),
    }
}

fn distilled(batch: &Batch, config: &Config, dtype: DType) -> Outcome {
    let n = Tensors::new(&batch.layout(), dtype, &CPU).expect("rows");
    let z = student(batch, dtype);
    let parts = parts(&n, batch, &batch.sets(config.p));
    let cells = n.cells_of(&z).expect("cells");
    let (value, j) = distill(&n, &cells, &parts, &config.settings).expect("objective");
    outcome(&z, j.neg().expect("loss"), Some(value.0))
}

fn baseline_of(batch: &Batch, name: &str, dtype: DType) -> Outcome {
    let n = Tensors::new(&batch.layout(), dtype, &CPU).expect("rows");
    let z = student(batch, dtype);
    let parts = parts(&n, batch, &CandidateSets::full(n.layout()));
    let loss = baseline(&n, &n.cells_of(&z).expect("cells"), &parts, name).expect("loss");
    outcome(&z, loss, None)
}

/// How many roundings of f32 an entry inherits from larger numbers: shift, exponential, logarithm and the
/// sums over a row and along a response, each of which takes a few.
const INHERITED: f64 = 32.0;

/// Agreement of lists: each entry to 10⁻⁹ of its own size, and at least of that of 1, in f64; in f32 to
/// 10⁻⁴ of its own size, and what is a difference of numbers of the size `scale` has their roundings
/// besides.
fn assert_close(found: &[f64], expected: &[f64], scale: f64, dtype: DType, what: &str) {
    assert_eq!(found.len(), expected.len());
    let inherited = INHERITED * f64::from(f32::EPSILON) / 2.0 * scale;
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let slack = match dtype {
            DType::F64 => 1e-9 * e.abs().max(1.0),
            _ => 1e-4 * e.abs() + inherited,
        };
        assert!((f - e).abs() <= slack, "{what}, entry {i}: {f} is not {e}");
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
}

/// The entries of real positions of a list [B, T, …].
fn real(batch: &Batch, expected: &Value) -> Vec<f64> {
    let entries = batch.origin.iter().flat_map(|&(b, t)| match &expected[b][t] {
        Value::Array(_) => floats(&expected[b][t]).collect(),
        number => vec![number.as_f64().expect("number")],
    });
    entries.collect()
}

fn assert_reference(batch: &Batch, found: &Outcome, expected: &Value, dtype: DType, name: &str) {
    // Values are differences of logits; a slope is one of others.
    let logits = largest(&batch.student);
    let loss = [expected["loss"].as_f64().expect("loss")];
    assert_close(&[found.loss], &loss, logits, dtype, &format!("{name}, loss"));
    let gradient = real(batch, &expected["grad_student_logits"]);
    let slopes = largest(&gradient);
    assert_close(&found.gradient, &gradient, slopes, dtype, &format!("{name}, gradient"));
    if !found.value.is_empty() {
        let value = real(batch, &expected["soft_value"]);
        assert_close(&found.value, &value, logits, dtype, &format!("{name}, soft value"));
    }
}

#[test]
fn the_objective_agrees_with_the_reference_in_f64_and_in_f32() {
    for_each_config(|batch, config, expected, name| {
        for dtype in [DType::F64, DType::F32] {
            let found = distilled(batch, config, dtype);
            assert_reference(batch, &found, expected, dtype, name);
        }
    });
}

#[test]
fn the_released_objective_agrees_with_the_reference_in_f64_and_in_f32() {
    for_each_released(|batch, p, released, expected, name| {
        for dtype in [DType::F64, DType::F32] {
            let n = Tensors::new(&batch.layout(), dtype, &CPU).expect("rows");
            let z = student(batch, dtype);
            let parts = parts(&n, batch, &batch.sets(p));
            let cells = n.cells_of(&z).expect("cells");
            let (value, j) = distill_released(&n, &cells, &parts, released).expect("objective");
            let found = outcome(&z, j.neg().expect("loss"), Some(value.0));
            assert_reference(batch, &found, expected, dtype, name);
        }
    });
}

#[test]
fn the_baselines_agree_with_the_reference_in_f64_and_in_f32() {
    let file = file();
    let batch = Batch::read(&file);
    for name in BASELINES {
        for dtype in [DType::F64, DType::F32] {
            let found = baseline_of(&batch, name, dtype);
            assert_reference(&batch, &found, &file["baselines"][name], dtype, name);
        }
    }
}

#[test]
fn losses_over_the_vocabulary_agree_with_the_reference_in_f64_and_in_f32() {
    let file = file();
    let batch = Batch::read(&file);
    let (rows, v) = (batch.rows(), batch.vocabulary);
    let tokens: Vec<u32> = batch.action.iter().map(|&token| token as u32).collect();
    for dtype in [DType::F64, DType::F32] {
        // With the identity as the head, logits are hidden states.
        let hidden = student(&batch, dtype);
        let head = Var::from_tensor(&Tensor::eye(v, dtype, &CPU).expect("head")).expect("head");
        let teacher = Tensor::from_slice(&batch.teacher, (rows, v), &CPU).expect("teacher");
        let (teacher, same) = (&teacher.to_dtype(dtype).expect("teacher"), head.as_tensor());
        for (name, target) in [
            ("sft_nll", Target::Tokens(&tokens)),
            ("forward_kl", Target::Forward { hidden: teacher, head: same }),
            ("reverse_kl", Target::Reverse { hidden: teacher, head: same }),
        ] {
            let loss = vocabulary_loss(&hidden, &head, &target, &batch.even()).expect("loss");
            let found = outcome(&hidden, loss, None);
            assert_reference(&batch, &found, &file["baselines"][name], dtype, name);
        }
    }
}

#[test]
fn logits_in_bf16_are_read_into_f32_and_get_a_gradient_in_bf16() {
    let batch = Batch::read(&file());
    let n = Tensors::new(&batch.layout(), DType::F32, &CPU).expect("rows");
    let z = student(&batch, DType::BF16);
    let parts = parts(&n, &batch, &CandidateSets::full(n.layout()));
    let loss = baseline(&n, &n.cells_of(&z).expect("cells"), &parts, "sft_nll").expect("loss");
    assert_eq!(loss.dtype(), DType::F32);
    let gradients = loss.backward().expect("backward");
    let found = gradients.get(&z).expect("gradient");
    assert_eq!(found.dtype(), DType::BF16);
    let exact = baseline_of(&batch, "sft_nll", DType::F64);
    for (f, e) in doubles(found).iter().zip(exact.gradient) {
        // Logits up to about 8 carry a relative rounding of 2^-9 each.
        assert!((f - e).abs() <= 0.05 * e.abs() + 1e-3, "{f} is not {e}");
    }
}

#[test]
fn sets_alone_give_the_loss_that_the_whole_vocabulary_gives() {
    // Cells of the teacher's sets only, ragged; the shift comes from the whole row.
    for_each_config(|batch, config, expected, name| {
        if config.settings.shift != Shift::VocabMax {
            return;
        }
        let sets = batch.sets(config.p);
        let offsets = (0..batch.rows()).scan(0, |total, row| {
            *total += sets.size(row);
            Some(*total)
        });
        let offsets: Vec<usize> = std::iter::once(0).chain(offsets).collect();
        let layout = RowLayout::new(offsets).expect("layout");
        let n = Tensors::new(&layout, DType::F64, &CPU).expect("rows");
        let z = student(batch, DType::F64);
        let kept = sets.kept().iter().enumerate().filter(|(_, k)| **k).map(|(i, _)| i as u32);
        let kept = Tensor::from_iter(kept, &CPU).expect("indices");
        let flat = z.flatten_all().expect("logits");

        let wide = Tensors::new(&batch.layout(), DType::F64, &CPU).expect("rows");
        let full = wide.mask(&CandidateSets::full(wide.layout())).expect("mask");
        let all = wide.cells_of(&z).expect("cells");
        let constant = wide.row_max(&all.0, &full).expect("maximum");

        let q_min = config.settings.q_min;
        let cells = n.cells_of(&flat.index_select(&kept, 0).expect("kept")).expect("cells");
        let shifted = n.sub(&cells.0, &n.spread(&constant).expect("spread")).expect("shift");
        let q = floor(&n, &Cells(shifted), q_min).expect("floor");
        let slots = wide.slots(&batch.action).expect("slots");
        let chosen = wide.sub(&wide.pick(&all.0, &slots).expect("pick"), &constant).expect("Q");
        let chosen = Rows(n.floor(&chosen, q_min).expect("floor"));
        let responses = Responses {
            set: n.mask(&CandidateSets::full(&layout)).expect("mask"),
            ..parts(&wide, batch, &sets).responses
        };
        let e = bellman_distill(&n, &q, &chosen, &responses, &config.settings).expect("J");
        let found = outcome(&z, e.objective.neg().expect("loss"), Some(e.value.0));
        assert_reference(batch, &found, expected, DType::F64, name);
    });
}
