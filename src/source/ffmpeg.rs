//! Any other file, through the `ffprobe` and `ffmpeg` programs on the `PATH`.
//!
//! `ffprobe` tells size, rate and rotation; `ffmpeg` then writes raw RGB at a constant rate to a
//! pipe. A variable-rate input is resampled to the nearest usual rate and says so.

use super::ycbcr::Matrix;
use super::{MAX_SIDE, Options, Source, SourceError};
use crate::frame::Frame;
use crate::time::FrameRate;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

const USUAL_RATES: [(u32, u32); 8] = [
    (24000, 1001),
    (24, 1),
    (25, 1),
    (30000, 1001),
    (30, 1),
    (50, 1),
    (60000, 1001),
    (60, 1),
];

/// The first line of `ffmpeg -version`, or `None` where it is not installed.
pub fn version() -> Option<String> {
    let output = Command::new("ffmpeg").arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_owned)
}

/// Opens the first video stream of `input`.
pub(super) fn open(input: &Path, options: &Options) -> Result<Source, SourceError> {
    let stream = probe(input)?;
    let mut notices = Vec::new();
    let native = stream.rate(input, &mut notices)?;
    let frame_rate = options.frame_rate.unwrap_or(native);
    let size = stream.size();
    if size.0.min(size.1) == 0 || size.0.max(size.1) > MAX_SIDE {
        let reason = format!("its sides must be 1 to {MAX_SIDE} pixels");
        return Err(SourceError::Size { size, reason });
    }
    let mut filter = format!("fps=fps={frame_rate}:round=near");
    if stream.states_no_matrix() && Matrix::assumed(size) == Matrix::Bt709 {
        filter.push_str(",scale=in_color_matrix=bt709");
        notices.push("the input states no colour matrix: BT.709 assumed".into());
    }
    Ok(Source {
        size,
        frame_rate,
        pixel_aspect: stream.pixel_aspect(),
        length: None,
        notices,
        frames: Box::new(Frames::start(input, &filter, size)?),
        ended: false,
    })
}

#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    #[serde(default)]
    r_frame_rate: String,
    #[serde(default)]
    avg_frame_rate: String,
    sample_aspect_ratio: Option<String>,
    color_space: Option<String>,
    pix_fmt: Option<String>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<i32>,
}

impl Stream {
    /// Width and height after the rotation that `ffmpeg` applies.
    fn size(&self) -> (u32, u32) {
        if self.turned() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }

    fn turned(&self) -> bool {
        let angle = self.side_data_list.iter().find_map(|data| data.rotation);
        angle.is_some_and(|degrees| degrees.rem_euclid(180) == 90)
    }

    fn states_no_matrix(&self) -> bool {
        let stated = self.color_space.as_deref().unwrap_or("unknown");
        let format = self.pix_fmt.as_deref().unwrap_or_default();
        format.starts_with("yuv") && matches!(stated, "unknown" | "unspecified")
    }

    fn pixel_aspect(&self) -> (u32, u32) {
        let stated = self.sample_aspect_ratio.as_deref().unwrap_or_default();
        let sides = stated.split_once(':');
        let parsed = sides.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match parsed {
            Some((a, b)) if a > 0 && b > 0 && self.turned() => (b, a),
            Some((a, b)) if a > 0 && b > 0 => (a, b),
            _ => (1, 1),
        }
    }

    fn rate(&self, input: &Path, notices: &mut Vec<String>) -> Result<FrameRate, SourceError> {
        let nominal = self.r_frame_rate.parse::<FrameRate>();
        let Some(average) = quotient(&self.avg_frame_rate) else {
            return nominal.map_err(|e| SourceError::rate(input, e));
        };
        if let Ok(rate) = nominal
            && (rate.fps() - average).abs() <= 0.01 * average
        {
            return Ok(rate);
        }
        let rate = nearest(average).map_err(|e| SourceError::rate(input, e))?;
        notices.push(format!(
            "variable frame rate (about {average:.3} a second): resampled to {rate}"
        ));
        Ok(rate)
    }
}

fn quotient(text: &str) -> Option<f64> {
    let (num, den) = text.split_once('/')?;
    let (num, den): (f64, f64) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0.0 && den > 0.0).then(|| num / den)
}

fn nearest(average: f64) -> Result<FrameRate, crate::time::TimeError> {
    let distance = |&(num, den): &(u32, u32)| (f64::from(num) / f64::from(den) - average).abs();
    let by_distance = |a: &(u32, u32), b: &(u32, u32)| distance(a).total_cmp(&distance(b));
    let usual = USUAL_RATES.into_iter().min_by(by_distance);
    match usual.filter(|rate| distance(rate) <= 0.02 * average) {
        Some((num, den)) => FrameRate::new(num, den),
        None => FrameRate::new(average.round().clamp(1.0, 120.0) as u32, 1),
    }
}

/// A local file's name as both programs take it, whatever its first letters look like.
fn file_url(input: &Path) -> std::ffi::OsString {
    let mut url = std::ffi::OsString::from("file:");
    url.push(input);
    url
}

fn start_error(input: &Path, program: &'static str, error: &io::Error) -> SourceError {
    let path = input.to_path_buf();
    if error.kind() == io::ErrorKind::NotFound {
        SourceError::FfmpegMissing { path, program }
    } else {
        let reason = format!("{program} did not start: {error}");
        SourceError::Ffmpeg { path, reason }
    }
}

fn probe(input: &Path) -> Result<Stream, SourceError> {
    let bad = |reason: String| SourceError::Ffmpeg {
        path: input.into(),
        reason,
    };
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_streams"])
        .args(["-of", "json", "-i"])
        .arg(file_url(input))
        .stdin(Stdio::null())
        .output()
        .map_err(|e| start_error(input, "ffprobe", &e))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(bad(format!("ffprobe cannot read it: {}", last_line(&said))));
    }
    let probe: Probe = serde_json::from_slice(&output.stdout)
        .map_err(|e| bad(format!("ffprobe's answer is not understood: {e}")))?;
    let stream = probe.streams.into_iter().next();
    stream.ok_or_else(|| bad("holds no video stream".into()))
}

fn last_line(text: &str) -> &str {
    text.trim_end()
        .lines()
        .next_back()
        .unwrap_or("no reason given")
}

struct Frames {
    child: Child,
    pipe: Option<ChildStdout>,
    messages: File,
    size: (u32, u32),
    path: PathBuf,
    number: u64,
}

impl Frames {
    fn start(input: &Path, filter: &str, size: (u32, u32)) -> Result<Self, SourceError> {
        let io = |e| SourceError::io(input, e);
        let messages = tempfile::tempfile().map_err(io)?;
        let mut child = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-i"])
            .arg(file_url(input))
            .args(["-map", "0:v:0", "-vf", filter])
            .args(["-sws_flags", "bilinear+accurate_rnd+full_chroma_int"])
            .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(messages.try_clone().map_err(io)?)
            .spawn()
            .map_err(|e| start_error(input, "ffmpeg", &e))?;
        Ok(Self {
            pipe: child.stdout.take(),
            child,
            messages,
            size,
            path: input.into(),
            number: 0,
        })
    }

    fn read(&mut self) -> Result<Option<Frame>, SourceError> {
        let Some(pipe) = self.pipe.as_mut() else {
            return Ok(None);
        };
        let wanted = u64::from(self.size.0) * u64::from(self.size.1) * 3;
        let mut data = Vec::new();
        pipe.take(wanted)
            .read_to_end(&mut data)
            .map_err(|e| SourceError::io(&self.path, e))?;
        if data.len() as u64 == wanted {
            self.number += 1;
            let frame = Frame::new(self.size.0, self.size.1, data);
            return frame.map(Some).map_err(|e| self.failed(&e.to_string()));
        }
        self.pipe = None;
        let status = self
            .child
            .wait()
            .map_err(|e| SourceError::io(&self.path, e))?;
        if !status.success() || !data.is_empty() || self.number == 0 {
            let said = self.said();
            return Err(self.failed(&said));
        }
        Ok(None)
    }

    fn said(&mut self) -> String {
        let mut text = Vec::new();
        let rewound = self.messages.seek(SeekFrom::Start(0));
        let read = rewound.and_then(|_| (&mut self.messages).take(1 << 20).read_to_end(&mut text));
        match read {
            Ok(_) => last_line(&String::from_utf8_lossy(&text)).to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn failed(&self, reason: &str) -> SourceError {
        SourceError::Ffmpeg {
            path: self.path.clone(),
            reason: format!("ffmpeg stopped at frame {}: {reason}", self.number),
        }
    }
}

impl Iterator for Frames {
    type Item = Result<Frame, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        // Fails only where the program has already ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(nominal: &str, average: &str) -> (Option<String>, usize) {
        let probed = serde_json::json!({ "r_frame_rate": nominal, "avg_frame_rate": average });
        let mut notices = Vec::new();
        let stream: Option<Stream> = serde_json::from_value(probed).ok();
        let rate = stream.and_then(|s| s.rate(Path::new("x"), &mut notices).ok());
        (rate.map(|rate| rate.to_string()), notices.len())
    }

    #[test]
    fn steady_rates_stay_and_variable_ones_are_rounded_with_a_notice() {
        let rate = |text: &str| Some(text.to_owned());
        assert_eq!(stream("30000/1001", "2997/100"), (rate("30000/1001"), 0));
        assert_eq!(stream("25/1", "0/0"), (rate("25"), 0));
        assert_eq!(stream("90000/1", "239/10"), (rate("24000/1001"), 1));
        assert_eq!(stream("120/1", "37/1"), (rate("37"), 1));
        assert_eq!(stream("0/0", "0/0"), (None, 0));
    }
}
