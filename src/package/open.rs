//! A title read back from disk: what its manifests promise, checked against what its files hold.

use super::PackageError;
use super::ladder::{rung_id, track_difference};
use super::title::{MASTER, QUALITY, byte_range};
use crate::manifest::{Group, Presentation, QualityReport, Representation, hls};
use crate::prompt::{Factors, KeyframeDecoder};
use crate::segment::coded::CodedSegment;
use crate::segment::file::{FileSegment, MAX_HEAD, MediaFile};
use crate::segment::media::{MediaSegment, read_media};
use crate::segment::{SegmentError, Track};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// Longest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 1 << 26;

/// A published title.
#[derive(Debug, Clone)]
pub struct Title {
    folder: PathBuf,
    presentation: Presentation,
    rungs: Vec<TitleRung>,
}

/// One rung of a published title.
#[derive(Debug, Clone)]
pub struct TitleRung {
    id: String,
    path: PathBuf,
    layout: MediaFile,
}

/// A keyframe as a player sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyframe {
    /// Frame of the segment that it is, from 0.
    pub position: u32,
    /// Its prompt.
    pub factors: Factors,
}

impl Title {
    /// Opens the title at `folder`: reads its playlists and the heads of its media files.
    ///
    /// Fails, naming file and place, if one is missing or damaged, or if files and playlists do
    /// not agree.
    pub fn open(folder: &Path) -> Result<Self, PackageError> {
        let presentation = read_presentation(folder)?;
        let mut rungs = Vec::new();
        for group in &presentation.groups {
            let first = rungs.len();
            for representation in &group.representations {
                let rung = TitleRung::open(folder, representation)?;
                rung.check(group, representation)?;
                rung.check_peer(rungs.get(first))?;
                rungs.push(rung);
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            presentation,
            rungs,
        })
    }

    /// Where the title lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the playlists say, in byte-range form.
    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// The rungs: those of one profile together, by ascending rank.
    pub fn rungs(&self) -> &[TitleRung] {
        &self.rungs
    }

    /// The rung named `id`, such as `mini-r8`.
    pub fn rung(&self, id: &str) -> Result<&TitleRung, PackageError> {
        let rung = self.rungs.iter().find(|rung| rung.id == id);
        rung.ok_or_else(|| PackageError::Absent {
            title: self.folder.clone(),
            what: format!("rung {id}"),
        })
    }

    /// The quality report, if the title has one.
    pub fn quality(&self) -> Result<Option<QualityReport>, PackageError> {
        let path = self.folder.join(QUALITY);
        if !path.exists() {
            return Ok(None);
        }
        let report = serde_json::from_str(&read_text(&path)?);
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        report
            .map_err(invalid)
            .map_err(PackageError::io(&path))
            .map(Some)
    }
}

impl TitleRung {
    fn open(folder: &Path, representation: &Representation) -> Result<Self, PackageError> {
        let path = named_file(folder, MASTER, &representation.url)?;
        let mut file = File::open(&path).map_err(PackageError::io(&path))?;
        let size = file.metadata().map_err(PackageError::io(&path))?.len();
        let mut head = Vec::new();
        let read = file.by_ref().take(MAX_HEAD as u64).read_to_end(&mut head);
        read.map_err(PackageError::io(&path))?;
        let layout = MediaFile::read(&head, size);
        let layout = layout.map_err(PackageError::segment(path.display().to_string()))?;
        Ok(Self {
            id: representation.id.clone(),
            path,
            layout,
        })
    }

    /// Fails unless the file is what its playlist says it is.
    fn check(&self, group: &Group, says: &Representation) -> Result<(), PackageError> {
        let track = self.track();
        let file = self.path.display();
        let differs = |what: &str| {
            let problem = format!("the playlists and {file} differ in {what}");
            Err(PackageError::mixed(&self.id, problem))
        };
        if rung_id(track) != says.id || track.codecs() != says.codecs {
            return differs("profile or rank");
        }
        let size = (group.width, group.height);
        if (track.frame_rate, track.visible) != (group.frame_rate, size) {
            return differs("frame rate or picture size");
        }
        if says.segments.len() != self.segments().len() {
            return differs("the number of segments");
        }
        for (number, (a, b)) in (1..).zip(says.segments.iter().zip(self.segments())) {
            let time = (a.start, a.duration) == (b.start, b.duration);
            if !time || a.range != Some(byte_range(&b.range)) {
                return differs(&format!("time or place of segment {number}"));
            }
        }
        Ok(())
    }

    /// Fails unless a player could switch between this rung and `peer`.
    fn check_peer(&self, peer: Option<&Self>) -> Result<(), PackageError> {
        let difference = peer.and_then(|peer| {
            let what = track_difference(peer.track(), self.track())?;
            Some(format!("its {what} differs from {}'s", peer.id))
        });
        match difference {
            None => Ok(()),
            Some(problem) => Err(PackageError::mixed(&self.id, problem)),
        }
    }

    /// Its name, such as `mini-r8`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its media file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its configuration.
    pub fn track(&self) -> &Track {
        &self.layout.init.track
    }

    /// What lies where in the file.
    pub fn layout(&self) -> &MediaFile {
        &self.layout
    }

    /// Its segments, in order.
    pub fn segments(&self) -> &[FileSegment] {
        &self.layout.segments
    }

    /// The bytes of segment `index` (from 0), as a segment URL names them.
    pub fn bytes(&self, index: usize) -> Result<Vec<u8>, PackageError> {
        let segment = self
            .segments()
            .get(index)
            .ok_or_else(|| PackageError::Absent {
                title: self.path.clone(),
                what: format!("segment {}", index + 1),
            })?;
        let (start, size) = (segment.range.start, segment.range.end - segment.range.start);
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            file.take(size).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(PackageError::io(&self.path))
    }

    /// The samples of segment `index`.
    pub fn media(&self, index: usize) -> Result<MediaSegment, PackageError> {
        let bytes = self.bytes(index)?;
        read_media(&bytes).map_err(self.in_segment(index))
    }

    /// The coded keyframes of segment `index`.
    pub fn coded(&self, index: usize) -> Result<CodedSegment, PackageError> {
        let media = self.media(index)?;
        CodedSegment::read(self.track(), &media).map_err(self.in_segment(index))
    }

    /// The decoded keyframes of segment `index`.
    pub fn keyframes(&self, index: usize) -> Result<Vec<Keyframe>, PackageError> {
        let coded = self.coded(index)?;
        let failed = |source| PackageError::Prompt {
            file: self.path.display().to_string(),
            segment: index + 1,
            source,
        };
        let mut decoder = KeyframeDecoder::new(self.track().coding).map_err(failed)?;
        let mut keyframes = Vec::with_capacity(coded.keyframes.len());
        for keyframe in &coded.keyframes {
            let layers: Vec<&[u8]> = keyframe.layers.iter().map(AsRef::as_ref).collect();
            keyframes.push(Keyframe {
                position: keyframe.position,
                factors: decoder.push(&layers).map_err(failed)?,
            });
        }
        Ok(keyframes)
    }

    fn in_segment(&self, index: usize) -> impl FnOnce(SegmentError) -> PackageError {
        PackageError::segment(format!("{}: segment {}", self.path.display(), index + 1))
    }
}

fn read_presentation(folder: &Path) -> Result<Presentation, PackageError> {
    let path = folder.join(MASTER);
    let named = path.display().to_string();
    let mut master = hls::Master::read(&named, &read_text(&path)?)?;
    let urls: Vec<String> = master.media().map(str::to_owned).collect();
    for (index, url) in urls.iter().enumerate() {
        master.fill(index, &read_text(&named_file(folder, MASTER, url)?)?)?;
    }
    let urls: Vec<String> = master.iframes().map(str::to_owned).collect();
    for (index, url) in urls.iter().enumerate() {
        master.fill_iframes(index, &read_text(&named_file(folder, MASTER, url)?)?)?;
    }
    Ok(master.finish()?)
}

/// The file that `manifest` calls `url`: inside the title and there.
fn named_file(folder: &Path, manifest: &str, url: &str) -> Result<PathBuf, PackageError> {
    let relative = Path::new(url);
    let inside = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let path = folder.join(relative);
    if inside && path.is_file() {
        return Ok(path);
    }
    Err(PackageError::MissingFile {
        manifest: folder.join(manifest),
        url: url.to_owned(),
    })
}

fn read_text(path: &Path) -> Result<String, PackageError> {
    let read = || {
        let file = File::open(path)?;
        if file.metadata()?.len() > MAX_MANIFEST {
            let message = "too long for a manifest: more than 64 MiB";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        fs::read_to_string(path)
    };
    read().map_err(PackageError::io(path))
}
