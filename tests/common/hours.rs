//! A long title for players that look at no media: real manifests and indexes, sizes without a pattern,
//! and zeros in the places of segments, so that its files take no room.

use promptus::manifest::{
    ByteRange, Group, Presentation, Representation, SegmentRef, dash, hls, measure_rates,
};
use promptus::segment::sidx::{IndexEntry, SegmentIndex};
use promptus::time::FrameRate;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Bytes of an init segment.
pub(crate) const INIT: u64 = 736;
/// Frames a second.
const RATE: u64 = 24;
const FOLDER: &str = "5e5e5e5e5e5e5e5e";
/// Rank and mean bytes of a segment of every rung.
const RUNGS: [(u32, u64); 4] = [(4, 1800), (7, 2700), (11, 3700), (16, 4600)];

/// Publishes a title of segments of so many frames each, in four rungs.
pub(crate) fn publish_hours(folder: &Path, frames: &[u64]) -> Presentation {
    let rate = FrameRate::new(RATE as u32, 1).unwrap();
    fs::create_dir_all(folder.join(FOLDER)).unwrap();
    let rungs = RUNGS.map(|(rank, size)| rung(folder, rank, size, frames));
    let presentation = Presentation {
        duration: rate.time_of(frames.iter().sum()),
        quality_url: None,
        groups: vec![Group {
            profile: "mini".into(),
            frame_rate: rate,
            width: 256,
            height: 256,
            pixel_aspect: (1, 1),
            weights: "5e".repeat(32),
            weights_url: None,
            independent_segments: true,
            representations: rungs.into(),
            layers: Vec::new(),
        }],
    };
    for playlist in hls::write(&presentation).unwrap() {
        fs::write(folder.join(playlist.url), playlist.text).unwrap();
    }
    fs::write(
        folder.join("manifest.mpd"),
        dash::write(&presentation).unwrap(),
    )
    .unwrap();
    presentation
}

fn rung(folder: &Path, rank: u32, mean: u64, frames: &[u64]) -> Representation {
    let rate = FrameRate::new(RATE as u32, 1).unwrap();
    let url = format!("{FOLDER}/mini-r{rank}.mp4");
    let range = |start, length| Some(ByteRange { start, length });
    let index_bytes = SegmentIndex::prefix_bytes(frames.len()) - 8;
    let mut random = u64::from(rank);
    let (mut frame, mut at) = (0, INIT + index_bytes);
    let (mut segments, mut entries) = (Vec::new(), Vec::new());
    for &count in frames {
        // xorshift64: between half and one and a half of the mean.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let length = mean / 2 + random % mean;
        segments.push(SegmentRef {
            start: rate.time_of(frame),
            duration: rate.time_of(count),
            url: url.clone(),
            range: range(at, length),
            key_frame_end: Some(length / 4),
            sap: true,
        });
        entries.push(IndexEntry {
            size: length as u32,
            duration: rate.time_of(count).ticks as u32,
            starts_with_sap: true,
            sap_type: 1,
        });
        (frame, at) = (frame + count, at + length);
    }
    let index = SegmentIndex {
        timescale: rate.timescale().ticks(),
        start: 0,
        first_offset: 0,
        entries,
    };
    let index = index.to_bytes().unwrap();
    assert_eq!(index.len() as u64, index_bytes);
    let mut file = File::create(folder.join(&url)).unwrap();
    file.write_all(&[0; INIT as usize]).unwrap();
    file.write_all(&index).unwrap();
    file.set_len(at).unwrap();
    let rates = measure_rates(INIT, &segments);
    Representation {
        id: format!("mini-r{rank}"),
        rank,
        bandwidth: rates.peak,
        average_bandwidth: rates.average,
        codecs: format!("prm1.mini.{rank}"),
        score: f64::from(rank),
        url,
        init: range(0, INIT),
        index: range(INIT, index_bytes),
        segments,
    }
}
