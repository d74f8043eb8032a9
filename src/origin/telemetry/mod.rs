//! Metrics, access log, and the client data that players report.
//!
//! At the bottom of the origin: knows neither titles nor HTTP routes.

pub(super) mod cmcd;
mod log;
mod metrics;

pub(super) use log::AccessLog;
pub(super) use metrics::{Metrics, kind_of};
