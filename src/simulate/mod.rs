//! The simulator: the player core over a recorded network, in virtual time.
//!
//! | module | what it is for |
//! |---|---|
//! | [`fit`] | traces scaled to a ladder |
//! | [`subject`] | what is streamed: a title, a movie, a pixel ladder |
//! | [`title`] | a title on disk, as its playlists and the heads of its segments describe it |
//! | [`movie`] | titles of other simulators |
//! | [`compat`] | other simulators, reproduced to the request |
//! | [`qoe`] | what a session was worth |
//! | [`oracle`] | the best that any choice could have had |
//! | [`grid`] | many sessions at once, and their report |
//! | [`statistics`] | means with intervals |
//! | [`driver`] | turns a [`Session`](crate::player::session::Session) over a link |
#![doc = include_str!("../docs/simulator.md")]

pub mod compat;
pub mod driver;
pub mod fit;
pub mod grid;
pub mod movie;
pub mod oracle;
pub mod qoe;
pub mod statistics;
pub mod subject;
pub mod title;
