//! [`Sample`]: the figures of one instance that statistics and plots are made of.

use crate::{Case, Number};
use operators::{Cells, Dense, NumberSystem, OperatorError, Rows, horizon_bound, supported_norm};
use serde::{Deserialize, Serialize};
use tabular::random::Source;

/// The gap of an instance against its bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The number of the instance.
    pub index: u64,
    /// Its family (the name up to the seed, or up to a slash) or file.
    pub name: String,
    /// γ.
    pub gamma: f64,
    /// p.
    pub p: f64,
    /// sup D over the support.
    pub gap: f64,
    /// κ(p).
    pub kappa: f64,
    /// κ with the largest leak of any state in place of −log p: the instance's own bound.
    pub instance_kappa: f64,
    /// The bound of a certain end, −log p Σ_{t=1}^{H−1} γ^t; none where some path never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon_bound: Option<f64>,
    /// ‖B Q₁ − B Q₂‖ / ‖Q₁ − Q₂‖ for one random pair.
    pub contraction: f64,
    /// The mean number of actions that a state keeps, over the number offered.
    pub kept: f64,
}

impl Sample {
    /// Reads the figures off a case.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn of<T: Number>(
        case: &Case<'_, T>,
        index: u64,
        probes: &mut Source,
    ) -> Result<Self, OperatorError> {
        let n = &case.n;
        let one = |leak| Rows(nalgebra::DVector::from_element(1, leak));
        let leak = one(case.largest_leak()?);
        let instance_kappa = case.theory.kappa(n, case.gamma(), &leak)?.0[0];
        let longest = case.horizons.as_ref().and_then(|h| h.iter().max().copied());
        let allowed = one(case.allowed_leak()?);
        let horizon_bound = longest.map(|h| horizon_bound(n, case.gamma(), &allowed, h));
        let kept = case.set.iter().filter(|&&k| k).count() as f64;
        let name = &case.instance.name;
        Ok(Self {
            index,
            name: family(name, index).to_string(),
            gamma: case.gamma().get(),
            p: case.instance.p.get(),
            gap: supported_norm(n, &case.gap()?, &case.set)?.center(),
            kappa: case.kappa()?.center(),
            instance_kappa: instance_kappa.center(),
            horizon_bound: horizon_bound.transpose()?.map(|bound| bound.0[0].center()),
            contraction: contraction_ratio(case, probes)?,
            kept: kept / case.mdp().pairs() as f64,
        })
    }
}

fn contraction_ratio<T: Number>(
    case: &Case<'_, T>,
    probes: &mut Source,
) -> Result<f64, OperatorError> {
    let n = &case.n;
    let mut table = || {
        let values: Vec<f64> = case.set.iter().map(|_| probes.signed(4.0)).collect();
        n.cells(&values)
    };
    let (q1, q2) = (table()?, table()?);
    let distance = |a: &Cells<Dense<T>>, b: &Cells<Dense<T>>| -> Result<f64, OperatorError> {
        Ok(supported_norm(n, &Cells(n.sub(&a.0, &b.0)?), &case.set)?.center())
    };
    Ok(distance(&case.top_p_backup(&q1)?, &case.top_p_backup(&q2)?)? / distance(&q1, &q2)?)
}

/// The family of a random instance, whose name is `family-seed-index`, or of one of several that
/// belong together, `family/name`; any other name as it is.
fn family(name: &str, index: u64) -> &str {
    if let Some((family, _)) = name.split_once('/') {
        return family;
    }
    let mut parts = name.rsplitn(3, '-');
    let (number, seed, family) = (parts.next(), parts.next(), parts.next());
    match family {
        Some(family)
            if number == Some(index.to_string().as_str())
                && seed.is_some_and(|s| s.parse::<u64>().is_ok()) =>
        {
            family
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::family;

    #[test]
    fn only_the_names_of_random_instances_are_cut() {
        assert_eq!(family("token-tree-0-17", 17), "token-tree");
        assert_eq!(family("gridworld-4-4", 0), "gridworld-4-4");
        assert_eq!(family("frozen-lake-0", 0), "frozen-lake-0");
        assert_eq!(family("loop", 0), "loop");
        assert_eq!(family("smollm2/record-3", 0), "smollm2");
    }
}
