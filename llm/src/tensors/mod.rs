//! [`Tensors`]: the number system of candle tensors, with gradients.

mod algebra;
mod buckets;
mod next_position;

pub use buckets::{Bucket, Buckets};

use crate::LlmError;
use candle_core::{DType, Device, Tensor};
use operators::{CandidateSets, Cells, RowLayout, Rows};
use std::sync::Arc;

/// Ragged rows of numbers as candle tensors, on any device, in f64, f32, f16 or bf16.
///
/// An array is a flat tensor. Over rows it has the order of the layout; over cells that of
/// [`Buckets`], rectangles of rows of similar width. Gradients flow through everything but
/// [`operators::NumberSystem::row_anchor`] and cells that a floor or a mask replaces. Padding is
/// never summed, is no maximum, and passes no gradient on.
///
/// Indices travel to the device when a `Tensors`, a mask or slots are made, not with each
/// operation. Everything has 32-bit indices: fewer than 2³² cells.
#[derive(Debug, Clone)]
pub struct Tensors {
    buckets: Arc<Buckets>,
    /// The row at each place of storage, and the place of each row; `None` when they coincide.
    order: Option<Order>,
    /// Where stored cells come from; `None` when they lie as in the layout.
    gathered: Option<Gathered>,
    dtype: DType,
    device: Device,
}

/// A permutation of rows, both ways.
#[derive(Debug, Clone)]
struct Order {
    stored: Tensor,
    natural: Tensor,
}

/// Stored cells that are not those of the layout one by one.
#[derive(Debug, Clone)]
struct Gathered {
    /// The cell of the layout that each holds; 0 on padding.
    source: Tensor,
    /// 1 on cells, 0 on padding; `None` when there is no padding.
    real: Option<Tensor>,
}

/// Which entries of an array take part: 1 where they do, a `u8` tensor of the array's shape;
/// `None` where all do.
#[derive(Debug, Clone)]
pub struct Mask(Option<Tensor>);

/// One cell per row: its index in storage, a `u32` tensor `[rows]`.
#[derive(Debug, Clone)]
pub struct Slots(Tensor);

impl Tensors {
    /// The number system over these rows.
    ///
    /// # Errors
    /// [`LlmError::Tensor`] when the device cannot hold the indices.
    pub fn new(layout: &RowLayout, dtype: DType, device: &Device) -> Result<Self, LlmError> {
        let buckets = Buckets::new(layout);
        let order = if buckets.order().is_sorted() {
            None
        } else {
            let mut places = vec![0; layout.rows()];
            for (place, &row) in buckets.order().iter().enumerate() {
                places[row] = place;
            }
            let stored = index(buckets.order().iter().copied(), device)?;
            Some(Order { stored, natural: index(places.into_iter(), device)? })
        };
        let padded = buckets.cells() > layout.cells();
        let gathered = if order.is_none() && !padded {
            None
        } else {
            let source = index(buckets.source().map(|cell| cell.unwrap_or(0)), device)?;
            let real = buckets.source().map(|cell| cell.is_some());
            let real = if padded { Some(flags(real, device)?) } else { None };
            Some(Gathered { source, real })
        };
        Ok(Self { buckets: buckets.into(), order, gathered, dtype, device: device.clone() })
    }

    /// The layout of the rows.
    pub fn layout(&self) -> &RowLayout {
        self.buckets.layout()
    }

    /// How the cells are stored.
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Cells from doubles, in the order of the layout, rounded to the type of the tensors.
    ///
    /// # Errors
    /// [`LlmError::Length`] unless there is one for each cell; [`LlmError::Tensor`].
    pub fn cells(&self, values: &[f64]) -> Result<Cells<Self>, LlmError> {
        expect_length("the table", values.len(), self.layout().cells())?;
        let stored = self.buckets.source().map(|cell| cell.map_or(0.0, |i| values[i]));
        Ok(Cells(self.numbers(stored)?))
    }

    /// Rows from doubles, rounded to the type of the tensors.
    ///
    /// # Errors
    /// [`LlmError::Length`] unless there is one for each row; [`LlmError::Tensor`].
    pub fn rows(&self, values: &[f64]) -> Result<Rows<Self>, LlmError> {
        expect_length("the row vector", values.len(), self.layout().rows())?;
        Ok(Rows(self.numbers(values.iter().copied())?))
    }

    /// Cells from a tensor that holds one number per cell in the order of the layout, whatever
    /// its shape; gradients flow back to it.
    ///
    /// # Errors
    /// [`LlmError::Length`] unless there is one for each cell; [`LlmError::Tensor`].
    pub fn cells_of(&self, tensor: &Tensor) -> Result<Cells<Self>, LlmError> {
        expect_length("the tensor of cells", tensor.elem_count(), self.layout().cells())?;
        let flat = tensor.flatten_all()?.to_dtype(self.dtype)?;
        let Some(gathered) = &self.gathered else { return Ok(Cells(flat)) };
        let cells = flat.index_select(&gathered.source, 0)?;
        Ok(Cells(self.without_padding(&cells)?))
    }

    /// Rows from a tensor that holds one number per row, whatever its shape; gradients flow back.
    ///
    /// # Errors
    /// [`LlmError::Length`] unless there is one for each row; [`LlmError::Tensor`].
    pub fn rows_of(&self, tensor: &Tensor) -> Result<Rows<Self>, LlmError> {
        expect_length("the tensor of rows", tensor.elem_count(), self.layout().rows())?;
        Ok(Rows(tensor.flatten_all()?.to_dtype(self.dtype)?))
    }

    /// The mask of candidate sets over the same rows.
    ///
    /// # Errors
    /// [`LlmError::Length`] when the sets belong to other rows; [`LlmError::Tensor`].
    pub fn mask(&self, sets: &CandidateSets) -> Result<Mask, LlmError> {
        let kept = sets.kept();
        expect_length("the list of kept cells", kept.len(), self.layout().cells())?;
        if sets.is_full() {
            return Ok(self.full());
        }
        let stored = self.buckets.source().map(|cell| cell.is_some_and(|i| kept[i]));
        Ok(Mask(Some(flags(stored, &self.device)?)))
    }

    /// The mask of every cell; without padding it costs nothing.
    pub fn full(&self) -> Mask {
        Mask(self.gathered.as_ref().and_then(|gathered| gathered.real.clone()))
    }

    /// A mask over rows.
    ///
    /// # Errors
    /// [`LlmError::Length`] unless there is a flag for each row; [`LlmError::Tensor`].
    pub fn row_mask(&self, kept: &[bool]) -> Result<Mask, LlmError> {
        expect_length("the list of kept rows", kept.len(), self.layout().rows())?;
        Ok(Mask(Some(flags(kept.iter().copied(), &self.device)?)))
    }

    /// One slot (position within the row) for each row.
    ///
    /// # Errors
    /// [`LlmError::Length`] unless there is one for each row and each lies in its row;
    /// [`LlmError::Tensor`].
    pub fn slots(&self, slots: &[usize]) -> Result<Slots, LlmError> {
        expect_length("the list of slots", slots.len(), self.layout().rows())?;
        for (row, &slot) in self.layout().iter().zip(slots) {
            if slot >= row.len() {
                let expected = row.len();
                return Err(LlmError::Length { what: "a slot", found: slot, expected });
            }
        }
        let places = self.buckets.starts().iter().zip(slots).map(|(start, slot)| start + slot);
        Ok(Slots(index(places, &self.device)?))
    }

    /// The doubles of an array over cells, in the order of the layout.
    ///
    /// # Errors
    /// [`LlmError::Length`] unless there is one for each stored cell; [`LlmError::Tensor`].
    pub fn read_cells(&self, cells: &Tensor) -> Result<Vec<f64>, LlmError> {
        let stored = read(cells)?;
        expect_length("the array of cells", stored.len(), self.buckets.cells())?;
        let rows = self.buckets.starts().iter().zip(self.layout().iter());
        Ok(rows.flat_map(|(&start, row)| &stored[start..start + row.len()]).copied().collect())
    }

    /// The doubles of an array over rows.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn read_rows(&self, rows: &Tensor) -> Result<Vec<f64>, LlmError> {
        read(rows)
    }

    fn numbers(&self, values: impl Iterator<Item = f64>) -> Result<Tensor, LlmError> {
        if self.dtype == DType::F64 {
            let values: Vec<f64> = values.collect();
            let length = values.len();
            return Ok(Tensor::from_vec(values, length, &self.device)?);
        }
        // Not through f64 tensors, which Metal does not have.
        let values: Vec<f32> = values.map(|x| x as f32).collect();
        let length = values.len();
        Ok(Tensor::from_vec(values, length, &self.device)?.to_dtype(self.dtype)?)
    }
}

/// The numbers of a tensor as doubles.
fn read(tensor: &Tensor) -> Result<Vec<f64>, LlmError> {
    let flat = tensor.flatten_all()?.to_device(&Device::Cpu)?;
    Ok(flat.to_dtype(DType::F64)?.to_vec1()?)
}

/// Indices as a tensor.
fn index(values: impl Iterator<Item = usize>, device: &Device) -> Result<Tensor, LlmError> {
    let values: Result<Vec<u32>, _> = values.map(u32::try_from).collect();
    let values = values.map_err(|_| LlmError::TooManyCells)?;
    let length = values.len();
    Ok(Tensor::from_vec(values, length, device)?)
}

/// Flags as a tensor of 0 and 1.
fn flags(values: impl Iterator<Item = bool>, device: &Device) -> Result<Tensor, LlmError> {
    let values: Vec<u8> = values.map(u8::from).collect();
    let length = values.len();
    Ok(Tensor::from_vec(values, length, device)?)
}

/// Whether an argument is as long as it must be.
fn expect_length(what: &'static str, found: usize, expected: usize) -> Result<(), LlmError> {
    if found == expected { Ok(()) } else { Err(LlmError::Length { what, found, expected }) }
}
