//! Random instances for property tests with `quickcheck`; [`crate::strategies`] for `proptest`.
//!
//! # Example
//! ```
//! use quickcheck::QuickCheck;
//! use verify::generators::AnyInstance;
//!
//! fn the_gap_is_not_negative(AnyInstance(instance): AnyInstance) -> bool {
//!     let selection = operators::Selection::TopP(instance.p);
//!     let case = verify::Case::<f64>::solve(&instance, selection, verify::Theory::default());
//!     case.is_ok_and(|case| case.gap().is_ok_and(|gap| {
//!         case.support().all(|(_, pair, _)| gap.0[pair] >= -case.value_slack)
//!     }))
//! }
//! QuickCheck::new().quickcheck(the_gap_is_not_negative as fn(AnyInstance) -> bool);
//! ```

use crate::{Plan, shrink};
use operators::TopP;
use quickcheck::{Arbitrary, Gen};
use tabular::Instance;

/// An instance for `quickcheck`.
#[derive(Debug, Clone)]
pub struct AnyInstance(pub Instance);

impl Arbitrary for AnyInstance {
    fn arbitrary(g: &mut Gen) -> Self {
        let plan = Plan::new(0);
        loop {
            if let Ok((instance, _)) = plan.instance(u64::arbitrary(g) >> 1) {
                return Self(instance);
            }
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let candidates: Vec<Self> = shrink::candidates(&self.0).map(Self).collect();
        Box::new(candidates.into_iter())
    }
}

/// An instance with a Q-table, which is also the logits of a policy, for `quickcheck`.
#[derive(Debug, Clone)]
pub struct AnyTable {
    /// The instance.
    pub instance: Instance,
    /// A number of nats for every pair.
    pub table: Vec<f64>,
}

impl Arbitrary for AnyTable {
    fn arbitrary(g: &mut Gen) -> Self {
        let instance = AnyInstance::arbitrary(g).0;
        let table = (0..instance.mdp.pairs()).map(|_| f64::from(i16::arbitrary(g)) / 4096.0);
        Self { table: table.collect(), instance }
    }
}

/// p for `quickcheck`: a multiple of 2⁻¹⁶ in (0, 1].
#[derive(Debug, Clone, Copy)]
pub struct AnyTopP(pub TopP);

impl Arbitrary for AnyTopP {
    fn arbitrary(g: &mut Gen) -> Self {
        loop {
            // In (0, 1] by construction; the loop only spares an unwrap.
            if let Ok(p) = TopP::new((f64::from(u16::arbitrary(g)) + 1.0) / 65536.0) {
                return Self(p);
            }
        }
    }
}
