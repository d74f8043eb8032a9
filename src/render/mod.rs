//! Keyframes to frames, and frames to their place: PNG folder, y4m file, film or pipe.
//!
//! Knows nothing of networks, manifests or how a rung was chosen.

mod error;
mod pace;
mod segment;
#[cfg(feature = "generator")]
mod sink;

pub use error::RenderError;
pub use pace::{Due, Pacer, Timetable};
pub use segment::{Batching, Deliver, SegmentRenderer};
#[cfg(feature = "generator")]
pub use sink::{Film, Picture, PngFolder, Sink, Y4mFile, Y4mPipe, open as open_sink, write_png};
