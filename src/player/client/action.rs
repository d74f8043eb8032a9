//! Actions and inputs of a player.

use crate::player::abr::Abr;
use crate::player::event::Event;
use crate::player::index::Resource;
use bytes::Bytes;

/// Number of a request, unique within a playback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its number in inputs.
    pub id: RequestId,
    /// The resource and its purpose.
    pub resource: Resource,
    /// Number of attempts that failed in every place of the manifest.
    pub attempt: u32,
    /// The media segment that probably follows, for servers that prefetch.
    pub next: Option<Resource>,
}

/// The driver's next step. There is never more than one request in flight.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Send this request, and report on it.
    Request(Request),
    /// Drop this request; later reports on it are ignored.
    Cancel(RequestId),
    /// Decode and show this after the segments before it.
    Decode(Segment),
    /// Wait until this time or an input.
    Wait {
        /// Session time, seconds; may be infinite.
        until_s: f64,
    },
    /// Everything is fetched and handed on; playback ends at this time unless the viewer seeks. A driver
    /// that takes no more seeks may poll dated then without waiting for it.
    Drain {
        /// Session time, seconds; may be infinite.
        until_s: f64,
    },
    /// Playback is over.
    End(Ending),
}

/// How playback ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// With the last frame.
    Finished,
    /// This segment is not available from any rung.
    Missing {
        /// Segment number.
        segment: usize,
    },
}

/// An event that the driver reports.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Playback may begin. Once, first.
    Start,
    /// The first byte of an answer arrived.
    FirstByte(RequestId),
    /// Bytes of a body so far; for media at least every quarter of a second, also when nothing new arrived.
    Progress {
        /// The request.
        id: RequestId,
        /// The body from its start.
        so_far: &'a [u8],
    },
    /// A body is complete.
    Delivered {
        /// The request.
        id: RequestId,
        /// The body, without any content coding.
        bytes: Bytes,
        /// Its bytes on the network.
        wire_bytes: u64,
    },
    /// A request failed.
    Failed {
        /// The request.
        id: RequestId,
        /// Pause before another attempt, seconds; `None` for no further attempt.
        again_s: Option<f64>,
    },
    /// An event of the viewer, a renderer or an outside clock; those of transfers and time are ignored.
    Event(Event),
    /// The viewer seeks to this media time, seconds.
    Seek(f64),
    /// Another rule, from the next decision on; [`Abr::Fixed`] for a rung of the viewer's.
    Rule(Abr),
}

/// A media segment, or a part of one, to decode.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Segment number.
    pub segment: usize,
    /// Rung number.
    pub rung: usize,
    /// The bytes, `styp` included: those of the rung, or of the base layer.
    pub bytes: Bytes,
    /// The layers above the base up to number `rung`, where the stream is in layers.
    pub layers: Vec<Bytes>,
    /// The init segments of the bytes and of every layer.
    pub inits: Vec<Bytes>,
    /// Whether the bytes are complete. Of a part left by an abandoned transfer the whole samples are to be
    /// shown; the rest of the segment follows from another rung.
    pub whole: bool,
    /// Seconds to decode but not show: before a seek target, or already shown from another rung.
    pub skip_s: f64,
    /// Limit of the number of frames by the manifest: a renderer should refuse more.
    pub most_frames: u64,
}
