//! An encode in parts: finished segments and the plan that they belong to, in a folder or bucket.
//!
//! Segments are closed, so any machine may fit any of them. Each one that is done is one object,
//! put whole, whose name is a hash of everything that decides its bytes (see [`segment_name`]):
//! what has that name is that segment, whoever made it and however often. Who has read the input
//! to its end puts the [`Plan`], the list of all segments' names; it too is named by its content.
//! A title is [assembled](assemble) from a plan and its segments and nothing else, so its bytes do
//! not depend on how the work was divided, on what was killed, or on what was done twice.
//!
//! ```text
//! plan-<hash>.json        the segments of one input under one setting
//! 00007-<hash>.zip        a segment: track.mp4, segment.m4s, quality.json, poster.jpg
//! ```
//!
//! Knows no pictures and no generator: publishing needs neither.
//!
#![doc = include_str!("../../docs/scale-out.md")]

mod assemble;
mod finished_segment;
#[cfg(feature = "net")]
mod folder;
mod plan;
mod report;
#[cfg(feature = "net")]
mod store;

pub use assemble::{Assembly, assemble};
pub use finished_segment::FinishedSegment;
#[cfg(feature = "net")]
pub use folder::WorkFolder;
pub use plan::{Plan, PlannedSegment, segment_name};
#[cfg(feature = "net")]
pub use store::WorkStore;
