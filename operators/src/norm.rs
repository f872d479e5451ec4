//! ‖f‖_{∞,A_p} = max_s max_{a ∈ A_p(s)} |f(s,a)|.

use crate::{Cells, NumberSystem};

/// The supported sup-norm: the largest |f(s,a)| over the pairs of the candidate sets.
///
/// Shapes: f [rows, K] → one number.
/// Proved: `supported_norm_ge`, `supported_norm_le`.
/// Source: arXiv 2505.20335, supported ∞-norm.
///
/// # Errors
/// Only those of the number system.
///
/// # Example
/// ```
/// use operators::{CandidateSets, Dense, RowLayout, supported_norm};
/// let layout = RowLayout::uniform(1, 2)?;
/// let n = Dense::<f64>::new(&layout);
/// let set = n.mask(&CandidateSets::from_kept(&layout, vec![true, false])?);
/// assert_eq!(supported_norm(&n, &n.cells(&[-2.0, 7.0])?, &set)?, 2.0);
/// # Ok::<(), operators::OperatorError>(())
/// ```
pub fn supported_norm<N: NumberSystem>(
    n: &N,
    f: &Cells<N>,
    set: &N::Mask,
) -> Result<N::Scalar, N::Error> {
    n.largest(&n.abs(&f.0)?, set)
}
