//! Everything that is known of the segments of a group while it is played, rung by rung.
//!
//! The rungs stand on one grid, so the rung that is known furthest tells where segments lie in time for
//! all of them. Knows no HTTP: it says what to ask for next, and takes in what came.

use super::error::FetchError;
use super::http::Answer;
use super::listing::{Ask, Listing, Playlist};
use super::places::Places;
use super::resolve::resolve;
use crate::manifest::{ByteRange, Group, Presentation, Representation, SegmentRef};
use crate::player::ladder::{Ladder, LadderError, Listed};
use crate::time::{FrameRate, MediaTime};
use bytes::Bytes;
use reqwest::Url;
use std::ops::Range;

/// The rungs of a group, or its lowest rung and the layers above.
#[derive(Debug, Clone)]
pub(super) struct Lists {
    manifest: Url,
    /// The group without its streams, and its number.
    group: Group,
    number: usize,
    /// Where the files lie, if there is a choice.
    places: Option<Places>,
    layered: bool,
    listings: Vec<Listing>,
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

/// A file, or a range of one.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) url: Url,
    pub(super) range: Option<ByteRange>,
}

impl Lists {
    /// What `presentation`, which lies at `manifest`, says of group number `group`, which must exist.
    /// `playlists` are those of its rungs, where HLS lists their segments.
    pub(super) fn new(
        manifest: Url,
        presentation: &Presentation,
        group: usize,
        layered: bool,
        playlists: &[Playlist],
    ) -> Self {
        let number = group;
        let group = &presentation.groups[number];
        let listings = streams(group, layered).enumerate().map(|(number, stream)| {
            Listing::new(stream.clone(), playlists.get(number), group.frame_rate)
        });
        let listings: Vec<Listing> = listings.collect();
        let known = listings.iter().map(|listing| listing.stream.segments.len());
        Self {
            manifest,
            group: group.clone(),
            number,
            places: None,
            layered,
            count: known.max().unwrap_or(0),
            listings,
            duration: presentation.duration,
            playlist_bytes: 0,
        }
    }

    /// These lists with files that lie in any of `places`.
    pub(super) fn at(self, places: Option<Places>) -> Self {
        Self { places, ..self }
    }

    /// Places for the same files beside the one in use.
    pub(super) fn other_places(&self) -> usize {
        self.places.as_ref().map_or(0, Places::others)
    }

    /// Goes over to the next place, for all files, since `error` came of this one.
    pub(super) fn go_on(&mut self, error: &FetchError) -> Result<(), FetchError> {
        let Some(places) = &mut self.places else {
            return Ok(());
        };
        tracing::warn!(%error, "going on with the next BaseURL");
        let there = places.go_on()?;
        if let Some(group) = there.groups.get(self.number) {
            let listings = self.listings.iter_mut();
            listings
                .zip(streams(group, self.layered))
                .for_each(|(listing, stream)| listing.move_to(stream));
        }
        Ok(())
    }

    /// Rungs, or base and layers.
    pub(super) fn rungs(&self) -> usize {
        self.listings.len()
    }

    /// The last segment, and all rungs.
    pub(super) fn everything(&self) -> (usize, Range<usize>) {
        (self.last(), 0..self.rungs())
    }

    /// The number of the last segment.
    pub(super) fn last(&self) -> usize {
        self.count.saturating_sub(1)
    }

    /// Rate of the generated frames.
    pub(super) fn frame_rate(&self) -> FrameRate {
        self.group.frame_rate
    }

    /// Whether decoding can begin with every segment.
    pub(super) fn is_independent(&self) -> bool {
        let all = |listing: &Listing| listing.stream.segments.iter().all(|segment| segment.sap);
        self.group.independent_segments || self.listings.iter().all(all)
    }

    /// The last segment up to `segment` with which decoding can begin.
    pub(super) fn access_point(&self, segment: usize) -> usize {
        let known = &self.listings[0].stream.segments;
        let upto = known.get(..=segment).unwrap_or(known);
        match self.group.independent_segments {
            true => segment,
            false => upto.iter().rposition(|s| s.sap).unwrap_or(0),
        }
    }

    /// Whether all segments of all rungs are known.
    pub(super) fn is_complete(&self) -> bool {
        self.listings.iter().all(Listing::is_complete)
    }

    /// Whether the rest is so little that it may as well be fetched before playing, or must be because
    /// segments build on each other.
    pub(super) fn is_short(&self) -> bool {
        !self.group.independent_segments || self.listings.iter().all(Listing::is_short)
    }

    /// What the manifest says of the group, with the segments that are known.
    pub(super) fn group(&self) -> Group {
        let mut group = self.group.clone();
        let layers = group.layers.iter_mut().map(|layer| &mut layer.stream);
        let rungs = if self.layered { 1 } else { usize::MAX };
        let streams = group.representations.iter_mut().take(rungs).chain(layers);
        for (stream, listing) in streams.zip(&self.listings) {
            *stream = listing.stream.clone();
        }
        group
    }

    /// The init segment of a rung or layer, if it is here.
    pub(super) fn init(&self, rung: usize) -> Option<&Bytes> {
        self.listings.get(rung)?.init.as_ref()
    }

    /// What must come next before `segment` of `rung` can be asked for; `None` if nothing.
    pub(super) fn lacks(&self, segment: usize, rung: usize) -> Result<Option<Ask>, FetchError> {
        self.listings[rung].lacks(&self.manifest, segment)
    }

    /// About how many bytes `ask` takes.
    pub(super) fn cost(&self, ask: &Ask) -> u64 {
        ask.range.map_or(self.playlist_bytes, |range| range.length)
    }

    /// Where a segment lies; it must be listed.
    pub(super) fn place(&self, segment: usize, rung: usize) -> Result<Place, FetchError> {
        let reference = &self.listings[rung].stream.segments[segment];
        Ok(Place {
            url: resolve(&self.manifest, &reference.url)?,
            range: reference.range,
        })
    }

    /// The most frames that a segment may have. Durations may be nominal: HLS may round them to whole
    /// seconds, and DASH lets segments of one `@duration` be half as long again (ISO/IEC 23009-1
    /// §7.2.1).
    pub(super) fn most_frames(&self, segment: usize, rung: usize) -> u64 {
        let known = self.listings[rung].stream.segments.get(segment);
        let seconds = known.map_or(0.0, |segment| segment.duration.seconds());
        (1.5 * seconds * self.frame_rate().fps()).round() as u64 + 1
    }

    /// Whether a segment's place is known.
    pub(super) fn knows(&self, segment: usize, rung: usize) -> bool {
        segment < self.listings[rung].ready()
    }

    /// Takes in the answer to what [`Lists::lacks`] wanted of `rung`.
    pub(super) fn take(
        &mut self,
        rung: usize,
        ask: &Ask,
        answer: Answer,
    ) -> Result<(), FetchError> {
        let mut listing = self.listings[rung].clone();
        let news = listing.take(ask, answer.bytes)?;
        let Some(count) = news.count else {
            self.listings[rung] = listing;
            return Ok(());
        };
        self.check(&listing, count)?;
        if ask.range.is_none() {
            self.playlist_bytes = answer.wire_bytes;
        }
        (self.count, self.listings[rung]) = (count, listing);
        self.group.independent_segments |= news.independent;
        if self.group.independent_segments {
            let listings = self.listings.iter_mut();
            let segments = listings.flat_map(|listing| &mut listing.stream.segments);
            segments.for_each(|segment| segment.sap = true);
        }
        Ok(())
    }

    /// Refuses a rung of `count` segments that does not stand on the grid of the others.
    fn check(&self, listing: &Listing, count: usize) -> Result<(), FetchError> {
        let (ours, grid) = (&listing.stream, self.furthest());
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
        Err(self.no_ladder(LadderError::Grid {
            rung: ours.id.clone(),
            segment,
            first: grid.id.clone(),
        }))
    }

    /// The rung of which the most segments are known.
    fn furthest(&self) -> &Representation {
        let known = |listing: &&Listing| listing.stream.segments.len();
        let mut best = &self.listings[0];
        for listing in &self.listings {
            if known(&listing) > known(&best) {
                best = listing;
            }
        }
        &best.stream
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

    /// The ladder of a title of which everything is known.
    pub(super) fn whole_ladder(&self) -> Result<Ladder, FetchError> {
        self.ladder_of(&self.group())
    }

    /// The ladder of a title of which only a part is known: rates are those of the manifest.
    pub(super) fn first_ladder(&self) -> Result<Ladder, FetchError> {
        let mut group = self.group();
        let timescale = group.frame_rate.timescale();
        let mut edge_s = 0.0;
        let mut grid = Vec::with_capacity(self.count);
        for duration_s in self.durations_s() {
            let ticks = |seconds: f64| (seconds * f64::from(timescale.ticks())).round() as u64;
            let (start, end) = (ticks(edge_s), ticks(edge_s + duration_s));
            edge_s += duration_s;
            grid.push(SegmentRef {
                start: MediaTime::new(start, timescale),
                duration: MediaTime::new((end - start).max(1), timescale),
                url: String::new(),
                range: None,
                key_frame_end: None,
                sap: true,
            });
        }
        let layers = group.layers.iter_mut().map(|layer| &mut layer.stream);
        for stream in group.representations.iter_mut().chain(layers) {
            stream.segments.clone_from(&grid);
        }
        self.ladder(&self.ladder_of(&group)?, 0)
    }

    fn ladder_of(&self, group: &Group) -> Result<Ladder, FetchError> {
        let layers = self.layered.then(|| Ladder::from_layers(group)).flatten();
        let ladder = layers.unwrap_or_else(|| Ladder::from_group(group));
        ladder.map_err(|source| self.no_ladder(source))
    }

    /// `before` with what is known by now, when `segment` is the next to be asked for.
    pub(super) fn ladder(&self, before: &Ladder, segment: usize) -> Result<Ladder, FetchError> {
        let known = |segment: usize, rung: usize| {
            let stream = &self.listings[rung].stream;
            let range = stream.segments.get(segment)?.range;
            range.map(|range| range.length)
        };
        let listed = self.listings.iter().map(|listing| Listed {
            segments: listing.ready(),
            more_bytes: listing.more_bytes(segment, self.playlist_bytes),
        });
        let ladder = before.learnt(&self.durations_s(), known, listed.collect());
        ladder.map_err(|source| self.no_ladder(source))
    }

    fn no_ladder(&self, source: LadderError) -> FetchError {
        FetchError::Ladder {
            url: self.manifest.to_string(),
            source,
        }
    }
}
