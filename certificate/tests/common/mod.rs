//! Models, oracles and a plain f64 solver for the tests of the checker.
#![allow(dead_code)]

pub mod oracle;

use certificate::{Certificate, Checked, Model, Refusal, RestrictedValues, Verdict, check};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One;
use rounding::Enclosure;

/// The arrays of a model, owned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arrays {
    pub state_offsets: Vec<usize>,
    pub actions: Vec<u32>,
    pub rewards: Vec<f64>,
    pub row_offsets: Vec<usize>,
    pub successors: Vec<u32>,
    pub weights: Vec<f64>,
}

/// A pair: reward and transitions.
pub type Pair = (f64, Vec<(u32, f64)>);

impl Arrays {
    /// States as lists of pairs.
    pub fn new(states: &[Vec<Pair>]) -> Self {
        let mut a = Self { state_offsets: vec![0], row_offsets: vec![0], ..Self::default() };
        for pairs in states {
            for (action, (reward, row)) in pairs.iter().enumerate() {
                a.actions.push(action as u32);
                a.rewards.push(*reward);
                a.successors.extend(row.iter().map(|t| t.0));
                a.weights.extend(row.iter().map(|t| t.1));
                a.row_offsets.push(a.successors.len());
            }
            a.state_offsets.push(a.actions.len());
        }
        a
    }

    pub fn try_model(&self) -> Result<Model<'_>, certificate::CertificateError> {
        Model::new(
            &self.state_offsets,
            &self.actions,
            &self.rewards,
            &self.row_offsets,
            &self.successors,
            &self.weights,
        )
    }

    pub fn model(&self) -> Model<'_> {
        self.try_model().expect("a valid model")
    }
}

/// Q of every pair from V, in plain doubles.
pub fn backup(m: &Model, gamma: f64, v: &[f64]) -> Vec<f64> {
    let q = |pair: usize| {
        let (successors, weights) = m.row(pair);
        let total: f64 = weights.iter().sum();
        let sum: f64 = successors.iter().zip(weights).map(|(&s, &w)| w * v[s as usize]).sum();
        m.reward(pair) + gamma * (sum / total)
    };
    (0..m.pairs()).map(q).collect()
}

pub fn log_sum_exp(q: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = q.clone().fold(f64::NEG_INFINITY, f64::max);
    max + q.map(|x| (x - max).exp()).sum::<f64>().ln()
}

/// Iterates a map of state values until nothing moves any more.
pub fn fixed_point(states: usize, f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut v = vec![0.0; states];
    for _ in 0..60_000 {
        let next = f(&v);
        let moved =
            v.iter().zip(&next).fold(0.0f64, |m, (a, b)| m.max((a - b).abs() / a.abs().max(1.0)));
        v = next;
        if moved < 1e-15 {
            break;
        }
    }
    v
}

/// V* by value iteration in plain doubles.
pub fn optimal(m: &Model, gamma: f64) -> Vec<f64> {
    fixed_point(m.states(), |v| {
        let q = backup(m, gamma, v);
        (0..m.states()).map(|s| log_sum_exp(m.pairs_of(s).map(|pair| q[pair]))).collect()
    })
}

/// The nucleus of every state for these action values, as slots.
pub fn nucleus(m: &Model, q: &[f64], p: f64) -> Vec<Vec<u32>> {
    let set = |s: usize| {
        let q = &q[m.pairs_of(s)];
        let mut order: Vec<u32> = (0..q.len() as u32).collect();
        order.sort_by(|&a, &b| q[b as usize].total_cmp(&q[a as usize]));
        let weight = |&slot: &u32| (q[slot as usize] - q[order[0] as usize]).exp();
        let needed = p * order.iter().map(weight).sum::<f64>();
        let mut mass = 0.0;
        let mut kept = Vec::new();
        for slot in &order {
            kept.push(*slot);
            mass += weight(slot);
            if mass >= needed && p < 1.0 {
                break;
            }
        }
        kept.sort();
        kept
    };
    (0..m.states()).map(set).collect()
}

/// The values of both restricted operators over the nuclei of V.
pub fn restricted(m: &Model, gamma: f64, v: &[f64], kept: Vec<Vec<u32>>) -> RestrictedValues {
    let q_star = backup(m, gamma, v);
    let of = |s: usize| kept[s].iter().map(move |&slot| m.pairs_of(s).start + slot as usize);
    let projected = fixed_point(m.states(), |v| {
        let q = backup(m, gamma, v);
        let value = |s| {
            let total = log_sum_exp(of(s).map(|pair| q_star[pair]));
            of(s).map(|i| (q_star[i] - total).exp() * (q[i] - (q_star[i] - total))).sum()
        };
        (0..m.states()).map(value).collect()
    });
    let top_p = fixed_point(m.states(), |v| {
        let q = backup(m, gamma, v);
        (0..m.states()).map(|s| log_sum_exp(of(s).map(|pair| q[pair]))).collect()
    });
    RestrictedValues { kept, projected, top_p }
}

/// Solves and certifies, sets included.
pub fn certify(m: &Model, gamma: f64, p: f64) -> Certificate {
    let v = optimal(m, gamma);
    let kept = nucleus(m, &backup(m, gamma, &v), p);
    let over_sets = restricted(m, gamma, &v, kept);
    Certificate::for_values(m, gamma, p, v, Some(over_sets)).expect("a certificate")
}

pub fn accepted(certificate: &Certificate, m: &Model) -> Checked {
    match check(certificate, m) {
        Verdict::Accepted(facts) => *facts,
        Verdict::Refused(refusal) => panic!("refused: {refusal}"),
    }
}

/// Why the certificate is refused.
pub fn refused(certificate: &Certificate, model: &Model) -> Refusal {
    match check(certificate, model) {
        Verdict::Refused(refusal) => refusal,
        Verdict::Accepted(_) => panic!("accepted"),
    }
}

/// The exact value of a double.
pub fn exact(x: f64) -> BigRational {
    BigRational::from_float(x).expect("finite")
}

/// The exact value of a decimal such as `-12.5e-3`.
pub fn decimal(text: &str) -> BigRational {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().expect("digits");
    let power = exponent.parse::<i32>().expect("exponent") - fraction.len() as i32;
    let ten = BigRational::from(BigInt::from(10));
    let scale = if power < 0 { BigRational::one() / ten.pow(-power) } else { ten.pow(power) };
    BigRational::from(digits) * scale
}

/// Whether an enclosure holds a number known to within `slack`.
pub fn holds(e: Enclosure, x: &BigRational, slack: &BigRational) -> bool {
    exact(e.lo()) <= x + slack && (x - slack) <= exact(e.hi())
}

/// That `e` holds x and that its ends are no further from x than `ulps` × 2^-52 × `scale`.
pub fn assert_tight(e: Enclosure, x: &BigRational, ulps: f64, scale: f64) {
    let (lo, hi) = (exact(e.lo()), exact(e.hi()));
    assert!(&lo <= x && x <= &hi, "{x} is not in {e:?}");
    let allowed = exact(ulps * f64::EPSILON * scale);
    assert!(x - lo <= allowed && hi - x <= allowed, "{e:?} is too wide");
}
