//! `bellman init`: a model with random weights.

use super::language_model::Place;
use super::output::{print_json, say};
use super::{CliError, End};
use clap::Args;
use llm::text::{Tokenizer, copy_text_files, end_token};
use llm::{Mode, Model, ModelConfig, NewFolder};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Write a model with random weights, to be trained from nothing.
///
/// The shape is that of a `config.json`, or that of a Llama of the layers and widths given. The
/// tokenizer comes from a folder with `tokenizer.json`; the head has as many rows as it has tokens.
/// The same seed gives the same weights.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman init --tokenizer exercises --layers 2 --width 64 --out student
  bellman init --tokenizer exercises --config student/config.json --seed 7 --out again")]
pub struct Init {
    /// The folder of the tokenizer
    #[arg(long, value_name = "DIR")]
    pub(super) tokenizer: PathBuf,
    /// The shape, as a config.json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["layers", "width", "heads", "inner", "positions"])]
    pub(super) config: Option<PathBuf>,
    /// The number of layers
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub(super) layers: usize,
    /// The width of hidden states
    #[arg(long, default_value_t = 128, value_name = "N")]
    pub(super) width: usize,
    /// The number of heads
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub(super) heads: usize,
    /// The inner width of the feed-forward layers [default: three times the width]
    #[arg(long, value_name = "N")]
    pub(super) inner: Option<usize>,
    /// The number of positions
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub(super) positions: usize,
    /// The seed
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    #[command(flatten)]
    pub(super) place: Place,
    /// Where to write; must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub(super) json: bool,
}

impl Init {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let model = self.write()?;
        let parameters: usize = model.tensors().values().map(|t| t.elem_count()).sum();
        let vocabulary = model.config().vocabulary;
        if self.json {
            print_json(&json!({
                "out": self.out,
                "parameters": parameters,
                "vocabulary": vocabulary,
            }))?;
        } else {
            let out = self.out.display();
            say!("{parameters} parameters, {vocabulary} tokens; wrote {out}");
        }
        Ok(End::Fine)
    }

    /// Makes the model and writes it.
    pub(super) fn write(&self) -> Result<Model, CliError> {
        NewFolder::check(&self.out)?;
        let tokenizer = Tokenizer::open(&self.tokenizer)?;
        let config = self.shape(&tokenizer)?;
        let (dtype, device) = (self.place.dtype(), self.place.device()?);
        let model = Model::random(config, self.seed, dtype, &device, Mode::Frozen)?;
        let folder = NewFolder::create(&self.out)?;
        model.save(folder.path())?;
        copy_text_files(&self.tokenizer, folder.path())?;
        folder.finish()?;
        Ok(model)
    }

    /// The shape, with a row of the head for each token.
    fn shape(&self, tokenizer: &Tokenizer) -> Result<ModelConfig, CliError> {
        let ids = tokenizer.vocabulary();
        let tokens = ids.last_key_value().map_or(0, |(&last, _)| last as usize + 1);
        let (text, path) = match &self.config {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| llm::LlmError::File { path: path.clone(), source })?;
                (text, path.clone())
            }
            None => (self.llama(tokens).to_string(), PathBuf::from("the shape asked for")),
        };
        let mut config = ModelConfig::parse(&text, &path)?;
        config.vocabulary = tokens;
        config.end_of_sequence = end_token(&self.tokenizer, tokenizer)?.into_iter().collect();
        Ok(config)
    }

    /// A Llama, in the words of its config.json.
    fn llama(&self, tokens: usize) -> Value {
        json!({
            "model_type": "llama",
            "vocab_size": tokens,
            "hidden_size": self.width,
            "intermediate_size": self.inner.unwrap_or(3 * self.width),
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "max_position_embeddings": self.positions,
            "rms_norm_eps": 1e-5,
            "tie_word_embeddings": true,
        })
    }
}
