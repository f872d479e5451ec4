//! [`read_records`]: data sets in JSON Lines.

use super::Message;
use crate::LlmError;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// How many bytes a line may have.
const LONGEST_LINE: u64 = 1 << 24;

/// What the fields of a data set are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames {
    /// The field of the instruction.
    pub instruction: String,
    /// The field of what the instruction is about; records may lack it.
    pub input: String,
    /// The field of the response, a string or a list of acceptable ones; records may lack it.
    pub output: String,
}

impl Default for FieldNames {
    /// `instruction`, `input` and `output`.
    fn default() -> Self {
        let [instruction, input, output] = ["instruction", "input", "output"].map(str::to_owned);
        Self { instruction, input, output }
    }
}

/// One record of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// What is asked; of a chat, the content of its last message before the response.
    pub instruction: String,
    /// What it is about; empty when there is nothing, and in chats.
    pub input: String,
    /// The acceptable responses; empty when the record has none.
    pub outputs: Vec<String>,
    /// The messages before the response, when the record is a chat; empty otherwise.
    pub messages: Vec<Message>,
}

/// The records of a file of JSON Lines; empty lines are skipped.
///
/// A record is an object with the fields `fields`, or with a list `messages` of objects with
/// `role` and `content`. In such a chat the last message, if it is the assistant's, is the
/// response, and what comes before it the prompt.
///
/// # Errors
/// [`LlmError::File`] when the file cannot be read, [`LlmError::Record`] with the line when one
/// is no record or longer than 16 MiB.
pub fn read_records(path: &Path, fields: &FieldNames) -> Result<Vec<Record>, LlmError> {
    each_line(path, |line| record(line, fields))
}

/// The texts in one field of a file of JSON Lines; empty lines are skipped.
///
/// # Errors
/// [`LlmError::File`] when the file cannot be read, [`LlmError::Record`] with the line when one is
/// no object with a text in that field, or longer than 16 MiB.
pub fn read_texts(path: &Path, field: &str) -> Result<Vec<String>, LlmError> {
    each_line(path, |line| {
        let object = object(line)?;
        let missing = || format!("no field {field:?}; its fields are {}", names(&object));
        text(field, present(&object, field).ok_or_else(missing)?)
    })
}

/// What `read` makes of each line that is not empty.
fn each_line<T>(
    path: &Path,
    read: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<Vec<T>, LlmError> {
    let unreadable = |source| LlmError::File { path: path.to_path_buf(), source };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut records = Vec::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let mut limited = reader.by_ref().take(LONGEST_LINE + 1);
        if limited.read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
            break;
        }
        let bad = |problem: String| LlmError::Record { path: path.to_path_buf(), line, problem };
        if bytes.len() as u64 > LONGEST_LINE {
            return Err(bad("a line of more than 16 MiB".into()));
        }
        if !bytes.trim_ascii().is_empty() {
            records.push(read(&bytes).map_err(bad)?);
        }
    }
    Ok(records)
}

fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("not a JSON object".into()),
        Err(e) => Err(format!("not JSON: {e}")),
    }
}

fn record(line: &[u8], fields: &FieldNames) -> Result<Record, String> {
    let object = object(line)?;
    match present(&object, &fields.instruction) {
        Some(instruction) => Ok(Record {
            instruction: text(&fields.instruction, instruction)?,
            input: match present(&object, &fields.input) {
                Some(input) => text(&fields.input, input)?,
                None => String::new(),
            },
            outputs: match present(&object, &fields.output) {
                Some(output) => texts(&fields.output, output)?,
                None => Vec::new(),
            },
            messages: Vec::new(),
        }),
        None => match present(&object, "messages") {
            Some(messages) => chat(messages),
            None => Err(format!(
                "no field {:?} and no \"messages\"; its fields are {}",
                fields.instruction,
                names(&object)
            )),
        },
    }
}

/// A field; `null` counts as missing.
fn present<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn names(object: &Map<String, Value>) -> String {
    let names: Vec<String> = object.keys().take(8).map(|name| format!("{name:?}")).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn text(name: &str, value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{name:?} is no string"))
}

/// A string, or a list of them.
fn texts(name: &str, value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(several) if several.iter().all(Value::is_string) => {
            several.iter().map(|value| text(name, value)).collect()
        }
        _ => Err(format!("{name:?} is neither a string nor a list of strings")),
    }
}

fn chat(messages: &Value) -> Result<Record, String> {
    let list = messages.as_array().ok_or("\"messages\" is no list")?;
    let message = |(number, value): (usize, &Value)| {
        let field = |name: &str| {
            let content = value.get(name).and_then(Value::as_str);
            content
                .map(str::to_owned)
                .ok_or_else(|| format!("message {number} has no text {name:?}"))
        };
        Ok(Message { role: field("role")?, content: field("content")? })
    };
    let mut messages: Vec<Message> = (1..).zip(list).map(message).collect::<Result<_, String>>()?;
    let outputs = match messages.pop_if(|last| last.role == "assistant") {
        Some(response) => vec![response.content],
        None => Vec::new(),
    };
    let last = messages.last().ok_or("\"messages\" has no message before the response")?;
    Ok(Record { instruction: last.content.clone(), input: String::new(), outputs, messages })
}
