//! Runs a playback of the library from a command: its runtime, its sink, Ctrl-C.

use super::CliError;
use crate::playback::{FetchError, Frames, PlaybackError, Segments, TimedFrame};
use crate::report::Report;
use crate::sink::Sink;
use futures_util::{Stream, StreamExt};
use std::io;
use std::pin::pin;
use tokio::runtime::Runtime;

/// A finished playback.
pub(super) struct Ended {
    /// The session's report.
    pub(super) report: Report,
    /// The error that ended it early, if any.
    pub(super) error: Option<FetchError>,
}

/// A runtime with one worker for the driver. The calling thread writes the frames.
pub(super) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
}

/// Writes `frames` to `sink`. Ctrl-C ends it between two frames; an unfinished file then never appears.
pub(super) fn write(
    runtime: &Runtime,
    mut frames: Frames,
    mut sink: Box<dyn Sink>,
) -> Result<Ended, CliError> {
    runtime.block_on(async {
        let write = |frame: TimedFrame| Ok(sink.write(&frame.image)?);
        let error = take_all(&mut frames, write).await?;
        sink.finish()?;
        let report = frames.finish().await?;
        Ok(Ended { report, error })
    })
}

/// Receives `segments` without rendering. Ctrl-C ends it.
pub(super) fn receive(runtime: &Runtime, mut segments: Segments) -> Result<Ended, CliError> {
    runtime.block_on(async {
        let error = take_all(&mut segments, |_| Ok(())).await?;
        let report = segments.finish().await?;
        Ok(Ended { report, error })
    })
}

/// Passes every item to `take`; returns the session's error. Fails if interrupted.
async fn take_all<T, E: Into<PlaybackError>>(
    items: &mut (impl Stream<Item = Result<T, E>> + Unpin),
    mut take: impl FnMut(T) -> Result<(), CliError>,
) -> Result<Option<FetchError>, CliError> {
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    loop {
        let item = tokio::select! {
            item = items.next() => item.transpose(),
            _ = &mut interrupt => return Err(CliError::interrupted()),
        };
        match item.map_err(Into::into) {
            Ok(Some(item)) => take(item)?,
            Ok(None) => return Ok(None),
            Err(PlaybackError::Fetch(error)) => return Ok(Some(error)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Exit code 1 (check failed) for a trace without bandwidth, which is valid input, as in `simulate`;
/// otherwise 2.
pub(super) fn failed(error: PlaybackError) -> CliError {
    let weights_url = match &error {
        PlaybackError::Fetch(error) if error.is_starved() => {
            return CliError::check(error.to_string());
        }
        PlaybackError::NoGenerator { weights_url, .. } => weights_url,
        _ => return error.into(),
    };
    let hint = weights_url.as_ref().map_or(String::new(), |url| {
        format!("--fetch-weights fetches them from {url}; ")
    });
    CliError::input(format!("{error} ({hint}--no-render plays without frames)"))
}
