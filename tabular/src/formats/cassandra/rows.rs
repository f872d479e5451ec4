//! What the statements of a file add up to: sparse rows within a budget, and reward rules.

use super::super::error::{Defect, Problem};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// The numbers that a name, a number or `*` stands for.
pub(super) type Span = Range<u64>;

/// The positive entries of a row, by next state.
pub(super) type Row = BTreeMap<u64, f64>;

/// Sets an entry of a row; rows hold positive entries only.
pub(super) fn set(row: &mut Row, successor: u64, p: f64) {
    if p > 0.0 {
        row.insert(successor, p);
    } else {
        row.remove(&successor);
    }
}

/// All rows, and how much more may be written to them.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// By state and action: the first line that mentions the row, and the row.
    rows: BTreeMap<(u64, u64), (usize, Row)>,
    limit: usize,
    left: usize,
}

impl Rows {
    /// No rows, and a limit to the entries that all statements together may write.
    pub fn with_limit(limit: usize) -> Self {
        Self { rows: BTreeMap::new(), limit, left: limit }
    }

    /// Takes the entries that a statement stands for from the budget.
    ///
    /// # Errors
    /// [`Problem::TooLarge`] at `line` when that is more than is left.
    pub fn spend(&mut self, spans: [&Span; 3], line: usize) -> Result<(), Defect> {
        let count: u128 = spans.iter().map(|span| u128::from(span.end - span.start)).product();
        let left = usize::try_from(count).ok().and_then(|count| self.left.checked_sub(count));
        self.left = left.ok_or(Problem::TooLarge { count, limit: self.limit }.at(line))?;
        Ok(())
    }

    /// Changes the rows of some actions and states; `change` is told the state.
    pub fn change(
        &mut self,
        actions: &Span,
        states: &Span,
        line: usize,
        change: impl Fn(&mut Row, u64),
    ) {
        for state in states.clone() {
            for action in actions.clone() {
                let new = || (line, Row::new());
                let (_, row) = self.rows.entry((state, action)).or_insert_with(new);
                change(row, state);
            }
        }
    }

    /// The rows with entries, in order of state and action: those actions are offered.
    pub fn offered(&self) -> impl Iterator<Item = ((u64, u64), (usize, &Row))> {
        let rows = self.rows.iter().filter(|(_, (_, row))| !row.is_empty());
        rows.map(|(&key, (line, row))| (key, (*line, row)))
    }
}

/// What a reward rule covers: action, state and next state, `None` for any.
pub(super) type Cover = (Option<u64>, Option<u64>, Option<u64>);

/// Reward rules, of which the last that covers a transition wins.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Each with its place in the file.
    rules: HashMap<Cover, (usize, f64)>,
    added: usize,
}

impl Rules {
    /// Adds a rule after all others.
    pub fn add(&mut self, cover: Cover, value: f64) {
        self.added += 1;
        self.rules.insert(cover, (self.added, value));
    }

    /// The value for a transition. Eight look-ups whatever the number of rules.
    pub fn value(&self, action: u64, state: u64, successor: u64) -> Option<f64> {
        let unless = |any: u32, known: u64| (any == 0).then_some(known);
        let covers = (0..8u32).map(|any| {
            (unless(any & 1, action), unless(any & 2, state), unless(any & 4, successor))
        });
        let rules = covers.filter_map(|cover| self.rules.get(&cover));
        rules.max_by_key(|(place, _)| *place).map(|&(_, value)| value)
    }
}
