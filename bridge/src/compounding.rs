//! [`Compounding`]: how far the texts of a student drift from those of its teacher, token by token.

use crate::BridgeError;
use operators::{Dense, NumberSystem};
use serde::Serialize;
use tabular::Mdp;
use tabular::occupancy::{Behaviour, Start, occupancy_at};

/// Where two policies are after the same number of steps, from the same start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compounding {
    /// ½ Σ_s |P(s_t = s) − P'(s_t = s)| after t = 1, 2, … steps: the total variation between the
    /// states of the teacher and those of the student.
    pub apart: Vec<f64>,
    /// What it is at most: the sum over the steps k < t of the mean, over the teacher's states after k
    /// steps, of ½ Σ_a |π(a|s) − π'(a|s)|.
    pub at_most: Vec<f64>,
}

/// Compares the states of two policies after 1 to `depth` steps.
///
/// ```text
/// TV(P_{t+1}, P'_{t+1}) ≤ TV(P_t, P'_t) + E_{s ~ P_t} TV(π(·|s), π'(·|s))
/// ```
///
/// The first mistakes lead to states that the teacher seldom sees, and the distance grows with t: errors
/// compound. On a tree a state is a whole text.
/// Law: apart ≤ at_most, up to the rounding of `f64`. Source: Ross and Bagnell, Efficient reductions
/// for imitation learning, 2010.
///
/// # Errors
/// [`BridgeError::Occupancy`] when policies or start do not fit the model.
pub fn compounding(
    mdp: &Mdp,
    [teacher, student]: [Behaviour<'_>; 2],
    start: Start<'_>,
    depth: usize,
) -> Result<Compounding, BridgeError> {
    let n = Dense::<f64>::new(mdp.layout());
    let [left, right] = [teacher.probabilities(mdp)?, student.probabilities(mdp)?];
    let between = n.abs(&n.sub(&n.cells(&left)?.0, &n.cells(&right)?.0)?)?;
    let each = n.scale(&n.row_sum(&between)?, 0.5)?;
    let mut found = Compounding { apart: Vec::new(), at_most: Vec::new() };
    let mut sum = 0.0;
    for t in 0..depth {
        let before = occupancy_at(mdp, teacher, start, t)?;
        sum += n.dot(&n.rows(&before)?.0, &each)?;
        let at = |who| occupancy_at(mdp, who, start, t + 1);
        let (left, right) = (at(teacher)?, at(student)?);
        let apart = left.iter().zip(&right).map(|(l, r)| (l - r).abs());
        found.apart.push(0.5 * apart.sum::<f64>());
        found.at_most.push(sum);
    }
    Ok(found)
}
