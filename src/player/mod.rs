//! The client core: which segment of which rung to request, and when.
//!
//! A [`Player`](client::Player) is a value without I/O and without a clock: it decides everything that a
//! client must decide. A driver polls it for actions (send this request, drop it, decode this, wait) and
//! reports what happened, with the time. Within it a [`Session`](session::Session) decides which segment
//! comes from which rung; it can be driven alone where there are no bytes, as [`crate::simulate`] does in
//! virtual time, with the same rules.
//!
//! A session over a network of 40 kB a second:
//!
//! ```
//! use promptus::player::event::{Command, Event};
//! use promptus::player::ladder::{Ladder, Rung};
//! use promptus::player::session::{Options, Session};
//! use std::sync::Arc;
//!
//! // Two rungs of 20 and 80 kbit/s; ten segments of two seconds.
//! let rung = |rank, kbps| Rung { id: format!("r{rank}"), rank, kbps };
//! let sizes = [5_000, 20_000].repeat(10);
//! let ladder = Ladder::new(vec![rung(4, 20.0), rung(16, 80.0)], &[2.0; 10], sizes)?;
//! let mut session = Session::new(Arc::new(ladder), &Options::default());
//! let (mut now_s, mut command) = (0.0, session.handle(0.0, Event::Start));
//! loop {
//!     command = match command {
//!         Command::Fetch { segment, rung } => {
//!             let bytes = session.ladder().size(segment, rung);
//!             now_s += bytes as f64 / 40e3;
//!             session.handle(now_s, Event::Delivered(bytes))
//!         }
//!         Command::Wait { until_s } | Command::Drain { until_s } => {
//!             now_s = until_s;
//!             session.handle(now_s, Event::Timer)
//!         }
//!         _ => break,
//!     };
//! }
//! let log = session.into_log();
//! assert!(log.stalls.is_empty() && log.played_s.iter().sum::<f64>() > 19.99);
//! // The first segment is small; then the upper rung is affordable.
//! assert_eq!(log.requests[0].rung, 0);
//! assert_eq!(log.requests[9].rung, 1);
//! # Ok::<(), promptus::player::ladder::LadderError>(())
//! ```
//!
//! | module | what it is for |
//! |---|---|
//! | [`ladder`] | rungs, segments and their sizes |
//! | [`utility`] | quality of a segment on a rung: the log of its rate, or a measured metric |
//! | `buffer` | received media that has not played yet |
//! | [`throughput`] | throughput estimators |
//! | [`abr`] | ABR rules: one file each, one trait |
//! | [`compute`] | model of the time that decoding and generation take: a queue of two stages |
//! | [`guards`] | overrides of every rule: a short buffer, transfers to abandon |
//! | [`session`] | the state machine that ties them together: which segment, which rung, when |
//! | [`index`] | URLs and byte ranges of segments, as far as the index has arrived |
//! | [`title`] | a manifest, and the index of one of its groups to fill |
//! | [`cmcd`] | data about the session in every request (CTA-5004) |
//! | [`client`] | session, index and bytes as one: the player as its driver sees it |
//! | [`event`] | events and commands of a session |
//! | [`log`] | every decision with its inputs |
//!
//! Seconds are `f64` on a session clock that starts at 0, sizes are bytes, rates are kbit/s
//! (1000 bit/s). Independent of prompts and pictures; of containers only `sidx` boxes and the lengths of
//! samples are read.

pub mod abr;
pub(crate) mod buffer;
pub mod client;
pub mod cmcd;
pub mod compute;
pub mod event;
pub mod guards;
pub mod index;
pub mod ladder;
pub mod log;
mod named;
pub(crate) mod random;
pub mod session;
pub mod throughput;
pub mod title;
pub mod utility;

pub use named::UnknownName;

/// Kilobits a second that move `bytes` in `seconds`.
pub(crate) fn kbps(bytes: f64, seconds: f64) -> f64 {
    bytes * 8.0 / 1000.0 / seconds
}
