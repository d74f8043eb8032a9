//! The HTTP origin: serves titles from an object store as HLS and DASH, with byte ranges and with
//! segment URLs.
//!
//! A title is plain files that any static server could serve; the origin adds the segment-URL form,
//! caching, access control and conformance. It knows segments as bytes and manifests by their
//! meaning, and nothing of prompts, models or players. HTTP follows RFC 9110 and RFC 9111.
//!
//! To add a header: of every response in `service::middleware` (`tests/origin/every_response.rs`), of
//! every file and page in `http::headers::always` (`tests/origin/representations.rs`), of single segments
//! in `titles::segment_index`; `http::headers::EXPOSED` lists those that pages of other sites may read.
//! To add a metric: a field and its line in `telemetry::metrics`, counted where it happens
//! (`tests/origin/telemetry.rs`).
//!
//! To serve a folder, bind a listener and call [`serve`]; `promptus serve` does little more. To
//! mount an origin in an axum program of your own, nest its [`router`]:
//!
//! ```
//! use axum::Router;
//! use promptus::origin::{Origin, Settings, router};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let titles = folder.path();
//! let settings = Settings::default().with(|settings| settings.cache_bytes = 64 << 20);
//! let origin = Origin::local(titles, settings)?;
//! let app: Router = Router::new().nest_service("/video", router(origin));
//! // axum::serve(listener, app).await?;
//! # use axum::body::Body;
//! # use axum::http::Request;
//! # use tower::ServiceExt;
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let request = Request::get("/video/catalogue.json").body(Body::empty())?;
//! let response = app.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! From the bottom up, each folder imports only what stands above it in this table:
//!
//! | folder or file | contents |
//! |---|---|
//! | `error`, `settings`, `listen`, `token`, `steering`, `percent` | errors, settings and their types |
//! | `telemetry` | metrics, access log, CMCD |
//! | `titles` | the bytes of resources: paths, store, cache, manifests, catalogue |
//! | `http` | an object as a response: negotiation, preconditions, ranges, fields |
//! | `service` | routes, what happens to every request, access control, endpoints |
//! | `server` | listeners, connections and their deadlines, shutdown |
//!
//! How fast it is, and how it behaves behind caches and on object stores, is measured in
//! `src/docs/origin.md`.

mod error;
mod http;
mod listen;
mod percent;
mod server;
mod service;
mod settings;
mod steering;
mod telemetry;
mod titles;
mod token;

pub use error::OriginError;
pub use listen::{Listen, ListenError};
pub use server::{serve, serve_apart};
pub use service::{Origin, router};
pub use settings::{LONGEST_S, Settings, SettingsError};
pub use steering::{Pathway, Steering, SteeringError};
pub use titles::{Catalogue, Problem, Profile, Rung, Title};
pub use token::{MIN_KEY, ShortKeyError, TokenError, TokenKeys};
