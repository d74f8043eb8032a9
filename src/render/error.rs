//! What keeps a segment from becoming frames, or frames from reaching their place.

use crate::claim::ClaimError;
use crate::flow::SizesDiffer;
use crate::model::ModelError;
use crate::prompt::PromptError;
use crate::segment::SegmentError;
use std::io;
#[cfg(feature = "generator")]
use std::path::Path;
use std::path::PathBuf;

/// A segment that cannot be rendered, or frames that cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// An output file or pipe refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, or `-` for stdout.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A frame of another size than its stream.
    #[error("a frame of {}x{} in a stream of {}x{}", got.0, got.1, expected.0, expected.1)]
    FrameSize {
        /// Width and height of the frame.
        got: (u32, u32),
        /// Width and height of the stream.
        expected: (u32, u32),
    },
    /// The rung was made for another generator.
    #[error("the title is of profile `{track}`, the generator of profile `{generator}`")]
    Profile {
        /// The rung's profile.
        track: String,
        /// The generator's.
        generator: &'static str,
    },
    /// The rung was fitted with other weights than the generator has.
    #[error(
        "the title was fitted with the weights of SHA-256 {track}, the generator has {generator}"
    )]
    Weights {
        /// The hash in the init segment, in hexadecimal.
        track: String,
        /// The hash of the generator's file, in hexadecimal.
        generator: String,
    },
    /// A coded picture larger than its profile allows.
    #[error(
        "a coded picture of {}x{} has more pixels than profile `{profile}` generates, at most {limit}",
        size.0, size.1
    )]
    TooManyPixels {
        /// Width and height of the coded picture.
        size: (u32, u32),
        /// The generator's profile.
        profile: &'static str,
        /// The most pixels.
        limit: u64,
    },
    /// One frame takes more memory than the machine has left.
    #[error(
        "one frame takes about {:.1} GB of memory, {:.1} GB are left",
        *needed as f64 / 1e9, *available as f64 / 1e9
    )]
    Memory {
        /// About how many bytes one pass takes.
        needed: u64,
        /// Bytes that are left.
        available: u64,
    },
    /// Picture size and prompt shape do not belong together in this profile.
    #[error(
        "a coded picture of {}x{} with prompts of {tokens}x{dim} is none that profile `{profile}` \
        generates",
        size.0, size.1
    )]
    CodedSize {
        /// Width and height of the coded picture.
        size: (u32, u32),
        /// Rows of a prompt.
        tokens: usize,
        /// Columns of a prompt.
        dim: usize,
        /// The generator's profile.
        profile: &'static str,
    },
    /// The latent that a chain begins with has another size than the profile's.
    #[error("the start latent has {got} bytes, expected {expected} (f32 values)")]
    LatentSize {
        /// Bytes in the first sample.
        got: usize,
        /// Bytes of the profile's latent.
        expected: usize,
    },
    /// A chained segment whose predecessor was not rendered.
    #[error(
        "segment {sequence} goes on from the one before it: render from the start of the chain"
    )]
    BrokenChain {
        /// Its number, from 1.
        sequence: u32,
    },
    /// A frame past the last keyframe was asked for, or the generator gave none.
    #[error("the segment holds no keyframe for this frame")]
    NoPicture,
    /// A film was asked for and there is no `ffmpeg` to make it.
    #[error(
        "{}: needs the program ffmpeg on PATH; a .y4m file or a folder of PNG files does not",
        path.display()
    )]
    NoFfmpeg {
        /// The film.
        path: PathBuf,
    },
    /// `ffmpeg` did not make the film.
    #[error("{}: ffmpeg: {reason}", path.display())]
    Film {
        /// The film.
        path: PathBuf,
        /// What ffmpeg said, or how it ended.
        reason: String,
    },
    /// A file name that looks like a film of a kind that is not made.
    #[error(
        "{}: expected .mp4, .mov or .mkv (through ffmpeg), .y4m, - or a folder for PNG files",
        path.display()
    )]
    NoSink {
        /// The name.
        path: PathBuf,
    },
    /// A sink made elsewhere refused a frame.
    #[error(transparent)]
    Sink(Box<dyn std::error::Error + Send + Sync>),
    /// The media segment is damaged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A keyframe is damaged.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Pictures of unlike sizes cannot be moved towards each other.
    #[error(transparent)]
    Motion(#[from] SizesDiffer),
    /// Another process is writing frames to the same folder.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The generator failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl RenderError {
    /// What a [`Sink`](super::Sink) that is made elsewhere fails with.
    pub fn sink(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Sink(Box::new(cause))
    }

    #[cfg(feature = "generator")]
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.into();
        Self::Io { path, source }
    }
}
