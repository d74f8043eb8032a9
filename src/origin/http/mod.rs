//! Objects as HTTP responses (RFC 9110, RFC 9111): negotiation, preconditions, ranges, header
//! fields.
//!
//! Knows nothing of routes, tokens or connections.

mod conditional;
pub(super) mod headers;
mod negotiate;
mod range;
mod respond;

pub(super) use negotiate::{accepted_coding, quality};
pub(super) use respond::Reply;
