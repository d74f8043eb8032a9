//! The media files: their boxes against their index, their playlists and each other.

use super::{Conformance, TitleSource};
use crate::manifest::{ByteRange, Group, Presentation, Representation, measure_rates};
use crate::package::ladder::track_difference;
use crate::package::rung::rung_id;
use crate::package::title::{MASTER, TitleFile, byte_range, content_hash};
use crate::segment::coded::CodedSegment;
use crate::segment::file::{FileSegment, MediaFile};
use crate::segment::media::read_media;
use crate::segment::{Track, hex};
use std::collections::BTreeSet;

/// How findings name what a media file is compared with.
const PLAYLIST: &str = "the playlists say";
const INDEX: &str = "the index says";

/// Checks every media file of a title; `groups` are those of its MPD.
pub(super) fn check(
    report: &mut Conformance,
    source: &dyn TitleSource,
    title: &Presentation,
    groups: &[Group],
) {
    let mut files = Vec::new();
    for group in &title.groups {
        let mut first: Option<Track> = None;
        for rung in &group.representations {
            let Some(bytes) = report.read(source, &rung.url) else {
                continue;
            };
            if let Some(track) = check_file(report, &bytes, group, rung) {
                let lowest = first.get_or_insert_with(|| track.clone());
                let difference = track_difference(lowest, &track);
                let what = difference.unwrap_or("configuration");
                let problem = format!("its {what} differs from the lowest rung's");
                let mut at = report.at(&rung.url);
                at.must("title-switching", difference.is_none(), problem);
            }
            files.push(TitleFile::new(&rung.url, bytes));
        }
    }
    let layers = groups.iter().flat_map(|group| &group.layers);
    let layers: Vec<&str> = layers.map(|layer| layer.stream.url.as_str()).collect();
    check_hash(report, source, files, &layers);
}

/// The folder is named for the hash of its files: media, then playlists.
fn check_hash(
    report: &mut Conformance,
    source: &dyn TitleSource,
    mut files: Vec<TitleFile>,
    layers: &[&str],
) {
    let folder = |url: &str| url.split('/').next().unwrap_or_default().to_owned();
    let folders: BTreeSet<String> = files.iter().map(|file| folder(&file.name)).collect();
    let [folder] = &folders.into_iter().collect::<Vec<_>>()[..] else {
        let problem = "rungs lie in more than one folder";
        return report.at(MASTER).broken("title-layout", problem);
    };
    let beside = |url: &str, suffix| format!("{}{suffix}", url.trim_end_matches(".mp4"));
    let mut more: Vec<String> = layers.iter().map(|&url| url.to_owned()).collect();
    for TitleFile { name, .. } in &files {
        more.extend([".m3u8", "-iframes.m3u8"].map(|suffix| beside(name, suffix)));
    }
    more.extend(layers.iter().map(|url| beside(url, ".m3u8")));
    for name in more {
        let read = source.read(&name).ok();
        files.extend(read.map(|bytes| TitleFile { name, bytes }));
    }
    for file in &mut files {
        file.name = file.name.rsplit('/').next().unwrap_or("").to_owned();
    }
    let (hash, what) = (content_hash(&files), "hash of its content");
    let mut at = report.at(folder);
    at.equal("title-hash", what, hash, "its name", folder);
}

/// The track of a rung's file, if the file can be read.
fn check_file(
    report: &mut Conformance,
    bytes: &[u8],
    group: &Group,
    rung: &Representation,
) -> Option<Track> {
    let mut at = report.at(&rung.url);
    let brands = bytes.get(8..64).unwrap_or_default();
    let brand = brands.chunks_exact(4).any(|brand| brand == b"cmfc");
    let brand = brand && bytes.get(4..8) == Some(b"ftyp");
    at.must("media-brand", brand, "expected ftyp with brand cmfc first");
    let file = at.ok("media-readable", MediaFile::read(bytes, bytes.len() as u64))?;
    let sizes = file.segments.iter().map(|s| s.range.end - s.range.start);
    let (said, largest) = (file.init.bitrates.largest_segment, sizes.max().unwrap_or(0));
    let what = "largest segment in btrt";
    at.equal("media-btrt", what, said, "measured", largest);
    check_track(report, &file.init.track, group, rung);
    check_ranges(report, &file, rung);
    for (number, segment) in (1..).zip(&file.segments) {
        let range = segment.range.start as usize..segment.range.end as usize;
        if let Some(bytes) = bytes.get(range) {
            report.segments += 1;
            check_segment(report, bytes, number, segment, &file, rung);
        }
    }
    Some(file.init.track)
}

fn check_track(report: &mut Conformance, track: &Track, group: &Group, rung: &Representation) {
    let size = |(width, height): (u32, u32)| format!("{width}x{height}");
    let found = size(track.display_size());
    // Playlists may leave out the size.
    let said = match group.width {
        0 => found.clone(),
        _ => size(group.display_size()),
    };
    let (id, codecs, weights) = (rung_id(track), track.codecs(), hex(&track.weights));
    let (rate, in_playlist) = (track.frame_rate, group.frame_rate);
    let mut at = report.at(&rung.url);
    at.equal("media-id", "profile and rank", id, PLAYLIST, &rung.id);
    at.equal("media-codecs", "codecs", codecs, PLAYLIST, &rung.codecs);
    let rule = "media-frame-rate";
    at.equal(rule, "frame rate", rate, PLAYLIST, in_playlist);
    at.equal("media-size", "size", found, PLAYLIST, said);
    let (rule, said) = ("media-weights", &group.weights);
    at.equal(rule, "weights", weights, PLAYLIST, said);
}

/// A byte range as HTTP writes it, for messages.
pub(super) fn range_text(range: Option<ByteRange>) -> String {
    let text = |range: ByteRange| format!("{}-{}", range.start, range.end().saturating_sub(1));
    range.map_or_else(|| "none".to_owned(), text)
}

/// Byte ranges and times of the playlist against the index, and measured rates.
fn check_ranges(report: &mut Conformance, file: &MediaFile, rung: &Representation) {
    let url = &rung.url;
    let mut at = report.at(url);
    let rates = measure_rates(file.init_range.end, &rung.segments);
    let (init, said) = (Some(byte_range(&file.init_range)), rung.init);
    let (init, said) = (range_text(init), range_text(said));
    at.equal("media-init-range", "init segment", init, PLAYLIST, said);
    let (count, said) = (file.segments.len(), rung.segments.len());
    at.equal("media-segment-count", "segments", count, PLAYLIST, said);
    let rule = "measured-rate";
    at.equal(rule, "BANDWIDTH", rung.bandwidth, "measured", rates.peak);
    let (what, said) = ("AVERAGE-BANDWIDTH", rung.average_bandwidth);
    at.equal(rule, what, said, "measured", rates.average);
    for (number, (said, is)) in (1..).zip(rung.segments.iter().zip(&file.segments)) {
        let mut at = report.at(format!("{url}, segment {number}"));
        let range = range_text(Some(byte_range(&is.range)));
        let expected = range_text(said.range);
        at.equal("media-byte-range", "bytes", range, PLAYLIST, expected);
        at.equal("media-uri", "file", url, PLAYLIST, &said.url);
        let same = (said.start, said.duration) == (is.start, is.duration);
        let (start, lasts) = (is.start.seconds(), is.duration.seconds());
        let problem = format!("{lasts} s from {start} s, the playlists say otherwise");
        at.must("media-segment-time", same, problem);
        at.equal("media-sap", "starts with SAP", is.sap, PLAYLIST, said.sap);
    }
}

fn check_segment(
    report: &mut Conformance,
    bytes: &[u8],
    number: u32,
    segment: &FileSegment,
    file: &MediaFile,
    rung: &Representation,
) {
    let mut at = report.at(format!("{}, segment {number}", rung.url));
    let styp = bytes.get(4..8) == Some(b"styp");
    at.must("segment-styp", styp, "expected styp first");
    let Some(media) = at.ok("segment-readable", read_media(bytes)) else {
        return;
    };
    let samples = media.samples.iter();
    let lasts: u64 = samples.map(|sample| u64::from(sample.duration)).sum();
    let (start, duration) = (segment.start.ticks, segment.duration.ticks);
    let what = "sequence number";
    at.equal("segment-sequence", what, media.sequence, "expected", number);
    at.equal("segment-tfdt", "tfdt", media.start_ticks, INDEX, start);
    let what = "ticks of samples";
    at.equal("segment-duration", what, lasts, INDEX, duration);
    let (what, sap) = ("starts with SAP", segment.sap);
    at.equal("segment-sap", what, media.sap, INDEX, sap);
    let samples = CodedSegment::read(&file.init.track, &media);
    at.ok("segment-samples", samples);
    let listed = rung.segments.get(number as usize - 1);
    if let Some(said) = listed.and_then(|listed| listed.key_frame_end) {
        let (what, end) = ("end of the first sample", media.first_sample_end);
        let other = "the I-frame playlist says";
        at.equal("hls-iframe-range", what, end, other, said);
    }
}
