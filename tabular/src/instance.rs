//! [`Instance`]: a model with its γ and p, the thing a proposition is about.

use crate::Mdp;
use operators::{Discount, TopP};

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
}
