//! The line grammar of playlists, on top of `m3u8-rs`.
//!
//! That parser treats a tag with unreadable attributes as an unknown one, stops silently at a
//! line it cannot read, and scans ahead for a missing `=`. So the text is sifted first: tags that
//! are read must parse on their own, all others become bare comments, variables are replaced and
//! titles of segments, which may hold anything, are removed. Line numbers stay.

use super::variables::{DEFINE, Scope, Variables};
use crate::manifest::ManifestError;
use crate::manifest::error::Source;
use m3u8_rs::{MasterPlaylist, MediaPlaylist, parse_master_playlist, parse_media_playlist};

/// A playlist of variants, and the variables that it defines.
pub(super) fn master(source: &Source<'_>) -> Result<(MasterPlaylist, Variables), ManifestError> {
    let mut scope = Scope::new(source, None);
    let text = sifted(source, &mut scope)?;
    let playlist = complete(source, &text, parse_master_playlist(text.as_bytes()).ok())?;
    Ok((playlist, scope.own))
}

/// A playlist of segments, complete and not encrypted; `imported` are the variables of the
/// multivariant playlist that names it.
pub(super) fn media(
    source: &Source<'_>,
    imported: Option<&Variables>,
) -> Result<MediaPlaylist, ManifestError> {
    let text = sifted(source, &mut Scope::new(source, imported))?;
    let playlist = complete(source, &text, parse_media_playlist(text.as_bytes()).ok())?;
    if playlist.end_list {
        return Ok(playlist);
    }
    let line = source.line_of(source.text.len());
    let expected = "#EXT-X-ENDLIST: live playlists are not read";
    Err(source.invalid(line, "playlist", expected))
}

/// The playlist that was parsed from `text`, if nothing is left after it.
fn complete<T>(
    source: &Source<'_>,
    text: &str,
    parsed: Option<(&[u8], T)>,
) -> Result<T, ManifestError> {
    let (line, expected) = match parsed {
        Some(([], playlist)) => return Ok(playlist),
        Some((rest, _)) => {
            let read = &text.as_bytes()[..text.len() - rest.len()];
            let line = 1 + read.iter().filter(|byte| **byte == b'\n').count();
            (line, "a tag, a comment or a URI")
        }
        None => (1, "#EXTM3U on the first line"),
    };
    Err(source.invalid(line, "playlist", expected))
}

/// The line of URI number `index`, counted from 1; 0 if there are fewer.
pub(super) fn uri_line(source: &Source<'_>, index: usize) -> usize {
    let is_uri = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
    let lines = source.text.lines().enumerate();
    let mut uris = lines.filter(|(_, line)| is_uri(line));
    uris.nth(index).map_or(0, |(at, _)| at + 1)
}

fn sifted(source: &Source<'_>, scope: &mut Scope<'_>) -> Result<String, ManifestError> {
    source.check_head()?;
    let mut text = String::with_capacity(source.text.len() + 1);
    for (number, line) in (1..).zip(source.text.lines()) {
        let tag = line.split(':').next().unwrap_or("");
        let invalid = |expected| Err(source.invalid(number, &tag[1..], expected));
        if tag == DEFINE {
            scope.define(number, line)?;
        }
        // Encrypted segments cannot be read.
        let is_key = tag == "#EXT-X-KEY" || tag == "#EXT-X-SESSION-KEY";
        if is_key && !line.contains("METHOD=NONE") {
            return invalid("no encryption");
        }
        if tag.starts_with('#') && !TAGS.contains(&tag) {
            text.push_str("#\n");
            continue;
        }
        let line = scope.substituted(number, untitled(line))?;
        let fits = match tag {
            "#EXT-X-STREAM-INF" | "#EXT-X-I-FRAME-STREAM-INF" | "#EXT-X-SESSION-DATA" => {
                is_master_tag(&line)
            }
            "#EXT-X-MAP" | "#EXT-X-BYTERANGE" | "#EXTINF" => is_segment_tag(&line),
            _ => true,
        };
        if !fits {
            return invalid("well-formed attributes");
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// An `EXTINF` without the title behind its first comma.
fn untitled(line: &str) -> &str {
    match (line.starts_with("#EXTINF:"), line.find(',')) {
        (true, Some(comma)) => &line[..=comma],
        _ => line,
    }
}

/// The tags that are read.
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
