//! The simulator: the player core over a recorded network, in virtual time.
//!
//! | module | what it is for |
//! |---|---|
//! | [`trace`] | recorded networks: five file formats, one [`Trace`](trace::Trace) |
//! | [`corpus`] | all traces below some folders |
//! | [`conditions`] | what is done to a trace: multiplier, offset, latency, fit to a ladder |
//! | [`link`] | a trace as a link: when do so many bytes arrive |
//! | [`subject`] | what is streamed: a title, a movie, a pixel ladder |
//! | [`title`] | a title on disk, as its playlists and the heads of its segments describe it |
//! | [`movie`] | titles of other simulators |
//! | [`compat`] | other simulators, reproduced to the request |
//! | [`qoe`] | what a session was worth |
//! | [`oracle`] | the best that any choice could have had |
//! | [`grid`] | many sessions at once, and their report |
//! | [`statistics`] | means with intervals |
//! | [`driver`] | turns a [`Session`](crate::player::session::Session) over a link |
//!
//! The same [`link`] shapes real connections for `play --throttle`, so a session under a trace and
//! the simulation of that trace differ by timing noise only.
#![doc = include_str!("../docs/simulator.md")]

pub mod compat;
pub mod conditions;
pub mod corpus;
pub mod driver;
mod file;
pub mod grid;
pub mod link;
pub mod movie;
pub mod oracle;
pub mod qoe;
pub mod statistics;
pub mod subject;
pub mod title;
pub mod trace;
