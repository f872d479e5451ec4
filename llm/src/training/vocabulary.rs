//! Losses over the whole vocabulary.

use crate::{LlmError, Tensors};
use candle_core::Tensor;
use operators::{NumberSystem, RowLayout, cross_entropy, kl_divergence, projection};

/// What a student is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// The token of each row.
    Tokens(&'a [u32]),
    /// KL(teacher ‖ student).
    Forward {
        /// The teacher's hidden states.
        hidden: &'a Tensor,
        /// The teacher's head.
        head: &'a Tensor,
    },
    /// KL(student ‖ teacher).
    Reverse {
        /// The teacher's hidden states.
        hidden: &'a Tensor,
        /// The teacher's head.
        head: &'a Tensor,
    },
}

/// The weighted sum over rows.
///
/// # Errors
/// [`LlmError::Tensor`].
pub fn vocabulary_loss(
    hidden_re: &Tensor,
    head_ve: &Tensor,
    target: &Target,
    weights: &[f64],
) -> Result<Tensor, LlmError> {
    let (rows, vocabulary) = (hidden_re.dim(0)?, head_ve.dim(0)?);
    let n = Tensors::new(
        &RowLayout::uniform(rows, vocabulary)?,
        hidden_re.dtype(),
        hidden_re.device(),
    )?;
    let weights = n.rows(weights)?;
    let z = n.cells_of(&hidden_re.matmul(&head_ve.t()?)?)?;
    match target {
        Target::Tokens(tokens) => {
            let slots: Vec<usize> = tokens.iter().map(|&t| t as usize).collect();
            cross_entropy(&n, &z, &n.full(), &n.slots(&slots)?, &weights)
        }
        Target::Forward { hidden, head } | Target::Reverse { hidden, head } => {
            let teacher = n.cells_of(&hidden.matmul(&head.t()?)?)?;
            let (student, teacher) =
                (projection(&n, &z, &n.full())?, projection(&n, &teacher, &n.full())?);
            let kl = match target {
                Target::Forward { .. } => kl_divergence(&n, &teacher, &student, &n.full())?,
                _ => kl_divergence(&n, &student, &teacher, &n.full())?,
            };
            n.dot(&weights.0, &kl.0)
        }
    }
}
