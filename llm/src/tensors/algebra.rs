//! What each operation of the algebra is on tensors.

use super::{Bucket, Mask, Slots, Tensors, expect_length};
use crate::LlmError;
use candle_core::{D, DType, Tensor};
use operators::NumberSystem;

impl Tensors {
    /// The exact double c, repeated over the shape of `like` without memory.
    fn filling(&self, like: &Tensor, c: f64) -> Result<Tensor, LlmError> {
        let device = like.device();
        let one = match like.dtype() {
            DType::F64 => Tensor::new(c, device)?,
            // Not through f64 tensors, which Metal does not have.
            dtype => Tensor::new(c as f32, device)?.to_dtype(dtype)?,
        };
        Ok(one.broadcast_as(like.shape())?)
    }

    /// Cells with 0 in place of padding, so that nothing flows from it or back to it.
    pub(super) fn without_padding(&self, cells: &Tensor) -> Result<Tensor, LlmError> {
        expect_length("the table", cells.elem_count(), self.buckets.cells())?;
        match self.gathered.as_ref().and_then(|gathered| gathered.real.as_ref()) {
            None => Ok(cells.clone()),
            Some(real) => Ok(real.where_cond(cells, &self.filling(cells, 0.0)?)?),
        }
    }

    /// The rectangles with where each starts.
    fn places(&self) -> impl Iterator<Item = (usize, &Bucket)> {
        self.buckets.rectangles().iter().scan(0, |start, bucket| {
            let from = *start;
            *start += bucket.rows * bucket.width;
            Some((from, bucket))
        })
    }

    /// `f` of each rectangle `[rows, width]`, which gives `[rows]`; rows in their own order.
    fn by_rectangle(
        &self,
        cells: &Tensor,
        f: impl Fn(&Tensor) -> candle_core::Result<Tensor>,
    ) -> Result<Tensor, LlmError> {
        expect_length("the table", cells.elem_count(), self.buckets.cells())?;
        let part = |(start, bucket): (usize, &Bucket)| {
            let cells = cells.narrow(0, start, bucket.rows * bucket.width)?;
            f(&cells.reshape((bucket.rows, bucket.width))?)
        };
        let parts: Vec<Tensor> = self.places().map(part).collect::<Result<_, _>>()?;
        let rows = concatenate(parts)?;
        match &self.order {
            None => Ok(rows),
            Some(order) => Ok(rows.index_select(&order.natural, 0)?),
        }
    }

    /// Cells with a number below all others outside the mask.
    fn kept_or_lowest(&self, cells: &Tensor, mask: &Mask) -> Result<Tensor, LlmError> {
        let lowest = match cells.dtype() {
            DType::F64 => f64::MIN,
            DType::F16 => -65504.0,
            // The lowest bf16 in place of the lowest f32, which rounds to −∞.
            DType::BF16 => -3.3895313892515355e38,
            _ => f64::from(f32::MIN),
        };
        self.keep(cells, mask, lowest)
    }
}

/// One flat tensor out of several.
fn concatenate(mut parts: Vec<Tensor>) -> Result<Tensor, LlmError> {
    match parts.len() {
        // A copy of a single part would be wasted.
        1 => Ok(parts.remove(0)),
        _ => Ok(Tensor::cat(&parts, 0)?),
    }
}

impl NumberSystem for Tensors {
    type Array = Tensor;
    type Scalar = Tensor;
    type Mask = Mask;
    type Slots = Slots;
    type Error = LlmError;

    fn one_cell_per_row(&self) -> Self {
        let buckets = super::Buckets::new(&self.layout().one_cell_per_row()).into();
        // All rows have the same width: their own order, no padding.
        Self { buckets, order: None, gathered: None, ..self.clone() }
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Result<Tensor, LlmError> {
        Ok(a.add(b)?)
    }

    fn sub(&self, a: &Tensor, b: &Tensor) -> Result<Tensor, LlmError> {
        Ok(a.sub(b)?)
    }

    fn mul(&self, a: &Tensor, b: &Tensor) -> Result<Tensor, LlmError> {
        Ok(a.mul(b)?)
    }

    fn div(&self, a: &Tensor, b: &Tensor) -> Result<Tensor, LlmError> {
        Ok(a.div(b)?)
    }

    fn constant(&self, like: &Tensor, c: f64) -> Result<Tensor, LlmError> {
        Ok(self.filling(like, c)?.contiguous()?)
    }

    fn scale(&self, a: &Tensor, c: f64) -> Result<Tensor, LlmError> {
        Ok(a.affine(c, 0.0)?)
    }

    fn divide(&self, a: &Tensor, c: f64) -> Result<Tensor, LlmError> {
        // Not `a / c`, which candle turns into a multiplication by 1/c.
        Ok(a.div(&self.filling(a, c)?)?)
    }

    fn exp(&self, a: &Tensor) -> Result<Tensor, LlmError> {
        Ok(a.exp()?)
    }

    fn ln(&self, a: &Tensor) -> Result<Tensor, LlmError> {
        Ok(a.log()?)
    }

    fn abs(&self, a: &Tensor) -> Result<Tensor, LlmError> {
        Ok(a.abs()?)
    }

    fn floor(&self, a: &Tensor, min: f64) -> Result<Tensor, LlmError> {
        let min = self.filling(a, min)?;
        // Not `maximum`, which halves the gradient on a tie; and a NaN passes, never hidden.
        Ok(a.le(&min)?.where_cond(&min, a)?)
    }

    fn keep(&self, a: &Tensor, mask: &Mask, fill: f64) -> Result<Tensor, LlmError> {
        match &mask.0 {
            None => Ok(a.clone()),
            Some(flags) => Ok(flags.where_cond(a, &self.filling(a, fill)?)?),
        }
    }

    fn drop(&self, a: &Tensor, mask: &Mask, fill: f64) -> Result<Tensor, LlmError> {
        match &mask.0 {
            None => self.constant(a, fill),
            Some(flags) => Ok(flags.where_cond(&self.filling(a, fill)?, a)?),
        }
    }

    fn spread(&self, rows: &Tensor) -> Result<Tensor, LlmError> {
        expect_length("the row vector", rows.elem_count(), self.layout().rows())?;
        let rows = match &self.order {
            None => rows.clone(),
            Some(order) => rows.index_select(&order.stored, 0)?,
        };
        let mut start = 0;
        let mut parts = Vec::with_capacity(self.buckets.rectangles().len());
        for bucket in self.buckets.rectangles() {
            let column = rows.narrow(0, start, bucket.rows)?.unsqueeze(1)?;
            parts.push(column.broadcast_as((bucket.rows, bucket.width))?.flatten_all()?);
            start += bucket.rows;
        }
        concatenate(parts)
    }

    fn row_sum(&self, cells: &Tensor) -> Result<Tensor, LlmError> {
        self.by_rectangle(&self.without_padding(cells)?, |part| part.sum(D::Minus1))
    }

    fn row_share(&self, cells: &Tensor) -> Result<Tensor, LlmError> {
        self.div(cells, &self.spread(&self.row_sum(cells)?)?)
    }

    fn row_log_share(&self, cells: &Tensor, mask: &Mask) -> Result<Tensor, LlmError> {
        let anchor = self.row_anchor(cells, mask)?;
        let gap = self.keep(&self.sub(cells, &self.spread(&anchor)?)?, mask, 0.0)?;
        let total = self.row_sum(&self.keep(&self.exp(&gap)?, mask, 0.0)?)?;
        // Not cells − (anchor + ln total), which rounds in units of the anchor.
        self.sub(&gap, &self.spread(&self.ln(&total)?)?)
    }

    fn row_max(&self, cells: &Tensor, mask: &Mask) -> Result<Tensor, LlmError> {
        // Not `max`, which on a tie gives each of the largest cells the whole gradient.
        self.by_rectangle(&self.kept_or_lowest(cells, mask)?, |part| {
            part.gather(&part.detach().argmax_keepdim(D::Minus1)?, D::Minus1)?.squeeze(D::Minus1)
        })
    }

    fn row_anchor(&self, cells: &Tensor, mask: &Mask) -> Result<Tensor, LlmError> {
        let cells = self.kept_or_lowest(&cells.detach(), mask)?;
        self.by_rectangle(&cells, |part| part.max(D::Minus1))
    }

    fn pick(&self, cells: &Tensor, slots: &Slots) -> Result<Tensor, LlmError> {
        expect_length("the table", cells.elem_count(), self.buckets.cells())?;
        expect_length("the list of slots", slots.0.elem_count(), self.layout().rows())?;
        Ok(cells.index_select(&slots.0, 0)?)
    }

    fn dot(&self, weights: &Tensor, a: &Tensor) -> Result<Tensor, LlmError> {
        Ok(weights.mul(a)?.sum_all()?)
    }

    fn largest(&self, a: &Tensor, mask: &Mask) -> Result<Tensor, LlmError> {
        let kept = self.keep(a, mask, 0.0)?;
        let is_nan = kept.ne(&kept)?;
        // candle's maximum may pass a NaN over; a norm must not.
        let nan = is_nan.where_cond(&self.filling(a, f64::NAN)?, &self.filling(a, 0.0)?)?;
        Ok(self.kept_or_lowest(a, mask)?.max_all()?.add(&nan.sum_all()?)?)
    }
}
