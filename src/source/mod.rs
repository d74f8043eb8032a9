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
mod frames;
mod geometry;
mod image_file;
mod open;
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
pub use frames::{Options, Source};
pub use geometry::{Fit, Geometry, scaled};
pub use image_file::read as read_image;
pub use recipe::Recipe;
pub use size::{MAX_SIDE, of_lines, within};
pub use ycbcr::{FromRgb, Matrix};
