//! Size, rate and background of the pictures that become a title: the options, and the same read
//! back from a title's `source.json`, to read that input again.

use super::CliError;
use crate::manifest::SourceRecord;
use crate::model::Profile;
use crate::segment::hex;
use crate::source::{Fit, Geometry, Options, Source, of_lines, within};
use crate::time::FrameRate;
use std::path::Path;

/// Default limit of a title's frames a second.
const HIGHEST_RATE: u32 = 30;

const INPUT: &str = "Input";

/// Options of the input's pictures.
#[derive(Debug, clap::Args)]
pub(super) struct PictureArgs {
    /// Size of the picture: WIDTHxHEIGHT, `native` for the input's own, `480p` for that many lines
    /// along the shorter side [default: inputs above the generator's usual size, about 98,000
    /// pixels for mini, are scaled down].
    #[arg(long, value_name = "WxH|native|480p", value_parser = size)]
    size: Option<Size>,
    /// How the input becomes that size: native, pad, crop or squeeze [default: squeeze, with the
    /// shape kept by the pixel aspect].
    #[arg(long, alias = "fit", value_name = "HOW")]
    scale: Option<Fit>,
    /// Frames a second [default: the input's own, halved while above 30; 30 for images].
    #[arg(long, value_name = "RATE")]
    fps: Option<FrameRate>,
    /// Colour behind transparent pixels: black, white, grey or #rrggbb.
    #[arg(long, default_value = "black", value_name = "COLOUR", value_parser = colour, hide_short_help = true, help_heading = INPUT)]
    background: [u8; 3],
    /// Encode the readable part of a damaged or truncated input instead of failing.
    #[arg(long, hide_short_help = true, help_heading = INPUT)]
    allow_damaged: bool,
}

/// A size that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Native,
    Lines(u32),
    Exact(u32, u32),
}

fn size(text: &str) -> Result<Size, String> {
    let side = |text: &str| text.parse::<u32>().ok().filter(|side| *side > 0);
    let exact = |(width, height)| Some(Size::Exact(side(width)?, side(height)?));
    let lines = || text.strip_suffix('p').and_then(side).map(Size::Lines);
    let size = match text {
        "native" => Some(Size::Native),
        _ => text.split_once('x').and_then(exact).or_else(lines),
    };
    let expected = "expected WIDTHxHEIGHT such as 256x144, native, or lines such as 480p";
    size.ok_or_else(|| format!("`{text}`: {expected}"))
}

/// R, G and B.
fn colour(text: &str) -> Result<[u8; 3], String> {
    let prefixed = || text.strip_prefix('#').or(text.strip_prefix("0x"));
    let digits = match text {
        "black" => "000000",
        "white" => "ffffff",
        "grey" | "gray" => "808080",
        _ => prefixed().unwrap_or(text),
    };
    match u32::from_str_radix(digits, 16).map(u32::to_be_bytes) {
        Ok([0, r, g, b]) if digits.len() == 6 => Ok([r, g, b]),
        _ => Err(format!("`{text}`: expected black, white, grey or #rrggbb")),
    }
}

/// An input and the pictures that are made of it.
pub(super) struct Pictures {
    pub(super) source: Source,
    pub(super) geometry: Geometry,
    /// How they are made, for the title.
    pub(super) record: SourceRecord,
}

impl PictureArgs {
    /// Opens `input` for a generator of `profile`; prints sizes and rates of input and output on
    /// stderr.
    pub(super) fn open(&self, input: &Path, profile: &Profile) -> Result<Pictures, CliError> {
        let options = Options {
            frame_rate: self.fps,
            highest_rate: Some(HIGHEST_RATE),
            background: self.background,
            allow_damaged: self.allow_damaged,
        };
        let source = Source::open(input, &options)?;
        for notice in source.notices() {
            eprintln!("{notice}");
        }
        let (fit, target) = self.target(&source, profile);
        let (size, aspect) = (source.size(), source.pixel_aspect());
        let geometry = Geometry::plan(size, aspect, profile.cell, fit, target)?;
        check_pixels(geometry.coded(), profile)?;
        eprintln!("{}", self.line(&source, &geometry, profile));
        let record = SourceRecord {
            version: SourceRecord::VERSION,
            width: size.0,
            height: size.1,
            pixel_aspect: aspect,
            frame_rate: source.native_rate().to_string(),
            scale: fit.to_string(),
            size: target,
            cell: profile.cell,
            background: format!("#{}", hex(&self.background)),
            allow_damaged: self.allow_damaged,
        };
        Ok(Pictures {
            source,
            geometry,
            record,
        })
    }

    fn target(&self, source: &Source, profile: &Profile) -> (Fit, Option<(u32, u32)>) {
        let (input, aspect) = (source.size(), source.pixel_aspect());
        let target = match (self.size, self.scale) {
            (Some(Size::Exact(width, height)), _) => Some((width, height)),
            (Some(Size::Lines(lines)), _) => of_lines(input, aspect, lines),
            (None, None) => within(input, aspect, profile.cell, profile.usual_pixels),
            (Some(Size::Native), _) | (None, Some(_)) => None,
        };
        let usual = target.map_or(Fit::Native, |_| Fit::Squeeze);
        (self.scale.unwrap_or(usual), target)
    }

    /// Input and output as a line of text, with the options that change an implied size or rate.
    fn line(&self, source: &Source, geometry: &Geometry, profile: &Profile) -> String {
        let picture = |(width, height): (u32, u32), rate: FrameRate| {
            format!("{width}x{height} at {rate} frames a second")
        };
        let input = picture(source.size(), source.native_rate());
        let output = picture(geometry.visible(), source.frame_rate());
        if input == output {
            return format!("pictures: {input}");
        }
        let sized = self.size.is_none() && self.scale.is_none();
        let sized = sized && geometry.visible() != source.size();
        let slowed = self.fps.is_none() && source.frame_rate() != source.native_rate();
        let size = format!("the default for {}: --size WxH|native|480p", profile.name);
        let rate = format!("--fps {}", source.native_rate());
        let advice = match (sized, slowed) {
            (true, true) => format!(" ({size} and {rate} choose others)"),
            (true, false) => format!(" ({size} chooses another)"),
            (false, true) => format!(" ({rate} keeps all)"),
            (false, false) => String::new(),
        };
        format!("pictures: {input} in, {output} out{advice}")
    }
}

/// Fails for pictures larger than players generate: see [`Profile::max_pixels`].
fn check_pixels((width, height): (u32, u32), profile: &Profile) -> Result<(), CliError> {
    let (name, limit) = (profile.name, profile.max_pixels);
    if u64::from(width) * u64::from(height) <= limit {
        return Ok(());
    }
    Err(CliError::input(format!(
        "{width}x{height} pixels are more than players of {name} generate, at most {limit}: choose a smaller --size"
    )))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_colours_are_read_or_refused_by_name() {
        assert_eq!(size("640x360"), Ok(Size::Exact(640, 360)));
        assert_eq!(size("480p"), Ok(Size::Lines(480)));
        assert_eq!(size("native"), Ok(Size::Native));
        for wrong in ["", "x", "0x5", "640", "480i", "-1p"] {
            assert!(size(wrong).is_err_and(|error| error.contains("expected")));
        }
        assert_eq!(colour("white"), Ok([255; 3]));
        assert_eq!(colour("#0a10ff"), Ok([10, 16, 255]));
        for wrong in ["", "#fff", "#12345é", "puce"] {
            assert!(colour(wrong).is_err(), "{wrong}");
        }
        let mini = Profile::mini();
        assert!(check_pixels((3840, 2160), &mini).is_ok());
        let error = check_pixels((4096, 2560), &mini).unwrap_err().message();
        assert!(error.contains("--size"), "{error}");
    }
}
