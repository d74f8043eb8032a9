//! From a manifest's URL to an index that a session can begin with, by requests that the page performs.
//!
//! Several requests may be in flight. A part that fails is requested from the manifest's other base URLs,
//! then again when the page says so.

use super::error::WebError;
use crate::manifest::{ByteRange, Presentation, join};
use crate::model::Profile;
use crate::player::index::{Index, IndexError, Purpose};
use crate::player::title::{Contents, Layers};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// A file to fetch, or a range of one; `purpose` is `None` for the manifest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) url: String,
    pub(super) range: Option<ByteRange>,
    pub(super) purpose: Option<Purpose>,
    not_before_s: f64,
}

/// What an opening wants.
#[derive(Debug)]
pub(super) enum Step {
    Fetch(u64, Part),
    /// An answer, or this time.
    Wait(f64),
    Ready,
}

/// The number of the group to play: that of the generator which runs in pages, if the title has it.
pub(super) fn group_of(presentation: &Presentation) -> usize {
    let mut groups = presentation.groups.iter();
    let mini = groups.position(|group| group.profile == Profile::mini().name);
    mini.unwrap_or(0)
}

#[derive(Debug)]
pub(super) struct Opening {
    /// The manifest's URL, after redirects once it is here.
    pub(super) url: String,
    pub(super) title: Option<(Contents, Index)>,
    to_send: VecDeque<Part>,
    in_flight: BTreeMap<u64, Part>,
    /// Base URLs not tried since the last success.
    untried: usize,
    pub(super) next_id: u64,
}

impl Opening {
    pub(super) fn new(url: String) -> Self {
        let manifest = Part {
            url: url.clone(),
            range: None,
            purpose: None,
            not_before_s: 0.0,
        };
        Self {
            url,
            title: None,
            to_send: VecDeque::from([manifest]),
            in_flight: BTreeMap::new(),
            untried: 0,
            next_id: 0,
        }
    }

    pub(super) fn poll(&mut self, now_s: f64) -> Step {
        if self.to_send.is_empty() && self.in_flight.is_empty() {
            let lacks = self
                .title
                .iter()
                .flat_map(|(_, index)| index.lacks_to_begin());
            let parts = lacks.map(|resource| Part {
                url: join(&self.url, &resource.url),
                range: resource.range,
                purpose: Some(resource.purpose),
                not_before_s: 0.0,
            });
            self.to_send = parts.collect();
            if self.to_send.is_empty() {
                return Step::Ready;
            }
        }
        let due = |part: &Part| part.not_before_s <= now_s;
        if let Some(at) = self.to_send.iter().position(due)
            && let Some(part) = self.to_send.remove(at)
        {
            let id = self.next_id;
            self.next_id += 1;
            self.in_flight.insert(id, part.clone());
            return Step::Fetch(id, part);
        }
        let times = self.to_send.iter().map(|part| part.not_before_s);
        Step::Wait(times.fold(f64::INFINITY, f64::min))
    }

    /// Takes the answer to request `id`, which came from `moved` if there were redirects; returns its
    /// purpose, `None` if it is of the manifest. An answer that is no longer wanted changes nothing.
    pub(super) fn delivered(
        &mut self,
        id: u64,
        bytes: Bytes,
        wire_bytes: u64,
        moved: Option<String>,
    ) -> Result<(), WebError> {
        let Some(part) = self.in_flight.remove(&id) else {
            return Ok(());
        };
        let Some((purpose, (_, index))) = part.purpose.zip(self.title.as_mut()) else {
            self.url = moved.unwrap_or_else(|| self.url.clone());
            let at = |source: IndexError| WebError::answer(&self.url, source);
            let contents = Contents::read(&self.url, &bytes).map_err(at)?;
            let group = group_of(&contents.presentation);
            let index = contents.index(group, Layers::Off).map_err(at)?;
            self.untried = index.other_places();
            self.title = Some((contents, index));
            return Ok(());
        };
        let taken = index.take(purpose, bytes, wire_bytes);
        taken.map_err(|source| WebError::answer(&part.url, source))?;
        self.untried = index.other_places();
        Ok(())
    }

    /// Handles the failure of request `id`; `again_s` is the pause before another attempt, if there is one.
    pub(super) fn failed(
        &mut self,
        now_s: f64,
        id: u64,
        again_s: Option<f64>,
    ) -> Result<(), WebError> {
        let Some(part) = self.in_flight.remove(&id) else {
            return Ok(());
        };
        if let (true, Some((_, index))) = (self.untried > 0, &mut self.title) {
            let moved = index.go_on();
            moved.map_err(|source| WebError::answer(&part.url, source))?;
            self.untried -= 1;
            self.in_flight.clear();
            self.to_send.clear();
            return Ok(());
        }
        let Some(again_s) = again_s else {
            return Err(WebError::NotAvailable { url: part.url });
        };
        self.to_send.push_back(Part {
            not_before_s: now_s + again_s,
            ..part
        });
        Ok(())
    }

    pub(super) fn purpose(&self, id: u64) -> Option<Option<Purpose>> {
        self.in_flight.get(&id).map(|part| part.purpose)
    }
}
