//! A track's configuration, as JSON and as text.

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

/// A few lines of text, each with `indent` before it.
pub(super) fn text(track: &Track, indent: &str) -> String {
    let json = json(track);
    let field = |name: &str| json[name].as_str().map_or_else(|| json[name].to_string(), str::to_owned);
    let (horizontal, vertical) = track.pixel_aspect;
    let lines = [
        format!(
            "{}: {}x{} pixels of {horizontal}:{vertical} (generated {}x{}), {} frames a second",
            track.codecs(),
            track.visible.0,
            track.visible.1,
            track.coded.0,
            track.coded.1,
            track.frame_rate
        ),
        format!(
            "rank {} of {}, {} tokens of {} (grid width {}), {} coding, {} and {} bits",
            field("rank"),
            field("full_rank"),
            field("tokens"),
            field("dim"),
            field("grid_width"),
            field("coding"),
            field("u_bits"),
            field("v_bits")
        ),
        format!(
            "interpolation of {}, start latent: {}, noise {} of seed {}",
            interpolation(track),
            start_latent(track),
            track.noise_weight,
            track.noise_seed
        ),
        format!("weights {}", weights(track).as_deref().unwrap_or("not specified")),
    ];
    lines.map(|line| format!("{indent}{line}\n")).concat()
}

/// SHA-256 of the generator's weights; `None` if the track does not name them.
fn weights(track: &Track) -> Option<String> {
    let named = track.weights.iter().any(|&byte| byte != 0);
    named.then(|| track.weights.iter().map(|byte| format!("{byte:02x}")).collect())
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
