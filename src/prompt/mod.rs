//! One prompt as low-rank factors, and its coded forms: pure CPU arithmetic on plain buffers.
//!
//! A prompt is P = U·V/√R with U (tokens × r) and V (r × dim); component j is column j of U with
//! row j of V, and a rung is the first r of them. [`Factors`] is one prompt, [`between`] interpolates
//! between the prompts of two keyframes, [`KeyframeEncoder`] and [`KeyframeDecoder`]
//! turn the keyframes of one segment into bytes and back, and [`official`] reads and writes the
//! files of the reference implementation.
//!
//! This module knows no container, no network and no tensor library. The method is that of
//! "Promptus" (AAAI-26, pp. 10664-10672) and of its released code (JiangkaiWu/Promptus, 00d6b77);
//! the layered coding is our own.
//!
//! ```
//! use promptus::prompt::{Factors, Shape};
//!
//! // One component on two tokens with three dimensions; full rank 4, hence the scale 1/2.
//! let shape = Shape { tokens: 2, dim: 3 };
//! let factors = Factors::new(shape, 4, vec![2.0, 4.0], vec![1.0, 0.0, -1.0])?;
//! assert_eq!(factors.compose(1), [1.0, 0.0, -1.0, 2.0, 0.0, -2.0]);
//! # Ok::<(), promptus::prompt::PromptError>(())
//! ```
//!
#![doc = include_str!("../docs/coder.md")]

mod coding;
mod entropy;
mod error;
mod factors;
mod interpolate;
mod layered;
pub mod official;
mod parameters;
mod quantize;
mod reference;
mod shape;

pub use coding::{KeyframeDecoder, KeyframeEncoder};
pub use error::PromptError;
pub use factors::Factors;
pub use interpolate::{Interpolation, between};
pub use parameters::{CodedKeyframe, CodingId, CodingParameters};
pub use quantize::{Affine8, Quantiser, Steps};
pub use reference::ReferencePayload;
pub use shape::Shape;
