//! Import of the reference's files as a title, and export of such a title as the same files.
//!
//! Official prompts are one chain: every keyframe's start latent comes from the keyframe before,
//! back to `init.pth` at the beginning. A chain of at most ten seconds becomes one segment. A
//! longer one is cut into segments of equal numbers of intervals; the keyframe at a cut is in both
//! segments, and the later segment is not a random access point (see [`crate::segment::sample`]).
//! Seed, noise weight and interpolation are those of the reference's `generation.py`.

use super::rung::Rung;
use super::title::TitleContent;
use super::{PackageError, Title};
use crate::prompt::official::{InitLatent, OfficialFolder};
use crate::prompt::{CodingId, CodingParameters, Interpolation, Quantiser, ReferencePayload};
use crate::segment::coded::{CodedFrame, CodedSegment};
use crate::segment::{StartLatent, Track};
use crate::time::FrameRate;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Longest chain that is one segment, in seconds.
const MAX_SEGMENT_S: u64 = 10;

/// Pixels along one side of a latent's cell.
const CELL: u32 = 8;

/// Name of the generator profile that official prompts are for.
const PROFILE: &str = "sd-turbo";

/// Facts that the reference's files lack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImportOptions {
    /// Pictures a second.
    pub frame_rate: FrameRate,
    /// Visible size, at most the generated one, which is the default.
    pub visible: Option<(u32, u32)>,
    /// SHA-256 of the generator's weights file; zeros if it is not known.
    pub weights: [u8; 32],
}

/// The title of an official folder: one rung, reference coding, every byte as it was.
///
/// Fails if the frame numbers are not 0, k, 2k, …, the sizes are out of their limits, or a number
/// is infinite or NaN.
pub fn from_official(
    folder: &OfficialFolder,
    options: ImportOptions,
) -> Result<TitleContent, PackageError> {
    let interval = interval_of(&folder.prompts)?;
    let track = track_of(folder, options)?;
    check_numbers(folder)?;
    let prompts = folder.prompts.values();
    let keyframes: Vec<Bytes> = prompts.map(|prompt| prompt.to_bytes().into()).collect();
    let mut segments = Vec::new();
    let mut first = 0;
    for gaps in cut_chain(keyframes.len() - 1, interval, options.frame_rate) {
        let is_last = first + gaps + 1 == keyframes.len();
        let members = (0..).zip(&keyframes[first..=first + gaps]);
        let members = members.map(|(index, payload)| CodedFrame {
            position: index * interval,
            layers: vec![payload.clone()],
        });
        let latent = folder.init.values.iter();
        let latent = latent.flat_map(|value| value.to_le_bytes());
        segments.push(CodedSegment {
            frames: gaps as u32 * interval + u32::from(is_last),
            chained: first > 0,
            start_latent: (first == 0).then(|| latent.collect()),
            keyframes: members.collect(),
        });
        first += gaps;
    }
    Ok(TitleContent {
        rungs: vec![Rung { track, segments }],
        ..TitleContent::default()
    })
}

/// The frame distance of the prompts; 1 if there is only one.
fn interval_of(prompts: &BTreeMap<u32, ReferencePayload>) -> Result<u32, PackageError> {
    let interval = prompts.keys().nth(1).copied().unwrap_or(1);
    let expected = (0u32..).map(|index| index.checked_mul(interval));
    for (&found, expected) in prompts.keys().zip(expected) {
        let Some(expected) = expected.filter(|&expected| expected != found) else {
            continue;
        };
        return Err(unsuitable(format!(
            "frame_{expected:05}.prompt is missing: found frame_{found:05}.prompt where a chain from frame 0 with one prompt every {interval} frames has that"
        )));
    }
    Ok(interval)
}

/// Fails, naming the file, on numbers that no picture can be made of.
fn check_numbers(folder: &OfficialFolder) -> Result<(), PackageError> {
    for (number, prompt) in &folder.prompts {
        let named = |error| unsuitable(format!("frame_{number:05}.prompt: {error}"));
        prompt.factors(prompt.rank).map_err(named)?;
    }
    let mut values = folder.init.values.iter().enumerate();
    match values.find(|(_, value)| !value.is_finite()) {
        Some((at, value)) => Err(unsuitable(format!("init.pth: value {at} is {value}"))),
        None => Ok(()),
    }
}

fn track_of(folder: &OfficialFolder, options: ImportOptions) -> Result<Track, PackageError> {
    let Some(prompt) = folder.prompts.values().next() else {
        return Err(unsuitable("there are no prompts".to_owned()));
    };
    let cells = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let side = |side: usize| cells(side).saturating_mul(CELL);
    let coded = (side(folder.init.width), side(folder.init.height));
    let track = Track {
        profile: PROFILE.to_owned(),
        weights: options.weights,
        coding: CodingParameters {
            coding: CodingId::Reference,
            shape: prompt.shape,
            grid_width: 0,
            components: prompt.rank,
            full_rank: prompt.rank,
            quantiser: Quantiser::REFERENCE,
        },
        first_component: 0,
        interpolation: Interpolation::Factors,
        start_latent: StartLatent::Chain,
        noise_seed: 88,
        noise_weight: 0.95,
        frame_rate: options.frame_rate,
        visible: options.visible.unwrap_or(coded),
        coded,
        pixel_aspect: (1, 1),
    };
    let checked = track.check();
    checked.map_err(PackageError::segment("official prompts"))?;
    Ok(track)
}

/// Intervals of each segment of a chain of `gaps` intervals: as few segments as ten seconds
/// allow, as equal as can be.
fn cut_chain(gaps: usize, interval: u32, rate: FrameRate) -> Vec<usize> {
    let ticks = u64::from(interval) * u64::from(rate.frame_ticks());
    let most = MAX_SEGMENT_S * u64::from(rate.timescale().ticks()) / ticks.max(1);
    let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
    let segments = gaps.div_ceil(most).max(1);
    let longer = gaps % segments;
    (0..segments)
        .map(|index| gaps / segments + usize::from(index < longer))
        .collect()
}

/// The official folder of a title that was made from one.
///
/// Fails if the title's first rung has another coding or start latent, or is damaged.
pub fn to_official(title: &Title) -> Result<OfficialFolder, PackageError> {
    let official = |track: &Track| {
        (track.coding.coding, track.start_latent) == (CodingId::Reference, StartLatent::Chain)
    };
    let rung = title.rungs().iter().find(|rung| official(rung.track()));
    let none = "has no rung of official prompts (coding id 0 in a chain)";
    let none = || PackageError::invalid(title.folder().display(), none);
    let rung = rung.ok_or_else(none)?;
    let coding = rung.track().coding;
    let mut init = None;
    let mut prompts = BTreeMap::new();
    let mut first_frame = 0;
    for index in 0..rung.segments().len() {
        let segment = rung.coded(index)?;
        init = init.or_else(|| segment.start_latent.clone());
        for keyframe in segment.keyframes {
            let bytes = keyframe.layers.first().map_or(&[][..], AsRef::as_ref);
            let payload = ReferencePayload::from_bytes(coding.shape, coding.components, bytes);
            let payload = payload.ok_or_else(|| {
                let (number, bytes) = (index + 1, bytes.len());
                let problem = format!("segment {number}: {bytes} bytes are no official prompt");
                PackageError::invalid(rung.id(), problem)
            })?;
            prompts.insert(first_frame + keyframe.position, payload);
        }
        first_frame += segment.frames;
    }
    let init = latent(rung.track(), &init.unwrap_or_default())?;
    Ok(OfficialFolder { init, prompts })
}

fn latent(track: &Track, bytes: &[u8]) -> Result<InitLatent, PackageError> {
    let (words, rest) = bytes.as_chunks::<4>();
    let (width, height) = (track.coded.0 / CELL, track.coded.1 / CELL);
    let cells = width as usize * height as usize;
    if words.len() != 4 * cells || !rest.is_empty() {
        return Err(unsuitable(format!(
            "the start latent has {} bytes, expected {} for {width}x{height} cells",
            bytes.len(),
            16 * cells
        )));
    }
    Ok(InitLatent {
        height: height as usize,
        width: width as usize,
        values: words.iter().map(|word| f32::from_le_bytes(*word)).collect(),
    })
}

fn unsuitable(problem: String) -> PackageError {
    PackageError::invalid("official prompts", problem)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::prompt::{Affine8, Shape};

    /// The rung of prompts every ten frames up to `last`, at 30 frames a second.
    fn imported(last: u32) -> Rung {
        let map = |scale, zero_point| Affine8 { scale, zero_point };
        let prompt = |number: u32| ReferencePayload {
            shape: Shape { tokens: 3, dim: 5 },
            rank: 2,
            u: vec![number as u8; 6],
            v: vec![number as u8 ^ 0xff; 10],
            u_map: map(0.5, 7.0),
            v_map: map(0.25, number as f32),
        };
        let numbers = (0..=last).step_by(10);
        let folder = OfficialFolder {
            init: InitLatent {
                height: 4,
                width: 2,
                values: (0..32).map(|value| value as f32 / 3.0).collect(),
            },
            prompts: numbers.map(|number| (number, prompt(number))).collect(),
        };
        let options = ImportOptions {
            frame_rate: FrameRate::new(30, 1).unwrap(),
            visible: None,
            weights: [0; 32],
        };
        from_official(&folder, options).unwrap().rungs.remove(0)
    }

    #[test]
    fn a_chain_is_cut_after_ten_seconds_and_repeats_its_fence_posts() {
        for (last, frames) in [(0, &[1][..]), (300, &[301]), (650, &[220, 220, 211])] {
            let Rung { track, segments } = imported(last);
            assert_eq!(track.coded, (16, 32));
            assert_eq!(
                segments.iter().map(|s| s.frames).collect::<Vec<_>>(),
                frames
            );
            assert_eq!(segments[0].start_latent.as_ref().unwrap().len(), 128);
            assert!(!segments[0].chained);
            for pair in segments.windows(2) {
                let (end, start) = (pair[0].keyframes.last().unwrap(), &pair[1].keyframes[0]);
                assert_eq!((end.position, &end.layers), (pair[0].frames, &start.layers));
                assert!(pair[1].chained && pair[1].start_latent.is_none());
            }
        }
    }
}
