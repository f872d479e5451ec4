//! [`Example`]: a prompt with a response, ready to be trained on.

use crate::LlmError;
use crate::teacher::{Cache, Row, Scores};
use crate::text::{Record, Tokenizer};
use operators::Budget;
use std::collections::HashSet;

/// A prompt with a response in tokens, and what a teacher thinks of it where that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What comes before the response; at least one token. Nothing is trained on it.
    pub prompt: Vec<u32>,
    /// The response, the end-of-sequence token included where it ended; at least one token, none
    /// only where the student is still to answer.
    pub response: Vec<u32>,
    /// Whether it ended by itself; otherwise it was cut off, and what follows is not known.
    pub ended: bool,
    /// The teacher's candidate sets at each position of the response.
    pub scores: Option<Scores>,
}

impl Example {
    /// The number of tokens, those of the prompt included.
    pub fn length(&self) -> usize {
        self.prompt.len() + self.response.len()
    }

    /// The responses of a teacher that are not empty, cut to `longest` tokens with their prompt.
    ///
    /// A prompt that leaves no room for a response is left out. What is cut counts as cut off.
    ///
    /// # Errors
    /// Those of [`Cache::rows`].
    pub fn of_cache(cache: &Cache, longest: usize) -> Result<Vec<Self>, LlmError> {
        Self::of_rows(cache, longest, |row| Ok(row.scores.clone()))
    }

    /// The same with the candidate sets of the adaptive rule: along every response, begun at its
    /// prompt, they leak no more than the budget.
    ///
    /// # Errors
    /// [`LlmError::ShortOfBudget`] where the cache holds less than the rule asks for; those of
    /// [`Cache::rows`].
    pub fn of_cache_within(
        cache: &Cache,
        longest: usize,
        budget: Budget,
    ) -> Result<Vec<Self>, LlmError> {
        Self::of_rows(cache, longest, |row| {
            let (scores, short) = row.scores.adaptive(budget);
            let Some(&position) = short.first() else { return Ok(scores) };
            let mut at = budget;
            scores.mass[..position].iter().for_each(|&mass| at.spend(-f64::from(mass).ln()));
            Err(LlmError::ShortOfBudget {
                path: cache.path().to_path_buf(),
                prompt: row.prompt,
                response: row.response,
                position,
                asked: at.mass().get(),
            })
        })
    }

    fn of_rows(
        cache: &Cache,
        longest: usize,
        scores: impl Fn(&Row) -> Result<Scores, LlmError>,
    ) -> Result<Vec<Self>, LlmError> {
        let mut examples = Vec::new();
        for row in cache.rows()? {
            let row = row?;
            let scores = scores(&row)?;
            let Row { prompt_tokens, response_tokens, ended, .. } = row;
            let example = Self {
                prompt: prompt_tokens,
                response: response_tokens,
                ended,
                scores: Some(scores),
            };
            examples.extend(example.within(longest));
        }
        Ok(examples)
    }

    /// The outputs of a data set after their prompts, each with the token that ends a response.
    ///
    /// # Errors
    /// Those of the tokenizer.
    pub fn of_outputs(
        prompts: &[(&[u32], &Record)],
        tokenizer: &Tokenizer,
        end: u32,
        longest: usize,
    ) -> Result<Vec<Self>, LlmError> {
        let mut examples = Vec::new();
        for (prompt, record) in prompts {
            for output in &record.outputs {
                let mut response = tokenizer.encode(output)?;
                response.push(end);
                let prompt = prompt.to_vec();
                let example = Self { prompt, response, ended: true, scores: None };
                examples.extend(example.within(longest));
            }
        }
        Ok(examples)
    }

    /// Prompts that the student is to answer, each once, if `longest` tokens leave room for it.
    pub fn of_prompts(prompts: impl IntoIterator<Item = Vec<u32>>, longest: usize) -> Vec<Self> {
        let mut seen = HashSet::new();
        let new = |prompt: &Vec<u32>| prompt.len() < longest && seen.insert(prompt.clone());
        let open = |prompt| Self { prompt, response: Vec::new(), ended: false, scores: None };
        prompts.into_iter().filter(new).map(open).collect()
    }

    /// Text in pieces of `length` tokens; of each only the first token is not trained on. A piece of
    /// one token is left out.
    pub fn of_text(tokens: &[u32], length: usize) -> Vec<Self> {
        let pieces = tokens.chunks(length.max(2)).filter(|piece| piece.len() > 1);
        let piece = |piece: &[u32]| Self {
            prompt: piece[..1].to_vec(),
            response: piece[1..].to_vec(),
            ended: false,
            scores: None,
        };
        pieces.map(piece).collect()
    }

    /// Texts in pieces, each text with the token that ends it. No piece spans two texts, so that
    /// nothing of one is seen from the other.
    pub fn of_texts(texts: &[Vec<u32>], end: u32, length: usize) -> Vec<Self> {
        let mut examples = Vec::new();
        for text in texts {
            let whole = [&text[..], &[end]].concat();
            let mut pieces = Self::of_text(&whole, length);
            if let Some(last) = pieces.last_mut() {
                // The end itself may be a piece of its own, which is left out.
                last.ended = whole.len() % length.max(2) != 1;
            }
            examples.append(&mut pieces);
        }
        examples
    }

    /// The example with at most `longest` tokens; nothing when no response is left.
    pub(super) fn within(mut self, longest: usize) -> Option<Self> {
        let room = longest.checked_sub(self.prompt.len()).filter(|&room| room > 0)?;
        if self.response.len() > room {
            self.response.truncate(room);
            self.ended = false;
            self.scores = self.scores.map(|scores| scores.first(room));
        }
        (!self.response.is_empty()).then_some(self)
    }
}

impl Scores {
    /// The scores of the first positions.
    fn first(&self, positions: usize) -> Self {
        let cells = self.sets().take(positions).last().map_or(0, |set| set.end);
        Self {
            chosen: self.chosen[..positions].to_vec(),
            mass: self.mass[..positions].to_vec(),
            sizes: self.sizes[..positions].to_vec(),
            candidates: self.candidates[..cells].to_vec(),
            log_probabilities: self.log_probabilities[..cells].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(prompt: usize, response: usize) -> Example {
        let sizes: Vec<u32> = (0..response as u32).map(|t| t % 2 + 1).collect();
        let cells = sizes.iter().sum::<u32>() as usize;
        let scores = Scores {
            chosen: vec![-1.0; response],
            mass: vec![0.9; response],
            sizes,
            candidates: (0..cells as u32).collect(),
            log_probabilities: vec![-1.0; cells],
        };
        let (prompt, response) = (vec![1; prompt], vec![2; response]);
        Example { prompt, response, ended: true, scores: Some(scores) }
    }

    #[test]
    fn a_long_response_is_cut_and_counts_as_cut_off() {
        let cut = example(3, 5).within(6).unwrap();
        assert_eq!((cut.length(), cut.ended), (6, false));
        let scores = cut.scores.unwrap();
        assert_eq!((scores.sizes, scores.candidates), (vec![1, 2, 1], vec![0, 1, 2, 3]));
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(example(3, 5).within(8), Some(example(3, 5)));
    }

    #[test]
    fn a_prompt_without_room_for_a_response_is_left_out() {
        assert_eq!(example(3, 5).within(3), None);
        assert_eq!(example(3, 5).within(2), None);
    }

    #[test]
    fn text_is_cut_into_pieces() {
        let pieces = Example::of_text(&[1, 2, 3, 4, 5, 6, 7], 3);
        assert_eq!(pieces.len(), 2);
        assert_eq!((&pieces[1].prompt[..], &pieces[1].response[..]), (&[4][..], &[5, 6][..]));
    }

    #[test]
    fn no_piece_spans_two_texts_and_each_text_has_its_end() {
        let pieces = Example::of_texts(&[vec![1, 2, 3, 4], vec![], vec![5], vec![6, 7, 8]], 9, 3);
        let all: Vec<Vec<u32>> =
            pieces.iter().map(|p| [&p.prompt[..], &p.response[..]].concat()).collect();
        assert_eq!(all, [vec![1, 2, 3], vec![4, 9], vec![5, 9], vec![6, 7, 8]]);
        let ended: Vec<bool> = pieces.iter().map(|p| p.ended).collect();
        assert_eq!(ended, [false, true, true, false]);
    }
}
