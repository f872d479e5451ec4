//! [`Dense`]: tables of any [`Scalar`] in nalgebra vectors.

use crate::candidates::expect_length;
use crate::{CandidateSets, Cells, NumberSystem, OperatorError, RowLayout, Rows, Scalar};
use nalgebra::DVector;
use std::marker::PhantomData;

/// Ragged rows of `T`: cells lie one row after the other in one nalgebra vector.
#[derive(Debug, Clone)]
pub struct Dense<T> {
    layout: RowLayout,
    number: PhantomData<T>,
}

impl<T: Scalar> Dense<T> {
    /// The number system over these rows.
    pub fn new(layout: &RowLayout) -> Self {
        Self { layout: layout.clone(), number: PhantomData }
    }

    /// The layout of the rows.
    pub fn layout(&self) -> &RowLayout {
        &self.layout
    }

    /// Cells from exact doubles.
    ///
    /// # Errors
    /// [`OperatorError::Length`] unless there is one for each cell.
    pub fn cells(&self, values: &[f64]) -> Result<Cells<Self>, OperatorError> {
        expect_length("the table", values.len(), self.layout.cells())?;
        Ok(Cells(DVector::from_iterator(values.len(), values.iter().map(|&x| T::from_f64(x)))))
    }

    /// Rows from exact doubles.
    ///
    /// # Errors
    /// [`OperatorError::Length`] unless there is one for each row.
    pub fn rows(&self, values: &[f64]) -> Result<Rows<Self>, OperatorError> {
        expect_length("the row vector", values.len(), self.layout.rows())?;
        Ok(Rows(DVector::from_iterator(values.len(), values.iter().map(|&x| T::from_f64(x)))))
    }

    /// The mask of candidate sets over the same rows.
    pub fn mask(&self, sets: &CandidateSets) -> Vec<bool> {
        sets.kept().to_vec()
    }

    fn per_row(&self, cells: &DVector<T>, f: impl Fn(&[T]) -> T) -> DVector<T> {
        let values = cells.as_slice();
        DVector::from_iterator(self.layout.rows(), self.layout.iter().map(|row| f(&values[row])))
    }

    /// The largest `map(cell)` of each row among the cells of the mask.
    fn masked_max(&self, cells: &DVector<T>, mask: &[bool], map: impl Fn(T) -> T) -> DVector<T> {
        let values = cells.as_slice();
        let best = |row: std::ops::Range<usize>| {
            row.filter(|&i| mask[i])
                .map(|i| map(values[i]))
                .reduce(T::max)
                // An empty row cannot be built; zero is a harmless anchor.
                .unwrap_or(T::from_f64(0.0))
        };
        DVector::from_iterator(self.layout.rows(), self.layout.iter().map(best))
    }
}

fn zip<T: Scalar>(
    a: &DVector<T>,
    b: &DVector<T>,
    f: impl Fn(T, T) -> T,
) -> Result<DVector<T>, OperatorError> {
    expect_length("the second operand", b.len(), a.len())?;
    Ok(a.zip_map(b, f))
}

/// `a` where the mask equals `kept`, `fill` elsewhere.
fn replace<T: Scalar>(
    a: &DVector<T>,
    mask: &[bool],
    fill: f64,
    kept: bool,
) -> Result<DVector<T>, OperatorError> {
    expect_length("the mask", mask.len(), a.len())?;
    let fill = T::from_f64(fill);
    let chosen = a.iter().zip(mask).map(|(&x, &k)| if k == kept { x } else { fill });
    Ok(DVector::from_iterator(a.len(), chosen))
}

impl<T: Scalar> NumberSystem for Dense<T> {
    type Array = DVector<T>;
    type Scalar = T;
    type Mask = Vec<bool>;
    type Slots = Vec<usize>;
    type Error = OperatorError;

    fn one_cell_per_row(&self) -> Self {
        Self::new(&self.layout.one_cell_per_row())
    }

    fn add(&self, a: &DVector<T>, b: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        zip(a, b, |x, y| x + y)
    }

    fn sub(&self, a: &DVector<T>, b: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        zip(a, b, |x, y| x - y)
    }

    fn mul(&self, a: &DVector<T>, b: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        zip(a, b, |x, y| x * y)
    }

    fn div(&self, a: &DVector<T>, b: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        zip(a, b, |x, y| x / y)
    }

    fn constant(&self, like: &DVector<T>, c: f64) -> Result<DVector<T>, OperatorError> {
        Ok(DVector::repeat(like.len(), T::from_f64(c)))
    }

    fn scale(&self, a: &DVector<T>, c: f64) -> Result<DVector<T>, OperatorError> {
        let c = T::from_f64(c);
        Ok(a.map(|x| x * c))
    }

    fn divide(&self, a: &DVector<T>, c: f64) -> Result<DVector<T>, OperatorError> {
        let c = T::from_f64(c);
        Ok(a.map(|x| x / c))
    }

    fn exp(&self, a: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        Ok(a.map(T::exp))
    }

    fn ln(&self, a: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        Ok(a.map(T::ln))
    }

    fn abs(&self, a: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        Ok(a.map(T::abs))
    }

    fn floor(&self, a: &DVector<T>, min: f64) -> Result<DVector<T>, OperatorError> {
        let min = T::from_f64(min);
        // The floor comes first, so that on a tie a dual number keeps the floor's derivative.
        Ok(a.map(|x| min.max(x)))
    }

    fn keep(
        &self,
        a: &DVector<T>,
        mask: &Vec<bool>,
        fill: f64,
    ) -> Result<DVector<T>, OperatorError> {
        replace(a, mask, fill, true)
    }

    fn drop(
        &self,
        a: &DVector<T>,
        mask: &Vec<bool>,
        fill: f64,
    ) -> Result<DVector<T>, OperatorError> {
        replace(a, mask, fill, false)
    }

    fn spread(&self, rows: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        expect_length("the row vector", rows.len(), self.layout.rows())?;
        let cells =
            self.layout.iter().zip(rows).flat_map(|(row, &x)| std::iter::repeat_n(x, row.len()));
        Ok(DVector::from_iterator(self.layout.cells(), cells))
    }

    fn row_sum(&self, cells: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        expect_length("the table", cells.len(), self.layout.cells())?;
        Ok(self.per_row(cells, |row| T::sum(row.iter().copied())))
    }

    fn row_share(&self, cells: &DVector<T>) -> Result<DVector<T>, OperatorError> {
        expect_length("the table", cells.len(), self.layout.cells())?;
        let mut shares = cells.clone();
        for row in self.layout.iter() {
            T::share(&mut shares.as_mut_slice()[row]);
        }
        Ok(shares)
    }

    fn row_log_share(
        &self,
        cells: &DVector<T>,
        mask: &Vec<bool>,
    ) -> Result<DVector<T>, OperatorError> {
        expect_length("the table", cells.len(), self.layout.cells())?;
        expect_length("the mask", mask.len(), cells.len())?;
        let mut shares = cells.clone();
        for row in self.layout.iter() {
            T::log_share(&mut shares.as_mut_slice()[row.clone()], &mask[row]);
        }
        Ok(shares)
    }

    fn row_max(&self, cells: &DVector<T>, mask: &Vec<bool>) -> Result<DVector<T>, OperatorError> {
        expect_length("the table", cells.len(), self.layout.cells())?;
        expect_length("the mask", mask.len(), cells.len())?;
        Ok(self.masked_max(cells, mask, |x| x))
    }

    fn row_anchor(
        &self,
        cells: &DVector<T>,
        mask: &Vec<bool>,
    ) -> Result<DVector<T>, OperatorError> {
        expect_length("the table", cells.len(), self.layout.cells())?;
        expect_length("the mask", mask.len(), cells.len())?;
        Ok(self.masked_max(cells, mask, |x| T::from_f64(x.center())))
    }

    fn pick(&self, cells: &DVector<T>, slots: &Vec<usize>) -> Result<DVector<T>, OperatorError> {
        expect_length("the table", cells.len(), self.layout.cells())?;
        expect_length("the list of slots", slots.len(), self.layout.rows())?;
        for (row, &slot) in self.layout.iter().zip(slots) {
            if slot >= row.len() {
                let expected = row.len();
                return Err(OperatorError::Length { what: "a slot", found: slot, expected });
            }
        }
        let picked = self.layout.iter().zip(slots).map(|(row, &slot)| cells[row.start + slot]);
        Ok(DVector::from_iterator(slots.len(), picked))
    }

    fn dot(&self, weights: &DVector<T>, a: &DVector<T>) -> Result<T, OperatorError> {
        expect_length("the weights", weights.len(), a.len())?;
        Ok(T::sum(weights.iter().zip(a).map(|(&w, &x)| w * x)))
    }

    fn largest(&self, a: &DVector<T>, mask: &Vec<bool>) -> Result<T, OperatorError> {
        expect_length("the mask", mask.len(), a.len())?;
        let kept = a.iter().zip(mask).filter_map(|(&x, &k)| k.then_some(x));
        kept.reduce(T::max).ok_or(OperatorError::EmptyRow { row: 0 })
    }
}
