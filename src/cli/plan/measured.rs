//! [`Sets`]: how large candidate sets are along responses.

use llm::LlmError;
use llm::gap::Sample;
use llm::teacher::{Cache, Sizes};
use operators::{Budget, TopP};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a candidate takes in a cache, and what a position takes beside its candidates, in bytes
/// before compression.
const BYTES: (f64, f64) = (8.0, 16.0);

/// How large candidate sets are along responses.
#[derive(Debug, Clone, Serialize)]
pub struct Sets {
    /// The mass that the responses were sampled at; the sizes are those along them.
    pub sampled_at: f64,
    pub sizes: Sizes,
    pub captured_mass: f64,
    /// What a position takes in a cache before compression; a student computes as many logits for
    /// the loss as there are candidates.
    pub bytes_per_step: f64,
}

/// The adaptive rule along the responses of a cache.
#[derive(Debug, Serialize)]
pub struct Adaptive {
    #[serde(flatten)]
    pub sets: Sets,
    /// The fixed p with the same guarantee, which is where the rule begins.
    pub p_fixed: f64,
    /// The sets at that p, along the same responses, where the cache holds them.
    pub fixed: Option<Sets>,
    /// How many sets carry less than the rule asks for, because the cache holds no more.
    pub short_sets: u64,
}

/// Candidate sets, counted.
#[derive(Default)]
struct Tally {
    sizes: BTreeMap<u32, u64>,
    mass: f64,
    positions: u64,
}

impl Tally {
    fn add(&mut self, sizes: &[u32], mass: &[f32]) {
        for &size in sizes {
            *self.sizes.entry(size).or_default() += 1;
        }
        self.mass += mass.iter().map(|&mass| f64::from(mass)).sum::<f64>();
        self.positions += mass.len() as u64;
    }

    fn sets(&self, sampled_at: TopP) -> Sets {
        let captured_mass = self.mass / self.positions.max(1) as f64;
        Sets::new(sampled_at, Sizes::of(&self.sizes), captured_mass)
    }
}

/// The sets at p along the responses of the cache whose own mass is nearest above.
pub fn along(caches: &[Cache], p: TopP) -> Result<Option<Sets>, LlmError> {
    let above = caches.iter().filter(|cache| cache.p() >= p);
    let nearest = above.min_by(|a, b| a.p().get().total_cmp(&b.p().get()));
    let Some(cache) = nearest else { return Ok(None) };
    let (sampled_at, mut tally) = (cache.p(), Tally::default());
    for row in cache.clone().at_p(p)?.rows()? {
        let scores = row?.scores;
        tally.add(&scores.sizes, &scores.mass);
    }
    Ok(Some(tally.sets(sampled_at)))
}

impl Sets {
    fn new(sampled_at: TopP, sizes: Sizes, captured_mass: f64) -> Self {
        let bytes_per_step = BYTES.0 * sizes.mean + BYTES.1;
        Self { sampled_at: sampled_at.get(), sizes, captured_mass, bytes_per_step }
    }

    /// Those of a sample.
    pub fn of(sample: &Sample) -> Self {
        Self::new(sample.p(), sample.sizes(), sample.captured_mass())
    }
}

impl Adaptive {
    /// The rule with this budget along the responses of a cache.
    pub fn of(cache: &Cache, budget: Budget) -> Result<Self, LlmError> {
        let (mut tally, mut short_sets) = (Tally::default(), 0);
        for row in cache.rows()? {
            let (scores, short) = row?.scores.adaptive(budget);
            short_sets += short.len() as u64;
            tally.add(&scores.sizes, &scores.mass);
        }
        let fixed = along(std::slice::from_ref(cache), budget.mass())?;
        let p_fixed = budget.mass().get();
        Ok(Self { sets: tally.sets(cache.p()), p_fixed, fixed, short_sets })
    }
}
