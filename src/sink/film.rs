//! Frames as a film: H.264 in MP4, MOV or Matroska, encoded by the program `ffmpeg`.
//!
//! Frames are piped to it as y4m, so its input equals a [`super::Y4mFile`]; chroma is halved as players
//! expect. Without sound.

use super::error::SinkError;
use super::format::{FrameFormat, Sink};
use super::publish::{beside, publish};
use super::y4m::Y4mPipe;
use crate::frame::Frame;
use crate::source::Matrix;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use tempfile::NamedTempFile;

/// x264's constant rate factor: visually lossless.
const QUALITY: &str = "16";

/// Bytes of ffmpeg's messages that are read at most.
const MESSAGES_BYTES: u64 = 1 << 16;

/// A film that appears under its name when it is finished.
#[derive(Debug)]
pub struct Film {
    path: PathBuf,
    frames: Option<Box<Y4mPipe<ChildStdin>>>,
    child: Child,
    /// The output file until ffmpeg is done.
    unfinished: Option<NamedTempFile>,
    messages: File,
}

impl Film {
    /// Starts the film `path`, of kind `mp4`, `mov` or `mkv`, in a folder that exists.
    ///
    /// Fails if there is no `ffmpeg`, or if nothing can be written there.
    pub fn create(path: &Path, kind: &str, format: FrameFormat) -> Result<Self, SinkError> {
        let io = |e| SinkError::io(path, e);
        let unfinished = beside(path)?;
        let messages = tempfile::tempfile().map_err(io)?;
        let mut child = Command::new("ffmpeg")
            .args(arguments(kind, format))
            .arg(unfinished.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(messages.try_clone().map_err(io)?)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => SinkError::NoFfmpeg { path: path.into() },
                _ => SinkError::io(path, error),
            })?;
        let pipe = child.stdin.take();
        Ok(Self {
            path: path.into(),
            frames: pipe.map(|pipe| Box::new(Y4mPipe::new(pipe, format))),
            child,
            unfinished: Some(unfinished),
            messages,
        })
    }

    /// The cause of a failed write: a broken pipe means that ffmpeg ended, and its message says why.
    fn failed(&mut self, error: SinkError) -> SinkError {
        let SinkError::Io { source, .. } = error else {
            return error;
        };
        self.frames = None;
        let ended = self.child.wait();
        let path = self.path.clone();
        match (source.kind(), ended) {
            (io::ErrorKind::BrokenPipe, Ok(status)) => {
                let reason = self.last_message().unwrap_or_else(|| status.to_string());
                SinkError::Film { path, reason }
            }
            _ => SinkError::Io { path, source },
        }
    }

    fn last_message(&mut self) -> Option<String> {
        self.messages.rewind().ok()?;
        let mut text = Vec::new();
        let messages = &mut self.messages;
        messages.take(MESSAGES_BYTES).read_to_end(&mut text).ok()?;
        let text = String::from_utf8_lossy(&text);
        text.trim_end().lines().next_back().map(str::to_owned)
    }
}

impl Sink for Film {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let written = match &mut self.frames {
            Some(frames) => frames.write(frame),
            None => Err(SinkError::io(&self.path, io::ErrorKind::BrokenPipe.into())),
        };
        written.map_err(|error| self.failed(error))
    }

    fn finish(mut self: Box<Self>) -> Result<(), SinkError> {
        if let Some(frames) = self.frames.take() {
            frames.finish().map_err(|error| self.failed(error))?;
        }
        let path = self.path.clone();
        let status = self.child.wait().map_err(|e| SinkError::io(&path, e))?;
        if !status.success() {
            let reason = self.last_message().unwrap_or_else(|| status.to_string());
            return Err(SinkError::Film { path, reason });
        }
        match self.unfinished.take() {
            Some(unfinished) => publish(unfinished, &path),
            None => Ok(()),
        }
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        // Fails only if the program has already ended, which is the aim.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn arguments(kind: &str, format: FrameFormat) -> Vec<String> {
    let matrix = match Matrix::assumed(format.size) {
        Matrix::Bt709 => "bt709",
        _ => "smpte170m",
    };
    let (container, index) = match kind {
        "mkv" => ("matroska", ""),
        kind => (kind, " -movflags +faststart"),
    };
    // Halved chroma needs even sides.
    let line = format!(
        "-v error -nostdin -y -f yuv4mpegpipe -i - -vf pad=ceil(iw/2)*2:ceil(ih/2)*2 -c:v libx264 \
         -crf {QUALITY} -pix_fmt yuv420p -colorspace {matrix} -color_primaries bt709 \
         -color_trc bt709 -color_range tv{index} -f {container}"
    );
    line.split(' ').map(str::to_owned).collect()
}
