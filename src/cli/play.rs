//! `promptus play`: a title over HTTP or from disk, with or without rendering.
//!
//! A local title needs no server: its files are read through the same driver, with the same decisions,
//! `--throttle` included. A title that was made with `--layers` is played in layers where its MPD is
//! what is played (HLS has no words for them): the base of the next segment, or one more layer of a
//! segment that is buffered.
//!
//! Where frames are rendered, the session goes by the generator's real times (see
//! [`crate::player::compute`]): a segment plays once its frames are there or will be in time, and
//! what it waited for, the network or the generator, stands in the report's `stalls`. With `--seek` it
//! goes by the network alone.
//!
//! The text goes to stderr; with `--json` the report (see [`crate::report`]) is the last line of
//! stdout. A reader of `--out -` that goes away ends it quietly.

use super::playback::{Ended, Layers, Opening, Playback, failed};
use super::screen::{self, Screen};
use super::session_args::{self, SessionArgs};
use super::{CliError, simulate};
use crate::model::installed::Decoding;
use crate::network::link::Link;
use crate::network::trace::Trace;
use crate::playback::{CmcdMode, Jump, Setup, locate};
use crate::player::compute::Compute;
use crate::player::session::Options;
use crate::player::utility::Utility;
use crate::report::Network;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

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
    /// Fetch and decide only; generate no frames, and say nothing of how to.
    #[arg(long, conflicts_with = "out")]
    no_render: bool,
    /// What turns latents into pictures: the profile's own decoder, or the full-size autoencoder of
    /// SD-Turbo, slower and better.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "DECODER",
        conflicts_with = "no_render",
        requires = "out"
    )]
    decoder: Decoder,
    #[command(flatten)]
    session: SessionArgs,
    /// Slow the connection down to this recorded network, from the manifest on.
    #[arg(long, value_name = "TRACE")]
    throttle: Option<PathBuf>,
    /// Multiply the throttle's rates by this.
    #[arg(long, value_name = "X", default_value_t = 1.0, requires = "throttle")]
    multiplier: f64,
    /// Jump: after AT seconds of the session, to media time TO; may be given several times.
    #[arg(long, value_name = "AT:TO", value_parser = jump)]
    seek: Vec<Jump>,
    /// Tell the server about the session with every request (CTA-5004): query, header or off.
    #[arg(long, value_name = "HOW", default_value_t = CmcdMode::default())]
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
        default_value_t = Layers::Auto,
        value_name = "WHEN",
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

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Decoder {
    #[default]
    Own,
    Vae,
}

impl From<Decoder> for Decoding {
    fn from(decoder: Decoder) -> Self {
        match decoder {
            Decoder::Own => Self::Own,
            Decoder::Vae => Self::Vae,
        }
    }
}

/// Runs `promptus play`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    if args.json && args.out.as_deref() == Some(Path::new("-")) {
        return Err(CliError::input(
            "--json and --out - both want stdout: choose one",
        ));
    }
    check_out(args)?;
    let (trace, throttle) = throttle(args)?.unzip();
    let render = args.out.as_ref().map(|_| args.decoder.into());
    let opening = Opening {
        throttle,
        ..opening(args)?
    };
    let playback = Playback::open_with(&locate(&args.title)?, render, &opening)?;
    let seeks = seeks(&playback, &args.seek)?;
    let asked = args.session.options(playback.stream().ladder())?;
    let (mut options, skip_s) = from_access_point(&playback, asked);
    let screen = match (&args.out, playback.generator()) {
        (Some(out), Some(generator)) => {
            let mut screen = Screen::open(out, playback.stream(), generator.clone())?;
            let rate = screen::picture(playback.stream())?.frame_rate;
            screen.skip((skip_s * rate.fps()).round() as u64);
            // What a seek may take away is handed to the screen only when it plays, which it cannot
            // do before it was there.
            let measured = seeks.is_empty().then(|| Compute::measured(rate.fps()));
            options.compute = options.compute.or(measured);
            Some(screen)
        }
        _ => None,
    };
    let setup = Setup { options, seeks };
    let Ended { report, error } = playback.run(setup, trace, screen)?;
    session_args::print(&report, args.json)?;
    error.map_or(Ok(()), |error| Err(failed(error)))
}

/// Says what to do where no output was named, and refuses one that would fill the screen with bytes.
fn check_out(args: &Args) -> Result<(), CliError> {
    let title = quoted(&args.title);
    match args.out.as_deref() {
        None if !args.no_render => eprintln!(
            "playing without pictures; to see them:\n  \
             promptus play {title} --out clip.mp4      a film\n  \
             promptus play {title} --out frames/       a PNG file a frame\n  \
             promptus play {title} --out - | ffplay -  at once, in a window"
        ),
        Some(out) if out == Path::new("-") && io::stdout().is_terminal() => {
            return Err(CliError::input(format!(
                "--out -: stdout is a terminal, which shows no video: \
                 promptus play {title} --out - | ffplay -"
            )));
        }
        _ => {}
    }
    Ok(())
}

/// `text` as a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/:._-+,@%=~".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// How the title is to be opened.
fn opening(args: &Args) -> Result<Opening, CliError> {
    let ruled = args.session.names_a_rule();
    if ruled && args.layers == Layers::On {
        return Err(CliError::input(
            "--layers on: layers have a rule of their own, leave out --abr",
        ));
    }
    Ok(Opening {
        cmcd: args.cmcd,
        utility: args.utility,
        layers: match args.layers {
            Layers::Auto if ruled => Layers::Off,
            asked => asked,
        },
        fetch_weights: args.fetch_weights,
        authorities: args.ca.clone(),
        ..Opening::default()
    })
}

/// Reads `AT:TO`.
fn jump(text: &str) -> Result<Jump, String> {
    let seconds = |part: &str| {
        let value = part.parse::<f64>().ok();
        value.filter(|value| value.is_finite() && *value >= 0.0)
    };
    let pair = text.split_once(':');
    pair.and_then(|(at, to)| Some((seconds(at)?, seconds(to)?)))
        .map(|(at_s, to_s)| Jump { at_s, to_s })
        .ok_or_else(|| "expected two numbers of seconds, such as 10:42.5".to_owned())
}

/// The seeks in the order in which they happen, checked against what there is to play.
fn seeks(playback: &Playback, asked: &[Jump]) -> Result<Vec<Jump>, CliError> {
    let (stream, mut seeks) = (playback.stream(), asked.to_vec());
    let total_s = stream.ladder().total_s();
    if let Some(jump) = seeks.iter().find(|jump| jump.to_s >= total_s) {
        let message = format!("--seek to {}: the title lasts {total_s} s", jump.to_s);
        return Err(CliError::input(message));
    }
    if !seeks.is_empty() && !stream.is_independent() {
        return Err(CliError::input(
            "--seek: the segments of this title build on each other",
        ));
    }
    seeks.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    Ok(seeks)
}

fn throttle(args: &Args) -> Result<Option<(Network, Link)>, CliError> {
    let Some(file) = &args.throttle else {
        return Ok(None);
    };
    simulate::check_multiplier(args.multiplier)?;
    let trace = Trace::load(file)?;
    simulate::tell(&trace);
    let link = Link::new(&trace, args.multiplier);
    let name = trace.name().to_owned();
    Ok(Some((
        Network {
            name,
            multiplier: args.multiplier,
        },
        link,
    )))
}

/// The options with a start from which decoding works, and how much media lies between that segment
/// and the start that was asked for, seconds: nothing where decoding begins with the segment asked for,
/// more where segments build on each other (imported titles).
fn from_access_point(playback: &Playback, asked: Options) -> (Options, f64) {
    let stream = playback.stream();
    let ladder = stream.ladder();
    let wanted = ladder.segment_at(asked.start_s);
    let first = stream.access_point(wanted);
    if first == wanted {
        return (asked, 0.0);
    }
    let from_s = ladder.start_s(first);
    tracing::warn!("segments build on each other here: decoding starts at {from_s} s");
    (
        Options {
            start_s: from_s,
            ..asked
        },
        asked.start_s - from_s,
    )
}
