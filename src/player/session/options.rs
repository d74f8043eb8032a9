//! The options of a session.

use crate::player::abr::Abr;
use crate::player::compute::Compute;
use crate::player::throughput::Estimator;

/// The options of one playback.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The rule. Titles in layers have one of their own, see [`crate::player::abr`].
    pub abr: Abr,
    /// Media to keep in the buffer, seconds; at least two segments, for one must arrive while another plays.
    pub buffer_s: f64,
    /// Where playback begins, seconds of media time.
    pub start_s: f64,
    /// How the throughput is estimated.
    pub estimator: Estimator,
    /// Seed of random numbers, in the rules that use any and in the modelled device.
    pub seed: u64,
    /// The guards over the rule; none over `fixed`.
    pub guards: Guards,
    /// How long decoding and generation take; `None` when they take no time.
    pub compute: Option<Compute>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            abr: Abr::default(),
            buffer_s: 25.0,
            start_s: 0.0,
            estimator: Estimator::default(),
            seed: 0,
            guards: Guards::default(),
            compute: None,
        }
    }
}

/// The guards in use; see [`crate::player::guards`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// A segment must arrive before the buffer is spent, its rung's index included.
    pub insufficient_buffer: bool,
    /// A transfer that would outlast the buffer gives way to a lower rung.
    pub abandonment: bool,
    /// A buffered segment of a low rung is fetched again when a higher rung is chosen.
    pub replacement: bool,
    /// A rung that was often left for a lower one is avoided.
    pub switch_history: bool,
    /// A segment must be generated before it is due; without [`Options::compute`] it always is.
    pub decode_time: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            insufficient_buffer: true,
            abandonment: true,
            decode_time: true,
            ..Self::NONE
        }
    }
}

impl Guards {
    /// No guard at all.
    pub const NONE: Self = Self {
        insufficient_buffer: false,
        abandonment: false,
        replacement: false,
        switch_history: false,
        decode_time: false,
    };
}
