//! Recorded networks: throughput traces of seven formats, and the link that a trace describes.
//!
//! | module | purpose |
//! |---|---|
//! | [`trace`] | one recorded trace and its file formats |
//! | [`corpus`] | all traces in a list of folders |
//! | [`conditions`] | changes to a trace: multiplier, offset, latency, headers |
//! | [`link`] | a trace as a link: arrival times of bytes |
//! | [`mod@file`] | errors of input files |
//!
//! The same [`link`] paces real connections (`play --throttle`) and simulated ones, so that a
//! session under a trace and the simulation of that trace differ by timing noise only.

pub mod conditions;
pub mod corpus;
pub mod file;
pub mod link;
pub mod trace;
