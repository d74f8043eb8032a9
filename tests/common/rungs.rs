//! The same as `title.rs`, under the name that older tests know.

#[path = "title.rs"]
mod title;

#[allow(unused_imports, reason = "every test binary uses its own part")]
pub(crate) use title::{content, put, segment, track, two_rungs};
