//! The index of a title while it plays: where the segments of every rung lie, as far as that is known.
//!
//! The rungs stand on one grid, so the rung that is known furthest tells where segments lie in time for all
//! of them. Knows no HTTP: it names the resource to fetch next, and takes in the answer.
//!
//! | module | what it is for |
//! |---|---|
//! | `resource` | a file, or a range of one, and its purpose |
//! | `rung` | the index of one rung |
//! | `sidx` | the segments that a `sidx` lists |
//! | `places` | alternative base URLs |
//! | `error` | why an index does not serve |

mod error;
mod places;
mod resource;
mod rung;
mod sidx;

pub use error::IndexError;
pub use places::Places;
pub use resource::{Purpose, Resource};
pub(crate) use rung::SHORT;
pub use rung::{Playlist, text_of};

use super::ladder::{Ladder, LadderError, Listed};
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
    /// Where the files lie, if there is a choice.
    places: Option<Places>,
    layered: bool,
    rungs: Vec<RungIndex>,
    /// How long the title lasts, as far as the manifest knows.
    duration: MediaTime,
    /// How many segments every rung has; 0 while that is not known.
    count: usize,
    /// Bytes of the last playlist as it came over the network.
    playlist_bytes: u64,
}

/// The rungs of `group`, or its lowest and the layers.
fn streams(group: &Group, layered: bool) -> impl Iterator<Item = &Representation> {
    let (rungs, layers) = if layered {
        (1, usize::MAX)
    } else {
        (usize::MAX, 0)
    };
    let layers = group.layers.iter().take(layers).map(|layer| &layer.stream);
    group.representations.iter().take(rungs).chain(layers)
}

impl Index {
    /// What `presentation` says of group number `group`, which must exist. `playlists` are those of its
    /// rungs, where HLS lists their segments; of an MPD there are none.
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

    /// This index with files that lie in any of `places`.
    pub fn at(self, places: Option<Places>) -> Self {
        Self { places, ..self }
    }

    /// Places for the same files beside the one in use.
    pub(crate) fn other_places(&self) -> usize {
        self.places.as_ref().map_or(0, Places::others)
    }

    /// Goes over to the next place, for all files.
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

    /// Rungs, or base and layers.
    pub(crate) fn rungs(&self) -> usize {
        self.rungs.len()
    }

    /// What must be fetched next before playback can begin: for the lowest rung; of a short title, whose
    /// rest is so little, then for all. Empty when it can begin.
    pub fn lacks_to_begin(&self) -> Vec<Resource> {
        match self.lacks(0, 0) {
            Some(first) => vec![first],
            None if self.is_short() => self.lacks_of_all(),
            None => Vec::new(),
        }
    }

    /// What must be fetched next before every segment of every rung is known, for all rungs at a time.
    pub fn lacks_of_all(&self) -> Vec<Resource> {
        let rungs = 0..self.rungs();
        rungs
            .filter_map(|rung| self.lacks(self.last(), rung))
            .collect()
    }

    /// The number of the last segment.
    pub(crate) fn last(&self) -> usize {
        self.count.saturating_sub(1)
    }

    /// Rate of the generated frames.
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

    /// Whether what lists the segments is so short that all of it comes before playback, or must, because
    /// segments build on each other.
    fn is_short(&self) -> bool {
        !self.group.independent_segments || self.rungs.iter().all(RungIndex::is_short)
    }

    /// What the manifest says of the group, with the segments that are known.
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

    /// The init segment of a rung or layer, if it is here.
    pub(crate) fn init(&self, rung: usize) -> Option<&Bytes> {
        self.rungs.get(rung)?.init.as_ref()
    }

    /// What must be fetched next before `segment` of `rung` can be requested; `None` if nothing.
    pub fn lacks(&self, segment: usize, rung: usize) -> Option<Resource> {
        self.rungs[rung].lacks(segment, rung)
    }

    /// About how many bytes `resource` takes.
    pub(crate) fn cost(&self, resource: &Resource) -> u64 {
        let range = resource.range;
        range.map_or(self.playlist_bytes, |range| range.length)
    }

    /// A media segment, if its place is known and its rung's init segment is here.
    pub(crate) fn media(&self, segment: usize, rung: usize) -> Option<Resource> {
        let known = &self.rungs[rung];
        let reference = known.stream.segments.get(..known.ready())?.get(segment)?;
        Some(Resource {
            url: reference.url.clone(),
            range: reference.range,
            purpose: Purpose::Media { segment, rung },
        })
    }

    /// The most frames that a segment may have. Durations may be nominal: HLS may round them to whole
    /// seconds, and DASH lets segments of one `@duration` be half as long again (ISO/IEC 23009-1
    /// §7.2.1).
    pub(crate) fn most_frames(&self, segment: usize, rung: usize) -> u64 {
        let known = self.rungs[rung].stream.segments.get(segment);
        let seconds = known.map_or(0.0, |segment| segment.duration.seconds());
        (1.5 * seconds * self.frame_rate().fps()).round() as u64 + 1
    }

    /// Takes in the answer to what [`Index::lacks`] named; `wire_bytes` came over the network for it.
    /// One that makes no sense changes nothing.
    pub fn take(
        &mut self,
        purpose: Purpose,
        bytes: Bytes,
        wire_bytes: u64,
    ) -> Result<(), IndexError> {
        let number = purpose.rung();
        let mut rung = self.rungs[number].clone();
        let news = rung.take(purpose, bytes)?;
        let Some(count) = news.count else {
            self.rungs[number] = rung;
            return Ok(());
        };
        self.check(&rung, count)?;
        if matches!(purpose, Purpose::Playlist { .. }) {
            self.playlist_bytes = wire_bytes;
        }
        (self.count, self.rungs[number]) = (count, rung);
        self.group.independent_segments |= news.independent;
        if self.group.independent_segments {
            let rungs = self.rungs.iter_mut();
            let segments = rungs.flat_map(|rung| &mut rung.stream.segments);
            segments.for_each(|segment| segment.sap = true);
        }
        Ok(())
    }

    /// Refuses a rung of `count` segments that does not stand on the grid of the others.
    fn check(&self, rung: &RungIndex, count: usize) -> Result<(), IndexError> {
        let (ours, grid) = (&rung.stream, self.furthest());
        let place = |segment: &SegmentRef| (segment.start, segment.duration);
        let pairs = ours.segments.iter().zip(&grid.segments);
        let differs = pairs.take_while(|(a, b)| place(a) == place(b)).count();
        let common = ours.segments.len().min(grid.segments.len());
        let segment = match self.count {
            _ if differs < common => differs,
            0 => return Ok(()),
            known if known != count => known.min(count),
            _ => return Ok(()),
        };
        Err(IndexError::Ladder(LadderError::Grid {
            rung: ours.id.clone(),
            segment,
            first: grid.id.clone(),
        }))
    }

    /// The rung of which the most segments are known.
    fn furthest(&self) -> &Representation {
        let mut best = &self.rungs[0].stream;
        for rung in &self.rungs {
            if rung.stream.segments.len() > best.segments.len() {
                best = &rung.stream;
            }
        }
        best
    }

    /// How long every segment lasts, seconds: what is not known yet shares evenly what is left.
    fn durations_s(&self) -> Vec<f64> {
        let known = &self.furthest().segments;
        let mut durations: Vec<f64> = known.iter().map(|s| s.duration.seconds()).collect();
        let (here, count) = (durations.len(), self.count);
        let end_s: f64 = durations.iter().sum();
        if here > 0 && here < count {
            let left_s = (self.duration.seconds() - end_s) / (count - here) as f64;
            let each_s = if left_s > 0.0 {
                left_s
            } else {
                end_s / here as f64
            };
            durations.resize(count, each_s);
        }
        durations
    }

    /// The ladder to begin with: of real sizes and rates where all is known, else of the manifest's rates
    /// on an even grid.
    pub fn first_ladder(&self) -> Result<Ladder, IndexError> {
        if self.is_complete() {
            return self.ladder_of(&self.group());
        }
        let mut group = self.group();
        let grid = self.grid();
        let layers = group.layers.iter_mut().map(|layer| &mut layer.stream);
        for stream in group.representations.iter_mut().chain(layers) {
            stream.segments.clone_from(&grid);
        }
        self.refined(&self.ladder_of(&group)?, 0)
    }

    /// Segments of the durations known or assumed, without places.
    fn grid(&self) -> Vec<SegmentRef> {
        let timescale = self.group.frame_rate.timescale();
        let ticks = |seconds: f64| (seconds * f64::from(timescale.ticks())).round() as u64;
        let mut edge_s = 0.0;
        let segment = |duration_s: f64| {
            let (start, end) = (ticks(edge_s), ticks(edge_s + duration_s));
            edge_s += duration_s;
            SegmentRef {
                start: MediaTime::new(start, timescale),
                duration: MediaTime::new((end - start).max(1), timescale),
                url: String::new(),
                range: None,
                key_frame_end: None,
                sap: true,
            }
        };
        self.durations_s().into_iter().map(segment).collect()
    }

    fn ladder_of(&self, group: &Group) -> Result<Ladder, IndexError> {
        let layers = self.layered.then(|| Ladder::from_layers(group)).flatten();
        let ladder = layers.unwrap_or_else(|| Ladder::from_group(group));
        Ok(ladder?)
    }

    /// `before` with what is known by now, when `segment` is the next to be asked for.
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
        let ladder = before.learnt(&self.durations_s(), known, listed.collect());
        Ok(ladder?)
    }
}
