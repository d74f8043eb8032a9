//! Always the same rung: for measuring a rung, and for comparing one server with another.

use super::{Choice, Rule, View};

/// The rule `fixed`.
#[derive(Debug)]
pub(super) struct Fixed {
    rung: usize,
}

impl Fixed {
    pub(super) fn new(rung: usize) -> Self {
        Self { rung }
    }
}

impl Rule for Fixed {
    fn choose(&mut self, _view: &View<'_>) -> Choice {
        Choice::now(self.rung, "fixed")
    }
}
