//! The start latent while it is fitted: always exactly what the player will make of what is sent.
//!
//! Noise has nothing to fit. Two passes follow the prompts: frame 0 is sketched anew in every
//! pass, and its latent is taken as given there (no gradient goes through the sketch). A latent
//! that is sent begins as the one that frame 0's prompt gives and is moved like the prompts,
//! rounding passed straight through.

use candle_core::Tensor;

use super::InvertError;
use super::adam::Adam;
use super::options::StartOptions;
use crate::model::Generator;
use crate::model::opening::{LatentGrid, SentLatent, opening, sketched};
use crate::model::start::Start;
use crate::prompt::Factors;
use crate::segment::StartLatent;

/// How far a pass moves a latent that is sent, over the root mean square of the first one.
const RATE: f64 = 0.05;

/// The start latent of a segment under way.
#[derive(Debug)]
pub(super) struct Opening {
    mode: StartLatent,
    start: Start,
    /// Components of a sketch.
    base: usize,
    sent: Option<Fitting>,
}

/// A latent that is sent, before rounding.
#[derive(Debug)]
struct Fitting {
    grid: LatentGrid,
    bits: u8,
    values: Vec<f32>,
    adam: Adam,
    rate: f64,
    /// What a unit of the latent before adds to the start latent.
    share: f32,
    size: (usize, usize),
}

impl Opening {
    /// The start of a segment whose frame 0 has the prompt `first`; `base` is the lowest rung's
    /// rank.
    pub(super) fn new(
        options: StartOptions,
        generator: &Generator,
        start: Start,
        (first, base): (&Factors, usize),
    ) -> Result<Self, InvertError> {
        let mode = options.mode;
        let sent = match mode {
            StartLatent::Coarse | StartLatent::Full => {
                let fresh = start.fresh()?;
                let (_, channels, rows, columns) = fresh.dims4()?;
                let side = match mode {
                    StartLatent::Full => rows.max(columns),
                    _ => options.side,
                };
                let grid = LatentGrid::within((channels, rows, columns), side);
                let latent = sketched(generator, first.compose(first.rank()), &fresh)?;
                let latent: Vec<f32> = latent.flatten_all()?.to_vec1()?;
                let values = grid.reduced(&latent, (rows, columns));
                let squares: f64 = values.iter().map(|x| f64::from(x * x)).sum();
                Some(Fitting {
                    adam: Adam::new(values.len()),
                    rate: RATE * (squares / values.len() as f64).sqrt(),
                    share: start.share_before() as f32,
                    size: (rows, columns),
                    bits: options.bits,
                    values,
                    grid,
                })
            }
            _ => None,
        };
        Ok(Self {
            mode,
            start,
            base,
            sent,
        })
    }

    /// What the segment's first sample carries.
    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        match (&self.sent, self.mode) {
            (Some(sent), _) => {
                let latent = SentLatent::quantised(sent.grid, sent.bits, &sent.values);
                Some(latent.to_bytes())
            }
            (None, StartLatent::TwoPass) => Some(vec![self.base as u8]),
            _ => None,
        }
    }

    /// The start latent that a player makes of the keyframes `seen`.
    pub(super) fn latent(
        &self,
        generator: &Generator,
        seen: &[Factors],
    ) -> Result<Tensor, InvertError> {
        let payload = self.payload().unwrap_or_default();
        let sketch = |components| seen.first().map(|first| first.compose(components));
        let mode = (self.mode, payload.as_slice());
        Ok(opening(generator, &self.start, mode, sketch)?)
    }

    /// Whether [`Opening::step`] wants the gradient of the start latent.
    pub(super) fn is_fitted(&self) -> bool {
        self.sent.is_some()
    }

    /// Moves what is sent against the gradient of the start latent; `share` falls from 1 over the
    /// passes.
    pub(super) fn step(&mut self, gradient: &[f32], share: f64) {
        if let Some(sent) = &mut self.sent {
            let gathered = sent.grid.gathered(gradient, sent.size);
            let gradient: Vec<f64> = gathered.iter().map(|g| f64::from(sent.share * g)).collect();
            sent.adam
                .step(&mut sent.values, &gradient, share * sent.rate);
        }
    }
}
