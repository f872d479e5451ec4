//! [`Instance`]: a model with its γ and p, the thing a proposition is about.

use crate::Mdp;
use operators::{CandidateSets, Discount, TopP};

/// An MDP together with the discount γ and the candidate mass p.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// What to call it in messages and files.
    pub name: String,
    /// The model.
    pub mdp: Mdp,
    /// γ.
    pub gamma: Discount,
    /// p.
    pub p: TopP,
    /// Candidate sets that come with the model, over its pairs; without them a rule chooses, the
    /// nucleus at p as a rule.
    pub sets: Option<CandidateSets>,
}

impl Instance {
    /// A model whose candidate sets are for a rule to choose.
    pub fn new(name: impl Into<String>, mdp: Mdp, gamma: Discount, p: TopP) -> Self {
        Self { name: name.into(), mdp, gamma, p, sets: None }
    }
}
