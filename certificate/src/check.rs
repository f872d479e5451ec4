//! [`check`]: from a certificate and a model to facts, or to the reason why not.

use crate::bound::{Operator, action_values, bound, fixed_point};
use crate::ending::{Growth, horizons, leak_sum};
use crate::model::expect_length;
use crate::sets::{Action, SetFacts, set_facts};
use crate::sweep::backup_difference;
use crate::{Certificate, CertificateError, Model, ModelHash, Restricted, Sets, ValueBounds};
use rounding::Enclosure;

/// The answer of [`check`].
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The certificate holds, and these facts with it.
    Accepted(Box<Checked>),
    /// The certificate does not show what it claims.
    Refused(Refusal),
}

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is about another model.
    #[error("the certificate is about the model {claimed}, not about this one, {found}")]
    Model {
        /// The hash in the certificate.
        claimed: ModelHash,
        /// The hash of the model at hand.
        found: ModelHash,
    },
    /// Something in it does not fit the model: see [`CertificateError`] for what can be wrong.
    #[error("{reason}")]
    Unfit {
        /// What and where.
        reason: String,
    },
    /// A claimed bound that the sweep does not confirm.
    #[error(
        "{what}: the certificate claims that the residual is at least {claimed}, but at state \
         {state} no more than {recomputed} is shown"
    )]
    Below {
        /// Which values.
        what: &'static str,
        /// A state where the claim fails.
        state: usize,
        /// The bound claimed.
        claimed: f64,
        /// The bound recomputed.
        recomputed: f64,
    },
    /// A claimed bound that the sweep does not confirm.
    #[error(
        "{what}: the certificate claims that the residual is at most {claimed}, but at state \
         {state} no less than {recomputed} is shown"
    )]
    Above {
        /// Which values.
        what: &'static str,
        /// A state where the claim fails.
        state: usize,
        /// The bound claimed.
        claimed: f64,
        /// The bound recomputed.
        recomputed: f64,
    },
}

impl From<CertificateError> for Refusal {
    fn from(error: CertificateError) -> Self {
        Self::Unfit { reason: error.to_string() }
    }
}

/// What an accepted certificate proves. Real numbers lie inside the enclosures named after them.
#[derive(Debug, Clone)]
pub struct Checked {
    /// V*(s) of every state.
    pub v_star: Vec<Enclosure>,
    /// Q*(s,a) of every pair.
    pub q_star: Vec<Enclosure>,
    /// The largest width among `v_star`.
    pub width: f64,
    /// The largest number of transitions before a terminal state, when the model certainly ends.
    pub horizon: Option<u32>,
    /// What is proved over the candidate sets.
    pub restricted: Option<CheckedSets>,
}

/// What an accepted certificate proves over its candidate sets.
#[derive(Debug, Clone)]
pub struct CheckedSets {
    /// V̄(s) of the projected teacher, every state.
    pub v_projected: Vec<Enclosure>,
    /// V̄_p*(s), every state.
    pub v_top_p: Vec<Enclosure>,
    /// The largest width among the two.
    pub width: f64,
    /// Each state's set.
    pub states: Vec<SetFacts>,
    /// max (Q* − Q̄^{proj_p π*}) over the support.
    pub gap_projected: Enclosure,
    /// max (Q* − Q̄_p*) over the support.
    pub gap_top_p: Enclosure,
    /// κ(p) = −γ log p / (1 − γ); `None` for γ = 1.
    pub kappa: Option<Enclosure>,
    /// The same with the smallest captured mass in place of p, whatever was proved of p.
    pub kappa_from_mass: Option<Enclosure>,
    /// −log p · Σ_{t=1}^{H−1} γ^t when the model ends after at most H transitions.
    pub horizon_bound: Option<Enclosure>,
}

/// Whether the certificate holds for the model: every bound in it is computed anew.
pub fn check(certificate: &Certificate, model: &Model<'_>) -> Verdict {
    match checked(certificate, model) {
        Ok(facts) => Verdict::Accepted(Box::new(facts)),
        Err(refusal) => Verdict::Refused(refusal),
    }
}

fn checked(certificate: &Certificate, model: &Model<'_>) -> Result<Checked, Refusal> {
    let (claimed, found) = (certificate.model_hash, model.hash());
    if claimed != found {
        return Err(Refusal::Model { claimed, found });
    }
    let frame = Frame::new(model, certificate.gamma, certificate.p)?;
    let v_star = frame.confirm(&certificate.optimal, &Operator::Optimal)?;
    let q_star = action_values(model, frame.gamma, &v_star);
    let restricted = certificate.restricted.as_ref();
    let restricted = restricted.map(|r| frame.checked_sets(r, &v_star, &q_star)).transpose()?;
    let width = widest(&v_star);
    let horizon = frame.horizon();
    Ok(Checked { v_star, q_star, width, horizon, restricted })
}

/// A model with the γ and p of a certificate, in range.
pub(crate) struct Frame<'a> {
    pub(crate) model: &'a Model<'a>,
    pub(crate) gamma: f64,
    p: f64,
    horizons: Option<Vec<u32>>,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(model: &'a Model<'a>, gamma: f64, p: f64) -> Result<Self, CertificateError> {
        if !(0.0..=1.0).contains(&gamma) {
            return Err(CertificateError::Gamma { value: gamma });
        }
        if !(p > 0.0 && p <= 1.0) {
            return Err(CertificateError::P { value: p });
        }
        let horizons = horizons(model);
        if gamma == 1.0 && horizons.is_none() {
            return Err(CertificateError::Gamma { value: gamma });
        }
        Ok(Self { model, gamma, p, horizons })
    }

    fn horizon(&self) -> Option<u32> {
        self.horizons.as_ref().map(|h| h.iter().copied().max().unwrap_or(0))
    }

    /// Whether the values are finite, one for each state; with γ = 1 also 0 in terminal states.
    pub(crate) fn admit(&self, v: &[f64], what: &'static str) -> Result<(), CertificateError> {
        expect_length(what, v.len(), self.model.states())?;
        if let Some(state) = v.iter().position(|x| !x.is_finite()) {
            return Err(CertificateError::Value { what, state, value: v[state] });
        }
        match self.first_loose_end(v) {
            Some(state) if self.gamma == 1.0 => {
                Err(CertificateError::Terminal { what, state, value: v[state] })
            }
            _ => Ok(()),
        }
    }

    /// The first terminal state whose value is not 0.
    fn first_loose_end(&self, v: &[f64]) -> Option<usize> {
        (0..v.len()).find(|&state| v[state] != 0.0 && self.model.is_terminal(state))
    }

    /// Where the fixed point lies if the bounds hold.
    pub(crate) fn enclose(
        &self,
        bounds: &ValueBounds,
        operator: &Operator<'_>,
    ) -> Result<Vec<Enclosure>, CertificateError> {
        self.admit(&bounds.v, operator.name())?;
        let growth = match &self.horizons {
            Some(horizons) if self.first_loose_end(&bounds.v).is_none() => {
                Growth::ending(self.gamma, horizons)
            }
            _ => Growth::discounted(self.gamma),
        };
        Ok(fixed_point(&bounds.v, bounds.c_lo, bounds.c_hi, &growth))
    }

    /// Where the fixed point lies, once a sweep has shown that the bounds hold.
    fn confirm(
        &self,
        bounds: &ValueBounds,
        operator: &Operator<'_>,
    ) -> Result<Vec<Enclosure>, Refusal> {
        let what = operator.name();
        self.admit(&bounds.v, what)?;
        let residual = bound(self.model, self.gamma, &bounds.v, operator).bounded(what)?;
        // Written so that NaN fails.
        let holds = bounds.c_lo.is_finite() && bounds.c_lo <= residual.lo;
        if !holds {
            let (claimed, recomputed) = (bounds.c_lo, residual.lo);
            return Err(Refusal::Below { what, state: residual.lowest, claimed, recomputed });
        }
        let holds = bounds.c_hi.is_finite() && bounds.c_hi >= residual.hi;
        if !holds {
            let (claimed, recomputed) = (bounds.c_hi, residual.hi);
            return Err(Refusal::Above { what, state: residual.highest, claimed, recomputed });
        }
        Ok(self.enclose(bounds, operator)?)
    }

    fn checked_sets(
        &self,
        claim: &Restricted,
        v_star: &[Enclosure],
        q_star: &[Enclosure],
    ) -> Result<CheckedSets, Refusal> {
        let sets = Sets::new(self.model, &claim.kept)?;
        let teacher = Operator::Projected { sets: &sets, q_star };
        let v_projected = self.confirm(&claim.projected, &teacher)?;
        let v_top_p = self.confirm(&claim.top_p, &Operator::TopP(&sets))?;
        let states = self.set_facts(&sets, q_star);
        let largest_leak = states.iter().fold(Enclosure::ZERO, |most, s| most.max(s.leak));
        let leak_at_p = -Enclosure::exact(self.p).ln();
        Ok(CheckedSets {
            width: widest(&v_projected).max(widest(&v_top_p)),
            gap_projected: self.largest_gap(&sets, v_star, &v_projected),
            gap_top_p: self.largest_gap(&sets, v_star, &v_top_p),
            kappa: self.kappa(leak_at_p),
            kappa_from_mass: self.kappa(largest_leak),
            horizon_bound: self.horizon().map(|h| leak_at_p * leak_sum(self.gamma, h)),
            v_projected,
            v_top_p,
            states,
        })
    }

    fn set_facts(&self, sets: &Sets, q_star: &[Enclosure]) -> Vec<SetFacts> {
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        let facts = |state| {
            kept.clear();
            dropped.clear();
            for (slot, pair) in self.model.pairs_of(state).enumerate() {
                let action = Action { slot, q: q_star[pair] };
                if sets.keeps(pair) { &mut kept } else { &mut dropped }.push(action);
            }
            set_facts(self.p, &kept, &dropped)
        };
        (0..self.model.states()).map(facts).collect()
    }

    /// max over the support of Q* − Q̄ = γ E (V* − V̄).
    fn largest_gap(&self, sets: &Sets, v_star: &[Enclosure], v_bar: &[Enclosure]) -> Enclosure {
        let pairs = (0..self.model.pairs()).filter(|&pair| sets.keeps(pair));
        pairs
            .map(|pair| backup_difference(self.model, self.gamma, pair, v_star, v_bar))
            .reduce(Enclosure::max)
            .unwrap_or(Enclosure::ENTIRE)
    }

    /// γ · leak / (1 − γ).
    fn kappa(&self, leak: Enclosure) -> Option<Enclosure> {
        let gamma = Enclosure::exact(self.gamma);
        (self.gamma < 1.0).then(|| gamma * leak / (Enclosure::ONE - gamma))
    }
}

fn widest(enclosures: &[Enclosure]) -> f64 {
    enclosures.iter().fold(0.0, |widest, e| e.width().max(widest))
}
