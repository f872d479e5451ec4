//! How far a mean in a known range may be off: by hand, and against exact failure probabilities.

use operators::BoundedMean;

#[test]
fn radii_are_those_of_the_papers() {
    // n = 4, V = 1/3, b = 1, δ = 2/e², so that log(2/δ) = 2.
    let mean = BoundedMean::new(&[0.0, 0.0, 1.0, 1.0], 4, 1.0);
    let failure = 2.0 * (-2f64).exp();
    assert_eq!(mean.variance(), 1.0 / 3.0);
    let bernstein = (2.0 * 2.0 / 3.0 / 4f64).sqrt() + 7.0 * 2.0 / 9.0;
    assert!((mean.empirical_bernstein(failure) - bernstein).abs() < 1e-15);
    let hoeffding = ((2.0 - 2f64.ln()) / 8.0).sqrt();
    assert!((mean.hoeffding(failure) - hoeffding).abs() < 1e-15);
    let better = mean.hoeffding(failure / 2.0).min(mean.empirical_bernstein(failure / 2.0));
    assert_eq!(mean.radius(failure), better);
}

#[test]
fn a_wider_range_widens_the_radii_in_proportion() {
    let (values, wide): (Vec<f64>, Vec<f64>) = (0..10).map(|i| (i as f64 / 9.0, i as f64)).unzip();
    let (one, nine) = (BoundedMean::new(&values, 5, 1.0), BoundedMean::new(&wide, 5, 9.0));
    for radius in [BoundedMean::hoeffding, BoundedMean::empirical_bernstein] {
        assert!((9.0 * radius(&one, 0.01) - radius(&nine, 0.01)).abs() < 1e-13);
    }
}

#[test]
fn a_single_value_and_groups_of_one_have_what_variance_they_show() {
    let single = BoundedMean::new(&[0.5], 1, 1.0);
    assert_eq!(single.empirical_bernstein(0.1), f64::INFINITY);
    assert_eq!(single.radius(0.1), single.hoeffding(0.05));
    // Two prompts with a response each: one group, whose variance is between the prompts.
    let pooled = BoundedMean::new(&[0.0, 1.0], 1, 1.0);
    assert_eq!(pooled, BoundedMean::new(&[0.0, 1.0], 2, 1.0));
    assert_eq!(pooled.variance(), 0.5);
}

/// The probability of k ones among n coins.
fn binomial(n: usize, k: usize, q: f64) -> f64 {
    let choose = (1..=k).map(|i| (n - k + i) as f64 / i as f64).product::<f64>();
    choose * q.powi(k as i32) * (1.0 - q).powi((n - k) as i32)
}

/// The exact probability that the expectation lies further above the mean than `radius` says, for
/// two groups of `each` coins that show 1 with probabilities q.
fn failure(each: usize, q: [f64; 2], radius: impl Fn(&BoundedMean) -> f64) -> f64 {
    let expectation = (q[0] + q[1]) / 2.0;
    let mut total = 0.0;
    for ones in 0..(each + 1) * (each + 1) {
        let ones = [ones / (each + 1), ones % (each + 1)];
        let group = |k: usize| (0..each).map(move |i| if i < k { 1.0 } else { 0.0 });
        let values: Vec<f64> = group(ones[0]).chain(group(ones[1])).collect();
        let mean = BoundedMean::new(&values, each, 1.0);
        if expectation > mean.mean() + radius(&mean) {
            total += binomial(each, ones[0], q[0]) * binomial(each, ones[1], q[1]);
        }
    }
    total
}

#[test]
fn the_expectation_is_further_off_no_more_often_than_allowed() {
    let mut worst: f64 = 0.0;
    for each in [2, 3, 40] {
        for q in [[0.5, 0.5], [0.1, 0.9], [0.01, 0.02], [0.999, 0.9], [0.3, 0.0]] {
            for allowed in [0.3, 0.05, 0.01] {
                let hoeffding = failure(each, q, |mean| mean.hoeffding(allowed));
                let bernstein = failure(each, q, |mean| mean.empirical_bernstein(allowed));
                let better = failure(each, q, |mean| mean.radius(allowed));
                assert!(hoeffding <= allowed && bernstein <= allowed && better <= allowed);
                worst = worst.max(hoeffding / allowed);
            }
        }
    }
    // The inequality is not so loose that a radius half as wide would do.
    assert!(worst > 0.2, "{worst}");
    let halved = failure(40, [0.5, 0.5], |mean| mean.hoeffding(0.05) / 2.0);
    assert!(halved > 0.05, "{halved}");
}

/// With many responses to each of two prompts that differ, the variance between the prompts does
/// not count.
#[test]
fn groups_that_differ_do_not_widen_the_interval() {
    let values = [[0.0; 500], [1.0; 500]].concat();
    let groups = BoundedMean::new(&values, 500, 1.0).empirical_bernstein(0.01);
    let pooled = BoundedMean::new(&values, 1000, 1.0).empirical_bernstein(0.01);
    assert!(groups < 0.3 * pooled, "{groups} {pooled}");
}
