//! Output of `ffprobe`: streams, the first decoded frames, the times of packets.

use super::input::Input;
use crate::source::error::SourceError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Packets that are decoded for properties that the container lacks.
const FIRST_PACKETS: u32 = 16;
/// Packets whose times are read, of a local input and of one from the network.
const LOCAL_TIMES: u32 = 20_000;
const REMOTE_TIMES: u32 = 240;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Probe {
    pub(super) streams: Vec<Stream>,
    pub(super) format: Format,
    pub(super) pixel_formats: Vec<PixelFormat>,
    pub(super) frames: Vec<FrameInfo>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Format {
    pub(super) format_name: String,
    pub(super) duration: Option<String>,
}

/// A stream as the container and the codec's headers describe it.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct Stream {
    pub(super) index: u32,
    pub(super) codec_type: String,
    pub(super) codec_name: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) sample_rate: Option<String>,
    pub(super) pix_fmt: Option<String>,
    pub(super) field_order: Option<String>,
    pub(super) r_frame_rate: String,
    pub(super) avg_frame_rate: String,
    pub(super) nb_frames: Option<String>,
    pub(super) start_time: Option<String>,
    pub(super) duration: Option<String>,
    pub(super) sample_aspect_ratio: Option<String>,
    #[serde(flatten)]
    pub(super) colour: Tags,
    pub(super) disposition: BTreeMap<String, u8>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct Tags {
    pub(super) color_space: Option<String>,
    pub(super) color_range: Option<String>,
    pub(super) color_transfer: Option<String>,
    pub(super) color_primaries: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct FrameInfo {
    pub(super) pix_fmt: Option<String>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) interlaced_frame: u8,
    pub(super) sample_aspect_ratio: Option<String>,
    #[serde(flatten)]
    pub(super) colour: Tags,
    pub(super) side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct SideData {
    pub(super) displaymatrix: Option<String>,
    pub(super) max_luminance: Option<String>,
    pub(super) max_content: Option<f64>,
    pub(super) dv_profile: Option<u8>,
}

/// A pixel format by the layout of its components.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct PixelFormat {
    pub(super) name: String,
    pub(super) nb_components: u32,
    pub(super) flags: BTreeMap<String, u8>,
}

impl PixelFormat {
    pub(super) fn is(&self, flag: &str) -> bool {
        self.flags.get(flag).is_some_and(|&set| set != 0)
    }

    /// Whether its components are luma and two colour differences, planar, packed or half packed.
    pub(super) fn is_yuv(&self) -> bool {
        let other = ["rgb", "palette", "bayer", "hwaccel"];
        let luma = !other.iter().any(|flag| self.is(flag));
        luma && self.nb_components >= 3 && !self.name.starts_with("xyz")
    }
}

impl Probe {
    pub(super) fn streams(input: &Input) -> Result<Self, SourceError> {
        let asked = ["-show_streams", "-show_format", "-show_pixel_formats"];
        let said = ask(input, &[&asked[..], &["-of", "json=compact=1"]].concat())?;
        serde_json::from_slice(&said).map_err(|error| {
            let reason = format!("unexpected output of ffprobe: {error}");
            SourceError::invalid(input.name(), reason)
        })
    }

    /// The first frames of `stream`; none if they cannot be decoded, which is reported later.
    pub(super) fn first_frames(input: &Input, stream: u32) -> Vec<FrameInfo> {
        let shown = ["-show_frames", "-of", "json=compact=1"];
        let said = packets(input, stream, FIRST_PACKETS, &shown);
        let probe: Option<Self> = serde_json::from_slice(&said).ok();
        probe.map(|probe| probe.frames).unwrap_or_default()
    }

    /// Presentation times of the frames of `stream`, in seconds, ascending.
    pub(super) fn times(input: &Input, stream: u32) -> Vec<f64> {
        let count = match input.is_local() {
            true => LOCAL_TIMES,
            false => REMOTE_TIMES,
        };
        let shown = ["-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"];
        let said = packets(input, stream, count, &shown);
        let said = String::from_utf8_lossy(&said);
        let time = |line: &str| {
            let (time, flags) = line.split_once(',')?;
            let shown = !flags.contains('D');
            let time = time.parse::<f64>().ok();
            time.filter(|time| shown && time.is_finite())
        };
        let mut times: Vec<f64> = said.lines().filter_map(time).collect();
        times.sort_by(f64::total_cmp);
        times
    }
}

/// What `ffprobe` shows of the first packets of a stream; nothing if it fails.
fn packets(input: &Input, stream: u32, count: u32, shown: &[&str]) -> Vec<u8> {
    let (stream, count) = (stream.to_string(), format!("%+#{count}"));
    let packets = ["-select_streams", &stream, "-read_intervals", &count];
    ask(input, &[&packets[..], shown].concat()).unwrap_or_default()
}

/// Runs `ffprobe`. Fails with its message if it cannot read the input.
fn ask(input: &Input, arguments: &[&str]) -> Result<Vec<u8>, SourceError> {
    let child = input.probe(&[&["-v", "error"], arguments].concat())?;
    let output = child.wait_with_output();
    let output = output.map_err(|error| SourceError::io(input.name(), error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim_end().lines().next_back();
    let last = last.unwrap_or("no reason given");
    let reason = format!("ffprobe cannot read it: {last}");
    Err(SourceError::invalid(input.name(), reason))
}
