//! `promptus demo`: the shipped title from server to pictures, measured.
//!
//! Serves the title on a free loopback port, plays it over HTTP under a recorded network, renders
//! every frame and compares it with the original, which is made again from the recipe. Writes
//! `frames/frame-000000.png` …, `strip.png` (originals above, rendered below) and `session.json`
//! (see [`crate::report`]) under `target/demo`. With `--json` the last line of stdout is
//!
//! ```text
//! { "command": "demo", "title": path, "out": path,
//!   "kbps", "switches", "stalls", "stall_s", "startup_s", "played_s",
//!   "frames", "psnr", "fps", "ms_per_frame", "wall_s",
//!   "rungs": [{ "id", "rank", "kbps", "played_s", "share", "frames", "psnr" or null }] }
//! ```
//!
//! PSNR is in dB over RGB, the mean of the frames' values; null for no frames, or equal ones.

mod judge;
mod score;
mod server;

use super::playback::{self, Ended, failed};
use super::strip::Strip;
use super::{CliError, overwrite, simulate, whole_file};
use crate::network::link::Link;
use crate::network::trace::Trace;
use crate::playback::{FramePlayback, GeneratorOptions, Layers, Opening, Setup};
use crate::player::ladder::Ladder;
use crate::report::{Network, Report};
use crate::source::{self, Source};
use judge::{Judge, Moment};
use score::Score;
use server::Server;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Instant;
use tokio::runtime::Runtime;

/// Media to keep in the buffer, seconds: little, so that the rule has work to do.
const BUFFER_S: f64 = 6.0;

/// Pictures side by side in the strip.
const MOMENTS: u64 = 8;

/// Arguments of `promptus demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Title to play instead of the shipped one.
    #[arg(long, value_name = "DIR")]
    title: Option<PathBuf>,
    /// What the title was encoded from: a recipe, an image folder or a video.
    #[arg(long, value_name = "INPUT")]
    originals: Option<PathBuf>,
    /// Recorded network to play under.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Folder for frames, strip and log [default: target/demo].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the figures as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus demo`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let begun = Instant::now();
    let (title, out) = (args.title(), args.out());
    let results = ["strip.png", "session.json"].map(|name| out.join(name));
    match args.out {
        Some(_) => overwrite::files(results.iter().filter(|path| path.exists()))?,
        // The default folder is this command's own.
        None => results.iter().for_each(|path| overwrite::allow(path)),
    }
    let watched = watch(args)?;
    watched.strip.write(&out.join("strip.png"))?;
    let log = watched.report.json()? + "\n";
    whole_file::write(&out.join("session.json"), log.as_bytes())?;
    let score = Score::new(&watched.report, &watched.ladder, &watched.psnr);
    write!(io::stderr().lock(), "{}", score.table())?;
    let wall_s = begun.elapsed().as_secs_f64();
    let folder = out.display();
    eprintln!("frames, strip.png and session.json are in {folder}; {wall_s:.1} s in all");
    if args.json {
        let line = score.json(&title, &out, wall_s)?;
        writeln!(io::stdout().lock(), "{line}")?;
    }
    score.check(watched.frames)
}

impl Args {
    fn title(&self) -> PathBuf {
        given_or_shipped(self.title.as_ref(), "manifests/demo")
    }

    fn originals(&self) -> PathBuf {
        given_or_shipped(self.originals.as_ref(), "static/demo/recipe.json")
    }

    fn trace(&self) -> PathBuf {
        given_or_shipped(self.trace.as_ref(), "static/demo/trace.csv")
    }

    fn out(&self) -> PathBuf {
        given_or_shipped(self.out.as_ref(), "target/demo")
    }
}

/// A file that was named, or one of this crate: in the checkout that it was built from, else in
/// the working directory.
fn given_or_shipped(given: Option<&PathBuf>, shipped: &str) -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    match given {
        Some(path) => path.clone(),
        None if checkout.is_dir() => checkout.join(shipped),
        None => PathBuf::from(shipped),
    }
}

/// A session with a judge in front of the screen.
struct Watched {
    report: Report,
    ladder: Arc<Ladder>,
    /// Frames that the title has.
    frames: u64,
    /// PSNR of every frame that was rendered, dB.
    psnr: Vec<f64>,
    strip: Strip,
}

fn watch(args: &Args) -> Result<Watched, CliError> {
    let trace = Trace::load(&args.trace())?;
    simulate::tell(&trace);
    let server = Server::start(&args.title())?;
    let runtime = playback::runtime()?;
    let opening = Opening {
        layers: Layers::Off,
        ..Opening::default()
    };
    let opened = FramePlayback::open(server.url(), &opening, GeneratorOptions::default());
    let playback = runtime.block_on(opened).map_err(failed)?;
    let ladder = Arc::clone(playback.stream().ladder());
    let rate = playback.format().frame_rate;
    let frames = (ladder.total_s() * rate.fps()).round() as u64;
    let mut strip = Strip::new(frames, MOMENTS, 2);

    let originals = Source::open(&args.originals(), &source::Options::default())?;
    let (verdicts, judged) = mpsc::channel();
    let folder = args.out().join("frames");
    let judge = Judge::new(originals, &folder, strip.numbers(), verdicts)?;
    let seconds = ladder.total_s();
    eprintln!(
        "playing {seconds:.0} s from {} under {}",
        server.url(),
        trace.name()
    );
    let report = play(&runtime, playback, &trace, Box::new(judge))?;

    let mut psnr = Vec::new();
    for (number, verdict) in (0..).zip(judged.try_iter()) {
        psnr.push(verdict.psnr);
        if let Some(Moment { original, rendered }) = verdict.moment {
            strip.collect(0, number, &[original]);
            strip.collect(1, number, &[rendered]);
        }
    }
    Ok(Watched {
        report,
        ladder,
        frames,
        psnr,
        strip,
    })
}

/// Plays under `trace` with a short buffer, to the end. The session takes only the network into account,
/// so that the rungs do not depend on the speed of this machine.
fn play(
    runtime: &Runtime,
    playback: FramePlayback,
    trace: &Trace,
    judge: Box<Judge>,
) -> Result<Report, CliError> {
    let mut setup = Setup::default();
    setup.options.buffer_s = BUFFER_S;
    // The trace begins with the session, so that it meets the same segments whatever opening takes.
    let playback = playback.throttled(Link::new(trace, 1.0));
    let _guard = runtime.enter();
    let ended = playback::write(runtime, playback.frames_by_network(setup), judge)?;
    let Ended { mut report, error } = ended;
    report.trace = Some(Network {
        name: trace.name().to_owned(),
        multiplier: 1.0,
    });
    error.map_or(Ok(report), |error| Err(error.into()))
}
