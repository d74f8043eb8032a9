//! Synthetic titles: random bytes as media, manifests by the real writers.

use promptus::manifest::{
    ByteRange, Group, PUBLISHED, Presentation, Publication, Representation, SegmentRef, dash, hls,
    measure_rates,
};
use promptus::time::FrameRate;
use std::fs;
use std::path::Path;

/// When every title was published: 1 January 2026.
const PUBLISHED_AT: u64 = 1_767_225_600;

/// The hash folder of a title of this seed.
pub(crate) fn hash(seed: u64) -> String {
    format!("{:016x}", 0xabcd_0000_0000_0000 ^ seed)
}

/// Publishes a title with rungs of 2 and 8 components and segments of about `size` bytes a
/// component, as the packager does: hash folder first, manifests last.
pub(crate) fn publish(root: &Path, name: &str, seed: u64, size: u64) -> Presentation {
    let (folder, hash) = (root.join(name), hash(seed));
    let title = publish_with(
        &folder,
        &hash,
        &[2, 8],
        &[48, 48, 36],
        size,
        |file, rung| {
            let bytes = noise(seed ^ u64::from(rung.rank), file_size(rung));
            fs::write(file, bytes).unwrap();
            fs::write(folder.join("quality.json"), r#"{"version":1,"rungs":[]}"#).unwrap();
            fs::write(folder.join("poster.jpg"), b"\xff\xd8 not really a picture").unwrap();
        },
    );
    let names = ["master.m3u8", "manifest.mpd", "quality.json", "poster.jpg"];
    let files = names.map(|name| fs::read(folder.join(name)).unwrap());
    let files = names.into_iter().zip(files.iter().map(Vec::as_slice));
    let mut publication = Publication::default();
    publication.date_edition(&hash, PUBLISHED_AT);
    publication.date_files(files, PUBLISHED_AT);
    fs::write(folder.join(PUBLISHED), publication.write()).unwrap();
    title
}

/// Publishes a title of one rung with so many segments of two seconds, the nth of 9000 + n bytes,
/// in a sparse file. Returns the path of the file.
pub(crate) fn publish_long(root: &Path, name: &str, segments: usize) -> String {
    let (folder, frames) = (root.join(name), vec![48; segments]);
    let title = publish_with(&folder, &hash(0), &[8], &frames, 9000 / 8, |file, rung| {
        let file = fs::File::create(file).unwrap();
        file.set_len(file_size(rung)).unwrap();
    });
    format!("{name}/{}", first(&title))
}

/// Publishes rungs of segments of so many frames each; `fill` writes the file of a rung.
fn publish_with(
    folder: &Path,
    hash: &str,
    ranks: &[u32],
    frames: &[u64],
    size: u64,
    fill: impl Fn(&Path, &Representation),
) -> Presentation {
    fs::create_dir_all(folder.join(hash)).unwrap();
    let frame_rate = FrameRate::new(24, 1).unwrap();
    let rungs = ranks.iter().map(|&rank| rung(hash, rank, frames, size));
    let presentation = Presentation {
        duration: frame_rate.time_of(frames.iter().sum()),
        quality_url: Some("quality.json".into()),
        groups: vec![Group {
            profile: "mini".into(),
            frame_rate,
            width: 256,
            height: 144,
            pixel_aspect: (1, 1),
            weights: "5e".repeat(32),
            weights_url: None,
            independent_segments: true,
            representations: rungs.collect(),
            layers: Vec::new(),
        }],
    };
    for rung in &presentation.groups[0].representations {
        fill(&folder.join(&rung.url), rung);
    }
    let mpd = dash::write(&presentation).unwrap();
    fs::write(folder.join("manifest.mpd"), mpd).unwrap();
    for playlist in hls::write(&presentation).unwrap() {
        fs::write(folder.join(playlist.url), playlist.text).unwrap();
    }
    presentation
}

/// The path of the file of the first rung, relative to the title.
pub(crate) fn first(title: &Presentation) -> &str {
    &title.groups[0].representations[0].url
}

fn file_size(rung: &Representation) -> u64 {
    rung.segments.last().unwrap().range.unwrap().end()
}

/// A rung whose nth segment has n bytes more than `size` a component.
fn rung(hash: &str, rank: u32, frames: &[u64], size: u64) -> Representation {
    let rate = FrameRate::new(24, 1).unwrap();
    let url = format!("{hash}/mini-r{rank}.mp4");
    let (mut frame, mut start) = (0, 900);
    let segment = |(number, count): (u64, &u64)| {
        let length = size * u64::from(rank) + number;
        let segment = SegmentRef {
            start: rate.time_of(frame),
            duration: rate.time_of(*count),
            url: url.clone(),
            range: Some(ByteRange { start, length }),
            key_frame_end: Some(length / 4),
            sap: true,
        };
        frame += count;
        start += length;
        segment
    };
    let segments: Vec<SegmentRef> = (1..).zip(frames).map(segment).collect();
    let rates = measure_rates(800, &segments);
    let range = |start, length| Some(ByteRange { start, length });
    Representation {
        id: format!("mini-r{rank}"),
        rank,
        bandwidth: rates.peak,
        average_bandwidth: rates.average,
        codecs: "prm1.mini.3".into(),
        score: f64::from(rank),
        url,
        init: range(0, 800),
        index: range(800, 100),
        segments,
    }
}

/// Pseudorandom bytes from a seed (a linear congruential generator).
pub(crate) fn noise(seed: u64, length: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}
