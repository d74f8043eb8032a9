//! Weights, init segments and media segments to pictures, one frame at a time.

use super::error::WebError;
use crate::model::weights::Checkpoint;
use crate::model::{Generator, Profile};
use crate::render::{SegmentFrames, SegmentRenderer};
use crate::segment::hex;
use crate::segment::init::read_init;
use crate::segment::media::{read_media, read_partial};
use candle_core::Device;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The generator of one weights file. A renderer compares their SHA-256 with its track's.
#[derive(Debug, Clone)]
pub struct Generators(Arc<Generator>);

impl Generators {
    /// The `mini` generator with these weights (safetensors). Fails unless their SHA-256 is `expected`
    /// (hexadecimal), where it is known.
    pub fn new(weights: Vec<u8>, expected: Option<&str>) -> Result<Self, WebError> {
        let sha256: [u8; 32] = Sha256::digest(&weights).into();
        let got = hex(&sha256);
        if let Some(expected) = expected.filter(|expected| *expected != got) {
            let expected = expected.to_owned();
            return Err(WebError::Weights { expected, got });
        }
        let weights = Checkpoint::from_bytes("weights", weights, &Device::Cpu)?;
        let generator = Generator::new(Profile::mini(), &weights, sha256)?;
        Ok(Self(Arc::new(generator)))
    }

    /// SHA-256 of the weights, hexadecimal.
    pub fn weights(&self) -> String {
        hex(&self.0.weights_hash())
    }

    /// A renderer of the rung with this init segment. Fails if it was fitted with other weights.
    pub fn renderer(&self, init: &[u8]) -> Result<Renderer, WebError> {
        let renderer = SegmentRenderer::new(Arc::clone(&self.0), read_init(init)?)?;
        Ok(Renderer {
            renderer,
            begun: None,
            rgba: Vec::new(),
        })
    }
}

/// Renders the segments of one rung.
#[derive(Debug)]
pub struct Renderer {
    renderer: SegmentRenderer,
    begun: Option<Begun>,
    rgba: Vec<u8>,
}

#[derive(Debug)]
struct Begun {
    frames: SegmentFrames<'static>,
    /// Number of its first frame in the title.
    first: u64,
}

/// One picture.
#[derive(Debug)]
pub struct Picture<'a> {
    /// Number of the frame in its segment.
    pub index: u32,
    /// Media time of the title, seconds.
    pub time_s: f64,
    /// Whether its prompt was sent.
    pub keyframe: bool,
    /// Width and height, pixels.
    pub size: (u32, u32),
    /// Red, green, blue and 255 for each pixel, rows from the top.
    pub rgba: &'a [u8],
}

impl Renderer {
    /// Width and height of the pictures, pixels.
    pub fn size(&self) -> (u32, u32) {
        self.renderer.track().visible
    }

    /// Begins a media segment, or the first part of one; the one before it is forgotten.
    pub fn begin(&mut self, media: &[u8]) -> Result<Value, WebError> {
        self.begun = None;
        let whole = read_media(media);
        // What an abandoned transfer left is the first samples of a segment.
        let media = whole.or_else(|error| read_partial(media).map_err(|_| error))?;
        let rate = self.renderer.track().frame_rate;
        let first = media.start_ticks / u64::from(rate.frame_ticks());
        let frames = self.renderer.begin(&media)?;
        let about = json!({
            "frames": frames.count(),
            "start_s": rate.time_of(first).seconds(),
            "keyframes": frames.keyframes(),
        });
        self.begun = Some(Begun { frames, first });
        Ok(about)
    }

    /// The next picture of the segment; `None` after the last.
    pub fn next_picture(&mut self) -> Result<Option<Picture<'_>>, WebError> {
        let begun = self.begun.as_mut().ok_or(WebError::NotBegun)?;
        let Some((index, frame)) = self.renderer.next_frame(&mut begun.frames)? else {
            self.begun = None;
            return Ok(None);
        };
        let number = begun.first + u64::from(index);
        let keyframe = begun.frames.keyframes().contains(&index);
        let (pixels, _) = frame.data().as_chunks::<3>();
        self.rgba.clear();
        let opaque = pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]);
        self.rgba.extend(opaque);
        Ok(Some(Picture {
            index,
            time_s: self.renderer.track().frame_rate.time_of(number).seconds(),
            keyframe,
            size: (frame.width(), frame.height()),
            rgba: &self.rgba,
        }))
    }

    /// Leaves out frames before `until_s` (media time of the title, seconds) that are not generated yet.
    pub fn skip(&mut self, until_s: f64) {
        let fps = self.renderer.track().frame_rate.fps();
        if let Some(begun) = &mut self.begun {
            let number = (until_s * fps).floor() - begun.first as f64;
            begun.frames.skip_to(number as u32);
        }
    }

    /// Forgets the segment.
    pub fn forget(&mut self) {
        self.begun = None;
    }
}
