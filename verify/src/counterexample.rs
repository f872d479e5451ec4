//! [`Counterexample`]: a failure, shrunk, as a model file that can be replayed.

use crate::{
    Failure, Finding, Mutation, Plan, Proposition, Sets, Theory, campaign, probes, shrink,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tabular::formats::{Contents, Format, FormatError, write};
use tabular::{Instance, ModelError};

/// The most candidates that shrinking tries.
const SHRINK_BUDGET: usize = 3_000;

/// How a failure was found: what `found_by` says in its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundBy {
    /// The proposition that fails.
    pub proposition: String,
    /// The seed of the campaign.
    pub seed: u64,
    /// The number of the instance.
    pub index: u64,
    /// `float` or `rigorous`.
    pub mode: String,
    /// How candidate sets were chosen ([`Sets`]).
    pub sets: String,
    /// The mistake that was put in, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutation: Option<String>,
}

/// An instance at which a proposition fails, as small as shrinking got it.
#[derive(Debug, Clone)]
pub struct Counterexample {
    /// The instance.
    pub instance: Instance,
    /// How it was found.
    pub found_by: FoundBy,
    /// What the check says of it.
    pub finding: Finding,
}

impl Counterexample {
    /// Shrinks a failure of `proposition` in a campaign.
    ///
    /// # Errors
    /// [`ModelError`] when the plan has no such instance.
    pub fn shrink(
        plan: &Plan,
        proposition: &Proposition,
        failure: &Failure,
    ) -> Result<Self, ModelError> {
        let (instance, sets) = plan.instance(failure.index)?;
        let check = |instance: &Instance| {
            let selection = sets.selection(instance);
            let probes = plan.probes(failure.index);
            campaign::check(proposition, instance, selection, plan.theory, plan.rigorous, probes)
        };
        let still_fails = |candidate: &Instance| check(candidate).verdict.is_no();
        let instance = shrink::shrink(instance, SHRINK_BUDGET, still_fails);
        let found_by = FoundBy {
            proposition: proposition.name.to_string(),
            seed: plan.seed,
            index: failure.index,
            mode: if plan.rigorous { "rigorous" } else { "float" }.to_string(),
            sets: sets.to_string(),
            mutation: plan.theory.mutation.map(|m| m.name().to_string()),
        };
        Ok(Self { finding: check(&instance), instance, found_by })
    }

    /// Writes it to `dir` as a JSON model whose name tells proposition, seed and number.
    ///
    /// # Errors
    /// [`FormatError::Write`].
    pub fn write(&self, dir: &Path) -> Result<PathBuf, FormatError> {
        let FoundBy { proposition, seed, index, .. } = &self.found_by;
        let path = dir.join(format!("{proposition}-{seed}-{index}.json"));
        std::fs::create_dir_all(dir)
            .map_err(|source| FormatError::Write { path: path.clone(), source })?;
        let witness = self.finding.verdict.witness().map(ToString::to_string);
        let members = json!({ "found_by": self.found_by, "notes": witness });
        let extra = members.as_object().cloned().unwrap_or_else(Map::new);
        let contents = Contents { extra: Some(&extra), ..Contents::from(&self.instance) };
        write(&path, Format::Json, &contents)?;
        Ok(path)
    }
}

/// What replaying needs beside the instance, or what is wrong with it.
pub struct Replay {
    /// The proposition.
    pub proposition: Proposition,
    /// How candidate sets are chosen.
    pub sets: Sets,
    /// The operators.
    pub theory: Theory,
    /// Enclosures in place of floats.
    pub rigorous: bool,
    /// The random points.
    found_by: FoundBy,
}

impl Replay {
    /// Reads `found_by` of a model file.
    ///
    /// # Errors
    /// What is missing or unknown.
    pub fn from_json(found_by: &Value) -> Result<Self, String> {
        let found_by: FoundBy =
            serde_json::from_value(found_by.clone()).map_err(|e| format!("`found_by`: {e}"))?;
        let mut named = crate::propositions::named(std::slice::from_ref(&found_by.proposition))?;
        let mutation = found_by.mutation.as_deref().map(str::parse::<Mutation>).transpose()?;
        let rigorous = match found_by.mode.as_str() {
            "float" => false,
            "rigorous" => true,
            other => return Err(format!("the mode `{other}` is neither float nor rigorous")),
        };
        if let (true, Some(mutation)) = (rigorous, mutation) {
            // Certificates are about the right operators: nothing would be left of the mistake.
            return Err(format!(
                "the mutation `{mutation}` has no rigorous mode: keep the mode `float`, or remove \
                 the mutation to ask about the right operators"
            ));
        }
        Ok(Self {
            // `named` returns one for each name or an error.
            proposition: named.remove(0),
            sets: found_by.sets.parse()?,
            theory: Theory { mutation },
            rigorous,
            found_by,
        })
    }

    /// Checks the proposition again.
    pub fn run(&self, instance: &Instance) -> Finding {
        let selection = self.sets.selection(instance);
        let probes = probes(self.found_by.seed, self.found_by.index);
        let Self { proposition, theory, rigorous, .. } = self;
        campaign::check(proposition, instance, selection, *theory, *rigorous, probes)
    }
}
