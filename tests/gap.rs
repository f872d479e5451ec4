//! The estimate of `bellman gap` on models whose gap is known exactly.
#![cfg(feature = "llm")]

use bridge::{Carving, carve, read};
use llm::gap::{Estimate, GapProblem, Rollout, Sample};
use llm::teacher::{Row, Scores};
use llm::{Checkpoint, DType, Device, Mode};
use operators::{CandidateSets, Discount, GapBound, Selection, Shift, TopP};
use std::ops::ControlFlow;
use std::path::Path;
use tabular::gap::Gap;
use tabular::occupancy::Behaviour;
use tabular::random::Source;
use tabular::solve::{Method, Operator, Settings, action_values, solve};
use tabular::{Family, Instance, Mdp, MdpBuilder, Size};

/// A model that is solved, with the projected teacher and its exact gap.
struct Solved {
    mdp: Mdp,
    gamma: Discount,
    p: TopP,
    sets: CandidateSets,
    gap: Gap,
    /// π*(a|s) of every pair, not projected.
    teacher: Vec<f64>,
}

impl Solved {
    /// With the candidate sets that the instance comes with, or the top-p sets.
    fn new(Instance { mdp, gamma, p, sets, .. }: Instance) -> Self {
        let (method, settings) = (Method::default(), Settings::default());
        let v = solve(&mdp, gamma, Operator::Optimal, method, settings, None).v;
        let q = action_values(&mdp, gamma, &v);
        let top_p = || CandidateSets::select(mdp.layout(), &q, Selection::TopP(p)).unwrap();
        let sets = sets.unwrap_or_else(top_p);
        let gap = Gap::exact(&mdp, gamma, &q, &sets).unwrap();
        let teacher = Behaviour::Boltzmann(&q).probabilities(&mdp).unwrap();
        Self { mdp, gamma, p, sets, gap, teacher }
    }

    /// The mean over prompts x of E D(x, a): what the estimate is of.
    fn truth(&self, prompts: &[usize]) -> f64 {
        let of = |&x: &usize| self.gap.state[x] - self.gap.leak[x];
        prompts.iter().map(of).sum::<f64>() / prompts.len() as f64
    }

    /// A response to a prompt as a teacher cache holds it, tokens drawn by `policy`.
    fn respond(
        &self,
        prompt: (u32, usize),
        policy: &[f64],
        most: usize,
        source: &mut Source,
    ) -> Row {
        let mut row = Row {
            prompt: prompt.0,
            response: 0,
            prompt_tokens: vec![0],
            response_tokens: Vec::new(),
            ended: self.mdp.is_terminal(prompt.1),
            scores: Scores::default(),
        };
        let mut state = prompt.1;
        while !row.ended && row.response_tokens.len() < most {
            let pairs = self.mdp.pairs_of(state);
            let pair = draw(pairs.clone().map(|pair| (pair, policy[pair])), source);
            row.response_tokens.push((pair - pairs.start) as u32);
            row.scores.mass.push((-self.gap.leak[state]).exp() as f32);
            row.scores.sizes.push(self.sets.size(state) as u32);
            row.scores.candidates.extend(self.sets.slots(state).map(|slot| slot as u32));
            state = draw(self.mdp.probabilities(pair), source);
            row.ended = self.mdp.is_terminal(state);
        }
        row
    }

    /// `each` responses to each prompt, drawn by `policy` and changed by `change`.
    fn sample(
        &self,
        prompts: &[usize],
        (each, most): (usize, usize),
        policy: &[f64],
        source: &mut Source,
        change: impl Fn(&mut Row),
    ) -> Sample {
        let mut sample = Sample::new(self.gamma, self.p, most);
        for prompt in (0..).zip(prompts.iter().copied()) {
            for _ in 0..each {
                let mut row = self.respond(prompt, policy, most, source);
                change(&mut row);
                sample.add(&row).unwrap();
            }
        }
        sample
    }
}

/// Whether the interval holds the truth. Where the gap is κ itself, both are computed by several
/// roundings: a linear solve for one, a quotient for the other.
fn covers(estimate: &Estimate, truth: f64) -> bool {
    let slack = 64.0 * f64::EPSILON * estimate.bound;
    estimate.lower - slack <= truth && truth <= estimate.upper + slack
}

/// One of the outcomes, by its probability.
fn draw(outcomes: impl Iterator<Item = (usize, f64)>, source: &mut Source) -> usize {
    let (mut rest, mut last) = (source.unit(), 0);
    for (outcome, probability) in outcomes.filter(|&(_, probability)| probability > 0.0) {
        last = outcome;
        rest -= probability;
        if rest < 0.0 {
            break;
        }
    }
    last
}

/// Small models of all families at four discounts.
fn models() -> Vec<Solved> {
    let settings = [(0.5, 0.5), (0.9, 0.9), (0.95, 0.8), (0.99, 0.8)];
    let size = Size { states: 12, actions: 4, branching: 3 };
    let mut models = Vec::new();
    for family in Family::ALL {
        for (stream, (gamma, p)) in (0..).zip(settings) {
            let (gamma, p) = (Discount::new(gamma).unwrap(), TopP::new(p).unwrap());
            let instance = family.instance(size, gamma, p, &mut Source::new(3, stream)).unwrap();
            models.push(Solved::new(instance));
        }
    }
    models
}

/// The tiny Llama laid out three tokens deep after several prompts: the sets are those of its whole
/// vocabulary, which no rule finds among the actions of the table.
fn carved() -> Vec<Solved> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/models/llama");
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let model = checkpoint.model(DType::F64, &Device::Cpu, Mode::Frozen).unwrap();
    let prompts: [&[u32]; 3] = [&[5, 17, 40, 8], &[3, 90, 11], &[61]];
    let mut models = Vec::new();
    for (prompt, (gamma, p)) in prompts.into_iter().zip([(0.99, 0.8), (0.9, 0.5), (0.99, 0.3)]) {
        let (gamma, p) = (Discount::new(gamma).unwrap(), TopP::new(p).unwrap());
        let carving = Carving { depth: DEPTH, top: 4, p, gamma, shift: Shift::Zero, batch: 16 };
        let go_on = &mut |_| ControlFlow::Continue(());
        let reading = read(&model, prompt, &[2], &carving, go_on).unwrap();
        let instance = carve(&reading, &carving, "tiny").unwrap().instance;
        let sets = instance.sets.clone().unwrap();
        let solved = Solved::new(instance);
        assert_eq!(solved.sets, sets);
        models.push(solved);
    }
    models
}

/// How deep the carved models are.
const DEPTH: usize = 3;

/// What 2,000 intervals came to.
#[derive(Debug, Default)]
struct Coverage {
    covered: usize,
    /// Those of samples with a response that was cut off.
    cut_off: usize,
    /// Samples in which every text certainly ends in time, and how many intervals within the
    /// horizon cover their gap.
    endings: usize,
    covered_within: usize,
    /// The mean of width / bound, over all and within the horizon: of intervals that say nothing it is
    /// one.
    width: f64,
    width_within: f64,
    /// Intervals that begin above 0.
    above_zero: usize,
}

/// 100 responses to four of the first `first` states each time, of at most `longest` tokens.
fn coverage(models: &[Solved], first: usize, longest: usize) -> Coverage {
    let mut found = Coverage::default();
    for repetition in 0..2000 {
        let model = &models[repetition % models.len()];
        let mut source = Source::new(29, repetition as u64);
        let states = first.min(model.mdp.states() - 1);
        let prompts: Vec<usize> = (0..4).map(|_| source.below(states)).collect();
        let most = source.within(&(1..=longest));
        let policy = &model.gap.policy.probability;
        let sample = model.sample(&prompts, (25, most), policy, &mut source, |_| {});
        assert_eq!(sample.outside(), 0);
        let estimate = sample.estimate(GapBound::endless(model.gamma), 0.99).unwrap();
        let truth = model.truth(&prompts);
        found.covered += usize::from(covers(&estimate, truth));
        found.width += (estimate.upper - estimate.lower) / estimate.bound / 2000.0;
        found.above_zero += usize::from(estimate.lower > 0.0);
        let ended = sample.rollouts().filter(|rollout| rollout.ended).count();
        found.cut_off += usize::from(ended < estimate.n);
        // Where every text ends in time the gap is one within the horizon, too.
        let horizons = model.mdp.horizons();
        if horizons.is_some_and(|h| prompts.iter().all(|&x| h[x] <= most)) && most > 1 {
            let bound = GapBound::within(model.gamma, most);
            let estimate = sample.estimate(bound, 0.99).unwrap();
            found.endings += 1;
            found.covered_within += usize::from(covers(&estimate, truth));
            found.width_within += (estimate.upper - estimate.lower) / estimate.bound;
        }
    }
    found.width_within /= found.endings.max(1) as f64;
    found
}

#[test]
fn intervals_at_99_percent_cover_the_exact_gap_in_all_but_one_and_a_half_percent_of_2000_cases() {
    let found = coverage(&models(), usize::MAX, 40);
    assert!(found.covered >= 1970, "{found:?}");
    assert!(found.cut_off > 1000 && found.endings > 100, "{found:?}");
    assert!(200 * found.covered_within >= 197 * found.endings, "{found:?}");
    assert!(found.width < 0.6 && found.above_zero > 1000, "{found:?}");
}

#[test]
fn intervals_cover_the_exact_gap_of_a_language_model_laid_out_as_an_mdp() {
    // The prompt and the texts one token longer.
    let found = coverage(&carved(), 5, DEPTH);
    assert!(found.covered >= 1970, "{found:?}");
    assert!(found.cut_off > 500 && found.endings > 500, "{found:?}");
    assert!(200 * found.covered_within >= 197 * found.endings, "{found:?}");
    assert!(found.width < 0.3 && found.width_within < 0.3, "{found:?}");
}

/// Whoever forgets what cut responses lack misses the gap, nearly always.
#[test]
fn without_what_cut_responses_lack_the_interval_misses_the_gap() {
    let size = Size { states: 6, actions: 4, branching: 2 };
    let (gamma, p) = (Discount::new(0.9).unwrap(), TopP::new(0.5).unwrap());
    let loops = Family::WorstCase.instance(size, gamma, p, &mut Source::new(1, 0)).unwrap();
    let model = Solved::new(loops);
    let policy = &model.gap.policy.probability;
    let truth = model.truth(&[0, 1]);
    let holds = |change: &dyn Fn(&mut Row), stream| {
        let source = &mut Source::new(31, stream);
        let sample = model.sample(&[0, 1], (400, 5), policy, source, change);
        covers(&sample.estimate(GapBound::endless(gamma), 0.99).unwrap(), truth)
    };
    assert!((0..50).all(|stream| holds(&|_| {}, stream)));
    assert!((0..50).all(|stream| !holds(&|row| row.ended = true, stream)));
}

/// From state 0 the likely action ends; the other, outside the set, leads where much leaks.
fn fork() -> Solved {
    let mut builder = MdpBuilder::new(3);
    let (likely, rare) = (0.9f64.ln(), 0.1f64.ln());
    builder.action(0, 0, likely, &[(2, 1.0)]).unwrap();
    // V(1) = ln 4 / (1 − γ) is taken off, so that the teacher is (0.9, 0.1).
    builder.action(0, 1, rare - 0.9 * 4f64.ln() / 0.1, &[(1, 1.0)]).unwrap();
    for action in 0..4 {
        builder.action(1, action, 0.0, &[(1, 1.0)]).unwrap();
    }
    builder.terminal(2).unwrap();
    let (mdp, _) = builder.build().unwrap();
    let (gamma, p) = (Discount::new(0.9).unwrap(), TopP::new(0.75).unwrap());
    Solved::new(Instance { name: "fork".into(), mdp, gamma, p, sets: None })
}

#[test]
fn responses_of_the_teacher_itself_do_not_tell_the_gap_of_the_projected_one() {
    let model = fork();
    assert_eq!(model.truth(&[0]), 0.0);
    let fits = |policy: &[f64], stream| {
        let source = &mut Source::new(37, stream);
        let sample = model.sample(&[0], (2000, 30), policy, source, |_| {});
        let estimate = sample.estimate(GapBound::endless(model.gamma), 0.99).unwrap();
        (estimate.lower <= 0.0, sample.outside() > 0)
    };
    assert!((0..20).all(|stream| fits(&model.gap.policy.probability, stream) == (true, false)));
    // And it is seen from the tokens.
    assert!((0..20).all(|stream| fits(&model.teacher, stream) == (false, true)));
}

#[test]
fn what_was_seen_and_what_may_lack_make_up_kappa_where_every_state_leaks_most() {
    let (gamma, leak) = (Discount::new(0.97).unwrap(), TopP::new(0.8).unwrap().leak());
    for tokens in [1, 2, 7, 300] {
        let rollout = Rollout::new(gamma, &vec![leak; tokens], false);
        for bound in [GapBound::endless(gamma), GapBound::within(gamma, 500)] {
            let all = rollout.leaked + rollout.unseen(bound, leak);
            // Two sums of `tokens` terms and a difference, each rounded to within an ulp of κ.
            let slack = 2.0 * (tokens as f64 + 2.0) * f64::EPSILON * bound.of_leak(leak);
            assert!((all - bound.of_leak(leak)).abs() <= slack, "{tokens}: {all}");
        }
        let ended = Rollout { ended: true, ..rollout };
        assert_eq!(ended.unseen(GapBound::endless(gamma), leak), 0.0);
    }
}

#[test]
fn a_set_below_p_and_prompts_that_count_differently_are_refused() {
    let model = fork();
    let source = &mut Source::new(0, 0);
    let row = |prompt, source: &mut Source| {
        model.respond((prompt, 1), &model.gap.policy.probability, 3, source)
    };
    let mut sample = Sample::new(model.gamma, model.p, 3);
    let mut short = row(0, source);
    short.scores.mass[2] = 0.7499;
    let refused = sample.add(&short);
    assert!(matches!(refused, Err(GapProblem::ShortSet { position: 2, .. })), "{refused:?}");
    let mut long = Sample::new(model.gamma, model.p, 2);
    assert!(matches!(long.add(&row(0, source)), Err(GapProblem::TooLong { tokens: 3, .. })));

    let endless = GapBound::endless(model.gamma);
    assert_eq!(sample.estimate(endless, 0.99), Err(GapProblem::NoResponses));
    for prompt in [4, 4, 9] {
        sample.add(&row(prompt, source)).unwrap();
    }
    let unequal = GapProblem::Unequal { prompt: 9, found: 1, expected: 2 };
    assert_eq!(sample.estimate(endless, 0.99), Err(unequal));
    sample.add(&row(9, source)).unwrap();
    assert_eq!(sample.estimate(endless, 0.99).unwrap().n, 4);
    let none = sample.estimate(endless, 1.0);
    assert_eq!(none, Err(GapProblem::Confidence { value: 1.0 }));
}
