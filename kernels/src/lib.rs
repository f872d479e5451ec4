//! Products of matrices on processors: f32, or bf16 with sums in f32.
//!
//! This crate is the one place of the project, besides the settings of the allocator, where `unsafe`
//! is allowed: vector instructions and threads that write different parts of one matrix. Each use
//! says why it is sound. [`Matrix::new`] checks what everything else relies on: that every number
//! of a matrix lies in its slice.
//!
//! A product is a sum over k in blocks of a fixed length. Each number of the result is computed by
//! one thread, block after block: how many threads there are changes no bit.
//!
//! | file | what |
//! |---|---|
//! | `matrix` | numbers with a shape, by rows or by columns |
//! | `rounded` | f32 to bf16 |
//! | `pack` | operands in the order in which they are read |
//! | `tile` | some rows times some columns, in registers |
//! | `plain` | both without vector instructions |
//! | `product` | who computes which part |

mod matrix;
mod pack;
mod plain;
mod product;
mod rounded;
mod tile;

pub use matrix::Matrix;
pub use product::{Effect, Machine, append, multiply, multiply_on, product};
pub use rounded::bf16;

/// The type in which numbers are multiplied. Sums are f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to eight binary digits, to nearest, ties to even: each operand is off by 2⁻⁹ of
    /// itself at most, each product, which is exact then, by little more than 2⁻⁸.
    Bf16,
}

impl Precision {
    /// How many numbers share the 32 bits of a cell.
    pub(crate) fn per_cell(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Bf16 => 2,
        }
    }
}
