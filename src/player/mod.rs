//! The client core: which segment of which rung to ask for, and when.
//!
//! A [`Session`](session::Session) is a value without I/O and without a clock. A driver feeds it
//! events that carry `now` and obeys the commands that come back; two drivers exist, `crate::playback`
//! (HTTP, real time) and [`crate::simulate`] (virtual time), and a rule cannot tell them apart.
//!
//! | module | what it is for |
//! |---|---|
//! | [`ladder`] | what can be asked for: rungs, segments, sizes |
//! | [`utility`] | what a segment on a rung is worth: a rate, or a measured quality |
//! | `buffer` | media that is here and not yet played |
//! | [`throughput`] | what the network gave so far, as one estimate |
//! | [`abr`] | which rung next: one file a rule, one trait |
//! | [`layers`] | the rule for titles in layers |
//! | [`compute`] | decoding and generation: two servers and their queue |
//! | [`guards`] | what overrules every rule: a short buffer, a transfer not worth finishing |
//! | [`session`] | the state machine that ties them together |
//! | [`event`] | what drivers and session tell each other |
//! | [`log`] | everything that was decided, with its inputs |
//!
//! Seconds are `f64` on a session clock that starts at 0, sizes are bytes, rates are kbit/s
//! (1000 bit/s). Nothing here knows of prompts, pictures or containers.

pub mod abr;
pub(crate) mod buffer;
pub mod compute;
pub mod event;
pub mod guards;
pub mod ladder;
pub mod layers;
pub mod log;
pub(crate) mod random;
pub mod session;
pub mod throughput;
pub mod utility;

/// Kilobits a second that move `bytes` in `seconds`.
pub(crate) fn kbps(bytes: f64, seconds: f64) -> f64 {
    bytes * 8.0 / 1000.0 / seconds
}
