//! Frames as a film: H.264 in MP4, MOV or Matroska, made by the program `ffmpeg`.
//!
//! Frames go to it as y4m through a pipe, so what it codes is what [`super::Y4mFile`] holds, with
//! chroma halved as players expect. Without sound.

use super::y4m::Y4mPipe;
use super::{Picture, Sink};
use crate::frame::Frame;
use crate::render::RenderError;
use crate::source::Matrix;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use tempfile::NamedTempFile;

/// Quality of the coded film, on the scale of x264: near what cannot be told from the frames.
const QUALITY: &str = "16";

/// Bytes of ffmpeg's words that are looked at.
const MOST_WORDS: u64 = 1 << 16;

/// A film that appears under its name when it is finished.
#[derive(Debug)]
pub struct Film {
    path: PathBuf,
    frames: Option<Box<Y4mPipe<BufWriter<ChildStdin>>>>,
    child: Child,
    /// Where ffmpeg writes, until it is done.
    unfinished: Option<NamedTempFile>,
    words: File,
}

impl Film {
    /// Starts the film `path`, of kind `mp4`, `mov` or `mkv`, in a folder that exists.
    ///
    /// Fails if there is no `ffmpeg`, or if nothing can be written there.
    pub fn create(path: &Path, kind: &str, picture: Picture) -> Result<Self, RenderError> {
        let io = |e| RenderError::io(path, e);
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        let unfinished = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(io)?;
        let words = tempfile::tempfile().map_err(io)?;
        let mut child = Command::new("ffmpeg")
            .args(arguments(kind, picture))
            .arg(unfinished.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(words.try_clone().map_err(io)?)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => RenderError::NoFfmpeg { path: path.into() },
                _ => RenderError::io(path, error),
            })?;
        let pipe = child.stdin.take().map(BufWriter::new);
        Ok(Self {
            path: path.into(),
            frames: pipe.map(|pipe| Box::new(Y4mPipe::new(pipe, picture))),
            child,
            unfinished: Some(unfinished),
            words,
        })
    }

    /// Why the film will not be: a pipe that breaks says only that ffmpeg is gone.
    fn failed(&mut self, error: RenderError) -> RenderError {
        let RenderError::Io { source, .. } = error else {
            return error;
        };
        self.frames = None;
        let ended = self.child.wait();
        let path = self.path.clone();
        match (source.kind(), ended) {
            (io::ErrorKind::BrokenPipe, Ok(status)) => {
                let reason = self.words().unwrap_or_else(|| status.to_string());
                RenderError::Film { path, reason }
            }
            _ => RenderError::Io { path, source },
        }
    }

    /// The last line that ffmpeg said.
    fn words(&mut self) -> Option<String> {
        self.words.rewind().ok()?;
        let mut text = Vec::new();
        (&mut self.words)
            .take(MOST_WORDS)
            .read_to_end(&mut text)
            .ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        text.trim_end().lines().next_back().map(str::to_owned)
    }
}

impl Sink for Film {
    fn write(&mut self, frame: &Frame) -> Result<(), RenderError> {
        let written = match &mut self.frames {
            Some(frames) => frames.write(frame),
            None => Err(RenderError::io(
                &self.path,
                io::ErrorKind::BrokenPipe.into(),
            )),
        };
        written.map_err(|error| self.failed(error))
    }

    fn finish(mut self: Box<Self>) -> Result<(), RenderError> {
        if let Some(frames) = self.frames.take() {
            frames.finish().map_err(|error| self.failed(error))?;
        }
        let path = self.path.clone();
        let status = self.child.wait().map_err(|e| RenderError::io(&path, e))?;
        if !status.success() {
            let reason = self.words().unwrap_or_else(|| status.to_string());
            return Err(RenderError::Film { path, reason });
        }
        match self.unfinished.take() {
            Some(unfinished) => super::publish(unfinished, &path),
            None => Ok(()),
        }
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        // Fails only where the program has already ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What ffmpeg is told, up to the name of the film.
fn arguments(kind: &str, picture: Picture) -> Vec<String> {
    let matrix = match Matrix::assumed(picture.size) {
        Matrix::Bt709 => "bt709",
        _ => "smpte170m",
    };
    let (format, index) = match kind {
        "mkv" => ("matroska", ""),
        kind => (kind, " -movflags +faststart"),
    };
    // Halved chroma needs even sides.
    let line = format!(
        "-v error -nostdin -y -f yuv4mpegpipe -i - -vf pad=ceil(iw/2)*2:ceil(ih/2)*2 -c:v libx264 \
         -crf {QUALITY} -pix_fmt yuv420p -colorspace {matrix} -color_primaries bt709 \
         -color_trc bt709 -color_range tv{index} -f {format}"
    );
    line.split(' ').map(str::to_owned).collect()
}
