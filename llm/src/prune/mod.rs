//! Students made of some of a teacher's layers, and which layers to take.
//!
//! | item | what it is |
//! |---|---|
//! | [`crate::Model::pruned`] | the model with some of its layers |
//! | [`Calibration`] | texts on which a student is compared with its teacher |
//! | [`Greedy`] | leaves out one layer after the other, each time the one that matters least |

mod calibration;
mod greedy;

pub use calibration::Calibration;
pub use greedy::{Dropped, Greedy};
