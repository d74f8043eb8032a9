//! Optical flow between two pictures, and frame interpolation along it.
//!
//! Interpolated prompts give a cross-fade of two pictures; warping both pictures along their optical
//! flow gives one sharp picture. The player estimates the flow from the generated keyframes, so it
//! costs no bytes.
//!
//! ```
//! use promptus::flow::Between;
//! use promptus::frame::Frame;
//!
//! let (dark, light) = (Frame::new(32, 16, vec![40; 1536])?, Frame::new(32, 16, vec![60; 1536])?);
//! let middle = Between::new(&dark, &light)?.at(0.5);
//! assert_eq!(middle.pixel(3, 3), [50; 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | step |
//! |---|---|
//! | `grid` | brightness and its pyramid; a flow field |
//! | `search` | displacement of small patches: inverse search (Kroeger et al. 2016) |
//! | `refine` | a smooth field from them: variational refinement (Brox et al. 2004) |
//! | `estimate` | the two above, coarse to fine |
//! | `interpolate` | both pictures warped to one time and blended |
//!
//! Knows pictures only: no prompts, no tensors. The result does not depend on the number of threads.
//!
#![doc = include_str!("../docs/motion.md")]

mod estimate;
mod grid;
mod interpolate;
mod refine;
mod search;

pub use interpolate::{Between, SizesDiffer};
