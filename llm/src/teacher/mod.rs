//! Teacher data: responses, the candidate sets of a teacher along them, and the file they lie in.
//!
//! | item | what it is |
//! |---|---|
//! | [`score`] | one forward pass: candidate sets with log-probabilities along responses |
//! | [`Row`], [`Cache`] | a response with its scores; a Parquet file of them |
//! | [`Answers`] | a model on this machine that answers prompts |
//! | [`read_texts`] | a model on this machine that reads texts |
//! | [`Settings`], [`Expected`] | what a cache was made with; what a reader relies on |
//! | [`server`] | a teacher behind an OpenAI-compatible server |
//! | [`fill`] | making a cache so that it can be stopped and taken up again |
//! | [`Summary`] | a cache in numbers |

mod answer;
mod cache;
mod columns;
mod fill;
mod hash;
mod row;
mod score;
pub mod server;
mod settings;
mod summary;
mod texts;

pub use answer::Answers;
pub use cache::{Cache, Writer};
pub use fill::{FILE, PROMPTS_PER_PART, Prompt, fill, fill_over};
pub use hash::{hash_file, hash_model, hash_prompts, hash_text};
pub use row::Row;
pub use score::{Exchange, Scores, score};
pub use settings::{Expected, FORMAT, SERVED, Settings};
pub use summary::{Sizes, Summary};
pub use texts::{TEXTS, read_texts};
