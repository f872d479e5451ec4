//! [`Checked`]: what the theory states of a batch, evaluated while training goes on.
//!
//! Losses and gradients as training computes them are compared with the operators on tables, in
//! f64 and over the whole vocabulary. How far the two may be apart is computed along with the
//! definition: a bound on what arithmetic of the precision of training can make of it.

mod baselines;
mod checked;
mod definition;
mod logits;
mod positions;
mod slope;

pub use checked::{Checked, Statement};

use super::trainer::{longest_first, number};
use super::{Batch, BellmanLoss, Example, Objective, Tally, Trainer};
use crate::teacher::Scores;
use crate::{LlmError, Model};
use candle_core::{DType, Tensor, Var};
use checked::worst;
use logits::{Direction, Logits};
use operators::{Scalar, TopP};
use positions::Positions;
use slope::{Rounded, Slope};

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
        let (settings, student) = (self.settings(), self.student().frozen()?);
        let seed = settings.seed ^ self.done();
        let check = Check { student: &student, objective: &self.objective, p, seed };
        let compute = |objective: &Objective, state: (&Tensor, &Tensor), part: &Part, total| {
            let tally = &mut Tally::default();
            objective.of_state(state, &part.batch, part.examples, total, tally)
        };
        let all = |check: Check, examples: &[&Example], of: &[Example], name: &str| {
            let number = |example: &Example| {
                let place = of.iter().position(|other| std::ptr::eq(other, example));
                place.map_or_else(String::new, |i| format!("{name} {}", i + 1))
            };
            check.all(examples, settings.micro_batch, &compute, &number)
        };
        let drawn = self.drawn(self.examples, 0, self.done());
        let mut checked = match self.answered(&drawn)? {
            None => all(check, &drawn, self.examples, "example")?,
            Some(own) => all(check, &longest_first(own.iter().collect()), &own, "response")?,
        };
        if settings.text_weight != 0.0 {
            let language = Objective::Language(settings.text_kl);
            let check = Check { student: &student, objective: &language, p: None, seed };
            let drawn = self.drawn(self.text, 1, self.done());
            checked.extend(all(check, &drawn, self.text, "piece of text")?);
        }
        Ok(worst(checked))
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
        match self.student.head().dtype() {
            DType::F64 => self.at_precision::<53>(&part, compute),
            // The teacher's head is as narrow as the student's, and is not widened.
            DType::F16 | DType::BF16 if self.objective.teacher().is_some() => Ok(Vec::new()),
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
        let direction = Direction::new(&hidden, &head, part.batch.chosen(), self.seed)?;
        // Heads of different sizes are cut to what they share.
        let other = self.objective.teacher().map(|teacher| teacher.head().dim(0)).transpose()?;
        let shared = head.dim(0)?.min(other.unwrap_or(usize::MAX));
        let logits = Logits::new(&hidden, &head.narrow(0, 0, shared)?, Some(&direction))?;
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
            (objective, scores) => {
                let scores = &scores.unwrap_or_default();
                compare(defined(objective, &logits, (part, scores), total)?, number(&found)?);
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
        let loss = positions::cloning_loss(loss);
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

/// A loss over the whole vocabulary by its definition.
fn defined<const BITS: u32>(
    objective: &Objective,
    logits: &Logits,
    (part, scores): (&Part, &[&Scores]),
    total: usize,
) -> Result<Slope<BITS>, LlmError> {
    let batch = &part.batch;
    let share = 1.0 / total.max(1) as f64;
    let weights = vec![share; batch.rows()];
    let of_teacher = |teacher: &Model| {
        let head = teacher.head().narrow(0, 0, logits.vocabulary())?;
        Logits::new(&batch.hidden(teacher)?, &head, None)
    };
    match objective {
        Objective::CrossEntropy => definition::tokens(logits, batch.chosen(), &weights),
        Objective::Language(kl) => {
            let tokens = definition::tokens(logits, batch.chosen(), &weights)?;
            let tokens = definition::factor(1.0 - kl) * tokens;
            if *kl == 0.0 {
                return Ok(tokens);
            }
            let divergence = baselines::candidates(scores, logits, &weights)?;
            Ok(tokens + definition::factor(*kl) * divergence)
        }
        // Its sets are those of a teacher who is not there.
        Objective::Bellman(_) => Err(LlmError::NoScores),
        Objective::BellmanWhole(loss) => definition::whole(loss, batch, logits, total),
        Objective::Released(loss) => baselines::released(loss, batch, scores, logits, share),
        Objective::CandidateKl => baselines::candidates(scores, logits, &weights),
        Objective::ForwardKl(teacher) | Objective::ReverseKl(teacher) => {
            let forward = matches!(objective, Objective::ForwardKl(_));
            definition::divergence(logits, &of_teacher(teacher)?, &weights, forward)
        }
        Objective::OnPolicy(loss) => {
            let teacher = of_teacher(loss.teacher)?;
            baselines::on_policy(&loss.settings, batch, (logits, &teacher), share)
        }
    }
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

#[cfg(test)]
mod tests;
