//! [`Names`]: the tokens of a server as numbers of the tokenizer.

use super::AnswerProblem;
use crate::text::Tokenizer;
use std::collections::{BTreeMap, HashMap};

/// How vLLM names a token when it is asked for numbers.
const NUMBERED: &str = "token_id:";

/// What a part of a character reads as.
const PART: char = '\u{fffd}';

/// A token as a server names it: by its text, and perhaps by its number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Name {
    pub text: String,
    pub id: Option<u32>,
}

impl Name {
    /// A token by its text, with its number where the server gives that too.
    pub fn numbered(id: Option<u32>, text: String) -> Self {
        match id {
            Some(_) => Self { text, id },
            None => Self::written(text),
        }
    }

    /// A token by what the server writes.
    pub fn written(text: String) -> Self {
        match text.strip_prefix(NUMBERED).and_then(|number| number.parse().ok()) {
            Some(id) => Self { text: String::new(), id: Some(id) },
            None => Self { text, id: None },
        }
    }
}

/// The tokens of a tokenizer by their text.
#[derive(Debug)]
pub(super) struct Names {
    /// The tokens by number, as `tokenizer.json` writes them.
    by_id: BTreeMap<u32, String>,
    /// How many tokens may read so, and the last of them.
    by_text: HashMap<String, (u32, u32)>,
    /// The same for tokens as `tokenizer.json` writes them.
    by_content: HashMap<String, u32>,
}

impl Names {
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let by_id = tokenizer.vocabulary();
        let mut by_text: HashMap<String, (u32, u32)> = HashMap::with_capacity(by_id.len());
        for &id in by_id.keys() {
            let Some(text) = tokenizer.token(id) else { continue };
            // Some servers leave out what is no whole character.
            let whole = text.contains(PART).then(|| text.replace(PART, ""));
            for text in whole.into_iter().chain([text]) {
                let (count, last) = by_text.entry(text).or_default();
                (*count, *last) = (*count + 1, id);
            }
        }
        let by_content = by_id.iter().map(|(&id, content)| (content.clone(), id)).collect();
        Self { by_id, by_text, by_content }
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The number of a token at a position.
    pub fn id(&self, name: &Name, position: usize) -> Result<u32, AnswerProblem> {
        let token = || name.text.clone();
        let own = self.by_text.get(&name.text);
        match (name.id, own) {
            (Some(id), _) if !self.by_id.contains_key(&id) => {
                let token = format!("{id} {:?}", name.text);
                Err(AnswerProblem::UnknownToken { position, token })
            }
            (Some(served), Some(&(1, own))) if served != own && !name.text.is_empty() => {
                Err(AnswerProblem::OtherNumber { position, token: token(), served, own })
            }
            (Some(id), _) => Ok(id),
            (None, Some(&(1, id))) => Ok(id),
            (None, Some(&(tokens, _))) => {
                Err(AnswerProblem::Ambiguous { position, token: token(), tokens })
            }
            (None, None) => self.by_content.get(&name.text).copied().ok_or_else(|| {
                AnswerProblem::UnknownToken { position, token: format!("{:?}", name.text) }
            }),
        }
    }

    /// Whether an object that is keyed by text can hold only one of several tokens of this name.
    pub fn hides(&self, name: &Name) -> bool {
        name.id.is_none() && self.by_text.get(&name.text).is_none_or(|&(count, _)| count > 1)
    }
}
