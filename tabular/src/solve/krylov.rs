//! Linear systems with I − γ P_π: Richardson's iteration while it is fast, else BiCGSTAB.

use super::parallel::Chunks;
use super::policy_matrix::ScaledMatrix;
use super::sweep::{Ends, larger};

/// Work space for systems over the states of one model.
///
/// On models that mix fast, r ← γ P_π r shrinks all but a constant quickly, and the constant can
/// be taken out: nothing that costs more a step does better when the spectrum fills a disk. On
/// slow ones a Krylov method finds the few slow directions.
///
/// Source: van der Vorst, Bi-CGSTAB, SIAM J. Sci. Stat. Comput. 13 (1992); (r̂, r) is updated
/// from the products of the same pass over the vectors, which saves one pass.
#[derive(Debug)]
pub(super) struct Krylov<'a> {
    chunks: &'a Chunks,
    r: Vec<f64>,
    shadow: Vec<f64>,
    p: Vec<f64>,
    ap: Vec<f64>,
    ar: Vec<f64>,
    kept: Vec<f64>,
    /// Richardson steps in a row that were slow.
    slow: usize,
}

/// The most products that one system may cost.
pub(super) const BUDGET: usize = 5_000;
/// Richardson's iteration goes on while a step leaves at most this share of the residual.
const FAST: f64 = 0.6;
/// So many slow steps in a row settle that the model mixes slowly.
const PATIENCE: usize = 3;
/// Richardson steps after BiCGSTAB has failed.
const RESCUE: usize = 20;

impl<'a> Krylov<'a> {
    pub(super) fn new(chunks: &'a Chunks, states: usize) -> Self {
        let zeros = || vec![0.0; states];
        Self {
            chunks,
            r: zeros(),
            shadow: zeros(),
            p: zeros(),
            ap: zeros(),
            ar: zeros(),
            kept: Vec::new(),
            slow: 0,
        }
    }

    /// x := A⁻¹ b until max |b − A x| ≤ `target` or about `budget` products with A are spent;
    /// the products spent.
    ///
    /// Whatever happens, steps x ← x + (b − A x), which cannot fail for γ < 1, take over where
    /// BiCGSTAB does not lower the residual.
    pub(super) fn solve(
        &mut self,
        matrix: &impl ScaledMatrix,
        b: &[f64],
        x: &mut [f64],
        target: f64,
        budget: usize,
    ) -> usize {
        x.fill(0.0);
        self.r.copy_from_slice(b);
        let mut ends = Ends::over(b.iter().copied());
        let mut products = 0;
        // Written so that NaN ends it.
        while ends.magnitude() > target && products < budget {
            if self.slow < PATIENCE {
                let before = ends.spread(matrix.shift_gain());
                ends = self.richardson(matrix, x, ends);
                products += 1;
                let fast = ends.spread(matrix.shift_gain()) <= FAST * before;
                self.slow = if fast { 0 } else { self.slow + 1 };
                continue;
            }
            let norm = ends.magnitude();
            self.kept.clear();
            self.kept.extend_from_slice(x);
            products += self.bicgstab(matrix, x, target, budget.saturating_sub(products));
            ends = self.residual(matrix, b, x);
            products += 1;
            // Written so that NaN counts as failure.
            if !(ends.magnitude() <= 0.5 * norm) {
                if !(ends.magnitude() <= norm) {
                    x.copy_from_slice(&self.kept);
                    ends = self.residual(matrix, b, x);
                }
                for _ in 0..RESCUE {
                    ends = self.richardson(matrix, x, ends);
                }
                products += RESCUE + 1;
            }
        }
        products
    }

    /// x := A⁻¹ b as accurately as f64 allows: refined until the residual no longer halves.
    pub(super) fn refine(&mut self, matrix: &impl ScaledMatrix, b: &[f64], x: &mut [f64]) {
        x.fill(0.0);
        let (mut rest, mut step) = (b.to_vec(), vec![0.0; b.len()]);
        let mut norm = Ends::over(b.iter().copied()).magnitude();
        loop {
            self.solve(matrix, &rest, &mut step, 1e-8 * norm, BUDGET);
            x.iter_mut().zip(&step).for_each(|(x, step)| *x += step);
            let left = self.residual(matrix, b, x).magnitude();
            // Written so that NaN ends it.
            if !(left < 0.5 * norm) {
                return;
            }
            norm = left;
            rest.copy_from_slice(&self.r);
        }
    }

    /// r := b − A x.
    fn residual(&mut self, matrix: &impl ScaledMatrix, b: &[f64], x: &[f64]) -> Ends {
        let parts = self.chunks.split(&mut self.r);
        Ends::join(self.chunks.map(parts, |states, r| {
            matrix.apply(states.start, x, r);
            let scale = matrix.scale().map(|d| &d[states.clone()]);
            Ends::over(r.iter_mut().zip(&b[states]).enumerate().map(|(i, (r, b))| {
                *r = b - scale.map_or(*r, |d| *r / d[i]);
                *r
            }))
        }))
    }

    /// x += r + c and r := r − A (r + c), for r = b − A x and a constant c that is to bring the
    /// ends of the new r to the same distance from zero, where the matrix allows that.
    fn richardson(&mut self, matrix: &impl ScaledMatrix, x: &mut [f64], ends: Ends) -> Ends {
        let gain = matrix.shift_gain();
        // r + c becomes γ P r − (1 − γ) c, whose middle is about γ (middle of r) − (1 − γ) c.
        let shift = gain * (0.5 * ends.lo + 0.5 * ends.hi);
        let drop = shift / (1.0 + gain);
        let r = &self.r;
        let parts = self.chunks.split(&mut self.ap).into_iter().zip(self.chunks.split(x));
        let ends = self.chunks.map(parts.collect(), |states, (next, x)| {
            matrix.apply(states.start, r, next);
            let r = &r[states.clone()];
            let scale = matrix.scale().map(|d| &d[states]);
            Ends::over(next.iter_mut().zip(x).zip(r).enumerate().map(|(i, ((next, x), r))| {
                *x += r + shift;
                *next = r - scale.map_or(*next, |d| *next / d[i]) - drop;
                *next
            }))
        });
        std::mem::swap(&mut self.r, &mut self.ap);
        Ends::join(ends)
    }

    /// One run of BiCGSTAB for D A x = D b, from x and r = b − A x; the products spent.
    fn bicgstab(
        &mut self,
        matrix: &impl ScaledMatrix,
        x: &mut [f64],
        target: f64,
        budget: usize,
    ) -> usize {
        let chunks = self.chunks;
        if let Some(scale) = matrix.scale() {
            self.r.iter_mut().zip(scale).for_each(|(r, d)| *r *= d);
        }
        self.shadow.copy_from_slice(&self.r);
        self.p.copy_from_slice(&self.r);
        let mut rho: f64 = self.r.iter().map(|r| r * r).sum();
        let mut products = 0;
        while products < budget {
            let alpha = rho / self.multiply_p(matrix);
            // r := s = r − α A p
            let parts = chunks.split(&mut self.r);
            let ap = &self.ap;
            chunks.map(parts, |states, r| {
                r.iter_mut().zip(&ap[states]).for_each(|(r, ap)| *r -= alpha * ap);
            });
            let [ts, tt, hs, ht] = self.multiply_r(matrix);
            let omega = if tt > 0.0 { ts / tt } else { 0.0 };
            let next = hs - omega * ht;
            let beta = next / rho * (alpha / omega);
            let norm = self.update(matrix, x, alpha, omega, beta);
            products += 2;
            rho = next;
            // Not finite: a breakdown. Also the end once r = 0.
            if !(norm > target && beta.is_finite() && beta != 0.0) {
                break;
            }
        }
        products
    }

    /// ap := D A p; (r̂, ap).
    fn multiply_p(&mut self, matrix: &impl ScaledMatrix) -> f64 {
        let (p, shadow) = (&self.p, &self.shadow);
        let sums = self.chunks.map(self.chunks.split(&mut self.ap), |states, ap| {
            matrix.apply(states.start, p, ap);
            ap.iter().zip(&shadow[states]).map(|(ap, h)| ap * h).sum::<f64>()
        });
        sums.into_iter().sum()
    }

    /// ar := t = D A r for r = s; (t, s), (t, t), (r̂, s), (r̂, t).
    fn multiply_r(&mut self, matrix: &impl ScaledMatrix) -> [f64; 4] {
        let (r, shadow) = (&self.r, &self.shadow);
        let sums = self.chunks.map(self.chunks.split(&mut self.ar), |states, ar| {
            matrix.apply(states.start, r, ar);
            let mut sums = [0.0; 4];
            for ((t, s), h) in ar.iter().zip(&r[states.clone()]).zip(&shadow[states]) {
                sums[0] += t * s;
                sums[1] += t * t;
                sums[2] += h * s;
                sums[3] += h * t;
            }
            sums
        });
        sums.into_iter().fold([0.0; 4], |a, b| std::array::from_fn(|i| a[i] + b[i]))
    }

    /// x += α p + ω s, r := s − ω t, p := r + β (p − ω A p); max |D⁻¹ r|.
    fn update(
        &mut self,
        matrix: &impl ScaledMatrix,
        x: &mut [f64],
        alpha: f64,
        omega: f64,
        beta: f64,
    ) -> f64 {
        let chunks = self.chunks;
        let (ap, ar) = (&self.ap, &self.ar);
        let parts = chunks.split(x).into_iter().zip(chunks.split(&mut self.r));
        let parts = parts.zip(chunks.split(&mut self.p)).collect();
        let norms = chunks.map(parts, |states, ((x, r), p)| {
            let vectors = x.iter_mut().zip(r.iter_mut()).zip(p.iter_mut());
            let products = ap[states.clone()].iter().zip(&ar[states.clone()]);
            for (((x, r), p), (ap, ar)) in vectors.zip(products) {
                *x += alpha * *p + omega * *r;
                *r -= omega * ar;
                *p = *r + beta * (*p - omega * ap);
            }
            match matrix.scale() {
                None => r.iter().fold(0.0, |m, r| larger(m, r.abs())),
                Some(d) => r.iter().zip(&d[states]).fold(0.0, |m, (r, d)| larger(m, (r / d).abs())),
            }
        });
        norms.into_iter().fold(0.0, larger)
    }
}
