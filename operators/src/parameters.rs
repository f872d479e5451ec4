//! γ and p, checked once; after that the type carries it.

use crate::OperatorError;

/// The mass p ∈ (0, 1] that a candidate set must capture.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct TopP(f64);

impl TopP {
    /// The checked value.
    ///
    /// # Errors
    /// [`OperatorError::TopP`] unless 0 < p ≤ 1.
    ///
    /// # Example
    /// ```
    /// assert!(operators::TopP::new(0.8).is_ok());
    /// assert!(operators::TopP::new(0.0).is_err());
    /// ```
    pub fn new(p: f64) -> Result<Self, OperatorError> {
        if p > 0.0 && p <= 1.0 { Ok(Self(p)) } else { Err(OperatorError::TopP { value: p }) }
    }

    /// The double.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// The discount γ ∈ [0, 1].
///
/// γ = 1 is for models that certainly end; whoever needs γ < 1 asks [`Discount::is_contracting`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Discount(f64);

impl Discount {
    /// The checked value.
    ///
    /// # Errors
    /// [`OperatorError::Discount`] unless 0 ≤ γ ≤ 1.
    pub fn new(gamma: f64) -> Result<Self, OperatorError> {
        if (0.0..=1.0).contains(&gamma) {
            Ok(Self(gamma))
        } else {
            Err(OperatorError::Discount { value: gamma })
        }
    }

    /// The double.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Whether γ < 1, so that the Bellman operators are contractions on every model.
    pub fn is_contracting(self) -> bool {
        self.0 < 1.0
    }
}
