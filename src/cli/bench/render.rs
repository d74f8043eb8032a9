//! `promptus bench render`: from a coded segment in memory to frames in memory, every one of them
//! generated; a title whose frames between keyframes are moved is one of the peers.
//!
//! With `--json` one object on stdout:
//!
//! ```text
//! { "bench": "render", "profile": "mini", "weights": "shipped" | "random" | "installed",
//!   "size": [256, 256], "device": "cpu", "dtype": "f32", "threads": 2, "frames": 61,
//!   "ms_per_frame": 4.1, "fps": 244.0, "processor_ms_per_frame": 8.0,
//!   "first_frame_ms": 12.5, "peak_memory_bytes": 90000000,
//!   "gflop_per_frame": 0.7, "gflops": 170.0, "peak_gflops": 400.0, "share_of_peak": 0.43,
//!   "peers": [{ "name": "…", "ms": 6.0, "ratio": 1.5 }] }
//! ```
//! A multiply-add counts as two operations. The peak is that of a large matrix product, measured in
//! the same run with the same threads. `first_frame_ms` begins with the segment's bytes.

use super::measure::{Spent, finished, matrix_peak, peak_memory};
use super::stock::{self, StockMini};
use super::{CliError, Peer, explain, parse_size, pool, print_json, segment};
use crate::model::dtype::InFormat;
use crate::model::profile::Conditioning;
use crate::model::synthetic::RandomWeights;
use crate::model::{Generator, ModelError, Profile, device, installed, ops, picture};
use crate::prompt::Interpolation;
use crate::render::{Batching, RenderError, SegmentRenderer};
use crate::segment::Track;
use crate::segment::media::read_media;
use candle_core::{DType, Device, Tensor};
use serde::Serialize;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Seed of `--random-weights`.
const SEED: u32 = 1;

/// Seconds for each figure, where a round is short.
const PATIENCE: f64 = 2.0;

/// Formats that a generator computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    F32,
    F16,
    Bf16,
}

impl Format {
    fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which generator: mini or sd-turbo.
    #[arg(long, value_name = "NAME", default_value = "mini")]
    profile: String,
    /// Seeded random numbers for weights: nothing needs to be installed.
    #[arg(long)]
    random_weights: bool,
    /// Size of the frames [default: 256x256, or 512x512 for sd-turbo].
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    size: Option<(u32, u32)>,
    /// Threads to compute with [default: one a core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Frames of the segment.
    #[arg(long, value_name = "N", default_value_t = 61, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    frames: u32,
    /// Number format of weights and hidden layers.
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Format,
    /// Most frames in one pass; 0: each by itself [default: 0 on a CPU, 16 on a GPU].
    #[arg(long, value_name = "N")]
    batch: Option<u32>,
    /// Also time the same network made of candle's own operations (of sd-turbo the UNet alone).
    #[arg(long)]
    stock: bool,
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    bench: &'static str,
    profile: &'static str,
    weights: &'static str,
    size: [u32; 2],
    device: String,
    dtype: &'static str,
    threads: usize,
    frames: u32,
    ms_per_frame: f64,
    fps: f64,
    processor_ms_per_frame: Option<f64>,
    first_frame_ms: f64,
    peak_memory_bytes: Option<u64>,
    gflop_per_frame: f64,
    gflops: f64,
    peak_gflops: f64,
    share_of_peak: f64,
    peers: Vec<Peer>,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let profile = Profile::named(&args.profile)?;
    let device = device::best();
    let whole = matches!(profile.conditioning, Conditioning::Spatial { .. });
    if device.is_cpu() && !whole {
        eprintln!(
            "{} takes tens of seconds a frame on a CPU; --frames 1 is enough",
            profile.name
        );
    }
    let report = pool(args.threads)?.install(|| bench(args, &profile, &device))?;
    report.explain(&mut io::stderr().lock())?;
    if args.json {
        print_json(&report)?;
    }
    Ok(())
}

fn bench(args: &Args, profile: &Profile, device: &Device) -> Result<Report, CliError> {
    let spatial = matches!(profile.conditioning, Conditioning::Spatial { .. });
    let size = args
        .size
        .unwrap_or(if spatial { (256, 256) } else { (512, 512) });
    let track = segment::track(profile, size)?;
    let media = segment::media(&track, args.frames)?;
    let peak = 2e-9 * matrix_peak(device, args.dtype.dtype())?;
    let (generator, weights) = generator(args, profile, device)?;
    let generator = Arc::new(generator);
    let mut renderer = SegmentRenderer::new(Arc::clone(&generator), track.clone())?;
    match args.batch {
        Some(0) => renderer = renderer.with_batching(Batching::SideBySide),
        Some(most) => renderer = renderer.with_batching(Batching::Together(most)),
        None => {}
    }
    // Once to lay out the weights; this also counts the work.
    let before = ops::multiply_adds();
    let (first, _) = Spent::on(|| once(&mut renderer, &media));
    let gflop = 2e-9 * (ops::multiply_adds() - before) as f64 / f64::from(args.frames);
    let slow = first.wall > 5.0;
    let mut first_frame = f64::INFINITY;
    let spent = Spent::least(PATIENCE, || {
        first_frame = first_frame.min(once(&mut renderer, &media)?);
        Ok::<_, RenderError>(())
    })?;
    let spent = spent.over(args.frames as usize);
    let memory = peak_memory();
    let mut peers = Vec::new();
    if device.is_cpu() && !slow {
        let seconds = one_at_a_time(&generator, &track)?;
        peers.push(Peer::new(
            "one frame at a time on all threads",
            seconds,
            spent.wall,
        ));
    }
    drop(renderer);
    let moved = moved(&generator, &track, &media)?;
    peers.push(Peer::new(
        "keyframes generated, the frames between them moved",
        moved / f64::from(args.frames),
        spent.wall,
    ));
    drop(generator);
    if args.stock {
        peers.push(stock_peer(args, profile, &track, device, spent.wall)?);
    }
    let gflops = gflop / spent.wall;
    Ok(Report {
        bench: "render",
        profile: profile.name,
        weights,
        size: size.into(),
        device: device::name(device),
        dtype: args.dtype.dtype().as_str(),
        threads: rayon::current_num_threads(),
        frames: args.frames,
        ms_per_frame: 1000.0 * spent.wall,
        fps: 1.0 / spent.wall,
        processor_ms_per_frame: spent.processor.map(|seconds| 1000.0 * seconds),
        first_frame_ms: 1000.0 * first_frame,
        peak_memory_bytes: memory,
        gflop_per_frame: gflop,
        gflops,
        peak_gflops: peak,
        share_of_peak: gflops / peak,
        peers,
    })
}

fn generator(
    args: &Args,
    profile: &Profile,
    device: &Device,
) -> Result<(Generator, &'static str), CliError> {
    let dtype = args.dtype.dtype();
    let spatial = matches!(profile.conditioning, Conditioning::Spatial { .. });
    Ok(match (args.random_weights, spatial) {
        (true, _) => {
            let weights = RandomWeights::new(SEED, device);
            let source = InFormat::new(&weights, dtype);
            (Generator::new(profile.clone(), &source, [0; 32])?, "random")
        }
        (false, true) => (Generator::shipped_in(dtype, device)?, "shipped"),
        (false, false) if dtype == DType::F32 => {
            (installed::generator(profile.name, device)?, "installed")
        }
        (false, false) => {
            let text = "installed weights are computed in f32; other formats need --random-weights";
            return Err(CliError::input(text));
        }
    })
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
fn moved(generator: &Arc<Generator>, track: &Track, media: &[u8]) -> Result<f64, RenderError> {
    let track = Track {
        interpolation: Interpolation::Motion,
        ..track.clone()
    };
    let mut renderer = SegmentRenderer::new(Arc::clone(generator), track)?;
    Ok(Spent::least(PATIENCE, || once(&mut renderer, media).map(drop))?.wall)
}

/// A prompt and a start latent of the track's size.
fn inputs(generator: &Generator, track: &Track) -> Result<(Tensor, Tensor), ModelError> {
    let shape = track.coding.shape;
    let dims = (1, shape.tokens, shape.dim);
    let prompt = Tensor::randn(0f32, 0.1, dims, generator.device())?;
    Ok((prompt, generator.start(track.coded)?.fresh()?))
}

/// Seconds a frame where all threads work on one frame.
fn one_at_a_time(generator: &Generator, track: &Track) -> Result<f64, ModelError> {
    let (prompt, start) = inputs(generator, track)?;
    let frame = || {
        let pictures = generator.frames(&prompt, &start)?;
        picture::to_frames(&pictures, track.visible).map(drop)
    };
    Ok(Spent::least(PATIENCE, frame)?.wall)
}

/// Candle's operations on the same shapes, with random weights.
fn stock_peer(
    args: &Args,
    profile: &Profile,
    track: &Track,
    device: &Device,
    ours: f64,
) -> Result<Peer, CliError> {
    let dtype = args.dtype.dtype();
    let weights = RandomWeights::new(SEED, device);
    let shape = profile.latent_shape(track.coded);
    let (channels, rows, columns) = (shape.channels, shape.rows, shape.columns);
    let start = Tensor::zeros((1, channels, rows, columns), dtype, device)?;
    let shape = track.coding.shape;
    let prompt = Tensor::zeros((1, shape.tokens, shape.dim), dtype, device)?;
    if let Some(attention) = &profile.unet.attention {
        let unet = stock::unet(profile, attention, Box::new(weights), dtype)?;
        let pass = || finished(&unet.forward(&start, 999.0, &prompt)?);
        let seconds = Spent::least(PATIENCE, pass)?.wall;
        return Ok(Peer::new(
            "candle-transformers' UNet alone, one frame",
            seconds,
            ours,
        ));
    }
    let source = InFormat::new(&weights, dtype);
    let stock = StockMini::new(profile, &source);
    let map = stock::as_map(&prompt, (rows / 2, columns / 2))?;
    let pass = || {
        let pictures = stock.frames(&map, &start)?.to_dtype(DType::F32)?;
        picture::to_frames(&pictures, track.visible).map(drop)
    };
    let seconds = Spent::least(PATIENCE, pass)?.wall;
    let name = "candle's own operations, one frame at a time on all threads";
    Ok(Peer::new(name, seconds, ours))
}

impl Report {
    fn explain(&self, out: &mut impl io::Write) -> io::Result<()> {
        let [width, height] = self.size;
        writeln!(
            out,
            "render    {} ({} weights) at {width}x{height} on {}, {}, {} threads, {} frames",
            self.profile, self.weights, self.device, self.dtype, self.threads, self.frames
        )?;
        let processor = self.processor_ms_per_frame;
        let processor = processor.map_or("unknown".to_owned(), |ms| format!("{ms:.2} ms"));
        writeln!(
            out,
            "speed     {:.2} ms a frame, {:.1} a second; processor time {processor} a frame",
            self.ms_per_frame, self.fps
        )?;
        writeln!(
            out,
            "latency   {:.1} ms to the first frame",
            self.first_frame_ms
        )?;
        if let Some(bytes) = self.peak_memory_bytes {
            writeln!(out, "memory    {:.0} MB at most", bytes as f64 / 1e6)?;
        }
        writeln!(
            out,
            "share     {:.0} % of the matrix peak: {:.3} GFLOP a frame, {:.0} GFLOP/s of {:.0}",
            100.0 * self.share_of_peak,
            self.gflop_per_frame,
            self.gflops,
            self.peak_gflops
        )?;
        explain(&self.peers, out)
    }
}
