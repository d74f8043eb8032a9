//! A track's configuration.

use crate::prompt::{CodingId, Interpolation};
use crate::segment::{StartLatent, Track};
use serde_json::{Value, json};

/// A track's configuration.
pub(super) fn json(track: &Track) -> Value {
    let (coding, weights) = (&track.coding, weights(track));
    let id = match coding.coding {
        CodingId::Reference => "reference",
        CodingId::Layered => "layered",
    };
    json!({
        "codecs": track.codecs(), "profile": track.profile, "weights": weights,
        "rank": track.rank(), "full_rank": coding.full_rank, "tokens": coding.shape.tokens,
        "dim": coding.shape.dim, "grid_width": coding.grid_width, "coding": id,
        "u_bits": coding.quantiser.u_bits, "v_bits": coding.quantiser.v_bits,
        "interpolation": interpolation(track), "start_latent": start_latent(track),
        "noise_seed": track.noise_seed, "noise_weight": track.noise_weight,
        "frame_rate": track.frame_rate.to_string(),
        "width": track.visible.0, "height": track.visible.1,
        "coded_width": track.coded.0, "coded_height": track.coded.1,
        "pixel_aspect": track.pixel_aspect,
    })
}

/// SHA-256 of the generator's weights; `None` if the track does not name them.
fn weights(track: &Track) -> Option<String> {
    let named = track.weights.iter().any(|&byte| byte != 0);
    named.then(|| {
        track
            .weights
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    })
}

fn interpolation(track: &Track) -> &'static str {
    match track.interpolation {
        Interpolation::Factors => "factors",
        Interpolation::Prompt => "prompt",
        Interpolation::Motion => "motion",
    }
}

fn start_latent(track: &Track) -> String {
    match track.start_latent {
        StartLatent::TwoPass => "two passes".to_owned(),
        mode => format!("{mode:?}").to_lowercase(),
    }
}
