//! Tasks about real words.

use super::dice::Dice;
use super::task::Posed;

const ANIMALS: [&str; 8] = ["cat", "dog", "cow", "bird", "fish", "horse", "mouse", "goat"];
const COLOURS: [&str; 8] = ["red", "blue", "green", "black", "white", "pink", "brown", "grey"];
const FOODS: [&str; 8] = ["bread", "rice", "soup", "cake", "milk", "cheese", "apple", "plum"];
const TOOLS: [&str; 8] = ["hammer", "saw", "knife", "spoon", "brush", "rake", "axe", "drill"];

/// What words are called, and the words.
const KINDS: [(&str, [&str; 8]); 4] =
    [("an animal", ANIMALS), ("a colour", COLOURS), ("a food", FOODS), ("a tool", TOOLS)];

/// Every real word of the exercises.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    KINDS.iter().flat_map(|(_, words)| words.iter().copied())
}

/// Several different words.
fn several(dice: &mut Dice, count: usize) -> Vec<&'static str> {
    dice.several(&all().collect::<Vec<_>>(), count)
}

pub(super) fn place(dice: &mut Dice) -> Posed {
    let count = dice.between(3, 5);
    let words = several(dice, count);
    let (name, at) = dice.pick(&[("first", 0), ("second", 1), ("last", count - 1)]);
    let (list, word) = (words.join(" "), words[at]);
    Posed {
        question: format!("{name} of {list}"),
        instructions: vec![
            format!("What is the {name} word of: {list}?"),
            format!("Say the {name} word of: {list}."),
        ],
        answers: vec![vec![
            word.into(),
            format!("The {name} word is {word}."),
            format!("It is {word}."),
        ]],
    }
}

pub(super) fn choice(dice: &mut Dice) -> Posed {
    let count = dice.between(2, 4);
    let words = several(dice, count);
    let list = words.join(", ");
    let mut sorted = words.clone();
    sorted.sort_unstable();
    let answer = |word: &&str| vec![(*word).to_owned(), format!("I choose {word}.")];
    Posed {
        question: sorted.join(" "),
        instructions: vec![format!("Name one of these: {list}."), format!("Choose one: {list}.")],
        answers: words.iter().map(answer).collect(),
    }
}

pub(super) fn kind(dice: &mut Dice) -> Posed {
    // One word of each of three kinds, of which one is asked for.
    let kinds = dice.several(&KINDS, 3);
    let words: Vec<&str> = kinds.iter().map(|(_, words)| dice.pick(words)).collect();
    let (kind, word) = (kinds[0].0, words[0]);
    let mut shown = words.clone();
    dice.shuffle(&mut shown);
    let list = shown.join(", ");
    let mut sorted = words;
    sorted.sort_unstable();
    Posed {
        question: format!("{kind} of {}", sorted.join(" ")),
        instructions: vec![
            format!("Which of these is {kind}: {list}?"),
            format!("Find {kind}: {list}."),
        ],
        answers: vec![vec![word.into(), format!("It is {word}."), format!("{word} is {kind}.")]],
    }
}
