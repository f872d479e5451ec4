//! [`Compute`]: the type in which linear maps are multiplied on processors.

use serde::{Deserialize, Serialize};
use std::cell::Cell;

/// The type in which linear maps and heads of f32 models in main memory are multiplied.
///
/// Weights, sums, norms, attention, losses and the optimiser are f32 either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compute {
    /// In f32.
    #[default]
    F32,
    /// Operands are rounded to bf16, whose products are exact in f32 and added up there: half the
    /// time on processors with AVX512-BF16, the same numbers and more time on others.
    Bf16,
}

thread_local! {
    static CURRENT: Cell<Compute> = const { Cell::new(Compute::F32) };
}

/// Puts the type back that was there before, whatever happens.
struct Before(Compute);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl Compute {
    /// What `f` computes, with linear maps in this type. It is the type of this thread; gradients
    /// are computed in the type that their map was computed in.
    pub fn run<R>(self, f: impl FnOnce() -> R) -> R {
        let _before = Before(CURRENT.replace(self));
        f()
    }

    /// The precision of maps that are computed now.
    pub(crate) fn precision() -> kernels::Precision {
        match CURRENT.get() {
            Self::F32 => kernels::Precision::F32,
            Self::Bf16 => kernels::Precision::Bf16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::Precision;

    #[test]
    fn the_type_ends_with_what_it_was_given_for() {
        let inside =
            Compute::Bf16.run(|| (Compute::precision(), Compute::F32.run(Compute::precision)));
        assert_eq!(inside, (Precision::Bf16, Precision::F32));
        assert_eq!(Compute::precision(), Precision::F32);
        let panicked = std::panic::catch_unwind(|| Compute::Bf16.run(|| panic!("on purpose")));
        assert!(panicked.is_err() && Compute::precision() == Precision::F32);
    }
}
