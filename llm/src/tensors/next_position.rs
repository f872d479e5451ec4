//! Text as a chain: the value after a position is that of the next one.

use super::{Mask, Tensors, expect_length, flags, index};
use crate::LlmError;
use operators::{Cells, NextPosition, NumberSystem, Rows, Successor};

impl Successor<Tensors> for NextPosition {
    fn expected(&self, n: &Tensors, v: &Rows<Tensors>) -> Result<Cells<Tensors>, LlmError> {
        expect_length("the values", v.0.elem_count(), self.rows())?;
        let device = v.0.device();
        let rows = self.next().iter().map(|next| next.unwrap_or(0));
        let next = v.0.index_select(&index(rows, device)?, 0)?;
        let continues = Mask(Some(flags(self.next().iter().map(Option::is_some), device)?));
        Ok(Cells(n.keep(&next, &continues, 0.0)?))
    }
}
