//! Titles in an object store, as the bytes of the resources that clients ask for.
//!
//! Knows the layout of published titles and the meaning of their manifests, and nothing of
//! requests: neither axum nor hyper. Of HTTP it has the header values that belong to a
//! representation (entity tag, date), as every replica must compute the same.
//!
//! From the bottom up: `object` and what it is made of, `path` and `query` (the names of
//! resources), `store` and `cache`, [`Titles`] itself (`library`), then what it can do: `files`,
//! `blocks`, `segments`, `weights`, `manifests`, `resource`, and the `listing` of all titles.

mod background;
mod blocks;
mod cache;
mod catalogue;
mod coding;
mod files;
mod folders;
mod library;
mod listing;
mod manifests;
mod object;
mod path;
mod query;
mod resource;
mod segment_index;
mod segments;
mod store;
mod weights;

pub use catalogue::{Catalogue, Problem, Profile, Rung, Title};
pub(super) use coding::Coding;
pub(super) use library::Titles;
pub(super) use listing::Listing;
pub(super) use object::{Content, Object};
pub(super) use path::{Detour, ENTRY, Resource, RungPart};
pub(super) use query::{Filter, MAX_QUERY, Query};
pub(super) use store::Store;
