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
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A y4m stream to a writer such as stdout, flushed after every frame.
#[derive(Debug)]
pub struct Y4mPipe<W: Write> {
    out: W,
    path: PathBuf,
    format: FrameFormat,
    convert: FromRgb,
    begun: bool,
    buffer: Vec<u8>,
}

impl<W: Write> Y4mPipe<W> {
    /// A stream of frames of `format`; the header is written with the first frame.
    pub fn new(out: W, format: FrameFormat) -> Self {
        Self::named(out, format, Path::new("-"))
    }

    fn named(out: W, format: FrameFormat, path: &Path) -> Self {
        Self {
            out,
            path: path.into(),
            format,
            convert: FromRgb::new(Matrix::assumed(format.size)),
            begun: false,
            buffer: Vec::new(),
        }
    }

    /// Appends the header to the buffer, unless it was written.
    fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let FrameFormat {
            size: (width, height),
            frame_rate: rate,
            pixel_aspect: (across, down),
        } = self.format;
        let (num, den) = (rate.num(), rate.den());
        let header = format!(
            "YUV4MPEG2 W{width} H{height} F{num}:{den} Ip A{across}:{down} C444 XCOLORRANGE=LIMITED\n"
        );
        self.buffer.extend_from_slice(header.as_bytes());
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let written = self.out.write_all(&self.buffer);
        let flushed = written.and_then(|()| self.out.flush());
        self.buffer.clear();
        flushed.map_err(|e| SinkError::io(&self.path, e))
    }
}

impl<W: Write> Sink for Y4mPipe<W> {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let (got, expected) = ((frame.width(), frame.height()), self.format.size);
        if got != expected {
            return Err(SinkError::FrameSize { got, expected });
        }
        self.begin();
        self.buffer.extend_from_slice(b"FRAME\n");
        let pixels = frame.data().len() / 3;
        let start = self.buffer.len();
        self.buffer.resize(start + 3 * pixels, 0);
        let (luma, chroma) = self.buffer[start..].split_at_mut(pixels);
        let (blue, red) = chroma.split_at_mut(pixels);
        for (i, rgb) in frame.data().chunks_exact(3).enumerate() {
            [luma[i], blue[i], red[i]] = self.convert.pixel([rgb[0], rgb[1], rgb[2]]);
        }
        self.flush()
    }

    fn finish(mut self: Box<Self>) -> Result<(), SinkError> {
        self.begin();
        self.flush()
    }
}

/// A y4m file, which appears under its name when it is finished.
#[derive(Debug)]
pub struct Y4mFile(Y4mPipe<NamedTempFile>);

impl Y4mFile {
    /// Starts the file `path` in a folder that exists.
    pub fn create(path: &Path, format: FrameFormat) -> Result<Self, SinkError> {
        Ok(Self(Y4mPipe::named(beside(path)?, format, path)))
    }
}

impl Sink for Y4mFile {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        self.0.write(frame)
    }

    fn finish(mut self: Box<Self>) -> Result<(), SinkError> {
        self.0.begin();
        self.0.flush()?;
        publish(self.0.out, &self.0.path)
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
