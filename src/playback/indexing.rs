//! Indexes that come while a title plays: those that a segment cannot be asked for without, at once;
//! others while the session waits for room in its buffer.
//!
//! One part at a time, and ahead of time only such as come well before the buffer is spent.

use super::drive::{Driver, TICK, news};
use super::error::FetchError;
use super::http::{Answer, Purpose};
use super::listing::{Ask, SHORT};
use crate::player::event::{Command, Event};
use reqwest::Url;
use std::pin::pin;
use std::sync::Arc;

/// Segments beyond the next that every rung's index shall tell of.
const AHEAD: usize = SHORT / 2;
/// Share of the buffer that may pass while a part comes ahead of time.
const SAFETY: f64 = 0.5;

impl Driver<'_> {
    /// Fetches what must be there before `segment` of `rung` can be asked for. A command when something
    /// else is to be done.
    pub(super) async fn list(
        &mut self,
        segment: usize,
        rung: usize,
    ) -> Result<Option<Command>, FetchError> {
        let mut lacked = false;
        while let Some(ask) = self.lists.lacks(segment, rung)? {
            lacked = true;
            let command = match self.ask(&ask).await {
                Ok(answer) => self.learn(rung, &ask, answer?)?,
                Err(command) => command,
            };
            if command != (Command::Fetch { segment, rung }) {
                return Ok(Some(command));
            }
        }
        if lacked {
            // The time that this took says nothing of the segment's.
            self.tell(Event::Retried);
        }
        Ok(None)
    }

    /// The part of an index to fetch while there is time: of the rung in use first.
    pub(super) fn to_list_ahead(&self) -> Option<(usize, Ask)> {
        let log = self.session.log();
        let last = log.requests.last()?;
        let segment = self.lists.last().min(last.segment + AHEAD);
        let others = (0..self.lists.rungs()).filter(|_| self.spare);
        let mut rungs = std::iter::once(last.rung).chain(others);
        let (rung, ask) = rungs.find_map(|rung| {
            let ask = self.lists.lacks(segment, rung).ok().flatten()?;
            (!self.late.contains(&rung)).then_some((rung, ask))
        })?;
        let took_s = self.lists.cost(&ask) as f64 * 0.008 / self.session.throughput_kbps()?;
        (took_s <= SAFETY * self.session.buffer_s()).then_some((rung, ask))
    }

    /// Fetches `ask` while the session waits until `until_s`. A rung whose index cannot be had plays no
    /// part until it is wanted.
    pub(super) async fn list_ahead(&mut self, rung: usize, ask: &Ask, until_s: f64) -> Command {
        let answer = match self.ask(ask).await {
            Ok(answer) => answer,
            Err(command) => return command,
        };
        match answer.and_then(|answer| self.learn(rung, ask, answer)) {
            Ok(command) => command,
            Err(error) => {
                tracing::warn!(rung, %error, "an index did not come ahead of time");
                self.late.push(rung);
                Command::Wait { until_s }
            }
        }
    }

    /// Where what is wanted first for a segment lies.
    pub(super) fn wanted_url(&self, segment: usize, rung: usize) -> Option<Url> {
        match self.lists.lacks(segment, rung) {
            Ok(Some(ask)) => Some(ask.url),
            Ok(None) => Some(self.lists.place(segment, rung).ok()?.url),
            Err(_) => None,
        }
    }

    /// Tells the session what `answer` to `ask` says of `rung`.
    fn learn(&mut self, rung: usize, ask: &Ask, answer: Answer) -> Result<Command, FetchError> {
        self.lists.take(rung, ask, answer)?;
        let next = self.session.log().requests.last();
        let next = next.map_or(0, |request| request.segment);
        let ladder = self.lists.ladder(self.session.ladder(), next)?;
        Ok(self.session.learn(self.clock.now_s(), Arc::new(ladder)))
    }

    /// Fetches `ask`, once, while the session goes on; a command when something else is to be done.
    async fn ask(&mut self, ask: &Ask) -> Result<Result<Answer, FetchError>, Command> {
        let (client, stream) = (self.client, self.stream);
        let purpose = Purpose::of(stream.content(), ask.kind);
        let mut answer = pin!(client.get_once(&ask.url, ask.range, &purpose));
        loop {
            tokio::select! {
                answer = &mut answer => return Ok(answer),
                () = self.clock.until(self.seek_at_s()) => return Err(self.seek()),
                news = news(&mut self.generator) => {
                    self.take_news(news);
                }
                () = tokio::time::sleep(TICK) => {
                    // Nothing of a segment has come, but time has passed.
                    self.tell(Event::Progress(0));
                    self.release().await;
                }
            }
            if self.closed {
                return Err(Command::Continue);
            }
        }
    }
}
