//! [`Checked`]: what the theory states of a batch, evaluated while training goes on.
//!
//! Losses and gradients as training computes them are compared with the operators on tables, in
//! f64 and over the whole vocabulary. How far the two may be apart is computed along with the
//! definition: a bound on what arithmetic of the precision of training can make of it.

mod definition;
mod logits;
mod slope;

use super::{Batch, BellmanLoss, Example, Objective, Tally, Trainer};
use crate::teacher::Scores;
use crate::{LlmError, Model};
use candle_core::{DType, Device, Tensor, Var};
use definition::Positions;
use logits::{Direction, Logits};
use operators::{Scalar, TopP};
use serde::{Deserialize, Serialize};
use slope::{Rounded, Slope};

/// A statement about a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// The loss is that of the definition.
    Objective,
    /// Its derivative along a random direction in hidden states and head is that of the definition.
    Gradient,
    /// With φ = identity, no floor and every token inside its set, J is the mean of log proj_p π_Q.
    BehaviourCloning,
    /// The teacher's candidate sets carry mass ≥ p, and the mass that is stored with them.
    CapturedMass,
    /// V over the candidates does not exceed V over the whole vocabulary.
    SoftValue,
}

impl Statement {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Objective => "the loss is that of its definition in f64",
            Self::Gradient => "the derivative of the loss is that of its definition in f64",
            Self::BehaviourCloning => "with φ = id, J is the mean of log proj_p π_Q",
            Self::CapturedMass => "candidate sets carry mass ≥ p",
            Self::SoftValue => "V over the candidates is at most V over the vocabulary",
        }
    }
}

/// A statement with both of its sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The statement.
    pub statement: Statement,
    /// Where: which examples of the data, and which position where one can be told.
    pub place: String,
    /// What training computes, or what the data say.
    pub found: f64,
    /// The other side.
    pub expected: f64,
    /// By how much the statement is missed: a distance for equalities, 0 or less where an
    /// inequality holds.
    pub missed: f64,
    /// How much of that rounding explains.
    pub bound: f64,
}

impl Checked {
    /// Whether it fails by more than rounding explains.
    pub fn fails(&self) -> bool {
        // Written so that NaN fails.
        !(self.missed <= self.bound)
    }

    /// How much of the bound is used up.
    fn share(&self) -> f64 {
        if self.missed <= 0.0 {
            0.0
        } else if self.missed.is_finite() {
            self.missed / self.bound
        } else {
            f64::INFINITY
        }
    }

    fn equal(statement: Statement, found: f64, expected: f64, bound: f64) -> Self {
        let missed = (found - expected).abs();
        Self { statement, place: String::new(), found, expected, missed, bound }
    }

    fn at(self, place: String) -> Self {
        Self { place, ..self }
    }
}

/// How a loss is computed from hidden states and head: as in training; in tests, wrong.
type Compute<'a> =
    &'a dyn Fn(&Objective, (&Tensor, &Tensor), &Part, usize) -> Result<Tensor, LlmError>;

/// Examples that go through the model together.
struct Part<'a> {
    examples: &'a [&'a Example],
    batch: Batch,
}

impl<'a> Part<'a> {
    fn new(examples: &'a [&'a Example]) -> Result<Self, LlmError> {
        Ok(Self { examples, batch: Batch::new(examples)? })
    }

    fn scores(&self) -> Option<Vec<&'a Scores>> {
        self.examples.iter().map(|e| e.scores.as_ref()).collect()
    }
}

impl Trainer<'_> {
    /// Evaluates on the batch of the next step, with the weights as they are, what the theory
    /// states: of each statement the instance that uses up most of its bound. `p` is the mass
    /// that candidate sets are to carry; without it that is not checked.
    ///
    /// # Errors
    /// Those of [`Trainer::step`].
    pub fn check(&self, p: Option<TopP>) -> Result<Vec<Checked>, LlmError> {
        let student = self.student().frozen()?;
        let examples = self.drawn(self.examples, 0, self.done());
        let seed = self.settings().seed ^ self.done();
        let check = Check { student: &student, objective: &self.objective, p, seed };
        let compute = |objective: &Objective, state: (&Tensor, &Tensor), part: &Part, total| {
            let tally = &mut Tally::default();
            objective.of_state(state, &part.batch, part.examples, total, tally)
        };
        let number = |example: &Example| {
            let place = self.examples.iter().position(|other| std::ptr::eq(other, example));
            place.map_or_else(String::new, |i| format!("example {}", i + 1))
        };
        check.all(&examples, self.settings().micro_batch, &compute, &number)
    }
}

/// What is checked, and by which student.
struct Check<'a> {
    student: &'a Model,
    objective: &'a Objective<'a>,
    p: Option<TopP>,
    seed: u64,
}

impl Check<'_> {
    /// The worst instance of each statement; those that fail are found example by example.
    fn all(
        &self,
        examples: &[&Example],
        micro_batch: usize,
        compute: Compute,
        number: &dyn Fn(&Example) -> String,
    ) -> Result<Vec<Checked>, LlmError> {
        let mut all = Vec::new();
        for examples in examples.chunks(micro_batch) {
            let place = |examples: &[&Example]| {
                let names: Vec<String> = examples.iter().map(|example| number(example)).collect();
                names.join(", ")
            };
            let checked = self.part(examples, compute)?;
            let fails = checked.iter().any(Checked::fails);
            all.extend(checked.into_iter().map(|c| c.at(place(examples))));
            // A single example says more than a part of the batch.
            for one in examples.chunks(1).filter(|_| fails && examples.len() > 1) {
                let failed = self.part(one, compute)?.into_iter().filter(Checked::fails);
                all.splice(0..0, failed.map(|c| c.at(place(one))));
            }
            for (one, example) in examples.chunks(1).zip(examples) {
                let at =
                    |(t, c): (usize, Checked)| c.at(format!("{}, position {}", place(one), t + 1));
                let masses = example.scores.as_ref().zip(self.p).map(|(s, p)| masses(s, p));
                all.extend(masses.unwrap_or_default().into_iter().enumerate().map(at));
            }
        }
        Ok(worst(all))
    }

    /// The statements about a part of a batch, in f64 or f32. A student of less precision is widened,
    /// and so are products in bf16: bounds for these would exceed what they bound.
    fn part(&self, examples: &[&Example], compute: Compute) -> Result<Vec<Checked>, LlmError> {
        let part = Part::new(examples)?;
        if !has_definition(self.objective) {
            return Ok(Vec::new());
        }
        let beside_teacher =
            matches!(self.objective, Objective::ForwardKl(_) | Objective::ReverseKl(_));
        match self.student.head().dtype() {
            DType::F64 => self.at_precision::<53>(&part, compute),
            // The teacher's head is as narrow as the student's, and is not widened.
            DType::F16 | DType::BF16 if beside_teacher => Ok(Vec::new()),
            _ => crate::Compute::F32.run(|| self.at_precision::<24>(&part, compute)),
        }
    }

    fn at_precision<const BITS: u32>(
        &self,
        part: &Part,
        compute: Compute,
    ) -> Result<Vec<Checked>, LlmError> {
        let dtype = if BITS == 53 { DType::F64 } else { DType::F32 };
        let variable = |x: &Tensor| Var::from_tensor(&x.detach().to_dtype(dtype)?);
        let hidden = variable(&part.batch.hidden(self.student)?)?;
        let head = variable(self.student.head())?;
        let direction = Direction::new(&hidden, &head, self.seed)?;
        let logits = Logits::new(&hidden, &head, Some(&direction))?;
        let state = (hidden.as_tensor(), head.as_tensor());
        let total = self.objective.terms(&part.batch, part.examples)?;
        let found = compute(self.objective, state, part, total)?;
        let store = found.backward()?;
        let slope = direction.derivative(store.get(&hidden), store.get(&head))?;
        let mut checked = Vec::new();
        let mut compare = |expected: Slope<BITS>, found: f64| {
            let of = |statement, found, expected: Rounded<BITS>| {
                Checked::equal(statement, found, expected.value, expected.error)
            };
            checked.push(of(Statement::Objective, found, expected.at));
            checked.push(of(Statement::Gradient, slope, expected.slope));
        };
        match (self.objective, part.scores()) {
            (Objective::Bellman(loss), Some(scores)) => {
                let positions = Positions::<BITS>::new(loss, &part.batch, &scores, &logits)?;
                compare(positions.loss(loss, total)?, number(&found)?);
                checked.extend(soft_values(&positions)?);
                checked.extend(self.cloning(loss, (&positions, &scores), state, part, compute)?);
            }
            (objective, _) => {
                if let Some(expected) = defined::<BITS>(objective, &logits, part, total)? {
                    compare(expected, number(&found)?);
                }
            }
        }
        Ok(checked)
    }

    /// The identity of behaviour cloning, of the same loss with φ = id and its other hypotheses.
    fn cloning<const BITS: u32>(
        &self,
        loss: &BellmanLoss,
        (positions, scores): (&Positions<BITS>, &[&Scores]),
        state: (&Tensor, &Tensor),
        part: &Part,
        compute: Compute,
    ) -> Result<Option<Checked>, LlmError> {
        let loss = definition::cloning_loss(loss);
        let total = loss.transitions(&part.batch, scores);
        if total == 0 {
            return Ok(None);
        }
        let found = number(&compute(&Objective::Bellman(loss), state, part, total)?)?;
        let expected = positions.cloning(&loss, total)?.at;
        // The two sides are equal; what computing the one in low precision brings is known from
        // the definition.
        let bound = positions.loss(&loss, total)?.at.error + expected.error;
        let statement = Statement::BehaviourCloning;
        Ok(Some(Checked::equal(statement, -found, expected.value, bound)))
    }
}

/// Whether there is something here to compare an objective with.
fn has_definition(objective: &Objective) -> bool {
    match objective {
        Objective::CrossEntropy
        | Objective::Bellman(_)
        | Objective::BellmanWhole(_)
        | Objective::ForwardKl(_)
        | Objective::ReverseKl(_) => true,
        Objective::Language(_)
        | Objective::Released(_)
        | Objective::CandidateKl
        | Objective::OnPolicy(_) => false,
    }
}

/// A loss over the whole vocabulary by its definition; nothing where there is none to compare with.
fn defined<const BITS: u32>(
    objective: &Objective,
    logits: &Logits,
    part: &Part,
    total: usize,
) -> Result<Option<Slope<BITS>>, LlmError> {
    let batch = &part.batch;
    let weights = vec![1.0 / batch.rows().max(1) as f64; batch.rows()];
    Ok(match objective {
        Objective::CrossEntropy => Some(definition::tokens(logits, batch.chosen(), &weights)?),
        Objective::BellmanWhole(loss) => Some(definition::whole(loss, batch, logits, total)?),
        Objective::ForwardKl(teacher) | Objective::ReverseKl(teacher) => {
            let teacher = Logits::new(&batch.hidden(teacher)?, teacher.head(), None)?;
            // Heads of different sizes are cut to what they share, which is another function.
            let same = teacher.vocabulary() == logits.vocabulary();
            let forward = matches!(objective, Objective::ForwardKl(_));
            let of = || definition::divergence(logits, &teacher, &weights, forward);
            same.then(of).transpose()?
        }
        _ => None,
    })
}

/// V^proj ≤ V at each position.
fn soft_values<const BITS: u32>(
    positions: &Positions<BITS>,
) -> Result<impl Iterator<Item = Checked>, LlmError> {
    let sides = positions.projected()?.into_iter().zip(&positions.whole);
    let checked: Vec<Checked> = sides
        .map(|(projected, whole)| {
            let (found, expected) = (projected.center(), whole.center());
            // The same numbers are summed up, over fewer tokens: the bounds are for both.
            let bound = projected.at.error + whole.at.error;
            let (statement, missed) = (Statement::SoftValue, found - expected);
            Checked { statement, place: String::new(), found, expected, missed, bound }
        })
        .collect();
    Ok(checked.into_iter())
}

/// Mass ≥ p at each position, of what is stored and of what the stored probabilities sum up to.
fn masses(scores: &Scores, p: TopP) -> Vec<Checked> {
    const HALF: f64 = f32::EPSILON as f64 / 2.0;
    let p = p.get();
    let of_row = |(set, &stored): (std::ops::Range<usize>, &f32)| {
        let logs = scores.log_probabilities[set].iter().map(|&log| f64::from(log));
        // A logarithm rounded to f32 makes a relative error of its size.
        let terms = logs.map(|log| (log.exp(), log.exp() * (log.abs() + 1.0) * HALF));
        let (sum, rounding) = terms.fold((0.0, 0.0), |(s, r), (x, e)| (s + x, r + e));
        let (stored, bound) = (f64::from(stored), rounding + HALF);
        let checked = |found: f64, expected: f64, missed: f64| Checked {
            statement: Statement::CapturedMass,
            place: String::new(),
            found,
            expected,
            missed,
            bound,
        };
        let small = checked(stored, p, p - stored);
        let other = checked(sum, stored, (sum - stored).abs());
        if other.share() > small.share() { other } else { small }
    };
    scores.sets().zip(&scores.mass).map(of_row).collect()
}

/// Of each statement the instance that uses up most of its bound, the first of equal ones.
fn worst(all: Vec<Checked>) -> Vec<Checked> {
    let mut worst: Vec<Checked> = Vec::new();
    for checked in all {
        match worst.iter_mut().find(|w| w.statement == checked.statement) {
            None => worst.push(checked),
            Some(known) => {
                let worse = checked.fails() && !known.fails();
                if worse || (checked.fails() == known.fails() && checked.share() > known.share()) {
                    *known = checked;
                }
            }
        }
    }
    worst
}

/// The number in a tensor of one.
fn number(loss: &Tensor) -> Result<f64, LlmError> {
    // Not every device has f64.
    Ok(loss.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_scalar()?)
}

#[cfg(test)]
mod tests;
