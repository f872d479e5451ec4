//! Exact policy evaluation for small models: LU of I − γ P_π.

use crate::Mdp;
use operators::Discount;

/// I − γ P_π = L U, row by row in one array: L, whose diagonal is one, below the diagonal, U above
/// it, and on it the reciprocals of U's diagonal, as divisions are slow.
///
/// Without pivoting: every row of I − γ P_π is diagonally dominant with no positive entry off
/// the diagonal (weakly so for γ = 1, where a model that certainly ends makes it triangular up to
/// order), elimination keeps that, and no entry grows.
#[derive(Debug, Clone, Default)]
pub(super) struct Lu {
    n: usize,
    entries: Vec<f64>,
}

impl Lu {
    /// Takes over another policy. Terminal states get a unit row: nothing follows them.
    pub(super) fn factor(&mut self, mdp: &Mdp, gamma: Discount, policy: &[f64]) {
        self.assemble(mdp, gamma.get(), policy);
        self.eliminate();
    }

    fn assemble(&mut self, mdp: &Mdp, gamma: f64, policy: &[f64]) {
        let n = mdp.states();
        self.n = n;
        self.entries.clear();
        self.entries.resize(n * n, 0.0);
        let totals = mdp.nearest_totals();
        for ((state, pairs), entries) in
            mdp.layout().iter().enumerate().zip(self.entries.chunks_exact_mut(n))
        {
            if !mdp.is_terminal(state) {
                for pair in pairs {
                    let share = policy[pair] * totals.map_or(-gamma, |t| -gamma / t[pair]);
                    for (next, weight) in mdp.row(pair).iter() {
                        entries[next] += share * weight;
                    }
                }
            }
            entries[state] += 1.0;
        }
    }

    fn eliminate(&mut self) {
        let n = self.n;
        for k in 0..n {
            let (done, below) = self.entries.split_at_mut((k + 1) * n);
            let pivots = &mut done[k * n + k..];
            let scale = 1.0 / pivots[0];
            pivots[0] = scale;
            for row in below.chunks_exact_mut(n) {
                let row = &mut row[k..];
                if row[0] != 0.0 {
                    row[0] *= scale;
                    let factor = row[0];
                    for (x, &pivot) in row[1..].iter_mut().zip(&pivots[1..]) {
                        *x -= factor * pivot;
                    }
                }
            }
        }
    }

    fn rows(&self) -> impl DoubleEndedIterator<Item = (usize, &[f64])> + ExactSizeIterator {
        self.entries.chunks_exact(self.n).enumerate()
    }

    /// b := (L U)⁻¹ b.
    pub(super) fn solve(&self, b: &mut [f64]) {
        for (i, row) in self.rows() {
            b[i] -= dot(&row[..i], &b[..i]);
        }
        for (i, row) in self.rows().rev() {
            b[i] = (b[i] - dot(&row[i + 1..], &b[i + 1..])) * row[i];
        }
    }

    /// b := (L U)⁻ᵀ b.
    pub(super) fn solve_transposed(&self, b: &mut [f64]) {
        for (i, row) in self.rows() {
            b[i] *= row[i];
            let x = b[i];
            b[i + 1..].iter_mut().zip(&row[i + 1..]).for_each(|(b, &u)| *b -= u * x);
        }
        for (i, row) in self.rows().rev() {
            let x = b[i];
            b[..i].iter_mut().zip(row).for_each(|(b, &l)| *b -= l * x);
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| sum + x * y)
}

/// Newton's method with exact steps.
#[derive(Debug, Default)]
pub(super) struct DenseNewton {
    lu: Lu,
    /// max |TV − V| where the last factorisation was made; NaN before the first.
    factored_at: f64,
}

impl DenseNewton {
    pub(super) fn new() -> Self {
        Self { lu: Lu::default(), factored_at: f64::NAN }
    }

    /// step := (I − γ P_π)⁻¹ step, for `step` = TV − V of magnitude `norm`.
    ///
    /// Newton's method takes a residual e to C e², and with the matrix of the step before, d → e,
    /// to C d e = e²/d. Where that is already below the rounding `floor`, the old matrix will do.
    pub(super) fn advance(
        &mut self,
        mdp: &Mdp,
        gamma: Discount,
        policy: &[f64],
        fixed_policy: bool,
        (norm, floor): (f64, f64),
        step: &mut [f64],
    ) {
        let reuse = norm * norm <= self.factored_at * (floor / 32.0);
        let first = self.factored_at.is_nan();
        if first || !(fixed_policy || reuse) {
            self.lu.factor(mdp, gamma, policy);
            self.factored_at = norm;
        }
        self.lu.solve(step);
    }
}
