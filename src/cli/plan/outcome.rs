//! [`Outcome`]: what is called for, and what is known of each p.

use super::super::CliError;
use super::cost::Cost;
use super::measured::{Adaptive, Responses, Sets, along};
use llm::gap::{Estimate, Sample};
use llm::{LlmError, ModelConfig};
use operators::{Budget, Discount, GapBound, TopP};
use serde::Serialize;

/// The masses of the table, beside those that are asked for and measured.
const USUAL: [f64; 8] = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999];

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub gamma: Discount,
    /// The gap that one can afford.
    pub target: f64,
    /// After how many tokens text certainly ends.
    pub horizon: Option<u32>,
    /// Of all intervals together.
    pub confidence: f64,
}

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub gamma: f64,
    pub target: f64,
    pub horizon: Option<u32>,
    /// The p that κ calls for.
    pub p_kappa: f64,
    /// The p that the horizon bound calls for.
    pub p_horizon: Option<f64>,
    /// The smallest p that was measured and whose whole interval is within the target.
    pub p_measured: Option<f64>,
    /// Of all intervals together.
    pub confidence: f64,
    pub table: Vec<Line>,
    pub adaptive: Vec<Adaptive>,
}

/// What is known of one p.
#[derive(Debug, Serialize)]
pub struct Line {
    pub p: f64,
    pub kappa: f64,
    pub horizon_bound: Option<f64>,
    /// Where responses were sampled at this p.
    pub gap: Option<Estimate>,
    pub sets: Option<Sets>,
    /// What the sets cost a student, where its shape is known.
    pub cost: Option<Cost>,
}

/// What was measured at one p.
struct Measured {
    p: f64,
    gap: Estimate,
    sets: Sets,
}

impl Outcome {
    /// The answer, from samples at several p and the responses that they are of, whose sets can be
    /// cut, for a student of this shape.
    pub fn of(
        question: Question,
        responses: &[Responses],
        samples: &[Sample],
        student: Option<&ModelConfig>,
    ) -> Result<Self, CliError> {
        let Question { gamma, target, horizon, confidence } = question;
        let endless = GapBound::endless(gamma);
        let within = horizon.map(|horizon| GapBound::within(gamma, horizon as usize));
        let p_kappa = endless.mass_for(target).get();
        let p_horizon = within.map(|bound| bound.mass_for(target).get());
        // A union bound: each interval is allowed its part of the failures.
        let each = 1.0 - (1.0 - confidence) / samples.len().max(1) as f64;
        let measure = |sample: &Sample| -> Result<Measured, LlmError> {
            let gap = sample.estimate(within.unwrap_or(endless), each)?;
            Ok(Measured { p: sample.p().get(), gap, sets: Sets::of(sample) })
        };
        let measured = samples.iter().map(measure).collect::<Result<Vec<_>, _>>()?;
        let asked = [Some(p_kappa), p_horizon].into_iter().flatten();
        let mut masses: Vec<f64> = asked.chain(USUAL).chain(measured.iter().map(|m| m.p)).collect();
        masses.sort_by(f64::total_cmp);
        masses.dedup();
        let mut table = Vec::new();
        for p in masses {
            let leak = TopP::new(p)?.leak();
            let here = measured.iter().find(|measured| measured.p == p);
            let sets = match here {
                Some(measured) => Some(measured.sets.clone()),
                None => along(responses, TopP::new(p)?)?,
            };
            let (kappa, horizon_bound) = (endless.of_leak(leak), within.map(|b| b.of_leak(leak)));
            let cost = student.zip(sets.as_ref()).map(|(s, sets)| Cost::of(s, sets.sizes.mean));
            let gap = here.map(|measured| measured.gap.clone());
            table.push(Line { p, kappa, horizon_bound, gap, sets, cost });
        }
        let met = measured.iter().filter(|measured| measured.gap.upper <= target);
        let budget = Budget::new(target, gamma);
        let budget = horizon.map_or(budget, |horizon| budget.within(horizon as usize));
        let adaptive = responses.iter().map(|responses| Adaptive::of(responses, budget));
        Ok(Self {
            gamma: gamma.get(),
            target,
            horizon,
            p_kappa,
            p_horizon,
            p_measured: met.map(|measured| measured.p).min_by(f64::total_cmp),
            confidence,
            table,
            adaptive: adaptive.collect::<Result<_, _>>()?,
        })
    }
}
