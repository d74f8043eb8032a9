//! A title read from disk, its manifests checked against its media files.

use super::PackageError;
use super::ladder::track_difference;
use super::rung::{Keyframe, Rung, decode, rung_id};
use super::title::{MASTER, MPD, POSTER, QUALITY, SOURCE, TitleContent, byte_range};
use crate::manifest::{
    Group, Layer, Presentation, QualityReport, Representation, SourceRecord, dash, hls,
};
use crate::segment::coded::CodedSegment;
use crate::segment::file::{FileSegment, MAX_HEAD, MediaFile};
use crate::segment::media::{MediaSegment, read_media};
use crate::segment::{SegmentError, Track};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// Longest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 1 << 26;

/// A published title.
#[derive(Debug, Clone)]
pub struct Title {
    folder: PathBuf,
    presentation: Presentation,
    rungs: Vec<TitleRung>,
    layers: Vec<TitleRung>,
}

/// One rung of a published title, or one of its layers.
#[derive(Debug, Clone)]
pub struct TitleRung {
    id: String,
    path: PathBuf,
    layout: MediaFile,
}

impl Title {
    /// Opens the title at `folder`: reads its playlists and the heads of its media files.
    ///
    /// Fails, naming file and place, if one is missing or damaged, or if files and playlists do
    /// not agree.
    pub fn open(folder: &Path) -> Result<Self, PackageError> {
        let presentation = read_presentation(folder)?;
        let (mut rungs, mut layers) = (Vec::new(), Vec::new());
        for group in &presentation.groups {
            let first = rungs.len();
            for representation in &group.representations {
                let rung = TitleRung::open(folder, representation)?;
                rung.check(group, representation)?;
                rung.check_peer(rungs.get(first))?;
                rungs.push(rung);
            }
            for layer in &group.layers {
                let file = TitleRung::open(folder, &layer.stream)?;
                file.check_layer(group, layer)?;
                file.check_peer(rungs.get(first))?;
                layers.push(file);
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            presentation,
            rungs,
            layers,
        })
    }

    /// Folder of the title.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Content of the playlists, with byte ranges.
    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// The rungs: those of one profile together, by ascending rank.
    pub fn rungs(&self) -> &[TitleRung] {
        &self.rungs
    }

    /// The layers, if the title has any: those of one profile together, by ascending rank. See
    /// [`join`](super::join).
    pub fn layers(&self) -> &[TitleRung] {
        &self.layers
    }

    /// The rung named `id`, such as `mini-r8`.
    pub fn rung(&self, id: &str) -> Result<&TitleRung, PackageError> {
        let rung = self.rungs.iter().find(|rung| rung.id == id);
        rung.ok_or_else(|| absent(&self.folder, &format!("rung {id}")))
    }

    /// The rungs, quality report, source record and poster, without layers.
    ///
    /// Fails if a segment is damaged.
    pub fn content(&self) -> Result<TitleContent, PackageError> {
        let rungs = self.rungs.iter().map(|rung| {
            let segments = (0..rung.segments().len()).map(|index| rung.coded(index));
            Ok(Rung {
                track: rung.track().clone(),
                segments: segments.collect::<Result<_, PackageError>>()?,
            })
        });
        let poster = self.folder.join(POSTER);
        let mut groups = self.presentation.groups.iter();
        Ok(TitleContent {
            rungs: rungs.collect::<Result<_, PackageError>>()?,
            layers: false,
            quality: self.quality()?,
            source: self.source()?,
            poster: match poster.is_file() {
                true => Some(fs::read(&poster).map_err(PackageError::io(&poster))?),
                false => None,
            },
            weights_url: groups.find_map(|group| group.weights_url.clone()),
        })
    }

    /// The quality report, if the title has one.
    pub fn quality(&self) -> Result<Option<QualityReport>, PackageError> {
        self.json(QUALITY)
    }

    /// How the pictures were made, if the title says so.
    pub fn source(&self) -> Result<Option<SourceRecord>, PackageError> {
        let record: Option<SourceRecord> = self.json(SOURCE)?;
        match record {
            Some(SourceRecord { version, .. }) if version != SourceRecord::VERSION => {
                let (place, known) = (self.folder.join(SOURCE), SourceRecord::VERSION);
                let problem = format!("version {version}, expected {known}");
                Err(PackageError::invalid(place.display(), problem))
            }
            record => Ok(record),
        }
    }

    fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, PackageError> {
        let path = self.folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        let content = serde_json::from_str(&read_text(&path)?);
        content
            .map_err(|error| PackageError::invalid(path.display(), error.to_string()))
            .map(Some)
    }
}

impl TitleRung {
    fn open(folder: &Path, representation: &Representation) -> Result<Self, PackageError> {
        let path = named_file(folder, &representation.url)?;
        let (mut head, mut size) = (Vec::new(), 0);
        let mut read = || {
            let file = File::open(&path)?;
            size = file.metadata()?.len();
            file.take(MAX_HEAD as u64).read_to_end(&mut head)
        };
        read().map_err(PackageError::io(&path))?;
        let layout = MediaFile::read(&head, size);
        let layout = layout.map_err(PackageError::segment(path.display().to_string()))?;
        Ok(Self {
            id: representation.id.clone(),
            path,
            layout,
        })
    }

    fn differs(&self, manifest: &str, what: &str) -> Result<(), PackageError> {
        let file = self.path.display();
        let problem = format!("{manifest} and {file} differ in {what}");
        Err(PackageError::invalid(&self.id, problem))
    }

    /// Fails unless the file agrees with the MPD and lies on the rungs' segment grid.
    fn check_layer(&self, group: &Group, says: &Layer) -> Result<(), PackageError> {
        let track = self.track();
        let differs = |what: &str| self.differs("the MPD", what);
        let first = track.first_component;
        if rung_id(track) != says.stream.id || first != says.first_component as usize {
            return differs("profile or components");
        }
        let places = (says.stream.init, says.stream.index);
        let init = byte_range(&self.layout.init_range);
        if places != (Some(init), Some(byte_range(&self.layout.index_range))) {
            return differs("the place of the init segment or of the index");
        }
        let rung = group.representations.first();
        let grid = rung.map_or(&[][..], |rung| &rung.segments);
        let times = grid.iter().map(|segment| (segment.start, segment.duration));
        let own = self.segments().iter().map(|s| (s.start, s.duration));
        match own.eq(times) {
            true => Ok(()),
            false => differs("the times of segments from the rungs"),
        }
    }

    /// Fails unless the file agrees with its playlist.
    fn check(&self, group: &Group, says: &Representation) -> Result<(), PackageError> {
        let track = self.track();
        let differs = |what: &str| self.differs("the playlists", what);
        if rung_id(track) != says.id || track.codecs() != says.codecs {
            return differs("profile or rank");
        }
        // Titles of earlier versions state pixels where HLS asks for the size as displayed.
        let size = (group.width, group.height);
        let fits = size == track.visible
            || group.width == 0
            || group.display_size() == track.display_size();
        if track.frame_rate != group.frame_rate || !fits {
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
        if let Some(peer) = peer
            && let Some(what) = track_difference(peer.track(), self.track())
        {
            let problem = format!("its {what} differs from {}'s", peer.id);
            return Err(PackageError::invalid(&self.id, problem));
        }
        Ok(())
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

    /// Layout of the file.
    pub fn layout(&self) -> &MediaFile {
        &self.layout
    }

    /// Its segments, in order.
    pub fn segments(&self) -> &[FileSegment] {
        &self.layout.segments
    }

    /// The bytes of segment `index` (from 0), as a segment URL names them.
    pub fn bytes(&self, index: usize) -> Result<Vec<u8>, PackageError> {
        let segment = self.segments().get(index);
        let none = || absent(&self.path, &format!("segment {}", index + 1));
        let range = byte_range(&segment.ok_or_else(none)?.range);
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(range.start))?;
            let mut bytes = Vec::new();
            file.take(range.length).read_to_end(&mut bytes)?;
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

    /// The decoded keyframes of segment `index`. A layer alone has none: see
    /// [`join`](super::join).
    pub fn keyframes(&self, index: usize) -> Result<Vec<Keyframe>, PackageError> {
        if self.track().first_component > 0 {
            let problem = "a layer has no prompts without the rung below it";
            return Err(PackageError::invalid(&self.id, problem));
        }
        let (coded, file) = (self.coded(index)?, self.path.display().to_string());
        decode(&file, index + 1, self.track(), &coded)
    }

    fn in_segment(&self, index: usize) -> impl FnOnce(SegmentError) -> PackageError {
        PackageError::segment(format!("{}: segment {}", self.path.display(), index + 1))
    }
}

/// The playlists' content, with the layers of the MPD, which alone can name them. An MPD of another
/// edition is ignored: while a title is being published it is replaced first.
fn read_presentation(folder: &Path) -> Result<Presentation, PackageError> {
    let mut presentation = read_playlists(folder)?;
    let path = folder.join(MPD);
    if path.is_file() {
        let mpd = dash::read(&path.display().to_string(), &read_text(&path)?)?;
        for group in mpd.groups {
            let url = |group: &Group| group.representations.first().map(|rung| rung.url.clone());
            let mut peers = presentation.groups.iter_mut();
            if let Some(peer) = peers.find(|peer| url(peer) == url(&group)) {
                peer.layers = group.layers;
            }
        }
    }
    Ok(presentation)
}

fn read_playlists(folder: &Path) -> Result<Presentation, PackageError> {
    let path = folder.join(MASTER);
    let named = path.display().to_string();
    let mut master = hls::Master::read(&named, &read_text(&path)?)?;
    let urls: Vec<String> = master.media().map(str::to_owned).collect();
    for (index, url) in urls.iter().enumerate() {
        master.fill(index, &read_text(&named_file(folder, url)?)?)?;
    }
    let urls: Vec<String> = master.iframes().map(str::to_owned).collect();
    for (index, url) in urls.iter().enumerate() {
        master.fill_iframes(index, &read_text(&named_file(folder, url)?)?)?;
    }
    Ok(master.finish()?)
}

/// The file that the master playlist names `url`; it must exist, inside the title.
fn named_file(folder: &Path, url: &str) -> Result<PathBuf, PackageError> {
    let path = folder.join(url);
    let mut parts = Path::new(url).components();
    if parts.all(|part| matches!(part, Component::Normal(_))) && path.is_file() {
        return Ok(path);
    }
    let problem = format!("names {url}, which is missing");
    let manifest = folder.join(MASTER);
    Err(PackageError::invalid(manifest.display(), problem))
}

fn absent(place: &Path, part: &str) -> PackageError {
    PackageError::invalid(place.display(), format!("has no {part}"))
}

fn read_text(path: &Path) -> Result<String, PackageError> {
    let size = fs::metadata(path).map_err(PackageError::io(path))?.len();
    if size > MAX_MANIFEST {
        let problem = "too long for a manifest: more than 64 MiB";
        return Err(PackageError::invalid(path.display(), problem));
    }
    fs::read_to_string(path).map_err(PackageError::io(path))
}
