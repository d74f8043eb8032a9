//! From the URL of a title, or its folder on disk, to segments or frames, in real time.
//!
//! [`FramePlayback`] gives frames with their media times (features `net` and `generator`), [`Playback`]
//! the media segments as bytes (`net`). Both run a [`Session`](crate::player::session::Session) over
//! HTTP or files on the current tokio runtime. [`Client`], [`Title`] and [`Stream`] are the steps
//! before: a client, a manifest, one of its groups.
//!
//! Ten frames of a title:
//!
//! ```
//! # #[cfg(not(feature = "generator"))]
//! # fn main() {}
//! # #[cfg(feature = "generator")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use promptus::playback::{FramePlayback, GeneratorOptions, Opening, PlaybackError, Setup};
//!
//! let title = "manifests/demo"; // or https://…/manifest.mpd
//! tokio::runtime::Runtime::new()?.block_on(async {
//!     let opening = Opening::default();
//!     let playback = FramePlayback::open(title, &opening, GeneratorOptions::default()).await?;
//!     let mut frames = playback.frames(Setup::default());
//!     let mut shown = 0;
//!     while let Some(frame) = frames.next().await {
//!         let frame = frame?;
//!         println!("{:.3} s: {} pixels wide", frame.time.seconds(), frame.image.width());
//!         shown += 1;
//!         if shown == 10 {
//!             break;
//!         }
//!     }
//!     assert_eq!(shown, 10);
//!     Ok::<(), PlaybackError>(())
//! })?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | content |
//! |---|---|
//! | `frames` | frames of a title: generator, rendering, media times |
//! | `opening`, `opened` | settings; an opened title |
//! | `segments` | media segments of a title |
//! | `running` | a session on a task of its own, and its report |
//! | `drive` | actions of the player core ↔ transfers |
//! | `controls` | pause, rate, seeks and an external playhead while a session plays |
//! | `queue` | segments and frames on their way to the user |
//! | `title`, `indexes`, `stream` | manifest → presentation → a group ready to be played |
//! | `http`, `response`, `body`, `local` | requests; heads and bodies of answers; files |
//! | `patience`, `limits` | time-outs and retries; bounds |
//! | `coding` | content codings of texts |
//! | `cmcd` | CTA-5004 data of requests |
//! | `received` | bytes other than media |
//! | `resolve` | URLs |
//! | `clock`, `throttle` | session time; answers slowed down to a trace |
//! | `weights` | weights of a generator into a folder |
//! | `error` | [`FetchError`] |
//!
#![doc = include_str!("../docs/play.md")]

mod body;
mod clock;
mod cmcd;
mod coding;
mod controls;
mod drive;
mod error;
#[cfg(feature = "generator")]
mod frames;
mod http;
mod indexes;
mod limits;
mod local;
mod opened;
mod opening;
mod patience;
mod queue;
mod received;
mod resolve;
mod response;
mod running;
mod segments;
mod stream;
mod throttle;
mod title;
mod weights;

pub use crate::player::client::Segment;
pub use cmcd::{Cmcd, CmcdMode};
pub use controls::Controls;
pub use drive::{Jump, Played, Setup, play};
pub use error::{ConnectionProblem, FetchError};
#[cfg(feature = "generator")]
pub use frames::{
    FramePlayback, Frames, GeneratorOptions, PlaybackError, TimedFrame, WeightsFetch,
};
pub use http::Client;
pub use local::locate;
pub use opened::Playback;
pub use opening::{Layers, Opening};
pub use patience::Patience;
pub use queue::{QueueReceiver, QueueSender, queue};
pub use segments::Segments;
pub use stream::Stream;
pub use title::Title;
