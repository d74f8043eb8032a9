//! Recorded networks: throughput traces of seven formats, and the link that a trace describes.
//!
//! The same [`link`] paces real connections (`play --throttle`) and simulated ones, so that a
//! session under a trace and the simulation of that trace differ by timing noise only.

pub mod conditions;
pub mod corpus;
pub mod file;
pub mod link;
pub mod trace;
