//! Synthetic titles: random bytes as media, manifests by the real writers.

use promptus::manifest::{
    ByteRange, Group, PUBLISHED, Presentation, Publication, Representation, SegmentRef, dash, hls,
    measure_rates,
};
use promptus::time::{FrameRate, MediaTime};
use std::fs;
use std::path::Path;

/// Content of the poster of every title.
pub(crate) const POSTER: &[u8] = b"\xff\xd8 not really a picture";

/// When every title was published: 1 January 2026.
pub(crate) const PUBLISHED_AT: u64 = 1_767_225_600;

/// The hash folder of a title of this seed.
pub(crate) fn hash(seed: u64) -> String {
    format!("{:016x}", 0xabcd_0000_0000_0000 ^ seed)
}

/// Publishes a title with rungs of 2 and 8 components and segments of about `size` bytes each, as
/// the packager does: hash folder first, manifests last.
pub(crate) fn publish(root: &Path, name: &str, seed: u64, size: u64) -> Presentation {
    let folder = root.join(name);
    let hash = hash(seed);
    fs::create_dir_all(folder.join(&hash)).unwrap();
    let rungs: Vec<Representation> = [2, 8]
        .into_iter()
        .map(|rank| {
            let rung = rung(&hash, rank, size * u64::from(rank));
            let bytes = noise(seed ^ u64::from(rank), file_size(&rung));
            fs::write(folder.join(&rung.url), bytes).unwrap();
            rung
        })
        .collect();
    let rate = FrameRate::new(24, 1).unwrap();
    let presentation = presentation(rate.time_of(132), rungs);
    fs::write(folder.join("quality.json"), r#"{"version":1,"rungs":[]}"#).unwrap();
    fs::write(folder.join("poster.jpg"), POSTER).unwrap();
    write_manifests(&folder, &presentation);
    date(&folder, &hash);
    presentation
}

/// Publishes a title of one rung with so many segments of two seconds, the nth of `size` + n bytes,
/// in a sparse file. Returns the URL of the file.
pub(crate) fn publish_long(root: &Path, name: &str, segments: usize, size: u64) -> String {
    let folder = root.join(name);
    let hash = hash(0);
    fs::create_dir_all(folder.join(&hash)).unwrap();
    let grid: Vec<(u64, u64)> = (0..segments as u64).map(|n| (48 * n, 48)).collect();
    let sizes: Vec<u64> = (1..=segments as u64).map(|n| size + n).collect();
    let rung = rung_of(&hash, 8, &grid, &sizes);
    let url = rung.url.clone();
    let file = fs::File::create(folder.join(&url)).unwrap();
    file.set_len(file_size(&rung)).unwrap();
    let rate = FrameRate::new(24, 1).unwrap();
    let presentation = presentation(rate.time_of(48 * segments as u64), vec![rung]);
    write_manifests(&folder, &presentation);
    url
}

fn write_manifests(folder: &Path, presentation: &Presentation) {
    let mpd = dash::write(presentation).unwrap();
    fs::write(folder.join("manifest.mpd"), mpd).unwrap();
    for playlist in hls::write(presentation).unwrap() {
        fs::write(folder.join(playlist.url), playlist.text).unwrap();
    }
}

fn presentation(duration: MediaTime, representations: Vec<Representation>) -> Presentation {
    Presentation {
        duration,
        quality_url: Some("quality.json".into()),
        groups: vec![Group {
            profile: "mini".into(),
            frame_rate: FrameRate::new(24, 1).unwrap(),
            width: 256,
            height: 144,
            pixel_aspect: (1, 1),
            weights: "5e".repeat(32),
            weights_url: None,
            independent_segments: true,
            representations,
            layers: Vec::new(),
        }],
    }
}

/// Writes `published.json` with [`PUBLISHED_AT`].
fn date(folder: &Path, hash: &str) {
    let names = ["master.m3u8", "manifest.mpd", "quality.json", "poster.jpg"];
    let files: Vec<Vec<u8>> = names
        .map(|name| fs::read(folder.join(name)).unwrap())
        .into();
    let files = names.into_iter().zip(files.iter().map(Vec::as_slice));
    let mut publication = Publication::default();
    publication.date_edition(hash, PUBLISHED_AT);
    publication.date_files(files, PUBLISHED_AT);
    fs::write(folder.join(PUBLISHED), publication.write()).unwrap();
}

/// The bytes of the file of a rung.
pub(crate) fn file(root: &Path, name: &str, rung: &Representation) -> Vec<u8> {
    fs::read(root.join(name).join(&rung.url)).unwrap()
}

fn file_size(rung: &Representation) -> u64 {
    rung.segments.last().unwrap().range.unwrap().end()
}

fn rung(hash: &str, rank: u32, size: u64) -> Representation {
    let grid = [(0, 48), (48, 48), (96, 36)];
    let sizes = grid.map(|(frame, _)| size + frame);
    rung_of(hash, rank, &grid, &sizes)
}

/// A rung of segments with these first frames, numbers of frames, and sizes.
fn rung_of(hash: &str, rank: u32, grid: &[(u64, u64)], sizes: &[u64]) -> Representation {
    let rate = FrameRate::new(24, 1).unwrap();
    let url = format!("{hash}/mini-r{rank}.mp4");
    let mut at = 900;
    let segments: Vec<SegmentRef> = grid
        .iter()
        .zip(sizes)
        .map(|(&(frame, frames), &length)| {
            let range = ByteRange { start: at, length };
            at += length;
            SegmentRef {
                start: rate.time_of(frame),
                duration: rate.time_of(frames),
                url: url.clone(),
                range: Some(range),
                key_frame_end: Some(length / 4),
                sap: true,
            }
        })
        .collect();
    let rates = measure_rates(800, &segments);
    Representation {
        id: format!("mini-r{rank}"),
        rank,
        bandwidth: rates.peak,
        average_bandwidth: rates.average,
        codecs: "prm1.mini.3".into(),
        score: f64::from(rank),
        url,
        init: Some(ByteRange {
            start: 0,
            length: 800,
        }),
        index: Some(ByteRange {
            start: 800,
            length: 100,
        }),
        segments,
    }
}

/// Pseudorandom bytes from a seed (xorshift64*).
pub(crate) fn noise(seed: u64, length: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length as usize);
    while bytes.len() < length as usize {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(length as usize);
    bytes
}
