//! Consistency of a presentation: a player must be able to switch between its rungs.

use super::{Group, ManifestError, Presentation, SegmentRef};
use std::collections::HashSet;

impl Presentation {
    /// Refuses rungs without a unique id, ranks that do not ascend, segments with gaps, grids that
    /// differ within a group, and layers that do not follow each other. Rungs whose segments are
    /// not known yet pass. `url` names the manifest in errors.
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

/// A stream's id and its fault.
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
    use crate::manifest::testing::{layered, presentation, refused};

    #[test]
    fn streams_that_do_not_fit_together_are_named() {
        type Change = fn(&mut Group);
        let faults: [(Change, &str); 4] = [
            (
                |group| drop(group.representations[1].segments.pop()),
                "t/m.m3u8: mini-r8: its segment times differ from another rung's",
            ),
            (
                |group| group.representations[1].id = "mini-r2".into(),
                "same id",
            ),
            (
                |group| group.layers[0].first_component = 1,
                "must begin where",
            ),
            (
                |group| drop(group.representations[0].segments.remove(0)),
                "without a gap",
            ),
        ];
        assert!(presentation().check("m").is_ok());
        for (change, expected) in faults {
            let mut presentation = layered();
            change(&mut presentation.groups[0]);
            refused(presentation.check("t/m.m3u8"), expected);
        }
    }
}
