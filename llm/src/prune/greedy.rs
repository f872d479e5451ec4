//! [`Greedy`]: one layer after the other is left out.

use super::Calibration;
use crate::model::Layers;
use crate::{LlmError, Model};
use std::ops::ControlFlow;

/// A layer that was left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropped {
    /// Its number in the teacher.
    pub layer: usize,
    /// The divergence from the teacher of what is then left, in nats per position.
    pub divergence: f64,
}

/// Leaves out layers of a teacher, one at a time: the one without which the student stays closest
/// to the teacher on the calibration texts, the first among equals.
///
/// Each step looks one layer ahead only; that the layers left out together are the best of their
/// number is not claimed.
#[derive(Debug)]
pub struct Greedy<'a> {
    calibration: &'a Calibration,
    teacher: &'a Model,
    student: Model,
    kept: Layers,
}

impl<'a> Greedy<'a> {
    /// Starts with all layers of the teacher.
    ///
    /// # Errors
    /// None for a model that can be loaded: it has a layer.
    pub fn new(teacher: &'a Model, calibration: &'a Calibration) -> Result<Self, LlmError> {
        let kept = Layers::all(teacher.config().layers)?;
        Ok(Self { calibration, teacher, student: teacher.clone(), kept })
    }

    /// The layers that are left.
    pub fn kept(&self) -> &Layers {
        &self.kept
    }

    /// What is left.
    pub fn student(&self) -> &Model {
        &self.student
    }

    /// Leaves out one more layer. `watch` is called after each batch of texts.
    ///
    /// # Errors
    /// [`LlmError::Layers`] when one layer is left; [`LlmError::Stopped`] when `watch` breaks, with
    /// nothing changed; those of [`Calibration::divergence`].
    pub fn step(
        &mut self,
        watch: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Dropped, LlmError> {
        // Fails before anything is computed when nothing would be left.
        self.kept.without(0)?;
        let divergences = self.calibration.without_each_layer(&self.student, watch)?;
        // One that is no number is as bad as any.
        let size = |d: f64| if d.is_nan() { f64::INFINITY } else { d };
        let closest = (0..divergences.len())
            .reduce(|a, b| if size(divergences[b]) < size(divergences[a]) { b } else { a });
        let place = closest.unwrap_or(0);
        let dropped = Dropped { layer: self.kept.numbers()[place], divergence: divergences[place] };
        self.kept = self.kept.without(place)?;
        self.student = self.teacher.pruned(&self.kept)?;
        Ok(dropped)
    }
}
