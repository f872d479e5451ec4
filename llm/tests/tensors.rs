//! Every operator on tensors of ragged rows: values as on tables of doubles, gradients as by dual
//! numbers and as by finite differences.

use candle_core::{DType, Device, Tensor, Var};
use llm::{LlmError, Tensors};
use operators::*;
use proptest::prelude::*;

const CPU: Device = Device::Cpu;

/// The most cells of a table: each is a direction of a dual number.
const CELLS: usize = 60;

/// Ragged rows, some wider than others by more than one bucket.
#[derive(Debug, Clone)]
struct Table {
    layout: RowLayout,
    q: Vec<f64>,
    other: Vec<f64>,
    kept: Vec<bool>,
    /// Weights of cells, from which every result is made one number.
    weight: Vec<f64>,
    slots: Vec<usize>,
}

fn tables() -> impl Strategy<Value = Table> {
    let cell = (-12.0..8.0f64, -4.0..4.0f64, any::<bool>(), -1.0..1.0f64);
    let width = prop_oneof![1..9usize, 9..17usize, 17..21usize];
    let row = width.prop_flat_map(move |w| proptest::collection::vec(cell.clone(), w));
    proptest::collection::vec(row, 1..4).prop_map(|rows| {
        let (mut offsets, mut slots) = (vec![0], Vec::new());
        let (mut q, mut other, mut kept, mut weight) = (vec![], vec![], vec![], vec![]);
        for row in rows {
            let start = q.len();
            for (x, y, k, w) in row {
                q.push(x);
                other.push(y);
                kept.push(k);
                weight.push(w);
            }
            if !kept[start..].contains(&true) {
                kept[start] = true;
            }
            slots.push((q.len() - start) / 2);
            offsets.push(q.len());
        }
        let layout = RowLayout::new(offsets).expect("rows with cells");
        Table { layout, q, other, kept, weight, slots }
    })
}

impl Table {
    fn sets(&self) -> CandidateSets {
        CandidateSets::from_kept(&self.layout, self.kept.clone()).expect("no empty row")
    }

    fn row_weights(&self) -> Vec<f64> {
        (0..self.layout.rows()).map(|row| self.weight[self.layout.row(row).start] + 2.0).collect()
    }

    fn inside(&self) -> Vec<bool> {
        let rows = self.layout.iter().zip(&self.slots);
        rows.map(|(row, slot)| self.kept[row.start + slot]).collect()
    }

    fn next(&self) -> NextPosition {
        NextPosition::of_lengths(&[self.layout.rows()])
    }
}

/// A table in a number system.
struct Inputs<N: NumberSystem> {
    q: Cells<N>,
    other: Cells<N>,
    set: N::Mask,
    full: N::Mask,
    slots: N::Slots,
    weight: Cells<N>,
    row_weight: Rows<N>,
    responses: Responses<N>,
}

fn dense<T: Scalar>(table: &Table, q: Vec<T>, other: Vec<T>) -> (Dense<T>, Inputs<Dense<T>>) {
    let n = Dense::<T>::new(&table.layout);
    let inputs = Inputs {
        q: Cells(nalgebra::DVector::from_vec(q)),
        other: Cells(nalgebra::DVector::from_vec(other)),
        set: n.mask(&table.sets()),
        full: n.mask(&CandidateSets::full(&table.layout)),
        slots: table.slots.clone(),
        weight: n.cells(&table.weight).expect("weights"),
        row_weight: n.rows(&table.row_weights()).expect("weights"),
        responses: Responses {
            set: n.mask(&table.sets()),
            inside: table.inside(),
            next: table.next(),
            weights: n.rows(&table.row_weights()).expect("weights"),
        },
    };
    (n, inputs)
}

fn tensors(table: &Table, q: &Tensor, other: &Tensor) -> (Tensors, Inputs<Tensors>) {
    let n = Tensors::new(&table.layout, q.dtype(), &CPU).expect("rows");
    let mask = |sets: &CandidateSets| n.mask(sets).expect("mask");
    let inputs = Inputs {
        q: n.cells_of(q).expect("q"),
        other: n.cells_of(other).expect("other"),
        set: mask(&table.sets()),
        full: mask(&CandidateSets::full(&table.layout)),
        slots: n.slots(&table.slots).expect("slots"),
        weight: n.cells(&table.weight).expect("weights"),
        row_weight: n.rows(&table.row_weights()).expect("weights"),
        responses: Responses {
            set: mask(&table.sets()),
            inside: n.one_cell_per_row().row_mask(&table.inside()).expect("mask"),
            next: table.next(),
            weights: n.rows(&table.row_weights()).expect("weights"),
        },
    };
    (n, inputs)
}

type Named<N> = Vec<(&'static str, <N as NumberSystem>::Scalar)>;

/// Every operator, each result made one number by fixed weights.
fn everything<N: NumberSystem>(n: &N, i: &Inputs<N>) -> Result<Named<N>, N::Error>
where
    NextPosition: Successor<N>,
{
    let (q, set, full) = (&i.q, &i.set, &i.full);
    let mut results = Vec::new();
    let gamma = Discount::new(0.9375).expect("γ");
    let rows = |r: &Rows<N>| n.dot(&i.row_weight.0, &r.0);
    let cells = |c: &Cells<N>| {
        let kept = n.keep(&n.mul(&c.0, &i.weight.0)?, set, 0.0)?;
        rows(&Rows(n.row_sum(&kept)?))
    };
    let one = n.one_cell_per_row();

    let value = soft_value(n, q, set)?;
    let policy = projection(n, &i.other, set)?;
    let student = projection(n, q, set)?;
    let lost = leak(n, q, set, full)?;
    let on_policy = policy_value(n, q, &policy, set)?;
    let chosen = Rows(n.pick(&q.0, &i.slots)?);
    let masked = top_p_mask(&one, &chosen, &i.responses.inside, -10.0)?;
    let reward = Cells(masked.0.clone());
    let next = &i.responses.next;
    results.push(("soft_value", rows(&value)?));
    results.push(("leak", rows(&lost)?));
    results.push(("policy_value", rows(&on_policy)?));
    results.push(("kappa", rows(&kappa(n, gamma, &lost)?)?));
    results.push(("horizon_bound", rows(&horizon_bound(n, gamma, &lost, 4)?)?));
    results.push(("top_p_mask", rows(&masked)?));
    results.push(("log_policy", cells(&log_policy(n, q, set)?)?));
    results.push(("projection", cells(&policy.probability)?));
    results.push(("log projection", cells(&policy.log_probability)?));
    for (name, by) in [
        ("shift by max", Shift::VocabMax),
        ("shift by soft value", Shift::LogSoftmax),
        ("no shift", Shift::Zero),
    ] {
        results.push((name, cells(&shift(n, q, by, full)?)?));
    }
    results.push(("floor", cells(&floor(n, q, -1.5)?)?));
    results.push(("backup", rows(&Rows(backup(&one, &reward, gamma, next, &value)?.0))?));
    let implied = implied_reward(&one, &reward, gamma, next, &on_policy)?;
    results.push(("implied_reward", rows(&Rows(implied.0))?));
    results.push(("supported_norm", supported_norm(n, q, set)?));
    results.push(("cross_entropy", cross_entropy(n, q, full, &i.slots, &i.row_weight)?));
    results.push(("forward kl", rows(&kl_divergence(n, &policy, &student, set)?)?));
    results.push(("reverse kl", rows(&kl_divergence(n, &student, &policy, set)?)?));
    for (name, phi) in [("objective", Phi::Identity), ("χ² objective", Phi::chi2(0.25).expect("α"))]
    {
        let settings = BellmanDistill { gamma, phi, shift: Shift::VocabMax, q_min: -10.0 };
        let q = student_q(n, q, full, &settings)?;
        let chosen = Rows(n.pick(&q.0, &i.slots)?);
        let e = bellman_distill(n, &q, &chosen, &i.responses, &settings)?;
        results.push((name, e.objective));
    }
    Ok(results)
}

fn doubles(t: &Tensor) -> Vec<f64> {
    let flat = t.flatten_all().and_then(|t| t.to_dtype(DType::F64));
    flat.and_then(|t| t.to_vec1()).expect("numbers")
}

fn var(values: &[f64], dtype: DType) -> Var {
    let t = Tensor::from_slice(values, values.len(), &CPU).and_then(|t| t.to_dtype(dtype));
    Var::from_tensor(&t.expect("tensor")).expect("variable")
}

fn on_doubles(table: &Table, q: &[f64], other: &[f64]) -> Named<Dense<f64>> {
    let (n, inputs) = dense(table, q.to_vec(), other.to_vec());
    everything(&n, &inputs).expect("operators")
}

/// Value and gradients (with respect to q, then to the other table) of every operator.
fn on_tensors(table: &Table, dtype: DType) -> Vec<(&'static str, f64, Vec<f64>)> {
    let (q, other) = (var(&table.q, dtype), var(&table.other, dtype));
    let (n, inputs) = tensors(table, &q, &other);
    let results = everything(&n, &inputs).expect("operators");
    let measure = |(name, x): (&'static str, Tensor)| {
        let gradients = x.backward().expect("backward");
        let of = |v: &Var| gradients.get(v).map_or(vec![0.0; table.q.len()], doubles);
        (name, doubles(&x)[0], [of(&q), of(&other)].concat())
    };
    results.into_iter().map(measure).collect()
}

/// The distance that roundings of intermediate numbers (up to about 200, χ² included) may make in f64.
const SLACK: f64 = 1e-11;

impl Table {
    /// A bound on the sum of the absolute values of all terms that a result is made of.
    ///
    /// A cell is at most `largest`; shifts, soft values, log-probabilities and leaks are differences of
    /// cells, plus the logarithm of a row's width, and a reward is a difference of two such.
    fn size(&self, name: &str) -> f64 {
        let cells = self.q.iter().chain(&self.other);
        let largest = cells.fold(0.0f64, |m, x| m.max(x.abs()));
        let reach = 2.0 * (2.0 * largest + (CELLS as f64).ln());
        let rows: f64 = self.row_weights().iter().sum();
        let all = self.weight.iter().map(|w| w.abs()).sum::<f64>() + rows;
        match name {
            // 1 / (1 − γ)
            "kappa" => 16.0 * rows * reach,
            // x²/(4α) with α = 1/4
            "χ² objective" => rows * (reach + reach * reach),
            "supported_norm" => reach,
            _ => all * reach,
        }
    }
}

/// How many roundings a term goes through: a few for each operation, and those of sums over a row and
/// over rows.
const ROUNDINGS: f64 = 32.0;

proptest! {
    #![proptest_config(match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(32),
    })]

    #[test]
    fn tensors_carry_the_values_of_doubles(table in tables()) {
        let exact = on_doubles(&table, &table.q, &table.other);
        for dtype in [DType::F64, DType::F32] {
            for ((name, x, _), (_, e)) in on_tensors(&table, dtype).iter().zip(&exact) {
                let slack = match dtype {
                    DType::F64 => SLACK * e.abs().max(1.0),
                    _ => ROUNDINGS * f64::from(f32::EPSILON) / 2.0 * table.size(name),
                };
                let close = (x - e).abs() <= slack;
                prop_assert!(close, "{} {:?}: {} is not {}", name, dtype, x, e);
            }
        }
    }

    #[test]
    fn gradients_are_those_of_dual_numbers(table in tables()) {
        let constant = |x: &f64| Dual::<CELLS>::from_f64(*x);
        let variable = |(i, x): (usize, &f64)| Dual::<CELLS>::variable(*x, i);
        let of = |q: Vec<Dual<CELLS>>, other: Vec<Dual<CELLS>>| {
            let (n, inputs) = dense(&table, q, other);
            everything(&n, &inputs).expect("operators")
        };
        let by_q = of(
            table.q.iter().enumerate().map(variable).collect(),
            table.other.iter().map(constant).collect(),
        );
        let by_other = of(
            table.q.iter().map(constant).collect(),
            table.other.iter().enumerate().map(variable).collect(),
        );
        let cells = table.q.len();
        for (((name, _, gradient), (_, a)), (_, b)) in
            on_tensors(&table, DType::F64).iter().zip(&by_q).zip(&by_other)
        {
            let expected = [&a.derivative[..cells], &b.derivative[..cells]].concat();
            for (i, (g, e)) in gradient.iter().zip(&expected).enumerate() {
                let close = (g - e).abs() <= SLACK * e.abs().max(1.0);
                prop_assert!(close, "{}, direction {}: {} is not {}", name, i, g, e);
            }
        }
    }

    #[test]
    fn gradients_are_limits_of_differences(table in tables()) {
        let h = 2f64.powi(-17);
        let found = on_tensors(&table, DType::F64);
        let cells = table.q.len();
        for i in 0..2 * cells {
            let at = |step: f64| {
                let (mut q, mut other) = (table.q.clone(), table.other.clone());
                match i.checked_sub(cells) {
                    Some(j) => other[j] += step,
                    None => q[i] += step,
                }
                on_doubles(&table, &q, &other)
            };
            let (above, below) = (at(h), at(-h));
            for (((name, x, gradient), (_, a)), (_, b)) in found.iter().zip(&above).zip(&below) {
                // Kinks of max, floor and abs closer than h are left out.
                if ((a - 2.0 * x + b) / h).abs() > 0.01 {
                    continue;
                }
                let slope = (a - b) / (2.0 * h);
                // Third derivatives below 1000 times the value, and 64 roundings over h.
                let size = 1.0 + x.abs();
                let slack = 1000.0 * h * h / 6.0 * size + 64.0 * f64::EPSILON * size / h;
                prop_assert!((slope - gradient[i]).abs() <= slack, "{} {}: {} {}", name, i, slope, gradient[i]);
            }
        }
    }
}

fn rows_of_widths(widths: &[usize]) -> RowLayout {
    let total = widths.iter().scan(0, |sum, w| {
        *sum += w;
        Some(*sum)
    });
    RowLayout::new(std::iter::once(0).chain(total).collect::<Vec<_>>()).expect("rows")
}

#[test]
fn rows_of_one_width_are_one_rectangle_in_their_own_order() {
    let n = Tensors::new(&RowLayout::uniform(5, 17).expect("rows"), DType::F32, &CPU);
    let n = n.expect("rows");
    assert_eq!(n.buckets().rectangles().len(), 1);
    assert!(n.buckets().source().enumerate().all(|(i, s)| s == Some(i)));
}

#[test]
fn heavy_tails_are_stored_at_less_than_twice_their_cells() {
    // One row of 5,000 cells among a thousand of 9 to 16: padded to the largest, 5 million.
    let widths: Vec<usize> = (0..1000).map(|i| 9 + i % 8).chain([5000]).collect();
    let layout = rows_of_widths(&widths);
    let n = Tensors::new(&layout, DType::F32, &CPU).expect("rows");
    assert_eq!(n.buckets().rectangles().len(), 2);
    assert!(n.buckets().cells() < 2 * layout.cells());
}

#[test]
fn cells_come_back_in_the_order_of_the_layout() {
    let layout = rows_of_widths(&[20, 1, 9, 2, 17]);
    let n = Tensors::new(&layout, DType::F64, &CPU).expect("rows");
    let values: Vec<f64> = (0..layout.cells()).map(|i| i as f64).collect();
    let cells = n.cells(&values).expect("cells");
    assert_eq!(n.read_cells(&cells.0).expect("cells"), values);
    let of = n.cells_of(&var(&values, DType::F64)).expect("cells");
    assert_eq!(n.read_cells(&of.0).expect("cells"), values);
    let sums = n.read_rows(&n.row_sum(&of.0).expect("sums")).expect("rows");
    let expected: Vec<f64> = layout.iter().map(|row| values[row].iter().sum()).collect();
    assert_eq!(sums, expected);
    // Padding is not summed, whatever became of it.
    let ones = n.exp(&n.scale(&of.0, 0.0).expect("zeros")).expect("ones");
    let widths = n.read_rows(&n.row_sum(&ones).expect("sums")).expect("rows");
    assert_eq!(widths, [20.0, 1.0, 9.0, 2.0, 17.0]);
    let spread =
        n.read_cells(&n.spread(&n.rows(&[0., 1., 2., 3., 4.]).expect("rows").0).expect("s"));
    let rows: Vec<f64> =
        layout.iter().enumerate().flat_map(|(i, row)| vec![i as f64; row.len()]).collect();
    assert_eq!(spread.expect("cells"), rows);
}

#[test]
fn no_gradient_passes_an_active_floor_and_no_nan_is_hidden_by_it() {
    let n = Tensors::new(&rows_of_widths(&[4]), DType::F64, &CPU).expect("rows");
    let q = var(&[-11.0, -10.0, -9.5, f64::NAN], DType::F64);
    let floored = n.floor(&q, -10.0).expect("floor");
    let found = doubles(&floored);
    assert_eq!(found[..3], [-10.0, -10.0, -9.5]);
    assert!(found[3].is_nan());
    let gradients = floored.narrow(0, 0, 3).and_then(|t| t.sum_all()).expect("sum").backward();
    let gradient = doubles(gradients.expect("backward").get(&q).expect("gradient"));
    assert_eq!(gradient, [0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn the_gradient_of_a_row_maximum_goes_to_its_first_largest_cell_and_an_anchor_has_none() {
    let n = Tensors::new(&rows_of_widths(&[3]), DType::F64, &CPU).expect("rows");
    let z = var(&[1.0, 2.0, 2.0], DType::F64);
    let full = n.mask(&CandidateSets::full(n.layout())).expect("mask");
    let max = n.row_max(&z, &full).expect("maximum");
    let gradients = max.sum_all().expect("sum").backward().expect("backward");
    assert_eq!(doubles(gradients.get(&z).expect("gradient")), [0.0, 1.0, 0.0]);
    let anchor = n.row_anchor(&z, &full).expect("anchor");
    assert_eq!(doubles(&anchor), [2.0]);
    let gradients = anchor.sum_all().expect("sum").backward().expect("backward");
    assert!(gradients.get(&z).is_none());
}

#[test]
fn maxima_of_low_precision_see_only_the_mask() {
    for dtype in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        let n = Tensors::new(&rows_of_widths(&[3]), dtype, &CPU).expect("rows");
        let kept = CandidateSets::from_kept(n.layout(), vec![false, true, false]).expect("set");
        let (z, mask) = (n.cells(&[5.0, -300.0, 7.0]).expect("z"), n.mask(&kept).expect("mask"));
        assert_eq!(doubles(&n.row_max(&z.0, &mask).expect("maximum")), [-300.0]);
        assert_eq!(doubles(&n.row_anchor(&z.0, &mask).expect("anchor")), [-300.0]);
        assert_eq!(doubles(&n.largest(&z.0, &mask).expect("largest")), [-300.0]);
    }
}

#[test]
fn a_norm_does_not_hide_a_nan() {
    let n = Tensors::new(&rows_of_widths(&[3]), DType::F32, &CPU).expect("rows");
    let full = n.mask(&CandidateSets::full(n.layout())).expect("mask");
    let f = n.cells(&[1.0, f64::NAN, 2.0]).expect("f");
    assert!(doubles(&supported_norm(&n, &f, &full).expect("norm"))[0].is_nan());
}

#[test]
fn soft_values_and_their_gradients_stay_finite_far_apart() {
    let n = Tensors::new(&rows_of_widths(&[3, 10]), DType::F32, &CPU).expect("rows");
    let mut values = vec![1e30, -1e30, 3e38];
    values.extend([88.0, -88.0, 0.0, 1e-30, -1e4, 1e4, 7.0, 7.0, 7.0, 7.0]);
    let q = var(&values, DType::F32);
    let kept: Vec<bool> = (0..13).map(|i| i != 2 && i != 8).collect();
    let set = CandidateSets::from_kept(n.layout(), kept).expect("set");
    let set = n.mask(&set).expect("mask");
    let v = soft_value(&n, &n.cells_of(&q).expect("q"), &set).expect("value");
    assert!(doubles(&v.0).iter().all(|x| x.is_finite()));
    let gradients = v.0.sum_all().expect("sum").backward().expect("backward");
    let gradient = doubles(gradients.get(&q).expect("gradient"));
    assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    assert_eq!((gradient[2], gradient[8]), (0.0, 0.0));
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    let n = Tensors::new(&rows_of_widths(&[2, 3]), DType::F32, &CPU).expect("rows");
    let length = |e: LlmError| match e {
        LlmError::Length { what, found, expected } => (what, found, expected),
        other => panic!("{other}"),
    };
    let short = length(n.cells(&[0.0; 4]).err().expect("four cells"));
    assert_eq!(short, ("the table", 4, 5));
    assert_eq!(length(n.rows(&[0.0; 3]).err().expect("rows")), ("the row vector", 3, 2));
    assert_eq!(length(n.slots(&[0, 3]).expect_err("slot")), ("a slot", 3, 3));
    assert_eq!(length(n.slots(&[0]).expect_err("slots")), ("the list of slots", 1, 2));
    assert_eq!(length(n.row_mask(&[true]).expect_err("rows")), ("the list of kept rows", 1, 2));
    let rows = n.rows(&[0.0, 1.0]).expect("rows");
    assert!(matches!(n.row_sum(&rows.0), Err(LlmError::Length { .. })));
    let beyond = NextPosition::new(vec![Some(1), Some(2)]).expect_err("row 2 of two");
    assert!(matches!(beyond, OperatorError::Length { found: 2, .. }));
}

#[test]
fn the_value_after_the_last_position_of_a_response_is_zero() {
    let n = Tensors::new(&RowLayout::uniform(5, 1).expect("rows"), DType::F64, &CPU).expect("rows");
    let v = n.rows(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("rows");
    let next = NextPosition::of_lengths(&[2, 0, 3]);
    let expected = next.expected(&n, &v).expect("next");
    assert_eq!(doubles(&expected.0), [2.0, 0.0, 4.0, 5.0, 0.0]);
}
