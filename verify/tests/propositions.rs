//! Each proposition on models that can be worked out by hand, and which words it may say.

mod common;

use common::{Action, check, half_the_bound, model, named, plan, tallies};
use operators::Selection;
use tabular::Instance;
use verify::{Case, Enclosure, Finding, Mutation, Number, Plan, Theory, Verdict, propositions};

/// What a name may not lose: others call the propositions by it.
const NAMES: [&str; 12] = [
    "contraction",
    "monotonicity",
    "projected-teacher",
    "sandwich",
    "main-bound",
    "tightness",
    "leak-identity",
    "horizon",
    "behaviour-cloning",
    "shaping",
    "certificate",
    "solvers",
];

const MODES: [bool; 2] = [false, true];

/// A path 0 → 1 → 2 → 3, of which the last state is the end, at γ = ½ and p = 0.7.
///
/// State 2 offers rewards ln 3 and 0 before the end: π* = (¾, ¼), the first is kept, ℓ = ln 4/3.
/// State 1 offers the way to state 2 and the end: Q* = (½ ln 4, 0), π* = (⅔, ⅓), both are kept.
/// State 0 leads to state 1.
fn path() -> Instance {
    let end: &[(usize, f64)] = &[(3, 1.0)];
    let last: &[Action<'_>] = &[(3f64.ln(), end), (0.0, end)];
    model(0.5, 0.7, &[&[(0.0, &[(1, 1.0)])], &[(0.0, &[(2, 1.0)]), (0.0, end)], last, &[]])
}

/// D of the path: nothing is lost behind state 2, ½ ℓ before it, and ½ · ⅔ of that before
/// state 1.
fn gaps_of_the_path() -> [f64; 6] {
    let lost = 0.5 * (4.0 / 3.0f64).ln();
    [lost / 3.0, lost, 0.0, 0.0, 0.0, 0.0]
}

/// One state with four equal actions that stay, at γ = ½ and p = ½: two are kept, and
/// D = ½ (ln 2 + D) = ln 2 = κ(p).
fn wheel() -> Instance {
    let stay: Action<'_> = (0.0, &[(0, 1.0)]);
    model(0.5, 0.5, &[&[stay; 4]])
}

/// Two equal steps to the end, each of two equal actions, at p = ½: D = γ ln 2 at first, which is
/// what the bound for two steps allows.
fn two_steps(discount: f64) -> Instance {
    let (first, second): (Action<'_>, Action<'_>) = ((0.0, &[(1, 1.0)]), (0.0, &[(2, 1.0)]));
    model(discount, 0.5, &[&[first; 2], &[second; 2], &[]])
}

/// A few roundings of numbers near one.
fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 16.0 * f64::EPSILON
}

fn assert_ratio(finding: &Finding, expected: f64) {
    let ratio = finding.worst_ratio.expect("a ratio");
    assert!(close(ratio, expected), "{ratio} is not {expected}");
}

#[test]
fn the_propositions_are_the_documented_ones_in_their_order() {
    let names: Vec<&str> = propositions::all().iter().map(|p| p.name).collect();
    assert_eq!(names, NAMES);
    let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/reference/propositions.md");
    let text = std::fs::read_to_string(reference).unwrap();
    let sections = text.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`'));
    assert!(sections.eq(NAMES), "a section for each proposition");
}

#[test]
fn the_numbers_of_the_path_are_those_worked_out_by_hand() {
    let instance = path();
    let selection = Selection::TopP(instance.p);
    let case = Case::<f64>::solve(&instance, selection, Theory::default()).unwrap();
    assert_eq!(case.set, [true, true, true, true, false, true]);
    let gap = case.gap().unwrap();
    assert!(gap.0.iter().zip(gaps_of_the_path()).all(|(&d, by_hand)| close(d, by_hand)));
    // V of T_p in state 1 is log(exp(½ ln 3) + 1); the projected teacher earns less.
    assert!(close(case.q_top_p.0[0], 0.5 * (3f64.sqrt() + 1.0).ln()));
    assert!(close(case.q_star.0[0], 0.5 * 3f64.ln()));
}

#[test]
fn every_proposition_holds_on_the_path_and_enclosures_prove_it() {
    for proposition in propositions::all() {
        let [float, rigorous] = MODES.map(|mode| check(&proposition, &path(), mode).verdict);
        match proposition.name {
            "tightness" => {
                assert_eq!([&float, &rigorous], [&Verdict::Outside(proposition.hypotheses); 2]);
            }
            // It compares floats with floats.
            "solvers" => assert_eq!([float, rigorous], [Verdict::Held, Verdict::Held]),
            name => assert_eq!([float, rigorous], [Verdict::Held, Verdict::Proved], "{name}"),
        }
    }
}

#[test]
fn ratios_on_the_path_are_its_gap_over_its_bounds() {
    let lost = gaps_of_the_path()[1];
    let kappa = -0.7f64.ln();
    for mode in MODES {
        let finding = |name| check(&named(name), &path(), mode);
        assert_ratio(&finding("projected-teacher"), lost / kappa);
        assert_ratio(&finding("main-bound"), lost / kappa);
        // The end is two transitions from state 1: −log p · γ.
        assert_ratio(&finding("horizon"), lost / (0.5 * kappa));
    }
}

#[test]
fn equalities_on_the_path_are_known_to_a_few_roundings() {
    for name in ["leak-identity", "behaviour-cloning", "shaping"] {
        for mode in MODES {
            let width = check(&named(name), &path(), mode).width.expect("a width");
            // Numbers of up to ten nats, and enclosures of them.
            assert!(width <= 1e-13, "{name}: {width:e}");
        }
    }
}

#[test]
fn the_wheel_attains_kappa_which_enclosures_cannot_tell_from_exceeding_it() {
    for name in ["projected-teacher", "main-bound"] {
        let [float, rigorous] = MODES.map(|mode| check(&named(name), &wheel(), mode));
        assert_eq!(float.verdict, Verdict::Held, "{name}");
        assert!(matches!(rigorous.verdict, Verdict::Undecided(_)), "{name}: {rigorous:?}");
        [float, rigorous].iter().for_each(|finding| assert_ratio(finding, 1.0));
    }
}

#[test]
fn tightness_holds_on_the_wheel_and_is_proved_to_a_width() {
    let [float, rigorous] = MODES.map(|mode| check(&named("tightness"), &wheel(), mode));
    assert_eq!((float.verdict, rigorous.verdict), (Verdict::Held, Verdict::Proved));
    assert!(float.width.unwrap() <= 1e-15 && rigorous.width.unwrap() <= 1e-13);
}

#[test]
fn the_bound_for_an_end_is_attained_by_two_equal_steps_at_any_discount() {
    for discount in [0.5, 0.9, 1.0] {
        for mode in MODES {
            let finding = check(&named("horizon"), &two_steps(discount), mode);
            assert!(!finding.verdict.is_no(), "{finding:?}");
            assert_ratio(&finding, 1.0);
        }
    }
}

#[test]
fn a_single_action_that_stays_contracts_by_exactly_gamma() {
    let instance = model(0.5, 0.5, &[&[(1.0, &[(0, 1.0)])]]);
    let [float, rigorous] = MODES.map(|mode| check(&named("contraction"), &instance, mode));
    assert_eq!((&float.verdict, &rigorous.verdict), (&Verdict::Held, &Verdict::Proved));
    [float, rigorous].iter().for_each(|finding| assert_ratio(finding, 1.0));
}

#[test]
fn a_model_outside_the_hypotheses_is_not_checked_and_hears_which() {
    let endless = two_steps(1.0);
    let outside = [
        ("main-bound", &endless, "γ < 1"),
        ("tightness", &endless, "γ < 1"),
        ("tightness", &path(), "γ < 1 and every state has mass exactly p"),
        ("horizon", &wheel(), "every path ends within a bounded number of transitions"),
    ];
    for (name, instance, hypothesis) in outside {
        let proposition = named(name);
        assert!(proposition.hypotheses.contains(hypothesis), "{name}");
        for mode in MODES {
            assert_eq!(check(&proposition, instance, mode), Finding::outside(hypothesis));
        }
    }
}

#[test]
fn only_propositions_with_hypotheses_leave_a_model_unchecked() {
    for rigorous in MODES {
        for (proposition, tally) in tallies(&Plan { rigorous, ..plan(140) }) {
            assert_eq!(tally.checked + tally.outside, 140);
            assert_eq!(tally.outside > 0, !proposition.hypotheses.is_empty(), "{proposition:?}");
        }
    }
}

#[test]
fn floats_never_say_proved_or_refuted_whatever_the_operators() {
    for mutation in Mutation::ALL.map(Some).into_iter().chain([None]) {
        for (proposition, tally) in tallies(&Plan { theory: Theory { mutation }, ..plan(35) }) {
            assert_eq!(tally.proved + tally.refuted, 0, "{proposition:?} under {mutation:?}");
        }
    }
}

#[test]
fn enclosures_never_say_held_or_violated_but_where_floats_are_compared() {
    for (proposition, tally) in tallies(&Plan { rigorous: true, ..plan(140) }) {
        let float = tally.held + tally.violated;
        let all_or_none = if proposition.name == "solvers" { tally.checked } else { 0 };
        assert_eq!(float, all_or_none, "{proposition:?}");
    }
}

#[test]
fn a_false_claim_is_violated_in_floats_and_refuted_with_the_same_numbers() {
    let [float, rigorous] = MODES.map(|mode| check(&half_the_bound(), &wheel(), mode).verdict);
    let (Verdict::Violated(a), Verdict::Refuted(b)) = (&float, &rigorous) else {
        panic!("{float:?} and {rigorous:?}");
    };
    for witness in [a, b] {
        assert_eq!((witness.state, witness.action), (0, Some(0)));
        let (value, bound) = (2f64.ln(), 0.5 * 2f64.ln());
        assert!(close(witness.value, value) && close(witness.bound, bound), "{witness}");
    }
}

#[test]
fn a_number_that_is_none_satisfies_no_comparison() {
    assert_eq!(f64::NAN.at_most(1.0, 1.0), Some(false));
    assert!(!f64::NAN.equals(f64::NAN, 1.0));
    assert_eq!(Number::at_most(Enclosure::ENTIRE, Enclosure::ONE, 0.0), None);
}
