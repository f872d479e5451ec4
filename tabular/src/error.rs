//! What can be wrong with a model.

/// A model that is not a finite MDP, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No state at all.
    #[error("the model has no states; give at least one")]
    NoStates,
    /// More states than a 32-bit index reaches.
    #[error("{states} states are more than the {} that a model can number", crate::MOST_STATES)]
    TooManyStates {
        /// How many.
        states: usize,
    },
    /// A row for a state that does not exist.
    #[error("state {state} does not exist: states run from 0 to {}", states.saturating_sub(1))]
    StateOutOfRange {
        /// The state named.
        state: usize,
        /// How many there are.
        states: usize,
    },
    /// A state without actions.
    #[error(
        "state {state} offers no action; give it one (a terminal state has one action that stays, \
         at no reward)"
    )]
    NoAction {
        /// The state.
        state: usize,
    },
    /// The same action twice.
    #[error("state {state} offers action {action} twice; merge the two rows")]
    DuplicateAction {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
    },
    /// A row without a possible next state.
    #[error("state {state}, action {action} has no transition of positive probability")]
    NoTransition {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
    },
    /// A next state that does not exist.
    #[error(
        "state {state}, action {action} leads to state {successor}, which does not exist: states \
         run from 0 to {}", states.saturating_sub(1)
    )]
    SuccessorOutOfRange {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
        /// The next state named.
        successor: usize,
        /// How many there are.
        states: usize,
    },
    /// A probability that is negative, NaN or infinite.
    #[error(
        "state {state}, action {action}: the probability of state {successor} is {value}; it must \
         be finite and not negative"
    )]
    Probability {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
        /// The next state.
        successor: usize,
        /// The value given.
        value: f64,
    },
    /// Probabilities that do not sum to one, by more than rounding explains.
    #[error(
        "state {state}, action {action}: probabilities sum to {sum} (off by {defect:e}, and more \
         than 1e-9 is not rounding); correct them"
    )]
    RowSum {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
        /// The sum.
        sum: f64,
        /// Sum − 1.
        defect: f64,
    },
    /// A row that would have to be changed while exact input is asked for.
    #[error(
        "state {state}, action {action}: {reason}; rigorous results need exact input: pass \
         `--normalise` to accept the change and have it recorded, or give probabilities such as \
         0.25 that are exact in binary"
    )]
    Adjusted {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
        /// What would be changed.
        reason: &'static str,
    },
    /// A reward that is NaN or infinite.
    #[error("state {state}, action {action}: the reward is {value}; it must be finite")]
    Reward {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
        /// The value given.
        value: f64,
    },
    /// Matrices that do not fit each other.
    #[error("{found} {what} where {expected} are needed")]
    Shape {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many fit.
        expected: usize,
    },
    /// A temperature that is not positive and finite.
    #[error("the temperature is {value}; it must be positive and finite")]
    Temperature {
        /// The value given.
        value: f64,
    },
    /// γ or p out of range.
    #[error(transparent)]
    Operator(#[from] operators::OperatorError),
}
