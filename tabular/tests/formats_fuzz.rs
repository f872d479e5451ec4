//! Damaged files never make a reader panic, hang or exhaust the memory.

use proptest::prelude::*;
use std::path::Path;
use tabular::formats::{Contents, Format, ReadOptions, read, write};

/// A file with those beside it, by extension.
type Bundle = &'static [(&'static str, &'static [u8])];

const BUNDLES: [Bundle; 9] = [
    &[("json", include_bytes!("fixtures/json/two-rooms.json"))],
    &[("json", include_bytes!("fixtures/gymnasium/lake.json"))],
    &[("drn", include_bytes!("fixtures/drn/walk.drn"))],
    &[("drn", include_bytes!("fixtures/drn/chain.drn"))],
    &[
        ("tra", include_bytes!("fixtures/prism/coin.tra")),
        ("sta", include_bytes!("fixtures/prism/coin.sta")),
        ("srew", include_bytes!("fixtures/prism/coin.srew")),
        ("trew", include_bytes!("fixtures/prism/coin.trew")),
    ],
    &[("tra", include_bytes!("fixtures/prism/bare.tra"))],
    &[("mdp", include_bytes!("fixtures/cassandra/weather.mdp"))],
    &[("mdp", include_bytes!("fixtures/cassandra/cost.mdp"))],
    &[("", include_bytes!("fixtures/cassandra/cost.mdp"))],
];

const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "-1",
    "2",
    "0.5",
    "1e999",
    "-1e308",
    "5e-324",
    "nan",
    "inf",
    "1e18",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "1/3",
    "99999999999999999999",
];

/// One way to damage a text; the numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Damage {
    Byte(usize, u8),
    Truncate(usize),
    DropLine(usize),
    RepeatLine(usize),
    Number(usize, usize),
    SwapWords(usize, usize),
    Star(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<usize>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(i, b)| Damage::Byte(i, b)),
        at().prop_map(Damage::Truncate),
        at().prop_map(Damage::DropLine),
        at().prop_map(Damage::RepeatLine),
        (at(), at()).prop_map(|(i, n)| Damage::Number(i, n)),
        (at(), at()).prop_map(|(i, j)| Damage::SwapWords(i, j)),
        at().prop_map(Damage::Star),
    ]
}

impl Damage {
    fn apply(&self, text: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let len = text.len();
        match *self {
            Self::Byte(i, byte) => text[i % len] = byte,
            Self::Truncate(i) => text.truncate(i % len),
            Self::DropLine(i) => edit(
                text,
                |b| *b == b'\n',
                |lines| {
                    lines.remove(i % lines.len());
                },
            ),
            Self::RepeatLine(i) => edit(
                text,
                |b| *b == b'\n',
                |lines| {
                    let i = i % lines.len();
                    lines.insert(i, lines[i].clone());
                },
            ),
            Self::Number(i, n) => replace_number(text, i, NUMBERS[n % NUMBERS.len()]),
            Self::SwapWords(i, j) => edit(
                text,
                |b| *b == b' ',
                |words| {
                    let len = words.len();
                    words.swap(i % len, j % len);
                },
            ),
            Self::Star(i) => replace_number(text, i, "*"),
        }
    }
}

/// Edits the pieces that end with a separator.
fn edit(text: &mut Vec<u8>, separator: fn(&u8) -> bool, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut pieces: Vec<Vec<u8>> = text.split_inclusive(separator).map(<[u8]>::to_vec).collect();
    change(&mut pieces);
    *text = pieces.concat();
}

/// Replaces the digits of one number.
fn replace_number(text: &mut Vec<u8>, which: usize, by: &str) {
    let part = |b: &u8| b.is_ascii_digit() || *b == b'.';
    let starts: Vec<usize> =
        (0..text.len()).filter(|&i| part(&text[i]) && (i == 0 || !part(&text[i - 1]))).collect();
    if let Some(&start) = starts.get(which % starts.len().max(1)) {
        let len = text[start..].iter().take_while(|b| part(b)).count();
        text.splice(start..start + len, by.bytes());
    }
}

/// Reads the bundle; a model that comes out of damage has to be a sound one.
fn read_damaged(files: &[(&str, Vec<u8>)]) {
    let folder = tempfile::tempdir().unwrap();
    let path = |extension: &str| folder.path().join("model").with_extension(extension);
    for (extension, text) in files {
        std::fs::write(path(extension), text).unwrap();
    }
    match read(&path(files[0].0), &ReadOptions::default()) {
        Err(error) => assert!(error.to_string().starts_with(&*folder.path().to_string_lossy())),
        Ok(model) => {
            let copy = Path::join(folder.path(), "copy.json");
            write(&copy, Format::Json, &Contents::from(&model)).unwrap();
            assert_eq!(read(&copy, &ReadOptions::default()).unwrap().mdp, model.mdp);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn damaged_files_are_models_or_errors(
        bundle in 0..BUNDLES.len(),
        damages in prop::collection::vec((0..4usize, damage()), 1..4),
    ) {
        let mut files: Vec<(&str, Vec<u8>)> =
            BUNDLES[bundle].iter().map(|(extension, text)| (*extension, text.to_vec())).collect();
        for (which, damage) in &damages {
            let which = which % files.len();
            damage.apply(&mut files[which].1);
        }
        read_damaged(&files);
    }

    #[test]
    fn any_bytes_are_models_or_errors(
        extension in prop::sample::select(vec!["json", "drn", "tra", "mdp", ""]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        read_damaged(&[(extension, bytes)]);
    }

    #[test]
    fn any_words_of_a_format_are_models_or_errors(
        extension in prop::sample::select(vec!["drn", "tra", "mdp", ""]),
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..40),
    ) {
        read_damaged(&[(extension, words.join(" ").into_bytes())]);
    }
}

const WORDS: [&str; 32] = [
    "T",
    "R",
    ":",
    "*",
    "states",
    "actions",
    "discount",
    "values",
    "start",
    "uniform",
    "identity",
    "cost",
    "0",
    "1",
    "2",
    "0.5",
    "4294967296",
    "1e18",
    "@type:",
    "MDP",
    "@model",
    "@nr_states",
    "@parameters",
    "@reward_models",
    "state",
    "action",
    "[",
    "]",
    "a0",
    "\n",
    "\n",
    "-1",
];
