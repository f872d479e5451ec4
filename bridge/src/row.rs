//! [`Row`]: what a language model says of the next token, for as many tokens as a table holds.

use crate::{BridgeError, Carving};
use llm::nucleus::{leading, nucleus};
use operators::{Cells, Dense, RowLayout, shift, soft_value};

/// A token that a state offers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// The token.
    pub token: u32,
    /// Its Q-value: the logit after the shift, in nats.
    pub q: f64,
    /// Whether it is in the candidate set A_p.
    pub candidate: bool,
    /// Whether it is one of the most likely tokens, those that are followed further.
    pub followed: bool,
}

/// The Q-values after a prefix: tokens one by one, and all others as one.
///
/// ```text
/// Q(other) = log Σ_{b not listed} exp Q(b)
/// ```
///
/// So log Σ exp over the cells and `other` is V over the whole vocabulary, and the listed tokens have
/// the probabilities that they have there.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The tokens that are offered one by one, by rising number.
    pub cells: Vec<Cell>,
    /// The Q-value of all others together; none when there are no others.
    pub other: Option<f64>,
}

impl Row {
    /// Reads a row of logits: the `top` most likely tokens, and the candidate set at p in any case.
    ///
    /// # Errors
    /// [`operators::OperatorError::NotFinite`] when a logit is no number.
    pub fn new(logits: &[f64], carving: &Carving) -> Result<Self, BridgeError> {
        let set = nucleus(logits, carving.p)?.actions;
        let order = leading(logits, carving.top.max(set.len()));
        let layout = RowLayout::uniform(1, logits.len())?;
        let n = Dense::<f64>::new(&layout);
        let full = vec![true; logits.len()];
        let q = shift(&n, &n.cells(logits)?, carving.shift, &full)?;
        let ranked = order.iter().enumerate().map(|(rank, &token)| Cell {
            token: token as u32,
            q: q.0[token],
            // The set is the beginning of the order.
            candidate: rank < set.len(),
            followed: rank < carving.top,
        });
        let mut cells: Vec<Cell> = ranked.collect();
        cells.sort_by_key(|cell| cell.token);
        let mut others = full;
        order.iter().for_each(|&token| others[token] = false);
        Ok(Self { cells, other: rest(&n, &q, &others)? })
    }

    /// The Q-values of the cells, and last that of all others.
    pub fn q(&self) -> impl Iterator<Item = f64> + '_ {
        self.cells.iter().map(|cell| cell.q).chain(self.other)
    }

    /// The tokens that are followed further.
    pub fn followed(&self) -> impl Iterator<Item = u32> + '_ {
        self.cells.iter().filter(|cell| cell.followed).map(|cell| cell.token)
    }
}

/// log Σ exp of the Q-values of `others`; none where there are no others.
pub(crate) fn rest(
    n: &Dense<f64>,
    q: &Cells<Dense<f64>>,
    others: &Vec<bool>,
) -> Result<Option<f64>, BridgeError> {
    match others.contains(&true) {
        true => Ok(Some(soft_value(n, q, others)?.0[0])),
        false => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operators::{Discount, Shift, TopP};

    fn carving(top: usize, p: f64, shift: Shift) -> Carving {
        let (gamma, p) = (Discount::new(0.9).unwrap(), TopP::new(p).unwrap());
        Carving { depth: 1, top, p, gamma, shift, batch: 1 }
    }

    /// Probabilities 1/2, 1/8, 1/4, 1/8 times e^3.
    fn logits() -> Vec<f64> {
        [0.5f64, 0.125, 0.25, 0.125].iter().map(|share| share.ln() + 3.0).collect()
    }

    fn shares(row: &Row) -> Vec<f64> {
        let total: f64 = row.q().map(f64::exp).sum();
        row.q().map(|q| q.exp() / total).collect()
    }

    #[test]
    fn the_tokens_that_are_not_listed_are_one_action_with_their_mass() {
        let row = Row::new(&logits(), &carving(2, 0.5, Shift::Zero)).unwrap();
        let tokens: Vec<u32> = row.cells.iter().map(|cell| cell.token).collect();
        assert_eq!(tokens, [0, 2]);
        for (found, expected) in shares(&row).into_iter().zip([0.5, 0.25, 0.25]) {
            assert!((found - expected).abs() < 4.0 * f64::EPSILON, "{found} {expected}");
        }
    }

    #[test]
    fn the_candidate_set_is_listed_even_where_it_is_larger_but_only_the_first_are_followed() {
        let row = Row::new(&logits(), &carving(1, 0.8, Shift::VocabMax)).unwrap();
        let of = |flag: fn(&Cell) -> bool| -> Vec<u32> {
            row.cells.iter().filter(|&cell| flag(cell)).map(|cell| cell.token).collect()
        };
        // Of the two equally likely tokens the one with the lower number.
        assert_eq!(of(|cell| cell.candidate), [0, 1, 2]);
        assert_eq!(of(|cell| cell.followed), [0]);
        assert_eq!(row.cells[0].q, 0.0);
    }

    #[test]
    fn there_is_no_other_action_where_every_token_is_listed() {
        let row = Row::new(&logits(), &carving(9, 0.5, Shift::LogSoftmax)).unwrap();
        assert_eq!((row.cells.len(), row.other), (4, None));
        // Adding up four numbers and two logarithms of about 3.
        let total: f64 = row.q().map(f64::exp).sum();
        assert!((total - 1.0).abs() < 16.0 * f64::EPSILON, "{total}");
    }
}
