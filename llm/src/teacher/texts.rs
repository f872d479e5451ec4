//! [`read_texts`]: what a teacher thinks of texts that are there, as rows of a cache.

use super::{Exchange, Row, score};
use crate::{LlmError, Model};
use operators::TopP;

/// The name of the template of a cache of texts: nothing was asked.
pub const TEXTS: &str = "texts";

/// Puts a teacher's candidate sets at `p` into rows that have none yet, `batch` rows at a time:
/// nothing is sampled. `stop` is asked before each batch.
///
/// # Errors
/// [`LlmError::Stopped`] when `stop` says so; those of [`score`].
pub fn read_texts(
    model: &Model,
    mut rows: Vec<Row>,
    p: TopP,
    batch: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Row>, LlmError> {
    for rows in rows.chunks_mut(batch.max(1)) {
        if stop() {
            return Err(LlmError::Stopped);
        }
        let exchange = |row: &Row| Exchange {
            prompt: row.prompt_tokens.clone(),
            response: row.response_tokens.clone(),
        };
        let exchanges: Vec<Exchange> = rows.iter().map(exchange).collect();
        for (row, scores) in rows.iter_mut().zip(score(model, &exchanges, p)?) {
            row.scores = scores;
        }
    }
    Ok(rows)
}
