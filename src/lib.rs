//! Promptus streams video as *prompts*: each keyframe is a low-rank Stable Diffusion prompt
//! embedding, found by gradient descent through a one-step generator; the receiver generates the
//! frames. An independent implementation of the method of Promptus (AAAI-26,
//! [arXiv:2405.20032](https://arxiv.org/abs/2405.20032)) as a streaming system.
//!
//! ```text
//! source → encode → prompt → segment → package → origin ──HTTP──→ player → prompt → model → render → sink
//! frames   fit U, V  code    MP4 boxes  title    HLS, DASH        ABR      decode   generate  frames
//! ```
//!
//! # Glossary
//!
//! * **rank / component**: P = U·V/√R; component j is column j of U with row j of V. A rung of rank
//!   r is the first r components; R is the full rank of the fit.
//! * **keyframe**: a frame whose prompt is transmitted; frames between are interpolated.
//! * **segment**: a closed unit of frames; nothing outside it is needed to decode it (SAP type 1).
//! * **Representation**: one rung as a complete, independent stream (DASH); an HLS variant.
//! * **true rate**: every byte of init and media segments over the duration.

#![forbid(unsafe_op_in_unsafe_fn)]

pub mod claim;
pub mod frame;
pub mod inspect;
pub mod manifest;
pub mod network;
pub mod package;
pub mod player;
pub mod prompt;
pub mod report;
pub mod segment;
pub mod simulate;
pub mod time;

#[cfg(feature = "compat")]
pub mod compat;

#[cfg(feature = "generator")]
pub mod encode;
#[cfg(feature = "generator")]
pub mod evaluate;
#[cfg(feature = "decode")]
pub mod flow;
#[cfg(feature = "decode")]
pub mod model;
#[cfg(feature = "generator")]
pub mod quality;
#[cfg(feature = "decode")]
pub mod render;
#[cfg(feature = "generator")]
pub mod sink;
#[cfg(feature = "generator")]
pub mod source;
#[cfg(feature = "generator")]
pub mod speed;
#[cfg(all(feature = "generator", feature = "net"))]
pub mod transcode;
#[cfg(feature = "generator")]
pub mod weights;

#[cfg(feature = "net")]
pub mod origin;
#[cfg(feature = "net")]
pub mod playback;
#[cfg(feature = "net")]
pub mod store;

#[cfg(feature = "web")]
pub mod web;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "cli")]
pub mod shipped;
