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

/// Output of one `ffprobe` run.
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

/// Colour tags of a stream or a frame.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct Tags {
    pub(super) color_space: Option<String>,
    pub(super) color_range: Option<String>,
    pub(super) color_transfer: Option<String>,
    pub(super) color_primaries: Option<String>,
}

/// A decoded frame.
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

/// The side data that matter here.
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
    /// Looks at all streams of `input`.
    pub(super) fn streams(input: &Input) -> Result<Self, SourceError> {
        let asked = ["-show_streams", "-show_format", "-show_pixel_formats"];
        let said = ask(input, &[&asked[..], &["-of", "json=compact=1"]].concat())?;
        serde_json::from_slice(&said).map_err(|error| SourceError::Ffmpeg {
            path: input.name().into(),
            reason: format!("unexpected output of ffprobe: {error}"),
        })
    }

    /// The first frames of `stream`; none where they cannot be decoded, which decoding will tell.
    pub(super) fn first_frames(input: &Input, stream: u32) -> Vec<FrameInfo> {
        let (stream, packets) = (stream.to_string(), format!("%+#{FIRST_PACKETS}"));
        let asked = ["-select_streams", &stream, "-read_intervals", &packets];
        let shown = ["-show_frames", "-of", "json=compact=1"];
        let said = ask(input, &[&asked[..], &shown].concat()).unwrap_or_default();
        let probe: Option<Self> = serde_json::from_slice(&said).ok();
        probe.map(|probe| probe.frames).unwrap_or_default()
    }

    /// When the frames of `stream` are shown, in seconds, ascending.
    pub(super) fn times(input: &Input, stream: u32) -> Vec<f64> {
        let count = if input.is_local() {
            LOCAL_TIMES
        } else {
            REMOTE_TIMES
        };
        let (stream, packets) = (stream.to_string(), format!("%+#{count}"));
        let asked = ["-select_streams", &stream, "-read_intervals", &packets];
        let shown = ["-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"];
        let said = ask(input, &[&asked[..], &shown].concat()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let time = |line: &str| {
            let (time, flags) = line.split_once(',')?;
            let shown = !flags.contains('D');
            time.parse::<f64>()
                .ok()
                .filter(|time| shown && time.is_finite())
        };
        let mut times: Vec<f64> = said.lines().filter_map(time).collect();
        times.sort_by(f64::total_cmp);
        times
    }
}

/// Runs `ffprobe`. Fails with its message if it cannot read the input.
fn ask(input: &Input, arguments: &[&str]) -> Result<Vec<u8>, SourceError> {
    let before = [&["-v", "error"], arguments].concat();
    let child = input.look("ffprobe", &before, &[])?;
    let output = child
        .wait_with_output()
        .map_err(|error| SourceError::io(input.name(), error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim_end().lines().next_back();
    let reason = format!(
        "ffprobe cannot read it: {}",
        last.unwrap_or("no reason given")
    );
    let path = input.name().into();
    Err(SourceError::Ffmpeg { path, reason })
}
