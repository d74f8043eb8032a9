//! Where frames go: a folder of PNG files, a y4m file, a film through ffmpeg, or a pipe.
//!
//! Nothing half-written is ever visible under its final name: files are made beside it and
//! renamed. Knows nothing of clocks; a caller that writes to a pipe in real time paces itself
//! with [`super::Pacer`].

mod film;
mod png;
mod y4m;

pub use film::Film;
pub use png::{PngFolder, write_png};
pub use y4m::{Y4mFile, Y4mPipe};

use super::RenderError;
use crate::frame::Frame;
use crate::time::FrameRate;
use std::path::Path;

/// Takes frames of one size in order.
pub trait Sink {
    /// Takes the next frame.
    fn write(&mut self, frame: &Frame) -> Result<(), RenderError>;

    /// Completes the output; without it, a y4m file never appears.
    fn finish(self: Box<Self>) -> Result<(), RenderError>;
}

/// What a y4m header says of the frames that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Frames a second.
    pub frame_rate: FrameRate,
    /// Width to height of one pixel.
    pub pixel_aspect: (u32, u32),
}

/// Endings of films that ffmpeg would make but this does not.
const OTHER_FILMS: [&str; 10] = [
    "webm", "avi", "gif", "ts", "flv", "wmv", "mpg", "mpeg", "ogv", "m4s",
];

/// The sink that `target` names: `-` is y4m on stdout, `*.y4m` a y4m file, `*.mp4`, `*.mov` and
/// `*.mkv` a film, anything else a folder of `frame-000000.png`, `frame-000001.png`, …, which is made
/// where it is missing.
pub fn open(target: &Path, picture: Picture) -> Result<Box<dyn Sink>, RenderError> {
    if target == Path::new("-") {
        return Ok(Box::new(Y4mPipe::new(std::io::stdout(), picture)));
    }
    let ending = target.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        _ if target.is_dir() => Ok(Box::new(PngFolder::create(target)?)),
        Some("y4m") => Ok(Box::new(Y4mFile::create(target, picture)?)),
        Some(kind @ ("mp4" | "mov" | "mkv")) => Ok(Box::new(Film::create(target, kind, picture)?)),
        Some(other) if OTHER_FILMS.contains(&other) => Err(RenderError::NoSink {
            path: target.into(),
        }),
        _ => Ok(Box::new(PngFolder::create(target)?)),
    }
}

/// Gives a finished temporary file its name, readable like any other file.
fn publish(file: tempfile::NamedTempFile, path: &Path) -> Result<(), RenderError> {
    let io = |e| RenderError::io(path, e);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let everyone = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(everyone).map_err(io)?;
    }
    file.persist(path).map(drop).map_err(|e| io(e.error))
}
