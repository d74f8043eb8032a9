//! Runs a playback of the library from a command: its runtime, its sink, Ctrl-C.

use super::CliError;
use crate::playback::{FetchError, Frames, PlaybackError, Segments};
use crate::report::Report;
use crate::sink::Sink;
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
        let mut interrupt = pin!(tokio::signal::ctrl_c());
        let error = loop {
            let frame = tokio::select! {
                frame = frames.next() => frame,
                _ = &mut interrupt => return Err(CliError::interrupted()),
            };
            match frame {
                Some(Ok(frame)) => sink.write(&frame.image)?,
                Some(Err(PlaybackError::Fetch(error))) => break Some(error),
                Some(Err(error)) => return Err(error.into()),
                None => break None,
            }
        };
        sink.finish()?;
        let report = frames.finish().await?;
        Ok(Ended { report, error })
    })
}

/// Receives `segments` without rendering. Ctrl-C ends it.
pub(super) fn receive(runtime: &Runtime, mut segments: Segments) -> Result<Ended, CliError> {
    runtime.block_on(async {
        let mut interrupt = pin!(tokio::signal::ctrl_c());
        let error = loop {
            let segment = tokio::select! {
                segment = segments.next() => segment,
                _ = &mut interrupt => return Err(CliError::interrupted()),
            };
            match segment {
                Some(Ok(_)) => {}
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        };
        let report = segments.finish().await?;
        Ok(Ended { report, error })
    })
}

/// Exit code 1 (check failed) for a trace without bandwidth, which is valid input, as in `simulate`;
/// otherwise 2.
pub(super) fn failed(error: PlaybackError) -> CliError {
    let hint = match &error {
        PlaybackError::Fetch(FetchError::Starved { .. }) => {
            return CliError::check(error.to_string());
        }
        PlaybackError::NoGenerator { weights_url, .. } => match weights_url {
            Some(url) => format!("--fetch-weights fetches them from {url}; "),
            None => String::new(),
        },
        _ => return error.into(),
    };
    CliError::input(format!("{error} ({hint}--no-render plays without frames)"))
}
