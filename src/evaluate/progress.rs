//! Progress of an evaluation, for a caller that shows it. The library itself prints nothing.

use super::EvaluateError;
use super::codecs::Codec;

/// A step that was taken.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Frames of the title were measured on every rung.
    Frames {
        /// Frames so far.
        done: u64,
        /// Frames of the title.
        total: u64,
    },
    /// Videos of other codecs were measured.
    Encodes {
        /// Videos so far.
        done: usize,
        /// Videos in all.
        total: usize,
    },
    /// A codec refused a setting, which is left out.
    Refused {
        /// Codec, picture size and frame rate.
        encode: String,
        /// Target rate, kbit/s.
        kbps: f64,
        /// The reason.
        error: &'a EvaluateError,
    },
    /// Rungs of a codec's ladder are measured next.
    Ladder {
        /// The codec.
        codec: Codec,
        /// Number of rungs.
        rungs: usize,
    },
}

/// Called with each step, possibly from several threads at once.
pub type Observer<'a> = &'a (dyn Fn(Progress<'_>) + Sync);
