//! Sampling: against recomputation without a cache, against exact probabilities, and that nothing
//! but its own stream decides a response.

use candle_core::{DType, Device, Tensor};
use llm::generation::{Choice, Job, Response, Sampled, Sampling, Stream, generate};
use llm::{Cache, Checkpoint, LlmError, Mode, Model, Padding, Tensors, Tokens};
use operators::{CandidateSets, OperatorError, RowLayout, Selection, TopP, log_policy};
use statrs::distribution::{ChiSquared, ContinuousCDF};
use std::ops::ControlFlow;
use std::path::Path;

const MODELS: [&str; 6] = ["gpt2", "opt", "opt-350m-like", "qwen2", "llama", "llama-untied-head"];

const PROMPTS: [&[u32]; 4] = [&[3, 1, 4, 1, 5, 9, 2, 6], &[5, 3], &[58], &[9, 7, 9, 3, 2]];

fn load(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name);
    let checkpoint = Checkpoint::open(&folder).expect("checkpoint");
    checkpoint.model(DType::F64, &Device::Cpu, Mode::Frozen).expect("model")
}

fn go_on(_: Sampled) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn run(model: &Model, jobs: &[Job], ends: &[u32], sampling: &Sampling) -> Vec<Response> {
    generate(model, jobs, ends, sampling, &mut go_on).expect("responses")
}

fn sampling(max_new_tokens: usize) -> Sampling {
    Sampling { max_new_tokens, seed: 7, ..Sampling::default() }
}

fn greedy(max_new_tokens: usize) -> Sampling {
    Sampling { greedy: true, ..sampling(max_new_tokens) }
}

/// The logits after the last token, the whole sequence computed anew.
fn logits_after(model: &Model, sequence: &[u32]) -> Vec<f64> {
    let tokens = Tokens::padded(&[sequence], Padding::Right).expect("tokens");
    let hidden_bte = model.hidden(&tokens, None).expect("hidden states");
    let last_be = hidden_bte.narrow(1, sequence.len() - 1, 1).and_then(|h| h.squeeze(1));
    let logits_bv = model.logits(&last_be.expect("the last position")).expect("logits");
    logits_bv.flatten_all().and_then(|z| z.to_vec1()).expect("numbers")
}

#[test]
fn greedy_responses_are_those_of_recomputing_everything_for_each_token() {
    for name in MODELS {
        let model = load(name);
        let found = run(&model, &Job::of_each(&PROMPTS), &[], &greedy(20));
        for (prompt, found) in PROMPTS.iter().zip(found) {
            let mut sequence = prompt.to_vec();
            for token in &found.tokens {
                let z = logits_after(&model, &sequence);
                let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let best = z.iter().position(|&x| x == largest).expect("a token");
                assert_eq!(*token, best as u32, "{name} {prompt:?}");
                sequence.push(best as u32);
            }
            assert_eq!((found.tokens.len(), found.ended), (20, false));
        }
    }
}

#[test]
fn a_response_is_the_same_alone_and_in_a_batch() {
    for name in MODELS {
        let model = load(name);
        let sampling = Sampling { top_p: 0.9, ..sampling(24) };
        // Some end early and leave the batch.
        let ends: Vec<u32> = (0..8).collect();
        let jobs = Job::of_each(&PROMPTS);
        let together = run(&model, &jobs, &ends, &sampling);
        let backwards: Vec<Job> = jobs.iter().rev().copied().collect();
        let mut backwards = run(&model, &backwards, &ends, &sampling);
        backwards.reverse();
        assert_eq!(together, backwards, "{name}");
        for (job, response) in jobs.into_iter().zip(together) {
            assert_eq!(run(&model, &[job], &ends, &sampling), [response], "{name}");
        }
    }
}

/// The probabilities after `prompt` at a temperature, of the nucleus alone; from the operators.
fn exact(model: &Model, prompt: &[u32], temperature: f64, p: f64) -> Vec<f64> {
    let q: Vec<f64> = logits_after(model, prompt).iter().map(|z| z / temperature).collect();
    let layout = RowLayout::uniform(1, q.len()).expect("layout");
    let p = Selection::TopP(TopP::new(p).expect("p"));
    let sets = CandidateSets::select(&layout, &q, p).expect("nucleus");
    let n = Tensors::new(&layout, DType::F64, &Device::Cpu).expect("row");
    let z = Tensor::from_vec(q, (1, layout.cells()), &Device::Cpu).expect("logits");
    let mask = n.mask(&sets).expect("mask");
    let log = log_policy(&n, &n.cells_of(&z).expect("cells"), &mask).expect("policy");
    let log = n.read_cells(&log.0).expect("numbers");
    log.iter().zip(sets.kept()).map(|(x, kept)| if *kept { x.exp() } else { 0.0 }).collect()
}

/// With right probabilities this fails for one seed in a million; the seed is fixed.
const FALSE_ALARM: f64 = 1e-6;

#[test]
fn tokens_are_as_frequent_as_they_are_probable() {
    let model = load("llama");
    for (temperature, top_p) in [(1.0, 1.0), (0.05, 1.0), (0.1, 0.5), (2.0, 0.8)] {
        let expected = exact(&model, PROMPTS[0], temperature, top_p);
        let mut counts = vec![0.0; expected.len()];
        let sampling = Sampling { temperature, top_p, ..sampling(1) };
        let draws = 20_000_u64;
        let stream = |i| Stream { prompt: i / 8, response: i % 8 };
        let jobs: Vec<Job> =
            (0..draws).map(|i| Job { prompt: PROMPTS[0], stream: stream(i) }).collect();
        for batch in jobs.chunks(2_000) {
            for response in run(&model, batch, &[], &sampling) {
                counts[response.tokens[0] as usize] += 1.0;
            }
        }
        // Rare tokens count as one, so that every cell is expected five times or more.
        let (mut statistic, mut cells, mut rare) = (0.0, 0, (0.0, 0.0));
        let mut add = |count: f64, mean: f64| {
            statistic += (count - mean).powi(2) / mean;
            cells += 1;
        };
        for (count, probability) in counts.iter().zip(&expected) {
            let mean = probability * draws as f64;
            assert!(*probability > 0.0 || *count == 0.0, "a token outside the nucleus");
            if mean >= 5.0 {
                add(*count, mean);
            } else {
                rare = (rare.0 + count, rare.1 + mean);
            }
        }
        if rare.1 >= 5.0 {
            add(rare.0, rare.1);
        }
        let law = ChiSquared::new(f64::from(cells - 1)).expect("several cells");
        let limit = law.inverse_cdf(1.0 - FALSE_ALARM);
        assert!(statistic < limit, "τ = {temperature}, p = {top_p}: {statistic} ≥ {limit}");
    }
}

#[test]
fn no_token_leaves_the_nucleus() {
    for name in MODELS {
        let model = load(name);
        let sampling = Sampling { temperature: 0.5, top_p: 0.3, ..sampling(30) };
        for (prompt, response) in
            PROMPTS.iter().zip(run(&model, &Job::of_each(&PROMPTS), &[], &sampling))
        {
            let mut sequence = prompt.to_vec();
            for token in response.tokens {
                let probability = exact(&model, &sequence, 0.5, 0.3)[token as usize];
                assert!(probability > 0.0, "{name}: {token} after {sequence:?}");
                sequence.push(token);
            }
        }
    }
}

#[test]
fn a_response_ends_with_the_first_end_token_and_the_others_go_on() {
    let model = load("qwen2");
    let jobs = Job::of_each(&PROMPTS);
    let whole = run(&model, &jobs, &[], &sampling(30));
    let ends = [whole[0].tokens[4], whole[1].tokens[11]];
    let mut ended = 0;
    for (whole, found) in whole.iter().zip(run(&model, &jobs, &ends, &sampling(30))) {
        let end = whole.tokens.iter().position(|token| ends.contains(token));
        assert_eq!(found.ended, end.is_some());
        assert_eq!(found.tokens, whole.tokens[..end.map_or(30, |i| i + 1)]);
        ended += usize::from(found.ended);
    }
    assert!(ended >= 2);
}

#[test]
fn seed_prompt_and_response_number_each_give_another_stream() {
    let model = load("gpt2");
    let of = |seed, prompt, response| {
        let job = Job { prompt: PROMPTS[0], stream: Stream { prompt, response } };
        run(&model, &[job], &[], &Sampling { seed, ..sampling(30) })
    };
    assert_eq!(of(1, 2, 3), of(1, 2, 3));
    let all = [of(1, 2, 3), of(2, 2, 3), of(1, 1, 3), of(1, 2, 1), of(3, 2, 1)];
    for (i, a) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|b| a != b), "stream {i}");
    }
}

#[test]
fn a_response_may_use_every_position_of_the_model_and_no_more() {
    let model = load("gpt2");
    let prompt = [5u32; 60];
    let found = run(&model, &Job::of_each(&[&prompt[..], &[1]]), &[], &sampling(200));
    let lengths: Vec<usize> = found.iter().map(|r| r.tokens.len()).collect();
    assert_eq!(lengths, [4, 63]);
    assert!(found.iter().all(|r| !r.ended));
    assert!(run(&model, &Job::of_each(&[prompt]), &[], &sampling(0))[0].tokens.is_empty());
    for (length, needed) in [(64, 65), (100, 101)] {
        let jobs = [vec![5; length]];
        match generate(&model, &Job::of_each(&jobs), &[], &sampling(1), &mut go_on) {
            Err(LlmError::TooLong { needed: found, positions: 64 }) => assert_eq!(found, needed),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_cannot_be_sampled_is_refused() {
    let model = load("llama");
    let with = |prompts: &[&[u32]], sampling: Sampling| {
        generate(&model, &Job::of_each(prompts), &[], &sampling, &mut go_on)
    };
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let found = with(&PROMPTS, Sampling { temperature, ..sampling(1) });
        assert!(matches!(found, Err(LlmError::Temperature { .. })), "{temperature}");
        assert!(with(&PROMPTS, Sampling { temperature, ..greedy(1) }).is_ok());
    }
    for top_p in [0.0, 1.1, f64::NAN] {
        let found = with(&PROMPTS, Sampling { top_p, ..sampling(1) });
        assert!(matches!(found, Err(LlmError::Operator(OperatorError::TopP { .. }))), "{top_p}");
    }
    assert!(matches!(with(&[&[1], &[]], sampling(1)), Err(LlmError::NoTokens)));
    assert!(matches!(with(&[], sampling(1)), Err(LlmError::NoTokens)));
    let unknown = with(&[&[1], &[97]], sampling(1));
    assert!(matches!(unknown, Err(LlmError::UnknownToken { token: 97, .. })));
}

#[test]
fn whoever_watches_sees_every_token_and_may_stop() {
    let model = load("llama");
    let jobs = Job::of_each(&PROMPTS);
    let mut seen = vec![Response { tokens: Vec::new(), ended: false }; jobs.len()];
    let mut finished = 0;
    let mut watch = |s: Sampled| {
        seen[s.job].tokens.push(s.token);
        finished += usize::from(s.last);
        ControlFlow::Continue(())
    };
    let all = generate(&model, &jobs, &[], &sampling(9), &mut watch).expect("responses");
    assert_eq!((all, finished), (seen, jobs.len()));
    let mut left = 10;
    let mut stop = |_: Sampled| {
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let stopped = generate(&model, &jobs, &[], &sampling(9), &mut stop);
    assert!(matches!(stopped, Err(LlmError::Stopped)));
    assert_eq!(left, 0);
}

#[test]
fn a_choice_takes_the_first_token_whose_share_exceeds_the_draw() {
    let draw = |temperature, top_p| {
        Choice::new(&Sampling { temperature, top_p, ..sampling(1) }).expect("a choice")
    };
    let take = |choice: Choice, z: &[f64], u| choice.take(z, u).expect("a token");
    // Equal logits: the running sums are 1, 2, 3, 4, without rounding.
    let equal = [0.25; 4];
    let almost_one = 1.0 - f64::EPSILON / 2.0;
    for (uniform, token) in [(0.0, 0), (0.2499, 0), (0.25, 1), (0.75, 3), (almost_one, 3)] {
        assert_eq!(take(draw(1.0, 1.0), &equal, uniform), token, "{uniform}");
    }
    assert_eq!(take(draw(1.0, 0.5), &equal, almost_one), 1);
    // Weights may vanish; such a token is never drawn, not even at the edge.
    assert_eq!(take(draw(1.0, 1.0), &[-1e4, 0.0, -1e4], 0.0), 1);
    assert_eq!(take(draw(1.0, 1.0), &[-1e4, 0.0, -1e4], almost_one), 1);
    assert_eq!(take(draw(1e-300, 0.9), &[-1e4, 1e-9, 0.0], almost_one), 1);
    assert_eq!(take(draw(1e300, 1.0), &[-1e4, 0.0], 0.25), 0);
    assert_eq!(take(Choice::Greedy, &[-1.0, 2.0, 2.0], 0.9), 1);
    for z in [&[0.0, f64::NAN][..], &[0.0, f64::NEG_INFINITY]] {
        assert!(matches!(
            Choice::Greedy.take(z, 0.0),
            Err(LlmError::Operator(OperatorError::NotFinite { slot: 1, .. }))
        ));
    }
    assert!(Choice::Greedy.take(&[], 0.0).is_err());
}

/// The last hidden states of the batch after one more token each.
fn step(model: &Model, cache: &mut Cache, ids: &[u32]) -> Vec<Vec<f64>> {
    let rows: Vec<[u32; 1]> = ids.iter().map(|&id| [id]).collect();
    let tokens = Tokens::padded(&rows, Padding::Left).expect("tokens");
    let hidden_bte = model.hidden(&tokens, Some(cache)).expect("hidden states");
    hidden_bte.squeeze(1).and_then(|h| h.to_vec2()).expect("numbers")
}

#[test]
fn copies_of_a_cache_go_on_without_disturbing_each_other() {
    for name in MODELS {
        let model = load(name);
        let tokens = Tokens::padded(&PROMPTS, Padding::Left).expect("tokens");
        let mut first = Cache::new();
        model.hidden(&tokens, Some(&mut first)).expect("hidden states");
        // From here on the cache has room that it writes into.
        step(&model, &mut first, &[1, 2, 3, 4]);
        let mut second = first.clone();
        let one = [step(&model, &mut first, &[5; 4]), step(&model, &mut first, &[6; 4])];
        let two = [step(&model, &mut second, &[7; 4]), step(&model, &mut second, &[6; 4])];
        assert_ne!(one, two);
        let mut again = Cache::new();
        model.hidden(&tokens, Some(&mut again)).expect("hidden states");
        step(&model, &mut again, &[1, 2, 3, 4]);
        let third = [step(&model, &mut again, &[5; 4]), step(&model, &mut again, &[6; 4])];
        assert_eq!(one, third, "{name}");
    }
}

#[test]
fn sequences_that_a_cache_keeps_go_on_as_before() {
    for name in MODELS {
        let model = load(name);
        let tokens = Tokens::padded(&PROMPTS, Padding::Left).expect("tokens");
        let mut cache = Cache::new();
        model.hidden(&tokens, Some(&mut cache)).expect("hidden states");
        step(&model, &mut cache, &[1, 2, 3, 4]);
        let mut fewer = cache.clone();
        fewer.select(&[2, 0]).expect("two sequences");
        for _ in 0..5 {
            let all = step(&model, &mut cache, &[4, 3, 2, 1]);
            let kept = step(&model, &mut fewer, &[2, 4]);
            for (kept, all) in kept.iter().zip([&all[2], &all[0]]) {
                // Sums over a batch of another size, in f64.
                let off = kept.iter().zip(all).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(off <= 1e-12, "{name}: {off}");
            }
        }
        assert!(matches!(fewer.select(&[]), Err(LlmError::NoTokens)));
        assert!(matches!(fewer.select(&[2]), Err(LlmError::Length { found: 2, expected: 3, .. })));
    }
}
