//! `bellman chat`: a language model answers.

use super::interrupt::{Listening, stop_asked};
use super::language_model::LanguageModel;
use super::output::{print, print_json, say};
use super::{CliError, End};
use clap::Args;
use llm::generation::{Job, Response, Sampled, Sampling, generate};
use llm::text::{ChatTemplate, Message, Tokenizer};
use llm::{Checkpoint, LlmError, Model};
use serde::Serialize;
use std::io::BufRead;
use std::ops::ControlFlow;

/// Answers of a language model: to one prompt, or in a conversation.
///
/// A model with a chat template is asked by it; any other goes on with the text as it stands.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman chat --model smollm2.gguf
  bellman chat --model smollm2.gguf --prompt 'What is the capital of France?' --greedy
  bellman chat --model smollm2.gguf --prompt 'Tell me a story.' --seed 7 --json")]
pub struct Chat {
    #[command(flatten)]
    model: LanguageModel,
    /// What to answer; without it the conversation is read from standard input, a line a turn
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    #[command(flatten)]
    sampling: SamplingArguments,
    /// Print one JSON object on standard output
    #[arg(long, requires = "prompt")]
    json: bool,
}

/// How tokens are chosen.
#[derive(Debug, Args)]
struct SamplingArguments {
    /// Take the most likely token, always
    #[arg(long, conflicts_with_all = ["temperature", "top_p", "seed"])]
    greedy: bool,
    /// What logits are divided by
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    temperature: f64,
    /// The mass of the nucleus that tokens are drawn from
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    top_p: f64,
    /// The most tokens of an answer
    #[arg(long, default_value_t = 256, value_name = "N")]
    max_new_tokens: usize,
    /// The seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// An answer, as others read it.
#[derive(Debug, Serialize)]
struct Answer {
    response: String,
    /// The tokens by number, with the one that ended the response.
    tokens: Vec<u32>,
    ended: bool,
}

impl Chat {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let checkpoint = self.model.checkpoint()?;
        let speaker = Speaker::new(&self, &checkpoint)?;
        let end = match &self.prompt {
            Some(prompt) => speaker.once(prompt, self.json),
            None => speaker.converse(),
        };
        match end {
            Err(CliError::LanguageModel(LlmError::Stopped)) => Ok(End::Interrupted),
            end => end.map(|()| End::Fine),
        }
    }
}

/// A model with all that it takes to answer in words.
struct Speaker {
    model: Model,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    ends: Vec<u32>,
    sampling: Sampling,
}

impl Speaker {
    fn new(chat: &Chat, checkpoint: &Checkpoint) -> Result<Self, CliError> {
        let tokenizer = checkpoint.tokenizer()?;
        let template = match checkpoint.chat_template() {
            Ok(template) => Some(template),
            Err(LlmError::MissingFile { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let ends = checkpoint.end_of_sequence()?;
        let &SamplingArguments { greedy, temperature, top_p, max_new_tokens, seed } =
            &chat.sampling;
        let sampling = Sampling { temperature, top_p, greedy, max_new_tokens, seed };
        let model = chat.model.load(checkpoint)?.within(tokenizer.size())?;
        Ok(Self { model, tokenizer, template, ends, sampling })
    }

    fn once(&self, prompt: &str, json: bool) -> Result<(), CliError> {
        let prompt = self.prompt(&[Message::user(prompt)])?;
        if !json {
            self.answer(&prompt, &mut |piece| print(piece.as_bytes()))?;
            return print(b"\n");
        }
        let (response, Response { tokens, ended }) = self.answer(&prompt, &mut |_| Ok(()))?;
        print_json(&Answer { response, tokens, ended })
    }

    /// Turn by turn until the input ends; what was said before is part of every prompt, as far as it
    /// fits.
    fn converse(&self) -> Result<(), CliError> {
        say!("Say something; an empty line or Ctrl-D ends the conversation.");
        let mut said = Vec::new();
        for line in std::io::stdin().lock().lines() {
            let line = line.map_err(|e| {
                CliError::argument(format!("cannot read standard input: {e}"), "give it text")
            })?;
            if line.is_empty() {
                break;
            }
            said.push(Message::user(line));
            let Some(prompt) = self.fitting(&mut said)? else {
                said.pop();
                continue;
            };
            let (response, _) = self.answer(&prompt, &mut |piece| print(piece.as_bytes()))?;
            print(b"\n")?;
            said.push(Message::assistant(response));
        }
        Ok(())
    }

    /// The prompt of a conversation, of which the beginning is dropped where there would be no room for
    /// an answer; nothing when what was said last alone is too long. Both are explained.
    fn fitting(&self, said: &mut Vec<Message>) -> Result<Option<Vec<u32>>, CliError> {
        let positions = self.model.config().max_positions;
        let last = self.prompt(&said[said.len().saturating_sub(1)..])?.len();
        if last >= positions {
            say!(
                "that is {last} tokens, and the model holds {positions} with its answer; say it in fewer \
                 words"
            );
            return Ok(None);
        }
        // An answer may take half of what the model can hold.
        let room = self.sampling.max_new_tokens.min(positions / 2);
        let mut forgotten = 0;
        let prompt = loop {
            let prompt = self.prompt(said)?;
            if said.len() == 1 || prompt.len() + room <= positions {
                break prompt;
            }
            // A question with its answer.
            said.drain(..2);
            forgotten += 1;
        };
        if forgotten > 0 {
            say!(
                "the model holds {positions} tokens: what was said first is forgotten \
                 (questions with answers: {forgotten})"
            );
        }
        Ok(Some(prompt))
    }

    /// The tokens of what was said.
    fn prompt(&self, said: &[Message]) -> Result<Vec<u32>, CliError> {
        let text = match &self.template {
            Some(template) => template.render(said)?,
            None => said.iter().map(|message| message.content.as_str()).collect(),
        };
        Ok(self.tokenizer.encode(&text)?)
    }

    /// The answer to a prompt; `hear` gets it piece by piece, as it comes.
    fn answer(
        &self,
        prompt: &[u32],
        hear: &mut dyn FnMut(&str) -> Result<(), CliError>,
    ) -> Result<(String, Response), CliError> {
        let (mut tokens, mut heard, mut failed) = (Vec::new(), String::new(), None);
        let mut watch = |sampled: Sampled| {
            tokens.push(sampled.token);
            let outcome = self.tokenizer.decode(&tokens).map_err(CliError::from).and_then(|text| {
                let piece = text.strip_prefix(&heard).filter(|p| !p.ends_with('\u{fffd}'));
                let Some(piece) = piece else { return Ok(()) };
                hear(piece)?;
                heard = text;
                Ok(())
            });
            match outcome {
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
                Ok(()) if stop_asked() => ControlFlow::Break(()),
                Ok(()) => ControlFlow::Continue(()),
            }
        };
        let prompts = [prompt];
        let jobs = Job::of_each(&prompts);
        let _listening = Listening::start();
        let responses = generate(&self.model, &jobs, &self.ends, &self.sampling, &mut watch);
        if let Some(error) = failed {
            return Err(error);
        }
        // One job gives one response.
        let response = responses?.pop().ok_or(LlmError::NoTokens)?;
        let text = self.tokenizer.decode(&response.tokens)?;
        // A last character that never became whole.
        if let Some(rest) = text.strip_prefix(&heard) {
            hear(rest)?;
        }
        Ok((text, response))
    }
}
