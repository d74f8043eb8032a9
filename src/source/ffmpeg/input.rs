//! The input of the programs: a file, a URL, or the bytes of a pipe.
//!
//! A pipe can be read only once, but is probed several times before decoding: its first megabytes are
//! kept and fed to every probe. A pipe that ends within them becomes a temporary file, so that
//! containers with their index at the end can be read as well.

use crate::source::error::SourceError;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// Bytes of a pipe that are kept for probing.
const HEAD: u64 = 4 << 20;

pub(in crate::source) struct Input {
    /// Name given by the user.
    name: PathBuf,
    place: Place,
}

enum Place {
    File(OsString),
    Url(OsString),
    Spooled(NamedTempFile),
    Piped {
        head: Arc<Vec<u8>>,
        rest: Option<Box<dyn Read + Send>>,
    },
}

impl Input {
    /// A local file of any name.
    pub(in crate::source) fn file(path: &Path) -> Self {
        Self {
            name: path.into(),
            place: Place::File(file_url(path)),
        }
    }

    /// A URL of a protocol that ffmpeg has.
    pub(in crate::source) fn url(url: &Path) -> Self {
        Self {
            name: url.into(),
            place: Place::Url(url.into()),
        }
    }

    /// The bytes of `stream`, called `name` in messages. Waits for the first of them.
    pub(in crate::source) fn pipe(
        mut stream: Box<dyn Read + Send>,
        name: &Path,
    ) -> Result<Self, SourceError> {
        let io = |error| SourceError::io(name, error);
        let mut head = Vec::new();
        let read = stream.by_ref().take(HEAD).read_to_end(&mut head);
        read.map_err(io)?;
        if head.is_empty() {
            return Err(SourceError::empty(name));
        }
        let place = if (head.len() as u64) < HEAD {
            let mut file = NamedTempFile::new().map_err(io)?;
            file.write_all(&head).map_err(io)?;
            Place::Spooled(file)
        } else {
            let (head, rest) = (Arc::new(head), Some(stream));
            Place::Piped { head, rest }
        };
        let name = name.into();
        Ok(Self { name, place })
    }

    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// Whether the whole input is local, so that reading ahead is cheap.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.place, Place::File(_) | Place::Spooled(_))
    }

    /// Starts `ffprobe` with these arguments before the input, and feeds it the pipe's first bytes.
    pub(super) fn probe(&self, arguments: &[&str]) -> Result<Child, SourceError> {
        let mut child = self.start("ffprobe", arguments, &[])?;
        if let Place::Piped { head, .. } = &self.place {
            let head = Arc::clone(head);
            feed(&mut child, move |pipe| pipe.write_all(&head));
        }
        Ok(child)
    }

    /// Starts `ffmpeg` with the input between two lists of arguments, and feeds it the whole pipe,
    /// which can be done once.
    pub(super) fn decode(&mut self, before: &[&str], after: &[&str]) -> Result<Child, SourceError> {
        let mut child = self.start("ffmpeg", before, after)?;
        if let Place::Piped { head, rest } = &mut self.place {
            let (head, rest) = (Arc::clone(head), rest.take());
            feed(&mut child, move |pipe| {
                pipe.write_all(&head)?;
                rest.map_or(Ok(()), |mut rest| io::copy(&mut rest, pipe).map(drop))
            });
        }
        Ok(child)
    }

    fn start(
        &self,
        program: &'static str,
        before: &[&str],
        after: &[&str],
    ) -> Result<Child, SourceError> {
        let (place, stdin) = match &self.place {
            Place::File(url) | Place::Url(url) => (url.clone(), Stdio::null()),
            Place::Spooled(file) => (file_url(file.path()), Stdio::null()),
            Place::Piped { .. } => ("pipe:0".into(), Stdio::piped()),
        };
        let mut command = Command::new(program);
        command.args(before).arg("-i").arg(place).args(after);
        command.stdin(stdin);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| {
            let path = self.name.clone();
            if error.kind() == io::ErrorKind::NotFound {
                return SourceError::FfmpegMissing { path, program };
            }
            SourceError::invalid(&path, format!("{program} did not start: {error}"))
        })
    }
}

/// A local file's name as both programs take it, also one that begins like an option or a URL.
fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// Writes to the standard input of `child` from a thread. A child that reads no further closes the
/// pipe, which ends the thread without an error.
fn feed(child: &mut Child, write: impl FnOnce(&mut ChildStdin) -> io::Result<()> + Send + 'static) {
    if let Some(mut pipe) = child.stdin.take() {
        std::thread::spawn(move || write(&mut pipe));
    }
}
