//! [`Summand`]: numbers that are summed over ranks.

use bytemuck::Pod;

/// A number that is added up in f64.
pub trait Summand: Pod + Into<f64> {
    /// The nearest number of this type.
    fn nearest(sum: f64) -> Self;
}

impl Summand for f32 {
    fn nearest(sum: f64) -> Self {
        sum as f32
    }
}

impl Summand for f64 {
    fn nearest(sum: f64) -> Self {
        sum
    }
}
