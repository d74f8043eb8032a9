//! The segment-URL form, derived from the byte-range form, and the names that both go by.
//!
//! The rung `HASH/mini-r8.mp4` has its init segment at `HASH/mini-r8/init.mp4` and its segments at
//! `HASH/mini-r8/1.m4s`, `2.m4s`, …; each is exactly the byte range of the file that it stands for.

use super::{Group, ManifestError, Presentation, Representation, SegmentRef};
use crate::segment::CODEC;
use std::collections::HashSet;

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
    /// to that of this one: `../` if it lies one folder deeper, empty if beside it.
    pub fn segment_urls(&self, up: &str) -> Presentation {
        let mut presentation = self.clone();
        presentation.quality_url = self.quality_url.as_deref().map(|url| below(up, url));
        for group in &mut presentation.groups {
            group.weights_url = group.weights_url.as_deref().map(|url| below(up, url));
            let layers = group.layers.iter_mut().map(|layer| &mut layer.stream);
            for stream in group.representations.iter_mut().chain(layers) {
                use_segment_urls(stream, up);
            }
        }
        presentation
    }

    /// Refuses a presentation that no player could switch in: rungs without a unique id, ranks
    /// that do not ascend, segments with gaps, grids that differ within a group, layers that do not follow each other. Rungs whose
    /// segments are not known yet pass. `url` names the manifest in errors.
    pub fn check(&self, url: &str) -> Result<(), ManifestError> {
        let mut ids = HashSet::new();
        for group in &self.groups {
            check_group(group, &mut ids).map_err(|(place, problem)| {
                ManifestError::Inconsistent {
                    url: url.to_owned(),
                    place: place.to_owned(),
                    problem: problem.to_owned(),
                }
            })?;
        }
        Ok(())
    }
}

/// A stream's id and what is wrong with it.
type Wrong<'a> = (&'a str, &'static str);

fn check_group<'a>(group: &'a Group, ids: &mut HashSet<&'a str>) -> Result<(), Wrong<'a>> {
    check_ranks(group)?;
    let layers = group.layers.iter().map(|layer| &layer.stream);
    let mut grid = None;
    for stream in group.representations.iter().chain(layers) {
        let wrong = |problem| Err((stream.id.as_str(), problem));
        if !ids.insert(&stream.id) {
            return wrong("a second rung has the same id");
        }
        if stream.segments.is_empty() {
            continue;
        }
        if !is_contiguous(&stream.segments) {
            return wrong("segments must follow each other without a gap");
        }
        if !same_grid(grid.get_or_insert(&stream.segments), &stream.segments) {
            return wrong("its segment times differ from another rung's");
        }
    }
    Ok(())
}

/// Rungs must ascend, and layers go on from the lowest one without a gap.
fn check_ranks(group: &Group) -> Result<(), Wrong<'_>> {
    let mut rank = 0;
    for rung in &group.representations {
        if rung.rank <= rank {
            return Err((&rung.id, "ranks must be 1 or more and ascend"));
        }
        rank = rung.rank;
    }
    let mut below = group.representations.first().map_or(0, |base| base.rank);
    for layer in &group.layers {
        if layer.first_component != below || layer.stream.rank <= below {
            let id = &layer.stream.id;
            return Err((id, "a layer must begin where the stream below it ends"));
        }
        below = layer.stream.rank;
    }
    Ok(())
}

fn use_segment_urls(rung: &mut Representation, up: &str) {
    let folder = below(up, stem(&rung.url));
    for (index, segment) in rung.segments.iter_mut().enumerate() {
        segment.url = format!("{folder}/{}", segment_name(index + 1));
        segment.range = None;
    }
    rung.url = format!("{folder}/{INIT_NAME}");
    rung.init = None;
    rung.index = None;
}

fn below(up: &str, url: &str) -> String {
    super::reference::join(up, url)
}

fn is_contiguous(segments: &[SegmentRef]) -> bool {
    let mut next = 0;
    segments.iter().all(|segment| {
        let follows = segment.start.ticks == next && segment.duration.ticks > 0;
        next = next.saturating_add(segment.duration.ticks);
        follows
    })
}

fn same_grid(a: &[SegmentRef], b: &[SegmentRef]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.duration == b.duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{layered, presentation};

    #[test]
    fn names_are_read_back_exactly() {
        assert_eq!(segment_number("12.m4s"), Some(12));
        for name in [
            "0.m4s",
            "01.m4s",
            "+1.m4s",
            "1.mp4",
            ".m4s",
            "99999999999999999999.m4s",
        ] {
            assert_eq!(segment_number(name), None, "{name}");
        }
        assert_eq!(rank_of_id("sd-turbo-r16"), Some(16));
        for id in ["mini", "-r8", "mini-r0", "mini-r", "mini-r+8"] {
            assert_eq!(rank_of_id(id), None, "{id}");
        }
    }

    #[test]
    fn segment_urls_lie_beside_the_file() {
        let form = presentation().segment_urls("../");
        let rung = &form.groups[0].representations[0];
        assert_eq!(rung.url, "../0f3a/mini-r2/init.mp4");
        assert_eq!(rung.segments[1].url, "../0f3a/mini-r2/2.m4s");
        assert_eq!(
            (rung.init, rung.index, rung.segments[1].range),
            (None, None, None)
        );
        assert_eq!(form.quality_url.as_deref(), Some("../quality.json"));
    }

    #[test]
    fn mixed_grids_and_twin_ids_are_refused_by_name() {
        let refuse = |presentation: &Presentation| {
            let error = presentation
                .check("t/master.m3u8")
                .map_err(|e| e.to_string());
            error.err().unwrap_or_default()
        };
        assert_eq!(refuse(&presentation()), "");
        let mut mixed = presentation();
        mixed.groups[0].representations[1].segments.pop();
        assert_eq!(
            refuse(&mixed),
            "t/master.m3u8: mini-r8: its segment times differ from another rung's"
        );
        let mut twin = presentation();
        twin.groups[0].representations[1].id = "mini-r2".into();
        assert!(refuse(&twin).contains("same id"));
        let mut torn = layered();
        torn.groups[0].layers[0].first_component = 1;
        assert!(refuse(&torn).contains("must begin where"));
        let mut gap = presentation();
        gap.groups[0].representations[0].segments.remove(0);
        assert!(refuse(&gap).contains("without a gap"));
    }
}
