//! Where tables meet the trusted base: the checker's view of a model, and certificates for it.

use crate::{Case, Number};
use certificate::{Certificate, CertificateError, Model, RestrictedValues};
use operators::CandidateSets;
use tabular::Mdp;

/// The checker's view of a model, without copying it.
///
/// # Errors
/// [`CertificateError`] when the checker finds it malformed, which an [`Mdp`] never is.
pub fn view(mdp: &Mdp) -> Result<Model<'_>, CertificateError> {
    Model::new(
        mdp.layout().offsets(),
        mdp.actions(),
        mdp.rewards(),
        mdp.row_offsets(),
        mdp.successors(),
        mdp.weights(),
    )
}

/// The certificate that the solutions of a case support.
///
/// # Errors
/// [`CertificateError`] when values are not finite, or γ = 1 on a model that may never end.
pub fn certify<T: Number>(case: &Case<'_, T>) -> Result<Certificate, CertificateError> {
    let instance = case.instance;
    let restricted = RestrictedValues {
        kept: slots(&case.sets),
        projected: case.v_projected.clone(),
        top_p: case.v_top_p.clone(),
    };
    let (gamma, p) = (instance.gamma.get(), instance.p.get());
    let v = case.v_optimal.clone();
    Certificate::for_values(&view(&instance.mdp)?, gamma, p, v, Some(restricted))
}

/// The kept slots of each state, as certificates write them.
fn slots(sets: &CandidateSets) -> Vec<Vec<u32>> {
    let states = 0..sets.layout().rows();
    states.map(|state| sets.slots(state).map(|slot| slot as u32).collect()).collect()
}
