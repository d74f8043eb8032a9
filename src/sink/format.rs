//! The contract of a sink, and the format of the frames that it takes.

use super::error::SinkError;
use crate::frame::Frame;
use crate::time::FrameRate;

/// Takes frames of one size in presentation order.
pub trait Sink {
    /// Writes the next frame.
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError>;

    /// Completes the output. A sink dropped without it leaves no file under the final name (y4m,
    /// film); a PNG folder keeps the frames written so far.
    fn finish(self: Box<Self>) -> Result<(), SinkError>;
}

/// Size, rate and pixel shape of the frames of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameFormat {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Frames a second.
    pub frame_rate: FrameRate,
    /// Width to height of one pixel.
    pub pixel_aspect: (u32, u32),
}
