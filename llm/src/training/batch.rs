//! [`Batch`]: examples as a rectangle of tokens, with the positions that are trained on.

use super::Example;
use crate::{LlmError, Model, Padding, Tokens};
use candle_core::Tensor;
use operators::NextPosition;

/// Examples that go through the model together.
///
/// A *row* is a position of a response: that of the hidden state which foretells its token. Rows
/// of one example lie together, in order.
#[derive(Debug, Clone)]
pub struct Batch {
    tokens: Tokens,
    /// Where each row lies in [B · T].
    places: Vec<u32>,
    /// The token of each row.
    chosen: Vec<u32>,
    lengths: Vec<usize>,
    ended: Vec<bool>,
}

impl Batch {
    /// The batch of these examples, padded on the right.
    ///
    /// # Errors
    /// [`LlmError::NoTokens`] without examples.
    pub fn new(examples: &[&Example]) -> Result<Self, LlmError> {
        let whole = |e: &&Example| [&e.prompt[..], &e.response[..]].concat();
        let sequences: Vec<Vec<u32>> = examples.iter().map(whole).collect();
        let tokens = Tokens::padded(&sequences, Padding::Right)?;
        let foretold = |(i, e): (usize, &&Example)| {
            // An example has a prompt.
            let before = (i * tokens.time() + e.prompt.len() - 1) as u32;
            before..before + e.response.len() as u32
        };
        let places = examples.iter().enumerate().flat_map(foretold).collect();
        let chosen = examples.iter().flat_map(|e| e.response.iter().copied()).collect();
        let lengths = examples.iter().map(|e| e.response.len()).collect();
        let ended = examples.iter().map(|e| e.ended).collect();
        Ok(Self { tokens, places, chosen, lengths, ended })
    }

    /// The number of rows R.
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    /// The token that stands at each row.
    pub fn chosen(&self) -> &[u32] {
        &self.chosen
    }

    /// Which row follows each row.
    pub fn next(&self) -> NextPosition {
        NextPosition::of_lengths(&self.lengths)
    }

    /// Whether the transition of each row counts: all but the last one of a response that was
    /// cut off, whose next value is not known.
    pub fn counts(&self) -> impl Iterator<Item = bool> + '_ {
        let responses = self.lengths.iter().zip(&self.ended);
        responses.flat_map(|(&length, &ended)| (1..=length).map(move |t| t < length || ended))
    }

    /// The model's hidden states at the rows, [R, E].
    ///
    /// # Errors
    /// Those of [`Model::hidden`].
    pub fn hidden(&self, model: &Model) -> Result<Tensor, LlmError> {
        let hidden_me = model.hidden(&self.tokens, None)?.flatten_to(1)?;
        let places = Tensor::from_slice(&self.places, self.places.len(), hidden_me.device())?;
        Ok(hidden_me.index_select(&places, 0)?)
    }

    /// The number of positions that are computed, padding included.
    pub fn positions(&self) -> usize {
        self.tokens.batch() * self.tokens.time()
    }
}

/// Examples, the longest first, in parts of at most `most`, which is at least 1. Where the lengths of
/// neighbours are far apart a part is smaller: at most a quarter of its positions is padding.
pub(super) fn parts<'a, 'b>(
    mut examples: &'b [&'a Example],
    most: usize,
) -> Vec<&'b [&'a Example]> {
    let mut parts = Vec::new();
    while let Some(longest) = examples.first().map(|example| example.length()) {
        let mut tokens = 0;
        let fits = |(i, example): &(usize, &&Example)| {
            tokens += example.length();
            *i < most && 4 * tokens >= 3 * longest * (i + 1)
        };
        // The longest by itself has no padding.
        let count = examples.iter().enumerate().take_while(fits).count().max(1);
        let (part, rest) = examples.split_at(count);
        parts.push(part);
        examples = rest;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(prompt: &[u32], response: &[u32], ended: bool) -> Example {
        Example { prompt: prompt.into(), response: response.into(), ended, scores: None }
    }

    #[test]
    fn no_part_is_padded_by_more_than_a_quarter_or_larger_than_it_may_be() {
        let of_length = |length: usize| example(&vec![1; length - 1], &[2], true);
        let lengths = [90, 40, 39, 38, 30, 29, 10, 9, 9, 9, 9, 2];
        let examples = lengths.map(of_length);
        let examples: Vec<&Example> = examples.iter().collect();
        let sizes = |most| parts(&examples, most).iter().map(|p| p.len()).collect::<Vec<_>>();
        assert_eq!(sizes(4), [1, 4, 1, 4, 1, 1]);
        assert_eq!(sizes(100), [1, 6, 5]);
        assert_eq!(sizes(1), [1; 12]);
        assert!(parts(&[], 4).is_empty());
    }

    #[test]
    fn rows_are_the_positions_before_the_tokens_of_responses() {
        let examples = [example(&[1, 2], &[3, 4, 5], true), example(&[6], &[7, 8], false)];
        let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(batch.places, [1, 2, 3, 5, 6]);
        assert_eq!(batch.chosen, [3, 4, 5, 7, 8]);
        assert_eq!(batch.next().next(), [Some(1), Some(2), None, Some(4), None]);
        assert_eq!(batch.counts().collect::<Vec<_>>(), [true, true, true, true, false]);
    }
}
