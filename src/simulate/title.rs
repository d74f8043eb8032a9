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
use std::vec;

const MASTER: &str = "master.m3u8";

/// Upper bound of a segment's head, bytes: room for 8,000 samples.
const MAX_HEAD: u64 = 64 << 10;

/// A title that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum TitleError {
    #[error("{}: expected a title directory, a master.m3u8 or an http:// URL", _0.file.display())]
    Read(#[source] Unreadable),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Media(#[from] Unreadable),
    #[error("{}: segment at byte {start}: {source}", file.display())]
    Segment {
        file: PathBuf,
        start: u64,
        #[source]
        source: Box<SegmentError>,
    },
}

/// Reads the presentation of the title in the directory `path`, or of the master playlist `path`.
pub fn read(path: &Path) -> Result<Presentation, TitleError> {
    let folder = folder(path);
    let file = match path.is_dir() {
        true => &folder.join(MASTER),
        false => path,
    };
    let text = |file: &Path| file::text(file, "playlist").map_err(TitleError::Read);
    let mut master = Master::read(&file.display().to_string(), &text(file)?)?;
    let playlists: Vec<PathBuf> = master.media().map(|url| folder.join(url)).collect();
    for (index, playlist) in playlists.iter().enumerate() {
        master.fill(index, &text(playlist)?)?;
    }
    Ok(master.finish()?)
}

/// The folder of the title at `path`.
pub fn folder(path: &Path) -> &Path {
    match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or(Path::new("")),
    }
}

/// Sample boundaries of every segment of `group`, in the order of `Ladder::with_samples`. Empty if the
/// media files are absent or the title has one URL per segment.
pub fn samples(path: &Path, group: &Group) -> Result<Vec<Vec<SampleEnd>>, TitleError> {
    let timescale = group.frame_rate.timescale();
    let rungs = &group.representations;
    let read = rungs
        .iter()
        .map(|rung| of_rung(folder(path), rung, timescale));
    let Some(mut read) = read.collect::<Result<Option<Vec<_>>, _>>()? else {
        return Ok(Vec::new());
    };
    let segments = 0..rungs.first().map_or(0, |rung| rung.segments.len());
    let rows = segments.flat_map(|_| {
        read.iter_mut()
            .filter_map(Iterator::next)
            .collect::<Vec<_>>()
    });
    Ok(rows.collect())
}

/// Sample boundaries of one rung, segment by segment; `None` without a media file.
fn of_rung(
    folder: &Path,
    rung: &Representation,
    timescale: Timescale,
) -> Result<Option<vec::IntoIter<Vec<SampleEnd>>>, TitleError> {
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
        Ok::<_, TitleError>(ends.into_iter().map(end).collect())
    });
    let segments: Vec<_> = segments.collect::<Result<_, _>>()?;
    Ok(Some(segments.into_iter()))
}

/// The first bytes of a segment, its `moof` included.
fn head(media: &mut File, range: ByteRange) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    media.seek(SeekFrom::Start(range.start))?;
    let length = range.length.min(MAX_HEAD);
    media.take(length).read_to_end(&mut head)?;
    Ok(head)
}
