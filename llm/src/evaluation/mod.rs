//! Evaluation: how close generated texts are to references.

mod bootstrap;
mod exact_match;
mod porter;
mod record;
mod respond;
mod rouge;
mod score;
mod texts;

pub use bootstrap::{Bootstrap, Estimate, MOST_RESAMPLES};
pub use exact_match::exact_match;
pub use porter::stem;
pub use record::{Evaluation, Record, Role, SeedScore, Used};
pub use respond::{Respond, respond};
pub use rouge::{MOST_WORDS, TooManyWords, Words, rouge_l};
pub use score::{Means, Score, score_texts};
pub use texts::{LineProblem, Lined, Texts};
