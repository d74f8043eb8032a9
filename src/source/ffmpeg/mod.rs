//! All other inputs, through the programs `ffprobe` and `ffmpeg` on the `PATH`.
//!
//! `ffprobe` reports the container, the first frames and the packets' times; from these one explicit
//! filter chain is built: deinterlacing, rate, matrix and range, size, orientation. `ffmpeg` then writes
//! pictures of that size to a pipe. Nothing is left to ffmpeg's defaults, so that wrong metadata cannot
//! change a picture's interpretation, and the chain is not rebuilt where a stream changes its format.

mod colour;
mod decode;
mod input;
mod messages;
mod orientation;
mod probe;
mod rate;
mod streams;
mod tone;

use super::error::SourceError;
use super::frames::{Closing, Options, Source};
use super::size::MAX_SIDE;
use crate::time::FrameRate;
use colour::Colour;
use decode::{Expected, Frames, Layout};
pub(super) use input::Input;
use orientation::Orientation;
use probe::{FrameInfo, PixelFormat, Probe, Stream};
use rate::Timing;
use std::iter;
use std::process::Command;

/// Formats with an exact duration for each picture.
const EXACT: [&str; 3] = ["gif", "apng", "webp"];
/// Arguments before the input: messages with their level, and nothing rotated or rebuilt unasked.
const BEFORE: &str =
    "-hide_banner -nostats -nostdin -v level+verbose -noautorotate -reinit_filter 0";
/// Pixel aspect ratios beyond this are taken as an error of the container.
const MAX_ASPECT: u32 = 16;

/// The first line of `ffmpeg -version`, or `None` where it is not installed.
pub fn version() -> Option<String> {
    let output = Command::new("ffmpeg").arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_owned)
}

/// Opens the best video stream of `input`.
pub(super) fn open(input: Input, options: &Options) -> Result<Source, SourceError> {
    let film = Film::look(&input)?;
    let plan = film.plan(options)?;
    let (size, rate) = (plan.size, plan.rate);
    let expected = Expected {
        size,
        pictures: film.seconds().map(|s| (s * rate.fps()).round() as u64),
        promised: film.promised(),
    };
    let length = expected.pictures;
    let closing = Closing::default();
    let mut before: Vec<&str> = BEFORE.split(' ').collect();
    before.extend(film.decoder().into_iter().flat_map(|name| ["-c:v", name]));
    let (map, wanted) = (format!("0:{}", film.stream.index), rate.to_string());
    let mut after = vec!["-map", &map, "-vf", &plan.chain];
    if film.restarts() {
        after.extend(["-r", &wanted]);
    }
    let pixel_format = plan.layout.pixel_format();
    after.extend(["-f", "rawvideo", "-pix_fmt", pixel_format, "-"]);
    let (arguments, allow) = ((&*before, &*after), options.allow_damaged);
    let told = closing.clone();
    let mut frames = Frames::start(input, arguments, plan.layout, expected, allow, told)?;
    Ok(Source {
        native_rate: plan.native,
        pixel_aspect: plan.aspect,
        length,
        notices: plan.notices,
        closing,
        ..Source::new(size, rate, iter::from_fn(move || frames.read().transpose()))
    })
}

struct Film {
    stream: Stream,
    format: Option<PixelFormat>,
    frames: Vec<FrameInfo>,
    timing: Option<Timing>,
    left_out: Option<String>,
    exact: bool,
    name: std::path::PathBuf,
}

struct Plan {
    size: (u32, u32),
    native: FrameRate,
    rate: FrameRate,
    aspect: (u32, u32),
    chain: String,
    layout: Layout,
    notices: Vec<String>,
}

impl Film {
    fn look(input: &Input) -> Result<Self, SourceError> {
        let name = input.name().to_owned();
        let probe = Probe::streams(input)?;
        let Some(best) = streams::best(&probe.streams) else {
            let rest = streams::left_out(&probe.streams, u32::MAX);
            let rest = rest.map_or_else(String::new, |rest| format!("; {rest}"));
            let reason = format!("holds no video stream{rest}");
            return Err(SourceError::invalid(&name, reason));
        };
        let mut stream = best.clone();
        stream.duration = stream.promised_duration(&probe);
        let frames = Probe::first_frames(input, stream.index);
        let times = Probe::times(input, stream.index);
        let format_name = &probe.format.format_name;
        let exact = EXACT.iter().any(|exact| format_name.contains(exact));
        let (nominal, mean) = (&stream.r_frame_rate, &stream.avg_frame_rate);
        let shown = frames.first().and_then(|frame| frame.pix_fmt.clone());
        let shown = shown.or_else(|| stream.pix_fmt.clone());
        let mut formats = probe.pixel_formats.iter();
        Ok(Self {
            timing: rate::timing(&times, nominal, mean, exact),
            format: formats
                .find(|format| Some(&format.name) == shown.as_ref())
                .cloned(),
            left_out: streams::left_out(&probe.streams, stream.index),
            stream,
            frames,
            exact,
            name,
        })
    }

    fn plan(&self, options: &Options) -> Result<Plan, SourceError> {
        let mut notices: Vec<String> = self.left_out.iter().cloned().collect();
        let orientation = self.orientation(&mut notices);
        let stored = self.stored_size()?;
        let untimed = "states neither a frame rate nor the times of its frames";
        let untimed = || SourceError::invalid(&self.name, untimed);
        let timing = self.timing.ok_or_else(untimed)?;
        let (rate, every) = options.rate_of(timing.rate);
        if let (Some((shortest, longest)), false) = (timing.uneven, self.exact) {
            let (fast, slow) = (1.0 / shortest, 1.0 / longest);
            notices.push(format!(
                "variable frame rate ({slow:.3} to {fast:.3} a second): resampled to {rate}"
            ));
        }
        let first = self.frames.first();
        let colour = colour::colour(&self.stream, first, self.format.as_ref());
        notices.extend(colour.notices.iter().cloned());
        let alpha = self.has_alpha();
        if alpha {
            notices.push("the input has an alpha channel: composited on the background".into());
        }
        if self.is_interlaced() {
            notices.push("interlaced: deinterlaced (bwdif), one picture a frame".into());
        }
        let layout = Layout {
            background: alpha.then_some(options.background),
            tone: colour.tone.clone(),
        };
        let slots = every.map_or(rate, |_| timing.rate);
        let shift = match slots == timing.rate {
            true => timing.shift,
            false => 0.0,
        };
        let rates = (!self.restarts()).then(|| rates(slots, every.unwrap_or(1), shift));
        let chain = self.chain(rates, &colour, &layout, stored, orientation);
        let aspect = self.pixel_aspect();
        let turn = |(a, b)| if orientation.turned { (b, a) } else { (a, b) };
        Ok(Plan {
            size: turn(stored),
            native: timing.rate,
            rate,
            aspect: turn(aspect),
            chain,
            layout,
            notices,
        })
    }

    /// The filters from decoded frames to the pipe's pictures.
    fn chain(
        &self,
        rates: Option<String>,
        colour: &Colour,
        layout: &Layout,
        (width, height): (u32, u32),
        orientation: Orientation,
    ) -> String {
        let bwdif = "bwdif=mode=send_frame:deint=interlaced".to_owned();
        let deinterlace = self.is_interlaced().then_some(bwdif);
        let scale = format!(
            "scale={width}:{height}:force_original_aspect_ratio=decrease:flags=bilinear+accurate_rnd+full_chroma_int"
        );
        let meaning = colour.scale.as_ref().map(|options| format!(":{options}"));
        let scale = scale + &meaning.unwrap_or_default();
        let format = format!("format={}", layout.pixel_format());
        // Pictures of another size within a stream are padded with black.
        let pad = format!("pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:eval=frame");
        let upright = orientation.filters().map(str::to_owned);
        let filters = deinterlace.into_iter().chain(rates);
        let filters = filters.chain([scale, format, pad]).chain(upright);
        filters.collect::<Vec<_>>().join(",")
    }

    fn stored_size(&self) -> Result<(u32, u32), SourceError> {
        let shown = self.frames.first().filter(|frame| frame.width > 0);
        let shown = shown.map(|frame| (frame.width, frame.height));
        let size = shown.unwrap_or((self.stream.width, self.stream.height));
        if size.0.min(size.1) == 0 || size.0.max(size.1) > MAX_SIDE {
            let reason = format!("its sides must be 1 to {MAX_SIDE} pixels");
            return Err(SourceError::Size { size, reason });
        }
        Ok(size)
    }

    /// From the frames' own display matrix, else from the container's.
    fn orientation(&self, notices: &mut Vec<String>) -> Orientation {
        let of_frame = self.frames.first().map(|frame| &frame.side_data_list);
        let of_frame = of_frame.into_iter().flatten();
        let mut side_data = of_frame.chain(&self.stream.side_data_list);
        let Some(matrix) = side_data.find_map(|data| data.displaymatrix.as_deref()) else {
            return Orientation::UPRIGHT;
        };
        Orientation::from_matrix(matrix).unwrap_or_else(|| {
            notices.push("rotated by an angle that is not a multiple of 90°: not rotated".into());
            Orientation::UPRIGHT
        })
    }

    /// Whether only some frames carry a display matrix, as with SEI messages. ffmpeg then rebuilds its
    /// filters, and a resampling filter would lose its buffered frame; so ffmpeg's `-r` resamples instead.
    fn restarts(&self) -> bool {
        let matrix = |frame: &FrameInfo| {
            let mut matrices = frame.side_data_list.iter();
            matrices.find_map(|data| data.displaymatrix.clone())
        };
        let mut pairs = self.frames.windows(2);
        pairs.any(|pair| matrix(&pair[0]) != matrix(&pair[1]))
    }

    fn pixel_aspect(&self) -> (u32, u32) {
        let of_frame = self.frames.first().map(|frame| &frame.sample_aspect_ratio);
        let stated = [Some(&self.stream.sample_aspect_ratio), of_frame];
        let parsed = stated.into_iter().flatten().flatten().find_map(|text| {
            let (a, b) = text.split_once(':')?;
            let (a, b): (u32, u32) = (a.parse().ok()?, b.parse().ok()?);
            let likely = a > 0 && b > 0 && a <= b.saturating_mul(MAX_ASPECT);
            (likely && b <= a.saturating_mul(MAX_ASPECT)).then_some((a, b))
        });
        parsed.unwrap_or((1, 1))
    }

    fn is_interlaced(&self) -> bool {
        let order = self.stream.field_order.as_deref();
        let stated = matches!(order, Some("tt" | "bb" | "tb" | "bt"));
        stated || self.frames.iter().any(|frame| frame.interlaced_frame != 0)
    }

    fn has_alpha(&self) -> bool {
        let format = self.format.as_ref();
        self.decoder().is_some() || format.is_some_and(|format| format.is("alpha"))
    }

    /// A decoder other than ffmpeg's default: its own VP8 and VP9 decoders ignore alpha.
    fn decoder(&self) -> Option<&'static str> {
        let alpha = self.stream.tags.get("alpha_mode").map(String::as_str);
        let name = match (self.stream.codec_name.as_str(), alpha) {
            ("vp8", Some("1")) => "libvpx",
            ("vp9", Some("1")) => "libvpx-vp9",
            _ => return None,
        };
        let mut list = Command::new("ffmpeg");
        let list = list.args(["-v", "quiet", "-decoders"]).output().ok()?;
        let list = String::from_utf8_lossy(&list.stdout);
        let mut decoders = list.lines().map(|line| line.split_whitespace().nth(1));
        decoders
            .any(|decoder| decoder == Some(name))
            .then_some(name)
    }

    /// Duration of the stream in seconds, if the container states it.
    fn seconds(&self) -> Option<f64> {
        let seconds = self.stream.duration.as_deref()?.parse::<f64>().ok()?;
        (seconds.is_finite() && seconds > 0.0).then_some(seconds)
    }

    fn promised(&self) -> Option<String> {
        let frames = self.stream.nb_frames.as_ref();
        let frames = frames.map(|frames| format!("{frames} frames"));
        frames.or_else(|| self.seconds().map(|seconds| format!("{seconds:.1} s")))
    }
}

impl Stream {
    /// Duration of the stream in seconds: from its header, Matroska's tag, or the file if it is the only
    /// stream.
    fn promised_duration(&self, probe: &Probe) -> Option<String> {
        let seconds = |text: &Option<String>| text.as_deref()?.parse::<f64>().ok();
        if let Some(own) = &self.duration {
            return Some(own.clone());
        }
        let tag = self.tags.get("DURATION").and_then(|text| {
            let mut parts = text.split(':').map(|part| part.parse::<f64>().ok());
            let (h, m, s) = (parts.next()??, parts.next()??, parts.next()??);
            Some(h * 3600.0 + m * 60.0 + s)
        });
        let alone = || seconds(&probe.format.duration).filter(|_| probe.streams.len() == 1);
        let end = tag.or_else(alone)?;
        // Matroska's tag is the end of the stream, relative to the start of the file.
        let from_start = probe.format.format_name.contains("matroska");
        let start = seconds(&self.start_time).filter(|_| from_start);
        Some((end - start.unwrap_or(0.0)).to_string())
    }
}

/// The filters that bring frames to `every`th of a constant `rate`, numbered from 0.
fn rates(rate: FrameRate, every: u32, shift: f64) -> String {
    let mut filters = "setpts=PTS-STARTPTS".to_owned();
    if shift != 0.0 {
        filters += &format!("+{shift:.6}/TB");
    }
    filters += &format!(",fps=fps={rate}:round=near");
    if every > 1 {
        filters += &format!(",framestep={every}");
    }
    filters
}
