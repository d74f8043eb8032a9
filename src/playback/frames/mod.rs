//! A title as a stream of frames: generator, rendering, media times.

mod error;
mod generator;
mod join;
mod renderer;
mod stream;

pub use error::PlaybackError;
pub use generator::{GeneratorOptions, WeightsFetch};
pub use renderer::TimedFrame;
pub use stream::{FramePlayback, Frames};
