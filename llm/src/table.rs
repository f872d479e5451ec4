//! The smallest network: a table of logits as one candle variable, trained with the very loss of
//! language models.
//!
//! On an MDP with few states the exact maximiser of the objective is known; whether gradients get
//! there is a question that a table answers without the noise of a network.

use crate::{LlmError, Tensors};
use candle_core::{DType, Device, Tensor, Var};
use operators::{
    BellmanDistill, CandidateSets, NextPosition, NumberSystem, Responses, RowLayout, Rows,
    bellman_distill, student_q,
};

/// What a teacher did in a model of S states with K actions each.
#[derive(Debug, Clone, PartialEq)]
pub struct Transitions {
    /// K.
    pub actions: usize,
    /// The candidate set of each state, [S, K].
    pub sets: Vec<bool>,
    /// (state, action, next state or the end, weight); weights sum to one. Each state that follows
    /// must itself be left by one of them.
    pub taken: Vec<(usize, usize, Option<usize>, f64)>,
}

/// How a table is trained: by full gradients, with momentum and steps of Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TableTraining {
    /// How many steps.
    pub steps: usize,
    /// The size of the first steps; it falls to 0 along half a cosine.
    pub rate: f64,
}

/// A trained table.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedTable {
    /// The logits, [S, K].
    pub logits: Vec<f64>,
    /// J there.
    pub objective: f64,
    /// The largest entry of its gradient.
    pub gradient: f64,
}

/// The parts of the loss that no step changes.
struct Problem {
    n: Tensors,
    states: Tensor,
    slots: crate::tensors::Slots,
    responses: Responses<Tensors>,
    shape: (usize, usize),
}

impl Problem {
    fn new(transitions: &Transitions) -> Result<Self, LlmError> {
        let Transitions { actions, sets, taken } = transitions;
        let rows = taken.len();
        let first = |state: usize| taken.iter().position(|&(s, ..)| s == state);
        let follows = |next: Option<usize>| match next {
            Some(state) => {
                let missing =
                    LlmError::Length { what: "transitions of a state", found: 0, expected: 1 };
                first(state).map(Some).ok_or(missing)
            }
            None => Ok(None),
        };
        let next = taken.iter().map(|&(_, _, next, _)| follows(next));
        let layout = RowLayout::uniform(rows, *actions)?;
        let n = Tensors::new(&layout, DType::F64, &Device::Cpu)?;
        let kept = taken.iter().flat_map(|&(s, ..)| &sets[s * actions..][..*actions]).copied();
        let inside: Vec<bool> = taken.iter().map(|&(s, a, ..)| sets[s * actions + a]).collect();
        let weights: Vec<f64> = taken.iter().map(|&(.., weight)| weight).collect();
        let slots: Vec<usize> = taken.iter().map(|&(_, action, ..)| action).collect();
        let states = taken.iter().map(|&(state, ..)| state as u32);
        Ok(Self {
            states: Tensor::from_iter(states, &Device::Cpu)?,
            slots: n.slots(&slots)?,
            responses: Responses {
                set: n.mask(&CandidateSets::from_kept(&layout, kept.collect())?)?,
                inside: n.one_cell_per_row().row_mask(&inside)?,
                next: NextPosition::new(next.collect::<Result<_, _>>()?)?,
                weights: n.rows(&weights)?,
            },
            n,
            shape: (sets.len() / actions, *actions),
        })
    }

    /// J of a table of logits [S, K].
    fn objective(&self, logits: &Tensor, settings: &BellmanDistill) -> Result<Tensor, LlmError> {
        let z = self.n.cells_of(&logits.index_select(&self.states, 0)?)?;
        let q = student_q(&self.n, &z, &self.n.full(), settings)?;
        let chosen = Rows(self.n.pick(&q.0, &self.slots)?);
        Ok(bellman_distill(&self.n, &q, &chosen, &self.responses, settings)?.objective)
    }
}

/// Trains a table of logits from `start`, [S, K], on J.
///
/// # Errors
/// [`LlmError::Length`] when a state follows that no transition leaves; [`LlmError::Tensor`] when
/// shapes do not fit.
pub fn train_table(
    start: &[f64],
    transitions: &Transitions,
    settings: &BellmanDistill,
    training: TableTraining,
) -> Result<TrainedTable, LlmError> {
    let problem = Problem::new(transitions)?;
    let logits = Var::from_tensor(&Tensor::from_slice(start, problem.shape, &Device::Cpu)?)?;
    let (mut mean, mut square) = (vec![0.0; start.len()], vec![0.0; start.len()]);
    for step in 0..training.steps {
        let (_, gradient) = slope(&problem, &logits, settings)?;
        let part = step as f64 / training.steps as f64;
        let rate = training.rate * 0.5 * (1.0 + (std::f64::consts::PI * part).cos());
        let mut values = logits.flatten_all()?.to_vec1::<f64>()?;
        for (i, value) in values.iter_mut().enumerate() {
            mean[i] = 0.9 * mean[i] + 0.1 * gradient[i];
            square[i] = 0.999 * square[i] + 0.001 * gradient[i] * gradient[i];
            let by = |decay: f64| 1.0 - decay.powi(step as i32 + 1);
            *value += rate * (mean[i] / by(0.9)) / ((square[i] / by(0.999)).sqrt() + 1e-12);
        }
        logits.set(&Tensor::from_vec(values, problem.shape, &Device::Cpu)?)?;
    }
    let (objective, gradient) = slope(&problem, &logits, settings)?;
    Ok(TrainedTable {
        logits: logits.flatten_all()?.to_vec1()?,
        objective,
        gradient: gradient.iter().fold(0.0, |largest: f64, g| largest.max(g.abs())),
    })
}

/// J and its gradient.
fn slope(
    problem: &Problem,
    logits: &Var,
    settings: &BellmanDistill,
) -> Result<(f64, Vec<f64>), LlmError> {
    let objective = problem.objective(logits, settings)?;
    let gradients = objective.backward()?;
    let gradient = match gradients.get(logits) {
        Some(gradient) => gradient.flatten_all()?.to_vec1()?,
        None => vec![0.0; logits.elem_count()],
    };
    Ok((objective.to_scalar()?, gradient))
}
