//! Tasks about numbers.

use super::dice::Dice;
use super::task::Posed;

/// The largest number that is added or taken away.
const LARGEST: usize = 20;

pub(super) fn sum(dice: &mut Dice) -> Posed {
    let (a, b) = (dice.between(0, LARGEST), dice.between(0, LARGEST));
    let sum = a + b;
    Posed {
        question: format!("{} + {}", a.min(b), a.max(b)),
        instructions: vec![
            format!("What is {a} plus {b}?"),
            format!("Add {a} and {b}."),
            format!("How much is {a} plus {b}?"),
        ],
        answers: vec![vec![
            format!("{sum}"),
            format!("The answer is {sum}."),
            format!("{a} plus {b} is {sum}."),
        ]],
    }
}

pub(super) fn difference(dice: &mut Dice) -> Posed {
    let a = dice.between(0, LARGEST);
    let b = dice.between(0, a);
    let rest = a - b;
    Posed {
        question: format!("{a} - {b}"),
        instructions: vec![
            format!("What is {a} minus {b}?"),
            format!("Take {b} from {a}."),
            format!("How much is {a} minus {b}?"),
        ],
        answers: vec![vec![
            format!("{rest}"),
            format!("The answer is {rest}."),
            format!("{a} minus {b} is {rest}."),
        ]],
    }
}

pub(super) fn larger(dice: &mut Dice) -> Posed {
    let a = dice.between(0, 99);
    // Any other.
    let b = (a + dice.between(1, 99)) % 100;
    let (large, small) = (a.max(b), a.min(b));
    Posed {
        question: format!("{large} > {small}"),
        instructions: vec![
            format!("Which is larger, {a} or {b}?"),
            format!("Name the larger number: {a} or {b}."),
        ],
        answers: vec![vec![
            format!("{large}"),
            format!("{large} is larger."),
            format!("{large} is larger than {small}."),
        ]],
    }
}

pub(super) fn between(dice: &mut Dice) -> Posed {
    let low = dice.between(0, 60);
    let high = low + dice.between(3, 6);
    let answer = |x: usize| {
        vec![format!("{x}"), format!("{x} lies between."), format!("One such number is {x}.")]
    };
    Posed {
        question: format!("{low} < ? < {high}"),
        instructions: vec![
            format!("Name a number between {low} and {high}."),
            format!("Which number lies between {low} and {high}?"),
        ],
        answers: (low + 1..high).map(answer).collect(),
    }
}
