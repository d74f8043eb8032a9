//! Whether a generator can render a track.

use super::error::RenderError;
use crate::model::Generator;
use crate::segment::{Track, hex};

/// Fails unless profile, weights, picture size and prompt shape of `track` are the generator's.
pub(super) fn check(generator: &Generator, track: &Track) -> Result<(), RenderError> {
    let profile = generator.profile();
    if track.profile != profile.name {
        return Err(RenderError::Profile {
            track: track.profile.clone(),
            generator: profile.name,
        });
    }
    let unknown = track.weights == [0; 32];
    if !unknown && track.weights != generator.weights_hash() {
        return Err(RenderError::Weights {
            track: hex(&track.weights),
            generator: hex(&generator.weights_hash()),
        });
    }
    let (width, height) = track.coded;
    let cells = profile.coded_size(track.coded) == track.coded;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > profile.max_pixels {
        return Err(RenderError::TooManyPixels {
            size: track.coded,
            profile: profile.name,
            limit: profile.max_pixels,
        });
    }
    if !cells || profile.prompt_shape(track.coded) != track.coding.shape {
        return Err(RenderError::CodedSize {
            size: track.coded,
            tokens: track.coding.shape.tokens,
            dim: track.coding.shape.dim,
            profile: profile.name,
        });
    }
    Ok(())
}
