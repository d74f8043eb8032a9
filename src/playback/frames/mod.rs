//! A title as a stream of frames: generator, rendering, media times.

mod error;
mod generator;
mod join;
mod opened;
mod renderer;
mod stream;

pub use error::PlaybackError;
pub use generator::{GeneratorOptions, WeightsFetch};
pub use opened::FramePlayback;
pub use renderer::TimedFrame;
pub use stream::Frames;
