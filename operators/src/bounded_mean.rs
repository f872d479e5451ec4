//! [`BoundedMean`]: the mean of independent numbers in a known range, and how far it may be off.

/// The mean of n independent numbers in [0, b], where b was known before they were drawn.
///
/// The numbers come in K groups of equal size. Those of one group have the same distribution, those
/// of two groups need not: responses to one prompt, and prompts. What the mean estimates is then the
/// mean of the expectations of these very groups; nothing is said about other groups.
///
/// Both radii hold for any n and any distributions. They are computed in `f64`, whose rounding is
/// far below them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundedMean {
    mean: f64,
    variance: f64,
    count: usize,
    groups: usize,
    range: f64,
}

impl BoundedMean {
    /// The mean of `values`, of which `group` at a time belong together.
    ///
    /// Groups of one tell nothing of the variance within: all values then count as one group,
    /// whose variance is on average no smaller than the mean of theirs, as Maurer and Pontil
    /// allow (Theorem 11).
    ///
    /// # Panics
    /// Unless there are values, in whole groups, and the range is no negative number.
    ///
    /// # Example
    /// ```
    /// use operators::BoundedMean;
    /// // Between the groups the values differ, within them they do not.
    /// let mean = BoundedMean::new(&[0.0, 0.0, 1.0, 1.0], 2, 1.0);
    /// assert_eq!((mean.mean(), mean.variance()), (0.5, 0.0));
    /// ```
    pub fn new(values: &[f64], group: usize, range: f64) -> Self {
        let count = values.len();
        let whole = count > 0 && group > 0 && count.is_multiple_of(group);
        assert!(whole && range >= 0.0, "a mean is of values in whole groups");
        let group = if group == 1 { count } else { group };
        let mean = values.iter().sum::<f64>() / count as f64;
        let groups = count / group;
        let variance = values.chunks(group).map(variance).sum::<f64>() / groups as f64;
        Self { mean, variance, count, groups, range }
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The mean over groups of their unbiased sample variances.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// How far the mean is from its expectation at most, to one side, but for a probability of
    /// `failure`.
    ///
    /// ```text
    /// b √( log(1/δ) / 2n )
    /// ```
    ///
    /// Source: Hoeffding, Probability inequalities for sums of bounded random variables, 1963,
    /// Theorem 2.
    pub fn hoeffding(&self, failure: f64) -> f64 {
        self.range * ((1.0 / failure).ln() / (2.0 * self.count as f64)).sqrt()
    }

    /// The same by the variance that the sample shows; infinite where it shows none.
    ///
    /// ```text
    /// √( 2 V log(2/δ) / n ) + 7 b log(2/δ) / 3(n − K)
    /// ```
    ///
    /// Source, for one group: Maurer and Pontil, Empirical Bernstein bounds and sample variance
    /// penalization, 2009, Theorems 4 and 11. For K groups of R values V is the mean of their
    /// sample variances, which estimates the mean of the variances without bias, whatever the
    /// means of the groups are. Their proof then holds with n − K in place of n − 1: n V / b² is
    /// self-bounding (their Theorem 7) with a = R / (R − 1), as a change of one value changes the
    /// variance of its own group only; hence √(E V) ≤ √V + b √(2 log(1/δ) / (n − K)), and the
    /// rest is Bernstein's inequality, to which numbers of different distributions are welcome.
    pub fn empirical_bernstein(&self, failure: f64) -> f64 {
        let (count, freedom) = (self.count as f64, (self.count - self.groups) as f64);
        if freedom == 0.0 {
            return f64::INFINITY;
        }
        let log = (2.0 / failure).ln();
        (2.0 * self.variance * log / count).sqrt() + 7.0 * self.range * log / (3.0 * freedom)
    }

    /// The smaller of the two, each of which is allowed half of `failure`: whoever picks the better
    /// one after seeing both has to pay for both.
    pub fn radius(&self, failure: f64) -> f64 {
        self.hoeffding(failure / 2.0).min(self.empirical_bernstein(failure / 2.0))
    }
}

/// The unbiased sample variance; 0 of a single value.
fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    squares / (count - 1.0).max(1.0)
}
