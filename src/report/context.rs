//! Facts about a session that its log does not hold.

use crate::player::log::Overhead;
use crate::player::session::Options;
use serde::Serialize;

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Everything was played.
    Finished,
    /// The network never delivers the next segment.
    Starved,
    /// A segment failed on every rung.
    GaveUp,
    /// The driver was stopped.
    Stopped,
}

/// The recorded network of the session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    /// The trace's file name.
    pub name: String,
    /// Multiplier of its rates.
    pub multiplier: f64,
}

/// Facts about a session that its log does not hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Context {
    /// `play` or `simulate`.
    pub command: &'static str,
    /// The title's path or URL.
    pub title: String,
    /// The generator profile played.
    pub profile: String,
    /// The session's options.
    #[serde(skip)]
    pub options: Options,
    /// The trace, if there was one.
    pub trace: Option<Network>,
    /// How it ended.
    pub verdict: Verdict,
    /// Bytes of all but media segments and weights; 0 if simulated.
    #[serde(skip)]
    pub overhead: Overhead,
    /// Bytes of generator weights fetched for it.
    #[serde(skip)]
    pub weights_bytes: u64,
    /// Time from the first request to the start of the session, seconds; `None` if simulated.
    #[serde(skip)]
    pub opening_s: Option<f64>,
    /// Cost of rendering, if frames were rendered.
    pub rendering: Option<Rendering>,
}

/// Cost of generating frames.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rendering {
    /// Frames handed to the sink.
    pub frames: u64,
    /// Frames generated per second, without writing and waiting.
    pub fps: f64,
    /// The inverse, milliseconds.
    pub ms_per_frame: f64,
    /// Frames output late by more than their duration; `None` if frames have no deadline.
    pub late_frames: Option<u64>,
}
