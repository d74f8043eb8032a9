//! Segment-URL addressing, derived from byte-range addressing, and the names that both use.
//!
//! The rung `HASH/mini-r8.mp4` has its init segment at `HASH/mini-r8/init.mp4` and its segments at
//! `HASH/mini-r8/1.m4s`, `2.m4s`, …; each is exactly a byte range of the file.

use super::reference::join;
use super::{Presentation, SegmentRef};
use crate::segment::CODEC;

/// Name of the init segment within a rung's folder.
pub const INIT_NAME: &str = "init.mp4";

/// Name of a segment within a rung's folder, where the first segment has `number` 1.
pub fn segment_name(number: usize) -> String {
    format!("{number}.m4s")
}

/// The segment number in a name that [`segment_name`] could have made.
pub fn segment_number(name: &str) -> Option<usize> {
    let digits = name.strip_suffix(".m4s")?;
    let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// The path of a rung's file without `.mp4`: the place of its folder and playlists.
pub(super) fn stem(url: &str) -> &str {
    url.strip_suffix(".mp4").unwrap_or(url)
}

/// The generator profile in a `codecs` string of our codec, `prm1.<profile>.<level>`.
pub(super) fn profile_of(codecs: &str) -> Option<&str> {
    let mut parts = codecs.split('.');
    let ours = parts.next()?.as_bytes() == CODEC;
    let profile = parts.next().filter(|profile| ours && !profile.is_empty())?;
    Some(profile)
}

/// How the `codecs` strings of our codec begin, for messages.
pub(super) fn codec() -> String {
    String::from_utf8_lossy(&CODEC).into_owned()
}

/// The rank at the end of an id of the form `<profile>-r<rank>`, if it is at least 1.
pub fn rank_of_id(id: &str) -> Option<u32> {
    let (profile, rank) = id.rsplit_once("-r")?;
    let plain = !profile.is_empty() && rank.bytes().all(|b| b.is_ascii_digit());
    rank.parse().ok().filter(|rank| plain && *rank > 0)
}

impl Presentation {
    /// The same title with a URL for every segment. `up` leads from the place of the new manifest
    /// to that of this one: `../` if it is one folder deeper, empty if it is in the same folder.
    pub fn segment_urls(&self, up: &str) -> Presentation {
        let mut presentation = self.clone();
        let below = |url: &String| join(up, url);
        presentation.quality_url = self.quality_url.as_ref().map(below);
        for group in &mut presentation.groups {
            group.weights_url = group.weights_url.as_ref().map(below);
        }
        for stream in presentation.streams_mut() {
            let folder = format!("{}/", join(up, stem(&stream.url)));
            use_segment_urls(&folder, &mut stream.url, &mut stream.segments);
            (stream.init, stream.index) = (None, None);
        }
        presentation
    }
}

/// Turns the URLs of an init segment and of its media segments into those in `folder` (empty, or ending in `/`).
pub(super) fn use_segment_urls(folder: &str, init: &mut String, segments: &mut [SegmentRef]) {
    for (number, segment) in (1..).zip(segments) {
        segment.url = format!("{folder}{}", segment_name(number));
        segment.range = None;
    }
    *init = format!("{folder}{INIT_NAME}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::presentation;

    #[test]
    fn only_names_of_our_own_form_are_read() {
        for (name, number) in [
            ("12.m4s", Some(12)),
            ("0.m4s", None),
            ("01.m4s", None),
            ("+1.m4s", None),
            ("1.mp4", None),
            (".m4s", None),
            ("99999999999999999999.m4s", None),
        ] {
            assert_eq!(segment_number(name), number, "{name}");
        }
        assert_eq!(rank_of_id("sd-turbo-r16"), Some(16));
        for id in ["mini", "-r8", "mini-r0", "mini-r", "mini-r+8"] {
            assert_eq!(rank_of_id(id), None, "{id}");
        }
    }

    #[test]
    fn segment_urls_are_in_a_folder_named_like_the_file() {
        let form = presentation().segment_urls("../");
        let rung = &form.groups[0].representations[0];
        assert_eq!(rung.url, "../0f3a/mini-r2/init.mp4");
        assert_eq!(rung.segments[1].url, "../0f3a/mini-r2/2.m4s");
        let ranges = (rung.init, rung.index, rung.segments[1].range);
        assert_eq!(ranges, (None, None, None));
        assert_eq!(form.quality_url.as_deref(), Some("../quality.json"));
    }
}
