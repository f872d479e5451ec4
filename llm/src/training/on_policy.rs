//! MiniLLM: the student answers, its teacher mixed in, and learns from what the teacher says of it.

use super::survey::survey;
use super::vocabulary::{Target, vocabulary_loss};
use super::{Batch, Example};
use crate::generation::{Job, Sampling, Stream, generate_mixed};
use crate::{Compute, LlmError, Model};
use candle_core::{D, DType, Device, Tensor};
use operators::OnPolicy;

/// How many responses are drawn together. It is fixed, because roundings depend on it.
const TOGETHER: usize = 64;

/// Numbers of responses that no other draw of a run with the same seed has.
const STREAM: u64 = 1 << 32;

/// Reverse KL over whole responses, which are drawn anew at every step.
#[derive(Debug, Clone)]
pub struct OnPolicyLoss<'a> {
    /// The teacher.
    pub teacher: &'a Model,
    /// α, ε and the normalisation.
    pub settings: OnPolicy,
    /// The tokens that end a response.
    pub ends: Vec<u32>,
    /// The most tokens of a response.
    pub max_new_tokens: usize,
    /// The most tokens of a prompt with its response; what is longer is cut.
    pub longest: usize,
}

impl OnPolicyLoss<'_> {
    /// Responses of the student as it is now to the prompts of a step, by their numbers in the whole
    /// step: a function of these, seed, step and weights.
    ///
    /// # Errors
    /// [`LlmError::NothingToTrain`] when no token was drawn; those of [`generate_mixed`].
    pub fn respond(
        &self,
        student: &Model,
        prompts: &[&Example],
        numbers: impl IntoIterator<Item = usize>,
        seed: u64,
        step: u64,
    ) -> Result<Vec<Example>, LlmError> {
        let (student, max_new_tokens) = (student.frozen()?, self.max_new_tokens);
        let sampling = Sampling { max_new_tokens, seed, ..Sampling::default() };
        let stream = |response| Stream { prompt: step, response: STREAM + response };
        let jobs = prompts.iter().zip(numbers);
        let jobs: Vec<Job> =
            jobs.map(|(e, i)| Job { prompt: &e.prompt, stream: stream(i as u64) }).collect();
        let mut examples = Vec::with_capacity(jobs.len());
        for jobs in jobs.chunks(TOGETHER) {
            let models = (&student, self.teacher);
            // In bf16 each weight would be rounded anew for every token, which costs more than it saves.
            let draw = || generate_mixed(models, self.settings, jobs, &self.ends, &sampling);
            let responses = Compute::F32.run(draw)?;
            let example = |(job, response): (&Job, crate::generation::Response)| {
                let (prompt, ended) = (job.prompt.to_vec(), response.ended);
                Example { prompt, response: response.tokens, ended, scores: None }
            };
            let all = jobs.iter().zip(responses).map(example);
            examples.extend(all.filter_map(|example| example.within(self.longest)));
        }
        if examples.is_empty() {
            return Err(LlmError::NothingToTrain { what: "responses of the student" });
        }
        Ok(examples)
    }

    /// The loss of responses that were drawn so: its gradient is that of
    /// [`operators::on_policy_loss`], its value that of the single steps.
    ///
    /// Shapes: hidden [R, E], head [V, E]; `share` is the weight of each position. Units: nats.
    ///
    /// # Errors
    /// Those of [`vocabulary_loss`] and [`survey`].
    pub fn loss(
        &self,
        batch: &Batch,
        (hidden_re, head_ve): (&Tensor, &Tensor),
        share: f64,
    ) -> Result<Tensor, LlmError> {
        let shared = self.teacher.head().dim(0)?.min(head_ve.dim(0)?);
        let head_ve = &head_ve.narrow(0, 0, shared)?;
        let (hidden, head) =
            (&batch.hidden(self.teacher)?, &self.teacher.head().narrow(0, 0, shared)?);
        let student = chosen(hidden_re, head_ve, batch.chosen())?;
        let teacher = chosen(hidden, head, batch.chosen())?;
        let factors = self.settings.factors(&student, &teacher, &batch.next())?;
        let weights = |factors: &[f64]| factors.iter().map(|f| f * share).collect::<Vec<f64>>();
        let (single, long) = (weights(&factors.single), weights(&factors.long));
        let target = Target::Reverse { hidden, head };
        let single = vocabulary_loss(hidden_re, head_ve, &target, &single)?;
        // −long · log q(y) is a cross entropy.
        let target = Target::Tokens(batch.chosen());
        let long = vocabulary_loss(hidden_re, head_ve, &target, &long)?;
        Ok(single.add(&long.sub(&long.detach())?)?)
    }
}

/// log π of the token that stands at each row, without gradients.
fn chosen(hidden_re: &Tensor, head_ve: &Tensor, tokens: &[u32]) -> Result<Vec<f64>, LlmError> {
    let (hidden_re, head_ve) = (hidden_re.detach(), head_ve.detach());
    let index = Tensor::from_slice(tokens, tokens.len(), hidden_re.device())?;
    let logits = hidden_re.mul(&head_ve.index_select(&index, 0)?)?.sum(D::Minus1)?;
    let logits = logits.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    let rows = survey(&hidden_re, &head_ve)?;
    // Rounding may put a probability above 1.
    Ok(logits.iter().zip(rows).map(|(z, row)| (z - row.log_normaliser).min(0.0)).collect())
}
