//! The request in flight, and what was tried for the segment that the session wants.

use super::action::RequestId;
use crate::player::index::{Index, Purpose, Resource};

/// The request in flight.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) id: RequestId,
    pub(super) resource: Resource,
    /// Whether it is fetched ahead of time, while the session waits.
    pub(super) ahead: bool,
}

impl Flight {
    pub(super) fn id(&self) -> RequestId {
        self.id
    }

    pub(super) fn purpose(&self) -> Purpose {
        self.resource.purpose
    }

    pub(super) fn is_media(&self) -> bool {
        matches!(self.purpose(), Purpose::Media { .. })
    }
}

/// What was tried for the segment that the session wants.
#[derive(Debug)]
pub(super) struct Effort {
    /// Attempts that failed in every place.
    pub(super) attempt: u32,
    /// Places not tried since the last pause.
    pub(super) untried: usize,
    /// The end of a pause.
    pub(super) resume_s: Option<f64>,
    /// Whether index parts came first: the time that they took says nothing of the segment's.
    pub(super) lacked: bool,
}

impl Effort {
    pub(super) fn new(index: &Index) -> Self {
        Self {
            attempt: 0,
            untried: index.other_places(),
            resume_s: None,
            lacked: false,
        }
    }
}
