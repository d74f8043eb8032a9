//! Entropy coding on one thread, next to the reference's 8-bit payload, which is not entropy-coded.

use super::SpeedError;
use super::segment;
use super::spent::Spent;
use crate::model::Profile;
use crate::prompt::{CodedKeyframe, CodingId, CodingParameters, KeyframeDecoder, PromptError};
use serde::Serialize;
use std::hint::black_box;

/// Keyframes of a two-second segment at 30 frames a second.
const KEYFRAMES: usize = 7;

/// The ladder's ranks.
const RANKS: [usize; 4] = [3, 5, 9, 16];

/// Seconds spent on each figure.
const SECONDS: f64 = 0.2;

/// Speed of the coder; times and bytes are per keyframe, `encode_ms` is that of all components.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct CoderReport {
    pub size: [u32; 2],
    pub keyframes: usize,
    pub encode_ms: f64,
    pub rungs: Vec<CoderRung>,
}

/// Speed of one rung, and of the reference's payload of its components.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct CoderRung {
    pub rank: usize,
    pub bytes: f64,
    pub decode_ms: f64,
    pub reference_bytes: f64,
    pub reference_decode_ms: f64,
}

/// Codes invented prompts of profile `mini` for pictures of `size`, width and height in pixels.
pub fn coder(size: (u32, u32)) -> Result<CoderReport, SpeedError> {
    let track = segment::track(&Profile::mini(), size)?;
    let keyframes = segment::keyframes(&track.coding, KEYFRAMES)?;
    let whole = segment::encode(track.coding, &keyframes)?;
    let encode = || segment::encode(track.coding, &keyframes).map(|coded| drop(black_box(coded)));
    let encode_ms = per_keyframe(encode)?;
    let most = track.coding.components;
    let ranks = RANKS.into_iter().filter(|rank| *rank <= most);
    let rungs = ranks.map(|rank| {
        let coding = CodingParameters {
            components: rank,
            ..track.coding
        };
        let reference = CodingParameters {
            coding: CodingId::Reference,
            ..coding
        };
        let low: Vec<_> = keyframes.iter().map(|k| k.truncated(rank)).collect();
        let plain = segment::encode(reference, &low)?;
        Ok(CoderRung {
            rank,
            bytes: bytes(&whole, rank),
            decode_ms: per_keyframe(|| decode(coding, &whole))?,
            reference_bytes: bytes(&plain, rank),
            reference_decode_ms: per_keyframe(|| decode(reference, &plain))?,
        })
    });
    Ok(CoderReport {
        size: size.into(),
        keyframes: KEYFRAMES,
        encode_ms,
        rungs: rungs.collect::<Result<_, PromptError>>()?,
    })
}

fn per_keyframe(work: impl FnMut() -> Result<(), PromptError>) -> Result<f64, PromptError> {
    Ok(1000.0 * Spent::least(SECONDS, work)?.over(KEYFRAMES).wall)
}

/// Bytes of the first `layers` layers of a keyframe, on average.
fn bytes(coded: &[CodedKeyframe], layers: usize) -> f64 {
    let layers = coded.iter().flat_map(|k| k.layers.iter().take(layers));
    let sizes = layers.map(Vec::len);
    sizes.sum::<usize>() as f64 / coded.len().max(1) as f64
}

/// Decodes the layers that `coding` has of each keyframe.
fn decode(coding: CodingParameters, coded: &[CodedKeyframe]) -> Result<(), PromptError> {
    let mut decoder = KeyframeDecoder::new(coding)?;
    for keyframe in coded {
        let layers = keyframe.layers.iter().take(coding.components);
        let layers: Vec<&[u8]> = layers.map(Vec::as_slice).collect();
        black_box(decoder.push(&layers)?);
    }
    Ok(())
}
