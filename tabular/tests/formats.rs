//! Reading and writing models: the fixtures, the reference models, and round trips.

use std::path::{Path, PathBuf};
use tabular::formats::{Contents, Format, FormatError, ModelFile, Problem, ReadOptions};
use tabular::formats::{from_json_str, read, to_json, write};
use tabular::{Instance, ModelError, RowPolicy};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn read_fixture(name: &str) -> ModelFile {
    read(&fixtures().join(name), &ReadOptions::default()).unwrap()
}

fn read_with_rewards(name: &str, rewards: &str) -> Result<ModelFile, FormatError> {
    let options = ReadOptions { rewards: Some(rewards.to_owned()), ..ReadOptions::default() };
    read(&fixtures().join(name), &options)
}

fn read_exactly(name: &str) -> Result<ModelFile, FormatError> {
    let options = ReadOptions { policy: RowPolicy::Exact, ..ReadOptions::default() };
    read(&fixtures().join(name), &options)
}

#[test]
fn the_reference_models_are_read_without_adjustments() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/tabular");
    let mut read_so_far = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let options = ReadOptions { policy: RowPolicy::Exact, ..ReadOptions::default() };
        let model = read(&path, &options).unwrap();
        assert_eq!(model.format, Format::Json);
        assert_eq!(Some(model.name.as_str()), path.file_stem().unwrap().to_str());
        assert_eq!(model.adjustments, Default::default(), "{}", path.display());
        assert!(model.gamma.is_some() && model.p.is_some());
        read_so_far += 1;
    }
    assert_eq!(read_so_far, 12);
}

#[test]
fn gymnasium_rows_of_thirds_duplicates_and_terminated_become_one_exact_model() {
    let model = read_fixture("gymnasium/lake.json");
    let mdp = &model.mdp;
    assert_eq!((model.name.as_str(), model.format), ("lake", Format::Gymnasium));
    assert_eq!((mdp.states(), mdp.pairs()), (4, 4));
    assert!(mdp.is_terminal(3));
    // Two thirds stay (merged), one third moves on; the exact total is not one.
    assert_eq!(mdp.row(0).successors, [0, 1]);
    assert_eq!(mdp.row(0).weights, [0.6666666666666666, 0.3333333333333333]);
    assert_eq!(mdp.rewards()[0], -1.0);
    // A goal worth 1, reached with one of three weights: w / (w + w + v) in exact arithmetic.
    assert_eq!(mdp.rewards()[1], 0.33333333333333337);
    assert_eq!(mdp.row(1).successors, [0, 1, 3]);
    let adjustments = &model.adjustments;
    assert_eq!(adjustments.merged_duplicates, 1);
    assert_eq!(adjustments.rounded_merges, 0);
    assert_eq!(adjustments.rounded_rewards, 1);
    assert_eq!(adjustments.normalised_rows, 2);
    assert_eq!(adjustments.added_states, 1);
}

#[test]
fn exact_reading_refuses_a_row_of_thirds_and_says_where() {
    match read_exactly("gymnasium/lake.json") {
        Err(FormatError::Malformed {
            problem: Problem::Model(ModelError::Adjusted { state: 0, action: 0, .. }),
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_table_without_terminated_gets_no_absorbing_state_and_the_files_own_name() {
    let model = read_exactly("gymnasium/endless.json").unwrap();
    assert_eq!((model.name.as_str(), model.mdp.states()), ("endless", 1));
    assert_eq!((model.mdp.actions(), model.mdp.rewards()), (&[2][..], &[0.1][..]));
    assert_eq!(model.adjustments.added_states, 0);
}

#[test]
fn json_keeps_weights_signs_and_gaps_between_actions() {
    let model = read_fixture("json/two-rooms.json");
    assert_eq!(model.name, "two rooms");
    assert_eq!((model.gamma.unwrap().get(), model.p.unwrap().get()), (0.75, 0.8));
    assert_eq!(model.mdp.actions(), [0, 2, 1, 0]);
    assert!(model.mdp.rewards()[2].is_sign_negative());
    assert_eq!(model.mdp.row(2).weights, [1.0 / 3.0; 3]);
    assert_eq!(model.adjustments.normalised_rows, 1);
    assert!(model.mdp.is_terminal(2));
}

#[test]
fn drn_rewards_are_those_of_the_state_plus_those_of_the_action() {
    let steps = read_with_rewards("drn/walk.drn", "steps").unwrap();
    assert_eq!(steps.mdp.rewards(), [1.0, 1.0, 1.0, 0.0]);
    assert_eq!(steps.adjustments.rounded_rewards, 0);
    let coins = read_with_rewards("drn/walk.drn", "coins").unwrap();
    // 0.25 plus the double nearest to 0.1 takes one bit too many.
    assert_eq!(coins.mdp.rewards(), [0.5, 2.0, 0.25 + 0.1, 0.0]);
    assert_eq!(coins.adjustments.rounded_rewards, 1);
}

#[test]
fn drn_fractions_are_the_nearest_doubles() {
    let model = read_with_rewards("drn/walk.drn", "steps").unwrap();
    assert_eq!(model.mdp.row(0).weights, [1.0 / 3.0, 2.0 / 3.0]);
    assert_eq!(model.mdp.actions(), [0, 1, 0, 0]);
}

#[test]
fn a_drn_reward_model_has_to_be_named_where_there_are_several() {
    let message = |result: Result<ModelFile, FormatError>| result.unwrap_err().to_string();
    let none = message(read(&fixtures().join("drn/walk.drn"), &ReadOptions::default()));
    assert!(none.contains("has 2 reward models; choose one with `--rewards NAME`: steps, coins"));
    let wrong = message(read_with_rewards("drn/walk.drn", "gold"));
    assert!(wrong.contains("no reward model `gold`; choose one"));
    let nowhere = message(read_with_rewards("json/two-rooms.json", "gold"));
    assert!(nowhere.contains("leave `--rewards` out"));
}

#[test]
fn a_drn_markov_chain_has_one_action_in_each_state() {
    let model = read_exactly("drn/chain.drn").unwrap();
    assert_eq!((model.mdp.states(), model.mdp.pairs()), (2, 2));
    assert_eq!(model.mdp.rewards(), [0.0, 0.0]);
    assert!(model.mdp.is_terminal(1));
}

#[test]
fn drn_actions_named_by_numbers_have_those_numbers() {
    assert_eq!(read_exactly("drn/numbered.drn").unwrap().mdp.actions(), [2, 5]);
}

#[test]
fn prism_rewards_are_those_of_the_state_plus_the_expected_ones_of_the_transitions() {
    let model = read_exactly("prism/coin.tra").unwrap();
    // 1 + (0·0.5 + 4·0.25 − 8·0.25), 1 + 0.5, −0.5, nothing.
    assert_eq!(model.mdp.rewards(), [0.0, 1.5, -0.5, 0.0]);
    assert_eq!((model.name.as_str(), model.format), ("coin", Format::Prism));
    assert_eq!(model.mdp.actions(), [0, 1, 0, 0]);
}

#[test]
fn prism_files_may_stand_alone_and_labels_may_number_the_actions() {
    assert_eq!(read_exactly("prism/bare.tra").unwrap().mdp.actions(), [3, 7]);
}

#[test]
fn cassandra_wildcards_rows_and_keywords_add_up() {
    let model = read_fixture("cassandra/weather.mdp");
    let mdp = &model.mdp;
    assert_eq!((model.gamma.unwrap().get(), model.p), (0.875, None));
    // calm: wait, go, tie; storm: wait, go; port: wait.
    assert_eq!(mdp.actions(), [0, 1, 2, 0, 1, 0]);
    assert_eq!(mdp.row(0).successors, [0]);
    assert_eq!(mdp.row(1).weights, [0.75, 0.25]);
    assert_eq!(mdp.row(3).weights, [1.0 / 3.0; 3]);
    assert_eq!(mdp.row(4).successors, [0, 1]);
    // go in calm: −1 at 0.75 and 3 at 0.25; go in storm: 2 and 4 at one half each.
    assert_eq!(mdp.rewards(), [-1.0, 0.0, 10.0, -1.0, 3.0, 0.0]);
    assert!(mdp.is_terminal(2));
}

#[test]
fn cassandra_costs_are_negative_rewards() {
    let model = read_exactly("cassandra/cost.mdp").unwrap();
    assert_eq!(model.mdp.rewards(), [-3.0, 0.0]);
    assert!(model.mdp.rewards()[1].is_sign_positive() && model.mdp.is_terminal(1));
}

#[test]
fn a_file_without_extension_is_recognised_by_its_contents() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("json/two-rooms.json", Format::Json),
        ("gymnasium/lake.json", Format::Gymnasium),
        ("drn/chain.drn", Format::Drn),
        ("prism/bare.tra", Format::Prism),
        ("cassandra/weather.mdp", Format::Cassandra),
    ];
    for (name, format) in cases {
        let path = folder.path().join("model");
        std::fs::copy(fixtures().join(name), &path).unwrap();
        let model = read(&path, &ReadOptions::default()).unwrap();
        assert_eq!((model.format, model.mdp), (format, read_fixture(name).mdp));
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["drn/chain.drn", "cassandra/weather.mdp", "json/two-rooms.json"] {
        let text = std::fs::read_to_string(fixtures().join(name)).unwrap();
        let path = folder.path().join(Path::new(name).file_name().unwrap());
        std::fs::write(&path, format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
        assert_eq!(read(&path, &ReadOptions::default()).unwrap().mdp, read_fixture(name).mdp);
    }
}

#[test]
fn candidate_sets_travel_with_a_json_model() {
    let text = r#"{"states": 2, "gamma": 0.5, "p": 0.75, "available": [[7, 0, 3], [1]],
        "reward": [[1, 2, 3], [0]], "transition": [[[[1, 1]], [[0, 1]], [[1, 1]]], [[[1, 1]]]],
        "candidates": [[7, 3], [1]]}"#;
    let read = |text: &str| from_json_str("own", text, &ReadOptions::default()).unwrap();
    let ModelFile { name, mdp, gamma, p, sets, .. } = read(text);
    // Pairs lie in order of their actions: 0, 3, 7, and 1 of the other state.
    assert_eq!(sets.as_ref().unwrap().kept(), [false, true, true, true]);
    let instance = Instance { sets, ..Instance::new(name, mdp, gamma.unwrap(), p.unwrap()) };
    let back = read(&to_json(&instance));
    assert_eq!((back.mdp, back.sets), (instance.mdp.clone(), instance.sets.clone()));

    let without = Instance { sets: None, ..instance };
    assert_eq!(read(&to_json(&without)).sets, None);
}

#[test]
fn an_instance_survives_json_and_extra_members_are_written() {
    let ModelFile { name, mdp, gamma, p, .. } = read_fixture("json/two-rooms.json");
    let instance = Instance::new(name, mdp, gamma.unwrap(), p.unwrap());
    let back = from_json_str("elsewhere", &to_json(&instance), &ReadOptions::default()).unwrap();
    assert_eq!((back.name, back.mdp), (instance.name.clone(), instance.mdp.clone()));
    assert_eq!((back.gamma, back.p), (Some(instance.gamma), Some(instance.p)));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("found.json");
    let mut extra = serde_json::Map::new();
    extra.insert("seed".into(), 7.into());
    extra.insert("notes".into(), "a \"quoted\" note".into());
    let contents = Contents { extra: Some(&extra), ..Contents::from(&instance) };
    write(&path, Format::Json, &contents).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&value["seed"], &value["notes"]), (&extra["seed"], &extra["notes"]));
    assert_eq!(read(&path, &ReadOptions::default()).unwrap().mdp, instance.mdp);
}

#[test]
fn a_refused_extra_member_leaves_the_old_file_alone() {
    let model = read_fixture("json/two-rooms.json");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json");
    std::fs::write(&path, "old").unwrap();
    let extra = serde_json::Map::from_iter([("horizon".to_owned(), 3.into())]);
    let contents = Contents { extra: Some(&extra), ..Contents::from(&model) };
    let error = write(&path, Format::Json, &contents).unwrap_err().to_string();
    assert!(error.contains("`horizon` cannot be written"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_cannot_be_opened_or_written_is_an_error_with_its_name() {
    let missing = read(Path::new("no/such/file.json"), &ReadOptions::default()).unwrap_err();
    assert!(missing.to_string().starts_with("no/such/file.json: cannot read the file"));
    let model = read_fixture("json/two-rooms.json");
    let path = Path::new("no/such/folder/file.drn");
    let error = write(path, Format::Drn, &Contents::from(&model)).unwrap_err().to_string();
    assert!(error.starts_with("no/such/folder/file.drn: cannot write the file"), "{error}");
}

#[test]
fn writing_prism_files_replaces_old_rewards_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("coin.tra");
    for extension in ["srew", "trew", "sta"] {
        std::fs::write(path.with_extension(extension), "left over from another model").unwrap();
    }
    let model = read_fixture("prism/coin.tra");
    write(&path, Format::Prism, &Contents::from(&model)).unwrap();
    assert_eq!(read(&path, &ReadOptions::default()).unwrap().mdp, model.mdp);
    let beside = path.with_extension("srew");
    assert!(write(&beside, Format::Prism, &Contents::from(&model)).is_err());
}

#[test]
fn ignored_members_may_nest_to_any_depth() {
    let depth = 200_000;
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    let text = format!(
        r#"{{"notes": {open}{close}, "states": 1, "available": [[0]], "reward": [[2]],
            "transition": [[[[0, 1]]]]}}"#
    );
    assert!(from_json_str("deep", &text, &ReadOptions::default()).is_ok());
}
