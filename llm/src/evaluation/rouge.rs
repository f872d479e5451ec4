//! Rouge-L as the package `rouge_score` 0.1.2 computes it with `use_stemmer=True`.

use super::stem;
use std::collections::HashMap;

/// The most words of a text that are scored: the time grows with the product of two lengths.
pub const MOST_WORDS: usize = 1 << 16;

/// The words of a text, ready to be compared.
///
/// Lower case; everything but `a`–`z` and `0`–`9` separates; words of more than three letters are
/// stemmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

/// A text of more than [`MOST_WORDS`] words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text of {found} words; at most {MOST_WORDS} are scored")]
pub struct TooManyWords {
    /// How many there are.
    pub found: usize,
}

impl Words {
    /// The words of a text.
    ///
    /// # Errors
    /// [`TooManyWords`].
    pub fn of(text: &str) -> Result<Self, TooManyWords> {
        let lower = text.to_lowercase();
        let words = || lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
        let found = words().count();
        if found > MOST_WORDS {
            return Err(TooManyWords { found });
        }
        let stemmed = words().map(|w| if w.len() > 3 { stem(w) } else { w.to_owned() });
        Ok(Self(stemmed.filter(|w| !w.is_empty()).collect()))
    }
}

/// Rouge-L of a prediction to a reference, in [0, 1]: the F-measure of the longest common
/// subsequence of words.
///
/// ```text
/// P = LCS / words of the prediction,  R = LCS / words of the reference,  F = 2PR / (P + R)
/// ```
///
/// 0 where either has no words. Source: C.-Y. Lin, *ROUGE*, 2004; the package `rouge_score` 0.1.2.
///
/// # Example
/// ```
/// use llm::evaluation::{Words, rouge_l};
/// let (prediction, reference) = (Words::of("The cats sat")?, Words::of("a cat sits there")?);
/// assert!((rouge_l(&prediction, &reference) - 2.0 / 7.0).abs() < 1e-15);
/// # Ok::<(), llm::evaluation::TooManyWords>(())
/// ```
pub fn rouge_l(prediction: &Words, reference: &Words) -> f64 {
    let common = longest_common_subsequence(&prediction.0, &reference.0);
    if common == 0 {
        return 0.0;
    }
    let precision = common as f64 / prediction.0.len() as f64;
    let recall = common as f64 / reference.0.len() as f64;
    2.0 * precision * recall / (precision + recall)
}

/// The length of the longest common subsequence, in memory for the shorter list only.
fn longest_common_subsequence(a: &[String], b: &[String]) -> usize {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    // Numbers compare faster than words; 0 stands for those of the long list alone.
    let mut numbers = HashMap::new();
    let short: Vec<usize> = short
        .iter()
        .map(|word| {
            let fresh = numbers.len() + 1;
            *numbers.entry(word).or_insert(fresh)
        })
        .collect();
    // best[j] is the length for what has been read of the long list and short[..j].
    let mut best = vec![0; short.len() + 1];
    for word in long {
        let Some(&number) = numbers.get(word) else { continue };
        let mut diagonal = 0;
        for (j, &other) in short.iter().enumerate() {
            let above = best[j + 1];
            best[j + 1] = if other == number { diagonal + 1 } else { above.max(best[j]) };
            diagonal = above;
        }
    }
    best[short.len()]
}
