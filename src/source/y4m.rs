//! YUV4MPEG2 streams (mjpegtools yuv4mpeg(5)): 8-bit 4:2:0, 4:2:2, 4:4:4 and mono, progressive.
//! Other kinds (interlaced, more bits, other subsamplings) are left to ffmpeg.
//!
//! The format states neither matrix nor, usually, range: see [`super::Matrix::assumed`]; limited
//! range unless `XCOLORRANGE=FULL`. Chroma is interpolated linearly from where its tag sites it.

use super::error::SourceError;
use super::frames::{Closing, Options, Source};
use super::size::MAX_SIDE;
use super::ycbcr::{Matrix, Range, ToRgb};
use crate::frame::Frame;
use crate::time::FrameRate;
use std::fs::Metadata;
use std::io::{BufRead, Cursor, Read};
use std::iter;
use std::path::{Path, PathBuf};

/// The first bytes of every stream.
pub(super) const MAGIC: &[u8] = b"YUV4MPEG2";

/// The first bytes of every frame.
const FRAME: &str = "FRAME";

const LINE_LIMIT: u64 = 4096;

pub(super) type Stream = Box<dyn BufRead + Send>;

/// Reads the header of `stream`, named `path` in errors; returns its frames, or the stream again from
/// its first byte if it is of a kind that is not read here.
pub(super) fn open(
    mut stream: Stream,
    path: &Path,
    options: &Options,
) -> Result<Result<Source, Stream>, SourceError> {
    let line = read_line(&mut stream, path, "header")?.unwrap_or_default();
    let header = Header::parse(&line).map_err(|reason| invalid(path, "header", &reason))?;
    let Some(header) = header else {
        let line = Cursor::new(line + "\n");
        return Ok(Err(Box::new(line.chain(stream))));
    };
    let closing = Closing::default();
    let (size, rate, pixel_aspect) = (header.size, header.frame_rate, header.pixel_aspect);
    let (length, notice) = (header.length(path, line.len() as u64 + 1), header.notice());
    let mut frames = Frames {
        convert: ToRgb::new(Matrix::assumed(size), header.range),
        header,
        stream,
        path: path.into(),
        number: 0,
        allow_damaged: options.allow_damaged,
        closing: closing.clone(),
    };
    let source = Source {
        pixel_aspect,
        length,
        notices: vec![notice],
        closing,
        ..Source::new(size, rate, iter::from_fn(move || frames.read().transpose()))
    };
    Ok(Ok(source.at_rate(options)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chroma {
    Mono,
    /// Subsampling and siting along x and y.
    Planes(Axis, Axis),
}

impl Chroma {
    /// `None` for a layout that is not read here.
    fn parse(tag: &str) -> Option<Self> {
        use Axis::{Between, Every, First};
        Some(match tag {
            "420" | "420jpeg" => Self::Planes(Between, Between),
            "420mpeg2" => Self::Planes(First, Between),
            "420paldv" => Self::Planes(First, First),
            "422" => Self::Planes(First, Every),
            "444" => Self::Planes(Every, Every),
            "mono" => Self::Mono,
            _ => return None,
        })
    }
}

/// How chroma samples lie along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    /// One for every luma sample.
    Every,
    /// One for two, between them.
    Between,
    /// One for two, on the first of them.
    First,
}

impl Axis {
    fn count(self, luma: u32) -> usize {
        match self {
            Self::Every => luma as usize,
            Self::Between | Self::First => luma.div_ceil(2) as usize,
        }
    }

    /// The two chroma samples around luma sample `at` and the weight (of 4) of the second.
    fn around(self, at: usize, count: usize) -> (usize, usize, u32) {
        let last = count.saturating_sub(1);
        let quarters = match self {
            Self::Every => return (at.min(last), at.min(last), 0),
            Self::Between => (2 * at).saturating_sub(1),
            Self::First => 2 * at,
        };
        let low = (quarters / 4).min(last);
        (low, (low + 1).min(last), (quarters % 4) as u32)
    }
}

struct Header {
    size: (u32, u32),
    frame_rate: FrameRate,
    pixel_aspect: (u32, u32),
    chroma: Chroma,
    range: Range,
}

impl Header {
    /// `None` for a kind of stream that is not read here.
    fn parse(line: &str) -> Result<Option<Self>, String> {
        let mut words = line.split(' ');
        if words.next().map(str::as_bytes) != Some(MAGIC) {
            return Err("does not begin with YUV4MPEG2".into());
        }
        let (mut width, mut height, mut rate) = (None, None, None);
        let mut chroma = Chroma::Planes(Axis::Between, Axis::Between);
        let (mut range, mut pixel_aspect) = (Range::Limited, (1, 1));
        for word in words.filter(|word| !word.is_empty()) {
            let mut letters = word.chars();
            let tag = letters.next().unwrap_or_default();
            let value = letters.as_str();
            match tag {
                'W' => width = Some(side(value)?),
                'H' => height = Some(side(value)?),
                'F' => rate = Some(value.parse::<FrameRate>().map_err(|e| e.to_string())?),
                'I' if !progressive(value)? => return Ok(None),
                'I' => {}
                'A' => pixel_aspect = aspect(value)?,
                'C' => match Chroma::parse(value) {
                    Some(layout) => chroma = layout,
                    None => return Ok(None),
                },
                'X' if value == "COLORRANGE=FULL" => range = Range::Full,
                'X' => {}
                _ => return Err(format!("unknown parameter `{word}`")),
            }
        }
        let width = width.ok_or("the width (W) is missing")?;
        let height = height.ok_or("the height (H) is missing")?;
        Ok(Some(Self {
            size: (width, height),
            frame_rate: rate.ok_or("the frame rate (F) is missing")?,
            pixel_aspect,
            chroma,
            range,
        }))
    }

    fn notice(&self) -> String {
        let range = match self.range {
            Range::Limited => "limited",
            Range::Full => "full",
        };
        match self.chroma {
            Chroma::Mono => format!("y4m luma alone: {range} range assumed"),
            Chroma::Planes(..) => {
                let matrix = Matrix::assumed(self.size);
                format!("y4m states no colour matrix: {matrix}, {range} range assumed")
            }
        }
    }

    /// How many frames a file holds whose header has `bytes`, if none has parameters of its own.
    fn length(&self, path: &Path, bytes: u64) -> Option<u64> {
        let file = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
        let frame = (FRAME.len() + 1 + self.frame_bytes()) as u64;
        Some(file.len().saturating_sub(bytes) / frame)
    }

    fn frame_bytes(&self) -> usize {
        let luma = self.size.0 as usize * self.size.1 as usize;
        let chroma = match self.chroma {
            Chroma::Mono => 0,
            Chroma::Planes(x, y) => x.count(self.size.0) * y.count(self.size.1),
        };
        luma + 2 * chroma
    }
}

fn side(value: &str) -> Result<u32, String> {
    let side = value.parse().ok().filter(|n| (1..=MAX_SIDE).contains(n));
    side.ok_or_else(|| format!("`{value}` is no picture side: expected 1 to {MAX_SIDE}"))
}

fn progressive(value: &str) -> Result<bool, String> {
    match value {
        "p" | "?" => Ok(true),
        "t" | "b" | "m" => Ok(false),
        _ => Err(format!(
            "`I{value}` is no order of fields: expected p, t, b, m or ?"
        )),
    }
}

fn aspect(value: &str) -> Result<(u32, u32), String> {
    let parse = |text: &str| text.parse::<u16>().ok().map(u32::from);
    let sides = value.split_once(':').map(|(a, b)| (parse(a), parse(b)));
    match sides {
        Some((Some(0), Some(0))) => Ok((1, 1)),
        Some((Some(a), Some(b))) if a > 0 && b > 0 => Ok((a, b)),
        _ => Err(format!("`{value}` is no pixel aspect ratio: expected N:D")),
    }
}

/// One line without its end; `None` at the end of the stream.
fn read_line(stream: &mut Stream, path: &Path, place: &str) -> Result<Option<String>, SourceError> {
    let mut line = Vec::new();
    let read = stream.take(LINE_LIMIT).read_until(b'\n', &mut line);
    read.map_err(|e| SourceError::io(path, e))?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        let reason = format!("no line end within {LINE_LIMIT} bytes");
        return Err(invalid(path, place, &reason));
    }
    let text = String::from_utf8(line).map(Some);
    text.map_err(|_| invalid(path, place, "not ASCII text"))
}

fn invalid(path: &Path, place: &str, reason: &str) -> SourceError {
    SourceError::invalid(path, format!("y4m, {place}: {reason}"))
}

struct Frames {
    header: Header,
    convert: ToRgb,
    stream: Stream,
    path: PathBuf,
    number: u64,
    allow_damaged: bool,
    closing: Closing,
}

impl Frames {
    fn read(&mut self) -> Result<Option<Frame>, SourceError> {
        let place = format!("frame {}", self.number);
        let Some(line) = read_line(&mut self.stream, &self.path, &place)? else {
            return Ok(None);
        };
        if line.split(' ').next() != Some(FRAME) {
            return self.damaged(format!("{place} does not begin with {FRAME}"));
        }
        let wanted = self.header.frame_bytes();
        let mut planes = Vec::new();
        let mut limited = (&mut self.stream).take(wanted as u64);
        let read = limited.read_to_end(&mut planes);
        read.map_err(|e| SourceError::io(&self.path, e))?;
        if planes.len() != wanted {
            let got = planes.len();
            return self.damaged(format!("{place} has {got} bytes, expected {wanted}"));
        }
        self.number += 1;
        let (width, height) = self.header.size;
        let frame = Frame::new(width, height, self.rgb(&planes)).map(Some);
        frame.map_err(|e| invalid(&self.path, &place, &e.to_string()))
    }

    /// The end of a stream within a frame.
    fn damaged(&self, said: String) -> Result<Option<Frame>, SourceError> {
        let error = SourceError::Damaged {
            path: self.path.clone(),
            read: format!("{} frames", self.number),
            promised: None,
            said,
        };
        if self.allow_damaged {
            self.closing.say(error.to_string());
            return Ok(None);
        }
        Err(error)
    }

    fn rgb(&self, planes: &[u8]) -> Vec<u8> {
        let (width, height) = (self.header.size.0 as usize, self.header.size.1 as usize);
        let (luma, chroma) = planes.split_at(width * height);
        let mut out = Vec::with_capacity(width * height * 3);
        let Chroma::Planes(across, down) = self.header.chroma else {
            out.extend(luma.iter().flat_map(|&y| self.convert.pixel(y, 128, 128)));
            return out;
        };
        let columns = across.count(self.header.size.0);
        let rows = down.count(self.header.size.1);
        let (cb, cr) = chroma.split_at(columns * rows);
        for (y, line) in luma.chunks_exact(width).enumerate() {
            let (above, below, lower) = down.around(y, rows);
            for (x, &value) in line.iter().enumerate() {
                let (left, right, later) = across.around(x, columns);
                let mix = |plane: &[u8]| {
                    let at = |x: usize, y: usize| u32::from(plane[y * columns + x]);
                    let blend = |y| at(left, y) * (4 - later) + at(right, y) * later;
                    ((blend(above) * (4 - lower) + blend(below) * lower + 8) / 16) as u8
                };
                out.extend(self.convert.pixel(value, mix(cb), mix(cr)));
            }
        }
        out
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn opened(bytes: Vec<u8>) -> Result<Result<Source, Stream>, SourceError> {
        let stream = Box::new(Cursor::new(bytes));
        open(stream, Path::new("x.y4m"), &Options::default())
    }

    fn source(bytes: Vec<u8>) -> Result<Source, SourceError> {
        let opened = opened(bytes)?;
        Ok(opened.unwrap_or_else(|_| panic!("not read here")))
    }

    fn stream(header: &str, frames: &[&[u8]]) -> Vec<u8> {
        let frames = frames.iter().map(|frame| [b"FRAME\n", *frame].concat());
        let header = format!("YUV4MPEG2 {header}\n").into_bytes();
        [header, frames.collect::<Vec<_>>().concat()].concat()
    }

    #[test]
    fn every_layout_has_its_length() {
        for (tag, bytes) in [("420", 27), ("422", 33), ("444", 45), ("mono", 15)] {
            let header = format!("W5 H3 F30000:1001 Ip A0:0 C{tag} XYSCSS=X");
            let grey = vec![128; bytes];
            let source = source(stream(&header, &[&grey, &grey])).unwrap();
            assert_eq!((source.size(), source.pixel_aspect()), ((5, 3), (1, 1)));
            let frames: Vec<_> = source.map(Result::unwrap).collect();
            assert_eq!(frames.len(), 2, "{tag}");
            assert!(frames[1].data().iter().all(|&v| v == 130), "{tag}");
        }
    }

    #[test]
    fn chroma_lies_where_its_tag_sites_it() {
        let planes = |cr: [u8; 2]| [[128; 4].as_slice(), &[128; 2], &cr].concat();
        let red = |tag: &str| {
            let bytes = stream(&format!("W4 H1 F1:1 C{tag}"), &[&planes([128, 192])]);
            let frame = source(bytes).unwrap().next().unwrap().unwrap();
            (0..4).map(|x| frame.pixel(x, 0)[0]).collect::<Vec<_>>()
        };
        let level = |cr: u8| ToRgb::new(Matrix::Bt601, Range::Limited).pixel(128, 128, cr)[0];
        assert_eq!(red("420jpeg"), [128, 144, 176, 192].map(level));
        assert_eq!(red("420mpeg2"), [128, 160, 192, 192].map(level));
    }

    #[test]
    fn broken_streams_are_named() {
        let grey = [128; 24];
        let good = "W4 H4 F24:1 C420";
        let two = stream(good, &[&grey, &grey]);
        let wrong = [&stream(good, &[&grey])[..], b"FRAMX\n"].concat();
        for bytes in [&two[..two.len() - 1], &wrong] {
            let mut frames = source(bytes.to_vec()).unwrap();
            assert!(frames.next().unwrap().is_ok());
            let error = frames.next().unwrap().unwrap_err().to_string();
            assert!(error.starts_with("x.y4m: "), "{error}");
            assert!(error.contains("frame 1"), "{error}");
            assert!(frames.next().is_none());
        }
        let sizes = ["", "W4 F24:1", "W0 H4 F24:1", "W4 H99999999 F24:1"];
        let others = ["F0:0", "F24:1 Ix", "F24:1 A1", "F24:1 Q"].map(|o| format!("W4 H4 {o}"));
        let headers = sizes.into_iter().chain(others.iter().map(String::as_str));
        let streams = headers.map(|header| stream(header, &[]));
        for bytes in streams.chain([b"YUV4MPEG\n".to_vec()]) {
            let error = source(bytes).unwrap_err().to_string();
            assert!(error.contains("x.y4m: y4m, header"), "{error}");
        }
        for more in ["C420p10", "It", "C411"] {
            let bytes = stream(&format!("W4 H4 F24:1 {more}"), &[&grey]);
            let Ok(Err(mut whole)) = opened(bytes.clone()) else {
                panic!("{more}: not foreign");
            };
            let mut read = Vec::new();
            whole.read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes);
        }
    }
}
