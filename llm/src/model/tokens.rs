//! [`Tokens`]: a rectangle of token ids with what is padding.

use crate::LlmError;

/// Where padding goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Before the tokens: the last column is the last token of every sequence.
    Left,
    /// After the tokens.
    Right,
}

/// Sequences as a rectangle [B, T]. What is padding is a matter of position, never of token id:
/// any id may stand there, and the id that pads may be a token elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    ids: Vec<u32>,
    real: Vec<bool>,
    batch: usize,
    time: usize,
}

impl Tokens {
    /// Sequences padded to the longest.
    ///
    /// # Errors
    /// [`LlmError::NoTokens`] when there is no sequence or one is empty.
    pub fn padded<S: AsRef<[u32]>>(sequences: &[S], side: Padding) -> Result<Self, LlmError> {
        let time = sequences.iter().map(|s| s.as_ref().len()).max().unwrap_or(0);
        let (mut ids, mut real) = (Vec::new(), Vec::new());
        for sequence in sequences.iter().map(S::as_ref) {
            if sequence.is_empty() {
                return Err(LlmError::NoTokens);
            }
            let padding = time - sequence.len();
            let before = if side == Padding::Left { padding } else { 0 };
            for t in 0..time {
                let token = t.checked_sub(before).and_then(|i| sequence.get(i));
                ids.push(token.copied().unwrap_or(0));
                real.push(token.is_some());
            }
        }
        if time == 0 {
            return Err(LlmError::NoTokens);
        }
        Ok(Self { ids, real, batch: sequences.len(), time })
    }

    /// The number of sequences B.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The number of positions T, padding included.
    pub fn time(&self) -> usize {
        self.time
    }

    /// The ids [B, T], anything on padding.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Whether each of [B, T] is a token, not padding.
    pub fn real(&self) -> &[bool] {
        &self.real
    }
}
