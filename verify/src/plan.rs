//! [`Plan`]: which instances a campaign checks, and how.

use crate::{Proposition, Theory};
use operators::{Discount, Selection, TopP};
use std::ops::RangeInclusive;
use tabular::random::Source;
use tabular::{Family, Instance, ModelError, Size};

/// Discounts of a campaign that names none.
const DISCOUNTS: [f64; 7] = [0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999];

/// Masses of a campaign that names none.
const MASSES: [f64; 8] = [0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0];

/// Probes (the random points of a check) come from streams that no model uses.
const PROBE_STREAMS: u64 = 1 << 63;

/// How the candidate sets of a campaign are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sets {
    /// Top-p mostly, top-k and min-p now and then.
    Mixed,
    /// Top-p always, with the p of the instance.
    TopP,
    /// The k most likely actions.
    TopK(usize),
    /// Actions at least this fraction as likely as the best.
    MinP(TopP),
}

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
    /// How candidate sets are chosen.
    pub sets: Sets,
    /// What is checked.
    pub propositions: Vec<Proposition>,
    /// Enclosures and certificates in place of floats.
    pub rigorous: bool,
    /// The operators: right, or with a mistake.
    pub theory: Theory,
}

impl Plan {
    /// The instance with this number, and the rule for its candidate sets.
    ///
    /// # Errors
    /// [`ModelError`] when a size is zero.
    pub fn instance(&self, index: u64) -> Result<(Instance, Selection), ModelError> {
        let mut source = Source::new(self.seed, index);
        let family = self.families[(index % self.families.len() as u64) as usize];
        let size = Size {
            states: source.within(&self.states),
            actions: source.within(&self.actions),
            branching: 1 + source.below(4),
        };
        let drawn_gamma = source.choose(&DISCOUNTS);
        let drawn_p = source.choose(&MASSES);
        let undiscounted = source.below(4) == 0;
        let sets = source.below(16);
        let gamma = match self.gamma {
            Some(gamma) => gamma,
            // A tree certainly ends, so γ = 1 makes sense there.
            None if family == Family::TokenTree && undiscounted => Discount::new(1.0)?,
            None => Discount::new(drawn_gamma)?,
        };
        let p = self.p.map_or_else(|| TopP::new(drawn_p), Ok)?;
        let mut instance = family.instance(size, gamma, p, &mut source)?;
        instance.name = format!("{family}-{}-{index}", self.seed);
        let selection = match (self.sets, sets) {
            (Sets::TopK(k), _) => Selection::TopK(k),
            (Sets::MinP(fraction), _) => Selection::MinP(fraction),
            (Sets::Mixed, 0) => Selection::TopK(1 + index as usize % 3),
            (Sets::Mixed, 1) => Selection::MinP(TopP::new(0.25)?),
            _ => Selection::TopP(instance.p),
        };
        Ok((instance, selection))
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
