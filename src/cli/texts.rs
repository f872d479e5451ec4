//! Plain text: from a file to pieces of tokens, and what a teacher thinks of them.

use super::CliError;
use clap::Args;
use llm::teacher::{Prompt, Row, Scores, hash_prompts};
use llm::text::{Tokenizer, read_texts};
use llm::training::Example;
use llm::{Checkpoint, LlmError};
use std::path::{Path, PathBuf};

/// Texts in place of prompts.
#[derive(Debug, Args)]
pub struct TextArguments {
    /// Texts to read in place of prompts to answer: JSON Lines (.jsonl, .json), or one text
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompts", "server"])]
    pub texts: Option<PathBuf>,
    /// The field of the text, in JSON Lines
    #[arg(long, value_name = "FIELD", default_value = "text", requires = "texts")]
    text_field: String,
    /// Cut texts into pieces of this length
    #[arg(long, value_name = "N", default_value_t = 512, requires = "texts", value_parser = clap::value_parser!(u32).range(2..))]
    max_tokens: u32,
}

/// The pieces of a file of texts, in tokens: of JSON Lines each text for itself with its end, of any
/// other file the whole.
pub fn pieces(
    file: &Path,
    field: &str,
    checkpoint: &Checkpoint,
    tokenizer: &Tokenizer,
    longest: usize,
) -> Result<Vec<Example>, CliError> {
    let lines = file.extension().is_some_and(|end| end == "jsonl" || end == "json");
    if !lines {
        let text = std::fs::read_to_string(file)
            .map_err(|source| LlmError::File { path: file.to_path_buf(), source })?;
        return Ok(Example::of_text(&tokenizer.encode(&text)?, longest));
    }
    let end = end_of(checkpoint, tokenizer)?;
    let texts = read_texts(file, field)?;
    let texts: Vec<Vec<u32>> =
        texts.iter().map(|text| tokenizer.encode(text)).collect::<Result<_, _>>()?;
    Ok(Example::of_texts(&texts, end, longest))
}

/// The token that ends a text.
pub fn end_of(checkpoint: &Checkpoint, tokenizer: &Tokenizer) -> Result<u32, CliError> {
    checkpoint.end_token(tokenizer)?.ok_or_else(|| {
        CliError::argument("the model has no end-of-sequence token", "name it in config.json")
    })
}

/// Texts as they stand in a cache: the first token of a piece is its prompt.
pub struct Texts {
    /// The prompt of each piece.
    pub prompts: Vec<Prompt>,
    /// The pieces, without the teacher.
    rows: Vec<Row>,
    /// The hash of all pieces.
    pub hash: String,
}

impl TextArguments {
    /// No texts: prompts are answered.
    pub fn none() -> Self {
        Self { texts: None, text_field: "text".into(), max_tokens: 512 }
    }

    /// The pieces, if texts were named.
    pub fn read(
        &self,
        limit: Option<usize>,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
    ) -> Result<Option<Texts>, CliError> {
        let Some(file) = &self.texts else { return Ok(None) };
        let longest = self.max_tokens as usize;
        let mut pieces = pieces(file, &self.text_field, checkpoint, tokenizer, longest)?;
        pieces.truncate(limit.unwrap_or(usize::MAX));
        if pieces.is_empty() {
            let what = format!("{} holds no text of two tokens or more", file.display());
            return Err(CliError::argument(what, "give a file with text in it"));
        }
        let row = |(prompt, piece): (u32, Example)| Row {
            prompt,
            response: 0,
            prompt_tokens: piece.prompt,
            response_tokens: piece.response,
            ended: piece.ended,
            scores: Scores::default(),
        };
        let rows: Vec<Row> = (0..).zip(pieces).map(row).collect();
        let prompt = |row: &Row| Prompt { number: row.prompt, tokens: row.prompt_tokens.clone() };
        let whole = |row: &Row| {
            let tokens = [&row.prompt_tokens[..], &row.response_tokens[..]].concat();
            Prompt { number: row.prompt, tokens }
        };
        let hash = hash_prompts(&rows.iter().map(whole).collect::<Vec<_>>());
        Ok(Some(Texts { prompts: rows.iter().map(prompt).collect(), rows, hash }))
    }

    /// The length that pieces are cut to.
    pub fn max_tokens(&self) -> u64 {
        self.max_tokens.into()
    }
}

impl Texts {
    /// The pieces of one part, to be scored.
    pub fn part(&self, part: &[Prompt]) -> Vec<Row> {
        // Prompts are numbered as the pieces lie.
        part.iter().map(|prompt| self.rows[prompt.number as usize].clone()).collect()
    }
}
