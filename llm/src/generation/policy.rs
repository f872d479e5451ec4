//! [`Policy`]: what tokens are drawn from, one position of many sequences at a time.

use super::batch::draw;
use super::{Job, Response, Sampling};
use crate::{Cache, LlmError, Model, Tokens};
use candle_core::{DType, Device, Tensor};
use operators::OnPolicy;
use rayon::prelude::*;
use std::ops::ControlFlow;

/// Logits of the next token, with a memory of what came before.
pub(super) trait Policy {
    /// How many positions a sequence may have.
    fn positions(&self) -> usize;

    /// The logits after new tokens of each sequence, over the whole vocabulary. `rows` says, where
    /// it is given, which sequence of `tokens` each row goes on from.
    fn logits(
        &mut self,
        tokens: &Tokens,
        rows: Option<&[usize]>,
    ) -> Result<Vec<Vec<f64>>, LlmError>;

    /// Keeps only these rows.
    fn select(&mut self, rows: &[usize]) -> Result<(), LlmError>;
}

/// A model by itself.
pub(super) struct Alone<'a> {
    model: &'a Model,
    cache: Cache,
}

impl<'a> Alone<'a> {
    pub(super) fn new(model: &'a Model) -> Self {
        Self { model, cache: Cache::new() }
    }
}

impl Policy for Alone<'_> {
    fn positions(&self) -> usize {
        self.model.config().max_positions
    }

    fn logits(
        &mut self,
        tokens: &Tokens,
        rows: Option<&[usize]>,
    ) -> Result<Vec<Vec<f64>>, LlmError> {
        let hidden_bte = self.model.hidden(tokens, Some(&mut self.cache))?;
        // Logits are computed for the last position alone.
        let mut last_be = hidden_bte.narrow(1, tokens.time() - 1, 1)?.squeeze(1)?.contiguous()?;
        if let Some(rows) = rows {
            self.cache.select(rows)?;
            let rows: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
            let rows = Tensor::from_slice(&rows, rows.len(), last_be.device())?;
            last_be = last_be.index_select(&rows, 0)?;
        }
        let logits_bv = self.model.logits(&last_be)?.detach().to_device(&Device::Cpu)?;
        Ok(logits_bv.to_dtype(DType::F64)?.to_vec2()?)
    }

    fn select(&mut self, rows: &[usize]) -> Result<(), LlmError> {
        self.cache.select(rows)
    }
}

/// A student with a teacher mixed in.
struct Mixed<'a> {
    student: Alone<'a>,
    teacher: Alone<'a>,
    settings: OnPolicy,
}

impl Policy for Mixed<'_> {
    fn positions(&self) -> usize {
        self.student.positions().min(self.teacher.positions())
    }

    fn logits(
        &mut self,
        tokens: &Tokens,
        rows: Option<&[usize]>,
    ) -> Result<Vec<Vec<f64>>, LlmError> {
        let student = self.student.logits(tokens, rows)?;
        let teacher = self.teacher.logits(tokens, rows)?;
        let mixed = |(student, teacher): (Vec<f64>, Vec<f64>)| {
            // Heads may be padded with rows that are no tokens.
            let shared = student.len().min(teacher.len());
            let [q, p] = [&student, &teacher].map(|z| log_probabilities(&z[..shared]));
            q.zip(p).map(|(q, p)| self.settings.log_mixture(q, p)).collect()
        };
        Ok(student.into_par_iter().zip(teacher).map(mixed).collect())
    }

    fn select(&mut self, rows: &[usize]) -> Result<(), LlmError> {
        self.student.select(rows)?;
        self.teacher.select(rows)
    }
}

fn log_probabilities(z: &[f64]) -> impl Iterator<Item = f64> {
    let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = z.iter().map(|z| (z - most).exp()).sum::<f64>().ln();
    z.iter().map(move |z| (z - most) - total)
}

/// The responses to all of `jobs` as [`super::generate`] gives them, drawn token by token from the
/// mixture p̃ of a student and a teacher ([`OnPolicy`]). Both know the same tokens.
///
/// # Errors
/// Those of [`super::generate`].
pub fn generate_mixed(
    (student, teacher): (&Model, &Model),
    settings: OnPolicy,
    jobs: &[Job],
    ends: &[u32],
    sampling: &Sampling,
) -> Result<Vec<Response>, LlmError> {
    let (student, teacher) = (Alone::new(student), Alone::new(teacher));
    let mut policy = Mixed { student, teacher, settings };
    draw(&mut policy, jobs, ends, sampling, &mut |_| ControlFlow::Continue(()))
}
