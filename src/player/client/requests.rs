//! Requests, and the parts of an index needed before a media segment can be requested: at once those of the
//! next segment, others while the buffer is full.
//!
//! A request that fails is sent to the other places that the manifest names, then again after a pause, as
//! long as the driver allows; then the session chooses another rung.

use super::action::{Action, Request, RequestId};
use super::flight::{Effort, Flight};
use super::{Player, TICK_S};
use crate::player::event::Event;
use crate::player::index::{IndexError, Purpose, Resource, SHORT};
use bytes::Bytes;
use std::sync::Arc;

/// Segments beyond the next that the index of every rung shall cover.
const AHEAD: usize = SHORT / 2;
/// Share of the buffer that may pass while a part is fetched ahead of time.
const SAFETY: f64 = 0.5;

impl Player {
    /// The next request for `segment` of `rung`, or a pause before it.
    pub(super) fn send(&mut self, now_s: f64, segment: usize, rung: usize) -> Option<Action> {
        if let Some(until_s) = self.effort.resume_s {
            if now_s < until_s {
                // Time passes meanwhile.
                self.tell(now_s, Event::Progress(0));
                let until_s = until_s.min(now_s + TICK_S);
                return Some(Action::Wait { until_s });
            }
            self.effort.resume_s = None;
            self.session.handle(now_s, Event::Retried);
        }
        if let Some(part) = self.index.lacks(segment, rung) {
            self.effort.lacked = true;
            return Some(self.launch(part, false));
        }
        if std::mem::take(&mut self.effort.lacked) {
            self.session.handle(now_s, Event::Retried);
        }
        let Some(media) = self.index.media(segment, rung) else {
            // The manifest names no such segment.
            self.tell(now_s, Event::Failed);
            return None;
        };
        Some(self.launch(media, false))
    }

    pub(super) fn launch(&mut self, resource: Resource, ahead: bool) -> Action {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        let request = Request {
            id,
            next: self.following(resource.purpose),
            attempt: self.effort.attempt,
            resource,
        };
        self.flight = Some(Flight {
            id,
            purpose: request.resource.purpose,
            ahead,
        });
        Action::Request(request)
    }

    /// The resource of the following segment; unknown after a layer.
    fn following(&self, purpose: Purpose) -> Option<Resource> {
        let Purpose::Media { segment, rung } = purpose else {
            return None;
        };
        let layer = rung > 0 && self.session.ladder().is_layered();
        self.index.media(segment + 1, rung).filter(|_| !layer)
    }

    /// The part of an index to fetch while there is time: of the rung in use first.
    pub(super) fn lacks_ahead(&self) -> Option<Resource> {
        let last = self.session.log().requests.last()?;
        let segment = self.index.last().min(last.segment + AHEAD);
        let others = (0..self.index.rungs()).filter(|_| self.spare);
        let rungs = std::iter::once(last.rung).chain(others);
        let mut wanted = rungs.filter(|rung| !self.late.contains(rung));
        let part = wanted.find_map(|rung| self.index.lacks(segment, rung))?;
        let took_s = self.index.cost(&part) as f64 * 0.008 / self.session.throughput_kbps()?;
        (took_s <= SAFETY * self.session.buffer_s()).then_some(part)
    }

    pub(super) fn learn(
        &mut self,
        now_s: f64,
        purpose: Purpose,
        bytes: Bytes,
        wire_bytes: u64,
    ) -> Result<(), IndexError> {
        self.index.take(purpose, bytes, wire_bytes)?;
        let next = self.session.log().requests.last();
        let next = next.map_or(0, |request| request.segment);
        let ladder = self.index.refined(self.session.ladder(), next)?;
        self.command = self.session.learn(now_s, Arc::new(ladder));
        Ok(())
    }

    pub(super) fn failed(&mut self, now_s: f64, id: RequestId, again_s: Option<f64>) {
        if let Some(flight) = self.flight.take_if(|flight| flight.id == id) {
            self.without(now_s, &flight, again_s);
        }
    }

    /// Handles the failure of `flight`; an index that failed ahead of time waits until its rung is wanted.
    pub(super) fn without(&mut self, now_s: f64, flight: &Flight, again_s: Option<f64>) {
        if flight.ahead {
            self.late.push(flight.purpose.rung());
        } else if self.effort.untried > 0 && self.index.go_on().is_ok() {
            self.effort.untried -= 1;
            self.session.handle(now_s, Event::Retried);
        } else if let Some(pause_s) = again_s {
            self.effort.untried = self.index.other_places();
            self.effort.attempt += 1;
            self.effort.resume_s = Some(now_s + pause_s);
            self.session.handle(now_s, Event::Retried);
        } else {
            self.effort = Effort::new(&self.index);
            self.tell(now_s, Event::Failed);
        }
    }
}
