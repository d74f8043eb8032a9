//! `promptus doctor`: what this build and this machine can do.
//!
//! With `--json` one object on stdout:
//!
//! ```text
//! { "version": "0.1.0", "features": ["generator", "net", "cli"],
//!   "device": "cpu", "threads": 2,
//!   "weights": [{ "name", "purpose", "path": "shipped" or a path or null, "sha256", "bytes" }],
//!   "searched": ["/…/promptus/models"],
//!   "generator": { "profile": "mini", "size": [256, 256], "ms_per_frame": 31.5, "fps": 31.7 },
//!   "ffmpeg": "ffmpeg version …" or null }
//! ```
//!
//! Missing outside weights and a missing ffmpeg are reported, not failed: nothing that ships with
//! the crate needs them.

use super::{CliError, json_line};
use crate::model::{Generator, ModelError, device, installed};
use crate::source::ffmpeg_version;
use candle_core::{DType, Device, Tensor};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Arguments of `promptus doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Side of the picture that the speed is measured with.
const SIDE: u32 = 256;

/// Frames that are timed.
const TIMED: u32 = 30;

/// Weights that do not ship with the crate, and what wants them.
const OUTSIDE: [(&str, &str); 6] = [
    (
        "lpips/lpips_squeeze_v0.1.safetensors",
        "perceptual loss of encode, lpips_squeeze of eval",
    ),
    (
        "sd-turbo/sd_turbo.safetensors",
        "frames of sd-turbo titles, in one file",
    ),
    (
        "sd-turbo/unet/diffusion_pytorch_model.safetensors",
        "frames of sd-turbo titles, in f32",
    ),
    (
        "sd-turbo/unet/diffusion_pytorch_model.fp16.safetensors",
        "frames of sd-turbo titles, in f16",
    ),
    (installed::TAESD_DECODER, "frames of sd-turbo titles"),
    ("taesd/taesd_encoder.safetensors", "fits for sd-turbo"),
];

#[derive(Serialize)]
struct Report {
    version: &'static str,
    features: Vec<&'static str>,
    device: String,
    threads: usize,
    weights: Vec<Weights>,
    searched: Vec<PathBuf>,
    generator: Speed,
    ffmpeg: Option<String>,
}

#[derive(Serialize)]
struct Weights {
    name: String,
    purpose: &'static str,
    path: Option<PathBuf>,
    sha256: Option<String>,
    bytes: Option<u64>,
}

#[derive(Serialize)]
struct Speed {
    profile: &'static str,
    size: [u32; 2],
    ms_per_frame: f64,
    fps: f64,
}

/// Runs `promptus doctor`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let device = device::best();
    let generator = Generator::shipped(&device)?;
    let mut weights = vec![Weights {
        name: "mini/generator.safetensors".into(),
        purpose: "frames of mini titles",
        path: Some("shipped".into()),
        sha256: Some(hex(&generator.weights_hash())),
        bytes: None,
    }];
    for (name, purpose) in OUTSIDE {
        weights.push(outside(name, purpose)?);
    }
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        features: features(),
        device: device::name(&device),
        threads: rayon::current_num_threads(),
        weights,
        searched: installed::folders(),
        generator: measure(&generator, &device)?,
        ffmpeg: ffmpeg_version(),
    };
    report.explain(&mut io::stderr().lock())?;
    if args.json {
        json_line::print(&report)?;
    }
    Ok(())
}

fn features() -> Vec<&'static str> {
    let known = [
        ("generator", cfg!(feature = "generator")),
        ("net", cfg!(feature = "net")),
        ("cli", cfg!(feature = "cli")),
        ("cuda", cfg!(feature = "cuda")),
    ];
    let on = known.into_iter().filter(|(_, on)| *on);
    on.map(|(name, _)| name).collect()
}

fn outside(name: &str, purpose: &'static str) -> Result<Weights, CliError> {
    let path = installed::find(name);
    let digest = path.as_deref().map(digest).transpose()?;
    Ok(Weights {
        name: name.into(),
        purpose,
        sha256: digest.as_ref().map(|(hash, _)| hash.clone()),
        bytes: digest.map(|(_, bytes)| bytes),
        path,
    })
}

fn digest(path: &Path) -> Result<(String, u64), io::Error> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    loop {
        let part = file.fill_buf()?;
        if part.is_empty() {
            return Ok((hex(&hash.finalize()), bytes));
        }
        hash.update(part);
        let read = part.len();
        bytes += read as u64;
        file.consume(read);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Times the shipped generator on empty prompts, after one frame to warm up.
fn measure(generator: &Generator, device: &Device) -> Result<Speed, ModelError> {
    let shape = generator.profile().prompt_shape((SIDE, SIDE));
    let prompt = Tensor::zeros((1, shape.tokens, shape.dim), DType::F32, device)?;
    let start = generator.start((SIDE, SIDE))?.fresh()?;
    let frame = || -> Result<f32, ModelError> {
        // Reading a value back waits for the device.
        Ok(generator
            .frames(&prompt, &start)?
            .mean_all()?
            .to_scalar::<f32>()?)
    };
    frame()?;
    let begun = Instant::now();
    for _ in 0..TIMED {
        frame()?;
    }
    let seconds = begun.elapsed().as_secs_f64() / f64::from(TIMED);
    Ok(Speed {
        profile: generator.profile().name,
        size: [SIDE, SIDE],
        ms_per_frame: 1000.0 * seconds,
        fps: 1.0 / seconds,
    })
}

impl Report {
    fn explain(&self, out: &mut impl Write) -> io::Result<()> {
        let Self {
            version,
            device,
            threads,
            ..
        } = self;
        writeln!(out, "promptus  {version} ({})", self.features.join(", "))?;
        writeln!(out, "device    {device}, {threads} threads")?;
        let Speed {
            profile,
            ms_per_frame,
            fps,
            ..
        } = &self.generator;
        writeln!(
            out,
            "speed     {profile} at {SIDE}x{SIDE}: {ms_per_frame:.1} ms a frame, {fps:.1} a second, \
             one at a time"
        )?;
        for weights in &self.weights {
            let found = match (&weights.path, &weights.sha256) {
                (Some(path), Some(hash)) => format!("{} sha256 {hash}", path.display()),
                _ => "not installed".to_owned(),
            };
            writeln!(
                out,
                "weights   {}: {found} ({})",
                weights.name, weights.purpose
            )?;
        }
        for folder in &self.searched {
            writeln!(out, "searched  {}", folder.display())?;
        }
        let ffmpeg = self.ffmpeg.as_deref();
        let missing = "not on the PATH (only needed to encode files other than images and y4m)";
        writeln!(out, "ffmpeg    {}", ffmpeg.unwrap_or(missing))
    }
}
