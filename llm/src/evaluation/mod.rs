//! Evaluation: how close generated texts are to references.

mod exact_match;
mod porter;
mod rouge;
mod score;
mod texts;

pub use exact_match::exact_match;
pub use porter::stem;
pub use rouge::{MOST_WORDS, TooManyWords, Words, rouge_l};
pub use score::{Means, Score, score_texts};
pub use texts::{LineProblem, Lined, Texts};
