//! The player core with the page's request numbers and clock.

use super::error::WebError;
use super::input::Told;
use crate::player::abr::Abr;
use crate::player::client::{Input, Player, RequestId};
use crate::player::event::{Event, Rendered};
use crate::player::index::{IndexError, Purpose};
use crate::player::session::Options;
use bytes::Bytes;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Playing {
    pub(super) player: Player,
    /// URL of the manifest: the base of references.
    pub(super) base: String,
    /// The page's time at the player's 0.
    pub(super) began_s: f64,
    /// The page's number of the player's first request.
    pub(super) first_id: u64,
    /// Requests under way: URL and purpose.
    pub(super) asked: BTreeMap<u64, (String, Purpose)>,
    /// Stalls that CMCD has reported.
    pub(super) stalls: usize,
    /// What failed since a segment was delivered: why the next one is missing, if it is.
    pub(super) trouble: Option<Box<WebError>>,
}

impl Playing {
    fn request(&self, id: u64) -> RequestId {
        RequestId(id.wrapping_sub(self.first_id))
    }

    /// Begins playback.
    pub(super) fn start(&mut self, now_s: f64) -> Result<(), WebError> {
        let begun = self.player.input(now_s - self.began_s, Input::Start);
        begun.map_err(|source| WebError::answer(&self.base, source))
    }

    /// Handles one input at the page's `now_s`; `options` are those of the session, to be kept.
    pub(super) fn input(
        &mut self,
        now_s: f64,
        told: &Told,
        body: &[u8],
        options: &mut Options,
    ) -> Result<(), WebError> {
        let own = told.own(self.player.session().rate(), body, |id| self.request(id));
        let id = told.delivered.or(told.failed);
        let asked = id.and_then(|id| self.asked.remove(&id));
        let input = match own {
            Some(input) => input,
            None => {
                let rungs = self.player.session().ladder().rungs().len();
                let Some(abr) = told.rule_of(options.abr, rungs)? else {
                    return Ok(());
                };
                options.abr = abr;
                Input::Rule(abr)
            }
        };
        let done = self.player.input(now_s - self.began_s, input);
        if let Some((url, purpose)) = asked {
            self.note(told.failed.is_some(), url, purpose, done);
        }
        Ok(())
    }

    /// Keeps why a request brought nothing: the player goes on with another rung, as long as there is one.
    fn note(&mut self, failed: bool, url: String, purpose: Purpose, done: Result<(), IndexError>) {
        match done {
            Err(source) => self.trouble = Some(Box::new(WebError::answer(&url, source))),
            Ok(()) if failed => self.trouble = Some(Box::new(WebError::NotAvailable { url })),
            Ok(()) if matches!(purpose, Purpose::Media { .. }) => self.trouble = None,
            Ok(()) => {}
        }
    }
}

impl Told {
    /// The player's input, unless it is a change of the rule.
    fn own<'a>(
        &self,
        rate: f64,
        body: &'a [u8],
        request: impl Fn(u64) -> RequestId,
    ) -> Option<Input<'a>> {
        let event = |event| Some(Input::Event(event));
        if let Some(id) = self.first_byte {
            return Some(Input::FirstByte(request(id)));
        }
        if let Some(id) = self.progress {
            let id = request(id);
            return Some(Input::Progress { id, so_far: body });
        }
        if let Some(id) = self.delivered {
            return Some(Input::Delivered {
                id: request(id),
                bytes: Bytes::copy_from_slice(body),
                wire_bytes: self.wire_bytes.unwrap_or(body.len() as u64),
            });
        }
        if let Some(id) = self.failed {
            let (id, again_s) = (request(id), self.again_s);
            return Some(Input::Failed { id, again_s });
        }
        if let Some(to_s) = self.seek {
            return Some(Input::Seek(to_s));
        }
        if self.play.is_some() {
            return event(Event::Resume);
        }
        if self.pause.is_some() {
            return event(Event::Pause);
        }
        if let Some(news) = &self.rendered {
            return event(Event::Rendered(Rendered {
                segment: news.segment,
                frames: news.frames,
                complete: news.complete,
                frame_s: news.frame_s,
            }));
        }
        if let Some(to_s) = self.playhead {
            return event(Event::Playhead(to_s));
        }
        self.rate
            .filter(|&wanted| wanted != rate)
            .and_then(|rate| event(Event::Rate(rate)))
    }

    /// The rule after this input; `None` if it does not change. A `null` rung returns to the usual rule.
    pub(super) fn rule_of(&self, now: Abr, rungs: usize) -> Result<Option<Abr>, WebError> {
        match (self.rung, &self.rule) {
            (Some(Some(rung)), _) if rung >= rungs => Err(WebError::NoRung { rung, rungs }),
            (Some(Some(rung)), _) => Ok(Some(Abr::Fixed(rung))),
            (_, Some(name)) => Ok(Some(name.parse()?)),
            (Some(None), None) if matches!(now, Abr::Fixed(_)) => Ok(Some(Abr::default())),
            _ => Ok(None),
        }
    }
}
