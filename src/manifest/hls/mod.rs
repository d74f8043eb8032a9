//! HTTP Live Streaming: RFC 8216, with `SCORE` and `STABLE-VARIANT-ID` of its successor draft
//! (draft-pantos-hls-rfc8216bis), which older clients ignore. Variables of that draft
//! (`EXT-X-DEFINE`) are understood, not written.
//!
//! `EXT-X-SESSION-DATA` carries the values without a tag: `promptus.profile` (profiles,
//! separated by spaces), `promptus.weights.<profile>` (SHA-256), `promptus.weights-url.<profile>`
//! and `promptus.quality` (URI of `quality.json`).

mod master;
mod media;
mod media_read;
mod media_write;
mod syntax;
mod variables;
mod variant;
mod write;

pub use master::Master;
pub use media::Media;
pub use variables::Variables;
pub use write::{Playlist, write};

use super::Representation;
use super::reference::folder;

const PROFILE: &str = "promptus.profile";
const WEIGHTS: &str = "promptus.weights.";
const WEIGHTS_URL: &str = "promptus.weights-url.";
const QUALITY: &str = "promptus.quality";

/// Name of the media playlist in a rung's folder (segment URLs).
pub const MEDIA_NAME: &str = "media.m3u8";
/// Name of the I-frame playlist in a rung's folder (segment URLs).
pub const IFRAMES_NAME: &str = "iframes.m3u8";
/// Suffix of a rung's id in the name of its media playlist (byte ranges).
pub const MEDIA_SUFFIX: &str = ".m3u8";
/// Suffix of a rung's id in the name of its I-frame playlist (byte ranges).
pub const IFRAMES_SUFFIX: &str = "-iframes.m3u8";

/// URL of a rung's media playlist: `HASH/mini-r8.m3u8` next to `HASH/mini-r8.mp4`, or
/// `HASH/mini-r8/media.m3u8` with segment URLs.
pub fn media_url(rung: &Representation) -> String {
    sibling(rung, MEDIA_SUFFIX, MEDIA_NAME)
}

/// URL of a rung's I-frame playlist: `HASH/mini-r8-iframes.m3u8` or
/// `HASH/mini-r8/iframes.m3u8`.
pub fn iframes_url(rung: &Representation) -> String {
    sibling(rung, IFRAMES_SUFFIX, IFRAMES_NAME)
}

fn sibling(rung: &Representation, suffix: &str, name: &str) -> String {
    match rung.init {
        Some(_) => format!("{}{suffix}", super::addressing::stem(&rung.url)),
        None => format!("{}{name}", folder(&rung.url)),
    }
}

#[cfg(test)]
mod tests;
