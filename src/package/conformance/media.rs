//! The media files: their boxes against their index, their playlists and each other.

use super::{Conformance, TitleSource};
use crate::manifest::{ByteRange, Group, Presentation, Representation, measure_rates};
use crate::package::ladder::{rung_id, track_difference};
use crate::package::title::{TitleFile, byte_range, content_hash};
use crate::segment::Track;
use crate::segment::coded::CodedSegment;
use crate::segment::file::{FileSegment, MediaFile};
use crate::segment::media::{MediaSegment, read_media};
use std::collections::BTreeSet;

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
            if let Some(file) = check_file(report, &bytes, group, rung) {
                let track = file.init.track;
                let difference = first
                    .as_ref()
                    .and_then(|first| track_difference(first, &track));
                report.must(difference.is_none(), "title-switching", &rung.url, || {
                    format!(
                        "its {} differs from the lowest rung's",
                        difference.unwrap_or("")
                    )
                });
                first.get_or_insert(track);
            }
            files.push((rung.url.clone(), bytes));
        }
    }
    let layers = groups.iter().flat_map(|group| &group.layers);
    let layers: Vec<&str> = layers.map(|layer| layer.stream.url.as_str()).collect();
    check_hash(report, source, title, (files, &layers));
}

/// The folder is named for what is in it.
fn check_hash(
    report: &mut Conformance,
    source: &dyn TitleSource,
    title: &Presentation,
    (media, layers): (Vec<(String, Vec<u8>)>, &[&str]),
) {
    let folders: BTreeSet<&str> = media
        .iter()
        .filter_map(|(url, _)| url.split('/').next())
        .collect();
    let [folder] = folders.into_iter().collect::<Vec<_>>()[..] else {
        return report.broken(
            "title-layout",
            "master.m3u8",
            "rungs lie in more than one folder",
        );
    };
    let folder = folder.to_owned();
    let rungs = title.groups.iter().flat_map(|group| &group.representations);
    let mut files: Vec<TitleFile> = Vec::new();
    let name = |url: &str| url.rsplit('/').next().unwrap_or("").to_owned();
    files.extend(media.into_iter().map(|(url, bytes)| TitleFile {
        name: name(&url),
        bytes,
    }));
    let mut add = |url: &str| {
        if let Ok(bytes) = source.read(url) {
            let name = name(url);
            files.push(TitleFile { name, bytes });
        }
    };
    let beside = |url: &str, suffix| format!("{}{suffix}", url.trim_end_matches(".mp4"));
    layers.iter().for_each(|url| add(url));
    for rung in rungs {
        add(&beside(&rung.url, ".m3u8"));
        add(&beside(&rung.url, "-iframes.m3u8"));
    }
    layers.iter().for_each(|url| add(&beside(url, ".m3u8")));
    let hash = content_hash(&files);
    report.must(hash == folder, "title-hash", &folder, || {
        format!("its content has the hash {hash}")
    });
}

fn check_file(
    report: &mut Conformance,
    bytes: &[u8],
    group: &Group,
    rung: &Representation,
) -> Option<MediaFile> {
    let url = &rung.url;
    let brand = bytes.get(4..8) == Some(b"ftyp") && bytes.get(8..64).is_some_and(has_brand);
    report.must(brand, "media-brand", url, || {
        "expected ftyp with brand cmfc first".to_owned()
    });
    let file = match MediaFile::read(bytes, bytes.len() as u64) {
        Ok(file) => file,
        Err(error) => {
            report.broken("media-readable", url, error.to_string());
            return None;
        }
    };
    check_track(report, &file.init.track, group, rung);
    check_ranges(report, &file, rung);
    let largest = file
        .segments
        .iter()
        .map(|s| s.range.end - s.range.start)
        .max();
    let said = u64::from(file.init.bitrates.largest_segment);
    report.must(largest == Some(said), "media-btrt", url, || {
        format!(
            "btrt says {said} bytes a segment at most, it is {}",
            largest.unwrap_or(0)
        )
    });
    for (number, segment) in (1..).zip(&file.segments) {
        let range = segment.range.start as usize..segment.range.end as usize;
        if let Some(bytes) = bytes.get(range) {
            check_segment(
                report,
                &format!("{url}, segment {number}"),
                bytes,
                number,
                segment,
                &file,
            );
            report.segments += 1;
        }
    }
    check_pictures(report, bytes, rung);
    Some(file)
}

fn has_brand(ftyp: &[u8]) -> bool {
    ftyp.chunks_exact(4).any(|brand| brand == b"cmfc")
}

fn check_track(report: &mut Conformance, track: &Track, group: &Group, rung: &Representation) {
    let size = |(width, height): (u32, u32)| format!("{width}x{height}");
    let hash: String = track
        .weights
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for (rule, what, found, expected) in [
        (
            "media-id",
            "profile and rank",
            rung_id(track),
            rung.id.clone(),
        ),
        (
            "media-codecs",
            "codecs",
            track.codecs(),
            rung.codecs.clone(),
        ),
        (
            "media-frame-rate",
            "frame rate",
            track.frame_rate.to_string(),
            group.frame_rate.to_string(),
        ),
        (
            "media-size",
            "size",
            size(track.display_size()),
            match group.width {
                0 => size(track.display_size()),
                _ => size(group.display_size()),
            },
        ),
        ("media-weights", "weights", hash, group.weights.clone()),
    ] {
        report.must(found == expected, rule, &rung.url, || {
            format!("{what} {found}, the playlists say {expected}")
        });
    }
}

/// Byte ranges and times of the playlist against the index, and measured rates.
fn check_ranges(report: &mut Conformance, file: &MediaFile, rung: &Representation) {
    let url = &rung.url;
    let init = Some(byte_range(&file.init_range));
    report.must(rung.init == init, "media-init-range", url, || {
        format!(
            "the init segment lies at {init:?}, the playlist says {:?}",
            rung.init
        )
    });
    let (found, expected) = (rung.segments.len(), file.segments.len());
    report.must(found == expected, "media-segment-count", url, || {
        format!("{expected} segments, the playlist says {found}")
    });
    for (number, (said, is)) in (1..).zip(rung.segments.iter().zip(&file.segments)) {
        let place = format!("{url}, segment {number}");
        report.must(
            said.range == Some(byte_range(&is.range)),
            "media-byte-range",
            &place,
            || {
                format!(
                    "it lies at {:?}, the playlist says {:?}",
                    byte_range(&is.range),
                    said.range
                )
            },
        );
        report.must(said.url == *url, "media-uri", &place, || {
            format!("the playlist names `{}`", said.url)
        });
        let same = (said.start, said.duration) == (is.start, is.duration);
        report.must(same, "media-segment-time", &place, || {
            format!(
                "{} s from {} s, the playlist says {} s from {} s",
                is.duration.seconds(),
                is.start.seconds(),
                said.duration.seconds(),
                said.start.seconds()
            )
        });
        report.must(said.sap == is.sap, "media-sap", &place, || {
            format!(
                "the index says {} to starting here, the playlists {}",
                is.sap, said.sap
            )
        });
    }
    let rates = measure_rates(file.init_range.end, &rung.segments);
    for (what, found, expected) in [
        ("BANDWIDTH", rung.bandwidth, rates.peak),
        ("AVERAGE-BANDWIDTH", rung.average_bandwidth, rates.average),
    ] {
        report.must(found == expected, "measured-rate", url, || {
            format!("{what} is {found}, measured {expected} bit/s")
        });
    }
}

fn check_segment(
    report: &mut Conformance,
    place: &str,
    bytes: &[u8],
    number: u32,
    segment: &FileSegment,
    file: &MediaFile,
) {
    report.must(
        bytes.get(4..8) == Some(b"styp"),
        "segment-styp",
        place,
        || "expected styp first".to_owned(),
    );
    let media: MediaSegment = match read_media(bytes) {
        Ok(media) => media,
        Err(error) => return report.broken("segment-readable", place, error.to_string()),
    };
    report.must(media.sequence == number, "segment-sequence", place, || {
        format!("sequence number {}, expected {number}", media.sequence)
    });
    report.must(
        media.start_ticks == segment.start.ticks,
        "segment-tfdt",
        place,
        || {
            format!(
                "tfdt {}, the index says {}",
                media.start_ticks, segment.start.ticks
            )
        },
    );
    let lasts: u64 = media
        .samples
        .iter()
        .map(|sample| u64::from(sample.duration))
        .sum();
    report.must(
        lasts == segment.duration.ticks,
        "segment-duration",
        place,
        || {
            format!(
                "its samples last {lasts} ticks, the index says {}",
                segment.duration.ticks
            )
        },
    );
    report.must(media.sap == segment.sap, "segment-sap", place, || {
        "first sample and index differ in whether one can start here".to_owned()
    });
    if let Err(error) = CodedSegment::read(&file.init.track, &media) {
        report.broken("segment-samples", place, error.to_string());
    }
}

/// I-frame ranges end where the first sample does.
fn check_pictures(report: &mut Conformance, bytes: &[u8], rung: &Representation) {
    for (number, segment) in (1..).zip(&rung.segments) {
        let (Some(ByteRange { start, .. }), Some(said)) = (segment.range, segment.key_frame_end)
        else {
            continue;
        };
        let end = segment.range.map_or(start, ByteRange::end);
        let part = bytes.get(start as usize..end as usize);
        let Some(Ok(media)) = part.map(read_media) else {
            continue;
        };
        let place = format!("{}, segment {number}", rung.url);
        report.must(
            media.first_sample_end == said,
            "hls-iframe-range",
            &place,
            || {
                format!(
                    "the first sample ends at {}, the I-frame playlist says {said}",
                    media.first_sample_end
                )
            },
        );
    }
}
