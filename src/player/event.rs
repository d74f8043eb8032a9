//! What a driver tells the session, what the session tells the driver, and where playback stands.

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
    /// So many bytes of the body have arrived in all.
    Progress(u64),
    /// The bytes so far play for so many seconds from the segment's start, should no more come. A
    /// driver that does not look into them says nothing, and the ladder's estimate stands.
    Playable(f64),
    /// The body is complete, with so many bytes.
    Delivered(u64),
    /// The transfer broke, and the driver begins it anew: what was measured of it does not count.
    Retried,
    /// The driver gives this segment up on this rung.
    Failed,
    /// The generator has come so far; where the device is measured, not modelled.
    Rendered(Rendered),
    /// The viewer jumps to this media time, seconds.
    Seek(f64),
}

/// How far the generator has come with a segment, or with the piece of one that it was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rendered {
    /// Segment number.
    pub segment: usize,
    /// Frames of it that are there, those that are not to be shown left out.
    pub frames: u32,
    /// Whether that is all.
    pub complete: bool,
    /// What one frame of it took so far, on average, seconds.
    pub frame_s: f64,
}

/// What the driver shall do next.
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
        /// Session time, seconds.
        until_s: f64,
    },
    /// Everything is fetched; playback ends at this time unless the viewer seeks. A driver that
    /// takes no seeks may send [`Event::Timer`] dated then without waiting for it.
    Drain {
        /// Session time, seconds.
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
    /// Playing.
    Steady,
    /// The buffer ran dry.
    Stalled,
    /// Waiting for the first segment after a jump.
    Seeking,
    /// The last frame was shown, or a segment could not be had.
    Ended,
}
