//! [`Layers`]: some of the layers of a model, by number.

use std::fmt;
use std::str::FromStr;

/// Numbers of layers, counted from 0: at least one, each once, in rising order.
///
/// As a text they are ranges with both ends, `0-9,20-29`, or single numbers, `3`.
///
/// # Example
/// ```
/// use llm::model::Layers;
/// let layers: Layers = "0-2,7".parse()?;
/// assert_eq!(layers.numbers(), [0, 1, 2, 7]);
/// assert_eq!(layers.to_string(), "0-2,7");
/// # Ok::<(), llm::model::LayersProblem>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers(Vec<usize>);

/// Why a list of layers is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayersProblem {
    /// No layer at all.
    #[error("no layer is left; a model has at least one")]
    None,
    /// A part of the text that is neither a number nor a range.
    #[error("{0:?} is no layer and no range of layers; write them like 0-9,20-29")]
    Text(String),
    /// A number beyond every model.
    #[error("there is no layer {0}")]
    Number(String),
    /// A range or list that does not rise.
    #[error("layer {next} after layer {before}; write each once, in rising order")]
    Order {
        /// The layer before.
        before: usize,
        /// The one that follows it.
        next: usize,
    },
}

/// The most layers that a list may speak of, as many as a configuration may have.
const MOST: usize = 1 << 20;

impl Layers {
    /// These layers.
    ///
    /// # Errors
    /// [`LayersProblem::None`] and [`LayersProblem::Order`].
    pub fn new(numbers: Vec<usize>) -> Result<Self, LayersProblem> {
        if numbers.is_empty() {
            return Err(LayersProblem::None);
        }
        match numbers.windows(2).find(|pair| pair[0] >= pair[1]) {
            Some(pair) => Err(LayersProblem::Order { before: pair[0], next: pair[1] }),
            None => Ok(Self(numbers)),
        }
    }

    /// The layers 0 to `count` − 1.
    ///
    /// # Errors
    /// [`LayersProblem::None`] when there are none.
    pub fn all(count: usize) -> Result<Self, LayersProblem> {
        Self::new((0..count).collect())
    }

    /// Their numbers, rising.
    pub fn numbers(&self) -> &[usize] {
        &self.0
    }

    /// The same without the one at this place of the list.
    ///
    /// # Errors
    /// [`LayersProblem::None`] when none is left.
    pub fn without(&self, place: usize) -> Result<Self, LayersProblem> {
        let rest = self.0.iter().enumerate().filter(|(i, _)| *i != place);
        Self::new(rest.map(|(_, &layer)| layer).collect())
    }

    /// The place of a layer in the list, where it is.
    pub fn place(&self, layer: usize) -> Option<usize> {
        self.0.binary_search(&layer).ok()
    }
}

impl FromStr for Layers {
    type Err = LayersProblem;

    fn from_str(text: &str) -> Result<Self, LayersProblem> {
        let mut numbers = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first, part)?, number(last, part)?);
            if first > last {
                return Err(LayersProblem::Order { before: first, next: last });
            }
            // Checked as it grows, so that no text asks for more than the largest list.
            if let Some(&before) = numbers.last()
                && before >= first
            {
                return Err(LayersProblem::Order { before, next: first });
            }
            numbers.extend(first..=last);
        }
        Self::new(numbers)
    }
}

fn number(text: &str, part: &str) -> Result<usize, LayersProblem> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(LayersProblem::Text(part.into()));
    }
    match text.parse() {
        Ok(number) if number < MOST => Ok(number),
        _ => Err(LayersProblem::Number(text.into())),
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.chunk_by(|a, b| a + 1 == *b);
        for (i, run) in runs.enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match run {
                [one] => write!(f, "{comma}{one}")?,
                // A run has at least one number.
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Layers, LayersProblem as Problem};

    fn read(text: &str) -> Result<Vec<usize>, Problem> {
        text.parse().map(|layers: Layers| layers.0)
    }

    #[test]
    fn ranges_and_single_layers_are_read() {
        assert_eq!(read("0-2,5, 7 - 8"), Ok(vec![0, 1, 2, 5, 7, 8]));
        assert_eq!(read("4-4"), Ok(vec![4]));
    }

    #[test]
    fn what_is_no_list_of_layers_is_refused() {
        for text in ["", "a", "1,", "-3", "1-", "0-2-4", "+1", "1..3"] {
            assert!(matches!(read(text), Err(Problem::Text(_))), "{text}");
        }
        for text in ["5-3", "0-4,4", "3,3", "2,1"] {
            assert!(matches!(read(text), Err(Problem::Order { .. })), "{text}");
        }
        for text in ["0-99999999999999999999", "0-1048576"] {
            assert!(matches!(read(text), Err(Problem::Number(_))), "{text}");
        }
        assert_eq!(Layers::all(0), Err(Problem::None));
    }

    #[test]
    fn layers_are_written_as_they_are_read() {
        for text in ["0", "0-1", "0-9,20-29", "1,3,5-7"] {
            assert_eq!(text.parse::<Layers>().map(|layers| layers.to_string()), Ok(text.into()));
        }
    }

    #[test]
    fn one_layer_is_left_out_by_its_place() {
        let layers = Layers::new(vec![2, 5, 9]).and_then(|layers| layers.without(1));
        assert_eq!(layers, Layers::new(vec![2, 9]));
        assert_eq!(Layers::all(1).and_then(|layers| layers.without(0)), Err(Problem::None));
    }
}
