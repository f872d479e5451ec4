//! [`alpaca`] and [`PromptFormat`]: a record to a prompt.

use super::{ChatTemplate, Message, Record};
use crate::LlmError;

/// The prompt of an instruction with an input that may be empty, as MiniLLM and BD evaluate
/// GPT-2, OPT and Llama.
///
/// It ends in a line break; the response follows it directly. Source: the wording of Stanford
/// Alpaca, in the layout of MiniLLM's `tools/process_data_dolly.py`.
pub fn alpaca(instruction: &str, input: &str) -> String {
    let (context, input) = match input {
        "" => ("", String::new()),
        input => (
            ", paired with an input that provides further context",
            format!("### Input:\n{input}\n\n"),
        ),
    };
    format!(
        "Below is an instruction that describes a task{context}. \
         Write a response that appropriately completes the request.\n\n\
         ### Instruction:\n{instruction}\n\n{input}### Response:\n"
    )
}

/// How a record becomes a prompt.
#[derive(Debug, Clone, Copy)]
pub enum PromptFormat<'a> {
    /// By [`alpaca`], the default of the papers.
    Alpaca,
    /// By the chat template of a model.
    Chat(&'a ChatTemplate),
}

impl PromptFormat<'_> {
    /// The prompt of a record, up to where the response begins.
    ///
    /// # Errors
    /// [`LlmError::Conversation`] when an Alpaca prompt is to hold more than one message; those
    /// of [`ChatTemplate::render`].
    pub fn prompt(&self, record: &Record) -> Result<String, LlmError> {
        match self {
            Self::Alpaca if record.messages.len() > 1 => {
                Err(LlmError::Conversation { messages: record.messages.len() })
            }
            Self::Alpaca => Ok(alpaca(&record.instruction, &record.input)),
            Self::Chat(template) => template.render(&record.conversation()),
        }
    }
}

impl Record {
    /// What is said before the response: the messages of a chat, or else one message of the user,
    /// the instruction and below it, after an empty line, the input if there is one.
    pub fn conversation(&self) -> Vec<Message> {
        if !self.messages.is_empty() {
            return self.messages.clone();
        }
        let content = match self.input.as_str() {
            "" => self.instruction.clone(),
            input => format!("{}\n\n{input}", self.instruction),
        };
        vec![Message::user(content)]
    }
}
