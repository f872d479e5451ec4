//! Random instances for property tests with `proptest`; [`crate::generators`] for `quickcheck`.
//!
//! They draw from the families of [`tabular::families`] and shrink by [`crate::shrink`]: states,
//! then actions, then successors, then simple numbers.
//!
//! # Example
//! ```
//! use proptest::prelude::*;
//! use verify::strategies::instances;
//! use verify::{Case, Theory};
//!
//! proptest! {
//!     // In a test suite this function carries #[test].
//!     fn the_gap_is_not_negative(instance in instances()) {
//!         let selection = operators::Selection::TopP(instance.p);
//!         let case = Case::<f64>::solve(&instance, selection, Theory::default())?;
//!         let gap = case.gap()?;
//!         for (_, pair, _) in case.support() {
//!             prop_assert!(gap.0[pair] >= -case.value_slack);
//!         }
//!     }
//! }
//! the_gap_is_not_negative();
//! ```

use crate::{Plan, shrink};
use operators::{Discount, TopP};
use proptest::prelude::*;
use proptest::strategy::{NewTree, ValueTree};
use proptest::test_runner::TestRunner;
use tabular::{Instance, Mdp};

/// Instances of every family, with γ from 0 to 0.9999 and 1 where the end is certain, and p from
/// 0.05 to 1.
pub fn instances() -> Instances {
    instances_of(Plan::new(0))
}

/// Instances that a plan describes: its families, sizes, γ and p.
pub fn instances_of(plan: Plan) -> Instances {
    Instances { plan }
}

/// p in (0, 1], the usual values often.
pub fn masses() -> impl Strategy<Value = TopP> {
    prop_oneof![
        prop::sample::select(vec![0.05, 0.5, 0.8, 0.9, 0.95, 1.0]),
        // Away from 0, where one action is kept whatever p is.
        0.001..1.0f64,
    ]
    // Both ranges lie in (0, 1].
    .prop_filter_map("p in (0, 1]", |p| TopP::new(p).ok())
}

/// γ in [0, 1), the usual values often.
pub fn discounts() -> impl Strategy<Value = Discount> {
    prop_oneof![prop::sample::select(vec![0.0, 0.5, 0.9, 0.99, 0.999]), 0.0..0.9999f64]
        .prop_filter_map("γ in [0, 1)", |gamma| Discount::new(gamma).ok())
}

/// A number of nats for every pair of a model: a Q-table, or the logits of a policy.
pub fn tables(mdp: &Mdp) -> impl Strategy<Value = Vec<f64>> + use<> {
    prop::collection::vec(-8.0..8.0f64, mdp.pairs())
}

/// The strategy of [`instances`].
#[derive(Debug, Clone)]
pub struct Instances {
    plan: Plan,
}

impl Strategy for Instances {
    type Tree = InstanceTree;
    type Value = Instance;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        // The high bit belongs to probes.
        let index = runner.rng().next_u64() >> 1;
        let instance = self.plan.instance(index).map_err(|e| e.to_string())?.0;
        Ok(InstanceTree { failing: instance.clone(), current: instance, tried: 0 })
    }
}

/// An instance on its way to a smaller one.
#[derive(Debug, Clone)]
pub struct InstanceTree {
    failing: Instance,
    current: Instance,
    tried: usize,
}

impl InstanceTree {
    /// Moves to the next candidate below the smallest failing instance.
    fn advance(&mut self) -> bool {
        let next = shrink::candidates(&self.failing).nth(self.tried);
        self.tried += 1;
        match next {
            Some(candidate) => {
                self.current = candidate;
                true
            }
            None => {
                self.current = self.failing.clone();
                false
            }
        }
    }
}

impl ValueTree for InstanceTree {
    type Value = Instance;

    fn current(&self) -> Instance {
        self.current.clone()
    }

    /// The present instance fails: look below it.
    fn simplify(&mut self) -> bool {
        self.failing = self.current.clone();
        self.tried = 0;
        self.advance()
    }

    /// The present instance passes: try the next one below the last that failed.
    fn complicate(&mut self) -> bool {
        self.advance()
    }
}
