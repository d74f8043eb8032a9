//! Contents of a title, a media file or a segment as JSON, for people and scripts.
//!
//! Reading checks everything down to the prompts, so that an inspection is also a test that a file can
//! be decoded.
//!
//! ```
//! use std::path::Path;
//!
//! let title = promptus::inspect::title(Path::new("manifests/demo"))?;
//! assert_eq!(title["kind"], "title");
//! assert_eq!(title["rungs"][3]["rank"], 16);
//! # Ok::<(), promptus::package::PackageError>(())
//! ```

mod media;
mod title;

pub use media::file;
pub use title::title;

use crate::segment::{StartLatent, Track, hex};
use serde_json::{Value, json};

/// A track's configuration; `weights` is the SHA-256 of the generator's, null if it is not named.
fn track(track: &Track) -> Value {
    let coding = &track.coding;
    let named = track.weights.iter().any(|&byte| byte != 0);
    let lower = |name: String| name.to_lowercase();
    let start_latent = match track.start_latent {
        StartLatent::TwoPass => "two passes".to_owned(),
        mode => lower(format!("{mode:?}")),
    };
    json!({
        "codecs": track.codecs(), "profile": track.profile,
        "weights": named.then(|| hex(&track.weights)),
        "rank": track.rank(), "full_rank": coding.full_rank, "tokens": coding.shape.tokens,
        "dim": coding.shape.dim, "grid_width": coding.grid_width,
        "coding": lower(format!("{:?}", coding.coding)),
        "u_bits": coding.quantiser.u_bits, "v_bits": coding.quantiser.v_bits,
        "interpolation": lower(format!("{:?}", track.interpolation)), "start_latent": start_latent,
        "noise_seed": track.noise_seed, "noise_weight": track.noise_weight,
        "frame_rate": track.frame_rate.to_string(),
        "width": track.visible.0, "height": track.visible.1,
        "coded_width": track.coded.0, "coded_height": track.coded.1,
        "pixel_aspect": track.pixel_aspect,
    })
}
