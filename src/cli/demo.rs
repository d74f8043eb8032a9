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

use super::playback::{self, failed};
use super::{CliError, atomic_write, json_line, overwrite};
use crate::evaluate::ContactSheet;
use crate::frame::Frame;
use crate::network::corpus;
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
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
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
    let (report, compared) = watch(&inputs, out)?;
    let compared = compared.lock().unwrap_or_else(PoisonError::into_inner);
    write_png(&results[0], &compared.sheet.picture()?)?;
    atomic_write::write(
        &results[1],
        (serde_json::to_string(&report)? + "\n").as_bytes(),
    )?;
    let score = Score::new(&report, &compared.ladder, &compared.psnr);
    eprint!("{}", score.text());
    let (folder, wall_s) = (out.display(), begun.elapsed().as_secs_f64());
    eprintln!("frames, strip.png and session.json are in {folder}; {wall_s:.1} s in all");
    if args.title.is_none() {
        eprintln!(
            "to watch it in a browser: `promptus serve`, then http://127.0.0.1:8080/watch/demo"
        );
    }
    if args.json {
        json_line::print(&score.json(&inputs[0], out, wall_s))?;
    }
    let (done, all) = (compared.psnr.len() as u64, compared.frames);
    if done != all {
        let message = format!("{done} of {all} frames were rendered");
        return Err(CliError::check(message));
    }
    Ok(())
}

impl Args {
    /// Title, originals and trace as given; shipped ones are written to the output folder first.
    fn inputs(&self) -> Result<[PathBuf; 3], CliError> {
        let (titles, input) = (self.out.join("titles"), self.out.join("input"));
        let unpack =
            |files, folder: &Path| shipped::write(files, folder).map_err(CliError::at(folder));
        if self.title.is_none() {
            unpack(shipped::TITLES, &titles)?;
        }
        if self.originals.is_none() || self.trace.is_none() {
            unpack(shipped::DEMO, &input)?;
        }
        let or = |given: &Option<PathBuf>, path| given.clone().unwrap_or(path);
        Ok([
            or(&self.title, titles.join("demo")),
            or(&self.originals, input.join("recipe.json")),
            or(&self.trace, input.join("trace.csv")),
        ])
    }
}

/// Plays the title and compares its frames with the originals under the trace, given in this order.
fn watch(
    [title, originals, trace]: &[PathBuf; 3],
    out: &Path,
) -> Result<(Report, Arc<Mutex<Compared>>), CliError> {
    let trace = Trace::load(trace)?;
    eprint!("{}", corpus::describe(std::slice::from_ref(&trace)));
    let (_origin, url) = start_origin(title)?;
    let runtime = playback::runtime()?;
    let opening = Opening {
        layers: Layers::Off,
        ..Opening::default()
    };
    let opened = FramePlayback::open(&url, &opening, GeneratorOptions::default());
    let playback = runtime.block_on(opened).map_err(failed)?;
    let ladder = Arc::clone(playback.stream().ladder());
    let (seconds, rate) = (ladder.total_s(), playback.format().frame_rate);
    let frames = (seconds * rate.fps()).round() as u64;
    let compared = Arc::new(Mutex::new(Compared {
        ladder,
        frames,
        psnr: Vec::new(),
        sheet: ContactSheet::new(frames, COLUMNS, 2),
    }));
    let sink = Compare {
        originals: Source::open(originals, &source::Options::default())?,
        folder: PngFolder::create(&out.join("frames"))?,
        compared: Arc::clone(&compared),
    };
    eprintln!("playing {seconds:.0} s from {url} under {}", trace.name());
    let report = play(&runtime, playback, &trace, Box::new(sink))?;
    Ok((report, compared))
}

/// Starts the origin on a free loopback port; it stops with the runtime. Returns the URL of the
/// title's HLS manifest.
fn start_origin(title: &Path) -> Result<(Runtime, String), CliError> {
    if !title.join("master.m3u8").is_file() {
        let problem =
            "no title there (no master.m3u8); make one with `promptus encode INPUT --out DIR`";
        return Err(CliError::at(title)(problem));
    }
    let folder = title.canonicalize()?;
    let (Some(root), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(CliError::at(title)("a title lies in a folder"));
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
    sink: Box<dyn Sink>,
) -> Result<Report, CliError> {
    let mut setup = Setup::default();
    setup.options.buffer_s = BUFFER_S;
    // The trace begins with the session, so that it meets the same segments whatever opening takes.
    let playback = playback.throttled(Link::new(trace, 1.0));
    let _guard = runtime.enter();
    let mut ended = playback::write(runtime, playback.frames_by_network(setup), sink)?;
    ended.report.context.trace = Some(Network {
        name: trace.name().to_owned(),
        multiplier: 1.0,
    });
    match ended.error {
        Some(error) => Err(error.into()),
        None => Ok(ended.report),
    }
}

/// Comparison of the frames so far.
struct Compared {
    ladder: Arc<Ladder>,
    /// Frames of the title.
    frames: u64,
    /// PSNR of each frame against its original, dB.
    psnr: Vec<f64>,
    /// Originals in the first row, rendered frames in the second.
    sheet: ContactSheet,
}

/// A sink that compares each frame with its original and writes it as PNG.
struct Compare {
    originals: Source,
    folder: PngFolder,
    compared: Arc<Mutex<Compared>>,
}

impl Sink for Compare {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        let number = compared.psnr.len() as u64;
        let original = self.originals.next().ok_or_else(|| {
            SinkError::other(io::Error::other(format!(
                "the originals end after {number} frames, the title goes on: are they of this title?"
            )))
        })?;
        let original = original.map_err(SinkError::other)?;
        let psnr = psnr(&original, frame).map_err(SinkError::other)?;
        compared.psnr.push(psnr);
        compared.sheet.push(0, number, &original);
        compared.sheet.push(1, number, frame);
        self.folder.write(frame)
    }

    fn finish(self: Box<Self>) -> Result<(), SinkError> {
        Box::new(self.folder).finish()
    }
}
