//! Tasks about made-up words and their letters.

use super::dice::Dice;
use super::task::Posed;
use super::words;

const CONSONANTS: &[u8] = b"bdfklmnprtvz";
const VOWELS: &[u8] = b"aeiou";

/// A made-up word of so many letters, consonants and vowels in turn, and none of the real words
/// that exercises use.
fn word(dice: &mut Dice, length: usize) -> String {
    loop {
        let letter = |i| char::from(dice.pick(if i % 2 == 0 { CONSONANTS } else { VOWELS }));
        let word: String = (0..length).map(letter).collect();
        if !words::all().any(|real| real == word) {
            return word;
        }
    }
}

pub(super) fn reverse(dice: &mut Dice) -> Posed {
    let length = dice.between(3, 5);
    let word = word(dice, length);
    let reversed: String = word.chars().rev().collect();
    Posed {
        question: word.clone(),
        instructions: vec![
            format!("Reverse the word {word}."),
            format!("Write {word} backwards."),
            format!("What is {word} backwards?"),
        ],
        answers: vec![vec![
            reversed.clone(),
            format!("The answer is {reversed}."),
            format!("{word} backwards is {reversed}."),
        ]],
    }
}

pub(super) fn sort(dice: &mut Dice) -> Posed {
    let length = dice.between(3, 4);
    let word = word(dice, length);
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    let sorted: String = letters.iter().collect();
    Posed {
        // Words with the same letters have the same answer.
        question: sorted.clone(),
        instructions: vec![
            format!("Sort the letters of {word}."),
            format!("Put the letters of {word} in order."),
        ],
        answers: vec![vec![
            sorted.clone(),
            format!("The answer is {sorted}."),
            format!("In order they are {sorted}."),
        ]],
    }
}

pub(super) fn spell(dice: &mut Dice) -> Posed {
    let length = dice.between(3, 5);
    let word = word(dice, length);
    let letters: Vec<String> = word.chars().map(String::from).collect();
    let spelled = letters.join(" ");
    Posed {
        question: word.clone(),
        instructions: vec![format!("Spell {word}."), format!("How do you spell {word}?")],
        answers: vec![vec![
            spelled.clone(),
            format!("{word} is spelled {spelled}."),
            letters.join(", "),
        ]],
    }
}

pub(super) fn repeat(dice: &mut Dice) -> Posed {
    let (length, times) = (dice.between(3, 4), dice.between(2, 3));
    let word = word(dice, length);
    let all = vec![word.as_str(); times];
    Posed {
        question: format!("{word} × {times}"),
        instructions: vec![
            format!("Say {word} {times} times."),
            format!("Write {word} {times} times."),
        ],
        answers: vec![vec![all.join(" "), all.join(", ")]],
    }
}

/// How a noun ends, and what its plural adds to it after so many letters are taken away.
const ENDINGS: [(&str, usize, &str); 7] = [
    ("x", 0, "es"),
    ("ch", 0, "es"),
    ("sh", 0, "es"),
    ("ty", 1, "ies"),
    ("n", 0, "s"),
    ("k", 0, "s"),
    ("p", 0, "s"),
];

pub(super) fn plural(dice: &mut Dice) -> Posed {
    let (ending, taken, added) = dice.pick(&ENDINGS);
    let length = dice.pick(&[2, 4]);
    let noun = format!("{}{ending}", word(dice, length));
    let plural = format!("{}{added}", &noun[..noun.len() - taken]);
    Posed {
        question: noun.clone(),
        instructions: vec![
            format!("What is the plural of {noun}?"),
            format!("There is one {noun}. Name two of them."),
        ],
        answers: vec![vec![
            plural.clone(),
            format!("The plural is {plural}."),
            format!("two {plural}"),
        ]],
    }
}
