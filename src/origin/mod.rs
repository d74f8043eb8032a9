//! The HTTP origin: titles out of an object store, as HLS and DASH, in byte ranges and in segment
//! URLs.
//!
//! | file | what it is for |
//! |---|---|
//! | `path` | what a request path names; nothing outside the root can be named |
//! | `store` | reads from the object store |
//! | `cache`, `object` | what was read or made, with its entity tag; single flight |
//! | `state` | how a resource becomes an object |
//! | `made` | manifests in segment-URL form |
//! | `conditional`, `range`, `encoding`, `headers`, `respond` | an object as an HTTP response |
//! | `catalogue`, `page` | which titles there are, for programs and for people |
//! | `router`, `server`, `connection` | routes and layers; listening, limits and shutdown |
//!
//! A title is plain files that any static server could serve; the origin adds the segment-URL
//! form, caching and conformance. It knows segments as bytes and manifests by their meaning; it
//! knows nothing of prompts, models or players. HTTP follows RFC 9110 and RFC 9111.

mod cache;
mod catalogue;
mod conditional;
mod connection;
mod encoding;
mod error;
mod headers;
mod made;
mod object;
mod page;
mod path;
mod range;
mod respond;
mod router;
mod server;
mod settings;
mod state;
mod store;

pub use catalogue::{Catalogue, Problem, Profile, Rung, Title};
pub use error::OriginError;
pub use router::router;
pub use server::serve;
pub use settings::Settings;
pub use state::Origin;
