//! [`Proposition`]: a claim as a value, with its hypotheses and its check.

use crate::{Case, Finding};
use operators::OperatorError;
use rounding::Enclosure;
use tabular::random::Source;

/// A check over floats or enclosures; `Source` gives the random points it may need.
pub type Check<T> = fn(&Case<'_, T>, &mut Source) -> Result<Finding, OperatorError>;

/// A claim about every instance that meets its hypotheses.
///
/// A check is one generic function over [`crate::Number`], given here at its two instances; the
/// macro [`crate::proposition!`] writes the pair.
#[derive(Clone, Copy)]
pub struct Proposition {
    /// The name on the command line.
    pub name: &'static str,
    /// The claim, in a line.
    pub statement: &'static str,
    /// What an instance must satisfy to be checked; empty when every instance is.
    pub hypotheses: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The check in plain floats.
    pub float: Check<f64>,
    /// The check in rigorous arithmetic.
    pub rigorous: Check<Enclosure>,
}

/// Makes a [`Proposition`] from a function that is generic over [`crate::Number`]: name,
/// statement, source, check, and after `if` the hypotheses, where there are any.
///
/// # Example
/// ```
/// use operators::OperatorError;
/// use tabular::random::Source;
/// use verify::{Case, Finding, Judge, Number, proposition};
///
/// /// A conjecture of one's own: V* is at least the largest Q*.
/// fn value_above_best<T: Number>(
///     case: &Case<'_, T>,
///     _: &mut Source,
/// ) -> Result<Finding, OperatorError> {
///     let mut judge = Judge::new();
///     for (state, pair, place) in case.pairs() {
///         judge.at_most("Q* ≤ V*", place, case.q_star.0[pair], case.v_star.0[state],
///             case.step_slack);
///     }
///     Ok(judge.finish::<T>())
/// }
///
/// let conjecture = proposition!("value-above-best", "Q*(s,a) ≤ V*(s)", "folklore",
///     value_above_best);
/// assert_eq!(conjecture.name, "value-above-best");
/// ```
#[macro_export]
macro_rules! proposition {
    ($name:expr, $statement:expr, $source:expr, $check:ident $(,)?) => {
        $crate::proposition!($name, $statement, $source, $check, if "")
    };
    ($name:expr, $statement:expr, $source:expr, $check:ident, if $hypotheses:expr $(,)?) => {
        $crate::Proposition {
            name: $name,
            statement: $statement,
            hypotheses: $hypotheses,
            source: $source,
            float: $check::<f64>,
            rigorous: $check::<$crate::Enclosure>,
        }
    };
}

impl std::fmt::Debug for Proposition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proposition({})", self.name)
    }
}
