//! What is written reads back to the same bits, in every format.

use operators::{Discount, TopP};
use proptest::prelude::*;
use std::path::Path;
use tabular::formats::{Contents, Format, ModelFile, ReadOptions, read, write};
use tabular::{Mdp, MdpBuilder};

const FORMATS: [(Format, &str); 5] = [
    (Format::Json, "json"),
    (Format::Gymnasium, "json"),
    (Format::Drn, "drn"),
    (Format::Prism, "tra"),
    (Format::Cassandra, "mdp"),
];

/// Writes and reads again.
fn through(format: (Format, &str), contents: &Contents<'_>) -> ModelFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model").with_extension(format.1);
    write(&path, format.0, contents).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let back = read(&path, &ReadOptions::default()).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(back.format, format.0);
    back
}

/// Equality of models down to the sign of zero.
fn assert_same(left: &Mdp, right: &Mdp) {
    let bits = |mdp: &Mdp| {
        let numbers = mdp.rewards().iter().chain(mdp.weights());
        numbers.map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(left, right);
    assert_eq!(bits(left), bits(right));
}

#[test]
fn every_fixture_survives_every_format() {
    let names = [
        ("json/two-rooms.json", None),
        ("gymnasium/lake.json", None),
        ("gymnasium/endless.json", None),
        ("drn/walk.drn", Some("coins")),
        ("drn/chain.drn", None),
        ("drn/numbered.drn", None),
        ("prism/coin.tra", None),
        ("prism/bare.tra", None),
        ("cassandra/weather.mdp", None),
        ("cassandra/cost.mdp", None),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for (name, rewards) in names {
        let options = ReadOptions { rewards: rewards.map(str::to_owned), ..Default::default() };
        let model = read(&folder.join(name), &options).unwrap();
        for format in FORMATS {
            let back = through(format, &Contents::from(&model));
            assert_same(&model.mdp, &back.mdp);
        }
    }
}

#[test]
fn a_gymnasium_table_is_written_with_its_own_number_of_states() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let model = read(&folder.join("gymnasium/lake.json"), &ReadOptions::default()).unwrap();
    let back = through((Format::Gymnasium, "json"), &Contents::from(&model));
    assert_eq!(back.adjustments.added_states, 1);
}

/// One row: an action number, a reward, and positive whole weights on some states.
type RandomRow = (u32, f64, Vec<(usize, u32)>);

fn action_number() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0..4u32, 1 => any::<u32>(), 1 => Just(u32::MAX)]
}

fn reward() -> impl Strategy<Value = f64> {
    let bits = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite());
    prop_oneof![3 => -2.0..2.0, 1 => Just(0.0), 1 => Just(-0.0), 2 => bits]
}

fn mdps() -> impl Strategy<Value = Mdp> {
    (1..6usize).prop_flat_map(|states| {
        let row = (action_number(), reward(), prop::collection::vec((0..states, 1..9u32), 1..5));
        let rows = prop::collection::vec(row, 1..4);
        let last_is_terminal = any::<bool>();
        (prop::collection::vec(rows, states), last_is_terminal)
            .prop_map(|(rows, last_is_terminal)| build(&rows, last_is_terminal))
    })
}

fn build(states: &[Vec<RandomRow>], last_is_terminal: bool) -> Mdp {
    let mut builder = MdpBuilder::new(states.len());
    for (state, rows) in states.iter().enumerate() {
        if last_is_terminal && state + 1 == states.len() {
            builder.terminal(state).unwrap();
            continue;
        }
        let mut used = Vec::new();
        for (action, reward, weights) in rows {
            if used.contains(action) {
                continue;
            }
            used.push(*action);
            // Thirds, sevenths and the like: sums that are not exactly one.
            let total: u32 = weights.iter().map(|&(_, w)| w).sum();
            let share = |w: u32| f64::from(w) / f64::from(total);
            let row: Vec<(usize, f64)> = weights.iter().map(|&(s, w)| (s, share(w))).collect();
            builder.action(state, *action, *reward, &row).unwrap();
        }
    }
    builder.build().unwrap().0
}

proptest! {
    // Each case waits for the disk a dozen times.
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn random_models_survive_every_format(
        mdp in mdps(),
        name in any::<String>(),
        gamma in prop::option::of(0.0..=1.0f64),
        p in prop::option::of(1e-300..=1.0f64),
    ) {
        let gamma = gamma.map(|gamma| Discount::new(gamma).unwrap());
        let p = p.map(|p| TopP::new(p).unwrap());
        let contents = Contents { name: &name, mdp: &mdp, gamma, p, sets: None, extra: None };
        for format in FORMATS {
            let back = through(format, &contents);
            assert_same(&mdp, &back.mdp);
            match format.0 {
                Format::Json => prop_assert_eq!((&back.name, back.gamma, back.p), (&name, gamma, p)),
                Format::Gymnasium => prop_assert_eq!(&back.name, &name),
                Format::Cassandra => prop_assert_eq!(back.gamma, gamma),
                _ => {}
            }
        }
    }
}
