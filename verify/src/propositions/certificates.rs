//! Certificates enclose the fixed points, and the candidate sets are what they claim to be.

use crate::{Case, Finding, Judge, Number, Place, certify, view};
use certificate::{Certificate, CheckedSets, Decision, SetFacts, Verdict, check};
use operators::{OperatorError, Selection};
use rounding::Enclosure;
use tabular::random::Source;
use tabular::solve::action_values;

const HERE: Place = Place { state: 0, action: None };

pub(super) fn certificate<T: Number>(
    case: &Case<'_, T>,
    _: &mut Source,
) -> Result<Finding, OperatorError> {
    let mut judge = Judge::new();
    let made = view(case.mdp()).and_then(|model| Ok((certify(case)?, model)));
    let Ok((certificate, model)) = made else {
        // A refusal to certify is no wrong certificate: the claim is about accepted ones.
        judge.holds::<T>("the values found can be certified", HERE, None);
        return Ok(judge.finish::<T>());
    };
    match check(&certificate, &model) {
        Verdict::Refused(_) => {
            judge.holds::<T>("the checker accepts what was certified", HERE, Some(false));
        }
        Verdict::Accepted(facts) => {
            contains(case, &mut judge, "V* lies in its enclosure", &facts.v_star, &case.v_star.0);
            if let Some(CheckedSets { states, .. }) = &facts.restricted {
                judge_sets(case, &mut judge, states);
            }
        }
    }
    refuses_a_narrower_claim(&mut judge, certificate, &model);
    Ok(judge.finish::<T>())
}

/// A certificate that claims a little more than is true must be refused.
fn refuses_a_narrower_claim(
    judge: &mut Judge,
    mut certificate: Certificate,
    model: &certificate::Model<'_>,
) {
    certificate.optimal.c_hi = certificate.optimal.c_hi.next_down();
    let refused = matches!(check(&certificate, model), Verdict::Refused(_));
    judge.holds::<f64>("a narrower claim is refused", HERE, Some(refused));
}

fn contains<T: Number>(
    case: &Case<'_, T>,
    judge: &mut Judge,
    claim: &'static str,
    enclosures: &[Enclosure],
    values: &nalgebra::DVector<T>,
) {
    for (state, (enclosure, &value)) in enclosures.iter().zip(values).enumerate() {
        let place = Place { state, action: None };
        judge.at_most(claim, place, T::from_f64(enclosure.lo()), value, case.value_slack);
        judge.at_most(claim, place, value, T::from_f64(enclosure.hi()), case.value_slack);
    }
}

/// The sets carry mass p, and they are the nucleus: proved by the checker where it can, and in
/// floats by the definition, which is about exact ties too.
fn judge_sets<T: Number>(case: &Case<'_, T>, judge: &mut Judge, facts: &[SetFacts]) {
    if !matches!(case.rule(), Some(Selection::TopP(_))) {
        return;
    }
    let decide = |decision: Decision| match decision {
        Decision::Proved => Some(true),
        Decision::Refuted => Some(false),
        Decision::Undecided if T::RIGOROUS => None,
        // In floats the definition below decides.
        Decision::Undecided => Some(true),
    };
    // The very doubles that the sets were chosen from: ties among them are exact.
    let q = action_values(case.mdp(), case.gamma(), &case.v_optimal);
    for (state, facts) in facts.iter().enumerate() {
        let place = Place { state, action: None };
        judge.holds::<T>("the set carries mass p", place, decide(facts.mass_at_least_p));
        judge.holds::<T>("the set is the nucleus", place, decide(facts.nucleus));
        let cells = case.mdp().pairs_of(state);
        let prefix = is_prefix_of_the_order(&q[cells.clone()], &case.set[cells]);
        judge.holds::<f64>("kept before dropped, ties by the lower index", place, Some(prefix));
    }
}

/// Whether every kept action comes before every dropped one: a higher Q, or the same and a lower
/// index.
fn is_prefix_of_the_order(q: &[f64], kept: &[bool]) -> bool {
    let before = |a: usize, b: usize| q[a] > q[b] || (q[a] == q[b] && a < b);
    let kept_ones = (0..q.len()).filter(|&a| kept[a]);
    kept_ones.into_iter().all(|a| (0..q.len()).all(|b| kept[b] || before(a, b)))
}
