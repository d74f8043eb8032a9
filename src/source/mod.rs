//! Pictures in: every kind of input as one iterator of upright frames at a constant rate.
//!
//! Pictures in a folder or by a pattern, a y4m file or stream, a pan-and-zoom recipe, and, through
//! `ffmpeg` on the `PATH`, any other input. Frames are as a player shows them: rotated, deinterlaced,
//! tone-mapped and composited where necessary; [`Source::notices`] lists every such change. [`Geometry`]
//! maps an input size to a title's visible and coded size. Knows nothing of prompts or rungs.
//!
//! ```
//! use promptus::source::{Options, Source};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("grey.y4m");
//! let frame = [&b"FRAME\n"[..], &[128; 32 * 16]].concat();
//! std::fs::write(&path, [&b"YUV4MPEG2 W32 H16 F24:1 Cmono\n"[..], &frame, &frame].concat())?;
//!
//! let source = Source::open(&path, &Options::default())?;
//! assert_eq!((source.size(), source.frame_rate().to_string()), ((32, 16), "24".to_owned()));
//! assert_eq!(source.count(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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

pub use error::SourceError;
pub use ffmpeg::version as ffmpeg_version;
pub use frames::{Closing, Options, Source};
pub use geometry::{Fit, Geometry, scaled};
pub use image_file::read as read_image;
pub use recipe::Recipe;
pub use size::{MAX_SIDE, of_lines, within};
pub use ycbcr::{FromRgb, Matrix};
