//! Text as rows: each position of a response is a state, the next position its successor.

use crate::{Cells, Dense, NumberSystem, OperatorError, Rows, Scalar, Successor};
use nalgebra::DVector;

/// Text: a transition leads to the next position with certainty, and to value 0 after the last.
///
/// Source: arXiv 2505.20335, token-level MDP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPosition {
    next: Vec<Option<usize>>,
}

impl NextPosition {
    /// The row that follows each row; `None` after the last position of a response.
    ///
    /// # Errors
    /// [`OperatorError::Length`] when a row is followed by one that does not exist.
    pub fn new(next: Vec<Option<usize>>) -> Result<Self, OperatorError> {
        let rows = next.len();
        match next.iter().flatten().find(|&&row| row >= rows) {
            Some(&found) => {
                Err(OperatorError::Length { what: "the next row", found, expected: rows })
            }
            None => Ok(Self { next }),
        }
    }

    /// Responses of these lengths, one after the other.
    pub fn of_lengths(lengths: &[usize]) -> Self {
        let mut next = Vec::with_capacity(lengths.iter().sum());
        for &length in lengths {
            let start = next.len();
            next.extend((1..length).map(|t| Some(start + t)));
            next.extend((length > 0).then_some(None));
        }
        Self { next }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.next.len()
    }

    /// How many rows follow each row, one after the other.
    pub fn following(&self) -> Vec<usize> {
        let follow = |&first: &Option<usize>| {
            // Rows that follow each other in a circle have no last one; all are counted once.
            std::iter::successors(first, |&row| self.next[row]).take(self.next.len()).count()
        };
        self.next.iter().map(follow).collect()
    }

    /// The row that follows each row.
    pub fn next(&self) -> &[Option<usize>] {
        &self.next
    }
}

impl<T: Scalar> Successor<Dense<T>> for NextPosition {
    fn expected(&self, _: &Dense<T>, v: &Rows<Dense<T>>) -> Result<Cells<Dense<T>>, OperatorError> {
        crate::candidates::expect_length("the values", v.0.len(), self.next.len())?;
        let value = |next: &Option<usize>| next.map_or(T::from_f64(0.0), |row| v.0[row]);
        Ok(Cells(DVector::from_iterator(self.next.len(), self.next.iter().map(value))))
    }
}

/// What the objective needs to know of the positions of responses besides the student's Q-values.
pub struct Responses<N: NumberSystem> {
    /// The teacher's candidate sets A_t, over cells.
    pub set: N::Mask,
    /// Whether the token taken lies in its set, over rows.
    pub inside: N::Mask,
    /// Which position follows.
    pub next: NextPosition,
    /// The share of each transition in the mean; 0 for the last one of a response that was cut
    /// off, whose next value is unknown.
    pub weights: Rows<N>,
}
