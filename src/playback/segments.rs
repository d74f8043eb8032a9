//! A title as a stream of media segments.

use super::drive::Setup;
use super::error::FetchError;
use super::opened::Playback;
use super::queue::QueueReceiver;
use super::running::Running;
use crate::player::client::Segment;
use crate::report::Report;
use futures_util::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

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

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match ready!(this.segments.poll_recv(cx)) {
            Some(segment) => Poll::Ready(Some(Ok(segment))),
            None => this.running.poll_end(cx).map(|error| error.map(Err)),
        }
    }
}
