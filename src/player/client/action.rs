//! What a player tells its driver, and what a driver reports.

use crate::player::event::Rendered;
use crate::player::index::Resource;
use bytes::Bytes;

/// One of the tracks that play together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u32);

impl TrackId {
    /// The pictures.
    pub const PICTURES: Self = Self(0);
}

/// One request of one track; numbers are not used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Names it in inputs.
    pub id: RequestId,
    /// The track that it serves.
    pub track: TrackId,
    /// What to fetch, and its purpose.
    pub resource: Resource,
    /// How many attempts at it have failed in every place that the manifest names.
    pub attempt: u32,
    /// The media segment that probably follows, for servers that prefetch.
    pub next: Option<Resource>,
}

/// What the driver shall do next. A track never has more than one request in flight.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Send this request, and report on it.
    Request(Request),
    /// Drop this request; reports on it are ignored from now on.
    Cancel(RequestId),
    /// Decode and show this, after what was given before.
    Decode(Segment),
    /// Nothing until this time, or until something happens.
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
    /// This segment cannot be had from any rung.
    Missing {
        /// Segment number.
        segment: usize,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Playback may begin. Once, first.
    Start,
    /// The answer to a request began to arrive.
    FirstByte(RequestId),
    /// So much of a body is here. Due at least every quarter of a second while a media segment comes, also
    /// when nothing new arrived.
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
        /// Bytes that came over the network for it.
        wire_bytes: u64,
    },
    /// A request failed.
    Failed {
        /// The request.
        id: RequestId,
        /// The pause after which another attempt is worth while, seconds; `None` if none is.
        again_s: Option<f64>,
    },
    /// A renderer's progress.
    Rendered(Rendered),
    /// An outside clock has the playhead at this media time, seconds.
    Playhead(f64),
    /// The viewer halts playback.
    Pause,
    /// The viewer lets it go on.
    Resume,
    /// Playback rate, in media seconds a second.
    Rate(f64),
    /// The viewer jumps to this media time, seconds.
    Seek(f64),
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
    /// Whether the bytes are all there. An abandoned transfer leaves the first of them: their whole
    /// samples are to be shown, and the rest of the segment follows from another rung.
    pub whole: bool,
    /// Seconds to decode but not show: before a seek target, or already shown from another rung.
    pub skip_s: f64,
    /// A segment with more frames than this is longer than the manifest says: a renderer should refuse it.
    pub most_frames: u64,
}
