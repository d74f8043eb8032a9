//! The log of a session: every decision with its inputs and its outcome.
//!
//! One [`Request`] a transfer, in order. Times are seconds of the session clock. Equal histories give equal
//! logs, value for value.

use serde::Serialize;

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Still under way when the log was read.
    #[default]
    Pending,
    /// Complete, and in the buffer.
    Delivered,
    /// Complete, but fetched again later on a higher rung.
    Replaced,
    /// A layer, complete and added to a segment in the buffer.
    Added,
    /// Complete, but its segment had begun to play.
    TooLate,
    /// Dropped for a lower rung.
    Abandoned,
    /// Dropped by a seek.
    Dropped,
    /// The driver gave up on it.
    Failed,
}

/// One request: the state that it was decided in, the choice, the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Request {
    /// Segment number, from 0.
    pub segment: usize,
    /// Requested rung, from 0.
    pub rung: usize,
    /// Rung that the rule chose, before the guards.
    pub wanted: usize,
    /// Reason of the choice: a rule's name, `abandonment`, `failure`, `replacement`, `base` or `layer`.
    pub by: &'static str,
    /// When the choice was made.
    pub decided_s: f64,
    /// Media in the buffer then.
    pub buffer_s: f64,
    /// Throughput estimate then, kbit/s.
    pub throughput_kbps: Option<f64>,
    /// Latency estimate then.
    pub latency_s: f64,
    /// How long the session had idled because the buffer was full.
    pub full_s: f64,
    /// How long the rule held the request back.
    pub held_s: f64,
    /// When the request went out.
    pub requested_s: f64,
    /// When its first byte came.
    pub first_byte_s: Option<f64>,
    /// When it ended.
    pub ended_s: Option<f64>,
    /// Bytes of the segment, as the ladder states them.
    pub size: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Bytes of earlier attempts at it that broke.
    pub lost: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Media in the buffer after it, the segment included.
    pub buffer_after_s: Option<f64>,
}

/// The cause of a stall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A segment that had not arrived.
    Network,
    /// Frames that were not generated.
    Decode,
}

/// A span without media to play, after playback had begun.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stall {
    /// When the buffer ran dry.
    pub start_s: f64,
    /// When play went on, or `None` when it never did.
    pub end_s: Option<f64>,
    /// Why.
    pub cause: Cause,
}

/// A segment on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Play {
    /// Segment number.
    pub segment: usize,
    /// Its rung when it was shown.
    pub rung: usize,
    /// When its first frame was shown.
    pub start_s: f64,
}

/// A jump to another place of the title.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Seek {
    /// When.
    pub at_s: f64,
    /// Media time that it went to.
    pub to_s: f64,
}

/// A span in which the viewer halted playback.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pause {
    /// When it began.
    pub start_s: f64,
    /// When playback was resumed, or `None` when it never was.
    pub end_s: Option<f64>,
}

/// The whole session.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Log {
    /// Transfers in the order of their requests.
    pub requests: Vec<Request>,
    /// Stalls in order.
    pub stalls: Vec<Stall>,
    /// Seeks in order.
    pub seeks: Vec<Seek>,
    /// Pauses in order; absent from JSON when there were none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
    /// When the first frame could be shown, or `None` if that never was.
    pub startup_s: Option<f64>,
    /// When the last frame had been shown, or `None` before that.
    pub ended_s: Option<f64>,
    /// Media time shown from each rung, seconds.
    pub played_s: Vec<f64>,
    /// Segments in the order in which they were shown.
    pub plays: Vec<Play>,
    /// Frames that were generated after their time.
    pub late_frames: u64,
    /// When more of the title's index was taken in, seconds; empty where all was known from the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub learnt_s: Vec<f64>,
}

/// Bytes that a driver received apart from media segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Overhead {
    /// Of the manifest: the MPD, or the multivariant playlist.
    pub manifest_bytes: u64,
    /// Of what lists the rungs' segments: `sidx` boxes, or media playlists.
    pub index_bytes: u64,
    /// Of init segments.
    pub init_bytes: u64,
    /// Of the quality table.
    pub quality_bytes: u64,
}

impl Overhead {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.manifest_bytes + self.index_bytes + self.init_bytes + self.quality_bytes
    }
}
