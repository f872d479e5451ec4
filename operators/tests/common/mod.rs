//! Random ragged tables, and every operator on one of them.
#![allow(dead_code)] // each test binary uses a part

use nalgebra::DVector;
use operators::*;
use proptest::prelude::*;
use rounding::Enclosure;

/// `n` cases of each property, or as many as the variable PROPTEST_CASES asks for.
pub fn cases(n: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(n),
    }
}

/// A table of Q-values with a second table beside it, over ragged rows with candidate sets.
#[derive(Debug, Clone)]
pub struct Table {
    pub layout: RowLayout,
    pub q: Vec<f64>,
    pub other: Vec<f64>,
    pub kept: Vec<bool>,
}

impl Table {
    pub fn sets(&self) -> CandidateSets {
        CandidateSets::from_kept(&self.layout, self.kept.clone()).expect("no empty row")
    }

    pub fn full(&self) -> Vec<bool> {
        vec![true; self.q.len()]
    }

    /// The cells of each row that its set keeps.
    pub fn kept_cells(&self) -> Vec<Vec<usize>> {
        self.layout.iter().map(|row| row.filter(|&i| self.kept[i]).collect()).collect()
    }
}

/// Tables of 1 to 4 rows of 1 to 6 cells with numbers from `number`.
pub fn tables_of(number: impl Strategy<Value = f64> + Clone) -> impl Strategy<Value = Table> {
    let cell = (number.clone(), number, any::<bool>());
    proptest::collection::vec(proptest::collection::vec(cell, 1..6), 1..4).prop_map(|rows| {
        let mut offsets = vec![0];
        let (mut q, mut other, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let start = q.len();
            for (x, y, k) in row {
                q.push(x);
                other.push(y);
                kept.push(k);
            }
            if !kept[start..].contains(&true) {
                kept[start] = true;
            }
            offsets.push(q.len());
        }
        Table { layout: RowLayout::new(offsets).expect("rows with cells"), q, other, kept }
    })
}

/// Tables of ordinary numbers.
pub fn tables() -> impl Strategy<Value = Table> {
    tables_of(-8.0..8.0f64)
}

/// Multiples of 1/1024 below 8: sums and differences of a few are exact.
pub fn dyadic() -> impl Strategy<Value = f64> + Clone {
    (-8192i32..8192).prop_map(|i| f64::from(i) / 1024.0)
}

/// Numbers far apart.
pub fn extreme() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        -8.0..8.0f64,
        proptest::sample::select(
            &[1e3, -1e3, 1e300, -1e300, 0.0, -0.0, 1e-300, 5e-324, -745.0, 710.0][..]
        ),
    ]
}

/// Where each action leads: a distribution over the rows for every cell.
pub struct Kernel(pub Vec<Vec<f64>>);

impl<T: Scalar> Successor<Dense<T>> for Kernel {
    fn expected(&self, _: &Dense<T>, v: &Rows<Dense<T>>) -> Result<Cells<Dense<T>>, OperatorError> {
        let mean = |p: &Vec<f64>| {
            p.iter().zip(&v.0).fold(T::from_f64(0.0), |sum, (&p, &v)| sum + T::from_f64(p) * v)
        };
        Ok(Cells(DVector::from_iterator(self.0.len(), self.0.iter().map(mean))))
    }
}

/// Every cell leads to row 0 or to the last one, half and half.
pub fn coin(table: &Table) -> Kernel {
    let rows = table.layout.rows();
    let mut p = vec![0.0; rows];
    p[0] += 0.5;
    p[rows - 1] += 0.5;
    Kernel(vec![p; table.q.len()])
}

/// γ of [`everything`].
pub const GAMMA: f64 = 0.9375;

/// All results of all operators on one table, each with its name. `outside` cells of results that
/// mean nothing there are left out.
pub fn everything<T: Scalar>(table: &Table, q: Vec<T>, other: Vec<T>) -> Vec<(&'static str, T)> {
    let n = Dense::<T>::new(&table.layout);
    let (q, other) = (Cells(DVector::from_vec(q)), Cells(DVector::from_vec(other)));
    let (set, full) = (n.mask(&table.sets()), table.full());
    let gamma = Discount::new(GAMMA).expect("γ");
    let successor = coin(table);
    let mut results = Vec::new();
    let mut rows = |name, r: &Rows<Dense<T>>| results.extend(r.0.iter().map(|&x| (name, x)));

    let value = soft_value(&n, &q, &set).expect("soft_value");
    let policy = projection(&n, &other, &set).expect("projection");
    let lost = leak(&n, &q, &set, &full).expect("leak");
    let on_policy = policy_value(&n, &q, &policy, &set).expect("policy_value");
    rows("soft_value", &value);
    rows("policy_value", &on_policy);
    rows("leak", &lost);
    rows("kappa", &kappa(&n, gamma, &lost).expect("kappa"));
    rows("horizon_bound", &horizon_bound(&n, gamma, &lost, 4).expect("horizon"));
    let slots: Vec<usize> =
        (0..table.layout.rows()).map(|r| table.layout.row(r).len() - 1).collect();
    let chosen = Rows::<Dense<T>>(n.pick(&q.0, &slots).expect("pick"));
    let inside = slots.iter().enumerate().map(|(r, s)| table.kept[table.layout.row(r).start + s]);
    let masked = top_p_mask(&n, &chosen, &inside.collect(), -10.0).expect("top_p_mask");
    rows("top_p_mask", &masked);
    let chi2 = Phi::chi2(0.25).expect("α");
    rows("phi", &Rows(phi(&n, chi2, &value.0).expect("phi")));

    let mut kept = |name, c: &Cells<Dense<T>>| {
        let cells = c.0.iter().zip(&table.kept).filter(|(_, k)| **k);
        results.extend(cells.map(|(&x, _)| (name, x)));
    };
    kept("log_policy", &log_policy(&n, &q, &set).expect("log_policy"));
    kept("projection", &policy.probability);
    kept("log projection", &policy.log_probability);
    kept("backup", &backup(&n, &q, gamma, &successor, &value).expect("backup"));
    kept("implied_reward", &implied_reward(&n, &q, gamma, &successor, &value).expect("reward"));
    kept("shift by max", &shift(&n, &q, Shift::VocabMax, &full).expect("shift"));
    kept("shift by soft value", &shift(&n, &q, Shift::LogSoftmax, &full).expect("shift"));
    kept("no shift", &shift(&n, &q, Shift::Zero, &full).expect("shift"));
    kept("floor", &floor(&n, &q, -1.5).expect("floor"));

    let weights = n.constant(&value.0, 0.125).expect("weights");
    let next = n.scale(&on_policy.0, GAMMA).expect("next");
    for regulariser in [Phi::Identity, chi2] {
        let j = objective(&n, regulariser, &masked.0, &value.0, &next, &weights);
        results.push(("objective", j.expect("objective")));
    }
    results.push(("supported_norm", supported_norm(&n, &q, &set).expect("norm")));
    results
}

/// [`everything`] on exact doubles.
pub fn everything_exact<T: Scalar>(table: &Table) -> Vec<(&'static str, T)> {
    let exact = |values: &[f64]| values.iter().map(|&x| T::from_f64(x)).collect();
    everything(table, exact(&table.q), exact(&table.other))
}

/// The distance from `x` to the next double of larger magnitude.
pub fn ulp(x: f64) -> f64 {
    x.abs().next_up() - x.abs()
}

/// What the `f64` soft value of a row of `cells` numbers may be off by: each of `cells` weights
/// carries 1 ulp from exp and at most 1/e from the rounded gap, the sum `cells` roundings, ln and
/// the last addition one each; the logarithm turns relative into absolute errors.
pub fn soft_value_error(cells: usize, value: f64) -> f64 {
    (2.0 * cells as f64 + 6.0) * f64::EPSILON + 2.0 * ulp(value)
}

/// A bounded enclosure around [x − below, x + above].
pub fn around(x: f64, below: f64, above: f64) -> Enclosure {
    Enclosure::exact(x).widen(-below, above)
}
