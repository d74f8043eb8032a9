//! Frames in, a title out: every segment of an input cut, fitted, measured and kept.
//!
//! A [`Job`] reads frames, cuts them into segments, fits each for all rungs, measures what a player
//! will show, and puts it into a [`WorkStore`] under a name that is a hash of everything that
//! decides its bytes. So an interrupted job continues from the segments that are there, and a
//! [`Shard`] of one can run on any machine. The [`Plan`] that it returns and the segments in the
//! store are all that [`assemble`] needs.
//!
//! Knows no terminal: progress is reported as [`Event`]s, costs as an [`Estimate`].
//!
//! ```
//! use promptus::encode::{FitOptions, Grid, Interval, Perceptual};
//! use promptus::frame::Frame;
//! use promptus::model::{Encoder, Generator};
//! use promptus::package::work::{WorkFolder, assemble};
//! use promptus::package::{KEEP_OLD, Title, publish};
//! use promptus::manifest::Metrics;
//! use promptus::source::{Fit, Geometry, SourceError};
//! use promptus::time::FrameRate;
//! use promptus::transcode::{Job, Sampling, Settings, Shard, Tools};
//! use std::sync::Arc;
//!
//! let device = candle_core::Device::Cpu;
//! let (generator, encoder) = (Arc::new(Generator::shipped(&device)?), Encoder::shipped(&device)?);
//! // No metrics.
//! let score = |_: &Frame, _: &Frame| Ok(Metrics::default());
//! let tools = Tools {
//!     generator: &generator,
//!     encoder: Some(&encoder),
//!     perceptual: Perceptual::Features(&encoder),
//!     score: &score,
//! };
//! let settings = Settings {
//!     // No passes: the prompts of the encoder network as they are.
//!     fit: FitOptions { ranks: vec![2, 4], passes: 0, ..FitOptions::default() },
//!     grid: Grid { longest: 2, shortest: 1 },
//!     interval: Interval::Frames(2),
//!     sampling: Sampling::Everything,
//!     source: None,
//! };
//! let geometry = Geometry::plan((64, 32), (1, 1), generator.profile().cell, Fit::Native, None)?;
//! let job = Job::new(tools, settings, geometry, FrameRate::new(8, 1)?)?;
//!
//! // Three grey frames, one second of eight: two segments.
//! let frames = (0..3u8).map(|n| Ok::<_, SourceError>(Frame::new(64, 32, vec![80 + n; 64 * 32 * 3]).unwrap()));
//! let folder = tempfile::tempdir()?;
//! let work = WorkFolder::open(&folder.path().join("clip.work"))?;
//! let done = job.run(frames, work.store(), Shard::ALL, &mut |_| ())?;
//! let title = assemble(&done.plan, false, |n| work.store().expect_segment(&done.plan.segments[n].name))?;
//! publish(&folder.path().join("clip"), &title.files, KEEP_OLD)?;
//! work.remove()?;
//! assert_eq!(Title::open(&folder.path().join("clip"))?.rungs().len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`WorkStore`]: crate::package::work::WorkStore
//! [`Plan`]: crate::package::work::Plan
//! [`assemble`]: crate::package::work::assemble()

mod error;
mod estimate;
mod job;
mod measure;
mod memory;
mod preset;
mod progress;
mod settings;
mod shard;
mod text;

pub use error::TranscodeError;
pub use estimate::Estimate;
pub use job::{Done, Effort, Event, Job};
pub use memory::{Memory, Need};
pub use preset::Preset;
pub use progress::Progress;
pub use settings::{Sampling, Score, Settings, Tools, grid};
pub use shard::Shard;
pub use text::{bytes_text, duration_text};
