//! The line grammar of playlists, on top of `m3u8-rs`.
//!
//! That parser takes a tag whose attributes it cannot read for an unknown one, stops silently at a
//! line it cannot read, and scans ahead for a missing `=`. So the text is sifted first: tags that
//! matter must parse on their own, tags that do not become bare comments. Line numbers stay.

use crate::manifest::ManifestError;
use crate::manifest::error::Source;
use m3u8_rs::{MasterPlaylist, MediaPlaylist, parse_master_playlist, parse_media_playlist};

/// A playlist of variants.
pub(super) fn master(source: &Source<'_>) -> Result<MasterPlaylist, ManifestError> {
    let text = sifted(source)?;
    match parse_master_playlist(text.as_bytes()) {
        Ok(([], playlist)) => Ok(playlist),
        Ok((rest, _)) => Err(stopped(source, &text, rest)),
        Err(_) => Err(no_head(source)),
    }
}

/// A playlist of segments, complete and not encrypted.
pub(super) fn media(source: &Source<'_>) -> Result<MediaPlaylist, ManifestError> {
    let text = sifted(source)?;
    let playlist = match parse_media_playlist(text.as_bytes()) {
        Ok(([], playlist)) => playlist,
        Ok((rest, _)) => return Err(stopped(source, &text, rest)),
        Err(_) => return Err(no_head(source)),
    };
    if playlist.end_list {
        return Ok(playlist);
    }
    let line = source.line_of(source.text.len());
    Err(source.invalid(
        line,
        "playlist",
        "#EXT-X-ENDLIST: live playlists are not read",
    ))
}

/// The line of URI number `index`, counted from 1; 0 if there are fewer.
pub(super) fn uri_line(source: &Source<'_>, index: usize) -> usize {
    let is_uri = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
    let lines = source.text.lines().enumerate();
    let mut uris = lines.filter(|(_, line)| is_uri(line));
    uris.nth(index).map_or(0, |(at, _)| at + 1)
}

fn sifted(source: &Source<'_>) -> Result<String, ManifestError> {
    let mut text = String::with_capacity(source.text.len() + 1);
    for (index, line) in source.text.lines().enumerate() {
        let tag = line.split(':').next().unwrap_or("");
        let fits = match tag {
            "#EXT-X-STREAM-INF" | "#EXT-X-I-FRAME-STREAM-INF" | "#EXT-X-SESSION-DATA" => {
                is_master_tag(line)
            }
            "#EXT-X-MAP" | "#EXT-X-BYTERANGE" | "#EXTINF" => is_segment_tag(line),
            "#EXT-X-KEY" | "#EXT-X-SESSION-KEY" => line.contains("METHOD=NONE"),
            _ => true,
        };
        if !fits {
            let expected = match tag {
                "#EXT-X-KEY" | "#EXT-X-SESSION-KEY" => "no encryption",
                _ => "well-formed attributes",
            };
            return Err(source.invalid(index + 1, &tag[1..], expected));
        }
        text.push_str(if matters(tag) { line } else { "#" });
        text.push('\n');
    }
    Ok(text)
}

fn matters(tag: &str) -> bool {
    const TAGS: [&str; 14] = [
        "#EXTM3U",
        "#EXTINF",
        "#EXT-X-VERSION",
        "#EXT-X-STREAM-INF",
        "#EXT-X-I-FRAME-STREAM-INF",
        "#EXT-X-SESSION-DATA",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-TARGETDURATION",
        "#EXT-X-MEDIA-SEQUENCE",
        "#EXT-X-PLAYLIST-TYPE",
        "#EXT-X-I-FRAMES-ONLY",
        "#EXT-X-MAP",
        "#EXT-X-BYTERANGE",
        "#EXT-X-ENDLIST",
    ];
    !tag.starts_with('#') || TAGS.contains(&tag)
}

fn is_master_tag(line: &str) -> bool {
    let text = format!("#EXTM3U\n{line}\n");
    parse_master_playlist(text.as_bytes())
        .is_ok_and(|(rest, playlist)| rest.is_empty() && playlist.unknown_tags.is_empty())
}

fn is_segment_tag(line: &str) -> bool {
    let text = format!("#EXTM3U\n{line}\nx\n");
    let Ok(([], playlist)) = parse_media_playlist(text.as_bytes()) else {
        return false;
    };
    playlist.segments.first().is_some_and(|segment| {
        segment.map.is_some() || segment.byte_range.is_some() || segment.duration > 0.0
    })
}

fn no_head(source: &Source<'_>) -> ManifestError {
    source.invalid(1, "playlist", "#EXTM3U on the first line")
}

fn stopped(source: &Source<'_>, text: &str, rest: &[u8]) -> ManifestError {
    let read = &text.as_bytes()[..text.len() - rest.len()];
    let line = 1 + read.iter().filter(|byte| **byte == b'\n').count();
    source.invalid(line, "playlist", "a tag, a comment or a URI")
}
