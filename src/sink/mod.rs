//! Frames to files and pipes: a folder of PNG files, a y4m file, a film through ffmpeg, y4m on a pipe
//! in real time.
//!
//! Files appear under their final name when they are complete: they are written beside it and
//! renamed. Knows nothing of titles, networks or generators.
//!
//! ```
//! use promptus::frame::Frame;
//! use promptus::sink::{self, FrameFormat};
//! use promptus::time::FrameRate;
//!
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("clip.y4m");
//! let frame_rate = FrameRate::new(24, 1)?;
//! let format = FrameFormat { size: (4, 2), frame_rate, pixel_aspect: (1, 1) };
//! let mut sink = sink::open(&file, format)?;
//! sink.write(&Frame::new(4, 2, vec![128; 4 * 2 * 3])?)?;
//! assert!(!file.exists());
//! sink.finish()?;
//! assert!(std::fs::read(&file)?.starts_with(b"YUV4MPEG2 W4 H2 F24:1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod film;
mod format;
mod png;
pub(crate) mod publish;
mod realtime;
mod y4m;

pub use error::SinkError;
pub use film::Film;
pub use format::{FrameFormat, Sink};
pub use png::{PngFolder, write_png};
pub use realtime::Realtime;
pub use y4m::{Y4mFile, Y4mPipe};

use std::path::Path;

/// Endings of film formats that ffmpeg can write but this module does not.
const OTHER_FILMS: [&str; 10] = [
    "webm", "avi", "gif", "ts", "flv", "wmv", "mpg", "mpeg", "ogv", "m4s",
];

/// Opens the sink for a path: `*.y4m` is a y4m file, `*.mp4`, `*.mov` and `*.mkv` a film, anything
/// else a folder of `frame-000000.png`, `frame-000001.png`, …, created where it is missing.
///
/// Fails if the file or folder cannot be created, without `ffmpeg` for a film, and for the ending of
/// an unsupported film format.
pub fn open(target: &Path, format: FrameFormat) -> Result<Box<dyn Sink>, SinkError> {
    let ending = target.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        _ if target.is_dir() => Ok(Box::new(PngFolder::create(target)?)),
        Some("y4m") => Ok(Box::new(Y4mFile::create(target, format)?)),
        Some(kind @ ("mp4" | "mov" | "mkv")) => Ok(Box::new(Film::create(target, kind, format)?)),
        Some(other) if OTHER_FILMS.contains(&other) => Err(SinkError::Unsupported {
            path: target.into(),
        }),
        _ => Ok(Box::new(PngFolder::create(target)?)),
    }
}
