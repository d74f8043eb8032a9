//! Recorded networks: throughput traces of seven formats, and the link that a trace describes.
//!
//! | module | what it is for |
//! |---|---|
//! | [`trace`] | one recorded trace and its file formats |
//! | [`corpus`] | all traces below some folders |
//! | [`conditions`] | changes to a trace: multiplier, offset, latency, fit to a ladder |
//! | [`link`] | a trace as a link: when a given number of bytes has arrived |
//!
//! The same [`link`] paces real connections (`play --throttle`) and simulated ones, so that a
//! session under a trace and the simulation of that trace differ by timing noise only.

pub mod conditions;
pub mod corpus;
pub(crate) mod file;
pub mod link;
pub mod trace;
