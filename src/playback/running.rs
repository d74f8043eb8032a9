//! A session on a task of its own, its media segments as a stream, and its report at the end.

use super::drive::{Played, Progress, Setup, play_rendered};
use super::error::FetchError;
use super::opened::Playback;
use super::queue::{QueueReceiver, queue};
use crate::player::client::Segment;
use crate::player::log::Log;
use crate::player::session::Options;
use crate::report::{Context, Rendering, Report, Verdict};
use futures_util::Stream;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// Segments that may wait to be rendered: an hour of two-second segments, so that a slow renderer does not
/// delay the session.
const WAITING: usize = 1800;

#[derive(Debug)]
pub(super) struct Running {
    playback: Playback,
    options: Options,
    /// Time from the first request until the session began, seconds.
    opening_s: f64,
    task: JoinHandle<Played>,
    verdict: Verdict,
    played: Option<Played>,
}

impl Running {
    /// Starts the session on the current tokio runtime. `rendered` reports the progress of a generator,
    /// where the options say that the device is measured.
    pub(super) fn start(
        playback: Playback,
        setup: Setup,
        rendered: Option<UnboundedReceiver<Progress>>,
    ) -> (Self, QueueReceiver<Segment>) {
        let opening_s = playback.begun.elapsed().as_secs_f64();
        let options = setup.options;
        let (client, stream) = (playback.client.clone(), Arc::clone(&playback.stream));
        let (sink, segments) = queue(WAITING, setup.controls.as_ref());
        let task = tokio::spawn(Box::pin(async move {
            play_rendered(&client, &stream, &setup, &sink, rendered).await
        }));
        let running = Self {
            playback,
            options,
            opening_s,
            task,
            verdict: Verdict::Stopped,
            played: None,
        };
        (running, segments)
    }

    /// Polls for the end of the session; returns its error, once.
    pub(super) fn poll_end(&mut self, cx: &mut task::Context<'_>) -> Poll<Option<FetchError>> {
        if self.played.is_some() {
            return Poll::Ready(None);
        }
        let mut played = match ready!(Pin::new(&mut self.task).poll(cx)) {
            Ok(played) => played,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime is shutting down.
                Err(_) => self.unfinished(),
            },
        };
        let error = played.error.take();
        self.verdict = match &error {
            Some(error) if error.is_starved() => Verdict::Starved,
            Some(_) => Verdict::GaveUp,
            None if played.complete => Verdict::Finished,
            None => Verdict::Stopped,
        };
        self.played = Some(played);
        Poll::Ready(error)
    }

    /// The report, after the end. `rendering` are the renderer's figures.
    pub(super) fn report(mut self, rendering: Option<Rendering>) -> Report {
        let played = self.played.take().unwrap_or_else(|| self.unfinished());
        let stream = self.playback.stream();
        let context = Context {
            command: "play",
            title: stream.url().to_owned(),
            profile: stream.group().profile,
            options: self.options,
            trace: None,
            verdict: self.verdict,
            overhead: self.playback.client.overhead(),
            weights_bytes: self.playback.weights_bytes,
            opening_s: Some(self.opening_s),
            rendering,
        };
        Report::new(context, &played.ladder, played.log)
    }

    fn unfinished(&self) -> Played {
        Played {
            log: Log::default(),
            error: None,
            complete: false,
            ladder: Arc::clone(self.playback.stream().ladder()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The media segments of a session, in the order in which they play. Dropping it stops the session.
///
/// A failed session ends with its error as the last item.
#[derive(Debug)]
pub struct Segments {
    segments: QueueReceiver<Segment>,
    running: Running,
}

impl Playback {
    /// Starts playback on the current tokio runtime, in real time, without rendering.
    ///
    /// Where segments build on each other, those before the start of `setup` come first.
    pub fn segments(self, mut setup: Setup) -> Segments {
        (setup.options, _) = self.at_access_point(setup.options);
        let (running, segments) = Running::start(self, setup, None);
        Segments { segments, running }
    }
}

impl Segments {
    /// The next segment; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<Segment, FetchError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Plays to the end without keeping segments, and reports the session. An error that [`Self::next`]
    /// returned already does not come again: it is the report's verdict.
    pub async fn finish(mut self) -> Result<Report, FetchError> {
        while let Some(segment) = self.next().await {
            segment?;
        }
        Ok(self.running.report(None))
    }
}

impl Stream for Segments {
    type Item = Result<Segment, FetchError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match ready!(this.segments.poll_recv(cx)) {
            Some(segment) => Poll::Ready(Some(Ok(segment))),
            None => this.running.poll_end(cx).map(|error| error.map(Err)),
        }
    }
}
