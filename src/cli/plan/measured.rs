//! [`Sets`]: how large candidate sets are along responses.

use llm::LlmError;
use llm::gap::Sample;
use llm::teacher::{Cache, Scores, Sizes};
use operators::{Budget, TopP};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a candidate takes in a cache, and what a position takes beside its candidates, in bytes
/// before compression.
const BYTES: (f64, f64) = (8.0, 16.0);

/// Responses of the projected teacher with their candidate sets.
#[derive(Debug)]
pub enum Responses {
    /// Those of a cache.
    Cached(Box<Cache>),
    /// Those that were sampled here, at this mass.
    Sampled(TopP, Vec<Scores>),
}

impl Responses {
    /// The mass of their candidate sets.
    pub fn p(&self) -> TopP {
        match self {
            Self::Cached(cache) => cache.p(),
            Self::Sampled(p, _) => *p,
        }
    }

    /// Shows the candidate sets of each response.
    fn each(&self, look: &mut dyn FnMut(&Scores)) -> Result<(), LlmError> {
        match self {
            Self::Cached(cache) => {
                for row in cache.rows()? {
                    look(&row?.scores);
                }
            }
            Self::Sampled(_, all) => all.iter().for_each(look),
        }
        Ok(())
    }
}

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

/// The adaptive rule along responses.
#[derive(Debug, Serialize)]
pub struct Adaptive {
    #[serde(flatten)]
    pub sets: Sets,
    /// The fixed p with the same guarantee, which is where the rule begins.
    pub p_fixed: f64,
    /// The sets at that p, along the same responses, where these hold them.
    pub fixed: Option<Sets>,
    /// How many sets carry less than the rule asks for, because the responses hold no more.
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

/// The sets at p along the responses whose own mass is nearest above.
pub fn along(responses: &[Responses], p: TopP) -> Result<Option<Sets>, LlmError> {
    let above = responses.iter().filter(|responses| responses.p() >= p);
    let nearest = above.min_by(|a, b| a.p().get().total_cmp(&b.p().get()));
    let Some(nearest) = nearest else { return Ok(None) };
    let mut tally = Tally::default();
    nearest.each(&mut |scores| {
        let cut = (p < nearest.p()).then(|| scores.at_p(p));
        let scores = cut.as_ref().unwrap_or(scores);
        tally.add(&scores.sizes, &scores.mass);
    })?;
    Ok(Some(tally.sets(nearest.p())))
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
    /// The rule with this budget along responses.
    pub fn of(responses: &Responses, budget: Budget) -> Result<Self, LlmError> {
        let (mut tally, mut short_sets) = (Tally::default(), 0);
        responses.each(&mut |scores| {
            let (scores, short) = scores.adaptive(budget);
            short_sets += short.len() as u64;
            tally.add(&scores.sizes, &scores.mass);
        })?;
        let fixed = along(std::slice::from_ref(responses), budget.mass())?;
        let p_fixed = budget.mass().get();
        Ok(Self { sets: tally.sets(responses.p()), p_fixed, fixed, short_sets })
    }
}
