//! [`Term`]: an expression, as a tree.

use std::fmt;
use std::rc::Rc;

/// A function of one real number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// e^x.
    Exp,
    /// ln x.
    Ln,
    /// |x|.
    Abs,
}

/// A function of two real numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// x + y.
    Add,
    /// x − y.
    Sub,
    /// x · y.
    Mul,
    /// x / y.
    Div,
    /// max(x, y).
    Max,
}

/// What was computed, written out.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A variable, for example `gamma`, or `q 0 2` with the indices of a table.
    Variable(Rc<str>),
    /// An exact double.
    Number(f64),
    /// A function of a term.
    Apply(Function, Rc<Term>),
    /// An operation on two terms.
    Combine(Operation, Rc<Term>, Rc<Term>),
}

/// How a term is written.
trait Notation {
    fn variable(&self, name: &str) -> String;
    fn number(&self, x: f64) -> String;
    fn function(&self, function: Function, argument: String) -> String;
    fn max(&self, x: String, y: String) -> String;
    fn minus(&self) -> &'static str;
    fn times(&self) -> &'static str;
}

/// For people: `ln(exp(q₀₂ − c₀) + 0) + c₀`.
struct Formula;

/// For Coq, in the real numbers of its standard library.
struct Coq;

impl Notation for Formula {
    fn variable(&self, name: &str) -> String {
        let mut words = name.split(' ');
        let stem = match words.next() {
            Some("gamma") => "γ",
            Some("alpha") => "α",
            Some("anchor") => "c",
            Some("leak") => "ℓ",
            Some("q_min") => "Q_min",
            stem => stem.unwrap_or_default(),
        };
        let subscript = |c: char| char::from_u32(c as u32 - '0' as u32 + '₀' as u32);
        stem.chars().chain(words.flat_map(str::chars).filter_map(subscript)).collect()
    }

    fn number(&self, x: f64) -> String {
        x.to_string().replace('-', "−")
    }

    fn function(&self, function: Function, argument: String) -> String {
        match function {
            Function::Exp => format!("exp({argument})"),
            Function::Ln => format!("ln({argument})"),
            Function::Abs => format!("|{argument}|"),
        }
    }

    fn max(&self, x: String, y: String) -> String {
        format!("max({x}, {y})")
    }

    fn minus(&self) -> &'static str {
        "−"
    }

    fn times(&self) -> &'static str {
        "·"
    }
}

impl Notation for Coq {
    fn variable(&self, name: &str) -> String {
        // An application to indices: it binds tighter than any operation.
        name.to_string()
    }

    fn number(&self, x: f64) -> String {
        assert!(x.fract() == 0.0 && x.abs() < 1e15, "{x} has no name and is no small integer");
        if x < 0.0 { format!("({x:.0})") } else { format!("{x:.0}") }
    }

    fn function(&self, function: Function, argument: String) -> String {
        let name = match function {
            Function::Exp => "exp",
            Function::Ln => "ln",
            Function::Abs => "Rabs",
        };
        format!("{name} ({argument})")
    }

    fn max(&self, x: String, y: String) -> String {
        format!("Rmax ({x}) ({y})")
    }

    fn minus(&self) -> &'static str {
        "-"
    }

    fn times(&self) -> &'static str {
        "*"
    }
}

/// How tightly an operation binds; what binds less tightly needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Atom,
}

impl Term {
    /// The variable with this name.
    pub fn variable(name: impl Into<Rc<str>>) -> Self {
        Self::Variable(name.into())
    }

    pub(crate) fn apply(function: Function, x: &Self) -> Self {
        Self::Apply(function, Rc::new(x.clone()))
    }

    pub(crate) fn combine(operation: Operation, x: &Self, y: &Self) -> Self {
        Self::Combine(operation, Rc::new(x.clone()), Rc::new(y.clone()))
    }

    /// The term in the syntax of Coq's real numbers, `Open Scope R_scope`.
    ///
    /// # Panics
    /// When it holds a number that is no integer: such numbers must be named (see
    /// [`crate::Symbolic::naming`]).
    pub fn coq(&self) -> String {
        self.write(&Coq, Binding::Sum)
    }

    fn write(&self, notation: &impl Notation, least: Binding) -> String {
        match self {
            Self::Variable(name) => notation.variable(name),
            Self::Number(x) => notation.number(*x),
            Self::Apply(function, x) => {
                notation.function(*function, x.write(notation, Binding::Sum))
            }
            Self::Combine(operation, x, y) => {
                let (sign, binding) = match operation {
                    Operation::Add => ("+", Binding::Sum),
                    Operation::Sub => (notation.minus(), Binding::Sum),
                    Operation::Mul => (notation.times(), Binding::Product),
                    Operation::Div => ("/", Binding::Product),
                    Operation::Max => {
                        let [x, y] = [x, y].map(|x| x.write(notation, Binding::Sum));
                        return notation.max(x, y);
                    }
                };
                let tighter =
                    if binding == Binding::Sum { Binding::Product } else { Binding::Atom };
                // All four associate to the left.
                let (x, y) = (x.write(notation, binding), y.write(notation, tighter));
                let text = format!("{x} {sign} {y}");
                if binding < least { format!("({text})") } else { text }
            }
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write(&Formula, Binding::Sum))
    }
}
