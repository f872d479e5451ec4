//! [`Symbolic`]: the number system that writes down what is computed.

use crate::candidates::expect_length;
use crate::term::{Function, Operation, Term};
use crate::{
    CandidateSets, Cells, NextPosition, NumberSystem, OperatorError, RowLayout, Rows, Successor,
};
use std::cell::Cell;
use std::rc::Rc;

/// Ragged rows of [`Term`]s: an operator that runs on it returns the very formula that it computes
/// on numbers.
///
/// The formulas are proved equal to the definitions that the propositions are about (`proofs/`), so
/// that editing an operator breaks a proof. Two things enter as variables:
///
/// - [`NumberSystem::row_anchor`], since the operators must be right for any anchor at all;
/// - parameters such as γ, doubles to the operators: [`Symbolic::naming`] says which double stands
///   for which name.
///
/// # Example
/// ```
/// use operators::{CandidateSets, RowLayout, Symbolic, soft_value};
/// let layout = RowLayout::uniform(1, 3)?;
/// let n = Symbolic::new(&layout);
/// let set = CandidateSets::from_kept(&layout, vec![true, false, true])?;
/// let v = soft_value(&n, &n.cells("q"), &n.mask(&set))?;
/// assert_eq!(v.0[0].to_string(), "ln(exp(q₀₀ − c₀) + 0 + exp(q₀₂ − c₀)) + c₀");
/// # Ok::<(), operators::OperatorError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Symbolic {
    layout: RowLayout,
    names: Rc<[(f64, &'static str)]>,
    anchors: Rc<Cell<usize>>,
}

type Terms = Vec<Term>;

impl Symbolic {
    /// The number system over these rows.
    pub fn new(layout: &RowLayout) -> Self {
        Self { layout: layout.clone(), names: Rc::new([]), anchors: Rc::default() }
    }

    /// The same, in which these doubles stand for the variables beside them.
    pub fn naming(self, names: &[(f64, &'static str)]) -> Self {
        Self { names: names.into(), ..self }
    }

    /// A variable for every cell: `stem row slot`.
    pub fn cells(&self, stem: &str) -> Cells<Self> {
        let row = |(row, cells): (usize, std::ops::Range<usize>)| {
            (0..cells.len()).map(move |slot| Term::variable(format!("{stem} {row} {slot}")))
        };
        Cells(self.layout.iter().enumerate().flat_map(row).collect())
    }

    /// A variable for every row: `stem row`.
    pub fn rows(&self, stem: &str) -> Rows<Self> {
        let row = |row| Term::variable(format!("{stem} {row}"));
        Rows((0..self.layout.rows()).map(row).collect())
    }

    /// The mask of candidate sets over the same rows.
    pub fn mask(&self, sets: &CandidateSets) -> Vec<bool> {
        sets.kept().to_vec()
    }

    /// The exact double, or the name it stands for.
    fn number(&self, x: f64) -> Term {
        let named = self.names.iter().find(|(value, _)| *value == x);
        named.map_or(Term::Number(x), |(_, name)| Term::variable(*name))
    }

    /// f over the cells of each row that the mask keeps.
    fn per_row(
        &self,
        cells: &Terms,
        mask: &[bool],
        f: impl Fn(&Term, &Term) -> Term,
    ) -> Result<Terms, OperatorError> {
        expect_length("the table", cells.len(), self.layout.cells())?;
        expect_length("the mask", mask.len(), cells.len())?;
        let fold = |(row, range): (usize, std::ops::Range<usize>)| {
            let kept = range.filter(|&i| mask[i]).map(|i| cells[i].clone());
            kept.reduce(|x, y| f(&x, &y)).ok_or(OperatorError::EmptyRow { row })
        };
        self.layout.iter().enumerate().map(fold).collect()
    }
}

fn zip(operation: Operation, a: &Terms, b: &Terms) -> Result<Terms, OperatorError> {
    expect_length("the second operand", b.len(), a.len())?;
    Ok(a.iter().zip(b).map(|(x, y)| Term::combine(operation, x, y)).collect())
}

fn map(function: Function, a: &Terms) -> Terms {
    a.iter().map(|x| Term::apply(function, x)).collect()
}

fn add(x: &Term, y: &Term) -> Term {
    Term::combine(Operation::Add, x, y)
}

fn max(x: &Term, y: &Term) -> Term {
    Term::combine(Operation::Max, x, y)
}

impl NumberSystem for Symbolic {
    type Array = Terms;
    type Scalar = Term;
    type Mask = Vec<bool>;
    type Slots = Vec<usize>;
    type Error = OperatorError;

    fn one_cell_per_row(&self) -> Self {
        Self { layout: self.layout.one_cell_per_row(), ..self.clone() }
    }

    fn add(&self, a: &Terms, b: &Terms) -> Result<Terms, OperatorError> {
        zip(Operation::Add, a, b)
    }

    fn sub(&self, a: &Terms, b: &Terms) -> Result<Terms, OperatorError> {
        zip(Operation::Sub, a, b)
    }

    fn mul(&self, a: &Terms, b: &Terms) -> Result<Terms, OperatorError> {
        zip(Operation::Mul, a, b)
    }

    fn div(&self, a: &Terms, b: &Terms) -> Result<Terms, OperatorError> {
        zip(Operation::Div, a, b)
    }

    fn constant(&self, like: &Terms, c: f64) -> Result<Terms, OperatorError> {
        Ok(vec![self.number(c); like.len()])
    }

    fn scale(&self, a: &Terms, c: f64) -> Result<Terms, OperatorError> {
        self.mul(a, &self.constant(a, c)?)
    }

    fn divide(&self, a: &Terms, c: f64) -> Result<Terms, OperatorError> {
        self.div(a, &self.constant(a, c)?)
    }

    fn exp(&self, a: &Terms) -> Result<Terms, OperatorError> {
        Ok(map(Function::Exp, a))
    }

    fn ln(&self, a: &Terms) -> Result<Terms, OperatorError> {
        Ok(map(Function::Ln, a))
    }

    fn abs(&self, a: &Terms) -> Result<Terms, OperatorError> {
        Ok(map(Function::Abs, a))
    }

    fn floor(&self, a: &Terms, min: f64) -> Result<Terms, OperatorError> {
        zip(Operation::Max, a, &self.constant(a, min)?)
    }

    fn keep(&self, a: &Terms, mask: &Vec<bool>, fill: f64) -> Result<Terms, OperatorError> {
        expect_length("the mask", mask.len(), a.len())?;
        let chosen = a.iter().zip(mask);
        Ok(chosen.map(|(x, &kept)| if kept { x.clone() } else { self.number(fill) }).collect())
    }

    fn drop(&self, a: &Terms, mask: &Vec<bool>, fill: f64) -> Result<Terms, OperatorError> {
        self.keep(a, &mask.iter().map(|kept| !kept).collect(), fill)
    }

    fn spread(&self, rows: &Terms) -> Result<Terms, OperatorError> {
        expect_length("the row vector", rows.len(), self.layout.rows())?;
        let cells = self.layout.iter().zip(rows);
        Ok(cells.flat_map(|(row, x)| std::iter::repeat_n(x.clone(), row.len())).collect())
    }

    fn row_sum(&self, cells: &Terms) -> Result<Terms, OperatorError> {
        self.per_row(cells, &vec![true; cells.len()], add)
    }

    fn row_share(&self, cells: &Terms) -> Result<Terms, OperatorError> {
        self.div(cells, &self.spread(&self.row_sum(cells)?)?)
    }

    fn row_log_share(&self, cells: &Terms, mask: &Vec<bool>) -> Result<Terms, OperatorError> {
        let anchor = self.spread(&self.row_anchor(cells, mask)?)?;
        let gap = self.sub(cells, &anchor)?;
        let total = self.ln(&self.per_row(&self.exp(&gap)?, mask, add)?)?;
        self.sub(&gap, &self.spread(&total)?)
    }

    fn row_max(&self, cells: &Terms, mask: &Vec<bool>) -> Result<Terms, OperatorError> {
        self.per_row(cells, mask, max)
    }

    /// New variables, for which nothing may be assumed.
    fn row_anchor(&self, cells: &Terms, mask: &Vec<bool>) -> Result<Terms, OperatorError> {
        expect_length("the table", cells.len(), self.layout.cells())?;
        expect_length("the mask", mask.len(), cells.len())?;
        let fresh = |_| {
            let number = self.anchors.replace(self.anchors.get() + 1);
            Term::variable(format!("anchor {number}"))
        };
        Ok((0..self.layout.rows()).map(fresh).collect())
    }

    fn pick(&self, cells: &Terms, slots: &Vec<usize>) -> Result<Terms, OperatorError> {
        expect_length("the table", cells.len(), self.layout.cells())?;
        expect_length("the list of slots", slots.len(), self.layout.rows())?;
        let pick = |(row, &slot): (std::ops::Range<usize>, &usize)| {
            let (what, expected) = ("a slot", row.len());
            let inside = (slot < row.len()).then(|| cells[row.start + slot].clone());
            inside.ok_or(OperatorError::Length { what, found: slot, expected })
        };
        self.layout.iter().zip(slots).map(pick).collect()
    }

    fn dot(&self, weights: &Terms, a: &Terms) -> Result<Term, OperatorError> {
        let products = self.mul(weights, a)?;
        products.into_iter().reduce(|x, y| add(&x, &y)).ok_or(OperatorError::EmptyRow { row: 0 })
    }

    fn largest(&self, a: &Terms, mask: &Vec<bool>) -> Result<Term, OperatorError> {
        expect_length("the mask", mask.len(), a.len())?;
        let kept = a.iter().zip(mask).filter(|(_, kept)| **kept).map(|(x, _)| x.clone());
        kept.reduce(|x, y| max(&x, &y)).ok_or(OperatorError::EmptyRow { row: 0 })
    }
}

impl Successor<Symbolic> for NextPosition {
    fn expected(&self, n: &Symbolic, v: &Rows<Symbolic>) -> Result<Cells<Symbolic>, OperatorError> {
        expect_length("the values", v.0.len(), self.rows())?;
        let value = |next: &Option<usize>| next.map_or(n.number(0.0), |row| v.0[row].clone());
        Ok(Cells(self.next().iter().map(value).collect()))
    }
}
