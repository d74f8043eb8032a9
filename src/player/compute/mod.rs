//! Decoding and generation: what happens to a segment between its arrival and its first frame.
//!
//! Two servers in a row, first come first served: the entropy decoder, whose work goes with bytes, and
//! the generator, whose work goes with frames. The generator keeps no more than a given span of finished
//! frames ahead of the playhead, because pictures are large where prompts are small. A segment is ready
//! when every frame of it will be there in time if it begins to play then; so a segment of a generator
//! that keeps up is ready with its first frame, one of a slower generator later.
//!
//! The true work of a segment is drawn from a [`Model`], or reported frame by frame by a real renderer
//! ([`Rendered`](super::event::Rendered)). Rules see only a fading mean of finished segments for each rung.
//! After BONES (Wang et al., SIGMETRICS 2024), where decoding is optional.

mod device;
mod job;

pub(crate) use device::{Arrival, Device};
pub(crate) use job::Job;
pub use job::Outlook;

/// The time that decoding and generation take.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Compute {
    /// Drawn from a model of a device.
    Modelled(Model),
    /// Reported by a real renderer; its frames are shown at this rate.
    Measured {
        /// Frames shown a second.
        fps: f64,
    },
}

impl Compute {
    /// A real renderer, whose frames are shown at `fps`.
    pub fn measured(fps: f64) -> Self {
        Self::Measured { fps }
    }

    /// Whether a real renderer reports its progress.
    pub fn is_measured(&self) -> bool {
        matches!(self, Self::Measured { .. })
    }
}

/// A simulated device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// Frames shown a second.
    pub fps: f64,
    /// Generation of a frame at the lowest rung, milliseconds.
    pub ms_per_frame: f64,
    /// Additional time for every rung above it, milliseconds.
    pub ms_per_rung: f64,
    /// Entropy decoding, milliseconds a kilobyte.
    pub ms_per_kb: f64,
    /// Relative spread of the work of a segment: 0.2 is from 80 % to 120 %.
    pub spread: f64,
    /// Room for finished frames, seconds of play.
    pub ahead_s: f64,
}

impl Default for Model {
    /// 30 frames a second from a generator that makes 60, and room for a second of frames.
    fn default() -> Self {
        Self {
            fps: 30.0,
            ms_per_frame: 1000.0 / 60.0,
            ms_per_rung: 0.0,
            ms_per_kb: 0.05,
            spread: 0.1,
            ahead_s: 1.0,
        }
    }
}
