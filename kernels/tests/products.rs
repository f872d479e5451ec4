//! Products against their definition in f64.

use kernels::{Effect, Machine, Matrix, Precision, bf16, multiply, multiply_on};

/// Numbers of either sign, none small, from a recurrence.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * 4.0
    }

    fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// An operand of a shape, by rows or by columns, with room between them.
fn operand(values: &[f32], (rows, columns): (usize, usize), by_rows: bool) -> Matrix<'_> {
    let steps = if by_rows { (columns + 3, 1) } else { (1, rows + 3) };
    Matrix::new(values, (rows, columns), steps).unwrap()
}

fn room(rows: usize, columns: usize) -> usize {
    (rows + 3) * (columns + 3)
}

fn at(
    values: &[f32],
    (rows, columns): (usize, usize),
    by_rows: bool,
    (i, j): (usize, usize),
) -> f64 {
    f64::from(if by_rows { values[i * (columns + 3) + j] } else { values[j * (rows + 3) + i] })
}

/// Compares a product with Σ a b in f64.
fn assert_product(
    shape: (usize, usize, usize),
    by_rows: (bool, bool),
    precision: Precision,
    machine: Machine,
) {
    let (m, k, n) = shape;
    let mut numbers = Numbers((m * 7 + k * 3 + n) as u64);
    let (a, b) = (numbers.take(room(m, k)), numbers.take(room(k, n)));
    let before = numbers.take(m * n);
    for effect in [Effect::Replace, Effect::Add] {
        let mut out = before.clone();
        let (left, right) = (operand(&a, (m, k), by_rows.0), operand(&b, (k, n), by_rows.1));
        multiply_on(machine, left, right, &mut out, effect, precision);
        // Of large products some numbers, in all columns and rows of a tile.
        for place in (0..m * n).step_by(2 * (m * n * k / 4_000_000) + 1) {
            let (i, j) = (place / n, place % n);
            let start = if effect == Effect::Add { f64::from(before[i * n + j]) } else { 0.0 };
            let (mut sum, mut size) = (start, start.abs());
            for c in 0..k {
                let term = at(&a, (m, k), by_rows.0, (i, c)) * at(&b, (k, n), by_rows.1, (c, j));
                sum += term;
                size += term.abs();
            }
            // A rounding, half of ε, for each product and each sum; for bf16 besides two of 2⁻⁹ for
            // each product, and their own product.
            let operands = match precision {
                Precision::F32 => 0.0,
                Precision::Bf16 => 2f64.powi(-8) + 2f64.powi(-18),
            };
            let sums = (k + 3) as f64 * f64::from(f32::EPSILON);
            let bound = size * (operands + sums * (1.0 + operands));
            let found = f64::from(out[i * n + j]);
            assert!(
                (found - sum).abs() <= bound,
                "{shape:?} {by_rows:?} {precision:?} {effect:?} at {i}, {j}: {found} is not {sum}"
            );
        }
    }
}

fn machines(precision: Precision) -> [Machine; 2] {
    [Machine::plain(), Machine::at_hand(precision)]
}

#[test]
fn products_are_sums_of_products() {
    // One number; tails of tiles and registers; several blocks along k; few rows and many.
    let shapes = [(1, 1, 1), (3, 5, 7), (15, 33, 17), (29, 700, 50), (100, 1291, 65), (5, 90, 1)];
    for shape in shapes {
        for by_rows in [(true, true), (true, false), (false, true), (false, false)] {
            for precision in [Precision::F32, Precision::Bf16] {
                for machine in machines(precision) {
                    assert_product(shape, by_rows, precision, machine);
                }
            }
        }
    }
}

#[test]
fn products_that_several_threads_compute_are_sums_of_products() {
    for precision in [Precision::F32, Precision::Bf16] {
        // Rows for several threads, and a right operand that is packed part by part.
        assert_product((300, 130, 90), (true, false), precision, Machine::at_hand(precision));
        assert_product((70, 600, 4200), (true, false), precision, Machine::at_hand(precision));
        assert_product((66, 4300, 510), (false, true), precision, Machine::at_hand(precision));
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

fn product(machine: Machine, (m, k, n): (usize, usize, usize), precision: Precision) -> Vec<f32> {
    let mut numbers = Numbers(1);
    let (a, b) = (numbers.take(m * k), numbers.take(k * n));
    let a = Matrix::by_rows(&a, (m, k)).unwrap();
    let b = Matrix::by_rows(&b, (n, k)).unwrap().transposed();
    let mut out = vec![0.0; m * n];
    multiply_on(machine, a, b, &mut out, Effect::Replace, precision);
    out
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for precision in [Precision::F32, Precision::Bf16] {
        for shape in [(333, 1500, 130), (70, 600, 4200), (16, 300, 900)] {
            let by = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                bits(&pool.install(|| product(Machine::at_hand(precision), shape, precision)))
            };
            let alone = by(1);
            assert!(by(2) == alone && by(5) == alone, "{precision:?} {shape:?}");
        }
    }
}

#[test]
fn in_bf16_every_machine_computes_the_same_bits() {
    let precision = Precision::Bf16;
    for shape in [(20, 77, 40), (3, 1400, 33)] {
        let [plain, at_hand] = machines(precision).map(|m| bits(&product(m, shape, precision)));
        assert!(plain == at_hand, "{shape:?}");
    }
}

#[test]
fn numbers_that_are_none_stay_none() {
    for precision in [Precision::F32, Precision::Bf16] {
        let a = [f32::NAN, 1.0, f32::INFINITY, 1.0];
        let a = Matrix::by_rows(&a, (2, 2)).unwrap();
        let b = [1.0, 1.0];
        let mut out = [0.0; 2];
        multiply(a, Matrix::by_rows(&b, (2, 1)).unwrap(), &mut out, Effect::Replace, precision);
        assert!(out[0].is_nan() && out[1] == f32::INFINITY, "{out:?}");
    }
}

#[test]
fn empty_sums_are_zero_and_nothing_is_added() {
    let empty = Matrix::by_rows(&[], (2, 0)).unwrap();
    let mut out = [1.0; 4];
    multiply(empty, empty.transposed(), &mut out, Effect::Add, Precision::F32);
    assert_eq!(out, [1.0; 4]);
    multiply(empty, empty.transposed(), &mut out, Effect::Replace, Precision::F32);
    assert_eq!(out, [0.0; 4]);
    assert_eq!(kernels::product(empty, empty.transposed(), Precision::F32), [0.0; 4]);
}

#[test]
fn a_product_of_its_own_is_the_same_product() {
    let mut numbers = Numbers(3);
    let (a, b) = (numbers.take(33 * 700), numbers.take(700 * 40));
    let (a, b) = (Matrix::by_rows(&a, (33, 700)).unwrap(), Matrix::by_rows(&b, (700, 40)).unwrap());
    for precision in [Precision::F32, Precision::Bf16] {
        let mut out = vec![f32::NAN; 33 * 40];
        multiply(a, b, &mut out, Effect::Replace, precision);
        assert!(bits(&kernels::product(a, b, precision)) == bits(&out));
    }
}

#[test]
fn a_matrix_lies_inside_its_numbers() {
    let values = [0.0; 6];
    assert!(Matrix::new(&values, (2, 3), (3, 1)).is_some());
    assert!(Matrix::new(&values, (2, 3), (4, 1)).is_none());
    assert!(Matrix::new(&values, (2, 3), (1, usize::MAX)).is_none());
    assert!(Matrix::new(&values, (0, 3), (4, 1)).is_some());
    assert!(Matrix::by_rows(&values, (2, 2)).is_none());
    assert_eq!(bf16(1.0), 0x3f80);
}
