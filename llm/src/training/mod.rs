//! Training: gradients, the optimiser, losses over the whole vocabulary.

mod adamw;
mod gradients;
mod vocabulary;

pub use adamw::{AdamW, AdamWSettings};
pub use gradients::Gradients;
pub use vocabulary::{Target, vocabulary_loss};
