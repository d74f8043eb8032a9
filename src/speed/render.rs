//! From a coded segment in memory to frames in memory, every frame generated.

use super::SpeedError;
use super::segment;
use super::spent::{Spent, matrix_peak, peak_memory};
use crate::model::dtype::in_format;
use crate::model::profile::Conditioning;
use crate::model::synthetic::RandomWeights;
use crate::model::{Generator, ModelError, Profile, device, installed, ops, picture};
use crate::prompt::Interpolation;
use crate::render::{Batching, RenderError, SegmentRenderer};
use crate::segment::Track;
use crate::segment::media::read_media;
use candle_core::{DType, Device, Tensor};
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// Seed of random weights.
const SEED: u32 = 1;

/// A first round that takes longer is not repeated in other ways.
const SLOW_S: f64 = 5.0;

/// Subject of the measurement.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RenderOptions {
    /// The generator's profile.
    pub profile: Profile,
    /// Seeded random numbers instead of the shipped or installed weights.
    pub random_weights: bool,
    /// Width and height of the frames in pixels.
    pub size: (u32, u32),
    /// Frames of the segment, 1 to 65,535.
    pub frames: u32,
    /// Number format of weights and hidden layers.
    pub dtype: DType,
    /// Grouping of frames; `None`: that of the device.
    pub batching: Option<Batching>,
    /// Seconds spent on each figure, where a round is short.
    pub seconds: f64,
}

impl RenderOptions {
    /// A segment of 61 frames in f32 at the profile's usual size.
    pub fn new(profile: Profile) -> Self {
        let side = if is_spatial(&profile) { 256 } else { 512 };
        Self {
            profile,
            random_weights: false,
            size: (side, side),
            frames: 61,
            dtype: DType::F32,
            batching: None,
            seconds: 2.0,
        }
    }
}

/// Speed of rendering. `weights` are `shipped`, `installed` or `random`; `first_frame_ms` begins with
/// the segment's bytes; operations and peak are counted as in [`FitReport`](super::FitReport).
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct RenderReport {
    pub profile: &'static str,
    pub weights: &'static str,
    pub size: [u32; 2],
    pub device: String,
    pub dtype: &'static str,
    pub threads: usize,
    pub frames: u32,
    pub ms_per_frame: f64,
    pub fps: f64,
    pub processor_ms_per_frame: Option<f64>,
    pub first_frame_ms: f64,
    pub peak_memory_bytes: Option<u64>,
    pub gflop_per_frame: f64,
    pub gflops: f64,
    pub peak_gflops: f64,
    pub share_of_peak: f64,
    #[serde(rename = "peers")]
    pub variants: Vec<Variant>,
}

/// The same segment rendered in another way: milliseconds a frame, and over those of the report.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Variant {
    pub name: &'static str,
    pub ms: f64,
    pub ratio: f64,
}

/// Renders on the device of [`device::best`] with the current rayon pool.
pub fn render(options: &RenderOptions) -> Result<RenderReport, SpeedError> {
    let device = device::best();
    let track = segment::track(&options.profile, options.size)?;
    let media = segment::media(&track, options.frames)?;
    let peak_gflops = 2e-9 * matrix_peak(&device, options.dtype)?;
    let (generator, weights) = generator(options, &device)?;
    let generator = Arc::new(generator);
    let mut renderer = SegmentRenderer::new(Arc::clone(&generator), track.clone())?;
    if let Some(batching) = options.batching {
        renderer = renderer.with_batching(batching);
    }
    // The first round lays out the weights; it also counts the work.
    let before = ops::multiply_adds();
    let (first, _) = Spent::on(|| once(&mut renderer, &media));
    let frames = f64::from(options.frames);
    let gflop = 2e-9 * (ops::multiply_adds() - before) as f64 / frames;
    let mut first_frame = f64::INFINITY;
    let spent = Spent::least(options.seconds, || {
        first_frame = first_frame.min(once(&mut renderer, &media)?);
        Ok::<_, RenderError>(())
    })?;
    let spent = spent.over(options.frames as usize);
    let peak_memory_bytes = peak_memory();
    drop(renderer);
    let variant = |name, seconds: f64| Variant {
        name,
        ms: 1000.0 * seconds,
        ratio: seconds / spent.wall,
    };
    let mut variants = Vec::new();
    if device.is_cpu() && first.wall <= SLOW_S {
        let seconds = one_at_a_time(&generator, &track, options.seconds)?;
        variants.push(variant("one frame at a time on all threads", seconds));
    }
    let moved = moved(&generator, &track, &media, options.seconds)? / frames;
    let name = "keyframes generated, the frames between them moved";
    variants.push(variant(name, moved));
    let gflops = gflop / spent.wall;
    Ok(RenderReport {
        profile: options.profile.name,
        weights,
        size: options.size.into(),
        device: device::name(&device),
        dtype: options.dtype.as_str(),
        threads: rayon::current_num_threads(),
        frames: options.frames,
        ms_per_frame: 1000.0 * spent.wall,
        fps: 1.0 / spent.wall,
        processor_ms_per_frame: spent.processor.map(|seconds| 1000.0 * seconds),
        first_frame_ms: 1000.0 * first_frame,
        peak_memory_bytes,
        gflop_per_frame: gflop,
        gflops,
        peak_gflops,
        share_of_peak: gflops / peak_gflops,
        variants,
    })
}

/// Whether the generator ships with the library.
fn is_spatial(profile: &Profile) -> bool {
    matches!(profile.conditioning, Conditioning::Spatial { .. })
}

fn generator(
    options: &RenderOptions,
    device: &Device,
) -> Result<(Generator, &'static str), SpeedError> {
    let RenderOptions { profile, dtype, .. } = options;
    if options.random_weights {
        let weights = RandomWeights::new(SEED, device);
        let source = in_format(&weights, *dtype);
        let generator = Generator::new(profile.clone(), &source, [0; 32])?;
        return Ok((generator, "random"));
    }
    if is_spatial(profile) {
        return Ok((Generator::shipped_in(*dtype, device)?, "shipped"));
    }
    if *dtype != DType::F32 {
        return Err(SpeedError::Format);
    }
    Ok((installed::generator(profile.name, device)?, "installed"))
}

/// Renders the segment; returns the seconds from its bytes to the first frame.
fn once(renderer: &mut SegmentRenderer, media: &[u8]) -> Result<f64, RenderError> {
    let begun = Instant::now();
    let mut first = None;
    renderer.render(&read_media(media)?, &mut |frame| {
        first.get_or_insert_with(|| begun.elapsed().as_secs_f64());
        drop(frame);
        Ok(())
    })?;
    Ok(first.unwrap_or(f64::NAN))
}

/// Seconds for the segment if only its keyframes are generated.
fn moved(
    generator: &Arc<Generator>,
    track: &Track,
    media: &[u8],
    seconds: f64,
) -> Result<f64, RenderError> {
    let track = Track {
        interpolation: Interpolation::Motion,
        ..track.clone()
    };
    let mut renderer = SegmentRenderer::new(Arc::clone(generator), track)?;
    Ok(Spent::least(seconds, || once(&mut renderer, media).map(drop))?.wall)
}

/// Seconds a frame where all threads work on one frame.
fn one_at_a_time(generator: &Generator, track: &Track, seconds: f64) -> Result<f64, ModelError> {
    let shape = track.coding.shape;
    let dims = (1, shape.tokens, shape.dim);
    let prompt = Tensor::randn(0f32, 0.1, dims, generator.device())?;
    let start = generator.start(track.coded)?.fresh()?;
    let frame = || {
        let pictures = generator.frames(&prompt, &start)?;
        picture::to_frames(&pictures, track.visible).map(drop)
    };
    Ok(Spent::least(seconds, frame)?.wall)
}
