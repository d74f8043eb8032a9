//! `promptus bench coder`: the entropy coder on one thread, beside the reference's 8-bit payload,
//! which is not entropy-coded.
//!
//! With `--json` one object on stdout:
//!
//! ```text
//! { "bench": "coder", "size": [256, 256], "keyframes": 7, "encode_ms": 0.9,
//!   "rungs": [{ "rank": 3, "bytes": 210.3, "decode_ms": 0.05,
//!               "reference_bytes": 1000, "reference_decode_ms": 0.01 }] }
//! ```
//! All per keyframe; `encode_ms` is that of all components together.

use super::measure::Spent;
use super::{CliError, parse_size, print_json, segment};
use crate::model::Profile;
use crate::prompt::{CodedKeyframe, CodingId, CodingParameters, KeyframeDecoder, PromptError};
use serde::Serialize;
use std::hint::black_box;

/// Keyframes of a two-second segment at 30 frames a second.
const KEYFRAMES: usize = 7;

/// The ladder's ranks.
const RANKS: [usize; 4] = [3, 5, 9, 16];

/// Seconds for each figure.
const PATIENCE: f64 = 0.2;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Size of the pictures that the prompts are for.
    #[arg(long, value_name = "WxH", default_value = "256x256", value_parser = parse_size)]
    size: (u32, u32),
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    bench: &'static str,
    size: [u32; 2],
    keyframes: usize,
    encode_ms: f64,
    rungs: Vec<Rung>,
}

#[derive(Debug, Serialize)]
struct Rung {
    rank: usize,
    bytes: f64,
    decode_ms: f64,
    reference_bytes: f64,
    reference_decode_ms: f64,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let track = segment::track(&Profile::mini(), args.size)?;
    let keyframes = segment::keyframes(&track.coding, KEYFRAMES)?;
    let whole = segment::encode(track.coding, &keyframes)?;
    let encode = || segment::encode(track.coding, &keyframes).map(|coded| drop(black_box(coded)));
    let encode_ms = per_keyframe(encode)?;
    let mut rungs = Vec::new();
    for rank in RANKS
        .into_iter()
        .filter(|rank| *rank <= track.coding.components)
    {
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
        rungs.push(Rung {
            rank,
            bytes: bytes(&whole, rank),
            decode_ms: per_keyframe(|| decode(coding, &whole, rank))?,
            reference_bytes: bytes(&plain, rank),
            reference_decode_ms: per_keyframe(|| decode(reference, &plain, rank))?,
        });
    }
    let report = Report {
        bench: "coder",
        size: args.size.into(),
        keyframes: KEYFRAMES,
        encode_ms,
        rungs,
    };
    report.explain();
    if args.json {
        print_json(&report)?;
    }
    Ok(())
}

fn per_keyframe(work: impl FnMut() -> Result<(), PromptError>) -> Result<f64, PromptError> {
    let spent = Spent::least(PATIENCE, work)?.over(KEYFRAMES);
    Ok(1000.0 * spent.wall)
}

/// Bytes of the first `layers` layers of a keyframe, on average.
fn bytes(coded: &[CodedKeyframe], layers: usize) -> f64 {
    let sizes = coded
        .iter()
        .map(|k| k.layers.iter().take(layers).map(Vec::len).sum::<usize>());
    sizes.sum::<usize>() as f64 / coded.len().max(1) as f64
}

fn decode(
    coding: CodingParameters,
    coded: &[CodedKeyframe],
    layers: usize,
) -> Result<(), PromptError> {
    let mut decoder = KeyframeDecoder::new(coding)?;
    for keyframe in coded {
        let layers: Vec<&[u8]> = keyframe
            .layers
            .iter()
            .take(layers)
            .map(Vec::as_slice)
            .collect();
        black_box(decoder.push(&layers)?);
    }
    Ok(())
}

impl Report {
    fn explain(&self) {
        let [width, height] = self.size;
        eprintln!(
            "coder     {width}x{height}, made-up prompts, per keyframe of {}: encode {:.2} ms",
            self.keyframes, self.encode_ms
        );
        for rung in &self.rungs {
            eprintln!(
                "r={:<2}      decode {:.3} ms, {:.0} bytes; the reference's 8-bit payload {:.3} ms, \
                 {:.0} bytes",
                rung.rank,
                rung.decode_ms,
                rung.bytes,
                rung.reference_decode_ms,
                rung.reference_bytes
            );
        }
    }
}
