//! [`Recompute`]: blocks whose activations are computed a second time in place of being kept.

use super::Model;
use super::block::Block;
use super::scene::Scene;
use candle_core::backend::BackendStorage;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CudaStorage, CustomOp2, Layout, MetalStorage, Result, Shape};
use candle_core::{Tensor, Var};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the gradients of the blocks' weights are found, which do not pass through the graph that
/// the rest of the model belongs to.
#[derive(Debug, Clone, Default)]
pub(super) struct Recompute(Arc<Mutex<Vec<GradStore>>>);

impl Recompute {
    /// What [`Block::forward`] gives. Of the block only its input and output are kept.
    pub(super) fn forward(&self, block: &Block, x_mh: &Tensor, scene: &Scene) -> Result<Tensor> {
        // The same operations as with a graph, which goes at the end of this line.
        let out_mh = block.forward(&x_mh.detach(), scene, None)?.detach();
        let again = Again { block: block.clone(), scene: scene.clone(), found: self.clone() };
        x_mh.apply_op2(&out_mh, again)
    }

    fn take(&self) -> Vec<GradStore> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, store: GradStore) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(store);
    }
}

impl Model {
    /// The same model, trained in less memory and more time: of each block only what goes in and
    /// comes out is kept for backpropagation, which computes the rest a second time.
    ///
    /// The gradients of the blocks' weights are those of [`Model::recomputed`], not of the store that
    /// backpropagation gives.
    #[must_use]
    pub fn checkpointing(self) -> Self {
        Self { recompute: Some(Recompute::default()), ..self }
    }

    /// The gradients of the weights of all blocks that backpropagation has passed since the last
    /// call, a store for each; nothing where activations are kept.
    pub fn recomputed(&self) -> Vec<GradStore> {
        self.recompute.as_ref().map(Recompute::take).unwrap_or_default()
    }
}

/// A block of which input and output are known.
struct Again {
    block: Block,
    scene: Scene,
    found: Recompute,
}

/// A copy of the output, whatever the device.
fn copy<S: BackendStorage>(out: &S, layout: &Layout) -> Result<(S, Shape)> {
    Ok((out.try_clone(layout)?, layout.shape().clone()))
}

impl CustomOp2 for Again {
    fn name(&self) -> &'static str {
        "a block computed again"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        out: &CpuStorage,
        layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        copy(out, layout)
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        out: &CudaStorage,
        layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        copy(out, layout)
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        out: &MetalStorage,
        layout: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        copy(out, layout)
    }

    fn bwd(
        &self,
        x_mh: &Tensor,
        _: &Tensor,
        _: &Tensor,
        slope_mh: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let x_mh = Var::from_tensor(&x_mh.detach())?;
        let out_mh = self.block.forward(&x_mh, &self.scene, None)?;
        // Σ slope · out has this slope at the output.
        let mut store = out_mh.mul(&slope_mh.detach())?.sum_all()?.backward()?;
        let gradient = store.remove(&x_mh);
        self.found.add(store);
        Ok((gradient, None))
    }
}
