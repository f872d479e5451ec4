//! [`Sample`]: responses of the projected teacher, read as rollouts.

use super::estimate::LEAK_ROUNDING;
use super::{Estimate, GapProblem, Rollout};
use crate::LlmError;
use crate::teacher::{Cache, Row, Sizes};
use operators::{Discount, GapBound, TopP};
use serde::Serialize;
use std::collections::BTreeMap;

/// Responses to given prompts, several to each, sampled at top-p at temperature 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    gamma: Discount,
    p: TopP,
    most: usize,
    rollouts: BTreeMap<u32, Vec<Rollout>>,
    sizes: BTreeMap<u32, u64>,
    positions: Vec<Position>,
    outside: u64,
}

/// What responses look like after t tokens, those that are so long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Position {
    /// How many responses get that far.
    pub responses: u64,
    /// The mean mass that their candidate sets capture.
    pub captured_mass: f64,
    /// The mean leak.
    pub leak: f64,
    /// The mean size of the candidate sets.
    pub set_size: f64,
}

impl Sample {
    /// A sample without responses yet; none is to have more than `most` tokens.
    pub fn new(gamma: Discount, p: TopP, most: usize) -> Self {
        let (rollouts, sizes) = (BTreeMap::new(), BTreeMap::new());
        Self { gamma, p, most, rollouts, sizes, positions: Vec::new(), outside: 0 }
    }

    /// The responses of a cache.
    ///
    /// # Errors
    /// [`LlmError::CacheMismatch`] unless they were sampled at temperature 1 with a top-p equal to
    /// the mass of the candidate sets: others are not responses of the projected teacher.
    /// Those of [`Cache::rows`] and [`Sample::add`].
    pub fn of_cache(cache: &Cache, gamma: Discount) -> Result<Self, LlmError> {
        let (settings, p) = (cache.settings(), cache.p());
        let needed =
            [("temperature", settings.temperature, 1.0), ("top_p", settings.top_p, p.get())];
        for (setting, found, expected) in needed {
            if found != expected {
                let (found, expected) = (found.to_string(), expected.to_string());
                let path = cache.path().to_path_buf();
                return Err(LlmError::CacheMismatch { path, setting, found, expected });
            }
        }
        let most = usize::try_from(settings.max_new_tokens).unwrap_or(usize::MAX);
        let mut sample = Self::new(gamma, p, most);
        for row in cache.rows()? {
            sample.add(&row?)?;
        }
        Ok(sample)
    }

    /// One more response.
    ///
    /// # Errors
    /// [`GapProblem::ShortSet`] when a candidate set carries less than p, by more than rounding;
    /// [`GapProblem::TooLong`].
    pub fn add(&mut self, row: &Row) -> Result<(), GapProblem> {
        let (prompt, response) = (row.prompt, row.response);
        let tokens = row.response_tokens.len();
        if tokens > self.most {
            return Err(GapProblem::TooLong { prompt, response, tokens, most: self.most });
        }
        let most = self.p.leak();
        let mut leaks = Vec::with_capacity(tokens);
        for (position, &mass) in row.scores.mass.iter().enumerate() {
            let mass = f64::from(mass);
            let leak = TopP::new(mass).map_or(f64::INFINITY, TopP::leak);
            if leak > most + LEAK_ROUNDING {
                let p = self.p.get();
                return Err(GapProblem::ShortSet { prompt, response, position, mass, p });
            }
            // The exact mass is at least p.
            leaks.push(leak.min(most));
        }
        self.look(row, &leaks);
        let rollout = Rollout::new(self.gamma, &leaks, row.ended);
        self.rollouts.entry(prompt).or_default().push(rollout);
        Ok(())
    }

    /// Counts the candidate sets.
    fn look(&mut self, row: &Row, leaks: &[f64]) {
        let sets = row.scores.sets().zip(&row.response_tokens);
        for (t, (set, token)) in sets.enumerate() {
            let size = set.len();
            self.outside += u64::from(!row.scores.candidates[set].contains(token));
            *self.sizes.entry(size as u32).or_default() += 1;
            if self.positions.len() <= t {
                let none = Position { responses: 0, captured_mass: 0.0, leak: 0.0, set_size: 0.0 };
                self.positions.push(none);
            }
            self.positions[t].add(f64::from(row.scores.mass[t]), leaks[t], size as f64);
        }
    }

    /// The mean gap over the prompts: see [`Estimate::new`].
    ///
    /// # Errors
    /// [`GapProblem::Unequal`] unless all prompts have as many responses; those of [`Estimate::new`].
    pub fn estimate(&self, bound: GapBound, confidence: f64) -> Result<Estimate, GapProblem> {
        let expected = self.rollouts.values().next().map_or(0, Vec::len);
        let other = self.rollouts.iter().find(|(_, rollouts)| rollouts.len() != expected);
        if let Some((&prompt, rollouts)) = other {
            return Err(GapProblem::Unequal { prompt, found: rollouts.len(), expected });
        }
        let all: Vec<Rollout> = self.rollouts.values().flatten().copied().collect();
        Estimate::new(&all, expected, self.most, self.p, bound, confidence)
    }

    /// The discount.
    pub fn gamma(&self) -> Discount {
        self.gamma
    }

    /// The mass of the candidate sets.
    pub fn p(&self) -> TopP {
        self.p
    }

    /// The most tokens that a response may have.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many prompts there are.
    pub fn prompts(&self) -> usize {
        self.rollouts.len()
    }

    /// The rollouts, prompt by prompt.
    pub fn rollouts(&self) -> impl Iterator<Item = &Rollout> {
        self.rollouts.values().flatten()
    }

    /// How large candidate sets are, over all positions.
    pub fn sizes(&self) -> Sizes {
        Sizes::of(&self.sizes)
    }

    /// Captured mass, leak and set size by position, the prompt's first.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// The mean mass that candidate sets capture; 0 without any.
    pub fn captured_mass(&self) -> f64 {
        let positions = || self.positions.iter();
        let all: u64 = positions().map(|position| position.responses).sum();
        let mass: f64 = positions().map(|at| at.responses as f64 * at.captured_mass).sum();
        mass / all.max(1) as f64
    }

    /// How many tokens lie outside the candidate set of their position. A projected teacher takes
    /// none; the sets are computed in a second pass, whose last digits may differ, so that very few
    /// are no reason to worry.
    pub fn outside(&self) -> u64 {
        self.outside
    }
}

impl Position {
    /// The means with one more response.
    fn add(&mut self, captured_mass: f64, leak: f64, set_size: f64) {
        self.responses += 1;
        let share = 1.0 / self.responses as f64;
        self.captured_mass += (captured_mass - self.captured_mass) * share;
        self.leak += (leak - self.leak) * share;
        self.set_size += (set_size - self.set_size) * share;
    }
}
