//! Other codecs on the same clip: every codec at several rates, picture sizes and frame rates, each
//! decoded, brought back to the title's size and rate, and measured with the same metrics.
//!
//! Pictures are enlarged by Lanczos; at a lower frame rate each picture is shown for longer. Encodes
//! run in parallel, one a core. The convex hull of all of a codec's settings is what a well-made
//! ladder of it would offer.

mod bench;
mod cache;
mod codec;
mod encode;
mod ffmpeg;
mod grid;
mod taesd;

pub use bench::{CodecBench, Encoded};
pub use codec::Codec;
pub use encode::Encode;
pub use ffmpeg::Ffmpeg;
pub use grid::Grid;
