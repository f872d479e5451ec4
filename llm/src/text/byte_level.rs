//! [`ByteLevel`]: a byte-level BPE tokenizer as the metadata of a GGUF file describe it.

use super::Tokenizer;
use super::tokenizer::{MOST_TOKENS, check_merge};
use crate::LlmError;
use std::collections::HashSet;
use std::path::Path;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior};

/// How Llama 3 cuts text into words.
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Qwen2 does: digits one by one.
const QWEN_2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The values of `tokenizer.ggml.token_type` for tokens that are recognised in the text as they
/// stand: control tokens, and those that a user added.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
/// That for rows of the embedding which belong to no token: the converter makes up a text for each.
const UNUSED: i64 = 5;

/// What the metadata of a GGUF file say of a tokenizer, under `tokenizer.ggml.*`.
#[derive(Debug, Clone, Default)]
pub struct ByteLevel {
    /// `model`: the kind of tokenizer; byte-level BPE is `gpt2`.
    pub model: String,
    /// `pre`: how text is cut into words.
    pub pre: String,
    /// `tokens`, by number.
    pub tokens: Vec<String>,
    /// `merges`: two tokens and a blank between them, the most important first.
    pub merges: Vec<String>,
    /// `token_type` of every token; empty when none is special.
    pub token_types: Vec<i64>,
}

impl ByteLevel {
    /// The tokenizer; `path` is for messages.
    ///
    /// # Errors
    /// [`LlmError::Tokenizer`] when it is of another kind, cuts text in a way that is not
    /// implemented, or contradicts itself.
    pub fn tokenizer(self, path: &Path) -> Result<Tokenizer, LlmError> {
        self.build().map_err(|problem| LlmError::Tokenizer { path: path.to_path_buf(), problem })
    }

    fn build(self) -> Result<Tokenizer, String> {
        if self.model != "gpt2" {
            return Err(format!(
                "tokenizer.ggml.model is {:?}; only \"gpt2\" is implemented",
                self.model
            ));
        }
        let special = self.special()?;
        let mut tokenizer = tokenizers::Tokenizer::new(self.bpe()?);
        tokenizer.with_pre_tokenizer(Some(words(&self.pre)?));
        tokenizer.with_decoder(Some(byte_level::ByteLevel::default()));
        tokenizer.add_tokens(special).map_err(|e| e.to_string())?;
        Tokenizer::new(tokenizer)
    }

    /// The tokens that are recognised in the text before it is cut.
    fn special(&self) -> Result<Vec<AddedToken>, String> {
        let (types, tokens) = (self.token_types.len(), self.tokens.len());
        if types != 0 && types != tokens {
            return Err(format!(
                "{types} entries in tokenizer.ggml.token_type for {tokens} tokens"
            ));
        }
        let special = self.tokens.iter().zip(&self.token_types);
        let special = special.filter(|&(_, kind)| [CONTROL, USER_DEFINED].contains(kind));
        let added = |(token, &kind): (&String, &i64)| {
            AddedToken::from(token.clone(), kind == CONTROL).normalized(false)
        };
        Ok(special.map(added).collect())
    }

    fn bpe(&self) -> Result<BPE, String> {
        let tokens = &self.tokens;
        if tokens.len() >= MOST_TOKENS as usize {
            return Err(format!("{} tokens, more than {MOST_TOKENS}", tokens.len()));
        }
        let known: HashSet<&str> = tokens.iter().map(String::as_str).collect();
        if known.len() != tokens.len() {
            return Err(format!("{} tokens of the same text", tokens.len() - known.len()));
        }
        let pair = |merge: &String| {
            let (left, right) =
                merge.split_once(' ').ok_or_else(|| format!("{merge:?} is no pair of tokens"))?;
            check_merge(&known, left, right, "")?;
            Ok((left.to_owned(), right.to_owned()))
        };
        let merges = self.merges.iter().map(pair).collect::<Result<Vec<_>, String>>()?;
        let used = |&(id, _): &(usize, &String)| self.token_types.get(id) != Some(&UNUSED);
        let used = tokens.iter().enumerate().filter(used);
        let vocabulary: Vocab = used.map(|(id, token)| (token.clone(), id as u32)).collect();
        // Llama 3 takes a word that is a token as it is, whatever the merges would make of it.
        let whole = self.pre == "llama-bpe";
        let bpe = BPE::builder().vocab_and_merges(vocabulary, merges).ignore_merges(whole);
        bpe.build().map_err(|e| e.to_string())
    }
}

/// How a text is cut into words, and its bytes into the letters that tokens are made of.
fn words(pre: &str) -> Result<Sequence, String> {
    let bytes = |cut: bool| byte_level::ByteLevel::new(false, false, cut).into();
    let regex = |pattern: &str| {
        let split = Split::new(
            SplitPattern::Regex(pattern.into()),
            SplitDelimiterBehavior::Isolated,
            false,
        );
        split.map_err(|e| e.to_string())
    };
    let steps: Vec<PreTokenizerWrapper> = match pre {
        "gpt-2" => vec![bytes(true)],
        "smollm" => vec![Digits::new(true).into(), bytes(true)],
        "llama-bpe" => vec![regex(LLAMA_3)?.into(), bytes(false)],
        "qwen2" => vec![regex(QWEN_2)?.into(), bytes(false)],
        other => {
            return Err(format!(
                "tokenizer.ggml.pre is {other:?}; implemented are gpt-2, smollm, llama-bpe and qwen2"
            ));
        }
    };
    Ok(Sequence::new(steps))
}
