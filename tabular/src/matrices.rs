//! Dense models: one transition matrix per action.

use crate::{Adjustments, Mdp, MdpBuilder, ModelError};
use nalgebra::DMatrix;

impl Mdp {
    /// The model in which every state offers action a with the row of `transitions[a]` and the
    /// reward `rewards[(state, a)]`.
    ///
    /// Shapes: transitions A × [S, S], rewards [S, A], in nats.
    ///
    /// # Errors
    /// [`ModelError::Shape`] when shapes do not fit, and those of [`MdpBuilder::action`].
    ///
    /// # Example
    /// ```
    /// use nalgebra::DMatrix;
    /// use tabular::Mdp;
    /// let stay_or_swap = [
    ///     DMatrix::identity(2, 2),
    ///     DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 1.0, 0.0]),
    /// ];
    /// let rewards = DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 0.5, 0.0]);
    /// let (mdp, _) = Mdp::from_matrices(&stay_or_swap, &rewards)?;
    /// assert_eq!((mdp.states(), mdp.pairs(), mdp.transitions()), (2, 4, 4));
    /// # Ok::<(), tabular::ModelError>(())
    /// ```
    pub fn from_matrices(
        transitions: &[DMatrix<f64>],
        rewards: &DMatrix<f64>,
    ) -> Result<(Self, Adjustments), ModelError> {
        let (states, actions) = rewards.shape();
        let shape = |what, found, expected| ModelError::Shape { what, found, expected };
        if transitions.len() != actions {
            return Err(shape("transition matrices", transitions.len(), actions));
        }
        let mut builder = MdpBuilder::new(states);
        for (action, matrix) in transitions.iter().enumerate() {
            if matrix.nrows() != states || matrix.ncols() != states {
                let found = if matrix.nrows() == states { matrix.ncols() } else { matrix.nrows() };
                return Err(shape("rows and columns of a transition matrix", found, states));
            }
            for state in 0..states {
                let row: Vec<(usize, f64)> =
                    matrix.row(state).iter().copied().enumerate().collect();
                builder.action(state, action as u32, rewards[(state, action)], &row)?;
            }
        }
        builder.build()
    }

    /// P(s'|s,a) as a matrix [pairs, S], rounded to the nearest double.
    pub fn transition_matrix(&self) -> DMatrix<f64> {
        let mut matrix = DMatrix::zeros(self.pairs(), self.states());
        for pair in 0..self.pairs() {
            for (next, probability) in self.probabilities(pair) {
                matrix[(pair, next)] = probability;
            }
        }
        matrix
    }
}
