//! [`Matrix`]: numbers with a shape.

/// A matrix in memory of somebody else: entry (i, j) lies at i · row step + j · column step.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    shape: (usize, usize),
    steps: (usize, usize),
}

impl<'a> Matrix<'a> {
    /// A matrix of this shape (rows, columns) with these steps; nothing unless all of it lies in
    /// `values`.
    pub fn new(values: &'a [f32], shape: (usize, usize), steps: (usize, usize)) -> Option<Self> {
        let along = |count: usize, step: usize| count.saturating_sub(1).checked_mul(step);
        let last = along(shape.0, steps.0)?.checked_add(along(shape.1, steps.1)?)?;
        let inside = shape.0 == 0 || shape.1 == 0 || last < values.len();
        inside.then_some(Self { values, shape, steps })
    }

    /// A matrix row by row; nothing when `values` has another length.
    pub fn by_rows(values: &'a [f32], shape: (usize, usize)) -> Option<Self> {
        let fits = shape.0.checked_mul(shape.1)? == values.len();
        if fits { Self::new(values, shape, (shape.1, 1)) } else { None }
    }

    /// Its rows as columns.
    pub fn transposed(self) -> Self {
        let ((m, n), (down, along)) = (self.shape, self.steps);
        Self { shape: (n, m), steps: (along, down), ..self }
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// From a row to the next, and from a column to the next.
    pub(crate) fn steps(&self) -> (usize, usize) {
        self.steps
    }

    /// Entry (i, j).
    #[inline(always)]
    pub(crate) fn at(&self, i: usize, j: usize) -> f32 {
        self.values[i * self.steps.0 + j * self.steps.1]
    }

    /// Where entry (i, j) lies, which the matrix must have.
    #[inline(always)]
    pub(crate) fn place(&self, i: usize, j: usize) -> *const f32 {
        debug_assert!(i < self.shape.0 && j < self.shape.1);
        self.values.as_ptr().wrapping_add(i * self.steps.0 + j * self.steps.1)
    }
}
