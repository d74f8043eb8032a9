//! Events, commands and states of a session.

/// An event that a driver reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The session may begin. Once, first.
    Start,
    /// The time that [`Command::Wait`] or [`Command::Drain`] named has come.
    Timer,
    /// The first byte of the answer arrived.
    FirstByte,
    /// Bytes of the body received so far.
    Progress(u64),
    /// Media decodable from the bytes received so far, in seconds from the segment's start; without it the
    /// ladder's estimate is used.
    Playable(f64),
    /// The body is complete, with this number of bytes.
    Delivered(u64),
    /// The transfer broke and began anew; its measurements are dropped.
    Retried,
    /// The driver gives up this segment on this rung.
    Failed,
    /// Progress of a renderer, for a measured device.
    Rendered(Rendered),
    /// Playhead position of an outside clock (an audio device, a video element), seconds of media time. From
    /// the first such report on the playhead moves by reports alone.
    Playhead(f64),
    /// The viewer pauses.
    Pause,
    /// The viewer resumes.
    Resume,
    /// Playback rate, in media seconds a second; kept within 1/16 and 16.
    Rate(f64),
    /// The viewer seeks to this media time, seconds.
    Seek(f64),
}

impl Event {
    /// Whether it may change the time at which the buffer has room and playback ends.
    pub(super) fn moves_playhead(&self) -> bool {
        matches!(
            self,
            Self::Rendered(_) | Self::Playhead(_) | Self::Pause | Self::Resume | Self::Rate(_)
        )
    }
}

/// Progress of a renderer with a segment or a part of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rendered {
    /// Segment number.
    pub segment: usize,
    /// Frames rendered so far, not counting skipped ones.
    pub frames: u32,
    /// Whether the segment is complete.
    pub complete: bool,
    /// Mean time a frame so far, seconds.
    pub frame_s: f64,
}

/// Media that a transfer added to the buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrived {
    /// Segment number.
    pub segment: usize,
    /// Rung number, or layer.
    pub rung: usize,
    /// Seconds to decode but not show: before a seek target, or already shown from another rung.
    pub skip_s: f64,
    /// How much of the segment it is.
    pub form: Form,
}

/// How much of a segment arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// All of it; it replaces a lower rung of the same segment.
    Whole,
    /// Its first samples, from an abandoned transfer.
    Part,
    /// One more layer.
    Layer,
}

/// The driver's next step. There is never more than one transfer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Fetch this segment from this rung; any other transfer is dropped.
    Fetch {
        /// Segment number.
        segment: usize,
        /// Rung number.
        rung: usize,
    },
    /// Drop the transfer and fetch the same segment from this rung instead.
    Abandon {
        /// Segment number, as before.
        segment: usize,
        /// Rung number.
        rung: usize,
    },
    /// Continue the transfer.
    Continue,
    /// Send [`Event::Timer`] at this time.
    Wait {
        /// Session time, seconds; infinite while only another event can end the wait.
        until_s: f64,
    },
    /// Everything is fetched; playback ends at this time unless the viewer seeks. A driver that takes no
    /// seeks may send [`Event::Timer`] dated then without waiting for it.
    Drain {
        /// Session time, seconds; infinite while the playhead does not run by itself.
        until_s: f64,
    },
    /// Playback is over.
    Done,
    /// This segment is not available from any rung; the session is over.
    GiveUp {
        /// Segment number.
        segment: usize,
    },
}

/// State of playback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Nothing was shown yet.
    StartUp,
    /// Playing, or paused with the next frame ready.
    Steady,
    /// The buffer ran dry.
    Stalled,
    /// Waiting for the first segment after a seek.
    Seeking,
    /// The last frame was shown, or a segment is not available.
    Ended,
}
