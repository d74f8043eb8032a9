//! Frames as a YUV4MPEG2 stream (mjpegtools yuv4mpeg(5)): 8-bit 4:4:4, limited range.
//!
//! Full chroma, so that nothing but the 8-bit colour conversion is lost; ffmpeg, ffplay and mpv
//! read it. The matrix is the one players assume for a stream that states none, which the reader
//! in [`crate::source`] assumes too.

use super::{Picture, Sink};
use crate::frame::Frame;
use crate::render::RenderError;
use crate::source::{FromRgb, Matrix};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A y4m stream to a writer, such as stdout. Every frame is flushed.
#[derive(Debug)]
pub struct Y4mPipe<W: Write> {
    stream: Stream<W>,
}

impl<W: Write> Y4mPipe<W> {
    /// A stream of frames like `picture`; its header goes out with the first frame.
    pub fn new(out: W, picture: Picture) -> Self {
        let stream = Stream::new(out, picture, Path::new("-"));
        Self { stream }
    }
}

impl<W: Write> Sink for Y4mPipe<W> {
    fn write(&mut self, frame: &Frame) -> Result<(), RenderError> {
        self.stream.frame(frame)?;
        self.stream.flush()
    }

    fn finish(mut self: Box<Self>) -> Result<(), RenderError> {
        self.stream.header()?;
        self.stream.flush()
    }
}

/// A y4m file that appears under its name when it is finished.
#[derive(Debug)]
pub struct Y4mFile {
    stream: Stream<BufWriter<NamedTempFile>>,
}

impl Y4mFile {
    /// Starts the file `path` in a folder that exists.
    pub fn create(path: &Path, picture: Picture) -> Result<Self, RenderError> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
            .map_err(|e| RenderError::io(path, e))?;
        let stream = Stream::new(BufWriter::new(file), picture, path);
        Ok(Self { stream })
    }
}

impl Sink for Y4mFile {
    fn write(&mut self, frame: &Frame) -> Result<(), RenderError> {
        self.stream.frame(frame)
    }

    fn finish(mut self: Box<Self>) -> Result<(), RenderError> {
        self.stream.header()?;
        self.stream.flush()?;
        let Stream { out, path, .. } = self.stream;
        let file = out
            .into_inner()
            .map_err(|e| RenderError::io(&path, e.into_error()))?;
        super::publish(file, &path)
    }
}

#[derive(Debug)]
struct Stream<W> {
    out: W,
    path: PathBuf,
    picture: Picture,
    convert: FromRgb,
    begun: bool,
    buffer: Vec<u8>,
}

impl<W: Write> Stream<W> {
    fn new(out: W, picture: Picture, path: &Path) -> Self {
        Self {
            out,
            path: path.into(),
            picture,
            convert: FromRgb::new(Matrix::assumed(picture.size)),
            begun: false,
            buffer: Vec::new(),
        }
    }

    fn header(&mut self) -> Result<(), RenderError> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let Picture {
            size: (width, height),
            frame_rate: rate,
            pixel_aspect: (across, down),
        } = self.picture;
        let (num, den) = (rate.num(), rate.den());
        let header = format!(
            "YUV4MPEG2 W{width} H{height} F{num}:{den} Ip A{across}:{down} C444 XCOLORRANGE=LIMITED\n"
        );
        self.put(header.as_bytes())
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), RenderError> {
        let (got, expected) = ((frame.width(), frame.height()), self.picture.size);
        if got != expected {
            return Err(RenderError::FrameSize { got, expected });
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

    fn put(&mut self, bytes: &[u8]) -> Result<(), RenderError> {
        let written = self.out.write_all(bytes);
        written.map_err(|e| RenderError::io(&self.path, e))
    }

    fn flush(&mut self) -> Result<(), RenderError> {
        self.out.flush().map_err(|e| RenderError::io(&self.path, e))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::time::FrameRate;

    #[test]
    fn the_stream_is_header_and_planes() {
        let picture = Picture {
            size: (2, 1),
            frame_rate: FrameRate::new(30000, 1001).unwrap(),
            pixel_aspect: (4, 3),
        };
        let mut bytes = Vec::new();
        let mut pipe = Box::new(Y4mPipe::new(&mut bytes, picture));
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
