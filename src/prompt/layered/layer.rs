//! The syntax of one layer, for both directions.
//!
//! A segment's first keyframe opens every layer with the steps of U and V; a later keyframe's
//! layer 0 opens with the motion. Then the row of V and the column of U follow.

use super::column::{self, Below, Column, Context};
use super::grid::{Grid, Motion};
use super::motion;
use super::row::{self, Energy};
use crate::prompt::entropy::{Coder, Distribution, OCTAVE};
use crate::prompt::quantize::StepCode;
use crate::prompt::{CodingParameters, Quantiser, Shape};

/// State of one component after a keyframe.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) u_step: StepCode,
    pub(super) v_step: StepCode,
    pub(super) column: Column,
    pub(super) row: Vec<i32>,
}

impl Component {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            u_step: StepCode(0),
            v_step: StepCode(0),
            column: Column::new(shape.tokens),
            row: vec![0; shape.dim],
        }
    }
}

/// Encoder targets for one component in quantiser steps; ignored when decoding.
#[derive(Debug, Default)]
pub(super) struct Target {
    pub(super) u_step: u8,
    pub(super) v_step: u8,
    pub(super) motion: Motion,
    pub(super) u: Vec<f32>,
    pub(super) v: Vec<f32>,
}

/// State shared by the layers of one keyframe, lowest first.
#[derive(Debug)]
pub(super) struct Keyframe<'a> {
    grid: &'a Grid,
    quantiser: Quantiser,
    first: bool,
    steps: Option<(u8, u8)>,
    motion: Motion,
    below: Below,
    energy: Energy,
}

impl<'a> Keyframe<'a> {
    pub(super) fn new(parameters: &CodingParameters, grid: &'a Grid, first: bool) -> Self {
        Self {
            grid,
            quantiser: parameters.quantiser,
            first,
            steps: None,
            motion: Motion::default(),
            below: Below::new(parameters.shape.tokens),
            energy: Energy::new(parameters.shape.dim),
        }
    }

    pub(super) fn code(
        &mut self,
        coder: &mut impl Coder,
        component: &mut Component,
        target: &Target,
    ) {
        if self.first {
            let (u, v) = steps(coder, self.steps, target);
            component.u_step = StepCode(u);
            component.v_step = StepCode(v);
        } else if self.steps.is_none() {
            self.motion = motion::code(coder, target.motion);
        }
        let (u_step, v_step) = (component.u_step.0, component.v_step.0);
        self.steps = Some((u_step, v_step));
        let (energy, v_max) = (&mut self.energy, self.quantiser.v_max());
        let Component { row, column, .. } = component;
        row::code(coder, energy, row, v_step, v_max, self.first, &target.v);
        let context = Context {
            first: self.first,
            motion: self.motion,
            step: u_step.into(),
            max: self.quantiser.u_max(),
        };
        let below = &mut self.below;
        column::code(coder, self.grid, &context, column, below, &target.u);
    }
}

/// Steps of U and V: absolute in layer 0, then relative to the layer below. U's step is usually the
/// same, and V's grows as the column's energy falls.
fn steps(coder: &mut impl Coder, below: Option<(u8, u8)>, target: &Target) -> (u8, u8) {
    let Some((u, v)) = below else {
        let u = coder.bits(8, target.u_step.into()) as u8;
        return (u, coder.bits(8, target.v_step.into()) as u8);
    };
    let u = if coder.flag(240, target.u_step == u) {
        u
    } else {
        coder.bits(8, target.u_step.into()) as u8
    };
    let growth = Distribution::new(2 * 16, OCTAVE * 3 / 2, 255);
    let growth = coder.integer(&growth, f32::from(target.v_step) - f32::from(v));
    (u, (i32::from(v) + growth).clamp(0, 255) as u8)
}
