//! Coding id 1: one stream per component, so that a rung is a prefix of the layers.
//!
//! Closed loop: both sides keep, per component, the integers of the keyframe before. Component j
//! depends on components ≤ j of earlier keyframes of the segment and on nothing else.

use super::quantize::StepCode;
use super::{CodedKeyframe, CodingParameters, Factors, PromptError, Steps, factors::in_range};

/// What is known of one component after a keyframe; all zero before the first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Component {
    u_step: StepCode,
    v_step: StepCode,
    u: Vec<i32>,
    v: Vec<i32>,
}

impl Component {
    fn empty(parameters: &CodingParameters) -> Self {
        Self {
            u_step: StepCode(0),
            v_step: StepCode(0),
            u: vec![0; parameters.shape.tokens],
            v: vec![0; parameters.shape.dim],
        }
    }
}

/// The factors that these components mean.
fn reconstruct(
    parameters: &CodingParameters,
    components: &[Component],
) -> Result<Factors, PromptError> {
    let rank = components.len();
    let mut u = vec![0.0; parameters.shape.tokens * rank];
    let mut v = Vec::with_capacity(parameters.shape.dim * rank);
    for (j, component) in components.iter().enumerate() {
        let step = component.u_step.value();
        for (row, &q) in u.chunks_exact_mut(rank).zip(&component.u) {
            row[j] = step * q as f32;
        }
        let step = component.v_step.value();
        v.extend(component.v.iter().map(|&q| step * q as f32));
    }
    Factors::new(parameters.shape, parameters.full_rank, u, v)
}

/// The encoder's side of one segment.
#[derive(Debug)]
pub(super) struct LayeredEncoder {
    parameters: CodingParameters,
    steps: Steps,
    components: Vec<Component>,
}

impl LayeredEncoder {
    pub(super) fn new(parameters: CodingParameters, steps: Steps) -> Result<Self, PromptError> {
        let (least, most) = (parameters.components, Factors::MAX_RANK);
        in_range("number of steps", steps.components(), least, most)?;
        Ok(Self {
            components: vec![Component::empty(&parameters); least],
            parameters,
            steps,
        })
    }

    pub(super) fn push(
        &mut self,
        keyframe: &Factors,
    ) -> Result<(CodedKeyframe, Factors), PromptError> {
        self.parameters.check_factors(keyframe)?;
        let mut layers = Vec::with_capacity(self.components.len());
        for j in 0..self.components.len() {
            let next = self.quantised(keyframe, j);
            layers.push(write_layer(&next));
            self.components[j] = next;
        }
        let seen = reconstruct(&self.parameters, &self.components)?;
        Ok((CodedKeyframe { layers }, seen))
    }

    fn quantised(&self, keyframe: &Factors, j: usize) -> Component {
        let (u_step, v_step) = (self.steps.u[j], self.steps.v[j]);
        let (u_max, v_max) = (
            self.parameters.quantiser.u_max(),
            self.parameters.quantiser.v_max(),
        );
        let column = keyframe.u_column(j);
        let row = keyframe.v_row(j).iter();
        Component {
            u_step,
            v_step,
            u: column.map(|value| u_step.quantise(value, u_max)).collect(),
            v: row.map(|&value| v_step.quantise(value, v_max)).collect(),
        }
    }
}

/// The decoder's side of one segment.
#[derive(Debug)]
pub(super) struct LayeredDecoder {
    parameters: CodingParameters,
    keyframe: usize,
    components: Vec<Component>,
}

impl LayeredDecoder {
    pub(super) fn new(parameters: CodingParameters) -> Self {
        Self {
            components: vec![Component::empty(&parameters); parameters.components],
            keyframe: 0,
            parameters,
        }
    }

    pub(super) fn push(&mut self, layers: &[&[u8]]) -> Result<Factors, PromptError> {
        let keyframe = self.keyframe;
        self.keyframe += 1;
        if layers.is_empty() || layers.len() > self.components.len() {
            return Err(PromptError::LayerCount {
                keyframe,
                expected: format!("1 to {}", self.components.len()),
                got: layers.len(),
            });
        }
        self.components.truncate(layers.len());
        let places = self.components.iter_mut().zip(layers).enumerate();
        for (layer, (component, bytes)) in places {
            *component = read_layer(&self.parameters, bytes).ok_or(PromptError::Damaged {
                keyframe,
                layer,
                reason: "wrong length or a value outside the quantiser's width",
            })?;
        }
        reconstruct(&self.parameters, &self.components)
    }
}

fn write_layer(component: &Component) -> Vec<u8> {
    let mut out = vec![component.u_step.0, component.v_step.0];
    for &q in component.v.iter().chain(&component.u) {
        out.extend_from_slice(&(q as i16).to_le_bytes());
    }
    out
}

fn read_layer(parameters: &CodingParameters, bytes: &[u8]) -> Option<Component> {
    let (&[u_step, v_step], rest) = bytes.split_first_chunk()?;
    let (words, odd) = rest.as_chunks::<2>();
    let dim = parameters.shape.dim;
    if words.len() != dim + parameters.shape.tokens || !odd.is_empty() {
        return None;
    }
    let values = |words: &[[u8; 2]], max: i32| -> Option<Vec<i32>> {
        let read = words
            .iter()
            .map(|&word| i32::from(i16::from_le_bytes(word)));
        read.map(|q| (q.abs() <= max).then_some(q)).collect()
    };
    Some(Component {
        u_step: StepCode(u_step),
        v_step: StepCode(v_step),
        v: values(&words[..dim], parameters.quantiser.v_max())?,
        u: values(&words[dim..], parameters.quantiser.u_max())?,
    })
}
