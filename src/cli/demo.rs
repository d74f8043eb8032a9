//! `promptus demo`: the shipped title from server to pictures, measured.
//!
//! Serves the title on a free loopback port, plays it over HTTP under a recorded network, renders
//! every frame and compares it with its original, which is made again from the recipe. Writes into
//! `promptus-demo` of the working directory: `titles/demo`, `input`, `frames/frame-000000.png` …,
//! `strip.png` (originals above, rendered frames below) and `session.json` (see [`crate::report`]).
//! With `--json` the last line of stdout is
//!
//! ```text
//! { "command": "demo", "title": path, "out": path,
//!   "kbps", "switches", "stalls", "stall_s", "startup_s", "played_s",
//!   "frames", "psnr", "fps", "ms_per_frame", "wall_s",
//!   "rungs": [{ "id", "rank", "kbps", "segments", "played_s", "share", "frames", "psnr" or null }] }
//! ```
//!
//! PSNR is in dB over RGB, the mean of the frames' values; null for no frames, or equal ones.

mod score;

use super::playback::{self, Ended, failed};
use super::{CliError, atomic_write, overwrite, simulate};
use crate::evaluate::ContactSheet;
use crate::frame::Frame;
use crate::network::link::Link;
use crate::network::trace::Trace;
use crate::origin::{Origin, Settings, serve};
use crate::playback::{FramePlayback, GeneratorOptions, Layers, Opening, Setup};
use crate::player::ladder::Ladder;
use crate::quality::psnr;
use crate::report::{Network, Report};
use crate::shipped;
use crate::sink::{PngFolder, Sink, SinkError, write_png};
use crate::source::{self, Source};
use score::Score;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Media to keep in the buffer, seconds: little, so that the rule has work to do.
const BUFFER_S: f64 = 6.0;

/// Pictures in a row of the contact sheet.
const COLUMNS: u64 = 8;

/// Folder of the results in the working directory.
const OUT: &str = "promptus-demo";

/// Arguments of `promptus demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Title to play instead of the shipped one.
    #[arg(long, value_name = "DIR")]
    title: Option<PathBuf>,
    /// Input that the title was encoded from: a recipe, an image folder or a video.
    #[arg(long, value_name = "INPUT")]
    originals: Option<PathBuf>,
    /// Recorded network to play under.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Folder for all that is written.
    #[arg(long, value_name = "DIR", default_value = OUT)]
    out: PathBuf,
    /// Print the figures as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus demo`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let begun = Instant::now();
    let out = &args.out;
    let results = ["strip.png", "session.json"].map(|name| out.join(name));
    if out == Path::new(OUT) {
        // The default folder belongs to this command.
        results.iter().for_each(|path| overwrite::allow(path));
    } else {
        overwrite::files(results.iter().filter(|path| path.exists()))?;
    }
    let inputs = args.inputs()?;
    let watched = watch(&inputs, out)?;
    write_png(&results[0], &watched.sheet.picture()?)?;
    let log = watched.report.json()? + "\n";
    atomic_write::write(&results[1], log.as_bytes())?;
    let score = Score::new(&watched.report, &watched.ladder, &watched.psnr);
    eprint!("{}", score.text());
    let (folder, wall_s) = (out.display(), begun.elapsed().as_secs_f64());
    eprintln!("frames, strip.png and session.json are in {folder}; {wall_s:.1} s in all");
    if args.json {
        super::json_line::print(&score.json(&inputs.title, out, wall_s))?;
    }
    score.check(watched.frames)
}

/// What is played.
struct Inputs {
    title: PathBuf,
    originals: PathBuf,
    trace: PathBuf,
}

impl Args {
    /// The given inputs; shipped ones are written to the output folder first.
    fn inputs(&self) -> Result<Inputs, CliError> {
        let (titles, input) = (self.out.join("titles"), self.out.join("input"));
        let unpack = |files, folder: &Path| {
            shipped::write(files, folder)
                .map_err(|error| CliError::input(format!("{}: {error}", folder.display())))
        };
        if self.title.is_none() {
            unpack(shipped::TITLES, &titles)?;
        }
        if self.originals.is_none() || self.trace.is_none() {
            unpack(shipped::DEMO, &input)?;
        }
        let or = |given: &Option<PathBuf>, path| given.clone().unwrap_or(path);
        Ok(Inputs {
            title: or(&self.title, titles.join("demo")),
            originals: or(&self.originals, input.join("recipe.json")),
            trace: or(&self.trace, input.join("trace.csv")),
        })
    }
}

/// A session whose frames were compared with their originals.
struct Watched {
    report: Report,
    ladder: Arc<Ladder>,
    /// Frames that the title has.
    frames: u64,
    /// PSNR of every frame that was rendered, dB.
    psnr: Vec<f64>,
    sheet: ContactSheet,
}

fn watch(inputs: &Inputs, out: &Path) -> Result<Watched, CliError> {
    let trace = Trace::load(&inputs.trace)?;
    simulate::tell(&trace);
    let (_origin, url) = start_origin(&inputs.title)?;
    let runtime = playback::runtime()?;
    let opening = Opening {
        layers: Layers::Off,
        ..Opening::default()
    };
    let opened = FramePlayback::open(&url, &opening, GeneratorOptions::default());
    let playback = runtime.block_on(opened).map_err(failed)?;
    let ladder = Arc::clone(playback.stream().ladder());
    let rate = playback.format().frame_rate;
    let frames = (ladder.total_s() * rate.fps()).round() as u64;
    let mut sheet = ContactSheet::new(frames, COLUMNS, 2);
    let (verdicts, judged) = mpsc::channel();
    let judge = Judge {
        originals: Source::open(&inputs.originals, &source::Options::default())?,
        folder: PngFolder::create(&out.join("frames"))?,
        wanted: sheet.numbers().to_vec(),
        next: 0,
        verdicts,
    };
    let (seconds, name) = (ladder.total_s(), trace.name());
    eprintln!("playing {seconds:.0} s from {url} under {name}");
    let report = play(&runtime, playback, &trace, Box::new(judge))?;
    let mut psnr = Vec::new();
    for (number, verdict) in (0..).zip(judged.try_iter()) {
        psnr.push(verdict.psnr);
        for (row, frame) in verdict.pictures.iter().flatten().enumerate() {
            sheet.collect(row, number, std::slice::from_ref(frame));
        }
    }
    Ok(Watched {
        report,
        ladder,
        frames,
        psnr,
        sheet,
    })
}

/// Starts the origin on a free loopback port; it stops with the runtime. Returns the URL of the
/// title's HLS manifest.
fn start_origin(title: &Path) -> Result<(Runtime, String), CliError> {
    let error = |problem: &str| CliError::input(format!("{}: {problem}", title.display()));
    if !title.join("master.m3u8").is_file() {
        return Err(error(
            "no title there (no master.m3u8); make one with `promptus encode INPUT --out DIR`",
        ));
    }
    let folder = title.canonicalize()?;
    let (Some(root), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(error("a title lies in a folder"));
    };
    let origin = Origin::local(root, Settings::default())?;
    let runtime = playback::runtime()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let (address, name) = (listener.local_addr()?, name.to_string_lossy());
    let url = format!("http://{address}/{name}/master.m3u8");
    runtime.spawn(serve(listener, origin, std::future::pending()));
    Ok((runtime, url))
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

/// The comparison of one frame.
struct Verdict {
    /// PSNR against the original, dB.
    psnr: f64,
    /// Original and rendered frame, for frames of the contact sheet.
    pictures: Option<[Frame; 2]>,
}

/// A sink that compares each frame with its original and writes it as PNG.
struct Judge {
    originals: Source,
    folder: PngFolder,
    /// Frames of the contact sheet.
    wanted: Vec<u64>,
    next: u64,
    verdicts: mpsc::Sender<Verdict>,
}

impl Sink for Judge {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let frames = self.next;
        let original = self.originals.next();
        let original = original.ok_or_else(|| SinkError::other(TooFew { frames }))?;
        let original = original.map_err(SinkError::other)?;
        let verdict = Verdict {
            psnr: psnr(&original, frame).map_err(SinkError::other)?,
            pictures: self
                .wanted
                .contains(&frames)
                .then(|| [original, frame.clone()]),
        };
        self.next += 1;
        // The receiver is gone only when the demo has already failed elsewhere.
        let _ = self.verdicts.send(verdict);
        self.folder.write(frame)
    }

    fn finish(self: Box<Self>) -> Result<(), SinkError> {
        Box::new(self.folder).finish()
    }
}

/// The originals are fewer than the frames.
#[derive(Debug, thiserror::Error)]
#[error("the originals end after {frames} frames, the title goes on: are they of this title?")]
struct TooFew {
    frames: u64,
}
