//! [`Plan`]: which instances a campaign checks, and how.

use crate::{Proposition, Sets, Theory};
use operators::{Discount, TopP};
use std::ops::RangeInclusive;
use tabular::random::Source;
use tabular::{Family, Instance, ModelError, Size};

/// Discounts of a campaign that names none.
const DISCOUNTS: [f64; 7] = [0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999];

/// Masses of a campaign that names none.
const MASSES: [f64; 8] = [0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0];

/// The most successors of a pair, where the family is sparse.
pub const MOST_SUCCESSORS: usize = 4;

/// Probes (the random points of a check) come from streams that no model uses.
const PROBE_STREAMS: u64 = 1 << 63;

/// A campaign of random instances; the same plan gives the same instances everywhere.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed of everything random.
    pub seed: u64,
    /// How many MDPs.
    pub mdps: u64,
    /// The families, taken in turn.
    pub families: Vec<Family>,
    /// Numbers of states.
    pub states: RangeInclusive<usize>,
    /// Numbers of actions.
    pub actions: RangeInclusive<usize>,
    /// γ; a random one of a list when `None`.
    pub gamma: Option<Discount>,
    /// p; likewise.
    pub p: Option<TopP>,
    /// How candidate sets are chosen; top-p mostly, top-k and min-p now and then, when `None`.
    pub sets: Option<Sets>,
    /// Instances to check in place of random ones.
    pub given: Vec<Instance>,
    /// What is checked.
    pub propositions: Vec<Proposition>,
    /// Enclosures and certificates in place of floats.
    pub rigorous: bool,
    /// The operators: right, or with a mistake.
    pub theory: Theory,
}

impl Plan {
    /// Nothing to check yet, on 10,000 instances of every family, up to 12 states and 6 actions.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            mdps: 10_000,
            families: Family::ALL.to_vec(),
            states: 1..=12,
            actions: 1..=6,
            gamma: None,
            p: None,
            sets: None,
            given: Vec::new(),
            propositions: Vec::new(),
            rigorous: false,
            theory: Theory::default(),
        }
    }

    /// How many instances there are.
    pub fn len(&self) -> u64 {
        if self.given.is_empty() { self.mdps } else { self.given.len() as u64 }
    }

    /// Whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The instance with this number, and the rule for its candidate sets.
    ///
    /// # Errors
    /// [`ModelError`] when a size is zero.
    pub fn instance(&self, index: u64) -> Result<(Instance, Sets), ModelError> {
        if let Some(instance) = self.given.get(index as usize) {
            return Ok((instance.clone(), self.sets.unwrap_or(Sets::TopP)));
        }
        let mut source = Source::new(self.seed, index);
        let family = self.families[(index % self.families.len() as u64) as usize];
        let size = Size {
            states: source.within(&self.states),
            actions: source.within(&self.actions),
            branching: 1 + source.below(MOST_SUCCESSORS),
        };
        // Drawn whether used or not, so that naming γ or p changes nothing else.
        let gamma = draw_discount(family, &mut source)?;
        let p = TopP::new(source.choose(&MASSES))?;
        let sets = draw_sets(&mut source)?;
        let (gamma, p) = (self.gamma.unwrap_or(gamma), self.p.unwrap_or(p));
        let mut instance = family.instance(size, gamma, p, &mut source)?;
        instance.name = format!("{family}-{}-{index}", self.seed);
        Ok((instance, self.sets.unwrap_or(sets)))
    }

    /// Where the random points for checks of an instance come from.
    pub fn probes(&self, index: u64) -> Source {
        probes(self.seed, index)
    }
}

/// The random points for the checks of the instance `index` of a campaign with this seed.
pub fn probes(seed: u64, index: u64) -> Source {
    Source::new(seed, PROBE_STREAMS | index)
}

fn draw_discount(family: Family, source: &mut Source) -> Result<Discount, ModelError> {
    let drawn = source.choose(&DISCOUNTS);
    let undiscounted = source.below(4) == 0;
    // A tree certainly ends, so γ = 1 makes sense there.
    let gamma = if family == Family::TokenTree && undiscounted { 1.0 } else { drawn };
    Ok(Discount::new(gamma)?)
}

fn draw_sets(source: &mut Source) -> Result<Sets, ModelError> {
    Ok(match source.below(16) {
        0 => Sets::TopK(1 + source.below(3)),
        1 => Sets::MinP(TopP::new(0.25)?),
        _ => Sets::TopP,
    })
}
