//! The request in flight, and the attempts before it.

use super::action::RequestId;
use crate::player::index::{Index, Purpose};

#[derive(Debug)]
pub(super) struct Flight {
    pub(super) id: RequestId,
    pub(super) purpose: Purpose,
    /// Whether it is fetched ahead of time, while the session waits.
    pub(super) ahead: bool,
}

impl Flight {
    pub(super) fn is_media(&self) -> bool {
        matches!(self.purpose, Purpose::Media { .. })
    }
}

/// The attempts at the segment that the session wants.
#[derive(Debug, Default)]
pub(super) struct Effort {
    /// Attempts that failed in every place.
    pub(super) attempt: u32,
    /// Places not tried since the last pause.
    pub(super) untried: usize,
    pub(super) resume_s: Option<f64>,
    /// Whether index parts were fetched first: their time is not the segment's.
    pub(super) lacked: bool,
}

impl Effort {
    pub(super) fn new(index: &Index) -> Self {
        Self {
            untried: index.other_places(),
            ..Self::default()
        }
    }
}
