//! An opened input, its messages, and the options for opening it.

use super::error::SourceError;
use super::retime;
use crate::frame::Frame;
use crate::time::FrameRate;
use std::sync::{Arc, Mutex, PoisonError};

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
        let highest = self.highest_rate.map_or(f64::MAX, f64::from) + 0.5;
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
    /// A source of square pixels at its own rate, of unknown length and without notices.
    pub(super) fn new(
        size: (u32, u32),
        rate: FrameRate,
        frames: impl Iterator<Item = Result<Frame, SourceError>> + Send + 'static,
    ) -> Self {
        Self {
            size,
            frame_rate: rate,
            native_rate: rate,
            pixel_aspect: (1, 1),
            length: None,
            notices: Vec::new(),
            closing: Closing::default(),
            frames: Box::new(frames),
            ended: false,
        }
    }

    pub(super) fn at_rate(mut self, options: &Options) -> Self {
        let (rate, _) = options.rate_of(self.native_rate);
        let closing = self.closing.clone();
        let say = move |line| closing.say(line);
        self.frames = retime::retimed(self.frames, self.native_rate, rate, say);
        let share = rate.fps() / self.native_rate.fps();
        let scaled = |length: u64| (length as f64 * share).ceil() as u64;
        self.length = self.length.map(scaled);
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
        let (width, height) = self.size;
        write!(f, "Source({width}x{height}, {} fps)", self.frame_rate)
    }
}

/// Messages for the user that appear when the last frame has been read: a handle that outlives the
/// source.
#[derive(Debug, Clone, Default)]
pub struct Closing(Arc<Mutex<Vec<String>>>);

impl Closing {
    pub(super) fn say(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    /// Takes the lines so far.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
