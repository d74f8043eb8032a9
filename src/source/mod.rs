//! Pictures in: every kind of input as one iterator of frames at a constant rate.
//!
//! An image folder, a y4m file or stream, a pan-and-zoom recipe, and, through `ffmpeg` on the
//! `PATH`, anything else. [`Geometry`] says how an input size becomes a title's visible and coded
//! size. Knows nothing of prompts, rungs or what the frames are for.
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

mod error;
mod ffmpeg;
mod fit;
mod folder;
mod image_file;
mod recipe;
mod resample;
mod y4m;
mod ycbcr;

pub use error::SourceError;
pub use ffmpeg::version as ffmpeg_version;
pub use fit::{Fit, Geometry};
pub use image_file::{MAX_SIDE, read as read_image};
pub use recipe::Recipe;
pub use ycbcr::{FromRgb, Matrix};

use crate::frame::Frame;
use crate::time::FrameRate;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// What an input cannot say about itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Frame rate of inputs that state none (image folders: 30 when absent); inputs read through
    /// `ffmpeg` are resampled to it. Recipes and y4m keep their own.
    pub frame_rate: Option<FrameRate>,
}

/// An opened input: frames of one size at one constant rate. After an error it ends.
pub struct Source {
    size: (u32, u32),
    frame_rate: FrameRate,
    pixel_aspect: (u32, u32),
    length: Option<u64>,
    notices: Vec<String>,
    frames: Box<dyn Iterator<Item = Result<Frame, SourceError>> + Send>,
    ended: bool,
}

impl Source {
    /// Opens `input`: a folder of images, a `.y4m` file, `-` (y4m on stdin), a `.json` recipe, or
    /// any file that `ffmpeg` reads. Errors name the file and the place in it.
    pub fn open(input: &Path, options: &Options) -> Result<Self, SourceError> {
        if input == Path::new("-") {
            return y4m::open(Box::new(BufReader::new(io::stdin())), input);
        }
        let unreadable = |source| SourceError::io(input, source);
        if std::fs::metadata(input).map_err(unreadable)?.is_dir() {
            return folder::open(input, options);
        }
        if input
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"))
        {
            return Ok(Recipe::read(input)?.into_source());
        }
        let mut file = BufReader::new(File::open(input).map_err(unreadable)?);
        let mut magic = Vec::new();
        let wanted = y4m::MAGIC.len() as u64;
        file.by_ref()
            .take(wanted)
            .read_to_end(&mut magic)
            .map_err(unreadable)?;
        if magic.is_empty() {
            return Err(SourceError::Empty { path: input.into() });
        }
        if magic == y4m::MAGIC {
            let whole = io::Cursor::new(magic).chain(file);
            return y4m::open(Box::new(BufReader::new(whole)), input);
        }
        ffmpeg::open(input, options)
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

    /// Number of frames, where the input tells before it is read.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// What was assumed or changed on the way in (colour matrix, resampled rate), for the user.
    pub fn notices(&self) -> &[String] {
        &self.notices
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
