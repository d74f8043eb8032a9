//! Colour metadata of a picture: matrix, range, transfer and primaries, stated or assumed.

use super::probe::{FrameInfo, PixelFormat, SideData, Stream, Tags};
use super::rate::quotient;
use super::tone::{Gamut, Tone, Transfer};
use crate::source::ycbcr::Matrix;

/// Peak luminance of PQ pictures that do not state it, in cd/m².
const USUAL_PEAK: f64 = 1000.0;

#[derive(Default)]
pub(super) struct Colour {
    /// Options of the scale filter, such as `in_color_matrix=bt709:in_range=limited`.
    pub(super) scale: Option<String>,
    pub(super) tone: Option<Tone>,
    pub(super) notices: Vec<String>,
}

/// The colour of `stream`, whose first frame is `frame`, in pictures of `format`.
pub(super) fn colour(
    stream: &Stream,
    frame: Option<&FrameInfo>,
    format: Option<&PixelFormat>,
) -> Colour {
    let mut colour = Colour::default();
    let of_frame = frame.map(|frame| &frame.colour);
    let tag = |pick: fn(&Tags) -> &Option<String>| {
        let stated = |tags: &Tags| pick(tags).clone().filter(|tag| is_stated(tag));
        of_frame.and_then(stated).or_else(|| stated(&stream.colour))
    };
    let primaries = tag(|tags| &tags.color_primaries);
    let transfer = tag(|tags| &tags.color_transfer);
    let side_data = frame.map_or(&[][..], |frame| &frame.side_data_list);
    let side_data = || side_data.iter().chain(&stream.side_data_list);
    let (wide, curve) = (primaries.as_deref(), transfer.as_deref());
    colour.tone = tone(wide, curve, &mut colour.notices, side_data());
    if side_data().any(|data| data.dv_profile == Some(5)) {
        let notice = "Dolby Vision profile 5: not supported, colours will be wrong";
        colour.notices.push(notice.into());
    }
    if format.is_some_and(PixelFormat::is_yuv) {
        let wide = wide == Some("bt2020") || colour.tone.is_some();
        let (size, stated) = ((stream.width, stream.height), tag(|tags| &tags.color_space));
        let matrix = matrix(stated.as_deref(), size, wide, &mut colour.notices);
        let name = format.map_or("", |format| format.name.as_str());
        let full = match tag(|tags| &tags.color_range).as_deref() {
            Some("pc") => true,
            Some("tv") => false,
            _ => name.starts_with("yuvj"),
        };
        let range = if full { "full" } else { "limited" };
        colour.scale = Some(format!("in_color_matrix={matrix}:in_range={range}"));
    }
    colour
}

fn is_stated(tag: &str) -> bool {
    !matches!(tag, "unknown" | "unspecified" | "reserved" | "")
}

/// ffmpeg's name of the matrix that is stated or assumed.
fn matrix(
    stated: Option<&str>,
    size: (u32, u32),
    wide: bool,
    notices: &mut Vec<String>,
) -> &'static str {
    let assumed = match Matrix::assumed(size) {
        Matrix::Bt709 => ("bt709", "BT.709"),
        Matrix::Bt601 => ("bt601", "BT.601"),
    };
    match stated {
        Some("bt709") => "bt709",
        Some("smpte170m" | "bt470bg") => "bt601",
        Some("fcc") => "fcc",
        Some("smpte240m") => "smpte240m",
        Some("bt2020nc" | "bt2020c") => "bt2020",
        None if wide => "bt2020",
        None if assumed.0 == "bt709" => {
            notices.push("the input states no colour matrix: BT.709 assumed".into());
            "bt709"
        }
        None => assumed.0,
        Some(other) => {
            let (matrix, name) = assumed;
            let notice = format!("the colour matrix {other} is not supported: {name} assumed");
            notices.push(notice);
            matrix
        }
    }
}

/// The mapping to BT.709 for wider inputs, with its notice.
fn tone<'a>(
    primaries: Option<&str>,
    transfer: Option<&str>,
    notices: &mut Vec<String>,
    side_data: impl Iterator<Item = &'a SideData>,
) -> Option<Tone> {
    let pq = |peak| Transfer::Pq { peak };
    let wide_range = match transfer {
        Some("arib-std-b67") => Some((Transfer::Hlg, "HLG")),
        Some("smpte2084") => Some((pq(peak(side_data)), "PQ")),
        _ => None,
    };
    let (gamut, name) = match primaries {
        Some("bt2020") => (Gamut::Bt2020, "BT.2020 primaries"),
        Some("smpte431" | "smpte432") => (Gamut::P3, "P3 primaries"),
        // Those of BT.2100, where a stream of HLG or PQ leaves them out.
        None if wide_range.is_some() => (Gamut::Bt2020, "BT.2020 primaries assumed"),
        _ => (Gamut::Bt709, "BT.709 primaries"),
    };
    match wide_range {
        Some((transfer, curve)) => {
            notices.push(format!(
                "high dynamic range ({curve}, {name}): tone-mapped to BT.709, 203 cd/m² as white"
            ));
            Some(Tone::new(transfer, gamut))
        }
        None if gamut == Gamut::Bt709 => None,
        None => {
            notices.push(format!("{name}: mapped to BT.709"));
            Some(Tone::new(Transfer::Standard, gamut))
        }
    }
}

/// Peak luminance of the content, or of its mastering display.
fn peak<'a>(side_data: impl Iterator<Item = &'a SideData>) -> f64 {
    let (mut content, mut display) = (None, None);
    for data in side_data {
        content = content.or(data.max_content.filter(|light| *light > 0.0));
        display = display.or_else(|| quotient(data.max_luminance.as_deref()?));
    }
    let peak = content.or(display).unwrap_or(USUAL_PEAK);
    peak.clamp(100.0, 10_000.0)
}
