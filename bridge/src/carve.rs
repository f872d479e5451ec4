//! [`carve`]: the MDP in which a language model is the soft-optimal policy.

use crate::{BridgeError, Carving, Reading};
use operators::{
    CandidateSets, Dense, NumberSystem, Selection, implied_reward, log_policy, soft_value,
};
use rounding::Enclosure;
use serde_json::{Value, json};
use std::collections::HashMap;
use tabular::{Instance, Mdp, MdpBuilder};
use verify::{Case, Theory};

/// A language model as an MDP.
///
/// State i is the i-th prefix of the reading, and the last state is the end: absorbing, at no reward,
/// of value 0. The actions of a prefix are its listed tokens, by number, and [`Carved::other`] for all
/// others together. A token that is followed leads to the longer prefix; one that ends the response,
/// one that is not followed, the last one before the depth is reached, and `other` lead to the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Carved {
    /// The model, with γ, p and the teacher's candidate sets; `other` is in none.
    pub instance: Instance,
    /// The teacher's Q-values, a number for each pair; 0 at the end.
    pub q: Vec<f64>,
    /// The tokens of each prefix, in order of the states.
    pub prefixes: Vec<Vec<u32>>,
    /// The action that stands for every token that is not listed: the size of the vocabulary.
    pub other: u32,
}

/// Lays a reading out as an MDP.
///
/// ```text
/// r(s,a) = Q(s,a) − γ V(s'),   V(s) = log Σ_a exp Q(s,a),   V(end) = 0
/// ```
///
/// The inverse soft Bellman operator: with these rewards Q* = Q and π* is the teacher, whatever was
/// taken from the logits of a state. Where the tree is cut, the reward of the last token is all of its
/// Q-value, as it is of a token that ends the response. Rewards are rounded; by how much that moves
/// log π*, [`Carved::deviation`] says.
///
/// # Errors
/// [`BridgeError::Model`] and [`BridgeError::Operator`] for readings whose numbers are not finite.
pub fn carve(reading: &Reading, carving: &Carving, name: &str) -> Result<Carved, BridgeError> {
    let other = reading.vocabulary as u32;
    let mdp = without_rewards(reading, other)?;
    let q: Vec<f64> = reading.rows.iter().flat_map(|row| row.q()).chain([0.0]).collect();
    let n = Dense::<f64>::new(mdp.layout());
    let cells = n.cells(&q)?;
    let value = soft_value(&n, &cells, &vec![true; q.len()])?;
    let reward = implied_reward(&n, &cells, carving.gamma, &mdp, &value)?;
    let mdp = mdp.with_rewards(reward.0.as_slice())?;
    let kept = reading.rows.iter().flat_map(|row| {
        row.cells.iter().map(|cell| cell.candidate).chain(row.other.map(|_| false))
    });
    let sets = CandidateSets::from_kept(mdp.layout(), kept.chain([true]).collect())?;
    let instance =
        Instance { sets: Some(sets), ..Instance::new(name, mdp, carving.gamma, carving.p) };
    Ok(Carved { instance, q, prefixes: reading.prefixes.clone(), other })
}

/// The states and where their actions lead.
fn without_rewards(reading: &Reading, other: u32) -> Result<Mdp, BridgeError> {
    let numbers: HashMap<&[u32], usize> =
        reading.prefixes.iter().enumerate().map(|(i, prefix)| (&prefix[..], i)).collect();
    let end = reading.prefixes.len();
    let mut builder = MdpBuilder::new(end + 1);
    for (state, (prefix, row)) in reading.prefixes.iter().zip(&reading.rows).enumerate() {
        for cell in &row.cells {
            let longer = [&prefix[..], &[cell.token]].concat();
            let next = numbers.get(&longer[..]).copied().unwrap_or(end);
            builder.action(state, cell.token, 0.0, &[(next, 1.0)])?;
        }
        if row.other.is_some() {
            builder.action(state, other, 0.0, &[(end, 1.0)])?;
        }
    }
    builder.terminal(end)?;
    Ok(builder.build()?.0)
}

impl Carved {
    /// How far log π* of the MDP is from the teacher's log-probabilities, at most, over all pairs.
    ///
    /// A theorem about the doubles of both: Q* is enclosed by a certificate, and the difference is
    /// computed with outward rounding.
    ///
    /// # Errors
    /// [`BridgeError::Case`] when no certificate can be made.
    pub fn deviation(&self) -> Result<f64, BridgeError> {
        let rule = Selection::TopP(self.instance.p);
        let case = Case::<Enclosure>::enclose(&self.instance, rule, Theory::default())?;
        let n = &case.n;
        let optimal = log_policy(n, &case.q_star, &case.full)?;
        let teacher = log_policy(n, &n.cells(&self.q)?, &case.full)?;
        let apart = n.abs(&n.sub(&optimal.0, &teacher.0)?)?;
        Ok(n.largest(&apart, &case.full)?.hi())
    }

    /// What a model file says of where it comes from: the tokens of each state, and which action
    /// stands for all other tokens.
    pub fn notes(&self) -> Value {
        json!({ "prefixes": self.prefixes, "other": self.other })
    }
}
