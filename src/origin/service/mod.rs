//! The origin as an HTTP service: routes, what happens to every request, access control, pages and
//! endpoints for operators and players.
//!
//! Knows nothing of listeners; of connections only the client's address.

mod access;
mod events;
mod middleware;
mod operators;
mod origin;
mod page;
mod player;
mod router;
mod steering;
mod tracking;

pub(super) use middleware::Service;
pub use middleware::router;
pub use origin::Origin;
pub(super) use router::Surface;
