//! [`agreement`]: whether two tokenizers mean the same tokens by the same numbers.

use super::Tokenizer;
use crate::LlmError;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How many differing tokens an error names.
const NAMED: usize = 5;

/// A number that is one token for the teacher and another, or none, for the student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The number.
    pub id: u32,
    /// The teacher's token of this number.
    pub teacher: Option<String>,
    /// The student's.
    pub student: Option<String>,
}

impl Difference {
    pub(crate) fn list(differences: &[Self]) -> String {
        let texts: Vec<String> = differences.iter().map(Self::to_string).collect();
        texts.join("; ")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |token: &Option<String>| match token {
            Some(token) => format!("{token:?}"),
            None => "nothing".into(),
        };
        write!(f, "{} is {} here, {} there", self.id, side(&self.teacher), side(&self.student))
    }
}

/// Fails unless both tokenizers have the same tokens under the same numbers.
///
/// How many rows the embeddings have does not matter: rows that belong to no token, as Qwen2.5
/// has them, are never used.
///
/// # Errors
/// [`LlmError::Vocabulary`], which names the first tokens that differ.
pub fn agreement(teacher: &Tokenizer, student: &Tokenizer) -> Result<(), LlmError> {
    let (teacher, student) = (teacher.vocabulary(), student.vocabulary());
    let ids: BTreeSet<u32> = teacher.keys().chain(student.keys()).copied().collect();
    agreement_on(&teacher, &student, ids)
}

/// Fails unless two vocabularies mean the same tokens by these numbers. What else they have does
/// not matter.
///
/// # Errors
/// [`LlmError::Vocabulary`]. A number that neither knows is no disagreement.
pub fn agreement_on(
    teacher: &BTreeMap<u32, String>,
    student: &BTreeMap<u32, String>,
    ids: impl IntoIterator<Item = u32>,
) -> Result<(), LlmError> {
    let mut ids: Vec<u32> =
        ids.into_iter().filter(|id| teacher.get(id) != student.get(id)).collect();
    ids.sort_unstable();
    ids.dedup();
    let difference = |&id: &u32| Difference {
        id,
        teacher: teacher.get(&id).cloned(),
        student: student.get(&id).cloned(),
    };
    let first: Vec<Difference> = ids.iter().take(NAMED).map(difference).collect();
    match ids.len() {
        0 => Ok(()),
        differing => Err(LlmError::Vocabulary { differing, first }),
    }
}
