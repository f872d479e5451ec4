//! [`Trainer`]: one step after the other, from batches to changed weights.

use super::batch::parts;
use super::reduce::Reduction;
use super::{AdamW, AdamWSettings, Batch, Example, Gradients, Objective, Order, Schedule, Tally};
use crate::{LlmError, Model};
use candle_core::{DType, Device, Tensor, Var};
use operators::OperatorError;
use ranks::Ranks;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The numbers that training depends on besides the objective.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainerSettings {
    /// How many steps there are.
    pub steps: u64,
    /// Examples a step, over all ranks.
    pub batch: usize,
    /// The most examples that go through the model together. It decides about memory and speed, and about
    /// the result only by rounding.
    pub micro_batch: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Steps until the learning rate is there.
    pub warm_up: u64,
    /// The largest norm of a gradient; longer ones are shortened to it.
    pub clip: f64,
    /// The weight λ of the language-modelling loss on plain text; 0 leaves it out.
    pub text_weight: f64,
    /// The share of KL(teacher ‖ student) in that loss, in [0, 1]; text then has candidate sets.
    pub text_kl: f64,
    /// Whether activations are computed a second time in place of being kept
    /// ([`Model::checkpointing`]): less memory, more time, the same result.
    pub checkpointing: bool,
    /// The seed of the order of examples.
    pub seed: u64,
    /// The optimiser.
    pub optimiser: AdamWSettings,
}

impl TrainerSettings {
    /// # Errors
    /// [`LlmError::Setting`] for a number that nothing can be trained with.
    fn check(&self) -> Result<(), LlmError> {
        let weight = |x: f64| x >= 0.0 && x.is_finite();
        let checks = [
            ("batch", self.batch as f64, self.batch > 0, "at least 1"),
            ("micro-batch", self.micro_batch as f64, self.micro_batch > 0, "at least 1"),
            ("learning-rate", self.learning_rate, weight(self.learning_rate), "at least 0"),
            ("clip", self.clip, self.clip > 0.0, "above 0 (`inf` shortens nothing)"),
            ("text-weight", self.text_weight, weight(self.text_weight), "at least 0"),
            ("text-kl", self.text_kl, (0.0..=1.0).contains(&self.text_kl), "between 0 and 1"),
        ];
        match checks.into_iter().find(|&(_, _, good, _)| !good) {
            Some((setting, value, _, range)) => Err(LlmError::Setting { setting, value, range }),
            None => self.optimiser.check(),
        }
    }
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Its number, from 1.
    pub number: u64,
    /// The loss on its batch, before the weights changed.
    pub loss: f64,
    /// The language-modelling loss on plain text, where there is one.
    pub text_loss: Option<f64>,
    /// The norm of the gradient before it was shortened.
    pub gradient_norm: f64,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Tokens that went through the model, without padding.
    pub tokens: usize,
    /// What was counted.
    pub tally: Tally,
}

/// A student that is being trained.
///
/// The batch of a step is a function of the seed and the number of the step: weights, moments and
/// that number are all there is to training. Several ranks share the batch of each step, and their
/// weights are the same bit by bit.
#[derive(Debug)]
pub struct Trainer<'a> {
    student: Model,
    variables: BTreeMap<String, Var>,
    optimiser: AdamW,
    pub(super) objective: Objective<'a>,
    pub(super) examples: &'a [Example],
    pub(super) text: &'a [Example],
    settings: TrainerSettings,
    reduction: Reduction,
}

impl<'a> Trainer<'a> {
    /// Training of a trainable model from the first step on.
    ///
    /// # Errors
    /// Those of [`Self::accept`] and of [`AdamW::new`].
    pub fn new(
        student: Model,
        objective: Objective<'a>,
        (examples, text): (&'a [Example], &'a [Example]),
        settings: TrainerSettings,
    ) -> Result<Self, LlmError> {
        Self::accept(&student, (examples, text), &settings)?;
        let variables = student.variables()?;
        let optimiser = AdamW::new(&variables, settings.optimiser)?;
        let student = if settings.checkpointing { student.checkpointing() } else { student };
        let reduction = Reduction::alone();
        Ok(Self { student, variables, optimiser, objective, examples, text, settings, reduction })
    }

    /// Whether a model could be trained on these examples and this text, before anything is begun.
    ///
    /// # Errors
    /// [`LlmError::Setting`] for a number that nothing can be trained with;
    /// [`LlmError::NothingToTrain`] without examples, without variables, or with a weight of text
    /// and no text; [`LlmError::TooLong`] for an example that is longer than the model's positions.
    pub fn accept(
        student: &Model,
        (examples, text): (&[Example], &[Example]),
        settings: &TrainerSettings,
    ) -> Result<(), LlmError> {
        settings.check()?;
        let missing = [
            (examples.is_empty(), "examples"),
            (student.variables()?.is_empty(), "variables: the model is frozen"),
            (settings.text_weight != 0.0 && text.is_empty(), "plain text"),
        ];
        if let Some(&(_, what)) = missing.iter().find(|(missing, _)| *missing) {
            return Err(LlmError::NothingToTrain { what });
        }
        let longest = examples.iter().chain(text).map(Example::length).max().unwrap_or(0);
        student.accept_length(longest)
    }

    /// The same, by these ranks together. All need the same student, objective, data and settings.
    /// Collective.
    ///
    /// # Errors
    /// [`LlmError::Ranks`]; [`LlmError::Tensor`] when their devices cannot be connected.
    pub fn over(self, ranks: &Ranks) -> Result<Self, LlmError> {
        let reduction = Reduction::over(ranks, self.student.head().device())?;
        Ok(Self { reduction, ..self })
    }

    /// The student as it is now.
    pub fn student(&self) -> &Model {
        &self.student
    }

    /// The optimiser.
    pub fn optimiser(&self) -> &AdamW {
        &self.optimiser
    }

    /// The same, to be restored.
    pub fn optimiser_mut(&mut self) -> &mut AdamW {
        &mut self.optimiser
    }

    /// The variables by name.
    pub fn variables(&self) -> &BTreeMap<String, Var> {
        &self.variables
    }

    /// The settings.
    pub fn settings(&self) -> &TrainerSettings {
        &self.settings
    }

    /// How many steps are done.
    pub fn done(&self) -> u64 {
        self.optimiser.steps()
    }

    /// Takes the next step. Collective.
    ///
    /// # Errors
    /// [`LlmError::Diverged`] when loss or gradient is no finite number, the weights being those
    /// before the step; [`LlmError::Ranks`]; those of the objective and of the model.
    pub fn step(&mut self) -> Result<Step, LlmError> {
        let (settings, number) = (self.settings, self.done());
        let (mut gradients, mut tally, mut tokens) = (Gradients::new(), Tally::default(), 0);
        let mut drawn = self.drawn(self.examples, 0, number);
        let own = self.answered(&drawn)?;
        if let Some(own) = &own {
            drawn = longest_first(own.iter().collect());
        }
        tokens += drawn.iter().map(|e| e.length()).sum::<usize>();
        // Logits that are no numbers are refused by some objectives before there is a loss. Other
        // ranks wait for this one, and are to learn of it.
        let finite = |loss| match loss {
            Err(LlmError::Operator(OperatorError::NotFinite { .. })) => Ok(f64::NAN),
            loss => loss,
        };
        let loss = finite(self.add(&self.objective, drawn, 1.0, &mut gradients, &mut tally))?;
        let mut text_loss = None;
        if settings.text_weight != 0.0 {
            let drawn = self.drawn(self.text, 1, number);
            tokens += drawn.iter().map(|e| e.length()).sum::<usize>();
            let weight = settings.text_weight;
            let language = Objective::Language(settings.text_kl);
            let ignored = &mut Tally::default();
            let loss = self.add(&language, drawn, weight, &mut gradients, ignored);
            text_loss = Some(finite(loss)?);
        }
        gradients.sum(&self.variables, &self.reduction)?;
        let (loss, text_loss, tokens) = self.counted(loss, text_loss, tokens, &mut tally)?;
        let gradient_norm = gradients.clip(settings.clip)?;
        let finite = gradient_norm.is_finite() && loss.is_finite();
        if !(finite && text_loss.is_none_or(f64::is_finite)) {
            return Err(LlmError::Diverged { step: number + 1, loss, gradient_norm });
        }
        let learning_rate = self.schedule().rate(number);
        self.optimiser.step(&gradients, learning_rate)?;
        let number = number + 1;
        Ok(Step { number, loss, text_loss, gradient_norm, learning_rate, tokens, tally })
    }

    fn schedule(&self) -> Schedule {
        let TrainerSettings { learning_rate: peak, warm_up, steps, .. } = self.settings;
        Schedule { peak, warm_up, steps }
    }

    /// This rank's examples of a step, the longest first. Ranks take turns down the list, so that all
    /// have about as much to do.
    pub(super) fn drawn(
        &self,
        examples: &'a [Example],
        stream: u64,
        step: u64,
    ) -> Vec<&'a Example> {
        let TrainerSettings { batch, seed, .. } = self.settings;
        let order = Order { examples: examples.len(), batch, seed, stream };
        let drawn = longest_first(order.of_step(step).into_iter().map(|i| &examples[i]).collect());
        self.reduction.ranks().share(drawn.len()).map(|i| drawn[i]).collect()
    }

    /// The student's own responses to the prompts of the next step, where it is trained on these.
    pub(super) fn answered(&self, prompts: &[&Example]) -> Result<Option<Vec<Example>>, LlmError> {
        let Objective::OnPolicy(loss) = &self.objective else { return Ok(None) };
        let TrainerSettings { batch, seed, .. } = self.settings;
        let numbers = self.reduction.ranks().share(batch);
        loss.respond(&self.student, prompts, numbers, seed, self.done()).map(Some)
    }

    /// What was counted, summed over ranks.
    fn counted(
        &self,
        loss: f64,
        text_loss: Option<f64>,
        tokens: usize,
        tally: &mut Tally,
    ) -> Result<(f64, Option<f64>, usize), LlmError> {
        let mut sums = [loss, text_loss.unwrap_or(0.0), tokens as f64];
        self.reduction.ranks().sum(&mut sums)?;
        *tally = tally.over(self.reduction.ranks())?;
        let [loss, text, tokens] = sums;
        Ok((loss, text_loss.map(|_| text), tokens as usize))
    }

    /// Adds the gradient of `weight` times what these examples add to the mean loss over those of
    /// all ranks, and gives the latter.
    fn add(
        &self,
        objective: &Objective,
        examples: Vec<&Example>,
        weight: f64,
        gradients: &mut Gradients,
        tally: &mut Tally,
    ) -> Result<f64, LlmError> {
        let parts = parts(&examples, self.settings.micro_batch);
        let batches: Vec<Batch> = parts.iter().map(|p| Batch::new(p)).collect::<Result<_, _>>()?;
        // The mean is over the terms of the whole batch, however it is split.
        let terms = batches.iter().zip(&parts).map(|(b, p)| objective.terms(b, p));
        let mut total = [terms.sum::<Result<usize, _>>()? as f64];
        self.reduction.ranks().sum(&mut total)?;
        let total = total[0] as usize;
        let mut mean = 0.0;
        for (batch, part) in batches.iter().zip(&parts) {
            tally.positions += batch.positions() as f64;
            tally.tokens += part.iter().map(|e| e.length()).sum::<usize>() as f64;
            let loss = objective.loss(&self.student, batch, part, total, tally)?;
            mean += number(&loss)?;
            gradients.add_of(&self.variables, &loss.affine(weight, 0.0)?)?;
            for store in self.student.recomputed() {
                gradients.add(&self.variables, store)?;
            }
        }
        Ok(mean)
    }
}

/// The longest first: neighbours share a part and need little padding, and a batch that does not fit
/// into memory fails at once.
pub(super) fn longest_first(mut examples: Vec<&Example>) -> Vec<&Example> {
    examples.sort_by_key(|example| std::cmp::Reverse(example.length()));
    examples
}

/// The number in a tensor of one.
pub(super) fn number(loss: &Tensor) -> Result<f64, LlmError> {
    // Not every device has doubles.
    Ok(loss.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_scalar()?)
}
