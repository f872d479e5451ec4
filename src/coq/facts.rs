//! What the theorems about tables reach, foreseen in directed rounding.
//!
//! Step by step what `proofs/theories/concrete_sweep.v` computes, on enclosures of doubles. Those
//! are wider than the kernel's, which carries more bits, so what is stated from them is proved.

use super::CoqError;
use super::numbers::proportions;
use certificate::bound::{Operator, action_values, bound, fixed_point};
use certificate::ending::Growth;
use certificate::sweep::{backup, backup_difference, log_sum_exp};
use certificate::{Certificate, Model, Restricted, Sets};
use rounding::Enclosure;
use rounding::directed::{mul_up, sub_up};

/// Enclosures of what the file states.
pub struct Facts {
    /// Which pairs are in their sets.
    pub sets: Sets,
    /// Q* of every pair.
    pub q_star: Vec<Enclosure>,
    /// Q̄_p* of every pair.
    pub q_top_p: Vec<Enclosure>,
    /// Q̄ of the projected teacher, every pair.
    pub q_projected: Vec<Enclosure>,
    /// The mass to claim for every set: p where that is shown, otherwise what is.
    pub mass: f64,
    /// Whether every set is shown to be the smallest one of most likely actions that carries p.
    pub nuclei: bool,
    /// max |Q* − Q̄_p*| over the support.
    pub gap_top_p: Enclosure,
    /// max |Q* − Q̄^{proj_p π*}| over the support.
    pub gap_projected: Enclosure,
    /// κ of [`Facts::mass`].
    pub kappa: Enclosure,
}

impl Facts {
    /// Everything, from the values in the certificate.
    pub fn new(
        certificate: &Certificate,
        restricted: &Restricted,
        model: &Model<'_>,
    ) -> Result<Self, CoqError> {
        let sets = Sets::new(model, &restricted.kept)?;
        let sweep = Sweep { certificate, restricted, model, sets: &sets };
        let v_star = sweep.certified(&certificate.optimal.v, &Operator::Optimal);
        let v_top_p = sweep.certified(&restricted.top_p.v, &Operator::TopP(&sets));
        let q_star = action_values(model, certificate.gamma, &v_star);
        let v_projected = sweep.projected(&q_star);
        let mass = sweep.mass(&v_star, &q_star).ok_or(CoqError::Wide { what: "captured mass" })?;
        let gamma = Enclosure::exact(certificate.gamma);
        Ok(Self {
            gap_top_p: sweep.gap(&v_star, &v_top_p),
            gap_projected: sweep.gap(&v_star, &v_projected),
            kappa: -(gamma * Enclosure::exact(mass).ln()) / (Enclosure::ONE - gamma),
            nuclei: mass == certificate.p && sweep.nuclei(&v_star, &q_star),
            mass,
            q_top_p: action_values(model, certificate.gamma, &v_top_p),
            q_projected: action_values(model, certificate.gamma, &v_projected),
            q_star,
            sets,
        })
    }
}

struct Sweep<'a> {
    certificate: &'a Certificate,
    restricted: &'a Restricted,
    model: &'a Model<'a>,
    sets: &'a Sets,
}

impl Sweep<'_> {
    fn certified(&self, v: &[f64], operator: &Operator<'_>) -> Vec<Enclosure> {
        let residual = bound(self.model, self.certificate.gamma, v, operator);
        self.around(v, residual.lo, residual.hi)
    }

    /// The theorems know no horizon: 1/(1−γ) everywhere.
    fn around(&self, v: &[f64], lo: f64, hi: f64) -> Vec<Enclosure> {
        fixed_point(v, lo, hi, &Growth::discounted(self.certificate.gamma))
    }

    /// The pairs that a state's set keeps.
    fn kept(&self, state: usize) -> impl Iterator<Item = usize> + '_ {
        self.model.pairs_of(state).filter(|&pair| self.sets.keeps(pair))
    }

    /// log Σ exp Q* over a state's set.
    fn soft_value(&self, state: usize, q_star: &[Enclosure]) -> Enclosure {
        log_sum_exp(&self.kept(state).map(|pair| q_star[pair]).collect::<Vec<_>>())
    }

    /// Values of the projected teacher. Its weights are computed for a table θ near Q*, r + γ E V
    /// for the certificate's V: Σ w (q − log w) = L − c − Σ w (θ − q − c). Q* in place of θ changes
    /// that by at most ½ ρ (max − min) of Q* − q and θ − q, where |Q* − θ| ≤ ρ.
    fn projected(&self, q_star: &[Enclosure]) -> Vec<Enclosure> {
        let v = &self.restricted.projected.v;
        let all = (0..self.model.states()).map(|state| self.projected_residual(state, q_star));
        let all = all.reduce(Enclosure::hull).unwrap_or(Enclosure::ENTIRE);
        self.around(v, all.lo(), all.hi())
    }

    fn projected_residual(&self, state: usize, q_star: &[Enclosure]) -> Enclosure {
        let (near, values) = (&self.certificate.optimal.v, &self.restricted.projected.v);
        let table = |v: &[f64], pair| {
            backup(self.model, self.certificate.gamma, pair, &|s| Enclosure::exact(v[s]))
        };
        let pairs: Vec<usize> = self.kept(state).collect();
        let theta: Vec<Enclosure> = pairs.iter().map(|&pair| table(near, pair)).collect();
        let norm = log_sum_exp(&theta);
        let c = Enclosure::exact(near[state]) - Enclosure::exact(values[state]);
        let (mut sum, mut rho) = (Enclosure::ZERO, 0.0f64);
        let mut range: Option<Enclosure> = None;
        for (&pair, &theta) in pairs.iter().zip(&theta) {
            let q = table(values, pair);
            sum = sum + (theta - norm).exp() * (theta - q - c);
            rho = rho.max((q_star[pair] - theta).abs().hi());
            let both = (q_star[pair] - q).hull(theta - q);
            range = Some(range.map_or(both, |range| range.hull(both)));
        }
        let range = range.unwrap_or(Enclosure::ENTIRE);
        let slack = mul_up(0.5, mul_up(rho, sub_up(range.hi(), range.lo())));
        (norm - c - sum - Enclosure::exact(values[state])).widen(-slack, slack)
    }

    /// p where every set is shown to carry it; otherwise the largest mass with few bits that all
    /// of them are shown to carry, `None` where that is nothing.
    fn mass(&self, v_star: &[Enclosure], q_star: &[Enclosure]) -> Option<f64> {
        let mut least = 1.0f64;
        for (state, &value) in v_star.iter().enumerate() {
            let (kept, offered) = (self.kept(state).count(), self.model.pairs_of(state).len());
            // The share of those kept, where all do the same. Rounded once: the sign is exact.
            let share = || self.certificate.p.mul_add(offered as f64, -(kept as f64)) <= 0.0;
            if kept < offered && !(self.all_alike(state) && share()) {
                let mass = (self.soft_value(state, q_star) - value).exp();
                least = least.min(mass.lo());
            }
        }
        if least >= self.certificate.p {
            return Some(self.certificate.p);
        }
        const STEPS: f64 = (1u64 << 30) as f64;
        let mass = (least * STEPS - 1.0).floor() / STEPS;
        (mass > 0.0).then_some(mass)
    }

    /// Whether each kept action is strictly more likely than each dropped one, and no set carries
    /// p without one of its actions.
    fn nuclei(&self, v_star: &[Enclosure], q_star: &[Enclosure]) -> bool {
        let p = Enclosure::exact(self.certificate.p);
        v_star.iter().enumerate().all(|(state, &value)| {
            let dropped = self.model.pairs_of(state).filter(|&pair| !self.sets.keeps(pair));
            let most = dropped.fold(f64::NEG_INFINITY, |most, pair| most.max(q_star[pair].hi()));
            let mass = (self.soft_value(state, q_star) - value).exp();
            self.kept(state).all(|pair| {
                let weight = (q_star[pair] - value).exp();
                q_star[pair].lo() > most && (p - (mass - weight)).lo() > 0.0
            })
        })
    }

    /// Whether all actions of a state have the same reward and the same next states.
    fn all_alike(&self, state: usize) -> bool {
        let does = |pair| {
            let (successors, weights) = self.model.row(pair);
            (self.model.reward(pair), successors, proportions(weights))
        };
        let mut pairs = self.model.pairs_of(state);
        let first = pairs.next().map(does);
        pairs.all(|pair| Some(does(pair)) == first)
    }

    /// The largest |γ E (v − w)| over the support. Differences are not negative in truth, but
    /// nothing here relies on that.
    fn gap(&self, v: &[Enclosure], w: &[Enclosure]) -> Enclosure {
        let pairs = (0..self.model.pairs()).filter(|&pair| self.sets.keeps(pair));
        let (mut lo, mut hi) = (f64::NEG_INFINITY, 0.0f64);
        for pair in pairs {
            let gap = backup_difference(self.model, self.certificate.gamma, pair, v, w);
            lo = lo.max(gap.lo());
            hi = hi.max(gap.hi()).max(-gap.lo());
        }
        Enclosure::new(lo, hi).unwrap_or(Enclosure::ENTIRE)
    }
}
