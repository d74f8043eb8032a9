//! Whether a presentation is one that a player can switch in.

use super::{Group, ManifestError, Presentation, SegmentRef};
use std::collections::HashSet;

impl Presentation {
    /// Refuses a presentation that no player could switch in: rungs without a unique id, ranks
    /// that do not ascend, segments with gaps, grids that differ within a group, layers that do not
    /// follow each other. Rungs whose segments are not known yet pass. `url` names the manifest in errors.
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
    use crate::manifest::testing::{layered, presentation};

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
