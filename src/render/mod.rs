//! Media segments to frames: keyframes are decoded, prompts interpolated, frames generated or warped.
//!
//! Knows no clock, no files, no network and no manifest. Frames are written by [`crate::sink`];
//! `crate::playback` renders a title as it arrives.
//!
//! The first frame of a published title:
//!
//! ```
//! use candle_core::Device;
//! use promptus::model::Generator;
//! use promptus::package::Title;
//! use promptus::render::SegmentRenderer;
//! use std::sync::Arc;
//!
//! let title = Title::open("manifests/demo".as_ref())?;
//! let rung = &title.rungs()[0];
//! let generator = Arc::new(Generator::shipped(&Device::Cpu)?);
//! let mut renderer = SegmentRenderer::new(generator, rung.track().clone())?;
//! let mut frames = Vec::new();
//! renderer.render_some(&rung.media(0)?, &|number| number == 0, &mut |frame| {
//!     frames.push(frame);
//!     Ok(())
//! })?;
//! assert_eq!((frames[0].width(), frames[0].height()), rung.track().visible);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batching;
mod chain;
mod check;
mod error;
mod keyframes;
mod motion;
mod passes;
mod queue;
mod segment;
mod span;

pub use batching::Batching;
pub use error::RenderError;
pub use segment::{Deliver, SegmentFrames, SegmentRenderer};
