//! The HTTP origin: titles out of an object store, as HLS and DASH, in byte ranges and in segment
//! URLs.
//!
//! | file | what it is for |
//! |---|---|
//! | `path` | what a request path names; nothing outside the root can be named |
//! | `store`, `folders` | reads from the object store; which folders may be titles |
//! | `cache`, `object` | what was read or made, with its entity tag; single flight |
//! | `blocks` | large files, in blocks |
//! | `resource`, `state` | how a resource becomes an object; what all requests share |
//! | `made`, `query` | manifests in segment-URL form, with the rungs that a query asks for |
//! | `layout` | where segments lie, and the fields that announce the next |
//! | `weights` | generators' weights by their hash |
//! | `blocking` | work that would hold up other requests |
//! | `conditional`, `modified`, `range`, `encoding`, `headers`, `respond` | an object as an HTTP response |
//! | `access` | tokens |
//! | `telemetry`, `health` | metrics, access log, what players report; whether all is well |
//! | `steering` | which way to the titles players should take |
//! | `catalogue`, `listing`, `page` | what there is to say of titles, and which there are now, for programs and for people |
//! | `edge`, `router` | what is done to every request; which handler answers it |
//! | `server`, `connection` | listening, limits and shutdown |
//!
//! A title is plain files that any static server could serve; the origin adds the segment-URL
//! form, caching and conformance. It knows segments as bytes and manifests by their meaning; it
//! knows nothing of prompts, models or players. HTTP follows RFC 9110 and RFC 9111.
//!
#![doc = include_str!("../docs/origin.md")]

mod access;
mod blocking;
mod blocks;
mod cache;
mod catalogue;
mod conditional;
mod connection;
mod edge;
mod encoding;
mod error;
mod folders;
#[cfg(test)]
mod fuzz;
mod headers;
mod health;
mod layout;
mod listing;
mod made;
mod modified;
mod object;
mod page;
mod path;
mod query;
mod range;
mod resource;
mod respond;
mod router;
mod server;
mod settings;
mod state;
mod steering;
mod store;
mod telemetry;
mod weights;

pub use access::token::{MIN_KEY, TokenError, TokenKeys};
pub use catalogue::{Catalogue, Problem, Profile, Rung, Title};
pub use error::OriginError;
pub use router::router;
pub use server::{serve, serve_apart};
pub use settings::Settings;
pub use state::Origin;
pub use steering::{Pathway, Steering};
