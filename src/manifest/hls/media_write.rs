//! Writes media playlists and I-frame playlists: one tag a line, always in the same order.

use super::Media;
use crate::manifest::clock::decimal_seconds;
use crate::manifest::error::unwritable;
use crate::manifest::reference::relative;
use crate::manifest::{ByteRange, ManifestError, SegmentRef};

impl Media {
    /// The text of the media playlist, for a place `url`.
    ///
    /// Fails without segments, and on text that a quoted string or a URI line cannot hold.
    pub fn write(&self, url: &str) -> Result<String, ManifestError> {
        let mut lines = head(&self.segments, url)?;
        if self.independent_segments {
            lines.push("#EXT-X-INDEPENDENT-SEGMENTS".to_owned());
        }
        self.finish(lines, &self.segments, url)
    }

    /// The text of the I-frame playlist (RFC 8216 §4.3.3.6), for a place `url`; `None` if the
    /// extent of a picture is not known.
    pub fn write_iframes(&self, url: &str) -> Result<Option<String>, ManifestError> {
        let Some(pictures) = self.pictures() else {
            return Ok(None);
        };
        let mut lines = head(&pictures, url)?;
        lines.push("#EXT-X-I-FRAMES-ONLY".to_owned());
        self.finish(lines, &pictures, url).map(Some)
    }

    fn finish(
        &self,
        mut lines: Vec<String>,
        segments: &[SegmentRef],
        url: &str,
    ) -> Result<String, ManifestError> {
        let init = quoted(&uri_from(url, &self.url)?)?;
        lines.push(match self.init {
            Some(ByteRange { start, length }) => {
                format!("#EXT-X-MAP:URI={init},BYTERANGE=\"{length}@{start}\"")
            }
            None => format!("#EXT-X-MAP:URI={init}"),
        });
        for segment in segments {
            lines.push(format!("#EXTINF:{},", decimal_seconds(segment.duration)));
            if let Some(ByteRange { start, length }) = segment.range {
                lines.push(format!("#EXT-X-BYTERANGE:{length}@{start}"));
            }
            lines.push(uri_line(&uri_from(url, &segment.url)?)?);
        }
        lines.push("#EXT-X-ENDLIST".to_owned());
        Ok(text_of(&lines))
    }
}

/// The tags that open every media playlist. The target duration is the longest, rounded
/// (RFC 8216 §4.3.3.1).
fn head(segments: &[SegmentRef], url: &str) -> Result<Vec<String>, ManifestError> {
    let seconds = segments.iter().map(|s| s.duration.seconds().round() as u64);
    let target = seconds
        .max()
        .ok_or_else(|| unwritable(url, "it has no segments"))?;
    Ok(vec![
        "#EXTM3U".to_owned(),
        "#EXT-X-VERSION:7".to_owned(),
        format!("#EXT-X-TARGETDURATION:{}", target.max(1)),
        "#EXT-X-MEDIA-SEQUENCE:0".to_owned(),
        "#EXT-X-PLAYLIST-TYPE:VOD".to_owned(),
    ])
}

fn uri_from(playlist: &str, target: &str) -> Result<String, ManifestError> {
    let problem = "no relative reference leads there from its playlist";
    relative(playlist, target).ok_or_else(|| unwritable(target, problem))
}

/// A line of its own that is a URI: no comment, no blank, no break.
pub(super) fn uri_line(uri: &str) -> Result<String, ManifestError> {
    if uri.is_empty() || uri.starts_with('#') || uri.contains(char::is_whitespace) {
        return Err(unwritable(uri, "it is no URI for a line of a playlist"));
    }
    Ok(uri.to_owned())
}

/// A quoted-string (RFC 8216 §4.2).
pub(super) fn quoted(text: &str) -> Result<String, ManifestError> {
    if text.contains(['"', '\r', '\n']) {
        let problem = "a quoted string cannot hold quotes or line breaks";
        return Err(unwritable(text, problem));
    }
    Ok(format!("\"{text}\""))
}

pub(super) fn text_of(lines: &[String]) -> String {
    lines.join("\n") + "\n"
}
