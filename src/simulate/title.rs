//! A title on disk: its HLS playlists, and the sample boundaries from the heads (`moof`) of its segments.

use crate::manifest::hls::Master;
use crate::manifest::{ByteRange, Group, ManifestError, Presentation, Representation};
use crate::network::file::{self, Unreadable};
use crate::player::ladder::SampleEnd;
use crate::segment::SegmentError;
use crate::segment::media::sample_ends;
use crate::time::{MediaTime, Timescale};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The master playlist of a title directory.
const MASTER: &str = "master.m3u8";

/// Upper bound of a segment's head, bytes: room for 8,000 samples.
const MAX_HEAD: u64 = 64 << 10;

/// A title that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TitleError {
    /// A playlist is missing or unreadable.
    #[error("{}: expected a title directory, a master.m3u8 or an http:// URL", _0.file.display())]
    Read(#[source] Unreadable),
    /// A malformed playlist.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A media file that cannot be read.
    #[error(transparent)]
    Media(#[from] Unreadable),
    /// A malformed segment.
    #[error("{}: segment at byte {start}: {source}", file.display())]
    Segment {
        /// The file.
        file: PathBuf,
        /// First byte of the segment in the file, from the playlist.
        start: u64,
        /// The parser's error.
        #[source]
        source: Box<SegmentError>,
    },
}

/// Reads the presentation of the title in the directory `path`, or of the master playlist `path`.
pub fn read(path: &Path) -> Result<Presentation, TitleError> {
    let file = if path.is_dir() {
        path.join(MASTER)
    } else {
        path.to_owned()
    };
    let mut master = Master::read(&file.display().to_string(), &text(&file)?)?;
    let folder = folder(path);
    let playlists: Vec<PathBuf> = master.media().map(|url| folder.join(url)).collect();
    for (index, playlist) in playlists.iter().enumerate() {
        master.fill(index, &text(playlist)?)?;
    }
    Ok(master.finish()?)
}

/// The folder of the title at `path`.
pub fn folder(path: &Path) -> &Path {
    if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(Path::new(""))
    }
}

/// Sample boundaries of every segment of `group`, in the order of `Ladder::with_samples`. Empty if the
/// media files are absent or the title has one URL per segment.
pub fn samples(path: &Path, group: &Group) -> Result<Vec<Vec<SampleEnd>>, TitleError> {
    let timescale = group.frame_rate.timescale();
    let mut rungs = Vec::new();
    for rung in &group.representations {
        match of_rung(folder(path), rung, timescale)? {
            Some(ends) => rungs.push(ends.into_iter()),
            None => return Ok(Vec::new()),
        }
    }
    let segments = group
        .representations
        .first()
        .map_or(0, |rung| rung.segments.len());
    let mut rows = Vec::new();
    for _ in 0..segments {
        rows.extend(rungs.iter_mut().filter_map(Iterator::next));
    }
    Ok(rows)
}

/// Sample boundaries of one rung, segment by segment; `None` without a media file.
fn of_rung(
    folder: &Path,
    rung: &Representation,
    timescale: Timescale,
) -> Result<Option<Vec<Vec<SampleEnd>>>, TitleError> {
    let file = folder.join(&rung.url);
    let ranges: Option<Vec<ByteRange>> = rung.segments.iter().map(|s| s.range).collect();
    let (Some(ranges), true) = (ranges, file.is_file()) else {
        return Ok(None);
    };
    let unreadable = |source| Unreadable {
        file: file.clone(),
        content: "segments",
        source,
    };
    let mut media = File::open(&file).map_err(unreadable)?;
    let segments = ranges.iter().map(|range| {
        let head = head(&mut media, *range).map_err(unreadable)?;
        let ends = sample_ends(&head).map_err(|source| TitleError::Segment {
            file: file.clone(),
            start: range.start,
            source: Box::new(source),
        })?;
        let end = |(bytes, ticks)| SampleEnd {
            bytes,
            seconds: MediaTime::new(ticks, timescale).seconds(),
        };
        Ok(ends.into_iter().map(end).collect())
    });
    segments.collect::<Result<_, _>>().map(Some)
}

/// The first bytes of a segment, its `moof` included.
fn head(media: &mut File, range: ByteRange) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    media.seek(SeekFrom::Start(range.start))?;
    let length = range.length.min(MAX_HEAD);
    media.take(length).read_to_end(&mut head)?;
    Ok(head)
}

fn text(path: &Path) -> Result<String, TitleError> {
    file::text(path, "playlist").map_err(TitleError::Read)
}
