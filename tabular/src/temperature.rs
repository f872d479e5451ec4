//! Temperature: at temperature τ everything is as at 1 with rewards r/τ, in units of τ.

use crate::{Mdp, ModelError};

impl Mdp {
    /// The model with every reward divided by τ, and how many of those quotients rounded.
    ///
    /// The soft-optimal policy at temperature τ of this model is that at temperature 1 of the
    /// result; values of the result times τ are the values at temperature τ.
    ///
    /// # Errors
    /// [`ModelError::Temperature`] unless τ is positive and finite;
    /// [`ModelError::Reward`] when a quotient overflows.
    pub fn at_temperature(&self, tau: f64) -> Result<(Self, usize), ModelError> {
        if !(tau > 0.0 && tau.is_finite()) {
            return Err(ModelError::Temperature { value: tau });
        }
        let mut scaled = self.clone();
        let mut rounded = 0;
        for (state, pairs) in self.layout.iter().enumerate() {
            for pair in pairs {
                let value = self.rewards[pair] / tau;
                if !value.is_finite() {
                    return Err(ModelError::Reward { state, action: self.actions[pair], value });
                }
                // Fused, so that the product is exact: zero only when the quotient is.
                if value.mul_add(tau, -self.rewards[pair]) != 0.0 {
                    rounded += 1;
                }
                scaled.rewards[pair] = value;
            }
        }
        Ok((scaled, rounded))
    }
}
