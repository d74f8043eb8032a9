//! Motion between two pictures, and the pictures between them.
//!
//! Prompts that are mixed half and half give two faded pictures, one over the other; moving the
//! two pictures towards each other along their optical flow gives one. The flow is found in the
//! generated pictures, on the encoder's side and the player's alike, so it costs no bytes.
//!
//! | file | step |
//! |---|---|
//! | `plane` | brightness and its pyramid |
//! | `search` | where each small patch went: inverse search, coarse to fine (Kroeger et al. 2016) |
//! | `refine` | a smooth field through those answers: a few steps of a variational method (Brox et al. 2004) |
//! | `estimate` | the three above over the pyramid |
//! | `interpolate` | both pictures moved to one moment and blended |
//!
//! Knows pictures alone: no prompts, no tensors. The same two pictures give the same bytes, on
//! however many threads.
//!
#![doc = include_str!("../docs/motion.md")]

mod estimate;
mod field;
mod interpolate;
mod plane;
mod refine;
mod search;

pub use interpolate::{Between, SizesDiffer};
