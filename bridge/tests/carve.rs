//! A tiny Llama laid out as an MDP: it is the soft-optimal policy there, and the propositions hold.

mod common;

use bridge::{BridgeError, Carved, Carving, Reading, carve, read};
use common::{ENDS, PROMPT, carving, model};
use llm::LlmError;
use llm::predict::next_logits;
use llm::{Padding, Tokens};
use operators::{CandidateSets, Dense, RowLayout, Selection, Shift, log_policy};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use verify::{Case, Enclosure, Plan, Theory, Watch, campaign, propositions};

fn reading(carving: &Carving) -> Reading {
    read(&model(), PROMPT, ENDS, carving, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn carved(carving: &Carving) -> Carved {
    carve(&reading(carving), carving, "tiny").unwrap()
}

/// The logits after a prefix, from one pass over the whole text.
fn logits(prefix: &[u32]) -> Vec<f64> {
    let tokens = Tokens::padded(&[[PROMPT, prefix].concat()], Padding::Right).unwrap();
    next_logits(&model(), &tokens, None).unwrap().remove(0)
}

/// What rounding may do to a pass of the tiny model in doubles: `llm/tests/models.rs` allows as much
/// between a pass with a cache and one without.
const PASS: f64 = 1e-12;

#[test]
fn the_optimal_policy_of_the_mdp_is_the_models_own_distribution() {
    let carved = carved(&carving(3, 4));
    let rule = Selection::TopP(carved.instance.p);
    let case = Case::<Enclosure>::enclose(&carved.instance, rule, Theory::default()).unwrap();
    let optimal = log_policy(&case.n, &case.q_star, &case.full).unwrap().0;
    let deviation = carved.deviation().unwrap();
    for (state, prefix) in carved.prefixes.iter().enumerate() {
        let logits = logits(prefix);
        let n = Dense::<f64>::new(&RowLayout::uniform(1, logits.len()).unwrap());
        let full = vec![true; logits.len()];
        let model = log_policy(&n, &n.cells(&logits).unwrap(), &full).unwrap().0;
        let mut listed = 0.0;
        for pair in carved.instance.mdp.pairs_of(state) {
            let action = carved.instance.mdp.actions()[pair];
            let expected = match action == carved.other {
                // The mass that is left; as accurate as the sum it is taken from.
                true => f64::ln_1p(-listed),
                false => model[action as usize],
            };
            listed += expected.exp();
            let apart = (optimal[pair].midpoint() - expected).abs();
            assert!(apart <= deviation + PASS, "{prefix:?} {action}: {apart:e}");
        }
    }
}

#[test]
fn the_deviation_is_no_more_than_the_rounding_of_rewards_and_the_width_of_the_certificate() {
    let carving = carving(3, 4);
    let carved = carved(&carving);
    let rule = Selection::TopP(carved.instance.p);
    let case = Case::<Enclosure>::enclose(&carved.instance, rule, Theory::default()).unwrap();
    let width = case.q_star.0.iter().map(|q| q.hi() - q.lo()).fold(0.0, f64::max);
    // V is a sum of at most n exponentials, a logarithm and an anchor; r is a product and a
    // difference. Each level of the tree adds as much, and log π is a difference of two such values.
    let cells = (0..case.mdp().states()).map(|s| case.mdp().pairs_of(s).len()).max().unwrap();
    let magnitude = carved.q.iter().fold(0.0, |m: f64, q| m.max(q.abs())) + (cells as f64).ln();
    let rounding = (cells as f64 + 8.0) * f64::EPSILON * (1.0 + magnitude);
    let allowed = 2.0 * (width + carving.depth as f64 * rounding);
    let deviation = carved.deviation().unwrap();
    assert!(deviation > 0.0 && deviation <= allowed, "{deviation:e} {allowed:e}");
}

#[test]
fn a_reward_that_is_off_shows_in_the_deviation() {
    let mut carved = carved(&carving(2, 3));
    let mut rewards = carved.instance.mdp.rewards().to_vec();
    rewards[1] += 1e-6;
    carved.instance.mdp = carved.instance.mdp.with_rewards(&rewards).unwrap();
    assert!(carved.deviation().unwrap() > 1e-8);
}

#[test]
fn candidate_sets_are_those_of_the_whole_vocabulary_and_other_is_in_none() {
    let carving = carving(2, 3);
    let carved = carved(&carving);
    let (mdp, sets) = (&carved.instance.mdp, carved.instance.sets.as_ref().unwrap());
    for (state, prefix) in carved.prefixes.iter().enumerate() {
        let logits = logits(prefix);
        let layout = RowLayout::uniform(1, logits.len()).unwrap();
        let rule = Selection::TopP(carving.p);
        let expected = CandidateSets::select(&layout, &logits, rule).unwrap();
        let first = mdp.pairs_of(state).start;
        let kept: Vec<usize> =
            sets.slots(state).map(|slot| mdp.actions()[first + slot] as usize).collect();
        assert_eq!(kept, expected.slots(0).collect::<Vec<_>>());
        assert_eq!(mdp.actions()[mdp.pairs_of(state).end - 1], carved.other);
    }
}

#[test]
fn the_tree_has_the_followed_tokens_and_ends_at_its_depth_and_after_an_end() {
    let carving = carving(3, 4);
    let reading = reading(&carving);
    assert!(reading.prefixes.len() <= carving.prefixes().unwrap());
    assert!(reading.prefixes.iter().all(|prefix| prefix.len() < 3));
    assert!(!reading.prefixes.iter().flatten().any(|token| ENDS.contains(token)));
    for (prefix, row) in reading.prefixes.iter().zip(&reading.rows) {
        let goes_on = prefix.len() < 2;
        let ahead = row.followed().filter(|token| goes_on && !ENDS.contains(token));
        let expected: Vec<Vec<u32>> = ahead.map(|token| [&prefix[..], &[token]].concat()).collect();
        let longer = |p: &&Vec<u32>| p.len() == prefix.len() + 1 && p.starts_with(prefix);
        let found: Vec<Vec<u32>> = reading.prefixes.iter().filter(longer).cloned().collect();
        assert_eq!(found, expected, "{prefix:?}");
    }
    let mdp = carve(&reading, &carving, "tiny").unwrap().instance.mdp;
    assert_eq!(mdp.horizon(), Some(3));
    assert!(mdp.is_terminal(mdp.states() - 1));
}

#[test]
fn a_batch_changes_no_more_than_rounding() {
    let (one, many) = (Carving { batch: 1, ..carving(3, 4) }, carving(3, 4));
    let (one, many) = (carved(&one), carved(&many));
    assert_eq!(one.prefixes, many.prefixes);
    for (a, b) in one.q.iter().zip(&many.q) {
        assert!((a - b).abs() <= PASS * (1.0 + a.abs()), "{a} {b}");
    }
}

#[test]
fn the_shift_changes_values_but_neither_sets_nor_gap() {
    let cases = [Shift::Zero, Shift::VocabMax, Shift::LogSoftmax].map(|shift| {
        let carved = carved(&Carving { shift, ..carving(3, 4) });
        let rule = Selection::TopP(carved.instance.p);
        let case = Case::<f64>::solve(&carved.instance, rule, Theory::default()).unwrap();
        (case.set.clone(), case.gap().unwrap().0, case.value_slack, case.v_star.0[0])
    });
    for (set, gap, slack, value) in &cases[1..] {
        assert_eq!(set, &cases[0].0);
        let apart = (gap - &cases[0].1).amax();
        // The Q-values themselves are rounded once more by the shift.
        let rounding = 8.0 * f64::EPSILON * (1.0 + cases[0].3.abs());
        assert!(apart <= slack + cases[0].2 + rounding, "{apart:e}");
        assert!((value - cases[0].3).abs() > 0.1);
    }
}

#[test]
fn no_proposition_is_refuted_on_a_language_model() {
    let propositions = propositions::all();
    let given = vec![carved(&carving(3, 4)).instance, carved(&carving(2, 97)).instance];
    let plan = Plan { given, propositions, rigorous: true, ..Plan::new(0) };
    let watch = Watch { advanced: &|| {}, stop: &AtomicBool::new(false), sample_every: 1 };
    let outcome = campaign::run(&plan, &watch);
    for (proposition, tally) in plan.propositions.iter().zip(&outcome.tallies) {
        assert_eq!((tally.refuted, tally.undecided), (0, 0), "{proposition:?}: {tally:?}");
        let applies = proposition.name != "tightness";
        assert_eq!(tally.checked, if applies { 2 } else { 0 }, "{proposition:?}");
    }
    let sample = &outcome.samples[0];
    let horizon = sample.horizon_bound.unwrap();
    assert!(0.0 < sample.gap && sample.gap < horizon && horizon < sample.kappa, "{sample:?}");
}

#[test]
fn whoever_watches_can_stop_it_and_sizes_that_make_no_sense_are_refused() {
    let stop = read(&model(), PROMPT, ENDS, &carving(3, 4), &mut |_| ControlFlow::Break(()));
    assert!(matches!(stop, Err(BridgeError::LanguageModel(LlmError::Stopped))));
    for wrong in [carving(0, 4), carving(3, 0), Carving { batch: 0, ..carving(3, 4) }] {
        assert!(matches!(wrong.prefixes(), Err(BridgeError::Nothing { .. })));
    }
    let large = carving(40, 97).prefixes();
    assert!(matches!(large, Err(BridgeError::TooManyPrefixes { depth: 40, .. })));
    assert_eq!(carving(4, 8).prefixes().unwrap(), 585);
}
