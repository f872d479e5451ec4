//! [`ChatTemplate`]: messages to the prompt that a model was trained on.

use super::calendar;
use super::to_json::to_json;
use crate::LlmError;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, Value, context};
use serde::{Deserialize, Serialize};

/// What a rendering may cost: some hundred thousand steps, some 64 MB.
const FUEL: u64 = 1 << 20;

/// The name of the template, which errors mention.
const NAME: &str = "chat_template";

/// What one side of a conversation says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it: `system`, `user` or `assistant`.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message of the user.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: "user".into(), content: content.into() }
    }

    /// A message of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: "assistant".into(), content: content.into() }
    }

    /// A message that says how to answer.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: "system".into(), content: content.into() }
    }

    fn value(&self) -> Value {
        context! { role => &self.role, content => &self.content }
    }
}

/// A Jinja template from messages to a prompt, as `transformers` renders it.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    text: String,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// A template with the texts of the tokens at the beginning and the end of a sequence, empty
    /// where the model has none.
    ///
    /// # Errors
    /// [`LlmError::Template`] when it is no template.
    pub fn new(text: String, bos: String, eos: String) -> Result<Self, LlmError> {
        let mut environment = Environment::new();
        environment.set_syntax(syntax()?);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", to_json);
        environment.add_function("raise_exception", raise);
        environment.add_function("strftime_now", date);
        environment.add_template_owned(NAME, text.clone()).map_err(bad)?;
        Ok(Self { environment, text, bos, eos })
    }

    /// The prompt after which the model answers the last message.
    ///
    /// # Errors
    /// [`LlmError::Template`] when the template fails, refuses these messages, or takes more than
    /// a bounded number of steps.
    pub fn render(&self, messages: &[Message]) -> Result<String, LlmError> {
        let template = self.environment.get_template(NAME).map_err(bad)?;
        let prompt = template.render(context! {
            messages => messages.iter().map(Message::value).collect::<Vec<Value>>(),
            bos_token => &self.bos,
            eos_token => &self.eos,
            add_generation_prompt => true,
            tools => (),
            documents => (),
        });
        prompt.map_err(bad)
    }

    /// The template itself.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Line breaks after blocks and blanks before them are left out, as `transformers` has it.
fn syntax() -> Result<SyntaxConfig, LlmError> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(bad)
}

fn raise(message: String) -> Result<String, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

/// Today in UTC.
fn date(format: &str) -> Result<String, minijinja::Error> {
    calendar::format(calendar::now(), format).map_err(|directive| {
        let problem = format!("strftime_now does not know {directive}");
        minijinja::Error::new(ErrorKind::InvalidOperation, problem)
    })
}

/// What went wrong and in which line, without the causes that repeat it.
fn bad(error: minijinja::Error) -> LlmError {
    LlmError::Template { problem: error.to_string() }
}
