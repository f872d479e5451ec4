//! D = Q* − Q̄^{proj π*}: what restricting the teacher to candidate sets costs, from its leak.
//!
//! ```text
//! D(s,a) = γ E_{s'} D_V(s'),   D_V = ℓ + γ P_{proj π*} D_V
//!        = E[ Σ_{t≥1} γ^t ℓ(s_t) ]  from (s,a) at t = 0, then along proj π*
//! ```
//!
//! The leak identity: the gap is the discounted leak along rollouts of the projected teacher.
//! So Q̄ is never computed, and the numbers that Q* − Q̄ subtracts (hundreds, at γ = 0.99) never
//! appear: the error of D is that of the leak, a few times 10⁻¹⁶, and not that of Q.

mod sample;

pub use sample::{Estimate, Rollouts};

use crate::Mdp;
use crate::occupancy::{OccupancyError, expect_end, projected};
use crate::solve::{TablePolicy, resolvent};
use operators::{
    CandidateSets, Dense, Discount, NumberSystem, OperatorError, Rows, horizon_bound, kappa,
};

/// The projected teacher, its leak and its gap, on one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// proj_p π*.
    pub policy: TablePolicy,
    /// ℓ(s) = −log m(s).
    pub leak: Vec<f64>,
    /// D_V(s) = V*(s) − V̄(s) for every state.
    pub state: Vec<f64>,
    /// D(s,a) = Q*(s,a) − Q̄(s,a) for every pair, dropped ones included.
    pub pair: Vec<f64>,
}

impl Gap {
    /// The exact gap, by one linear solve.
    ///
    /// # Errors
    /// [`OccupancyError::Operator`] when an argument does not fit the model;
    /// [`OccupancyError::Endless`] at γ = 1 when the projected teacher need not end.
    ///
    /// # Example
    /// ```
    /// use operators::{CandidateSets, Discount};
    /// use tabular::{MdpBuilder, gap::Gap};
    /// // A self loop with two equal actions, one of them kept: ℓ = ln 2 for ever.
    /// let mut builder = MdpBuilder::new(1);
    /// builder.action(0, 0, 0.0, &[(0, 1.0)])?;
    /// builder.action(0, 1, 0.0, &[(0, 1.0)])?;
    /// let (mdp, _) = builder.build()?;
    /// let sets = CandidateSets::from_kept(mdp.layout(), vec![true, false])?;
    /// let gap = Gap::exact(&mdp, Discount::new(0.5)?, &[0.0, 0.0], &sets)?;
    /// assert!((gap.pair[0] - 2f64.ln()).abs() < 1e-15);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exact(
        mdp: &Mdp,
        gamma: Discount,
        q_star: &[f64],
        sets: &CandidateSets,
    ) -> Result<Self, OccupancyError> {
        let policy = projected(q_star, sets)?;
        if !gamma.is_contracting() {
            expect_end(mdp, &policy.probability, &vec![true; mdp.states()])?;
        }
        let n = Dense::<f64>::new(mdp.layout());
        let full = n.mask(&CandidateSets::full(mdp.layout()));
        let leak = operators::leak(&n, &n.cells(q_star)?, &n.mask(sets), &full)?;
        let mut value = leak.clone();
        resolvent(mdp, gamma, &policy.probability, value.0.as_mut_slice());
        let no_reward = n.cells(&vec![0.0; mdp.pairs()])?;
        let pair = operators::backup(&n, &no_reward, gamma, mdp, &value)?;
        let plain = |array: &<Dense<f64> as NumberSystem>::Array| array.as_slice().to_vec();
        Ok(Self { policy, leak: plain(&leak.0), state: plain(&value.0), pair: plain(&pair.0) })
    }

    /// The largest leak of a state, −log of the smallest mass that a candidate set captures.
    pub fn largest_leak(&self) -> f64 {
        self.leak.iter().copied().fold(0.0, f64::max)
    }

    /// The bound γ ℓ / (1 − γ) with the largest leak ℓ, that is κ at the smallest captured mass
    /// in place of p; infinite at γ = 1 unless nothing leaks.
    ///
    /// # Errors
    /// None in practice: the shapes are fixed.
    pub fn mass_bound(&self, gamma: Discount) -> Result<f64, OperatorError> {
        self.bound_by(|n, leak| kappa(n, gamma, leak))
    }

    /// The bound ℓ Σ_{t=1}^{H−1} γ^t for a model that certainly ends within H transitions,
    /// whatever is done; `None` when some path never ends.
    ///
    /// # Errors
    /// None in practice: the shapes are fixed.
    pub fn horizon_bound(&self, mdp: &Mdp, gamma: Discount) -> Result<Option<f64>, OperatorError> {
        let bound = |horizon| self.bound_by(|n, leak| horizon_bound(n, gamma, leak, horizon));
        mdp.horizon().map(bound).transpose()
    }

    /// The smaller of [`Gap::mass_bound`] and [`Gap::horizon_bound`].
    ///
    /// # Errors
    /// As those.
    pub fn bound(&self, mdp: &Mdp, gamma: Discount) -> Result<f64, OperatorError> {
        let within_horizon = self.horizon_bound(mdp, gamma)?;
        Ok(self.mass_bound(gamma)?.min(within_horizon.unwrap_or(f64::INFINITY)))
    }

    /// A bound of the operators at the largest leak; 0 if nothing leaks (0/0 at γ = 1).
    fn bound_by(
        &self,
        bound: impl Fn(&Dense<f64>, &Rows<Dense<f64>>) -> Result<Rows<Dense<f64>>, OperatorError>,
    ) -> Result<f64, OperatorError> {
        let leak = self.largest_leak();
        if leak == 0.0 {
            return Ok(0.0);
        }
        let n = Dense::<f64>::new(&operators::RowLayout::uniform(1, 1)?);
        Ok(bound(&n, &n.rows(&[leak])?)?.0[0])
    }
}
