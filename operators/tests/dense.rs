//! The elementary operations of a dense table, and what they refuse.

use nalgebra::DVector;
use operators::*;

fn table() -> Dense<f64> {
    Dense::new(&RowLayout::new(vec![0, 2, 5]).expect("layout"))
}

fn array(values: &[f64]) -> DVector<f64> {
    DVector::from_column_slice(values)
}

fn length<T>(what: &'static str, found: usize, expected: usize) -> Result<T, OperatorError> {
    Err(OperatorError::Length { what, found, expected })
}

#[test]
fn elementwise_operations_work_on_cells_and_on_rows() {
    let n = table();
    let (a, b) = (array(&[6.0, -8.0]), array(&[2.0, 4.0]));
    assert_eq!(n.add(&a, &b), Ok(array(&[8.0, -4.0])));
    assert_eq!(n.sub(&a, &b), Ok(array(&[4.0, -12.0])));
    assert_eq!(n.mul(&a, &b), Ok(array(&[12.0, -32.0])));
    assert_eq!(n.div(&a, &b), Ok(array(&[3.0, -2.0])));
    assert_eq!(n.constant(&a, 2.5), Ok(array(&[2.5, 2.5])));
    assert_eq!(n.scale(&a, 0.5), Ok(array(&[3.0, -4.0])));
    assert_eq!(n.divide(&a, 4.0), Ok(array(&[1.5, -2.0])));
    assert_eq!(n.abs(&a), Ok(array(&[6.0, 8.0])));
    assert_eq!(n.exp(&a), Ok(array(&[6f64.exp(), (-8f64).exp()])));
    assert_eq!(n.ln(&b), Ok(array(&[2f64.ln(), 4f64.ln()])));
    assert_eq!(n.floor(&a, -1.0), Ok(array(&[6.0, -1.0])));
    assert_eq!(n.dot(&a, &b), Ok(-20.0));
}

#[test]
fn keep_and_drop_replace_opposite_entries() {
    let n = table();
    let a = array(&[1.0, f64::INFINITY, f64::NAN]);
    assert_eq!(n.keep(&a, &vec![true, false, false], 7.0), Ok(array(&[1.0, 7.0, 7.0])));
    assert_eq!(n.drop(&a, &vec![false, true, true], 7.0), Ok(array(&[1.0, 7.0, 7.0])));
}

#[test]
fn row_operations_follow_the_layout() {
    let n = table();
    let cells = array(&[1.0, 3.0, 5.0, 2.0, 3.0]);
    assert_eq!(n.layout(), &RowLayout::new(vec![0, 2, 5]).expect("layout"));
    assert_eq!(n.row_sum(&cells), Ok(array(&[4.0, 10.0])));
    assert_eq!(n.row_share(&cells), Ok(array(&[0.25, 0.75, 0.5, 0.2, 0.3])));
    assert_eq!(n.spread(&array(&[4.0, 9.0])), Ok(array(&[4.0, 4.0, 9.0, 9.0, 9.0])));
    let mask = vec![true, true, false, true, true];
    assert_eq!(n.row_max(&cells, &mask), Ok(array(&[3.0, 3.0])));
    assert_eq!(n.row_anchor(&cells, &mask), Ok(array(&[3.0, 3.0])));
    assert_eq!(n.pick(&cells, &vec![1, 2]), Ok(array(&[3.0, 3.0])));
    assert_eq!(n.pick(&cells, &vec![0, 0]), Ok(array(&[1.0, 5.0])));
    assert_eq!(n.largest(&cells, &mask), Ok(3.0));
    assert_eq!(n.largest(&cells, &vec![true; 5]), Ok(5.0));
}

#[test]
fn arrays_of_another_length_are_refused() {
    let n = table();
    let (cells, rows) = (array(&[1.0; 5]), array(&[1.0; 2]));
    let mask = vec![true; 4];
    for f in [Dense::add, Dense::sub, Dense::mul, Dense::div] {
        assert_eq!(f(&n, &cells, &rows), length("the second operand", 2, 5));
    }
    assert_eq!(n.keep(&cells, &mask, 0.0), length("the mask", 4, 5));
    assert_eq!(n.drop(&cells, &mask, 0.0), length("the mask", 4, 5));
    assert_eq!(n.spread(&cells), length("the row vector", 5, 2));
    assert_eq!(n.row_sum(&rows), length("the table", 2, 5));
    assert_eq!(n.row_share(&rows), length("the table", 2, 5));
    assert_eq!(n.row_max(&cells, &mask), length("the mask", 4, 5));
    assert_eq!(n.row_anchor(&cells, &mask), length("the mask", 4, 5));
    assert_eq!(n.row_log_share(&cells, &mask), length("the mask", 4, 5));
    assert_eq!(n.row_max(&rows, &vec![true; 2]), length("the table", 2, 5));
    assert_eq!(n.row_anchor(&rows, &vec![true; 2]), length("the table", 2, 5));
    assert_eq!(n.row_log_share(&rows, &vec![true; 2]), length("the table", 2, 5));
    assert_eq!(n.pick(&rows, &vec![0, 0]), length("the table", 2, 5));
    assert_eq!(n.pick(&cells, &vec![0]), length("the list of slots", 1, 2));
    assert_eq!(n.dot(&cells, &rows), length("the weights", 5, 2));
    assert_eq!(n.largest(&cells, &mask), length("the mask", 4, 5));
    assert_eq!(n.cells(&[0.0; 4]).map(|c| c.0), length("the table", 4, 5));
    assert_eq!(n.rows(&[0.0; 5]).map(|r| r.0), length("the row vector", 5, 2));
}

#[test]
fn a_slot_beyond_its_row_is_refused() {
    let n = table();
    let cells = array(&[1.0; 5]);
    assert_eq!(n.pick(&cells, &vec![2, 0]), length("a slot", 2, 2));
    assert_eq!(n.pick(&cells, &vec![0, 3]), length("a slot", 3, 3));
    assert!(n.pick(&cells, &vec![1, 2]).is_ok());
}

#[test]
fn the_largest_of_nothing_is_refused() {
    let n = table();
    assert_eq!(
        n.largest(&array(&[1.0; 5]), &vec![false; 5]),
        Err(OperatorError::EmptyRow { row: 0 })
    );
}

#[test]
fn a_mask_is_the_flags_of_the_sets() {
    let n = table();
    let flags = vec![true, false, false, true, true];
    let sets = CandidateSets::from_kept(n.layout(), flags.clone()).expect("sets");
    assert_eq!(n.mask(&sets), flags);
}
