//! The client core.

pub mod abr;
#[cfg(feature = "net")]
pub mod fetch;
