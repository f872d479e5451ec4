//! `.mdp` files in the style of Cassandra's POMDP files, without observations.
//!
//! ```text
//! discount: 0.95
//! values: reward
//! states: calm storm
//! actions: wait go
//! T: * : calm : calm 0.5      T: wait : storm      T: go identity
//! T: * : calm : storm 0.5     0.0 1.0
//! R: go : * : storm -1
//! ```
//!
//! Later statements override earlier ones. An action without positive probability in a state is
//! not offered there. Rewards are averaged over the next states; `values: cost` negates them.

mod names;
mod rows;

use super::Contents;
use super::error::{Defect, Problem, shown};
use super::table::{Table, TableRow, Transition};
use super::tokens::{Lexicon, Words};
use names::Names;
use rows::{Row, Rows, Rules, Span, set};
use std::collections::HashMap;
use std::fmt::Write;

const LEXICON: Lexicon = Lexicon { comment: "#", marks: &[':'] };

/// How many entries wildcards, `uniform` and `identity` may stand for, besides what is written
/// out. Without a limit, one line could ask for S²A of them.
const LARGEST_EXPANSION: usize = 1 << 20;

const KEYWORDS: [&str; 9] =
    ["discount", "values", "states", "actions", "observations", "start", "T", "O", "R"];

pub(super) fn parse(text: &str) -> Result<Table, Defect> {
    let words = LEXICON.words(text);
    let rows = Rows::with_limit(LARGEST_EXPANSION + words.len());
    let mut reader = Reader { words, rows, ..Reader::default() };
    while reader.words.peek(0).is_some() {
        reader.statement()?;
    }
    reader.table()
}

#[derive(Debug, Default)]
struct Reader<'a> {
    words: Words<'a>,
    discount: Option<f64>,
    cost: bool,
    states: Names<'a>,
    actions: Names<'a>,
    rows: Rows,
    rules: Rules,
}

impl<'a> Reader<'a> {
    fn statement(&mut self) -> Result<(), Defect> {
        let keyword = self.words.word("a statement")?;
        if keyword.text == "start" {
            // Where an episode starts does not matter here: skip to the next statement.
            while self.words.peek(0).is_some() && !self.at_keyword() {
                self.words.word("a state")?;
            }
            return Ok(());
        }
        if !KEYWORDS.contains(&keyword.text) {
            return Err(keyword.unexpected("`T:`, `R:` or another statement"));
        }
        self.words.expect(":", "`:`")?;
        match keyword.text {
            "discount" => self.discount = Some(self.words.word("the discount")?.number()?),
            "values" => {
                let values = self.words.word("`reward` or `cost`")?;
                self.cost = match values.text {
                    "reward" => false,
                    "cost" => true,
                    _ => return Err(values.unexpected("`reward` or `cost`")),
                };
            }
            "states" => self.states = self.names("states", self.states.count)?,
            "actions" => self.actions = self.names("actions", self.actions.count)?,
            "T" => self.transitions()?,
            "R" => self.reward_statement()?,
            _ => {
                let instead = "only fully observable models are read; remove the observations";
                let what = "a model with observations";
                return Err(Problem::Unsupported { what, instead }.at(keyword.line));
            }
        }
        Ok(())
    }

    fn at_keyword(&self) -> bool {
        let next = self.words.peek(0).unwrap_or("");
        KEYWORDS.contains(&next) && self.words.peek(1) == Some(":")
    }

    /// A count, or a list of names.
    fn names(&mut self, what: &'static str, before: u64) -> Result<Names<'a>, Defect> {
        let expected = "a count or names";
        if self.at_keyword() {
            return Err(Problem::Ended { expected }.at(self.words.line()));
        }
        let first = self.words.word(expected)?;
        if before > 0 {
            return Err(Problem::Twice { what: "the list of", name: what.into() }.at(first.line));
        }
        if first.text.starts_with(|c: char| c.is_ascii_digit()) {
            let count = first.whole().ok().filter(|count| (1..=1 << 32).contains(count));
            let count = count.ok_or_else(|| first.not("a count from 1 to 4294967296"))?;
            return Ok(Names { count, numbers: HashMap::new() });
        }
        let (mut names, mut name) = (Names::default(), first);
        loop {
            if matches!(name.text, ":" | "*") {
                return Err(name.unexpected("a name"));
            }
            if names.numbers.insert(name.text, names.count).is_some() {
                return Err(
                    Problem::Twice { what: "the name", name: shown(name.text) }.at(name.line)
                );
            }
            names.count += 1;
            if self.words.peek(0).is_none() || self.at_keyword() {
                return Ok(names);
            }
            name = self.words.word("a name")?;
        }
    }

    /// `T: a : s : s' p`, `T: a : s` and a row, or `T: a` and a matrix.
    fn transitions(&mut self) -> Result<(), Defect> {
        let line = self.words.line();
        let actions = self.action()?;
        if !self.words.take(":") {
            return self.matrix(actions, line);
        }
        let states = self.state()?;
        if !self.words.take(":") {
            return self.row(actions, states, line);
        }
        let successors = self.state()?;
        let p = self.probability()?;
        self.rows.spend([&actions, &states, &successors], line)?;
        self.rows.change(&actions, &states, line, |row, _| {
            successors.clone().for_each(|successor| set(row, successor, p));
        });
        Ok(())
    }

    /// The row that follows, for some actions and states.
    fn row(&mut self, actions: Span, states: Span, line: usize) -> Result<(), Defect> {
        let all = 0..self.states.count;
        let mut row = Row::new();
        if self.words.take("uniform") {
            self.rows.spend([&actions, &states, &all], line)?;
            row.extend(all.clone().map(|s| (s, 1.0 / self.states.count as f64)));
        } else {
            for successor in all.clone() {
                set(&mut row, successor, self.probability()?);
            }
            self.rows.spend([&actions, &states, &all], line)?;
        }
        self.rows.change(&actions, &states, line, |entries, _| entries.clone_from(&row));
        Ok(())
    }

    /// The matrix that follows, for some actions.
    fn matrix(&mut self, actions: Span, line: usize) -> Result<(), Defect> {
        let all = 0..self.states.count;
        match self.words.peek(0) {
            Some("uniform") => self.row(actions, all, line),
            Some("identity") => {
                self.words.expect("identity", "`identity`")?;
                self.rows.spend([&actions, &all, &(0..1)], line)?;
                let stay = |row: &mut Row, state| *row = Row::from([(state, 1.0)]);
                self.rows.change(&actions, &all, line, stay);
                Ok(())
            }
            _ => all.into_iter().try_for_each(|s| self.row(actions.clone(), s..s + 1, line)),
        }
    }

    /// `R: a : s : s' r`, also with an observation `*`; or one number for each next state.
    fn reward_statement(&mut self) -> Result<(), Defect> {
        let action = self.action()?;
        if !self.words.take(":") {
            for state in 0..self.states.count {
                self.reward_row(&action, &(state..state + 1))?;
            }
            return Ok(());
        }
        let state = self.state()?;
        if !self.words.take(":") {
            return self.reward_row(&action, &state);
        }
        let successor = self.state()?;
        if self.words.take(":") {
            self.words.expect("*", "`*` for the observation")?;
        }
        self.reward(&action, &state, &successor)
    }

    fn reward_row(&mut self, action: &Span, state: &Span) -> Result<(), Defect> {
        for successor in 0..self.states.count {
            self.reward(action, state, &(successor..successor + 1))?;
        }
        Ok(())
    }

    fn reward(&mut self, action: &Span, state: &Span, successor: &Span) -> Result<(), Defect> {
        let value = self.words.word("a reward")?.number()?;
        let one = |span: &Span, of: &Names<'_>| (*span != (0..of.count)).then_some(span.start);
        let (action, state) = (one(action, &self.actions), one(state, &self.states));
        self.rules.add((action, state, one(successor, &self.states)), value);
        Ok(())
    }

    fn action(&mut self) -> Result<Span, Defect> {
        self.actions.span(self.words.word("an action or `*`")?, "action")
    }

    fn state(&mut self) -> Result<Span, Defect> {
        self.states.span(self.words.word("a state or `*`")?, "state")
    }

    fn probability(&mut self) -> Result<f64, Defect> {
        let word = self.words.word("a probability")?;
        let p = word.number()?;
        if p >= 0.0 { Ok(p) } else { Err(word.not("a probability")) }
    }

    fn table(self) -> Result<Table, Defect> {
        if self.states.count == 0 {
            return Err(Problem::Missing { what: "states:" }.into());
        }
        if self.actions.count == 0 {
            return Err(Problem::Missing { what: "actions:" }.into());
        }
        // In range: counts are checked when they are declared.
        let rows = self.rows.offered().map(|((state, action), (line, entries))| {
            let transition = |(&successor, &weight)| Transition {
                successor: successor as usize,
                weight,
                reward: self.rules.value(action, state, successor).map(|r| self.reward_of(r)),
            };
            TableRow {
                state: state as usize,
                action: action as u32,
                line: Some(line),
                reward: None,
                transitions: entries.iter().map(transition).collect(),
            }
        });
        let (states, gamma) = (self.states.count as usize, self.discount);
        Ok(Table { gamma, states, rows: rows.collect(), ..Table::default() })
    }

    /// A value of the file as a reward.
    fn reward_of(&self, value: f64) -> f64 {
        // A difference, so that a cost of 0 is a reward of +0.
        if self.cost { 0.0 - value } else { value }
    }
}

/// The text of a model.
pub(super) fn render(contents: &Contents<'_>) -> String {
    let mdp = contents.mdp;
    let actions = mdp.actions().iter().max().map_or(0, |&a| u64::from(a) + 1);
    let mut out = String::new();
    // Writing to a string cannot fail.
    if let Some(gamma) = contents.gamma {
        let _ = writeln!(out, "discount: {:?}", gamma.get());
    }
    let states = mdp.states();
    let _ = writeln!(out, "values: reward\nstates: {states}\nactions: {actions}");
    for state in 0..states {
        for pair in mdp.pairs_of(state) {
            let (action, reward) = (mdp.actions()[pair], mdp.rewards()[pair]);
            for (successor, weight) in mdp.row(pair).iter() {
                let _ = writeln!(out, "T: {action} : {state} : {successor} {weight:?}");
            }
            // By its bits, so that the sign of zero survives.
            if reward.to_bits() != 0 {
                let _ = writeln!(out, "R: {action} : {state} : * {reward:?}");
            }
        }
    }
    out
}
