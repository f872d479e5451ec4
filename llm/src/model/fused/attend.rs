//! Attention from its three projections, with nothing kept of what lies between.

use super::heads::View;
use crate::flat::{lend, values};
use crate::sums;
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Causal attention of the positions of sequences to themselves and those before.
///
/// Shapes: queries [B·T, N·D], keys and values [B·T, G·D] → [B·T, N·D].
#[derive(Debug, Clone)]
pub(in crate::model) struct Attend {
    pub(in crate::model) time: usize,
    /// Query heads N.
    pub(in crate::model) heads: usize,
    /// Key-value heads G.
    pub(in crate::model) groups: usize,
    /// D.
    pub(in crate::model) width: usize,
    /// [B or 1, 1, T, T]; no position sees a later one.
    pub(in crate::model) bias_b1tt: Tensor,
    /// Cosines and sines of the positions, [B, 1, T, D/2] each.
    pub(in crate::model) angles: Option<(Tensor, Tensor)>,
}

impl Attend {
    /// The mixtures of values.
    pub(in crate::model) fn apply(
        self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
    ) -> Result<Tensor> {
        query.apply_op3(key, value, self)
    }

    /// The numbers of the queries of a sequence, and of its keys.
    fn sequence(&self) -> (usize, usize) {
        (self.time * self.heads * self.width, self.time * self.groups * self.width)
    }

    /// What each sequence sees.
    fn views<'a>(
        &self,
        batch: usize,
        bias: &'a [f32],
        angles: Option<(&'a [f32], &'a [f32])>,
    ) -> Vec<View<'a>> {
        let (seen, turned) = (self.time * self.time, self.time * self.width / 2);
        let own = bias.len() > seen;
        let view = |b: usize| View {
            bias: if own { &bias[b * seen..][..seen] } else { bias },
            angles: angles
                .map(|(cos, sin)| (&cos[b * turned..][..turned], &sin[b * turned..][..turned])),
        };
        (0..batch).map(view).collect()
    }

    /// `f` with what each of `batch` sequences sees.
    fn with_views<T>(&self, batch: usize, f: impl FnOnce(&[View]) -> Result<T>) -> Result<T> {
        let bias = lend(&self.bias_b1tt);
        match &self.angles {
            None => f(&self.views(batch, bias.values()?, None)),
            Some((cos, sin)) => {
                let (cos, sin) = (lend(cos), lend(sin));
                f(&self.views(batch, bias.values()?, Some((cos.values()?, sin.values()?))))
            }
        }
    }
}

impl CustomOp3 for Attend {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_shape: &Layout,
        k: &CpuStorage,
        k_shape: &Layout,
        v: &CpuStorage,
        v_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (q, k, v) = (values(q, q_shape)?, values(k, k_shape)?, values(v, v_shape)?);
        let mut mixed = vec![0.0; q.len()];
        let (wide, narrow) = self.sequence();
        self.with_views(q.len() / wide, |views| {
            let given = q.par_chunks(wide).zip(k.par_chunks(narrow)).zip(v.par_chunks(narrow));
            let sequences = mixed.par_chunks_mut(wide).zip(given).zip(views);
            let forward =
                sequences.map(|((mixed, ((q, k), v)), view)| self.forward([q, k, v], *view, mixed));
            forward.collect::<Result<()>>()
        })?;
        Ok((CpuStorage::F32(mixed), q_shape.shape().clone()))
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        mixed: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        sums::let_go(mixed)?;
        let slope = slope.contiguous()?;
        let zeros = |x: &Tensor| vec![0.0f32; x.elem_count()];
        let (mut dq, mut dk, mut dv) = (zeros(q), zeros(k), zeros(v));
        {
            let (q, k, v, slope) = (lend(q), lend(k), lend(v), lend(&slope));
            let (q, k, v, slope) = (q.values()?, k.values()?, v.values()?, slope.values()?);
            let (wide, narrow) = self.sequence();
            self.with_views(q.len() / wide, |views| {
                let given = q.par_chunks(wide).zip(k.par_chunks(narrow)).zip(v.par_chunks(narrow));
                let slopes = dq.par_chunks_mut(wide).zip(dk.par_chunks_mut(narrow));
                let slopes = slopes.zip(dv.par_chunks_mut(narrow)).zip(slope.par_chunks(wide));
                let sequences = given.zip(slopes).zip(views).map(
                    |((((q, k), v), (((dq, dk), dv), slope)), view)| {
                        self.backward([q, k, v], slope, *view, [dq, dk, dv])
                    },
                );
                sequences.collect::<Result<()>>()
            })?;
        }
        let of = |values, like: &Tensor| Tensor::from_vec(values, like.shape(), &Device::Cpu);
        Ok((Some(of(dq, q)?), Some(of(dk, k)?), Some(of(dv, v)?)))
    }
}
