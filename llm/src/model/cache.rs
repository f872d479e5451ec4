//! [`Cache`]: keys and values of positions that were seen, so that they need not be computed again.

use candle_core::Tensor;

/// Keys and values [B, G, S, D] of one layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer(Option<(Tensor, Tensor)>);

impl Layer {
    /// Adds T positions and returns all S. What is kept carries no gradient.
    pub(super) fn append(
        &mut self,
        key: Tensor,
        value: Tensor,
    ) -> candle_core::Result<(Tensor, Tensor)> {
        let (key, value) = match &self.0 {
            None => (key, value),
            Some((keys, values)) => {
                (Tensor::cat(&[keys, &key], 2)?, Tensor::cat(&[values, &value], 2)?)
            }
        };
        self.0 = Some((key.detach(), value.detach()));
        Ok((key, value))
    }
}

/// What a model remembers of a batch of sequences.
///
/// Made empty; each call of [`super::Model::hidden`] with it adds the positions of that call. It
/// belongs to one model and to as many sequences as the first call had.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    pub(super) layers: Vec<Layer>,
    /// Whether each cached position is a token, per sequence.
    pub(super) real: Vec<Vec<bool>>,
}

impl Cache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of positions seen, padding included.
    pub fn time(&self) -> usize {
        self.real.first().map_or(0, Vec::len)
    }
}
