//! What a session waits for between two events.

use crate::player::log::Request;

#[derive(Debug, Clone, Copy)]
pub(super) enum Activity {
    /// [`crate::player::event::Event::Start`].
    Nothing,
    /// Room in the buffer.
    Room {
        since_s: f64,
        until_s: f64,
    },
    /// The end of the rule's wait before this request.
    Held {
        request: Request,
        until_s: f64,
    },
    Transfer(Transfer),
    /// The end of playback.
    Drain {
        until_s: f64,
    },
}

/// The request in flight; its record is the log's last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Transfer {
    pub(super) segment: usize,
    pub(super) rung: usize,
    /// What rates and latencies are measured from: the request, or its latest retry.
    pub(super) since_s: f64,
    pub(super) first_byte_s: Option<f64>,
    pub(super) received: u64,
    /// Media decodable from the bytes so far, seconds; `None` if the driver does not parse segments.
    pub(super) playable_s: Option<f64>,
    /// Bytes of broken attempts.
    pub(super) lost: u64,
    pub(super) buffer_before_s: f64,
}

impl Transfer {
    pub(super) fn latency_s(&self) -> f64 {
        self.flow_s() - self.since_s
    }

    pub(super) fn flow_s(&self) -> f64 {
        self.first_byte_s.unwrap_or(self.since_s)
    }
}
