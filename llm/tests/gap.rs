//! The estimate of the gap on a tiny model, against every response that its projection can give.

use candle_core::{DType, Device};
use llm::gap::Sample;
use llm::generation::Sampling;
use llm::teacher::{Answers, Exchange, Prompt, score};
use llm::{Checkpoint, Mode, Model};
use operators::{Discount, GapBound, TopP};
use std::path::Path;

/// Tokens of a response.
const MOST: usize = 4;

fn model() -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models/llama");
    let checkpoint = Checkpoint::open(&folder).expect("a model");
    checkpoint.model(DType::F64, &Device::Cpu, Mode::Frozen).expect("weights")
}

/// E Σ_{t=1}^{MOST−1} γ^t ℓ(s_t) over all responses to a prompt, by their probabilities.
fn exact(model: &Model, prompt: &[u32], ends: &[u32], p: TopP, gamma: f64) -> f64 {
    let mut total = 0.0;
    let mut level = vec![(Vec::new(), 1.0)];
    for t in 0..MOST {
        let exchange = |(before, _): &(Vec<u32>, f64)| Exchange {
            prompt: [prompt, before].concat(),
            // Whatever follows: only the set before it is asked for.
            response: vec![0],
        };
        let exchanges: Vec<Exchange> = level.iter().map(exchange).collect();
        let scores = score(model, &exchanges, p).expect("scores");
        let mut next = Vec::new();
        for ((before, probability), scores) in level.iter().zip(scores) {
            let mass = f64::from(scores.mass[0]);
            if t > 0 {
                total += gamma.powi(t as i32) * probability * -mass.ln();
            }
            let candidates = scores.candidates.iter().zip(&scores.log_probabilities);
            for (&token, &log) in candidates.filter(|(token, _)| !ends.contains(token)) {
                let share = f64::from(log).exp() / mass;
                next.push(([&before[..], &[token]].concat(), probability * share));
            }
        }
        level = next;
    }
    total
}

#[test]
fn intervals_cover_the_mean_over_all_responses_that_the_projected_teacher_can_give() {
    // So many tokens end a response that some do at once.
    let (model, ends) = (model(), (0..40).collect::<Vec<u32>>());
    let (gamma, p) = (Discount::new(0.9).unwrap(), TopP::new(0.08).unwrap());
    let texts: [&[u32]; 2] = [&[5, 9, 17], &[60]];
    let truth: f64 = texts.iter().map(|text| exact(&model, text, &ends, p, 0.9)).sum::<f64>() / 2.0;
    let prompts = (0..).zip(texts).map(|(number, text)| Prompt { number, tokens: text.to_vec() });
    let prompts: Vec<Prompt> = prompts.collect();
    let (mut missed, mut mean, mut narrow) = (0, 0.0, 0);
    for seed in 0..100 {
        let sampling = Sampling {
            temperature: 1.0,
            top_p: p.get(),
            greedy: false,
            max_new_tokens: MOST,
            seed,
        };
        let (model, ends) = (&model, &ends[..]);
        let answers = Answers { model, ends, p, sampling, responses: 32, batch: 64 };
        let mut sample = Sample::new(gamma, p, MOST);
        for row in answers.rows(&prompts, &|| false).expect("responses") {
            sample.add(&row).unwrap();
        }
        assert_eq!(sample.outside(), 0);
        let estimate = sample.estimate(GapBound::within(gamma, MOST), 0.9).unwrap();
        missed += usize::from(!(estimate.lower <= truth && truth <= estimate.upper));
        narrow += usize::from(estimate.upper < estimate.bound && estimate.lower > 0.0);
        mean += estimate.value / 100.0;
    }
    // The intervals say something, and hold.
    assert!(missed <= 10 && narrow > 90, "{missed} {narrow}");
    // 6,400 responses: their mean is within five standard errors, each sum being below κ/2 apart.
    let spread = GapBound::within(gamma, MOST).of_leak(p.leak()) / 2.0;
    assert!((mean - truth).abs() < 5.0 * spread / 80.0, "{mean} {truth}");
}
