//! A title on disk, as far as a simulation needs it: what its HLS playlists say.
//!
//! Media files are not opened; sizes and times stand in the playlists.

use super::file;
use crate::manifest::hls::Master;
use crate::manifest::{ManifestError, Presentation};
use std::io;
use std::path::{Path, PathBuf};

/// The playlist that a title directory is known by.
const MASTER: &str = "master.m3u8";

/// A title that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TitleError {
    /// A playlist is missing or unreadable.
    #[error("{}: expected a title directory, a master.m3u8 or an http:// URL", file.display())]
    Read {
        /// The playlist.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A playlist that makes no sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Reads the presentation of the title in the directory `path`, or of the master playlist `path`.
pub fn read(path: &Path) -> Result<Presentation, TitleError> {
    let file = if path.is_dir() {
        path.join(MASTER)
    } else {
        path.to_owned()
    };
    let mut master = Master::read(&file.display().to_string(), &text(&file)?)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let playlists: Vec<PathBuf> = master.media().map(|url| folder.join(url)).collect();
    for (index, playlist) in playlists.iter().enumerate() {
        master.fill(index, &text(playlist)?)?;
    }
    Ok(master.finish()?)
}

fn text(path: &Path) -> Result<String, TitleError> {
    file::text(path).map_err(|source| TitleError::Read {
        file: path.to_owned(),
        source,
    })
}
