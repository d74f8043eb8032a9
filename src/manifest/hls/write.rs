//! Writes the playlists of a title: attributes always in the same order.

use super::media_write::{quoted, text_of, uri_line};
use super::{Media, PROFILE, QUALITY, WEIGHTS, WEIGHTS_URL, iframes_url, media_url};
use crate::manifest::error::unwritable;
use crate::manifest::{Group, ManifestError, Presentation, Representation, SegmentRef};

/// One playlist of a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// Its URL, relative to the title.
    pub url: String,
    /// Its text.
    pub text: String,
}

/// Every playlist of a title: for each rung the media playlist and, where the end of the first
/// sample of every random access segment is known, the I-frame playlist; for each layer a media
/// playlist, which no other names: a server reads the places of its segments from it; last the
/// master playlist at `master.m3u8` in the place that all URLs are relative to.
///
/// Fails on a rung without segments, and on text that a quoted string or a line cannot hold.
pub fn write(presentation: &Presentation) -> Result<Vec<Playlist>, ManifestError> {
    let mut playlists = Vec::new();
    for (group, rung) in presentation.rungs() {
        let media = Media::of(group, rung);
        let url = media_url(rung);
        let text = media.write(&url)?;
        playlists.push(Playlist { url, text });
        let url = iframes_url(rung);
        if let Some(text) = media.write_iframes(&url)? {
            playlists.push(Playlist { url, text });
        }
    }
    for group in &presentation.groups {
        let layers = group.layers.iter().map(|layer| &layer.stream);
        for stream in layers.filter(|stream| !stream.segments.is_empty()) {
            let url = media_url(stream);
            let text = Media::of(group, stream).write(&url)?;
            playlists.push(Playlist { url, text });
        }
    }
    playlists.push(Playlist {
        url: "master.m3u8".to_owned(),
        text: master(presentation)?,
    });
    Ok(playlists)
}

fn master(presentation: &Presentation) -> Result<String, ManifestError> {
    let mut lines = vec!["#EXTM3U".to_owned(), "#EXT-X-VERSION:7".to_owned()];
    let mut groups = presentation.groups.iter();
    if groups.all(|group| group.independent_segments) {
        lines.push("#EXT-X-INDEPENDENT-SEGMENTS".to_owned());
    }
    for (id, key, value) in session_data(presentation) {
        let (id, value) = (quoted(&id)?, quoted(&value)?);
        lines.push(format!("#EXT-X-SESSION-DATA:DATA-ID={id},{key}={value}"));
    }
    for (group, rung) in presentation.rungs() {
        lines.push(stream_inf(group, rung)?);
        lines.push(uri_line(&media_url(rung))?);
    }
    for (group, rung) in presentation.rungs() {
        if let Some(pictures) = Media::of(group, rung).pictures() {
            lines.push(iframe_stream_inf(group, rung, &pictures)?);
        }
    }
    Ok(text_of(&lines))
}

/// DATA-ID, attribute and value of every `EXT-X-SESSION-DATA`.
fn session_data(presentation: &Presentation) -> Vec<(String, &'static str, String)> {
    let groups = &presentation.groups;
    let profiles: Vec<&str> = groups.iter().map(|group| group.profile.as_str()).collect();
    let mut data = vec![(PROFILE.to_owned(), "VALUE", profiles.join(" "))];
    for group in groups {
        let id = |prefix: &str| format!("{prefix}{}", group.profile);
        data.push((id(WEIGHTS), "VALUE", group.weights.clone()));
        if let Some(url) = &group.weights_url {
            data.push((id(WEIGHTS_URL), "VALUE", url.clone()));
        }
    }
    if let Some(url) = &presentation.quality_url {
        data.push((QUALITY.to_owned(), "URI", url.clone()));
    }
    data
}

fn stream_inf(group: &Group, rung: &Representation) -> Result<String, ManifestError> {
    if !rung.score.is_finite() || rung.score < 0.0 {
        let problem = "its score is no finite number from 0 up";
        return Err(unwritable(&rung.id, problem));
    }
    Ok(format!(
        "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},SCORE={},CODECS={},\
         {}FRAME-RATE={:.3},STABLE-VARIANT-ID={}",
        rung.bandwidth,
        rung.average_bandwidth,
        rung.score,
        quoted(&rung.codecs)?,
        resolution(group),
        group.frame_rate.fps(),
        quoted(&rung.id)?,
    ))
}

/// The attribute RESOLUTION with the comma after it; nothing where the size is not known.
fn resolution(group: &Group) -> String {
    if group.width == 0 {
        return String::new();
    }
    let (width, height) = group.display_size();
    format!("RESOLUTION={width}x{height},")
}

fn iframe_stream_inf(
    group: &Group,
    rung: &Representation,
    pictures: &[SegmentRef],
) -> Result<String, ManifestError> {
    let rate = |bytes: u64, seconds: f64| (bytes as f64 * 8.0 / seconds).ceil() as u64;
    let bytes = |picture: &SegmentRef| picture.range.map_or(0, |range| range.length);
    let seconds = |picture: &SegmentRef| picture.duration.seconds();
    let peak = pictures.iter().map(|p| rate(bytes(p), seconds(p))).max();
    let average = rate(
        pictures.iter().map(bytes).sum(),
        pictures.iter().map(seconds).sum(),
    );
    Ok(format!(
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},SCORE={},CODECS={},\
         {}STABLE-VARIANT-ID={},URI={}",
        peak.unwrap_or(0),
        average,
        rung.score,
        quoted(&rung.codecs)?,
        resolution(group),
        quoted(&rung.id)?,
        quoted(&iframes_url(rung))?,
    ))
}
