//! [`PendingRows`]: the rows of a model that is being built, in the order in which they came.

use crate::ModelError;
use crate::mdp::{Mdp, Totals};
use operators::RowLayout;
use rounding::Expansion;
use rounding::directed::two_sum;

/// Rows with their transitions, and the totals that are not one.
#[derive(Debug, Clone, Default)]
pub(crate) struct PendingRows {
    rows: Vec<PendingRow>,
    successors: Vec<u32>,
    weights: Vec<f64>,
    totals: Vec<Option<Expansion>>,
}

#[derive(Debug, Clone, Copy)]
struct PendingRow {
    state: u32,
    action: u32,
    reward: f64,
    start: usize,
    len: usize,
}

impl PendingRows {
    /// How many transitions there are, and so where the next row starts.
    pub fn transitions(&self) -> usize {
        self.successors.len()
    }

    /// The weights of the row that starts here and is the last one.
    pub fn weights_from(&self, start: usize) -> &[f64] {
        &self.weights[start..]
    }

    /// Forgets the transitions from `start`, which belong to no row that was closed.
    pub fn truncate(&mut self, start: usize) {
        self.successors.truncate(start);
        self.weights.truncate(start);
    }

    /// Adds a transition to the row that starts at `start`. If it goes where the one before goes,
    /// the two become one, and the answer is what the sum of their weights lacks.
    pub fn add(&mut self, start: usize, successor: u32, weight: f64) -> Option<f64> {
        if self.successors.len() > start && self.successors.last() == Some(&successor) {
            let last = self.weights.len() - 1;
            let (sum, error) = two_sum(self.weights[last], weight);
            self.weights[last] = sum;
            return Some(error);
        }
        self.successors.push(successor);
        self.weights.push(weight);
        None
    }

    /// Ends the row that starts at `start`.
    pub fn close(
        &mut self,
        state: u32,
        action: u32,
        reward: f64,
        start: usize,
        total: Option<Expansion>,
    ) {
        let len = self.successors.len() - start;
        self.rows.push(PendingRow { state, action, reward, start, len });
        self.totals.push(total);
    }

    /// The model of `states` states with these rows.
    ///
    /// # Errors
    /// [`ModelError`] when a state offers no action or offers one twice.
    pub fn into_mdp(mut self, states: usize) -> Result<Mdp, ModelError> {
        self.sort()?;
        let layout = self.layout(states)?;
        let mut row_offsets = Vec::with_capacity(self.rows.len() + 1);
        row_offsets.push(0);
        row_offsets.extend(self.rows.iter().map(|row| row.start + row.len));
        Ok(Mdp {
            layout,
            actions: self.rows.iter().map(|row| row.action).collect(),
            rewards: self.rows.iter().map(|row| row.reward).collect(),
            row_offsets,
            totals: collect_totals(self.totals),
            successors: self.successors,
            weights: self.weights,
        })
    }

    /// Puts rows in order of (state, action), moving their transitions along.
    fn sort(&mut self) -> Result<(), ModelError> {
        let key = |row: &PendingRow| (row.state, row.action);
        if !self.rows.is_sorted_by_key(key) {
            let mut order: Vec<usize> = (0..self.rows.len()).collect();
            order.sort_by_key(|&i| key(&self.rows[i]));
            let (mut successors, mut weights) = (Vec::new(), Vec::new());
            let mut rows = Vec::with_capacity(order.len());
            for &i in &order {
                let row = self.rows[i];
                let range = row.start..row.start + row.len;
                rows.push(PendingRow { start: successors.len(), ..row });
                successors.extend_from_slice(&self.successors[range.clone()]);
                weights.extend_from_slice(&self.weights[range]);
            }
            self.totals = order.iter().map(|&i| self.totals[i].take()).collect();
            (self.rows, self.successors, self.weights) = (rows, successors, weights);
        }
        match self.rows.windows(2).find(|w| key(&w[0]) == key(&w[1])) {
            Some(w) => {
                Err(ModelError::DuplicateAction { state: w[0].state as usize, action: w[0].action })
            }
            None => Ok(()),
        }
    }

    fn layout(&self, states: usize) -> Result<RowLayout, ModelError> {
        let mut counts = vec![0usize; states + 1];
        for row in &self.rows {
            counts[row.state as usize + 1] += 1;
        }
        if let Some(state) = counts[1..].iter().position(|&c| c == 0) {
            return Err(ModelError::NoAction { state });
        }
        for state in 0..states {
            counts[state + 1] += counts[state];
        }
        // Every state has an action, so no row is empty.
        RowLayout::new(counts).map_err(|_| ModelError::NoStates)
    }
}

fn collect_totals(totals: Vec<Option<Expansion>>) -> Totals {
    if totals.iter().all(Option::is_none) {
        return Totals::default();
    }
    let nearest = totals.iter().map(|t| t.as_ref().map_or(1.0, Expansion::approximate)).collect();
    let inexact = totals
        .into_iter()
        .enumerate()
        .filter_map(|(pair, total)| total.filter(|t| t.as_f64().is_none()).map(|t| (pair, t)))
        .collect();
    Totals { nearest, inexact }
}
