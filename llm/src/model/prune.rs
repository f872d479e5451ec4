//! A model with some of its blocks.

use super::scene::Scene;
use super::{Layers, Model, Names, Tokens};
use crate::LlmError;
use candle_core::Tensor;

impl Model {
    /// The model with these of its layers only. It shares every tensor with this one, so that it
    /// costs next to nothing; in [`Model::tensors`] and in saved folders its layers are numbered
    /// from 0.
    ///
    /// # Errors
    /// [`LlmError::NoLayer`] when the model lacks one of them.
    pub fn pruned(&self, kept: &Layers) -> Result<Self, LlmError> {
        let layers = self.blocks.len();
        if let Some(&layer) = kept.numbers().iter().find(|&&layer| layer >= layers) {
            return Err(LlmError::NoLayer { layer, layers });
        }
        let mut pruned = self.clone();
        pruned.config.layers = kept.numbers().len();
        pruned.blocks = kept.numbers().iter().map(|&layer| self.blocks[layer].clone()).collect();
        let names = Names::of(self.config.architecture);
        let renamed = self.tensors.iter().filter_map(|(name, tensor)| {
            let name = match names.layer(name) {
                None => name.clone(),
                Some((before, layer, after)) => format!("{before}{}{after}", kept.place(layer)?),
            };
            Some((name, tensor.clone()))
        });
        pruned.tensors = renamed.collect();
        Ok(pruned)
    }

    /// The hidden states that the model would have without each of its layers in turn, in the order
    /// of the layers; `visit` takes each [B, T, E]. What comes before the layer that is left out is
    /// computed once: half the work of one pruned model after the other, and the same numbers.
    ///
    /// # Errors
    /// Those of [`Model::hidden`] and of `visit`.
    pub(crate) fn without_each_layer(
        &self,
        tokens: &Tokens,
        visit: &mut dyn FnMut(Tensor) -> Result<(), LlmError>,
    ) -> Result<(), LlmError> {
        let scene = Scene::new(&self.config, tokens, &[], self.dtype, &self.device)?;
        let mut x_mh = self.embed(tokens, &scene)?;
        for (i, block) in self.blocks.iter().enumerate() {
            let mut y_mh = x_mh.clone();
            for later in &self.blocks[i + 1..] {
                y_mh = later.forward(&y_mh, &scene, None)?;
            }
            visit(self.finish(y_mh, tokens)?)?;
            x_mh = block.forward(&x_mh, &scene, None)?;
        }
        Ok(())
    }
}

impl Names {
    /// The parts of the name of a block's tensor: before the number of the layer, the number, and
    /// after it. Nothing for tensors outside the blocks.
    fn layer<'a>(&self, name: &'a str) -> Option<(&'a str, usize, &'a str)> {
        let within = self.prefixes.iter().find_map(|prefix| {
            name.strip_prefix(prefix)?.strip_prefix(self.blocks)?.strip_prefix('.')
        })?;
        let number = within.split('.').next()?;
        let start = name.len() - within.len();
        let (before, after) = (&name[..start], &within[number.len()..]);
        Some((before, number.parse().ok()?, after))
    }
}
