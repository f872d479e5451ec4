//! [`Names`]: how a file refers to its states or actions.

use super::super::error::{Defect, Problem, shown};
use super::super::tokens::Word;
use super::rows::Span;
use std::collections::HashMap;

/// The names of states or actions.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    /// Zero before they are declared.
    pub count: u64,
    /// Empty where only a count is declared.
    pub numbers: HashMap<&'a str, u64>,
}

impl Names<'_> {
    /// What a word stands for.
    pub fn span(&self, word: Word<'_>, what: &'static str) -> Result<Span, Defect> {
        if word.text == "*" && self.count > 0 {
            return Ok(0..self.count);
        }
        let number = match self.numbers.get(word.text) {
            Some(&number) => Some(number),
            None => word.whole().ok().filter(|&number: &u64| number < self.count),
        };
        let known = || match self.count {
            0 => format!("declare the {what}s first"),
            count => format!("{count} are declared, counted from 0"),
        };
        let name = || shown(word.text);
        let problem = || Problem::UnknownName { what, name: name(), known: known() };
        number.map(|number| number..number + 1).ok_or_else(|| problem().at(word.line))
    }
}
