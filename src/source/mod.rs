//! Pictures in: every kind of input as one iterator of upright frames at a constant rate.
//!
//! Pictures in a folder or by a pattern, a y4m file or stream, a pan-and-zoom recipe, and, through
//! `ffmpeg` on the `PATH`, anything else. What is read is what a player shows: turned, deinterlaced,
//! tone-mapped and composited where that is called for; what is changed or left out on the way is
//! said. [`Geometry`] says how an input size becomes a title's visible and coded size. Knows nothing
//! of prompts, rungs or what the frames are for.
//!
//! ```no_run
//! use promptus::source::{Options, Source};
//! let source = Source::open("holiday.y4m".as_ref(), &Options::default())?;
//! println!("{:?} at {}", source.size(), source.frame_rate());
//! for frame in source {
//!     let _picture = frame?;
//! }
//! # Ok::<(), promptus::source::SourceError>(())
//! ```

mod closing;
mod error;
mod ffmpeg;
mod fit;
mod image_file;
mod pattern;
mod recipe;
mod resample;
mod retime;
mod size;
mod stills;
mod y4m;
mod ycbcr;

pub use closing::Closing;
pub use error::SourceError;
pub use ffmpeg::version as ffmpeg_version;
pub use fit::{Fit, Geometry, scaled};
pub use image_file::{MAX_SIDE, read as read_image};
pub use recipe::Recipe;
pub use size::{of_lines, within};
pub use ycbcr::{FromRgb, Matrix};

use crate::frame::Frame;
use crate::time::FrameRate;
use ffmpeg::Input;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// How an input is read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Rate of the frames; by default the input's own, 30 for pictures that state none.
    pub frame_rate: Option<FrameRate>,
    /// Without `frame_rate`, rates above this many frames a second are halved until they are not.
    pub highest_rate: Option<u32>,
    /// What lies behind transparent pixels: R, G and B.
    pub background: [u8; 3],
    /// Whether an input that is damaged or cut is read as far as it can be, and said to be so, in
    /// place of an error.
    pub allow_damaged: bool,
}

impl Options {
    /// The rate at which an input of rate `native` is read, and, where that is every Nth of its
    /// frames, N.
    fn rate_of(&self, native: FrameRate) -> (FrameRate, Option<u32>) {
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
    size: (u32, u32),
    frame_rate: FrameRate,
    native_rate: FrameRate,
    pixel_aspect: (u32, u32),
    length: Option<u64>,
    notices: Vec<String>,
    closing: Closing,
    frames: Box<dyn Iterator<Item = Result<Frame, SourceError>> + Send>,
    ended: bool,
}

impl Source {
    /// Opens `input`: pictures (a folder, one file, `%03d` or a glob), a `.y4m` file, `-` (any
    /// video on stdin), a `.json` recipe, or any file or URL that `ffmpeg` reads. Errors name the
    /// file and the place in it.
    pub fn open(input: &Path, options: &Options) -> Result<Self, SourceError> {
        if input == Path::new("-") {
            return Self::stream(BufReader::new(io::stdin()), input, options);
        }
        match std::fs::metadata(input) {
            Ok(found) if found.is_dir() => stills::folder(input, options),
            Ok(_) => Self::file(input, options),
            Err(_) if is_url(input) => ffmpeg::open(Input::url(input), options),
            Err(error) => match pattern::files(input)? {
                Some(paths) => stills::open(input, paths, options),
                None => Err(SourceError::io(input, error)),
            },
        }
    }

    fn file(input: &Path, options: &Options) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::io(input, source);
        if input
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"))
        {
            return Ok(Recipe::read(input)?.into_source(options));
        }
        let mut file = BufReader::new(File::open(input).map_err(unreadable)?);
        let head = file.fill_buf().map_err(unreadable)?;
        if head.is_empty() {
            return Err(SourceError::Empty { path: input.into() });
        }
        if head.starts_with(y4m::MAGIC) {
            return match y4m::open(Box::new(file), input, options)? {
                y4m::Opened::Source(source) => Ok(source),
                y4m::Opened::Foreign(_) => ffmpeg::open(Input::file(input), options),
            };
        }
        if image_file::is_still(input, head) {
            return stills::open(input, vec![input.into()], options);
        }
        ffmpeg::open(Input::file(input), options)
    }

    /// A video of any kind that comes through a pipe, called `name` in messages.
    fn stream(
        mut stream: impl BufRead + Send + 'static,
        name: &Path,
        options: &Options,
    ) -> Result<Self, SourceError> {
        let mut magic = Vec::new();
        let wanted = y4m::MAGIC.len() as u64;
        let read = stream.by_ref().take(wanted).read_to_end(&mut magic);
        read.map_err(|error| SourceError::io(name, error))?;
        let is_y4m = magic == y4m::MAGIC;
        let whole = Box::new(BufReader::new(io::Cursor::new(magic).chain(stream)));
        if !is_y4m {
            return ffmpeg::open(Input::pipe(whole, name)?, options);
        }
        match y4m::open(whole, name, options)? {
            y4m::Opened::Source(source) => Ok(source),
            y4m::Opened::Foreign(stream) => ffmpeg::open(Input::pipe(stream, name)?, options),
        }
    }

    /// The same source at the rate that `options` ask for.
    fn at_rate(mut self, options: &Options) -> Self {
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

    /// About how many frames there are, where the input tells before it is read.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// What is assumed, changed or left out on the way in, for the user.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// What there is to say after the last frame, such as how many were dropped.
    pub fn closing(&self) -> Closing {
        self.closing.clone()
    }
}

/// Whether `input` has the form of a URL, such as `https://host/film.mp4`.
fn is_url(input: &Path) -> bool {
    let scheme = input.to_str().and_then(|text| text.split_once("://"));
    scheme.is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// `colour` with `alpha` (255 is opaque) in front of `behind`.
fn over(colour: [u8; 3], alpha: u8, behind: [u8; 3]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    std::array::from_fn(|i| {
        let sum = u32::from(colour[i]) * alpha + u32::from(behind[i]) * (255 - alpha);
        ((sum + 127) / 255) as u8
    })
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
