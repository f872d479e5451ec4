//! [`Case`] in rigorous arithmetic: every fixed point enclosed by a certificate.

use crate::{Case, CaseError, Theory, certify, view};
use certificate::{Checked, CheckedSets, Verdict, check};
use nalgebra::DVector;
use operators::{Cells, Dense, Rows, Selection};
use rounding::Enclosure;
use tabular::Instance;

impl<'a> Case<'a, Enclosure> {
    /// Encloses the instance's fixed points: solves in floats, certifies, and keeps what the
    /// checker proves.
    ///
    /// The candidate sets are the instance's own or those that floats chose; every verdict is about
    /// them.
    ///
    /// # Errors
    /// [`CaseError`] when the values are not finite.
    pub fn enclose(
        instance: &'a Instance,
        selection: Selection,
        theory: Theory,
    ) -> Result<Self, CaseError> {
        let float = Case::<f64>::solve(instance, selection, theory)?;
        let certificate = certify(&float)?;
        match check(&certificate, &view(&instance.mdp)?) {
            Verdict::Refused(reason) => Err(reason.into()),
            Verdict::Accepted(facts) => Self::from_facts(float, *facts),
        }
    }

    fn from_facts(float: Case<'a, f64>, facts: Checked) -> Result<Self, CaseError> {
        let instance = float.instance;
        let theory = float.theory;
        let n = Dense::<Enclosure>::new(instance.mdp.layout());
        let reward = n.cells(instance.mdp.rewards())?;
        let q_star = Cells::<Dense<Enclosure>>(DVector::from_vec(facts.q_star));
        // `certify` always writes candidate sets.
        let CheckedSets { v_projected, v_top_p, .. } =
            facts.restricted.ok_or(certificate::CertificateError::Kept { state: 0 })?;
        let action_values = |v: Vec<Enclosure>| {
            let v = Rows(DVector::from_vec(v));
            operators::backup(&n, &reward, instance.gamma, &instance.mdp, &v)
        };
        Ok(Case {
            teacher: theory.projection(&n, &q_star, &float.set)?,
            leak: theory.leak(&n, &q_star, &float.set)?,
            q_projected: action_values(v_projected)?,
            q_top_p: action_values(v_top_p)?,
            v_star: Rows(DVector::from_vec(facts.v_star)),
            q_star,
            reward,
            n,
            instance,
            theory,
            selection: float.selection,
            sets: float.sets,
            set: float.set,
            full: float.full,
            v_optimal: float.v_optimal,
            v_projected: float.v_projected,
            v_top_p: float.v_top_p,
            coincidence: float.coincidence,
            horizons: float.horizons,
            step_slack: 0.0,
            value_slack: 0.0,
            rounding: float.rounding,
        })
    }
}
