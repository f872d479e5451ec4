//! The algebra that the operators are written in.

/// Arithmetic on rows: what an operator may do with numbers.
///
/// An implementation knows the layout of its rows (how many cells each has). There is no
/// comparison here: which cells take part is decided beforehand ([`crate::candidates`]) and
/// enters as a mask, because on enclosures a comparison has three answers and on tensors it has
/// no gradient.
///
/// Shapes are two: an array over *cells* (a number per row and candidate) and an array over
/// *rows*. Elementwise operations work on both; `spread`, `row_*` and `pick` pass between them.
/// The operators take [`Cells`] and [`Rows`] so that the two cannot be confused.
pub trait NumberSystem: Sized {
    /// Numbers, one per cell or one per row.
    type Array: Clone;
    /// One number.
    type Scalar;
    /// Which entries of an array take part.
    type Mask;
    /// One cell per row.
    type Slots;
    /// What can go wrong (shapes on tables; device errors on tensors).
    type Error;

    /// The number system of the same rows with one cell each, for numbers of one action per row.
    fn one_cell_per_row(&self) -> Self;
    /// a + b.
    fn add(&self, a: &Self::Array, b: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// a − b.
    fn sub(&self, a: &Self::Array, b: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// a · b.
    fn mul(&self, a: &Self::Array, b: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// a / b.
    fn div(&self, a: &Self::Array, b: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// The exact double c in every entry, shaped like `a`.
    fn constant(&self, like: &Self::Array, c: f64) -> Result<Self::Array, Self::Error>;
    /// a · c for the exact double c.
    fn scale(&self, a: &Self::Array, c: f64) -> Result<Self::Array, Self::Error>;
    /// a / c for the exact double c ≠ 0.
    fn divide(&self, a: &Self::Array, c: f64) -> Result<Self::Array, Self::Error>;
    /// exp a.
    fn exp(&self, a: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// ln a.
    fn ln(&self, a: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// |a|.
    fn abs(&self, a: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// max(a, min), without gradient where `min` is the larger.
    fn floor(&self, a: &Self::Array, min: f64) -> Result<Self::Array, Self::Error>;
    /// a where the mask holds, the exact finite double `fill` elsewhere. Replaces, never
    /// multiplies, so that 0 · ∞ cannot arise.
    fn keep(
        &self,
        a: &Self::Array,
        mask: &Self::Mask,
        fill: f64,
    ) -> Result<Self::Array, Self::Error>;
    /// [`NumberSystem::keep`] with the mask reversed: the exact double `fill` where it holds.
    fn drop(
        &self,
        a: &Self::Array,
        mask: &Self::Mask,
        fill: f64,
    ) -> Result<Self::Array, Self::Error>;
    /// Cells: the number of each row, repeated over its cells.
    fn spread(&self, rows: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// Rows: Σ over the cells of each row.
    fn row_sum(&self, cells: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// Cells: each cell over the total of its row, for non-negative cells with a positive total.
    fn row_share(&self, cells: &Self::Array) -> Result<Self::Array, Self::Error>;
    /// Cells: the logarithm of each cell's share of Σ exp over the cells of the mask in its row,
    /// `a − log Σ exp a`; meaningless outside the mask.
    fn row_log_share(
        &self,
        cells: &Self::Array,
        mask: &Self::Mask,
    ) -> Result<Self::Array, Self::Error>;
    /// Rows: the largest cell of each row among those of the mask, with its gradient.
    fn row_max(&self, cells: &Self::Array, mask: &Self::Mask) -> Result<Self::Array, Self::Error>;
    /// Rows: an exact constant near [`NumberSystem::row_max`], without gradient. Any constant
    /// gives the right result where this is used; one near the maximum avoids overflow.
    fn row_anchor(
        &self,
        cells: &Self::Array,
        mask: &Self::Mask,
    ) -> Result<Self::Array, Self::Error>;
    /// Rows: the cell of each row that `slots` names.
    fn pick(&self, cells: &Self::Array, slots: &Self::Slots) -> Result<Self::Array, Self::Error>;
    /// Σ_i w_i a_i.
    fn dot(&self, weights: &Self::Array, a: &Self::Array) -> Result<Self::Scalar, Self::Error>;
    /// The largest entry among those of the mask.
    fn largest(&self, a: &Self::Array, mask: &Self::Mask) -> Result<Self::Scalar, Self::Error>;
}

/// A number for every row and candidate: `[rows, K]`, ragged where rows differ.
pub struct Cells<N: NumberSystem>(pub N::Array);

/// A number for every row: `[rows]`.
pub struct Rows<N: NumberSystem>(pub N::Array);

impl<N: NumberSystem> Clone for Cells<N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<N: NumberSystem> Clone for Rows<N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
