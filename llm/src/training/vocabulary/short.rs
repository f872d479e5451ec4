//! The losses for f32 in main memory, with gradients by hand.
//!
//! With p the student, q the teacher and z the student's logits, a row of weight w has
//!
//! ```text
//! ℓ = −log p(y)                ∂ℓ/∂z = w (p − 1[y])
//! ℓ = Σ q (log q − log p)      ∂ℓ/∂z = w (p − q)
//! ℓ = Σ p (log p − log q)      ∂ℓ/∂z = w p (log p − log q − ℓ)
//! ```

use super::{Gradients, Target};
use crate::LlmError;
use crate::compute::Compute;
use crate::flat::{Lent, add_product, lend, product};
use crate::simd::{exp, largest, map_sum2, sum, sum2, wide};
use candle_core::{CpuStorage, Device, Layout, Tensor};
use kernels::Precision;
use rayon::prelude::*;

/// The loss with its gradients, `chunk` rows at a time.
pub(super) fn loss(
    hidden_re: &Tensor,
    head_ve: &Tensor,
    target: &Target,
    weights: &[f64],
    chunk: usize,
) -> Result<(f64, Gradients), LlmError> {
    let precision = Compute::precision();
    let student = Student { hidden: lend(hidden_re), head: lend(head_ve), precision };
    let (vocabulary, width) = head_ve.dims2()?;
    let zeros = |x: &Tensor| x.track_op().then(|| vec![0.0f32; x.elem_count()]);
    let (mut of_hidden, mut of_head) = (zeros(hidden_re), zeros(head_ve));
    let mut total = 0.0;
    for start in (0..weights.len()).step_by(chunk) {
        let rows = start..weights.len().min(start + chunk);
        let mut logits = logits_of(&student.hidden, &student.head, &rows, precision)?;
        total += to_slopes(&mut logits, vocabulary, target, weights, &rows, precision)?;
        let slopes = CpuStorage::F32(logits);
        if let Some(of_hidden) = &mut of_hidden {
            let cells = rows.start * width..rows.end * width;
            of_hidden[cells].copy_from_slice(&student.hidden_slopes(&slopes, &rows)?);
        }
        if let Some(of_head) = &mut of_head {
            student.add_head_slopes(&slopes, &rows, of_head)?;
        }
    }
    let tensor = |values: Option<Vec<f32>>, like: &Tensor| {
        values.map(|values| Tensor::from_vec(values, like.shape(), &Device::Cpu)).transpose()
    };
    let (hidden, head) = (tensor(of_hidden, hidden_re)?, tensor(of_head, head_ve)?);
    Ok((total, Gradients { hidden, head }))
}

type Rows = std::ops::Range<usize>;

struct Student<'a> {
    hidden: Lent<'a>,
    head: Lent<'a>,
    precision: Precision,
}

impl Student<'_> {
    /// slopes · head, [rows, E].
    fn hidden_slopes(&self, slopes: &CpuStorage, rows: &Rows) -> candle_core::Result<Vec<f32>> {
        let shape = Layout::contiguous((rows.len(), self.head.layout().dims()[0]));
        product((slopes, &shape), self.head.whole()?, self.precision)
    }

    /// Adds slopesᵀ · hidden, [V, E].
    fn add_head_slopes(
        &self,
        slopes: &CpuStorage,
        rows: &Rows,
        sum: &mut [f32],
    ) -> candle_core::Result<()> {
        let vocabulary = self.head.layout().dims()[0];
        let hidden = self.hidden.layout().narrow(0, rows.start, rows.len())?;
        let slopes_shape = Layout::contiguous((rows.len(), vocabulary)).transpose(0, 1)?;
        let hidden = (self.hidden.storage()?, &hidden);
        add_product(sum, (slopes, &slopes_shape), hidden, self.precision)
    }
}

/// The logits [rows, V].
fn logits_of(
    hidden: &Lent,
    head: &Lent,
    rows: &Rows,
    precision: Precision,
) -> candle_core::Result<Vec<f32>> {
    let shape = hidden.layout().narrow(0, rows.start, rows.len())?;
    let turned = head.layout().transpose(0, 1)?;
    product((hidden.storage()?, &shape), (head.storage()?, &turned), precision)
}

/// Puts ∂ℓ/∂z in place of logits; Σ w ℓ.
fn to_slopes(
    logits: &mut [f32],
    vocabulary: usize,
    target: &Target,
    weights: &[f64],
    rows: &Rows,
    precision: Precision,
) -> candle_core::Result<f64> {
    let weights = &weights[rows.clone()];
    let each = logits.par_chunks_mut(vocabulary).zip(weights);
    let losses: Vec<f64> = match target {
        Target::Tokens(tokens) => {
            let each = each.zip(&tokens[rows.clone()]);
            each.map(|((z, &w), &y)| w * wide(|| token_row(z, y as usize, w as f32))).collect()
        }
        Target::Forward { hidden, head } => {
            let teacher = logits_of(&lend(hidden), &lend(head), rows, precision)?;
            let each = each.zip(teacher.par_chunks(vocabulary));
            each.map(|((z, &w), teacher)| w * wide(|| forward_row(z, teacher, w as f32))).collect()
        }
        Target::Reverse { hidden, head } => {
            let teacher = logits_of(&lend(hidden), &lend(head), rows, precision)?;
            let each = each.zip(teacher.par_chunks(vocabulary));
            each.map(|((z, &w), teacher)| w * wide(|| reverse_row(z, teacher, w as f32))).collect()
        }
    };
    // In the order of the rows, whichever thread had them.
    Ok(losses.iter().sum())
}

/// The largest logit m and ln Σ e^(z − m): log p = (z − m) − ln Σ.
#[inline(always)]
fn log_share(z: &[f32]) -> (f32, f64) {
    let most = largest(z);
    (most, sum(z, |z| exp(z - most)).ln())
}

#[inline(always)]
fn token_row(z: &mut [f32], y: usize, w: f32) -> f64 {
    let (most, log_total) = log_share(z);
    let loss = log_total - f64::from(z[y] - most);
    let log = log_total as f32;
    z.iter_mut().for_each(|z| *z = w * exp((*z - most) - log));
    z[y] -= w;
    loss
}

#[inline(always)]
fn forward_row(z: &mut [f32], teacher: &[f32], w: f32) -> f64 {
    let ((most, log), (teacher_most, teacher_log)) = (log_share(z), log_share(teacher));
    let (log, teacher_log) = (log as f32, teacher_log as f32);
    map_sum2(z, teacher, |z, t| {
        let (log_p, log_q) = ((z - most) - log, (t - teacher_most) - teacher_log);
        let q = exp(log_q);
        (w * (exp(log_p) - q), q * (log_q - log_p))
    })
}

#[inline(always)]
fn reverse_row(z: &mut [f32], teacher: &[f32], w: f32) -> f64 {
    let ((most, log), (teacher_most, teacher_log)) = (log_share(z), log_share(teacher));
    let (log, teacher_log) = (log as f32, teacher_log as f32);
    let surplus = |z: f32, t: f32| {
        let log_p = (z - most) - log;
        (exp(log_p), log_p - ((t - teacher_most) - teacher_log))
    };
    let loss = sum2(z, teacher, |z, t| {
        let (p, surplus) = surplus(z, t);
        p * surplus
    });
    let mean = loss as f32;
    for (z, t) in z.iter_mut().zip(teacher) {
        let (p, surplus) = surplus(*z, *t);
        *z = w * p * (surplus - mean);
    }
    loss
}
