//! [`TableAudit`]: a student against its teacher on an MDP that has every state.

use crate::posterior::{Posterior, Target, posterior};
use crate::{BridgeError, Carved, Compounding, StudentRow, compounding};
use operators::{CandidateSets, Dense, RowLayout, Selection, kl_divergence, projection};
use rounding::Enclosure;
use serde::Serialize;
use tabular::occupancy::{Behaviour, Start};
use verify::{Case, Theory};

/// The mean and the largest of a number per state.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub largest: f64,
}

impl Spread {
    /// Of numbers that are not negative; of none it is 0.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut count = 0;
        let (sum, largest) = values.fold((0.0, 0.0), |(sum, largest): (f64, f64), value| {
            count += 1;
            (sum + value, largest.max(value))
        });
        Self { mean: sum / count.max(1) as f64, largest }
    }
}

/// What holds at states one by one, whatever leads there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StateAudit {
    /// The mass that the student puts outside the teacher's candidate set, over its whole vocabulary.
    pub outside: Spread,
    /// The student's leak, −log of the mass inside.
    pub leak: Spread,
    /// KL of the projected teacher from the projected student, on the set.
    pub divergence: Spread,
    /// The share of states where both have the same most likely candidate.
    pub agreement: f64,
    /// The share of candidates at the student's floor.
    pub floored: f64,
}

/// The ends that a residual proves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Proven {
    /// ‖B Q − Q‖ is at most this.
    pub residual: f64,
    /// ‖Q − Q̄‖ is at least this, from the residual.
    pub at_least: f64,
    /// ‖Q − Q̄‖ is at most this, from the residual.
    pub at_most: f64,
    /// ‖Q − Q̄‖ itself, at most.
    pub distance: f64,
}

impl From<Posterior<Enclosure>> for Proven {
    fn from(found: Posterior<Enclosure>) -> Self {
        Self {
            residual: found.residual.hi(),
            at_least: found.least.lo(),
            at_most: found.bound.hi(),
            distance: found.distance.hi(),
        }
    }
}

/// A student on an MDP that was carved from its teacher. Every number about a residual is a theorem
/// about the doubles of both models: the table has all states. What is said of states and of texts is
/// computed from all of them too, in `f64`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableAudit {
    /// States, the end left out.
    pub states: usize,
    /// About Q̄_p*, by T_p.
    pub top_p: Proven,
    /// About Q̄^{proj_p π*}, by B_p^{π*}.
    pub projected: Proven,
    /// The states, each counted once.
    pub each: StateAudit,
    /// Texts of both after each number of tokens, sampled from the teacher's candidate sets.
    pub texts_of_sets: Compounding,
    /// The same, sampled from all tokens. Texts that the tree does not follow are one state, so that the
    /// distance of the texts themselves is no less than `apart`.
    pub texts: Compounding,
}

/// Audits a student on a teacher's MDP; `student` has a row for each prefix of it.
///
/// The student's Q-values must have the shift that the teacher's have: another one is another reward.
///
/// # Errors
/// [`BridgeError::Operator`] when the rows do not fit the MDP; [`BridgeError::Case`].
pub fn audit_table(carved: &Carved, student: &[StudentRow]) -> Result<TableAudit, BridgeError> {
    let rule = Selection::TopP(carved.instance.p);
    let case = Case::<Enclosure>::enclose(&carved.instance, rule, Theory::default())?;
    // Nothing follows the end.
    let q: Vec<f64> = student.iter().flat_map(|row| row.q.iter().copied()).chain([0.0]).collect();
    let exact = case.n.cells(&q)?;
    let rows: Vec<&StudentRow> = student.iter().collect();
    let each = audit_states(case.mdp().layout(), &case.sets, &carved.q, &q, &rows)?;
    let z: Vec<f64> = student.iter().flat_map(|row| row.z.iter().copied()).chain([0.0]).collect();
    // The last state of each text is the end, for both.
    let steps = carved.prefixes.iter().map(Vec::len).max().unwrap_or(0);
    let drift = |both| compounding(case.mdp(), both, Start::State(0), steps);
    let of_sets = [&carved.q, &z].map(|q| Behaviour::Projected(q, &case.sets));
    let of_all = [&carved.q, &z].map(|q| Behaviour::Boltzmann(q));
    Ok(TableAudit {
        texts_of_sets: drift(of_sets)?,
        texts: drift(of_all)?,
        states: student.len(),
        top_p: posterior(&case, &exact, Target::TopP)?.into(),
        projected: posterior(&case, &exact, Target::Projected)?.into(),
        each,
    })
}

/// What holds at each state, by the Q-values of both on the same cells; the student has a row for
/// each of the first states, which count the same.
pub(crate) fn audit_states(
    layout: &RowLayout,
    sets: &CandidateSets,
    teacher: &[f64],
    student: &[f64],
    rows: &[&StudentRow],
) -> Result<StateAudit, BridgeError> {
    let n = Dense::<f64>::new(layout);
    let set = n.mask(sets);
    let projected = |q: &[f64]| projection(&n, &n.cells(q)?, &set);
    let divergence = kl_divergence(&n, &projected(teacher)?, &projected(student)?, &set)?;
    let agreed =
        agreements(layout, sets, teacher, student, rows.len()).filter(|&same| same).count();
    let candidates: usize = (0..rows.len()).map(|state| sets.size(state)).sum();
    let floored: usize = rows.iter().map(|row| row.floored).sum();
    Ok(StateAudit {
        outside: Spread::of(rows.iter().map(|row| row.outside())),
        leak: Spread::of(rows.iter().map(|row| row.leak)),
        divergence: Spread::of(divergence.0.iter().copied().take(rows.len())),
        agreement: agreed as f64 / rows.len() as f64,
        floored: floored as f64 / candidates as f64,
    })
}

/// Whether both have the same most likely candidate, the lower number on a tie, in each of the first
/// `states`.
pub(crate) fn agreements(
    layout: &RowLayout,
    sets: &CandidateSets,
    teacher: &[f64],
    student: &[f64],
    states: usize,
) -> impl Iterator<Item = bool> {
    let favourite = |q: &[f64], state: usize| {
        let kept = layout.row(state).filter(|&cell| sets.kept()[cell]);
        kept.reduce(|best, cell| if q[cell] > q[best] { cell } else { best })
    };
    (0..states).map(move |state| favourite(teacher, state) == favourite(student, state))
}
