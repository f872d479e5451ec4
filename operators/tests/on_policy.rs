//! MiniLLM's estimate of the gradient of reverse KL: by hand, and against the gradient itself.

use operators::*;

const VOCABULARY: usize = 3;
/// The token that ends a response.
const END: usize = 0;
const LONGEST: usize = 3;

/// All responses of at most three tokens: ended, or cut off.
fn responses() -> Vec<Vec<usize>> {
    let mut open = vec![vec![]];
    let mut all = Vec::new();
    for _ in 0..LONGEST {
        let longer = open.iter().flat_map(|r: &Vec<usize>| {
            (0..VOCABULARY).map(move |token| [&r[..], &[token]].concat())
        });
        let longer: Vec<Vec<usize>> = longer.collect();
        all.extend(longer.iter().filter(|r| r.ends_with(&[END])).cloned());
        open = longer.into_iter().filter(|r| !r.ends_with(&[END])).collect();
    }
    all.extend(open);
    all
}

/// The number of a prefix among those after which a token is drawn: 0, then 1 and 2, then 3 to 6.
fn state(prefix: &[usize]) -> usize {
    prefix.iter().fold(0, |state, token| 2 * state + token)
}

/// One logit for each state and token.
const N: usize = 7 * VOCABULARY;

/// Logits that are all different; `stretch` keeps two models apart.
fn logits(stretch: f64) -> Vec<f64> {
    (0..N).map(|i| (stretch * (1.0 + (i * i % 17) as f64)).sin() * 1.5).collect()
}

/// The rows of the given responses: their logits, their tokens, and who follows whom.
fn rows<T: Copy>(of: &[T], responses: &[Vec<usize>]) -> (Vec<T>, Vec<usize>, NextPosition) {
    let (mut cells, mut slots) = (Vec::new(), Vec::new());
    for response in responses {
        for (t, &token) in response.iter().enumerate() {
            let start = state(&response[..t]) * VOCABULARY;
            cells.extend(&of[start..start + VOCABULARY]);
            slots.push(token);
        }
    }
    let lengths: Vec<usize> = responses.iter().map(Vec::len).collect();
    (cells, slots, NextPosition::of_lengths(&lengths))
}

type D = Dual<N>;

/// A student with its gradient and a teacher at the positions of all responses.
struct Case {
    n: Dense<D>,
    full: Vec<bool>,
    slots: Vec<usize>,
    next: NextPosition,
    student: Projection<Dense<D>>,
    teacher: Projection<Dense<D>>,
}

impl Case {
    fn new(responses: &[Vec<usize>]) -> Self {
        let student: Vec<D> =
            logits(1.3).into_iter().enumerate().map(|(i, x)| Dual::variable(x, i)).collect();
        let teacher: Vec<D> = logits(0.7).into_iter().map(D::from_f64).collect();
        let (student, slots, next) = rows(&student, responses);
        let (teacher, ..) = rows(&teacher, responses);
        let layout = RowLayout::uniform(slots.len(), VOCABULARY).unwrap();
        let n = Dense::<D>::new(&layout);
        let full = n.mask(&CandidateSets::full(&layout));
        let of = |z: Vec<D>| projection(&n, &Cells(z.into()), &full).unwrap();
        let (student, teacher) = (of(student), of(teacher));
        Self { n, full, slots, next, student, teacher }
    }

    /// log of the probability of each token that stands there.
    fn chosen(&self, of: &Projection<Dense<D>>) -> Vec<D> {
        self.n.pick(&of.log_probability.0, &self.slots).unwrap().iter().copied().collect()
    }

    /// The gradient of the loss with these factors and weights.
    fn gradient(&self, factors: &Factors, weights: &[f64]) -> [f64; N] {
        let rows = |x: &[f64]| {
            let values: Vec<D> = x.iter().map(|&x| D::from_f64(x)).collect();
            Rows(values.into())
        };
        let (single, long) = (rows(&factors.single), rows(&factors.long));
        let policies = (&self.student, &self.teacher);
        let (n, weights) = (&self.n, rows(weights));
        on_policy_loss(n, policies, &self.full, &self.slots, (&single, &long), &weights)
            .unwrap()
            .derivative
    }
}

fn values(of: &[D]) -> Vec<f64> {
    of.iter().map(|x| x.value).collect()
}

/// The probability of each response, with its gradient, from log-probabilities of tokens.
fn probabilities(responses: &[Vec<usize>], log: &[D]) -> Vec<D> {
    let mut log = log.iter();
    let sum = |r: &Vec<usize>| log.by_ref().take(r.len()).fold(D::from_f64(0.0), |s, &x| s + x);
    responses.iter().map(sum).map(Scalar::exp).collect()
}

#[test]
fn the_expected_estimate_is_the_gradient_of_reverse_kl() {
    let responses = responses();
    assert_eq!(responses.len(), 1 + 2 + 4 + 8);
    let case = Case::new(&responses);
    let (log_q, log_p) = (case.chosen(&case.student), case.chosen(&case.teacher));
    let (q, p) = (probabilities(&responses, &log_q), probabilities(&responses, &log_p));
    assert!((q.iter().map(|x| x.value).sum::<f64>() - 1.0).abs() < 1e-14);
    let divergence = q.iter().zip(&p).fold(D::from_f64(0.0), |s, (&q, &p)| s + q * (q / p).ln());
    // Each response counts as often as the student gives it.
    let weights: Vec<f64> =
        responses.iter().zip(&q).flat_map(|(r, q)| vec![q.value; r.len()]).collect();
    let plain = OnPolicy::new(0.0, f64::INFINITY, false).unwrap();
    let factors = plain.factors(&values(&log_q), &values(&log_p), &case.next).unwrap();
    let estimate = case.gradient(&factors, &weights);
    for (i, (e, d)) in estimate.iter().zip(divergence.derivative).enumerate() {
        // Numbers of the order of 1, some dozens of them.
        assert!((e - d).abs() < 1e-13, "parameter {i}: {e} is not {d}");
    }
    // It takes both parts, and the returns of what comes later only.
    let without = Factors { long: vec![0.0; factors.long.len()], ..factors.clone() };
    let apart = |a: [f64; N]| {
        a.iter().zip(divergence.derivative).map(|(a, d)| (a - d).abs()).fold(0.0, f64::max)
    };
    assert!(apart(case.gradient(&without, &weights)) > 0.01);
    let normalised = OnPolicy::new(0.0, f64::INFINITY, true).unwrap();
    let factors = normalised.factors(&values(&log_q), &values(&log_p), &case.next).unwrap();
    assert!(apart(case.gradient(&factors, &weights)) > 0.01);
}

#[test]
fn samples_of_the_mixture_with_their_ratios_estimate_the_same_single_step() {
    // One token a response: the ratio of a step is that of the response, and nothing is approximate.
    let responses: Vec<Vec<usize>> = (0..VOCABULARY).map(|token| vec![token]).collect();
    let case = Case::new(&responses);
    let (log_q, log_p) = (case.chosen(&case.student), case.chosen(&case.teacher));
    let gradient = |mix: f64| {
        let settings = OnPolicy::new(mix, 0.2, true).unwrap();
        let factors = settings.factors(&values(&log_q), &values(&log_p), &case.next).unwrap();
        let drawn = log_q.iter().zip(&log_p);
        let drawn = drawn.map(|(q, p)| settings.log_mixture(q.value, p.value).exp());
        let drawn: Vec<f64> = drawn.collect();
        assert!((drawn.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        case.gradient(&factors, &drawn)
    };
    let expected = gradient(0.0);
    for mix in [0.2, 0.9] {
        for (found, expected) in gradient(mix).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-14, "α = {mix}: {found} is not {expected}");
        }
    }
}

#[test]
fn ratios_returns_and_clipping_by_hand() {
    let ln = |x: [f64; 3]| x.map(f64::ln);
    // r = ln 2, 0, ln ½; with α = ½ the mixture is 0.3, 0.4, 0.6.
    let (student, teacher) = (ln([0.2, 0.4, 0.8]), ln([0.4, 0.4, 0.4]));
    let next = NextPosition::of_lengths(&[3]);
    let of = |clip, by_length| {
        let settings = OnPolicy::new(0.5, clip, by_length).unwrap();
        settings.factors(&student, &teacher, &next).unwrap()
    };
    let close = |found: &[f64], expected: [f64; 3]| {
        let near = found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-15);
        assert!(near, "{found:?} is not {expected:?}");
    };
    let ratios = [2.0 / 3.0, 1.0, 4.0 / 3.0];
    let half = 0.5f64.ln();
    let plain = of(f64::INFINITY, false);
    close(&plain.single, ratios);
    close(&plain.long, [2.0 / 3.0 * half, half, 0.0]);
    close(&of(f64::INFINITY, true).long, [half / 3.0, half, 0.0]);
    // A ratio of 2/3 with a negative return: raising it to 0.8 would make the term smaller.
    close(&of(0.2, false).long, [0.0, half, 0.0]);
    close(&of(0.5, false).long, plain.long.clone().try_into().unwrap());
}

#[test]
fn settings_out_of_range_are_refused() {
    for mix in [-0.1, 1.0, f64::NAN] {
        assert!(matches!(OnPolicy::new(mix, 0.2, true), Err(OperatorError::TeacherMix { .. })));
    }
    for clip in [0.0, -1.0, f64::NAN] {
        assert!(matches!(OnPolicy::new(0.2, clip, true), Err(OperatorError::ClipRatio { .. })));
    }
    let next = NextPosition::of_lengths(&[2]);
    let settings = OnPolicy::new(0.2, 0.2, true).unwrap();
    assert!(settings.factors(&[-1.0], &[-1.0, -1.0], &next).is_err());
    // What neither gives has no ratio but stays finite.
    assert!(settings.log_mixture(-1e5, -1e5).is_finite());
}
