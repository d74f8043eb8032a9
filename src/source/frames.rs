//! An opened input, and the options for opening it.

use super::closing::Closing;
use super::error::SourceError;
use super::retime;
use crate::frame::Frame;
use crate::time::FrameRate;

/// Options for reading an input.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Rate of the frames; by default the input's own, 30 for pictures that state none.
    pub frame_rate: Option<FrameRate>,
    /// Without `frame_rate`, rates above this many frames per second are halved repeatedly.
    pub highest_rate: Option<u32>,
    /// Background of transparent pixels: R, G and B.
    pub background: [u8; 3],
    /// Whether a damaged or truncated input is read as far as possible, with a notice instead of an
    /// error.
    pub allow_damaged: bool,
}

impl Options {
    /// The rate at which an input of rate `native` is read, and N if that is every Nth frame.
    pub(super) fn rate_of(&self, native: FrameRate) -> (FrameRate, Option<u32>) {
        let part = |every: u32| FrameRate::new(native.num(), native.den().saturating_mul(every));
        if let Some(rate) = self.frame_rate {
            let mut steps = [1, 2, 4, 8].into_iter();
            return (rate, steps.find(|every| part(*every) == Ok(rate)));
        }
        let (mut rate, mut every) = (native, 1);
        // Timestamps in milliseconds make 30 frames a second a little more.
        let highest = self
            .highest_rate
            .map_or(f64::MAX, |rate| f64::from(rate) + 0.5);
        while rate.fps() > highest {
            every *= 2;
            match part(every) {
                Ok(slower) => rate = slower,
                Err(_) => break,
            }
        }
        (rate, Some(every))
    }
}

/// An opened input: frames of one size at one constant rate. After an error it ends.
pub struct Source {
    pub(super) size: (u32, u32),
    pub(super) frame_rate: FrameRate,
    pub(super) native_rate: FrameRate,
    pub(super) pixel_aspect: (u32, u32),
    pub(super) length: Option<u64>,
    pub(super) notices: Vec<String>,
    pub(super) closing: Closing,
    pub(super) frames: Box<dyn Iterator<Item = Result<Frame, SourceError>> + Send>,
    pub(super) ended: bool,
}

impl Source {
    /// The same source at the rate of `options`.
    pub(super) fn at_rate(mut self, options: &Options) -> Self {
        let (rate, _) = options.rate_of(self.native_rate);
        let closing = self.closing.clone();
        self.frames = retime::retimed(self.frames, self.native_rate, rate, closing);
        let share = rate.fps() / self.native_rate.fps();
        self.length = self
            .length
            .map(|length| (length as f64 * share).ceil() as u64);
        self.frame_rate = rate;
        self
    }

    /// Width and height of every frame, in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The constant rate of the frames.
    pub fn frame_rate(&self) -> FrameRate {
        self.frame_rate
    }

    /// Width to height of one pixel, `(1, 1)` for square ones.
    pub fn pixel_aspect(&self) -> (u32, u32) {
        self.pixel_aspect
    }

    /// The rate of the input itself.
    pub fn native_rate(&self) -> FrameRate {
        self.native_rate
    }

    /// Estimated number of frames, if known before reading.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Messages for the user: assumptions, conversions and ignored streams.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Messages that are complete after the last frame, such as the number of dropped frames.
    pub fn closing(&self) -> Closing {
        self.closing.clone()
    }
}

impl Iterator for Source {
    type Item = Result<Frame, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.frames.next();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("size", &self.size)
            .field("frame_rate", &self.frame_rate)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
