//! [`Mutation`]: mistakes that the propositions must notice.

use std::fmt;
use std::str::FromStr;

/// A mistake that one might make, put in on purpose to see which proposition notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// Q = r + E V in place of r + γ E V.
    DiscountDropped,
    /// Σ π (Q + log π) in place of Σ π (Q − log π).
    EntropySignFlipped,
    /// π restricted to the set but not divided by its mass.
    ProjectionNotRenormalised,
    /// The candidate sets of the policy that prefers what the teacher avoids.
    AnotherPolicysSets,
    /// κ/2 in place of κ.
    KappaHalved,
    /// T_p sums over all actions.
    TopPOverAllActions,
    /// D = γ E Σ π D, without ℓ(s').
    LeakWithoutFirstStep,
    /// Among equals the higher index is kept.
    TiesUpwards,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::DiscountDropped,
        Self::EntropySignFlipped,
        Self::ProjectionNotRenormalised,
        Self::AnotherPolicysSets,
        Self::KappaHalved,
        Self::TopPOverAllActions,
        Self::LeakWithoutFirstStep,
        Self::TiesUpwards,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::DiscountDropped => "discount-dropped",
            Self::EntropySignFlipped => "entropy-sign-flipped",
            Self::ProjectionNotRenormalised => "projection-not-renormalised",
            Self::AnotherPolicysSets => "another-policys-sets",
            Self::KappaHalved => "kappa-halved",
            Self::TopPOverAllActions => "top-p-over-all-actions",
            Self::LeakWithoutFirstStep => "leak-without-first-step",
            Self::TiesUpwards => "ties-upwards",
        }
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mutation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|m| m.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|m| m.name()).collect();
            format!("there is no mutation `{name}`; they are {}", names.join(", "))
        })
    }
}
