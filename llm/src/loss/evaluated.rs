//! The loss of a batch, its gradient and the soft values.

use super::{Batch, BatchProblem, Configuration};
use crate::tensors::Mask;
use crate::{LlmError, Tensors};
use candle_core::{DType, Device, Tensor, Var};
use operators::*;
use serde::Serialize;

/// A configuration with what it gives on a batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluated {
    /// The configuration.
    #[serde(flatten)]
    pub configuration: Configuration,
    /// The loss −J.
    pub loss: f64,
    /// Its gradient with respect to the student's logits, [B, T, V]; 0 on padding.
    pub grad_student_logits: Vec<Vec<Vec<f64>>>,
    /// V_t, [B, T]; on padding, that of the logits which stand there.
    pub soft_value: Vec<Vec<f64>>,
}

/// The loss −J of a batch, its gradient and the soft values.
///
/// # Errors
/// [`LlmError::Batch`] for a configuration out of range, naming it as `place`, or a loss that is
/// not finite; [`LlmError::Tensor`].
pub fn evaluate(
    batch: &Batch,
    configuration: &Configuration,
    place: &str,
) -> Result<Evaluated, LlmError> {
    let wrong =
        |problem| LlmError::Batch { path: batch.path.clone(), place: place.into(), problem };
    let (p, settings) = configuration.checked().map_err(wrong)?;
    let (b, t, v) = batch.shape;
    let logits = Var::from_tensor(&tensor(&batch.student, (b * t, v))?)?;
    let soft_value = soft_values(batch, &logits, p, &settings)?;
    let loss = loss(batch, &logits, p, &settings)?;
    let gradients = loss.backward()?;
    let gradient = match gradients.get(&logits) {
        Some(gradient) => gradient.reshape((b, t, v))?.to_vec3()?,
        None => vec![vec![vec![0.0; v]; t]; b],
    };
    let loss = loss.to_scalar::<f64>()?;
    let entries = gradient.iter().flatten().flatten().chain(soft_value.iter().flatten());
    if !(loss.is_finite() && entries.copied().all(f64::is_finite)) {
        return Err(wrong(BatchProblem::NotFinite));
    }
    let configuration = *configuration;
    Ok(Evaluated { configuration, loss, grad_student_logits: gradient, soft_value })
}

fn tensor(values: &[f64], shape: (usize, usize)) -> Result<Tensor, LlmError> {
    Ok(Tensor::from_slice(values, shape, &Device::Cpu)?)
}

/// Rows of a whole vocabulary, and the teacher's candidate sets in them.
fn rows(
    rows: usize,
    v: usize,
    teacher: &[f64],
    p: TopP,
) -> Result<(Tensors, CandidateSets), LlmError> {
    let layout = RowLayout::uniform(rows, v)?;
    let sets = CandidateSets::select(&layout, teacher, Selection::TopP(p))?;
    Ok((Tensors::new(&layout, DType::F64, &Device::Cpu)?, sets))
}

/// V_t of every position, padding included.
fn soft_values(
    batch: &Batch,
    logits: &Tensor,
    p: TopP,
    settings: &BellmanDistill,
) -> Result<Vec<Vec<f64>>, LlmError> {
    let (b, t, v) = batch.shape;
    let (n, sets) = rows(b * t, v, &batch.teacher, p)?;
    let q = student_q(&n, &n.cells_of(&logits.detach())?, &n.full(), settings)?;
    let value = soft_value(&n, &q, &n.mask(&sets)?)?;
    Ok(value.0.reshape((b, t))?.to_vec2()?)
}

/// −J over the positions that are not padding, with its gradient.
fn loss(
    batch: &Batch,
    logits: &Tensor,
    p: TopP,
    settings: &BellmanDistill,
) -> Result<Tensor, LlmError> {
    let v = batch.shape.2;
    let teacher: Vec<f64> =
        batch.real.iter().flat_map(|row| &batch.teacher[row * v..][..v]).copied().collect();
    let (n, sets) = rows(batch.real.len(), v, &teacher, p)?;
    // Fewer rows than `Tensors` has checked to be nameable by 32 bits.
    let real = batch.real.iter().map(|row| *row as u32);
    let z = n.cells_of(&logits.index_select(&Tensor::from_iter(real, &Device::Cpu)?, 0)?)?;
    let q = student_q(&n, &z, &n.full(), settings)?;
    let chosen = Rows(n.pick(&q.0, &n.slots(&batch.action)?)?);
    let responses = Responses {
        set: n.mask(&sets)?,
        inside: inside(batch, &n, &sets)?,
        next: batch.next.clone(),
        weights: n.rows(&batch.weights)?,
    };
    Ok(bellman_distill(&n, &q, &chosen, &responses, settings)?.objective.neg()?)
}

/// Whether the token of each row lies in its set.
fn inside(batch: &Batch, n: &Tensors, sets: &CandidateSets) -> Result<Mask, LlmError> {
    let rows = n.layout().iter().zip(&batch.action);
    let inside: Vec<bool> = rows.map(|(row, token)| sets.kept()[row.start + token]).collect();
    n.one_cell_per_row().row_mask(&inside)
}
