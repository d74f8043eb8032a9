//! `promptus play`: a title over HTTP or from disk, with or without rendering.
//!
//! The text goes to stderr; with `--json` the report (see [`crate::report`]) is the last line of stdout.
//! A reader of `--out -` that closes the pipe ends the command without an error.

use super::playback::{self, Ended, failed};
use super::session_args::{self, NOT_NEGATIVE, SessionArgs, multiplier, number};
use super::{CliError, overwrite};
use crate::model::installed::Decoding;
use crate::network::corpus;
use crate::network::link::Link;
use crate::network::trace::Trace;
use crate::playback::{
    CmcdMode, FramePlayback, GeneratorOptions, Jump, Layers, Opening, Playback, Setup, Stream,
    WeightsFetch, locate,
};
use crate::player::utility::Utility;
use crate::report::Network;
use crate::sink::{self, Realtime, Sink};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Arguments of `promptus play`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// URL of an HLS master playlist or a DASH MPD (http://, https:// or file://), or a local title:
    /// its folder (manifest.mpd is taken before master.m3u8), or the manifest itself. A local title
    /// needs no server: its files are read from disk.
    #[arg(value_name = "URL|DIR|FILE")]
    title: String,
    /// Where frames go: a film (.mp4, .mkv or .mov, through ffmpeg; without sound), a folder of PNG
    /// files, a .y4m file, or - for a y4m stream in real time. Without it no frames are generated.
    #[arg(long, value_name = "FILM|DIR|FILE.y4m|-")]
    out: Option<PathBuf>,
    /// Fetch and decide only: generate no frames, and leave out the hint about --out.
    #[arg(long, conflicts_with = "out")]
    no_render: bool,
    /// What turns latents into pictures: the profile's own decoder, or the full-size autoencoder of
    /// SD-Turbo, slower and better.
    #[arg(long, value_name = "DECODER", default_value = "own", conflicts_with = "no_render",
        requires = "out", value_parser = PossibleValuesParser::new(["own", "vae"]).map(|name| decoding(&name)))]
    decoder: Decoding,
    #[command(flatten)]
    session: SessionArgs,
    /// Slow the connection down to this recorded network, from the manifest on.
    #[arg(long, value_name = "TRACE")]
    throttle: Option<PathBuf>,
    /// Multiply the throttle's rates by this.
    #[arg(long, value_name = "X", default_value_t = 1.0, requires = "throttle", value_parser = multiplier)]
    multiplier: f64,
    /// Jump: after AT seconds of the session, to media time TO; may be given several times.
    #[arg(long, value_name = "AT:TO", value_parser = jump)]
    seek: Vec<Jump>,
    /// Tell the server about the session with every request (CTA-5004): query, header or off.
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        hide_possible_values = true
    )]
    cmcd: CmcdMode,
    /// What rules take for quality: log, linear, or measured in the title's quality.json: psnr, ssim,
    /// ssimulacra2, lpips_squeeze.
    #[arg(long, value_name = "NAME", default_value_t = Utility::default())]
    utility: Utility,
    /// Fetch a base and layers on top of it instead of whole rungs: auto (where the manifest names
    /// layers and no --abr is given: layers have a rule of their own), on or off. Only an MPD can name
    /// them, for a title made with `encode --layers` or `package --layers`; HLS cannot.
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true
    )]
    layers: Layers,
    /// Fetch the generator's weights from the title's server if they are not installed: they are
    /// verified and kept in the user's cache folder, for every title that needs them.
    #[arg(long, conflicts_with = "no_render", requires = "out")]
    fetch_weights: bool,
    /// PEM file of certificate authorities to trust beside the system's.
    #[arg(long, value_name = "FILE", env = "PROMPTUS_CA")]
    ca: Option<PathBuf>,
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus play`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let (trace, throttle) = throttle(args)?.unzip();
    let opening = opening(args, throttle)?;
    let title = locate(&args.title)?;
    let runtime = playback::runtime()?;
    let Ended { mut report, error } = match &args.out {
        None => {
            hint(args);
            let opened = runtime.block_on(Playback::open(&title, &opening));
            let opened = opened.map_err(|error| failed(error.into()))?;
            let setup = setup(args, opened.stream())?;
            let _guard = runtime.enter();
            playback::receive(&runtime, opened.segments(setup))?
        }
        Some(out) => {
            check_out(args, out)?;
            let opened = FramePlayback::open(&title, &opening, generator(args));
            let opened = runtime.block_on(opened).map_err(failed)?;
            let setup = setup(args, opened.stream())?;
            let mut late = None;
            let sink: Box<dyn Sink> = if out == Path::new("-") {
                let sink = Realtime::new(io::stdout(), opened.format());
                late = Some(sink.late_frames());
                Box::new(sink)
            } else {
                sink::open(out, opened.format())?
            };
            let _guard = runtime.enter();
            let mut ended = playback::write(&runtime, opened.frames(setup), sink)?;
            let late = late.map(|late| late.load(Ordering::Relaxed));
            let rendering = ended.report.context.rendering.as_mut();
            rendering.into_iter().for_each(|it| it.late_frames = late);
            ended
        }
    };
    report.context.trace = trace;
    session_args::print(&report, args.json)?;
    error.map_or(Ok(()), |error| Err(failed(error.into())))
}

/// Without `--out`, shows how to get pictures.
fn hint(args: &Args) {
    if !args.no_render {
        let title = quoted(&args.title);
        eprintln!(
            "playing without pictures; to see them:\n  \
             promptus play {title} --out clip.mp4      a film\n  \
             promptus play {title} --out frames/       a PNG file a frame\n  \
             promptus play {title} --out - | ffplay -  at once, in a window"
        );
    }
}

/// Refuses an output that would fill a terminal with bytes, mix them with JSON or replace files.
fn check_out(args: &Args, out: &Path) -> Result<(), CliError> {
    if out != Path::new("-") {
        return overwrite::frames(out);
    }
    let problem = if args.json {
        "--json and --out - both want stdout: choose one".to_owned()
    } else if io::stdout().is_terminal() {
        let title = quoted(&args.title);
        format!(
            "--out -: stdout is a terminal, which shows no video: promptus play {title} --out - | ffplay -"
        )
    } else {
        return Ok(());
    };
    Err(CliError::input(problem))
}

fn generator(args: &Args) -> GeneratorOptions {
    GeneratorOptions {
        decoding: args.decoder,
        fetch_weights: args.fetch_weights,
        on_weights: Some(|fetch| match fetch {
            WeightsFetch::Begun { profile, url } => {
                eprintln!("fetching weights of profile `{profile}` from {url}");
            }
            WeightsFetch::Kept { bytes, path } => {
                eprintln!("{bytes} bytes of weights, kept at {}", path.display());
            }
        }),
    }
}

/// `text` quoted for a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/:._-+,@%=~".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

fn opening(args: &Args, throttle: Option<Link>) -> Result<Opening, CliError> {
    let layers = match (args.layers, args.session.names_a_rule()) {
        (Layers::On, true) => {
            let message = "--layers on: layers have a rule of their own, leave out --abr";
            return Err(CliError::input(message));
        }
        (Layers::Auto, true) => Layers::Off,
        (layers, _) => layers,
    };
    Ok(Opening {
        layers,
        cmcd: args.cmcd,
        utility: args.utility,
        throttle,
        authorities: args.ca.clone(),
        ..Opening::default()
    })
}

/// The decoder of this name, `own` or `vae`.
fn decoding(name: &str) -> Decoding {
    match name {
        "vae" => Decoding::Vae,
        _ => Decoding::Own,
    }
}

/// Reads `AT:TO`.
fn jump(text: &str) -> Result<Jump, String> {
    let expected = "two numbers of seconds, such as 10:42.5";
    let seconds = number(NOT_NEGATIVE, expected);
    let (at, to) = text.split_once(':').unwrap_or((text, ""));
    let (at_s, to_s) = (seconds(at)?, seconds(to)?);
    Ok(Jump { at_s, to_s })
}

/// The session's options and seeks, checked against the stream.
fn setup(args: &Args, stream: &Stream) -> Result<Setup, CliError> {
    let mut seeks = args.seek.clone();
    let total_s = stream.ladder().total_s();
    if let Some(Jump { to_s, .. }) = seeks.iter().find(|jump| jump.to_s >= total_s) {
        let message = format!("--seek to {to_s}: the title lasts {total_s} s");
        return Err(CliError::input(message));
    }
    if !seeks.is_empty() && !stream.is_independent() {
        let message = "--seek: the segments of this title build on each other";
        return Err(CliError::input(message));
    }
    seeks.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    let options = args.session.options(stream.ladder())?;
    Ok(Setup {
        options,
        seeks,
        ..Setup::default()
    })
}

fn throttle(args: &Args) -> Result<Option<(Network, Link)>, CliError> {
    let Some(file) = &args.throttle else {
        return Ok(None);
    };
    let (trace, multiplier) = (Trace::load(file)?, args.multiplier);
    eprint!("{}", corpus::describe(std::slice::from_ref(&trace)));
    let (name, link) = (trace.name().to_owned(), Link::new(&trace, multiplier));
    Ok(Some((Network { name, multiplier }, link)))
}
