//! [`Theory`]: the operators that the propositions are about, and wrong ones to test the tests.

use crate::Mutation;
use operators::{
    CandidateSets, Cells, Dense, Discount, NumberSystem, OperatorError, Projection, RowLayout,
    Rows, Scalar, Selection, Successor, TopP, backup, kappa, leak, log_policy, policy_value,
    projection, soft_value,
};
use tabular::Mdp;

/// The operators of [`operators`], with at most one mistake put in.
///
/// Propositions call the operators through this, so that a wrong theory can be put in the place
/// of the right one: a check that cannot fail would pass every mutation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Theory {
    /// The mistake; none in the theory itself.
    pub mutation: Option<Mutation>,
}

type Outcome<T> = Result<T, OperatorError>;

/// The values of every row in reversed order.
fn reversed<T: Copy>(layout: &RowLayout, values: &[T]) -> Vec<T> {
    layout.iter().flat_map(|row| row.rev().map(|i| values[i])).collect()
}

impl Theory {
    fn has(self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// The candidate sets of the Boltzmann policy of `q`.
    ///
    /// # Errors
    /// Those of [`CandidateSets::select`].
    pub fn sets(
        self,
        layout: &RowLayout,
        q: &[f64],
        selection: Selection,
    ) -> Outcome<CandidateSets> {
        if self.has(Mutation::AnotherPolicysSets) {
            let negated: Vec<f64> = q.iter().map(|x| -x).collect();
            return CandidateSets::select(layout, &negated, selection);
        }
        if self.has(Mutation::TiesUpwards) {
            // Reversing rows, selecting and reversing back keeps the higher index among equals.
            let sets = CandidateSets::select(layout, &reversed(layout, q), selection)?;
            return CandidateSets::from_kept(layout, reversed(layout, sets.kept()));
        }
        CandidateSets::select(layout, q, selection)
    }

    /// r + γ E v.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn backup<T: Scalar>(
        self,
        n: &Dense<T>,
        mdp: &Mdp,
        reward: &Cells<Dense<T>>,
        gamma: Discount,
        v: &Rows<Dense<T>>,
    ) -> Outcome<Cells<Dense<T>>> {
        let gamma = if self.has(Mutation::DiscountDropped) { Discount::new(1.0)? } else { gamma };
        backup(n, reward, gamma, mdp, v)
    }

    /// proj_p of the Boltzmann policy of `q`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn projection<T: Scalar>(
        self,
        n: &Dense<T>,
        q: &Cells<Dense<T>>,
        set: &Vec<bool>,
    ) -> Outcome<Projection<Dense<T>>> {
        let mut projected = projection(n, q, set)?;
        if self.has(Mutation::ProjectionNotRenormalised) {
            let full = vec![true; set.len()];
            projected.log_probability = log_policy(n, q, &full)?;
            let share = n.exp(&projected.log_probability.0)?;
            projected.probability = Cells(n.keep(&share, set, 0.0)?);
        }
        Ok(projected)
    }

    /// The value of Q under a policy on its sets: V^π of B_p^π.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn policy_value<T: Scalar>(
        self,
        n: &Dense<T>,
        q: &Cells<Dense<T>>,
        policy: &Projection<Dense<T>>,
        set: &Vec<bool>,
    ) -> Outcome<Rows<Dense<T>>> {
        let sign = match self.mutation {
            // Without the anchor of the definition, which relies on a policy that sums to one.
            Some(Mutation::ProjectionNotRenormalised) => -1.0,
            Some(Mutation::EntropySignFlipped) => 1.0,
            _ => return policy_value(n, q, policy, set),
        };
        let entropy = n.scale(&policy.log_probability.0, sign)?;
        let gain = n.keep(&n.add(&q.0, &entropy)?, set, 0.0)?;
        Ok(Rows(n.row_sum(&n.mul(&policy.probability.0, &gain)?)?))
    }

    /// The soft value over the candidate set: V of T_p.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn top_p_value<T: Scalar>(
        self,
        n: &Dense<T>,
        q: &Cells<Dense<T>>,
        set: &Vec<bool>,
    ) -> Outcome<Rows<Dense<T>>> {
        if self.has(Mutation::TopPOverAllActions) {
            return soft_value(n, q, &vec![true; set.len()]);
        }
        soft_value(n, q, set)
    }

    /// ℓ(s).
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn leak<T: Scalar>(
        self,
        n: &Dense<T>,
        q: &Cells<Dense<T>>,
        set: &Vec<bool>,
    ) -> Outcome<Rows<Dense<T>>> {
        leak(n, q, set, &vec![true; set.len()])
    }

    /// γ E_{s'} [ ℓ(s') + Σ_{a'} π(a'|s') D(s',a') ]: one step of the leak identity.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn leak_step<T: Scalar>(
        self,
        n: &Dense<T>,
        mdp: &Mdp,
        gamma: Discount,
        leak: &Rows<Dense<T>>,
        policy: &Projection<Dense<T>>,
        gap: &Cells<Dense<T>>,
    ) -> Outcome<Cells<Dense<T>>> {
        let carried = n.row_sum(&n.mul(&policy.probability.0, &gap.0)?)?;
        let total = if self.has(Mutation::LeakWithoutFirstStep) {
            carried
        } else {
            n.add(&leak.0, &carried)?
        };
        let next = mdp.expected(n, &Rows(total))?;
        Ok(Cells(n.scale(&next.0, gamma.get())?))
    }

    /// κ for a leak per step.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn kappa<T: Scalar>(
        self,
        n: &Dense<T>,
        gamma: Discount,
        leak: &Rows<Dense<T>>,
    ) -> Outcome<Rows<Dense<T>>> {
        let bound = kappa(n, gamma, leak)?;
        if self.has(Mutation::KappaHalved) {
            return Ok(Rows(n.divide(&bound.0, 2.0)?));
        }
        Ok(bound)
    }

    /// −log p as a number.
    pub fn leak_of_p<T: Scalar>(self, p: TopP) -> T {
        T::from_f64(0.0) - T::from_f64(p.get()).ln()
    }
}
