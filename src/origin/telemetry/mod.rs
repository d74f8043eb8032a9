//! What the origin tells of itself and of the players: metrics, an access log, and what players
//! report.
//!
//! A request is counted once, when the last byte of its answer has been handed to the connection
//! or the client has gone; that is also when its line is written.

pub(super) mod cmcd;
mod events;
mod expose;
mod log;
mod metrics;
mod observe;

pub(super) use events::{MAX_REPORT, collect};
pub(super) use expose::expose;
pub(super) use log::AccessLog;
pub(super) use metrics::Metrics;
pub(super) use observe::Watch;
