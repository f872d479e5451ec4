//! The loss on a batch in a file, so that any implementation can be checked against this one.
//!
//! Everything is computed in f64 by the operators, the gradient by backpropagation.

mod batch;
mod configuration;
mod evaluated;
mod problem;

pub use batch::Batch;
pub use configuration::{Configuration, PhiName, ShiftName};
pub use evaluated::{Evaluated, evaluate};
pub use problem::BatchProblem;
