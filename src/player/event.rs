//! Events that a driver reports, commands that the session answers with, and where playback stands.

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The session may begin. Once, first.
    Start,
    /// The time that [`Command::Wait`] or [`Command::Drain`] named has come.
    Timer,
    /// The answer to the request began to arrive.
    FirstByte,
    /// Bytes of the body received so far.
    Progress(u64),
    /// Media decodable from the bytes received so far, in seconds from the segment's start. A driver that
    /// does not parse segments never reports it, and the ladder's estimate is used.
    Playable(f64),
    /// The body is complete, with so many bytes.
    Delivered(u64),
    /// The transfer broke and is begun anew: what was measured of it does not count.
    Retried,
    /// The driver gives this segment up on this rung.
    Failed,
    /// A renderer's progress; where the device is measured, not modelled.
    Rendered(Rendered),
    /// An outside clock (an audio device, a video element) has the playhead at this media time, seconds.
    /// From the first such report on it moves by reports alone.
    Playhead(f64),
    /// The viewer halts playback.
    Pause,
    /// The viewer lets it go on.
    Resume,
    /// Playback rate, in media seconds a second; kept within 1/16 and 16.
    Rate(f64),
    /// The viewer jumps to this media time, seconds.
    Seek(f64),
}

impl Event {
    /// Whether it may change when the buffer has room and when playback ends.
    pub(super) fn moves_playhead(&self) -> bool {
        matches!(
            self,
            Self::Rendered(_) | Self::Playhead(_) | Self::Pause | Self::Resume | Self::Rate(_)
        )
    }
}

/// A renderer's progress with a segment, or with the part of one that it was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rendered {
    /// Segment number.
    pub segment: usize,
    /// Frames rendered so far, not counting skipped ones.
    pub frames: u32,
    /// Whether these are all of them.
    pub complete: bool,
    /// Mean time that a frame of it took so far, seconds.
    pub frame_s: f64,
}

/// What a transfer left in the buffer.
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
    /// All of it; it takes the place of a lower rung of the same segment.
    Whole,
    /// Its first samples, from a transfer that was abandoned.
    Part,
    /// One more layer on top of those that came before.
    Layer,
}

/// What the driver shall do next. There is never more than one transfer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Fetch this segment from this rung; any other transfer is off.
    Fetch {
        /// Segment number.
        segment: usize,
        /// Rung number.
        rung: usize,
    },
    /// Drop the running transfer and fetch the same segment from this rung instead.
    Abandon {
        /// Segment number, as before.
        segment: usize,
        /// The rung to fetch from now.
        rung: usize,
    },
    /// Carry on with the running transfer.
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
    /// This segment cannot be had from any rung; the session is over.
    GiveUp {
        /// The segment that is missing.
        segment: usize,
    },
}

/// Where playback stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Nothing was shown yet.
    StartUp,
    /// Playing, or paused with the next frame there.
    Steady,
    /// The buffer ran dry.
    Stalled,
    /// Waiting for the first segment after a jump.
    Seeking,
    /// The last frame was shown, or a segment could not be had.
    Ended,
}
