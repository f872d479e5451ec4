//! The arguments of every command that reads a data set: its file, its fields, its prompts.

use super::CliError;
use super::texts::Texts;
use clap::{Args, ValueEnum};
use llm::teacher::{Prompt, TEXTS, hash_prompts, hash_text};
use llm::text::{ChatTemplate, FieldNames, PromptFormat, Record, Tokenizer, read_records};
use llm::{Checkpoint, LlmError};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How records become prompts.
#[derive(Debug, Args)]
pub struct DataArguments {
    /// How a record becomes a prompt
    #[arg(long, value_name = "FORMAT", default_value = "alpaca")]
    pub prompt: FormatName,
    /// Use the first N records only
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Leave out prompts that are longer, and count them; none is ever cut
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub max_prompt_tokens: usize,
    /// The field of the instruction
    #[arg(long, default_value = "instruction", value_name = "FIELD")]
    pub instruction_field: String,
    /// The field of the input
    #[arg(long, default_value = "input", value_name = "FIELD")]
    pub input_field: String,
    /// The field of the output
    #[arg(long, default_value = "output", value_name = "FIELD")]
    pub output_field: String,
}

/// A form of prompt by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FormatName {
    /// The prompt of Stanford Alpaca, by which MiniLLM and BD evaluate.
    Alpaca,
    /// The chat template of the model.
    Chat,
}

/// Prompts in tokens, with what made them.
pub struct Prompts {
    /// The prompts that are short enough, by the number of their record.
    pub prompts: Vec<Prompt>,
    /// The same prompts as texts.
    pub texts: Vec<String>,
    /// The records, all of them.
    records: Vec<Record>,
    /// How many prompts were too long.
    pub too_long: usize,
    /// The hash of the template, or its name.
    pub template: String,
    /// The hash of the prompts.
    pub hash: String,
}

/// What stands for a template in the metadata of a cache.
pub fn template_name(template: Option<&ChatTemplate>) -> String {
    template.map_or("alpaca".into(), |template| hash_text(template.text()))
}

impl DataArguments {
    /// The chat template, where prompts are made by it.
    pub fn template(&self, checkpoint: &Checkpoint) -> Result<Option<ChatTemplate>, LlmError> {
        match self.prompt {
            FormatName::Alpaca => Ok(None),
            FormatName::Chat => checkpoint.chat_template().map(Some),
        }
    }

    /// The prompts of the records of a file.
    pub fn prompts(
        &self,
        file: &Path,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
    ) -> Result<Prompts, CliError> {
        let fields = FieldNames {
            instruction: self.instruction_field.clone(),
            input: self.input_field.clone(),
            output: self.output_field.clone(),
        };
        let mut records = read_records(file, &fields)?;
        records.truncate(self.limit.unwrap_or(usize::MAX));
        let template = self.template(checkpoint)?;
        let format = template.as_ref().map_or(PromptFormat::Alpaca, PromptFormat::Chat);
        let (mut prompts, mut texts, mut too_long) = (Vec::new(), Vec::new(), 0);
        for (number, record) in (0..).zip(&records) {
            let text = format.prompt(record)?;
            let tokens = tokenizer.encode(&text)?;
            if tokens.len() > self.max_prompt_tokens {
                too_long += 1;
            } else {
                prompts.push(Prompt { number, tokens });
                texts.push(text);
            }
        }
        let template = template_name(template.as_ref());
        let hash = hash_prompts(&prompts);
        Ok(Prompts { prompts, texts, records, too_long, template, hash })
    }
}

impl Prompts {
    /// The beginnings of texts, in place of prompts.
    pub fn of_texts(texts: &Texts) -> Self {
        Self {
            prompts: texts.prompts.clone(),
            texts: Vec::new(),
            records: Vec::new(),
            too_long: 0,
            template: TEXTS.into(),
            hash: texts.hash.clone(),
        }
    }

    /// The record of each prompt.
    pub fn examples(&self) -> Vec<&Record> {
        self.prompts.iter().map(|prompt| &self.records[prompt.number as usize]).collect()
    }

    /// The same of a file that responses are scored by: each has a reference, and there is one.
    pub fn scored_examples(&self, file: &Path) -> Result<Vec<&Record>, CliError> {
        let examples = self.examples();
        if let Some(example) = examples.iter().position(|e| e.outputs.is_empty()) {
            let number = self.prompts[example].number + 1;
            let what = format!("{}: record {number} has no reference", file.display());
            return Err(CliError::argument(what, "name the field with `--output-field`"));
        }
        if examples.is_empty() {
            let what = format!("{}: no prompt is short enough", file.display());
            return Err(CliError::argument(what, "raise `--max-prompt-tokens`"));
        }
        Ok(examples)
    }
}
