//! [`Schedule`]: the learning rate of each step.

/// A rise in a straight line, then half a cosine down to nothing, over the steps that are really
/// taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// The highest learning rate.
    pub peak: f64,
    /// Steps of the rise.
    pub warm_up: u64,
    /// All steps.
    pub steps: u64,
}

impl Schedule {
    /// The learning rate of a step, counted from 0.
    ///
    /// ```text
    /// peak · (step + 1)/warm_up                                   before the peak
    /// peak · (1 + cos π (step − warm_up)/(steps − warm_up))/2     after it
    /// ```
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warm_up {
            return self.peak * (step + 1) as f64 / self.warm_up as f64;
        }
        let rest = self.steps.saturating_sub(self.warm_up).max(1);
        let share = (step - self.warm_up).min(rest) as f64 / rest as f64;
        self.peak * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_nothing() {
        let schedule = Schedule { peak: 8.0, warm_up: 4, steps: 12 };
        assert_eq!((0..5).map(|s| schedule.rate(s)).collect::<Vec<_>>(), [2.0, 4.0, 6.0, 8.0, 8.0]);
        assert!((schedule.rate(8) - 4.0).abs() < 1e-15);
        assert!(schedule.rate(11) > 0.0);
        assert_eq!(schedule.rate(12), 0.0);
    }

    #[test]
    fn no_warm_up_starts_at_the_peak() {
        assert_eq!(Schedule { peak: 1.0, warm_up: 0, steps: 1 }.rate(0), 1.0);
        // Fewer steps than the rise has: the peak is not reached, nothing divides by 0.
        assert_eq!(Schedule { peak: 1.0, warm_up: 4, steps: 2 }.rate(1), 0.5);
    }
}
