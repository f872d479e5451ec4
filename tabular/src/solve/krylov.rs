//! Linear systems with I − γ P_π: BiCGSTAB, which Richardson's iteration catches where it fails.

use super::parallel::Chunks;
use super::policy_matrix::ScaledMatrix;

/// Work space for systems over the states of one model.
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
}

/// The most products that one system may cost.
pub(super) const BUDGET: usize = 5_000;
/// Richardson steps after BiCGSTAB has failed.
const RESCUE: usize = 20;

impl<'a> Krylov<'a> {
    pub(super) fn new(chunks: &'a Chunks, states: usize) -> Self {
        let zeros = || vec![0.0; states];
        Self { chunks, r: zeros(), shadow: zeros(), p: zeros(), ap: zeros(), ar: zeros() }
    }

    /// x := A⁻¹ b until max |b − A x| ≤ `target` or about `budget` products with A are spent;
    /// the products spent.
    ///
    /// Whatever happens, max |b − A x| is at most what as many steps x ← x + (b − A x) from zero
    /// reach at the end: where BiCGSTAB does worse, they take over.
    pub(super) fn solve(
        &mut self,
        matrix: &impl ScaledMatrix,
        b: &[f64],
        x: &mut [f64],
        target: f64,
        budget: usize,
    ) -> usize {
        x.fill(0.0);
        let mut norm = b.iter().fold(0.0, |m: f64, b| m.max(b.abs()));
        let mut products = 0;
        let mut kept = Vec::new();
        while norm > target && products < budget {
            if products > 0 {
                kept.clear();
                kept.extend_from_slice(x);
            }
            let restarted = products > 0;
            products += self.bicgstab(matrix, b, x, restarted, target, budget - products);
            let reached = self.residual(matrix, b, x);
            products += 1;
            // Written so that NaN counts as failure.
            if !(reached <= 0.5 * norm) {
                if !(reached <= norm) {
                    if restarted { x.copy_from_slice(&kept) } else { x.fill(0.0) }
                }
                for _ in 0..RESCUE {
                    self.residual(matrix, b, x);
                    self.richardson(matrix, x);
                }
                norm = self.residual(matrix, b, x);
                products += RESCUE + 1;
            } else {
                norm = reached;
            }
        }
        products
    }

    /// x := A⁻¹ b as accurately as f64 allows: refined until the residual no longer halves.
    pub(super) fn refine(&mut self, matrix: &impl ScaledMatrix, b: &[f64], x: &mut [f64]) {
        x.fill(0.0);
        let (mut rest, mut step) = (b.to_vec(), vec![0.0; b.len()]);
        let mut norm = rest.iter().fold(0.0, |m, b| larger(m, b.abs()));
        loop {
            self.solve(matrix, &rest, &mut step, 1e-8 * norm, BUDGET);
            x.iter_mut().zip(&step).for_each(|(x, step)| *x += step);
            let left = self.residual(matrix, b, x);
            // Written so that NaN ends it.
            if !(left < 0.5 * norm) {
                return;
            }
            norm = left;
            for (i, (rest, r)) in rest.iter_mut().zip(&self.r).enumerate() {
                *rest = matrix.scale().map_or(*r, |d| r / d[i]);
            }
        }
    }

    /// r := D (b − A x); max |b − A x|.
    fn residual(&mut self, matrix: &impl ScaledMatrix, b: &[f64], x: &[f64]) -> f64 {
        let parts = self.chunks.split(&mut self.r);
        let norms = self.chunks.map(parts, |states, r| {
            matrix.apply(states.start, x, r);
            let mut norm = 0.0f64;
            for (i, r) in states.clone().zip(r) {
                let d = matrix.scale().map_or(1.0, |d| d[i]);
                *r = d * b[i] - *r;
                norm = larger(norm, (*r / d).abs());
            }
            norm
        });
        norms.into_iter().fold(0.0, larger)
    }

    /// x += b − A x, from r = D (b − A x).
    fn richardson(&self, matrix: &impl ScaledMatrix, x: &mut [f64]) {
        for (i, (x, r)) in x.iter_mut().zip(&self.r).enumerate() {
            *x += matrix.scale().map_or(*r, |d| r / d[i]);
        }
    }

    /// One run of BiCGSTAB from `x` (zero unless `restarted`); the products spent.
    fn bicgstab(
        &mut self,
        matrix: &impl ScaledMatrix,
        b: &[f64],
        x: &mut [f64],
        restarted: bool,
        target: f64,
        budget: usize,
    ) -> usize {
        let chunks = self.chunks;
        if restarted {
            self.residual(matrix, b, x);
        } else {
            let scaled = |(i, &b): (usize, &f64)| matrix.scale().map_or(b, |d| d[i] * b);
            self.r.iter_mut().zip(b.iter().enumerate().map(scaled)).for_each(|(r, b)| *r = b);
        }
        self.shadow.copy_from_slice(&self.r);
        self.p.copy_from_slice(&self.r);
        let mut rho: f64 = self.r.iter().map(|r| r * r).sum();
        let mut products = usize::from(restarted);
        while products < budget {
            let sums = self.multiply_p(matrix);
            let alpha = rho / sums;
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

/// The larger one; NaN if one of them is.
#[inline]
fn larger(a: f64, b: f64) -> f64 {
    if a >= b || a.is_nan() { a } else { b }
}
