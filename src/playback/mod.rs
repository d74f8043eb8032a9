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
//! | `opened` | settings; an opened title |
//! | `running` | a session on a task of its own: segments, report |
//! | `drive`, `controls`, `queue` | actions of the player core ↔ transfers; inputs of the user; output |
//! | `title`, `indexes`, `stream` | manifest → presentation → a group ready to be played |
//! | `http`, `response`, `body`, `coding`, `local` | requests; heads, bodies, content codings; files |
//! | `patience`, `throttle` | time-outs and retries; answers slowed down to a trace |
//! | `cmcd`, `resolve`, `weights` | CTA-5004 data in requests; URLs; weights into a folder |
//!
#![doc = include_str!("../docs/play.md")]

mod body;
mod cmcd;
mod coding;
mod controls;
mod drive;
mod error;
#[cfg(feature = "generator")]
mod frames;
mod http;
mod indexes;
mod local;
mod opened;
mod patience;
mod queue;
mod resolve;
mod response;
mod running;
mod stream;
mod throttle;
mod title;
mod weights;

pub use crate::player::client::Segment;
pub use crate::player::cmcd::{Cmcd, CmcdMode};
pub use crate::player::title::Layers;
pub use controls::Controls;
pub use drive::{Jump, Played, Setup, play};
pub use error::{AnswerProblem, FetchError};
#[cfg(feature = "generator")]
pub use frames::{
    FramePlayback, Frames, GeneratorOptions, PlaybackError, TimedFrame, WeightsFetch,
};
pub use http::Client;
pub use local::locate;
pub use opened::{Opening, Playback};
pub use patience::Patience;
pub use queue::{QueueReceiver, QueueSender, queue};
pub use running::Segments;
pub use stream::Stream;
pub use title::Title;
