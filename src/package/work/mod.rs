//! A divided encode: finished segments and the plan that lists them, in a folder or object store.
//!
//! Segments are closed, so any machine may fit any of them. Objects are content-addressed: the name
//! of a finished segment is a hash of everything that decides its bytes (see [`segment_name`]), so
//! equal work gives an equal name, whichever worker did it. A worker that reaches the end of the
//! input puts the [`Plan`], the list of all segments, which is named by its content, too. A title
//! is [assembled](assemble) from a plan and its segments alone, so its bytes do not depend on how
//! the work was divided, interrupted or repeated.
//!
//! ```text
//! plan-<hash>.json        the segments of one input under one setting
//! 00007-<hash>.zip        a segment: track.mp4, segment.m4s, quality.json, poster.jpg
//! ```
//!
//! Needs no pictures and no generator.
//!
#![doc = include_str!("../../docs/scale-out.md")]

mod assemble;
mod finished_segment;
#[cfg(feature = "net")]
mod folder;
mod plan;
#[cfg(feature = "net")]
mod store;

pub use assemble::{Assembly, assemble};
pub use finished_segment::FinishedSegment;
#[cfg(feature = "net")]
pub use folder::WorkFolder;
pub use plan::{Plan, PlannedSegment, segment_name};
#[cfg(feature = "net")]
pub use store::WorkStore;
