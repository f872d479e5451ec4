//! A batch of responses with both models' logits, from a JSON file.

use super::{BatchProblem, Configuration};
use crate::LlmError;
use operators::NextPosition;
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most bytes of a file that are read.
const LARGEST: u64 = 1 << 30;

/// The members of the file.
#[derive(Deserialize)]
struct Written {
    student_logits: Vec<Vec<Vec<f64>>>,
    teacher_logits: Vec<Vec<Vec<f64>>>,
    // A padded position may hold any number, −100 for example.
    actions: Vec<Vec<i64>>,
    lengths: Vec<usize>,
    ends_with_eos: Vec<bool>,
    #[serde(default)]
    bellman_distill: Vec<Configuration>,
}

/// A batch of B responses over T positions, padded on the right, in a vocabulary of V tokens.
///
/// Checked: the lists are rectangular, every token has logits, and some transition counts.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Where it was read.
    pub(super) path: PathBuf,
    /// B, T and V.
    pub(super) shape: (usize, usize, usize),
    /// [B · T · V].
    pub(super) student: Vec<f64>,
    /// [B · T · V].
    pub(super) teacher: Vec<f64>,
    /// The positions that are not padding, b · T + t, rising.
    pub(super) real: Vec<usize>,
    /// The token of each of them.
    pub(super) action: Vec<usize>,
    /// What follows each of them.
    pub(super) next: NextPosition,
    /// The share of each in the mean; 0 where the next value is unknown.
    pub(super) weights: Vec<f64>,
    configurations: Vec<Configuration>,
}

/// Something about a place in the batch.
type Placed = (String, BatchProblem);

impl Batch {
    /// The batch in a file: `student_logits` and `teacher_logits` [B, T, V], `actions` [B, T],
    /// `lengths` and `ends_with_eos` \[B\], and perhaps configurations in `bellman_distill`.
    ///
    /// # Errors
    /// [`LlmError::File`]; [`LlmError::Batch`] with the place in the file.
    pub fn read(path: &Path) -> Result<Self, LlmError> {
        let file = |source| LlmError::File { path: path.into(), source };
        let mut bytes = Vec::new();
        let reader = File::open(path).map_err(file)?;
        reader.take(LARGEST + 1).read_to_end(&mut bytes).map_err(file)?;
        let wrong = |(place, problem)| LlmError::Batch { path: path.into(), place, problem };
        if bytes.len() as u64 > LARGEST {
            return Err(wrong(("the file".into(), BatchProblem::Large { limit: LARGEST })));
        }
        let written = serde_json::from_slice(&bytes);
        let written = written.map_err(|e| wrong(("the file".into(), e.into())))?;
        Self::checked(written, path).map_err(wrong)
    }

    fn checked(written: Written, path: &Path) -> Result<Self, Placed> {
        let shape = shape(&written.student_logits)?;
        let (b, t, v) = shape;
        let student = flat(&written.student_logits, "student_logits", shape)?;
        let teacher = flat(&written.teacher_logits, "teacher_logits", shape)?;
        length(&written.actions, || "actions".into(), b)?;
        length(&written.lengths, || "lengths".into(), b)?;
        length(&written.ends_with_eos, || "ends_with_eos".into(), b)?;
        let (mut real, mut action, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for (i, actions) in written.actions.iter().enumerate() {
            length(actions, || format!("actions[{i}]"), t)?;
            let found = written.lengths[i];
            if !(1..=t).contains(&found) {
                let problem = BatchProblem::Response { found, time: t };
                return Err((format!("lengths[{i}]"), problem));
            }
            for (j, &found) in actions[..found].iter().enumerate() {
                let token = usize::try_from(found).ok().filter(|token| *token < v);
                let outside = || BatchProblem::Token { found, vocabulary: v };
                action.push(token.ok_or_else(|| (format!("actions[{i}][{j}]"), outside()))?);
                real.push(i * t + j);
                counts.push(j + 1 < written.lengths[i] || written.ends_with_eos[i]);
            }
        }
        let counted = counts.iter().filter(|c| **c).count();
        if counted == 0 {
            return Err(("ends_with_eos".into(), BatchProblem::NothingCounts));
        }
        let weights = counts.iter().map(|&c| if c { 1.0 / counted as f64 } else { 0.0 }).collect();
        let next = NextPosition::of_lengths(&written.lengths);
        let configurations = written.bellman_distill;
        let path = path.into();
        Ok(Self { path, shape, student, teacher, real, action, next, weights, configurations })
    }

    /// The configurations that the file names.
    pub fn configurations(&self) -> &[Configuration] {
        &self.configurations
    }
}

/// B, T and V of a list of lists of lists, by its first entries.
fn shape(logits: &[Vec<Vec<f64>>]) -> Result<(usize, usize, usize), Placed> {
    let empty = |place: &str| (place.to_owned(), BatchProblem::Empty);
    let first = logits.first().ok_or_else(|| empty("student_logits"))?;
    let row = first.first().ok_or_else(|| empty("student_logits[0]"))?;
    if row.is_empty() {
        return Err(empty("student_logits[0][0]"));
    }
    Ok((logits.len(), first.len(), row.len()))
}

/// The numbers of a list of this shape, in order.
fn flat(
    logits: &[Vec<Vec<f64>>],
    name: &str,
    (b, t, v): (usize, usize, usize),
) -> Result<Vec<f64>, Placed> {
    length(logits, || name.into(), b)?;
    let mut numbers = Vec::new();
    for (i, response) in logits.iter().enumerate() {
        length(response, || format!("{name}[{i}]"), t)?;
        for (j, row) in response.iter().enumerate() {
            length(row, || format!("{name}[{i}][{j}]"), v)?;
            numbers.extend(row);
        }
    }
    Ok(numbers)
}

fn length<T>(list: &[T], place: impl Fn() -> String, expected: usize) -> Result<(), Placed> {
    let found = list.len();
    if found == expected {
        Ok(())
    } else {
        Err((place(), BatchProblem::Length { found, expected }))
    }
}
