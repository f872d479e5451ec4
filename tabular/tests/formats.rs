//! Reading and writing models: the fixtures, the reference models, and round trips.

use operators::{Discount, TopP};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use tabular::formats::{
    Contents, Format, FormatError, ModelFile, Problem, ReadOptions, from_json_str, read, to_json,
    write,
};
use tabular::{Instance, Mdp, MdpBuilder, ModelError, RowPolicy};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn read_fixture(name: &str) -> ModelFile {
    read(&fixtures().join(name), &ReadOptions::default()).unwrap()
}

fn read_exactly(name: &str) -> Result<ModelFile, FormatError> {
    let options = ReadOptions { policy: RowPolicy::Exact, ..ReadOptions::default() };
    read(&fixtures().join(name), &options)
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
