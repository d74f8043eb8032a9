//! The HTTP driver: turns a session over real connections, in real time.
//!
//! | module | what it is for |
//! |---|---|
//! | `http` | one client: requests, ranges, time-outs, retries |
//! | `title` | a manifest's URL → presentation → ladder, init segments |
//! | `index` | segments of a rung from its `sidx` |
//! | `shape` | the session clock, and bodies slowed down to a trace |
//! | `drive` | commands of the session ↔ transfers |
//! | `error` | what can go wrong, with the URL |
//!
//! Media segments leave through a channel, in order, as bytes with their segment and rung. What
//! they hold is not looked at here.

mod drive;
mod error;
mod http;
mod index;
mod shape;
mod title;

pub use drive::{Played, Segment, Setup, play};
pub use error::FetchError;
pub use http::{Client, Patience};
pub use title::{Stream, Title};
