//! Promptus streams video as *prompts*: each keyframe is a low-rank Stable Diffusion prompt
//! embedding, found by gradient descent through a one-step generator; the receiver interpolates
//! prompts between keyframes and generates the frames.
//!
//! ```text
//! frames → encode (fit U, V) → quantise → entropy-code → segment → package → store → origin (HTTP)
//!        → fetch (ABR picks the rank) → buffer → decode factors → interpolate → compose P
//!        → one-step UNet → latent decoder → frame → screen
//! ```
//!
//! | module | what it is for |
//! |---|---|
//! | [`time`], [`frame`] | exact media time; one RGB picture |
//! | [`claim`] | marker files with a lock: which folders are the program's own, and who is at work in them |
//! | [`prompt`] | low-rank factors: quantiser, entropy coder, interpolation, the reference's files |
//! | [`segment`] | the wire format: init and media segments as ISO-BMFF boxes |
//! | [`manifest`] | a format-neutral presentation and its two spellings, HLS and DASH |
//! | `model` | the generator: profiles, UNet, latent decoder, prompt encoder, differentiable ops |
//! | `flow` | motion between two pictures, and the pictures between them |
//! | `quality` | PSNR and LPIPS |
//! | `source` | pictures in: image folders, y4m, ffmpeg, pan-and-zoom recipes |
//! | [`package`] | fitted keyframes → rungs on one segment grid → a published title |
//! | `encode` | segments, keyframes and prompts found by gradient descent: one nested fit for every rung |
//! | `render` | keyframes → frames |
//! | `sink` | frames → PNG folder, y4m file, film or pipe |
//! | [`network`] | recorded networks: traces, links |
//! | [`player`] | the client core, without I/O or clock |
//! | `playback` | the core driven over HTTP in real time |
//! | [`simulate`] | the same core in virtual time |
//! | [`report`] | session log → summary, JSON |
//! | `origin` | the HTTP origin |
//! | `config` | config.toml |
//! | `cli` | one file per subcommand |
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
pub mod manifest;
pub mod network;
pub mod package;
pub mod player;
pub mod prompt;
pub mod report;
pub mod segment;
pub mod simulate;
pub mod time;

#[cfg(feature = "generator")]
pub mod encode;
#[cfg(feature = "generator")]
pub mod flow;
#[cfg(feature = "generator")]
pub mod model;
#[cfg(feature = "generator")]
pub mod quality;
#[cfg(feature = "generator")]
pub mod render;
#[cfg(feature = "generator")]
pub mod sink;
#[cfg(feature = "generator")]
pub mod source;

#[cfg(feature = "net")]
pub mod origin;
#[cfg(feature = "net")]
pub mod playback;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod config;
