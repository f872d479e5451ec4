//! `bellman audit`: a student against its teacher, by Bellman residuals.

use super::carving::{CarvingArguments, DISCOUNT, MASS, named_prompts};
use super::data::DataArguments;
use super::interrupt::{Listening, stop_asked};
use super::language_model::Place;
use super::loss::ShiftFlag;
use super::output::{number, print_json, say, table};
use super::progress::{bar_of, bar_with_rate};
use super::{CliError, End};
use bridge::{
    Along, Carving, Proven, Reading, Rollout, RolloutAudit, Spread, StateAudit, StudentQ,
    StudentRow, TableAudit, audit_rollouts, audit_table, carve, read, read_along, read_student,
};
use clap::Args;
use llm::generation::{Job, Sampling, Stream, generate};
use llm::loss::ShiftName;
use llm::text::agreement;
use llm::{Checkpoint, LlmError, Mode, Model};
use operators::{Discount, TopP};
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// How far a student is from what the theory describes.
///
/// On MDPs carved from the teacher after each prompt, where every state is there, Bellman residuals
/// prove bounds on the distance of the student's Q-values from the theory's fixed points. Along
/// responses of the teacher the same residuals are estimates.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman audit --student student/ --teacher smollm2.gguf --prompts test.jsonl --limit 20
  bellman audit --student student/ --teacher teacher/ --prompts test.jsonl --depth 3 --top 4 --json")]
pub struct Audit {
    /// The student: a folder, a .gguf file, or a name on the Hugging Face hub
    #[arg(long, value_name = "MODEL")]
    student: String,
    /// The teacher, likewise; both have one vocabulary
    #[arg(long, value_name = "MODEL")]
    teacher: String,
    /// A data set in JSON Lines
    #[arg(long, value_name = "FILE")]
    prompts: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    carving: CarvingArguments,
    /// The mass p of the candidate sets
    #[arg(long, default_value_t = MASS, allow_negative_numbers = true)]
    p: f64,
    /// The discount γ
    #[arg(long, default_value_t = DISCOUNT, allow_negative_numbers = true)]
    gamma: f64,
    /// What is taken from the logits of both to make them Q-values: as in training
    #[arg(long, value_enum, default_value_t = ShiftFlag::VocabMax)]
    shift: ShiftFlag,
    /// The floor under the student's Q-values, as in training
    #[arg(long, default_value_t = -10.0, allow_negative_numbers = true)]
    q_min: f64,
    /// Responses of the teacher to each prompt
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    responses: u32,
    /// Where a response is cut off
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_new_tokens: u32,
    /// The seed of the responses
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Both models, and how they are compared.
struct Pair {
    teacher: Model,
    student: Model,
    ends: Vec<u32>,
    carving: Carving,
    by: StudentQ,
}

/// What a prompt gave.
struct Found {
    name: String,
    table: TableAudit,
    rollouts: Vec<Rollout>,
    reading: Reading,
    student: Vec<StudentRow>,
}

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
struct Outcome {
    p: f64,
    gamma: f64,
    depth: usize,
    top: usize,
    /// A table for each prompt: every number is a theorem about the doubles of both models.
    theorems: Vec<Theorem>,
    /// Averages over what was sampled.
    estimates: RolloutAudit,
}

#[derive(Debug, Serialize)]
struct Theorem {
    name: String,
    #[serde(flatten)]
    audit: TableAudit,
}

impl Audit {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let listening = Listening::start();
        let outcome = self.audit();
        drop(listening);
        let outcome = match outcome {
            Err(CliError::LanguageModel(LlmError::Stopped)) => return Ok(End::Interrupted),
            outcome => outcome?,
        };
        if self.json {
            print_json(&outcome)?;
        } else {
            outcome.print();
        }
        Ok(End::Fine)
    }

    fn audit(&self) -> Result<Outcome, CliError> {
        let open = |name: &str| -> Result<Checkpoint, CliError> {
            Ok(Checkpoint::open(&llm::hub::resolve(name)?)?)
        };
        let (teacher, student) = (open(&self.teacher)?, open(&self.student)?);
        agreement(&teacher.tokenizer()?, &student.tokenizer()?)?;
        let prompts = named_prompts(&self.prompts, &self.data, &teacher, &self.teacher)?;
        let load = |checkpoint: &Checkpoint| -> Result<Model, CliError> {
            let model =
                checkpoint.model(self.place.dtype(), &self.place.device()?, Mode::Frozen)?;
            Ok(model.within(checkpoint.tokenizer()?.size())?)
        };
        let shift = ShiftName::from(self.shift).into();
        let (gamma, p) = (Discount::new(self.gamma)?, TopP::new(self.p)?);
        let pair = Pair {
            teacher: load(&teacher)?,
            student: load(&student)?,
            ends: teacher.end_of_sequence()?,
            carving: self.carving.carving(gamma, p, shift),
            by: StudentQ { shift, floor: Some(self.q_min) },
        };
        let rollouts = self.rollouts(&pair, &prompts)?;
        let bar = bar_with_rate(prompts.len() * 2 * pair.carving.prefixes()?, "prefixes");
        let found = prompts.iter().zip(rollouts).map(|((name, prompt), rollouts)| {
            pair.find(name, prompt, rollouts, &mut |prefixes| {
                bar.inc(prefixes as u64);
                if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        });
        let found: Vec<Found> = found.collect::<Result<_, _>>()?;
        bar.finish_and_clear();
        let along: Vec<Along<'_>> = found.iter().map(Found::along).collect();
        let estimates = audit_rollouts(&along, &pair.carving)?;
        let Carving { depth, top, .. } = pair.carving;
        let theorem = |found: Found| Theorem { name: found.name, audit: found.table };
        let theorems = found.into_iter().map(theorem).collect();
        Ok(Outcome { p: self.p, gamma: self.gamma, depth, top, theorems, estimates })
    }

    /// Responses of the teacher to each prompt, sampled from its candidate sets.
    fn rollouts(
        &self,
        pair: &Pair,
        prompts: &[(String, Vec<u32>)],
    ) -> Result<Vec<Vec<Rollout>>, CliError> {
        let sampling = Sampling {
            temperature: 1.0,
            top_p: self.p,
            greedy: false,
            max_new_tokens: self.max_new_tokens as usize,
            seed: self.seed,
        };
        let bar = bar_of(prompts.len(), "prompts answered");
        let mut all = Vec::with_capacity(prompts.len());
        for (number, (_, prompt)) in (0..).zip(prompts) {
            let streams =
                (0..self.responses.into()).map(|response| Stream { prompt: number, response });
            let jobs: Vec<Job<'_>> = streams.map(|stream| Job { prompt, stream }).collect();
            let responses = generate(&pair.teacher, &jobs, &pair.ends, &sampling, &mut |_| {
                if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            let rollout =
                |r: llm::generation::Response| Rollout { tokens: r.tokens, ended: r.ended };
            all.push(responses.into_iter().map(rollout).collect());
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(all)
    }
}

impl Pair {
    /// Audits the table of one prompt, and reads both models along the rollouts.
    fn find(
        &self,
        name: &str,
        prompt: &[u32],
        rollouts: Vec<Rollout>,
        watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Found, CliError> {
        let Self { teacher, student, ends, carving, by } = self;
        let tree = read(teacher, prompt, ends, carving, watch)?;
        let rows = read_student(student, prompt, &tree, *by, carving.batch, watch)?;
        let table = audit_table(&carve(&tree, carving, name)?, &rows)?;
        let reading = read_along(teacher, prompt, &rollouts, carving, watch)?;
        let student = read_student(student, prompt, &reading, *by, carving.batch, watch)?;
        Ok(Found { name: name.to_owned(), table, rollouts, reading, student })
    }
}

impl Found {
    fn along(&self) -> Along<'_> {
        Along { rollouts: &self.rollouts, teacher: &self.reading, student: &self.student }
    }
}

impl Outcome {
    fn print(&self) {
        let prompts = self.theorems.len();
        let mut table = table(&["", "mean", "largest", "what it is"]);
        let mut row = |what: &str, spread: Spread, kind: &str| {
            table.add_row([what, &number(spread.mean), &number(spread.largest), kind]);
        };
        let theorem = "theorem, over prompts";
        let of = |figure: &dyn Fn(&TableAudit) -> f64| {
            Spread::of(self.theorems.iter().map(|theorem| figure(&theorem.audit)))
        };
        type Of = fn(&TableAudit) -> Proven;
        let top_p: (&str, Of) = ("Q̄_p*", |a| a.top_p);
        let projected: (&str, Of) = ("Q̄ of the projected teacher", |a| a.projected);
        for (name, proven) in [top_p, projected] {
            row(&format!("residual towards {name}"), of(&|a| proven(a).residual), theorem);
            row(&format!("‖Q − {name}‖ is at least"), of(&|a| proven(a).at_least), theorem);
            row(&format!("‖Q − {name}‖"), of(&|a| proven(a).distance), theorem);
            row(&format!("‖Q − {name}‖ is at most"), of(&|a| proven(a).at_most), theorem);
        }
        let estimate = "estimate, over transitions";
        row("|T_p Q − Q| along rollouts", self.estimates.top_p, estimate);
        row("|B_p Q − Q| along rollouts", self.estimates.projected, estimate);
        let StateAudit { outside, leak, divergence, agreement, floored } = self.estimates.each;
        let estimate = "estimate, over positions";
        row("student's mass outside the sets", outside, estimate);
        row("student's leak", leak, estimate);
        row("KL on the sets", divergence, estimate);
        let tree = self.theorems.iter().map(|t| t.audit.states).sum::<usize>();
        say!(
            "{prompts} prompts: {tree} states of trees, {} positions of rollouts",
            self.estimates.positions
        );
        say!("{table}");
        say!("most likely candidate the same    {:.1} % of positions", 100.0 * agreement);
        say!("candidates at the student's floor {:.2} %", 100.0 * floored);
    }
}
