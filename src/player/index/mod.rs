//! The index of a title while it plays: the places of the segments of every rung, as far as they are known.
//!
//! The rungs share one segment grid, so the rung with the most known segments gives their times for all.
//! Knows no HTTP: it names the resource to fetch next, and handles the answer.

mod resource;
mod rung;

pub use resource::{IndexError, Places, Purpose, Resource};
pub(crate) use rung::SHORT;
pub use rung::{Playlist, text_of};

use super::ladder::{Ladder, Listed, elsewhere, matching};
use crate::manifest::{Group, Presentation, Representation, SegmentRef};
use crate::time::{FrameRate, MediaTime};
use bytes::Bytes;
use rung::RungIndex;

/// The rungs of a group, or its lowest rung and the layers above.
#[derive(Debug, Clone)]
pub struct Index {
    /// The group without its streams, and its number.
    group: Group,
    number: usize,
    places: Option<Places>,
    layered: bool,
    rungs: Vec<RungIndex>,
    duration: MediaTime,
    /// Number of segments; 0 while unknown.
    count: usize,
    /// Bytes of the last playlist on the network.
    playlist_bytes: u64,
}

/// The rungs of `group`, or its lowest and the layers.
fn streams(group: &Group, layered: bool) -> impl Iterator<Item = &Representation> {
    let layers = group.layers.iter().filter(move |_| layered);
    let rungs = group.representations.iter();
    let rungs = rungs.take(if layered { 1 } else { usize::MAX });
    rungs.chain(layers.map(|layer| &layer.stream))
}

impl Index {
    /// The index of group number `group` of `presentation`, which must exist; `playlists` are those of HLS.
    pub fn new(
        presentation: &Presentation,
        group: usize,
        layered: bool,
        playlists: &[Playlist],
    ) -> Self {
        let number = group;
        let group = &presentation.groups[number];
        let rungs = streams(group, layered).enumerate().map(|(number, stream)| {
            RungIndex::new(stream.clone(), playlists.get(number), group.frame_rate)
        });
        let rungs: Vec<RungIndex> = rungs.collect();
        let known = rungs.iter().map(|rung| rung.stream.segments.len());
        Self {
            group: group.clone(),
            number,
            places: None,
            layered,
            count: known.max().unwrap_or(0),
            rungs,
            duration: presentation.duration,
            playlist_bytes: 0,
        }
    }

    /// This index with alternative places.
    pub fn at(self, places: Option<Places>) -> Self {
        Self { places, ..self }
    }

    /// Places for the same files beside the one in use.
    pub(crate) fn other_places(&self) -> usize {
        self.places.as_ref().map_or(0, Places::others)
    }

    /// Switches to the next place, for all files.
    pub(crate) fn go_on(&mut self) -> Result<(), IndexError> {
        let Some(places) = &mut self.places else {
            return Ok(());
        };
        let there = places.go_on()?;
        if let Some(group) = there.groups.get(self.number) {
            let rungs = self.rungs.iter_mut().zip(streams(group, self.layered));
            rungs.for_each(|(rung, stream)| rung.move_to(stream));
        }
        Ok(())
    }

    pub(crate) fn rungs(&self) -> usize {
        self.rungs.len()
    }

    /// The resources to fetch next before playback: of the lowest rung, then of all in a short title.
    pub fn lacks_to_begin(&self) -> Vec<Resource> {
        match self.lacks(0, 0) {
            Some(first) => vec![first],
            None if self.is_short() => self.lacks_of_all(),
            None => Vec::new(),
        }
    }

    /// The resources to fetch next, one a rung, before every segment of every rung is known.
    pub fn lacks_of_all(&self) -> Vec<Resource> {
        let lacks = (0..self.rungs()).map(|rung| self.lacks(self.last(), rung));
        lacks.flatten().collect()
    }

    pub(crate) fn last(&self) -> usize {
        self.count.saturating_sub(1)
    }

    pub(crate) fn frame_rate(&self) -> FrameRate {
        self.group.frame_rate
    }

    /// Whether decoding can begin with every segment.
    pub fn is_independent(&self) -> bool {
        let all = |rung: &RungIndex| rung.stream.segments.iter().all(|segment| segment.sap);
        self.group.independent_segments || self.rungs.iter().all(all)
    }

    /// The last segment up to `segment` with which decoding can begin.
    pub fn access_point(&self, segment: usize) -> usize {
        let known = &self.rungs[0].stream.segments;
        let upto = known.get(..=segment).unwrap_or(known);
        match self.group.independent_segments {
            true => segment,
            false => upto.iter().rposition(|s| s.sap).unwrap_or(0),
        }
    }

    /// Whether all segments of all rungs are known.
    pub fn is_complete(&self) -> bool {
        self.rungs.iter().all(RungIndex::is_complete)
    }

    /// Whether all of the index is fetched before playback: it is short, or segments depend on each other.
    fn is_short(&self) -> bool {
        !self.group.independent_segments || self.rungs.iter().all(RungIndex::is_short)
    }

    /// The manifest's group, with the segments known so far.
    pub(crate) fn group(&self) -> Group {
        let mut group = self.group.clone();
        let layers = group.layers.iter_mut().map(|layer| &mut layer.stream);
        let rungs = if self.layered { 1 } else { usize::MAX };
        let streams = group.representations.iter_mut().take(rungs).chain(layers);
        for (stream, rung) in streams.zip(&self.rungs) {
            *stream = rung.stream.clone();
        }
        group
    }

    /// The init segment of a rung or layer, if received.
    pub(crate) fn init(&self, rung: usize) -> Option<&Bytes> {
        self.rungs.get(rung)?.init.as_ref()
    }

    /// The resource to fetch next before `segment` of `rung` can be requested; `None` if there is none.
    pub fn lacks(&self, segment: usize, rung: usize) -> Option<Resource> {
        self.rungs[rung].lacks(segment, rung)
    }

    /// Approximate bytes of `resource`.
    pub(crate) fn cost(&self, resource: &Resource) -> u64 {
        let range = resource.range;
        range.map_or(self.playlist_bytes, |range| range.length)
    }

    /// A media segment, if its place is known and its rung's init segment received.
    pub(crate) fn media(&self, segment: usize, rung: usize) -> Option<Resource> {
        let known = &self.rungs[rung];
        let reference = known.stream.segments.get(..known.ready())?.get(segment)?;
        Some(Resource {
            url: reference.url.clone(),
            range: reference.range,
            purpose: Purpose::Media { segment, rung },
        })
    }

    /// The most frames that a segment may have. Durations may be nominal: rounded to seconds in HLS, and up
    /// to half as long again as `@duration` in DASH (ISO/IEC 23009-1 §7.2.1).
    pub(crate) fn most_frames(&self, segment: usize, rung: usize) -> u64 {
        let known = self.rungs[rung].stream.segments.get(segment);
        let seconds = known.map_or(0.0, |segment| segment.duration.seconds());
        (1.5 * seconds * self.frame_rate().fps()).round() as u64 + 1
    }

    /// Handles the answer to [`Index::lacks`], of `wire_bytes` on the network. An invalid one changes nothing.
    pub fn take(
        &mut self,
        purpose: Purpose,
        bytes: Bytes,
        wire_bytes: u64,
    ) -> Result<(), IndexError> {
        let number = purpose.rung();
        let mut rung = self.rungs[number].clone();
        let Some(count) = rung.take(purpose, bytes)? else {
            self.rungs[number] = rung;
            return Ok(());
        };
        self.check(&rung, count)?;
        if matches!(purpose, Purpose::Playlist { .. }) {
            self.playlist_bytes = wire_bytes;
        }
        self.group.independent_segments |= rung.independent;
        (self.count, self.rungs[number]) = (count, rung);
        if self.group.independent_segments {
            let rungs = self.rungs.iter_mut();
            let segments = rungs.flat_map(|rung| &mut rung.stream.segments);
            segments.for_each(|segment| segment.sap = true);
        }
        Ok(())
    }

    /// Refuses a rung of `count` segments whose grid differs from that of the others.
    fn check(&self, rung: &RungIndex, count: usize) -> Result<(), IndexError> {
        let (ours, grid) = (&rung.stream, self.furthest());
        let differs = matching(&ours.segments, &grid.segments);
        let common = ours.segments.len().min(grid.segments.len());
        let segment = match self.count {
            _ if differs < common => differs,
            0 => return Ok(()),
            known if known != count => known.min(count),
            _ => return Ok(()),
        };
        Err(elsewhere(ours, segment, grid).into())
    }

    fn furthest(&self) -> &Representation {
        let streams = self.rungs.iter().map(|rung| &rung.stream);
        let longest = streams.rev().max_by_key(|stream| stream.segments.len());
        longest.unwrap_or(&self.rungs[0].stream)
    }

    /// Duration of every segment, seconds: unknown segments share evenly what is left of the title.
    fn durations_s(&self) -> Vec<f64> {
        let known = &self.furthest().segments;
        let mut durations: Vec<f64> = known.iter().map(|s| s.duration.seconds()).collect();
        let (here, count) = (durations.len(), self.count);
        let end_s: f64 = durations.iter().sum();
        if here > 0 && here < count {
            let left_s = (self.duration.seconds() - end_s) / (count - here) as f64;
            let mean_s = end_s / here as f64;
            durations.resize(count, if left_s > 0.0 { left_s } else { mean_s });
        }
        durations
    }

    /// The ladder at the start: of real sizes where all is known, else of the manifest's rates on an even grid.
    pub fn first_ladder(&self) -> Result<Ladder, IndexError> {
        if self.is_complete() {
            return self.ladder_of(&self.group());
        }
        // One segment without a size stands for all: rates are those of the manifest.
        let first = self.furthest().segments.first();
        let first = first.map(|first| SegmentRef {
            range: None,
            ..first.clone()
        });
        let mut group = self.group();
        let layers = group.layers.iter_mut().map(|layer| &mut layer.stream);
        for stream in group.representations.iter_mut().chain(layers) {
            stream.segments = first.iter().cloned().collect();
        }
        self.refined(&self.ladder_of(&group)?, 0)
    }

    fn ladder_of(&self, group: &Group) -> Result<Ladder, IndexError> {
        let layers = self.layered.then(|| Ladder::from_layers(group)).flatten();
        Ok(layers.unwrap_or_else(|| Ladder::from_group(group))?)
    }

    /// `before` with the segments known by now, when `segment` is the next to be requested.
    pub(crate) fn refined(&self, before: &Ladder, segment: usize) -> Result<Ladder, IndexError> {
        let known = |segment: usize, rung: usize| {
            let stream = &self.rungs[rung].stream;
            let range = stream.segments.get(segment)?.range;
            range.map(|range| range.length)
        };
        let listed = self.rungs.iter().map(|rung| Listed {
            segments: rung.ready(),
            more_bytes: rung.more_bytes(segment, self.playlist_bytes),
        });
        Ok(before.learnt(&self.durations_s(), known, listed.collect())?)
    }
}
