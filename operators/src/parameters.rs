//! γ and p, checked once; after that the type carries it.

use crate::OperatorError;
use rounding::directed::exp_up;

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

    /// −log p: what a set that carries p, and no more, leaks. Units: nats.
    ///
    /// Between 0 and 745. The same of a captured mass is its leak.
    pub fn leak(self) -> f64 {
        // Not −log 1 = −0.
        0.0 - self.0.ln()
    }

    /// The mass whose leak is `leak`: exp(−leak), rounded up, so that a set that carries it leaks no
    /// more. At least the smallest double, 1 for a leak of 0 or below.
    ///
    /// # Example
    /// ```
    /// use operators::TopP;
    /// let half = TopP::of_leak(2f64.ln());
    /// assert!((half.get() - 0.5).abs() < 1e-15);
    /// assert_eq!(TopP::of_leak(0.0).get(), 1.0);
    /// assert!(TopP::of_leak(f64::INFINITY).get() > 0.0);
    /// ```
    ///
    /// # Panics
    /// When `leak` is no number.
    pub fn of_leak(leak: f64) -> Self {
        assert!(!leak.is_nan(), "a leak is a number");
        // Beyond −746 the result is the smallest double in any case.
        let mass = if leak > 0.0 { exp_up((-leak).max(-800.0)) } else { 1.0 };
        Self(mass.clamp(f64::from_bits(1), 1.0))
    }
}

/// The discount γ ∈ [0, 1].
///
/// γ = 1 is for models that certainly end; whoever needs γ < 1 asks [`Discount::is_contracting`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Discount(f64);

impl Discount {
    /// γ = 1: what comes later counts as much as what comes now.
    pub const ONE: Self = Self(1.0);

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
