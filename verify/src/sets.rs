//! [`Sets`]: how candidate sets are chosen, as written on command lines and in files.

use operators::{Selection, TopP};
use std::fmt;
use std::str::FromStr;
use tabular::Instance;

/// A rule for candidate sets that takes p from the instance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sets {
    /// The nucleus at the instance's p: `top-p`.
    TopP,
    /// The k most likely actions: `top-k:K`.
    TopK(usize),
    /// Actions at least this fraction as likely as the best: `min-p:F`.
    MinP(TopP),
}

impl Sets {
    /// The rule for an instance.
    pub fn selection(self, instance: &Instance) -> Selection {
        match self {
            Self::TopP => Selection::TopP(instance.p),
            Self::TopK(k) => Selection::TopK(k),
            Self::MinP(fraction) => Selection::MinP(fraction),
        }
    }
}

impl fmt::Display for Sets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TopP => f.write_str("top-p"),
            Self::TopK(k) => write!(f, "top-k:{k}"),
            Self::MinP(fraction) => write!(f, "min-p:{}", fraction.get()),
        }
    }
}

impl FromStr for Sets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not top-p, top-k:K (K ≥ 1) or min-p:F (0 < F ≤ 1)");
        match text.split_once(':') {
            None if text == "top-p" => Ok(Self::TopP),
            Some(("top-k", k)) => match k.parse() {
                Ok(k) if k > 0 => Ok(Self::TopK(k)),
                _ => Err(wrong()),
            },
            Some(("min-p", fraction)) => {
                let fraction = fraction.parse().map_err(|_| wrong())?;
                TopP::new(fraction).map(Self::MinP).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }
}
