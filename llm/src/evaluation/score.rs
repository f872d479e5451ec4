//! Scores of predictions, each against the references of its prompt.

use super::{Texts, TooManyWords, Words, exact_match, rouge_l};
use crate::LlmError;

/// How good one prediction is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Rouge-L, in [0, 1].
    pub rouge_l: f64,
    /// Whether it is a reference, up to case, punctuation and white space.
    pub exact_match: bool,
}

impl Score {
    /// The score of a prediction: the best over the references, 0 without any.
    ///
    /// # Errors
    /// [`TooManyWords`].
    pub fn of(prediction: &str, references: &[String]) -> Result<Self, TooManyWords> {
        let words = Words::of(prediction)?;
        let mut best = Self { rouge_l: 0.0, exact_match: false };
        for reference in references {
            best.rouge_l = best.rouge_l.max(rouge_l(&words, &Words::of(reference)?));
            best.exact_match |= exact_match(prediction, reference);
        }
        Ok(best)
    }
}

/// The score of every prediction of a file against the references of another, line by line.
///
/// # Errors
/// [`LlmError::Lines`] unless the files have equally many lines; [`LlmError::Line`] for a text
/// that is too long.
pub fn score_texts(
    predictions: &Texts<String>,
    references: &Texts<Vec<String>>,
) -> Result<Vec<Score>, LlmError> {
    if predictions.rows.len() != references.rows.len() {
        return Err(LlmError::Lines {
            path: predictions.path.clone(),
            found: predictions.rows.len(),
            other: references.path.clone(),
            expected: references.rows.len(),
        });
    }
    let mut scores = Vec::with_capacity(predictions.rows.len());
    for (prediction, reference) in predictions.rows.iter().zip(&references.rows) {
        Words::of(&prediction.content).map_err(|e| predictions.wrong(prediction, e))?;
        let score = Score::of(&prediction.content, &reference.content);
        scores.push(score.map_err(|e| references.wrong(reference, e))?);
    }
    Ok(scores)
}

/// The means of scores, times 100.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Means {
    /// How many predictions there are.
    pub n: usize,
    /// The mean Rouge-L times 100; NaN without predictions.
    pub rouge_l: f64,
    /// The share of exact matches times 100; NaN without predictions.
    pub exact_match: f64,
}

impl Means {
    /// The means of these scores.
    pub fn of(scores: &[Score]) -> Self {
        let mean = |of: fn(&Score) -> f64| {
            100.0 * scores.iter().map(of).sum::<f64>() / scores.len() as f64
        };
        Self {
            n: scores.len(),
            rouge_l: mean(|score| score.rouge_l),
            exact_match: mean(|score| f64::from(u8::from(score.exact_match))),
        }
    }
}
