//! Container files through the public interface: pinned bytes, damage, and the output of
//! other programs.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/title.rs"]
mod title;
#[path = "common/tools.rs"]
mod tools;

use promptus::prompt::{CodingId, Interpolation, Quantiser, Shape};
use promptus::segment::coded::CodedSegment;
use promptus::segment::file::{MediaFile, SegmentBytes, assemble};
use promptus::segment::init::{Init, read_init};
use promptus::segment::media::{read_media, read_partial};
use promptus::segment::{StartLatent, Track};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The same as an official chain: reference coding with a payload a keyframe, eight by eight
/// tokens and values.
fn chain_track() -> Track {
    let mut track = title::track(1, "30");
    track.profile = "sd-turbo".to_owned();
    track.coding.coding = CodingId::Reference;
    track.coding.quantiser = Quantiser::REFERENCE;
    track.coding.shape = Shape { tokens: 8, dim: 8 };
    track.coding.grid_width = 0;
    track.coding.full_rank = 1;
    track.interpolation = Interpolation::Factors;
    track.start_latent = StartLatent::Chain;
    track
}

/// The on-demand file of consecutive segments.
fn file(track: &Track, segments: &[CodedSegment]) -> Vec<u8> {
    let mut first_frame = 0u64;
    let bytes = segments.iter().zip(1..).map(|(segment, sequence)| {
        let bytes = segment.write(track, sequence, first_frame).unwrap();
        first_frame += u64::from(segment.frames);
        SegmentBytes {
            bytes,
            frames: segment.frames,
            sap: !segment.chained,
        }
    });
    assemble(track, &bytes.collect::<Vec<_>>()).unwrap()
}

/// Five seconds in two closed segments.
fn closed() -> Vec<u8> {
    let track = title::track(2, "24");
    let segments = [(48, 1), (72, 2)];
    file(
        &track,
        &segments.map(|(frames, seed)| title::segment(&track, frames, seed)),
    )
}

/// A chain cut in two: the keyframe at frame 20 ends the first segment and begins the second.
fn chain() -> Vec<u8> {
    let track = chain_track();
    let mut first = title::segment(&track, 21, 3);
    first.frames = 20;
    let mut second = title::segment(&track, 11, 4);
    second.chained = true;
    second.start_latent = None;
    second.keyframes[0]
        .layers
        .clone_from(&first.keyframes[2].layers);
    file(&track, &[first, second])
}

/// The segments of a file as bytes.
fn segments(file: &[u8]) -> Vec<&[u8]> {
    let layout = MediaFile::read(file, file.len() as u64).unwrap();
    let ranges = layout.segments.into_iter().map(|segment| segment.range);
    ranges
        .map(|range| &file[range.start as usize..range.end as usize])
        .collect()
}

fn golden(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(name)
}

/// Every version of the format that was ever written stays readable and, while it is the current
/// one, stays the same to the byte. `PROMPTUS_BLESS=1` writes the files anew.
#[test]
fn written_files_equal_the_golden_files() {
    for (name, bytes) in [("closed-v2.mp4", closed()), ("chain-v2.mp4", chain())] {
        let path = golden(name);
        if env::var_os("PROMPTUS_BLESS").is_some() {
            fs::write(&path, &bytes).unwrap();
        }
        let pinned = fs::read(&path).unwrap();
        assert!(pinned == bytes, "{name}: the wire format has changed");
    }
}

#[test]
fn golden_files_read_back() {
    for version in ["v1", "v2"] {
        let file = fs::read(golden(&format!("chain-{version}.mp4"))).unwrap();
        let init = Init::read(&file).unwrap();
        assert_eq!(init.track, chain_track());
        let [first, second] = segments(&file)[..] else {
            panic!("two segments");
        };
        let first = CodedSegment::read(&init.track, &read_media(first).unwrap()).unwrap();
        let second = CodedSegment::read(&init.track, &read_media(second).unwrap()).unwrap();
        assert_eq!((first.positions(), first.frames), (vec![0, 10, 20], 20));
        assert_eq!((second.positions(), second.frames), (vec![0, 10], 11));
        assert_eq!(first.keyframes[2].layers, second.keyframes[0].layers);
        assert!(first.start_latent.is_some() && second.chained);
    }
    let [one, two] = ["v1", "v2"].map(|version| {
        let file = fs::read(golden(&format!("closed-{version}.mp4"))).unwrap();
        let track = read_init(&file).unwrap();
        let read = |bytes: &&[u8]| CodedSegment::read(&track, &read_media(bytes).unwrap());
        segments(&file).iter().map(read).collect::<Vec<_>>()
    });
    assert!(one == two && one.iter().all(Result::is_ok));
}

#[test]
fn a_segment_of_seven_keyframes_costs_180_bytes_beside_its_samples() {
    let track = title::track(2, "30");
    let segment = title::segment(&track, 60, 9);
    let bytes = segment.write(&track, 1, 0).unwrap();
    let layers = segment
        .keyframes
        .iter()
        .flat_map(|keyframe| &keyframe.layers);
    let layers: usize = layers.map(|layer| layer.len()).sum();
    let (head, lengths) = (6, 7);
    assert_eq!(bytes.len(), 180 + head + lengths + layers);
}

#[test]
fn every_cut_is_an_error_or_the_whole_samples_of_a_segment() {
    let file = closed();
    for cut in 0..file.len() {
        assert!(MediaFile::read(&file[..cut], cut as u64).is_err());
    }
    let track = read_init(&file).unwrap();
    let segment = segments(&file)[0];
    let whole = CodedSegment::read(&track, &read_media(segment).unwrap()).unwrap();
    for cut in 0..segment.len() {
        assert!(read_media(&segment[..cut]).is_err());
        let Ok(partial) = read_partial(&segment[..cut]) else {
            continue;
        };
        let Ok(part) = CodedSegment::read(&track, &partial) else {
            assert!(partial.samples.is_empty());
            continue;
        };
        assert_eq!(part.keyframes, whole.keyframes[..part.keyframes.len()]);
    }
}

#[test]
#[ignore = "needs ffprobe"]
fn ffprobe_sees_a_video_track_of_keyframes() {
    let folder = tempfile::tempdir().unwrap();
    for (rate, seconds, packets) in [("24", "5.000000", 15), ("30000/1001", "4.004000", 15)] {
        let mut track = title::track(2, rate);
        track.pixel_aspect = (4, 3);
        let parts = [title::segment(&track, 48, 1), title::segment(&track, 72, 2)];
        let path = folder.path().join("rung.mp4");
        fs::write(&path, file(&track, &parts)).unwrap();
        let entries =
            "codec_type,codec_tag_string,width,height,sample_aspect_ratio,duration,nb_read_packets";
        let expected = format!("video,prm1,250,140,4:3,{seconds},{packets}");
        assert_eq!(tools::probe(&path, entries), expected);
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn ffmpeg_gives_the_sample_bytes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rung.mp4");
    let file = closed();
    fs::write(&path, &file).unwrap();
    let mut ffmpeg = Command::new(tools::need("ffmpeg"));
    ffmpeg.args(["-v", "error", "-i"]).arg(&path);
    let copied = tools::output(ffmpeg.args(["-c", "copy", "-map", "0", "-f", "data", "-"]));
    let segments = segments(&file).into_iter();
    let samples = segments.flat_map(|bytes| read_media(bytes).unwrap().samples);
    let samples: Vec<u8> = samples.flat_map(|sample| sample.data).collect();
    assert_eq!(copied, samples);
}
