//! The Bellman Distill objective on a table, exactly: no sampling, no network.
//!
//! ```text
//! J(z) = Σ_{s,a} μ(s,a) [ φ(δ(s,a)) − (V(s) − γ E V(s')) ]
//! Q = shift(z),   V(s) = log Σ_{a ∈ A(s)} exp Q(s,a),   δ(s,a) = Q(s,a) − γ E V(s')
//! ```
//!
//! What training maximises from samples, as a function of all logits at once, composed of the
//! functions in [`operators`] that the language-model loss is composed of. A terminal state's V
//! is pinned to 0, as after the end-of-sequence token of a text: it is absorbing with one action
//! and no reward, so that 0 is its value under every operator, but as a free logit it would be
//! whatever the optimiser makes of it.

mod bfgs;
mod maximise;
mod maximum;

pub use bfgs::{Search, SearchSettings};
pub use maximise::{MaximiseSettings, Run};
pub use maximum::{Distances, Maximum, PolicyDistance};

use crate::Mdp;
use crate::occupancy::{Occupancy, OccupancyError};
use operators::{
    CandidateSets, Cells, Dense, Discount, Dual, NumberSystem, OperatorError, Phi, Rows, Scalar,
    Shift, Successor, floor, implied_reward, objective, shift, soft_value, top_p_mask,
};

/// How a taken action outside its candidate set counts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Outside {
    /// Not at all: its transitions are left out, and the weights of the others sum to one.
    #[default]
    Drop,
    /// As if its Q-value were this constant, −10 in the published setting.
    Floor(f64),
}

/// Which objective of the family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variant {
    /// φ.
    pub phi: Phi,
    /// How logits become Q-values.
    pub shift: Shift,
    /// The floor Q_min under Q-values; none by default, −10 in the published setting.
    pub floor: Option<f64>,
    /// Actions outside their candidate set.
    pub outside: Outside,
}

impl Variant {
    /// Without floor, dropping what lies outside.
    pub fn new(phi: Phi, shift: Shift) -> Self {
        Self { phi, shift, floor: None, outside: Outside::Drop }
    }
}

/// An objective that does not exist, or whose maximum cannot be looked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectiveError {
    /// All weight on actions outside their sets, and those dropped.
    #[error("every action taken lies outside its candidate set, so nothing is left to average")]
    NothingInside,
    /// The objective is not a number at the start of a search.
    #[error("the objective is {value} at the start `{start}`; give finite numbers")]
    NotFinite {
        /// Which start.
        start: String,
        /// J there.
        value: f64,
    },
    /// No occupancy.
    #[error(transparent)]
    Occupancy(#[from] OccupancyError),
    /// Arrays that do not fit.
    #[error(transparent)]
    Operator(#[from] OperatorError),
}

/// J as a function of the logits of all pairs.
#[derive(Debug, Clone)]
pub struct TableObjective<'a> {
    mdp: &'a Mdp,
    gamma: Discount,
    sets: &'a CandidateSets,
    variant: Variant,
    /// μ(s,a) after dropping; sums to one.
    weights: Vec<f64>,
    /// Whether each state goes on.
    goes_on: Vec<bool>,
}

/// How many derivatives one forward pass carries.
const CHUNK: usize = 8;

impl<'a> TableObjective<'a> {
    /// The objective under the data distribution `occupancy`.
    ///
    /// # Errors
    /// [`ObjectiveError::NothingInside`]; [`ObjectiveError::Operator`] when an argument does not
    /// fit the model.
    pub fn new(
        mdp: &'a Mdp,
        gamma: Discount,
        sets: &'a CandidateSets,
        occupancy: &Occupancy,
        variant: Variant,
    ) -> Result<Self, ObjectiveError> {
        let n = Dense::<f64>::new(mdp.layout());
        let taken = n.cells(&occupancy.pair)?.0;
        let taken = match variant.outside {
            Outside::Drop => n.keep(&taken, &n.mask(sets), 0.0)?,
            Outside::Floor(_) => taken,
        };
        let total: f64 = taken.iter().sum();
        if total.is_nan() || total <= 0.0 {
            return Err(ObjectiveError::NothingInside);
        }
        let weights = n.divide(&taken, total)?.as_slice().to_vec();
        let goes_on = (0..mdp.states()).map(|s| !mdp.is_terminal(s)).collect();
        Ok(Self { mdp, gamma, sets, variant, weights, goes_on })
    }

    /// The model.
    pub fn mdp(&self) -> &'a Mdp {
        self.mdp
    }

    /// γ.
    pub fn gamma(&self) -> Discount {
        self.gamma
    }

    /// The candidate sets.
    pub fn sets(&self) -> &'a CandidateSets {
        self.sets
    }

    /// Which objective of the family.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// The weight of each pair: its occupancy, after dropping. Sums to one.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Q = shift(z), floored if asked for.
    ///
    /// # Errors
    /// [`OperatorError::Length`] when `z` does not fit the model.
    pub fn q<T: Scalar>(&self, z: &Cells<Dense<T>>) -> Result<Cells<Dense<T>>, OperatorError> {
        let n = Dense::<T>::new(self.mdp.layout());
        let full = n.mask(&CandidateSets::full(self.mdp.layout()));
        let q = shift(&n, z, self.variant.shift, &full)?;
        self.variant.floor.map_or(Ok(q.clone()), |min| floor(&n, &q, min))
    }

    /// V(s) = log Σ_{a ∈ A(s)} exp Q(s,a), 0 at terminal states.
    ///
    /// # Errors
    /// [`OperatorError::Length`] when `q` does not fit the model.
    pub fn values<T: Scalar>(&self, q: &Cells<Dense<T>>) -> Result<Rows<Dense<T>>, OperatorError> {
        let n = Dense::<T>::new(self.mdp.layout());
        let v = soft_value(&n, q, &n.mask(self.sets))?;
        Ok(Rows(n.keep(&v.0, &self.goes_on, 0.0)?))
    }

    /// δ(s,a) = Q(s,a) − γ E V(s'), the implied reward, with the top-p mask on Q.
    ///
    /// # Errors
    /// [`OperatorError::Length`] when an argument does not fit the model.
    pub fn rewards<T: Scalar>(
        &self,
        q: &Cells<Dense<T>>,
        v: &Rows<Dense<T>>,
    ) -> Result<Cells<Dense<T>>, OperatorError> {
        let n = Dense::<T>::new(self.mdp.layout());
        let taken = match self.variant.outside {
            Outside::Drop => q.clone(),
            // Every pair is a transition here, so its own Q-value is the chosen one.
            Outside::Floor(min) => {
                Cells(top_p_mask(&n, &Rows(q.0.clone()), &n.mask(self.sets), min)?.0)
            }
        };
        implied_reward(&n, &taken, self.gamma, self.mdp, v)
    }

    /// J(z) in any scalar: doubles, enclosures, dual numbers.
    ///
    /// # Errors
    /// [`OperatorError::Length`] when `z` does not fit the model.
    pub fn value<T: Scalar>(&self, z: &Cells<Dense<T>>) -> Result<T, OperatorError> {
        let n = Dense::<T>::new(self.mdp.layout());
        let q = self.q(z)?;
        let v = self.values(&q)?;
        let reward = self.rewards(&q, &v)?;
        let next = n.scale(&self.mdp.expected(&n, &v)?.0, self.gamma.get())?;
        let weights = n.cells(&self.weights)?;
        objective(&n, self.variant.phi, &reward.0, &n.spread(&v.0)?, &next, &weights.0)
    }

    /// J(z) and its gradient, by forward differentiation of [`TableObjective::value`] itself.
    ///
    /// Where the maximum of [`Shift::VocabMax`] is attained twice the gradient is that of the
    /// first of the two, as the tie is broken.
    ///
    /// # Errors
    /// [`OperatorError::Length`] when `z` does not fit the model.
    pub fn gradient(&self, z: &[f64]) -> Result<(f64, Vec<f64>), OperatorError> {
        let n = Dense::<Dual<CHUNK>>::new(self.mdp.layout());
        let mut point = n.cells(z)?;
        let mut gradient = vec![0.0; z.len()];
        let mut value = f64::NAN;
        for (chunk, slopes) in gradient.chunks_mut(CHUNK).enumerate() {
            let first = chunk * CHUNK;
            for i in 0..slopes.len() {
                point.0[first + i] = Dual::variable(z[first + i], i);
            }
            let result = self.value(&point)?;
            value = result.value;
            slopes.copy_from_slice(&result.derivative[..slopes.len()]);
            for (i, &z) in z[first..first + slopes.len()].iter().enumerate() {
                point.0[first + i] = Dual::from_f64(z);
            }
        }
        Ok((value, gradient))
    }
}
