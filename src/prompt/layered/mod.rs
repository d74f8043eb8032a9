//! Coding id 1: one stream per component, so that a rung is a prefix of the layers.
//!
//! Closed loop: both sides keep the same state per component over the keyframes. Component j
//! depends on components ≤ j of this and earlier keyframes of the segment and on nothing else.

mod column;
mod grid;
mod layer;
mod motion;
mod row;

use self::grid::{Grid, Motion};
use self::layer::{Component, Keyframe, Target};
use super::entropy::{RangeDecoder, RangeEncoder};
use super::error::in_range;
use super::{CodedKeyframe, CodingParameters, Factors, PromptError, Steps};

fn reconstruct(
    parameters: &CodingParameters,
    components: &[Component],
) -> Result<Factors, PromptError> {
    let rank = components.len();
    let mut u = vec![0.0; parameters.shape.tokens * rank];
    let mut v = Vec::with_capacity(parameters.shape.dim * rank);
    for (j, component) in components.iter().enumerate() {
        let step = component.u_step.value();
        for (row, &q) in u.chunks_exact_mut(rank).zip(&component.column.values) {
            row[j] = step * q as f32;
        }
        let step = component.v_step.value();
        v.extend(component.row.iter().map(|&q| step * q as f32));
    }
    Factors::new(parameters.shape, parameters.full_rank, u, v)
}

#[derive(Debug)]
pub(super) struct LayeredEncoder {
    parameters: CodingParameters,
    grid: Grid,
    steps: Steps,
    rdoq_lambda: f64,
    first: bool,
    components: Vec<Component>,
    /// Of the latest keyframe: tokens × components, bits per unit of U.
    pub(super) slopes: Vec<f32>,
}

impl LayeredEncoder {
    pub(super) fn new(
        parameters: CodingParameters,
        steps: Steps,
        rdoq_lambda: f32,
    ) -> Result<Self, PromptError> {
        let (shape, count) = (parameters.shape, parameters.components);
        in_range("number of steps", steps.u.len(), count..=Factors::MAX_RANK)?;
        Ok(Self {
            components: vec![Component::new(shape); count],
            grid: Grid::new(shape.tokens, parameters.grid_width),
            first: true,
            slopes: vec![0.0; shape.tokens * count],
            rdoq_lambda: f64::from(rdoq_lambda).max(0.0),
            parameters,
            steps,
        })
    }

    pub(super) fn push(
        &mut self,
        keyframe: &Factors,
    ) -> Result<(CodedKeyframe, Factors), PromptError> {
        let components = 0..self.components.len();
        let mut targets: Vec<Target> = components.map(|j| self.target(keyframe, j)).collect();
        let motion = self.motion(&targets);
        let mut state = Keyframe::new(&self.parameters, &self.grid, self.first);
        let mut layers = Vec::with_capacity(targets.len());
        let (tokens, rank) = (self.parameters.shape.tokens, targets.len());
        for (j, (component, target)) in self.components.iter_mut().zip(&mut targets).enumerate() {
            target.motion = motion;
            let mut coder = RangeEncoder::new(self.rdoq_lambda);
            state.code(&mut coder, component, target);
            // The column comes last in a layer.
            let step = component.u_step.value();
            let column = &coder.slopes[coder.slopes.len() - tokens..];
            for (slope, per_step) in self.slopes.iter_mut().skip(j).step_by(rank).zip(column) {
                *slope = per_step / step;
            }
            layers.push(coder.finish());
        }
        self.first = false;
        let seen = reconstruct(&self.parameters, &self.components)?;
        Ok((CodedKeyframe { layers }, seen))
    }

    fn target(&self, keyframe: &Factors, j: usize) -> Target {
        let (u_step, v_step) = (self.steps.u[j], self.steps.v[j]);
        let (column, row) = (keyframe.u_column(j), keyframe.v_row(j).iter());
        Target {
            u_step: u_step.0,
            v_step: v_step.0,
            motion: Motion::default(),
            u: column.map(|value| value / u_step.value()).collect(),
            v: row.map(|value| value / v_step.value()).collect(),
        }
    }

    fn motion(&self, targets: &[Target]) -> Motion {
        if self.first || self.parameters.grid_width == 0 {
            return Motion::default();
        }
        let pairs = self.components.iter().zip(targets);
        let maps = pairs.map(|(before, now)| (&before.column.values[..], &now.u[..]));
        motion::search(&self.grid, maps)
    }
}

#[derive(Debug)]
pub(super) struct LayeredDecoder {
    parameters: CodingParameters,
    grid: Grid,
    components: Vec<Component>,
}

impl LayeredDecoder {
    pub(super) fn new(parameters: CodingParameters) -> Self {
        Self {
            components: vec![Component::new(parameters.shape); parameters.components],
            grid: Grid::new(parameters.shape.tokens, parameters.grid_width),
            parameters,
        }
    }

    /// Most layers of the next keyframe.
    pub(super) fn layers(&self) -> usize {
        self.components.len()
    }

    /// Decodes keyframe number `keyframe` of the segment from its first `layers`.
    pub(super) fn push(
        &mut self,
        keyframe: usize,
        layers: &[&[u8]],
    ) -> Result<Factors, PromptError> {
        self.components.truncate(layers.len());
        let mut state = Keyframe::new(&self.parameters, &self.grid, keyframe == 0);
        let places = self.components.iter_mut().zip(layers).enumerate();
        for (layer, (component, bytes)) in places {
            let mut coder = RangeDecoder::new(bytes);
            state.code(&mut coder, component, &Target::default());
            if !coder.is_complete() {
                return Err(PromptError::Damaged(format!(
                    "layer {layer} of keyframe {keyframe} is damaged: bytes are left over after the last symbol"
                )));
            }
        }
        reconstruct(&self.parameters, &self.components)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::prompt::{CodingId, Quantiser, Shape};
    use proptest::prelude::*;

    fn widest() -> CodingParameters {
        CodingParameters {
            coding: CodingId::Layered,
            shape: Shape::new(30, 7),
            grid_width: 6,
            components: 4,
            full_rank: 4,
            quantiser: Quantiser::new(12, 15),
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_overflow_at_the_widest_quantiser(
            layers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 4),
        ) {
            let mut decoder = LayeredDecoder::new(widest());
            for (component, byte) in decoder.components.iter_mut().zip(&layers) {
                let extreme = |i: usize| if byte.get(i).is_some_and(|b| b & 1 == 1) { 2047 } else { -2047 };
                component.column.values = (0..30).map(extreme).collect();
            }
            let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
            for keyframe in 1..4 {
                let _ = decoder.push(keyframe, &layers);
            }
        }

        #[test]
        fn extreme_targets_do_not_overflow_at_the_widest_quantiser(
            values in prop::collection::vec(-3e38..3e38f32, 30 * 4 + 7 * 4),
            step in 1e-6..1e3f32,
        ) {
            let (u, v) = values.split_at(120);
            let keyframe = Factors::new(widest().shape, 4, u.to_vec(), v.to_vec()).unwrap();
            let fine = Factors::new(widest().shape, 4, vec![step; 120], vec![step; 28]).unwrap();
            let steps = Steps::uniform(&[fine], widest().quantiser, step).unwrap();
            let mut encoder = LayeredEncoder::new(widest(), steps, 0.1).unwrap();
            for _ in 0..2 {
                encoder.push(&keyframe).unwrap();
            }
        }
    }
}
