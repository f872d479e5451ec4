//! Words with line numbers, and the numbers among them: what the text formats share.

use super::error::{Defect, Problem, shown};
use super::exact::quotient;
use num_bigint::BigUint;

/// The words of one line, or of a whole text, taken one by one.
#[derive(Debug, Clone, Default)]
pub(super) struct Words<'a> {
    words: Vec<Word<'a>>,
    next: usize,
    /// The line that is to blame when nothing follows.
    last_line: usize,
}

/// A word and the line it stands on, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word<'a> {
    pub text: &'a str,
    pub line: usize,
}

/// What separates words besides white space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexicon {
    /// Starts a comment that runs to the end of the line.
    pub comment: &'static str,
    /// Characters that are words of their own.
    pub marks: &'static [char],
}

impl Lexicon {
    /// The lines that are not empty, each with its words.
    pub fn lines<'a>(self, text: &'a str) -> impl Iterator<Item = Words<'a>> {
        text.lines().enumerate().filter_map(move |(i, line)| {
            let mut words = Words { words: Vec::new(), next: 0, last_line: i + 1 };
            self.split(line, i + 1, &mut words.words);
            (!words.words.is_empty()).then_some(words)
        })
    }

    /// All words, whatever the lines.
    pub fn words<'a>(self, text: &'a str) -> Words<'a> {
        let mut words = Words { words: Vec::new(), next: 0, last_line: 1 };
        for (i, line) in text.lines().enumerate() {
            words.last_line = i + 1;
            self.split(line, i + 1, &mut words.words);
        }
        words
    }

    fn split<'a>(self, line: &'a str, number: usize, words: &mut Vec<Word<'a>>) {
        let code = line.find(self.comment).map_or(line, |end| &line[..end]);
        for chunk in code.split_whitespace() {
            for piece in chunk.split_inclusive(self.marks) {
                // Marks are ASCII, so they are one byte long.
                let end = piece.len() - usize::from(piece.ends_with(self.marks));
                let parts = [&piece[..end], &piece[end..]];
                let parts = parts.into_iter().filter(|text| !text.is_empty());
                words.extend(parts.map(|text| Word { text, line: number }));
            }
        }
    }
}

impl<'a> Words<'a> {
    /// How many there are in all, those taken included.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// The word that is `ahead` of the next one.
    pub fn peek(&self, ahead: usize) -> Option<&'a str> {
        self.words.get(self.next + ahead).map(|word| word.text)
    }

    /// Takes the next word.
    ///
    /// # Errors
    /// [`Problem::Ended`] at the line of the last word taken.
    pub fn word(&mut self, expected: &'static str) -> Result<Word<'a>, Defect> {
        let word = *self.words.get(self.next).ok_or(Problem::Ended { expected }.at(self.line()))?;
        self.next += 1;
        Ok(word)
    }

    /// Takes the next word if it is `text`.
    pub fn take(&mut self, text: &str) -> bool {
        let found = self.peek(0) == Some(text);
        self.next += usize::from(found);
        found
    }

    /// Takes the next word, which has to be `text`; messages call it `expected`.
    pub fn expect(&mut self, text: &str, expected: &'static str) -> Result<(), Defect> {
        let word = self.word(expected)?;
        if word.text == text { Ok(()) } else { Err(word.unexpected(expected)) }
    }

    /// Refuses further words.
    pub fn end(&mut self) -> Result<(), Defect> {
        match self.words.get(self.next) {
            None => Ok(()),
            Some(word) => Err(word.unexpected("the end of the line")),
        }
    }

    /// The line of the next word, or the last line.
    pub fn line(&self) -> usize {
        self.words.get(self.next).map_or(self.last_line, |word| word.line)
    }
}

impl Word<'_> {
    /// A finite double: the nearest to the decimal.
    pub fn number(self) -> Result<f64, Defect> {
        // Without this, Rust's parser would take `inf` and `nan`.
        let decimal =
            self.text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let value = self.text.parse().ok().filter(|value: &f64| decimal && value.is_finite());
        value.ok_or_else(|| self.not("a finite number such as 0.25"))
    }

    /// A finite double, given as a decimal or as a fraction of whole numbers such as 1/3.
    pub fn fraction(self) -> Result<f64, Defect> {
        let Some((n, d)) = self.text.split_once('/') else {
            return self.number();
        };
        let (sign, n) = n.strip_prefix('-').map_or((1.0, n), |n| (-1.0, n));
        let value = whole(n).zip(whole(d)).filter(|(_, d)| *d != BigUint::ZERO);
        let value = value.map(|(n, d)| sign * quotient(&n, &d).value).filter(|v| v.is_finite());
        value.ok_or_else(|| self.not("a finite fraction such as 1/3"))
    }

    /// A whole number that `T` can hold: an index or a count.
    pub fn whole<T: std::str::FromStr>(self) -> Result<T, Defect> {
        let digits = self.text.bytes().all(|b| b.is_ascii_digit());
        let value = self.text.parse().ok().filter(|_| digits);
        value.ok_or_else(|| self.not("a whole number within range"))
    }

    /// The defect of being another word than expected.
    pub fn unexpected(self, expected: &'static str) -> Defect {
        Problem::Unexpected { found: shown(self.text), expected }.at(self.line)
    }

    /// The defect of not being the number expected.
    pub fn not(self, expected: &'static str) -> Defect {
        Problem::Number { found: shown(self.text), expected }.at(self.line)
    }
}

/// A whole number of a length that takes no time to read.
fn whole(digits: &str) -> Option<BigUint> {
    let plain = digits.len() <= 400 && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Word<'_> {
        Word { text, line: 1 }
    }

    #[test]
    fn one_third_is_the_nearest_double_of_a_third() {
        assert_eq!(word("1/3").fraction().unwrap(), 1.0 / 3.0);
        assert_eq!(word("-3/2").fraction().unwrap(), -1.5);
        assert!(
            ["1/0", "1/", "/3", "1/-3", "inf/1"].map(word).iter().all(|w| w.fraction().is_err())
        );
    }

    #[test]
    fn only_finite_decimals_are_numbers() {
        assert_eq!(word("-1.5e-3").number().unwrap(), -1.5e-3);
        let wrong = ["inf", "nan", "NaN", "infinity", "1e999", "1,5", "0x10", "", "+", "1_000"];
        assert!(wrong.map(word).iter().all(|w| w.number().is_err()));
    }

    #[test]
    fn marks_are_words_and_comments_are_not() {
        let lexicon = Lexicon { comment: "//", marks: &[':', '['] };
        let mut words = lexicon.words("a:b // c\n[é : d");
        let all = std::iter::from_fn(|| words.word("").ok()).map(|w| (w.text, w.line));
        let expected = [("a", 1), (":", 1), ("b", 1), ("[", 2), ("é", 2), (":", 2), ("d", 2)];
        assert_eq!(all.collect::<Vec<_>>(), expected);
    }
}
