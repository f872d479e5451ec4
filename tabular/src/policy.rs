//! From the operators' policies to the plain numbers that solvers take.

use crate::solve::TablePolicy;
use operators::{Dense, Projection};

impl TablePolicy {
    /// The numbers of a projected policy.
    pub fn new(policy: &Projection<Dense<f64>>) -> Self {
        Self {
            probability: policy.probability.0.as_slice().to_vec(),
            log_probability: policy.log_probability.0.as_slice().to_vec(),
        }
    }
}
