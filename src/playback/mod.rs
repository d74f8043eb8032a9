//! The HTTP driver: turns a session over real connections, in real time.
//!
//! | module | what it is for |
//! |---|---|
//! | `http` | one client: requests, ranges, time-outs, retries |
//! | `body` | a body on its way |
//! | `coding` | content codings of texts |
//! | `received` | bytes that came beside media |
//! | `file` | the same of a local title |
//! | `cmcd` | what every request tells the server (CTA-5004) |
//! | `title` | a manifest's URL → presentation → stream |
//! | `stream` | one group, ready to be played |
//! | `weights` | a generator's weights, into a folder |
//! | `resolve` | addresses |
//! | `shape` | the session clock, and bodies slowed down to a trace |
//! | `indexes` | index parts that come before playback |
//! | `drive` | actions of the player core ↔ transfers |
//! | `error` | what can go wrong, with the URL |
//!
//! Media segments leave through a channel, in order, as bytes with their segment and rung: a rung's
//! at once, a base with the layers that came for it, and what samples an abandoned transfer left. Of
//! what they hold only the lengths of samples are looked at here.

mod body;
mod cmcd;
mod coding;
mod drive;
mod error;
mod file;
mod http;
mod indexes;
mod received;
mod resolve;
mod shape;
mod stream;
mod title;
mod weights;

pub use crate::player::client::Segment;
pub use cmcd::{Cmcd, CmcdMode, UnknownMode};
pub use drive::{Jump, Played, Setup, play, play_beside};
pub use error::FetchError;
pub use file::locate;
pub use http::{Client, Patience};
pub use stream::Stream;
pub use title::Title;
