//! Sabre, session for session: the same requests, times and printed figures.
//!
//! Units are Sabre's: bits, milliseconds, kbit/s = bits per millisecond. Sums are in its order, so that
//! figures agree to the last bit. Its faults are kept:
//!
//! * After an abandonment the rule chooses anew; the quality that the abandonment asked for is lost
//!   (`session`). Only rules that record their own target follow it.
//! * `dynamic` checks for abandonment as the throughput rule does, whichever rule decides.
//! * The insufficient-buffer factor decays with every call, whether or not its rule decides.
//! * BOLA-E uses its own virtual buffer unless the session's is larger.
//! * A seek drops the buffer and restarts BOLA-E; `dynamicdash` does not even do that.
//! * Rules use nominal rates; real sizes count only during a transfer.

mod estimate;
mod figures;
mod network;
pub mod options;
mod playback;
mod reaction;
pub mod record;
mod rule;
mod rules;
mod session;

pub use figures::{figures, player, timeline};
pub use options::Options;
pub use session::run;

#[cfg(test)]
mod tests;
