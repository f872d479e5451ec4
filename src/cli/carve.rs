//! `bellman carve`: a language model laid out as an MDP, as a file.

use super::carving::{CarvingArguments, DISCOUNT, MASS, lay_out};
use super::language_model::Place;
use super::loss::ShiftFlag;
use super::output::{number, print_json, say, table};
use super::{CliError, End};
use bridge::Carved;
use clap::Args;
use llm::loss::ShiftName;
use llm::text::Message;
use llm::{Checkpoint, LlmError, Mode};
use operators::{CandidateSets, Discount, TopP};
use serde::Serialize;
use std::path::{Path, PathBuf};
use tabular::formats::{Contents, Format, write};

/// Lay a language model out as an MDP in which it is the soft-optimal policy.
///
/// States are the prefixes that the most likely tokens lead to after a prompt; rewards follow from
/// the model's logits by the inverse soft Bellman operator. The file comes with the model's candidate
/// sets, and `solve`, `verify` and `certify` read it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman carve --teacher smollm2.gguf --prompt 'The capital of France is' --out paris.json
  bellman carve --teacher smollm2.gguf --chat --prompt 'Name a colour.' --depth 3 --top 16 --out colour.json
  bellman verify --file model.json --rigorous")]
pub struct Carve {
    /// A folder with config.json and safetensors, a .gguf file, or a name on the Hugging Face hub
    #[arg(long, value_name = "MODEL")]
    teacher: String,
    #[command(flatten)]
    place: Place,
    /// The text that comes first; special tokens written out in it are recognised, none is added
    #[arg(long, value_name = "TEXT")]
    prompt: String,
    /// Put the text into the model's chat template
    #[arg(long)]
    chat: bool,
    #[command(flatten)]
    carving: CarvingArguments,
    /// What is taken from the logits to make them Q-values; the gap does not depend on it
    #[arg(long, value_enum, default_value_t = ShiftFlag::None)]
    shift: ShiftFlag,
    /// The mass p of the candidate sets
    #[arg(long, default_value_t = MASS, allow_negative_numbers = true)]
    p: f64,
    /// The discount γ
    #[arg(long, default_value_t = DISCOUNT, allow_negative_numbers = true)]
    gamma: f64,
    /// Where the model goes, as JSON
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// What was written, as others read it.
#[derive(Debug, Serialize)]
struct Outcome {
    file: PathBuf,
    states: usize,
    actions: usize,
    /// The mean size of a candidate set, the end left out.
    mean_set_size: f64,
    largest_set: usize,
    /// log π* of the file is the model's log-probability to within this much: a theorem.
    deviation: f64,
}

impl Carve {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        match self.carve() {
            Err(CliError::LanguageModel(LlmError::Stopped)) => {
                say!("stopped; nothing was written");
                Ok(End::Interrupted)
            }
            end => end,
        }
    }

    fn carve(&self) -> Result<End, CliError> {
        let (gamma, p) = (Discount::new(self.gamma)?, TopP::new(self.p)?);
        let carving = self.carving.carving(gamma, p, ShiftName::from(self.shift).into());
        let checkpoint = Checkpoint::open(&llm::hub::resolve(&self.teacher)?)?;
        let text = match self.chat {
            true => checkpoint.chat_template()?.render(&[Message::user(self.prompt.as_str())])?,
            false => self.prompt.clone(),
        };
        let tokenizer = checkpoint.tokenizer()?;
        let prompt = tokenizer.encode(&text)?;
        let model = checkpoint.model(self.place.dtype(), &self.place.device()?, Mode::Frozen)?;
        let model = model.within(tokenizer.size())?;
        let named = [(name(&self.out), prompt)];
        let carved = lay_out(&model, &checkpoint.end_of_sequence()?, &named, &carving)?;
        for carved in &carved {
            let outcome = Outcome::write(&self.out, carved)?;
            if self.json {
                print_json(&outcome)?;
            } else {
                outcome.print();
            }
        }
        Ok(End::Fine)
    }
}

/// What the model of a file is called.
fn name(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Outcome {
    /// Writes the file.
    fn write(path: &Path, carved: &Carved) -> Result<Self, CliError> {
        let mut extra = serde_json::Map::new();
        extra.insert("notes".into(), carved.notes());
        let contents = Contents { extra: Some(&extra), ..Contents::from(&carved.instance) };
        write(path, Format::Json, &contents)?;
        let mdp = &carved.instance.mdp;
        let size = |sets: &CandidateSets| -> Vec<usize> {
            (0..carved.prefixes.len()).map(|state| sets.size(state)).collect()
        };
        let sizes = carved.instance.sets.as_ref().map(size).unwrap_or_default();
        Ok(Self {
            file: path.to_path_buf(),
            states: mdp.states(),
            actions: mdp.pairs(),
            mean_set_size: sizes.iter().sum::<usize>() as f64 / sizes.len() as f64,
            largest_set: sizes.into_iter().max().unwrap_or(0),
            deviation: carved.deviation()?,
        })
    }

    fn print(&self) {
        let mut table = table(&["a language model as an MDP", ""]);
        table.add_row(["states, the end included", &self.states.to_string()]);
        table.add_row(["actions", &self.actions.to_string()]);
        table.add_row(["mean size of a candidate set", &number(self.mean_set_size)]);
        table.add_row(["largest candidate set", &self.largest_set.to_string()]);
        let deviation = format!("{:.1e}", self.deviation);
        table.add_row(["log π* is the model's to within", &deviation]);
        say!("wrote {}\n{table}", self.file.display());
    }
}
