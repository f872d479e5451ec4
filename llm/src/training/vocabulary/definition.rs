//! The losses by the operators, with the gradients of backpropagation.

use super::{Gradients, Target};
use crate::{Compute, LlmError, Tensors};
use candle_core::{DType, Device, Tensor, Var};
use operators::{Cells, RowLayout, Rows, cross_entropy, kl_divergence, projection};

/// The loss with its gradients, `chunk` rows at a time.
pub(super) fn loss(
    hidden_re: &Tensor,
    head_ve: &Tensor,
    target: &Target,
    weights: &[f64],
    chunk: usize,
) -> Result<(f64, Gradients), LlmError> {
    let head = Var::from_tensor(&head_ve.detach())?;
    let (mut total, mut parts, mut of_head) = (0.0, Vec::new(), head.zeros_like()?);
    for start in (0..weights.len()).step_by(chunk) {
        let rows = chunk.min(weights.len() - start);
        let hidden = Var::from_tensor(&hidden_re.detach().narrow(0, start, rows)?.contiguous()?)?;
        let part = of_rows(&hidden, &head, target, &weights[start..start + rows], start)?;
        let mut store = part.backward()?;
        let mut gradient = |variable: &Var| match store.remove(variable) {
            Some(gradient) => Ok(gradient.detach()),
            None => variable.zeros_like(),
        };
        parts.push(gradient(&hidden)?);
        of_head = of_head.add(&gradient(&head)?)?;
        total += part.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
    }
    let of_hidden = match parts.len() {
        0 => hidden_re.zeros_like()?,
        _ => Tensor::cat(&parts, 0)?,
    };
    let hidden = hidden_re.track_op().then_some(of_hidden);
    Ok((total, Gradients { hidden, head: head_ve.track_op().then_some(of_head) }))
}

/// The loss of the rows of the target from `start` on, as a graph.
pub(super) fn of_rows(
    hidden_re: &Tensor,
    head_ve: &Tensor,
    target: &Target,
    weights: &[f64],
    start: usize,
) -> Result<Tensor, LlmError> {
    let layout = RowLayout::uniform(weights.len(), head_ve.dim(0)?)?;
    let n = Tensors::new(&layout, hidden_re.dtype(), hidden_re.device())?;
    let logits = |hidden: &Tensor, head: &Tensor| -> Result<Cells<Tensors>, LlmError> {
        n.cells_of(&Compute::times(hidden, &head.t()?)?)
    };
    let rows = weights.len();
    let (student, full, weights) = (logits(hidden_re, head_ve)?, n.full(), n.rows(weights)?);
    let divergence = |hidden: &Tensor, head: &Tensor, forward: bool| {
        let hidden = hidden.detach().narrow(0, start, rows)?;
        let teacher = projection(&n, &logits(&hidden, &head.detach())?, &full)?;
        let student = projection(&n, &student, &full)?;
        let (from, to) = if forward { (&teacher, &student) } else { (&student, &teacher) };
        let Rows(rows) = kl_divergence(&n, from, to, &full)?;
        operators::NumberSystem::dot(&n, &weights.0, &rows)
    };
    match target {
        Target::Tokens(tokens) => {
            let tokens = &tokens[start..start + rows];
            let tokens: Vec<usize> = tokens.iter().map(|&token| token as usize).collect();
            cross_entropy(&n, &student, &full, &n.slots(&tokens)?, &weights)
        }
        Target::Forward { hidden, head } => divergence(hidden, head, true),
        Target::Reverse { hidden, head } => divergence(hidden, head, false),
    }
}
