//! [`Calibration`]: how far a student is from its teacher, on texts.

use crate::teacher::Exchange;
use crate::{LlmError, Model, Padding, Tensors, Tokens};
use candle_core::{DType, Tensor};
use operators::{Projection, RowLayout, kl_divergence, projection};
use rayon::prelude::*;
use std::ops::ControlFlow;

/// How many positions have their logits in memory at once.
const CHUNK: usize = 64;

/// Texts on which students are compared with one teacher: the mean of
///
/// ```text
/// KL(π_teacher(·|s) ‖ π_student(·|s)) = Σ_a π_teacher(a|s) (log π_teacher(a|s) − log π_student(a|s))
/// ```
///
/// over the positions s that foretell a token of a response, over the whole vocabulary and in
/// nats. What the teacher thinks of a text is computed once and kept as hidden states; logits exist
/// for a few positions at a time.
#[derive(Debug)]
pub struct Calibration {
    teacher: Model,
    batches: Vec<Batch>,
    positions: usize,
}

/// Texts that are computed at once.
#[derive(Debug)]
struct Batch {
    tokens: Tokens,
    /// Which of the B·T positions foretell a token of a response, `u32` [N].
    places: Tensor,
    /// The teacher's hidden states there, [N, E].
    teacher_ne: Tensor,
}

impl Calibration {
    /// Texts for comparison with `teacher`, `batch` of them at once.
    ///
    /// # Errors
    /// [`LlmError::NoTokens`] for an empty prompt, [`LlmError::NoResponses`] when all responses are
    /// empty, those of [`Model::hidden`].
    pub fn new(teacher: &Model, texts: &[Exchange], batch: usize) -> Result<Self, LlmError> {
        if texts.iter().any(|text| text.prompt.is_empty()) {
            return Err(LlmError::NoTokens);
        }
        let texts: Vec<&Exchange> = texts.iter().filter(|text| !text.response.is_empty()).collect();
        let batches = texts.chunks(batch.max(1)).map(|texts| Batch::new(teacher, texts));
        let batches = batches.collect::<Result<Vec<_>, _>>()?;
        match texts.iter().map(|text| text.response.len()).sum() {
            0 => Err(LlmError::NoResponses),
            positions => Ok(Self { teacher: teacher.clone(), batches, positions }),
        }
    }

    /// How many positions are compared.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// How many batches there are.
    pub fn batches(&self) -> usize {
        self.batches.len()
    }

    /// The divergence of a student from the teacher, in nats per position.
    ///
    /// # Errors
    /// Those of [`Model::hidden`]; [`LlmError::Tensor`].
    pub fn divergence(&self, student: &Model) -> Result<f64, LlmError> {
        let mut sum = 0.0;
        for batch in &self.batches {
            let hidden_bte = student.hidden(&batch.tokens, None)?;
            sum += batch.divergences(&self.teacher, student, &[batch.select(&hidden_bte)?])?[0];
        }
        Ok(sum / self.positions as f64)
    }

    /// The divergence from the teacher of a student without each of its layers in turn, in the order
    /// of the layers: what [`Calibration::divergence`] gives for each, in less than half the time.
    /// `watch` is called after each batch.
    ///
    /// # Errors
    /// [`LlmError::Stopped`] when `watch` breaks; those of [`Calibration::divergence`].
    pub fn without_each_layer(
        &self,
        student: &Model,
        watch: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Vec<f64>, LlmError> {
        let mut sums = vec![0.0; student.config().layers];
        for batch in &self.batches {
            let mut students_ne = Vec::with_capacity(sums.len());
            student.without_each_layer(&batch.tokens, &mut |hidden_bte| {
                students_ne.push(batch.select(&hidden_bte)?);
                Ok(())
            })?;
            let divergences = batch.divergences(&self.teacher, student, &students_ne)?;
            sums.iter_mut().zip(divergences).for_each(|(sum, divergence)| *sum += divergence);
            if watch().is_break() {
                return Err(LlmError::Stopped);
            }
        }
        Ok(sums.iter().map(|sum| sum / self.positions as f64).collect())
    }
}

impl Batch {
    fn new(teacher: &Model, texts: &[&Exchange]) -> Result<Self, LlmError> {
        let whole = |e: &&Exchange| [&e.prompt[..], &e.response[..]].concat();
        let tokens = Tokens::padded(&texts.iter().map(whole).collect::<Vec<_>>(), Padding::Right)?;
        // The token at position t is foretold at t − 1.
        let foretold = |(i, e): (usize, &&Exchange)| {
            let before = i * tokens.time() + e.prompt.len() - 1;
            (before..before + e.response.len()).map(|place| place as u32)
        };
        let places: Vec<u32> = texts.iter().enumerate().flat_map(foretold).collect();
        let hidden_bte = teacher.hidden(&tokens, None)?;
        let places = Tensor::from_slice(&places, places.len(), hidden_bte.device())?;
        let teacher_ne = hidden_bte.flatten_to(1)?.index_select(&places, 0)?;
        Ok(Self { tokens, places, teacher_ne })
    }

    /// The hidden states that are compared: [B, T, E] → [N, E].
    fn select(&self, hidden_bte: &Tensor) -> Result<Tensor, LlmError> {
        Ok(hidden_bte.flatten_to(1)?.index_select(&self.places, 0)?)
    }

    /// For each of several students with the head of `student`, the sum of divergences over the
    /// positions, from their hidden states [N, E].
    fn divergences(
        &self,
        teacher: &Model,
        student: &Model,
        students_ne: &[Tensor],
    ) -> Result<Vec<f64>, LlmError> {
        let positions = self.teacher_ne.dim(0)?;
        let mut sums = vec![0.0; students_ne.len()];
        for start in (0..positions).step_by(CHUNK) {
            let rows = CHUNK.min(positions - start);
            let chunk = Chunk::new(&teacher.logits(&self.teacher_ne.narrow(0, start, rows)?)?)?;
            let add = |(sum, student_ne): (&mut f64, &Tensor)| {
                *sum += chunk.divergence(&student.logits(&student_ne.narrow(0, start, rows)?)?)?;
                Ok::<_, LlmError>(())
            };
            sums.par_iter_mut().zip(students_ne).try_for_each(add)?;
        }
        Ok(sums)
    }
}

/// What the teacher thinks of a few positions.
struct Chunk {
    n: Tensors,
    teacher: Projection<Tensors>,
}

impl Chunk {
    /// From logits [rows, V].
    fn new(logits_rv: &Tensor) -> Result<Self, LlmError> {
        let (rows, vocabulary) = logits_rv.dims2()?;
        let layout = RowLayout::uniform(rows, vocabulary)?;
        // Sums over a vocabulary are taken in f32 at least.
        let dtype = if logits_rv.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        let n = Tensors::new(&layout, dtype, logits_rv.device())?;
        let teacher = projection(&n, &n.cells_of(logits_rv)?, &n.full())?;
        Ok(Self { n, teacher })
    }

    /// The sum over positions of the divergence of a student with these logits [rows, V].
    fn divergence(&self, logits_rv: &Tensor) -> Result<f64, LlmError> {
        let (n, full) = (&self.n, self.n.full());
        let student = projection(n, &n.cells_of(logits_rv)?, &full)?;
        let rows = kl_divergence(n, &self.teacher, &student, &full)?;
        Ok(n.read_rows(&rows.0)?.iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::Chunk;
    use candle_core::{Device, Tensor};

    #[test]
    fn the_divergence_of_a_chunk_is_the_sum_over_its_rows_by_hand() {
        let logits = |values: &[f64]| {
            Tensor::from_slice(values, (2, 2), &Device::Cpu).and_then(|t| t.log()).expect("logits")
        };
        let chunk = Chunk::new(&logits(&[0.5, 0.5, 0.75, 0.25])).expect("a chunk");
        let found = chunk.divergence(&logits(&[0.5, 0.5, 0.25, 0.75])).expect("a divergence");
        let expected = 0.75 * 3f64.ln() - 0.25 * 3f64.ln();
        assert!((found - expected).abs() < 1e-14, "{found} is not {expected}");
    }
}
