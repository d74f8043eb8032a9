//! A track's configuration, for people and as JSON.

use crate::prompt::{CodingId, Interpolation};
use crate::segment::{StartLatent, Track};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
pub(super) struct TrackReport {
    codecs: String,
    profile: String,
    rank: usize,
    full_rank: usize,
    tokens: usize,
    dim: usize,
    grid_width: usize,
    coding: &'static str,
    u_bits: u8,
    v_bits: u8,
    interpolation: &'static str,
    start_latent: &'static str,
    noise_seed: u32,
    noise_weight: f32,
    frame_rate: String,
    width: u32,
    height: u32,
    coded_width: u32,
    coded_height: u32,
    pixel_aspect: [u32; 2],
    /// Hex; absent if the file does not say.
    weights: Option<String>,
}

impl TrackReport {
    pub(super) fn new(track: &Track) -> Self {
        let weights: String = track
            .weights
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            codecs: track.codecs(),
            profile: track.profile.clone(),
            rank: track.rank(),
            full_rank: track.coding.full_rank,
            tokens: track.coding.shape.tokens,
            dim: track.coding.shape.dim,
            grid_width: track.coding.grid_width,
            coding: match track.coding.coding {
                CodingId::Reference => "reference",
                CodingId::Layered => "layered",
            },
            u_bits: track.coding.quantiser.u_bits,
            v_bits: track.coding.quantiser.v_bits,
            interpolation: match track.interpolation {
                Interpolation::Factors => "factors",
                Interpolation::Prompt => "prompt",
                Interpolation::Motion => "motion",
            },
            start_latent: match track.start_latent {
                StartLatent::Noise => "noise",
                StartLatent::TwoPass => "two passes",
                StartLatent::Coarse => "coarse",
                StartLatent::Full => "full",
                StartLatent::Chain => "chain",
            },
            noise_seed: track.noise_seed,
            noise_weight: track.noise_weight,
            frame_rate: track.frame_rate.to_string(),
            width: track.visible.0,
            height: track.visible.1,
            coded_width: track.coded.0,
            coded_height: track.coded.1,
            pixel_aspect: [track.pixel_aspect.0, track.pixel_aspect.1],
            weights: track
                .weights
                .iter()
                .any(|&byte| byte != 0)
                .then_some(weights),
        }
    }

    /// A few lines of text, each with `indent` before it.
    pub(super) fn describe(&self, indent: &str, out: &mut Vec<u8>) -> io::Result<()> {
        let [horizontal, vertical] = self.pixel_aspect;
        writeln!(
            out,
            "{indent}{}: {}x{} pixels of {horizontal}:{vertical} (generated {}x{}), {} frames a second",
            self.codecs,
            self.width,
            self.height,
            self.coded_width,
            self.coded_height,
            self.frame_rate
        )?;
        writeln!(
            out,
            "{indent}rank {} of {}, {} tokens of {} (grid width {}), {} coding, {} and {} bits",
            self.rank,
            self.full_rank,
            self.tokens,
            self.dim,
            self.grid_width,
            self.coding,
            self.u_bits,
            self.v_bits
        )?;
        writeln!(
            out,
            "{indent}interpolation of {}, start latent: {}, noise {} of seed {}",
            self.interpolation, self.start_latent, self.noise_weight, self.noise_seed
        )?;
        let weights = self.weights.as_deref().unwrap_or("not specified");
        writeln!(out, "{indent}weights {weights}")
    }
}
