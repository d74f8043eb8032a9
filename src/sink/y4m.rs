//! Frames as a YUV4MPEG2 stream (mjpegtools yuv4mpeg(5)): 8-bit 4:4:4, limited range.
//!
//! Full chroma, so that the 8-bit colour conversion is the only loss; ffmpeg, ffplay and mpv read it.
//! The matrix is the one that players, and the reader in [`crate::source`], assume for a stream that
//! states none.

use super::error::SinkError;
use super::format::{FrameFormat, Sink};
use super::publish::{beside, publish};
use crate::frame::Frame;
use crate::source::{FromRgb, Matrix};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A y4m stream to a writer such as stdout, flushed after every frame.
#[derive(Debug)]
pub struct Y4mPipe<W: Write> {
    stream: Stream<W>,
}

impl<W: Write> Y4mPipe<W> {
    /// A stream of frames of `format`; the header is written with the first frame.
    pub fn new(out: W, format: FrameFormat) -> Self {
        let stream = Stream::new(out, format, Path::new("-"));
        Self { stream }
    }
}

impl<W: Write> Sink for Y4mPipe<W> {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        self.stream.frame(frame)?;
        self.stream.flush()
    }

    fn finish(mut self: Box<Self>) -> Result<(), SinkError> {
        self.stream.header()?;
        self.stream.flush()
    }
}

/// A y4m file, which appears under its name when it is finished.
#[derive(Debug)]
pub struct Y4mFile {
    stream: Stream<BufWriter<NamedTempFile>>,
}

impl Y4mFile {
    /// Starts the file `path` in a folder that exists.
    pub fn create(path: &Path, format: FrameFormat) -> Result<Self, SinkError> {
        let stream = Stream::new(BufWriter::new(beside(path)?), format, path);
        Ok(Self { stream })
    }
}

impl Sink for Y4mFile {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        self.stream.frame(frame)
    }

    fn finish(mut self: Box<Self>) -> Result<(), SinkError> {
        self.stream.header()?;
        self.stream.flush()?;
        let Stream { out, path, .. } = self.stream;
        let file = out
            .into_inner()
            .map_err(|e| SinkError::io(&path, e.into_error()))?;
        publish(file, &path)
    }
}

#[derive(Debug)]
struct Stream<W> {
    out: W,
    path: PathBuf,
    format: FrameFormat,
    convert: FromRgb,
    begun: bool,
    buffer: Vec<u8>,
}

impl<W: Write> Stream<W> {
    fn new(out: W, format: FrameFormat, path: &Path) -> Self {
        Self {
            out,
            path: path.into(),
            format,
            convert: FromRgb::new(Matrix::assumed(format.size)),
            begun: false,
            buffer: Vec::new(),
        }
    }

    fn header(&mut self) -> Result<(), SinkError> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let FrameFormat {
            size: (width, height),
            frame_rate: rate,
            pixel_aspect: (across, down),
        } = self.format;
        let (num, den) = (rate.num(), rate.den());
        let header = format!(
            "YUV4MPEG2 W{width} H{height} F{num}:{den} Ip A{across}:{down} C444 XCOLORRANGE=LIMITED\n"
        );
        self.put(header.as_bytes())
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let (got, expected) = ((frame.width(), frame.height()), self.format.size);
        if got != expected {
            return Err(SinkError::FrameSize { got, expected });
        }
        self.header()?;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.extend_from_slice(b"FRAME\n");
        let pixels = frame.data().len() / 3;
        let start = buffer.len();
        buffer.resize(start + 3 * pixels, 0);
        let (luma, chroma) = buffer[start..].split_at_mut(pixels);
        let (blue, red) = chroma.split_at_mut(pixels);
        for (i, rgb) in frame.data().chunks_exact(3).enumerate() {
            [luma[i], blue[i], red[i]] = self.convert.pixel([rgb[0], rgb[1], rgb[2]]);
        }
        let result = self.put(&buffer);
        self.buffer = buffer;
        result
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let written = self.out.write_all(bytes);
        written.map_err(|e| SinkError::io(&self.path, e))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.out.flush().map_err(|e| SinkError::io(&self.path, e))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::time::FrameRate;

    #[test]
    fn a_stream_is_a_header_and_planes() {
        let format = FrameFormat {
            size: (2, 1),
            frame_rate: FrameRate::new(30000, 1001).unwrap(),
            pixel_aspect: (4, 3),
        };
        let mut bytes = Vec::new();
        let mut pipe = Box::new(Y4mPipe::new(&mut bytes, format));
        let frame = Frame::new(2, 1, vec![255, 255, 255, 255, 0, 0]).unwrap();
        pipe.write(&frame).unwrap();
        let wrong = Frame::new(1, 1, vec![0; 3]).unwrap();
        assert!(pipe.write(&wrong).is_err());
        pipe.finish().unwrap();
        let header = "YUV4MPEG2 W2 H1 F30000:1001 Ip A4:3 C444 XCOLORRANGE=LIMITED\nFRAME\n";
        let planes = [235, 81, 128, 90, 128, 240];
        assert_eq!(bytes, [header.as_bytes(), &planes].concat());
    }
}
