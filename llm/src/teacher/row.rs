//! [`Row`]: one response of a teacher with what it thinks of it.

use super::Scores;
use operators::candidates::shortest_prefix;
use operators::{Budget, TopP};
use std::ops::Range;

/// One response. There is one row for each in a cache.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The number of the record that the prompt comes from.
    pub prompt: u32,
    /// Which response to this prompt, from 0.
    pub response: u32,
    /// The prompt.
    pub prompt_tokens: Vec<u32>,
    /// The response, the end-of-sequence token included where there is one.
    pub response_tokens: Vec<u32>,
    /// Whether the response ended by itself; otherwise it was cut off.
    pub ended: bool,
    /// What the teacher thinks of each of its positions.
    pub scores: Scores,
}

impl Row {
    /// Every token that occurs: of prompt, response and candidate sets.
    pub(super) fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        let lists = [&self.prompt_tokens, &self.response_tokens, &self.scores.candidates];
        lists.into_iter().flatten().copied()
    }

    /// What is wrong with a row that somebody else may have written; `None` when nothing is.
    pub(super) fn problem(&self) -> Option<String> {
        let (scores, positions) = (&self.scores, self.response_tokens.len());
        let per_position = [
            ("chosen_log_probabilities", scores.chosen.len()),
            ("captured_mass", scores.mass.len()),
            ("set_sizes", scores.sizes.len()),
        ];
        if let Some((name, found)) = per_position.into_iter().find(|&(_, n)| n != positions) {
            return Some(format!("{name} has {found} entries for {positions} response tokens"));
        }
        if self.prompt_tokens.is_empty() {
            return Some("the prompt is empty".into());
        }
        if let Some(t) = scores.sizes.iter().position(|&size| size == 0) {
            return Some(format!("the candidate set of position {t} is empty"));
        }
        let cells: u64 = scores.sizes.iter().map(|&size| u64::from(size)).sum();
        let lists = [
            ("candidate_tokens", scores.candidates.len()),
            ("candidate_log_probabilities", scores.log_probabilities.len()),
        ];
        if let Some((name, found)) = lists.into_iter().find(|&(_, n)| n as u64 != cells) {
            return Some(format!("{name} has {found} entries where the set sizes sum to {cells}"));
        }
        // Written so that a NaN fails.
        let log = |x: &&f32| !(**x <= 0.0 && x.is_finite());
        if let Some(x) = scores.chosen.iter().chain(&scores.log_probabilities).find(log) {
            return Some(format!("{x} is no log-probability"));
        }
        if let Some(x) = scores.mass.iter().find(|x| !(**x > 0.0 && **x <= 1.0)) {
            return Some(format!("{x} is no captured mass"));
        }
        let falls =
            |set: std::ops::Range<usize>| scores.log_probabilities[set].is_sorted_by(|a, b| a >= b);
        let unsorted = scores.sets().position(|set| !falls(set))?;
        Some(format!("the candidates of position {unsorted} do not stand in falling order"))
    }
}

impl Scores {
    /// The candidate sets at a mass p that is no larger than that of these: of each set the
    /// shortest prefix whose stored probabilities sum to p or more. Where no prefix reaches p by
    /// rounding, which needs a p within rounding of the larger one, the set stays as it is.
    pub fn at_p(&self, p: TopP) -> Self {
        let mut scores = Self { chosen: self.chosen.clone(), ..Self::default() };
        for (set, &mass) in self.sets().zip(&self.mass) {
            scores.push_prefix(self, set, mass, p);
        }
        scores
    }

    /// The candidate sets of the adaptive rule along this response, and the positions at which they
    /// carry less than it asks for, because the sets here hold no more: with any such the guarantee
    /// of [`Budget`] is gone.
    ///
    /// The prompt is the first state. Masses are rounded to `f32`, which moves what is spent at each
    /// position by less than 10⁻⁷.
    pub fn adaptive(&self, mut budget: Budget) -> (Self, Vec<usize>) {
        let mut scores = Self { chosen: self.chosen.clone(), ..Self::default() };
        let mut short = Vec::new();
        for (t, (set, &mass)) in self.sets().zip(&self.mass).enumerate() {
            let p = budget.mass();
            let carried = f64::from(scores.push_prefix(self, set, mass, p));
            if carried < f64::from(p.get() as f32) {
                short.push(t);
            }
            budget.spend(TopP::new(carried).map_or(f64::INFINITY, TopP::leak));
        }
        (scores, short)
    }

    /// Adds the shortest prefix of a set of `from` that carries p, or the whole set where none does,
    /// and says what it carries. `mass` is that of the whole set.
    fn push_prefix(&mut self, from: &Self, set: Range<usize>, mass: f32, p: TopP) -> f32 {
        let log = &from.log_probabilities[set.clone()];
        let weights = || log.iter().map(|&x| f64::from(x).exp());
        let size = shortest_prefix(weights(), 1.0, p).unwrap_or(log.len());
        let whole = size == log.len();
        let mass = if whole { mass } else { weights().take(size).sum::<f64>() as f32 };
        self.mass.push(mass);
        self.sizes.push(size as u32);
        self.candidates.extend(&from.candidates[set][..size]);
        self.log_probabilities.extend(&log[..size]);
        mass
    }
}
