//! Training: gradients, the optimiser, losses over the whole vocabulary.

mod adamw;
mod gradients;

pub use adamw::{AdamW, AdamWSettings};
pub use gradients::Gradients;
