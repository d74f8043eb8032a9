//! The report of a session: one JSON shape and one text, for `play` and `simulate` alike.
//!
//! ```text
//! {
//!   "command": "simulate",            or "play"
//!   "title": "...", "profile": "mini",
//!   "abr": "dynamic", "buffer_s": 25.0, "start_s": 0.0,
//!   "trace": {"name": "...", "multiplier": 1.0} or null,
//!   "verdict": "finished",            or "starved", "gave_up", "stopped"
//!   "summary": { see Summary },
//!   "rendering": { see Rendering } or null,
//!   "rungs": [ see RungShare, lowest first ],
//!   "segments": [ see Row, in the order asked for ],
//!   "stalls": [{"start_s", "end_s"}], "seeks": [{"at_s", "to_s"}]
//! }
//! ```
//!
//! Times are seconds of the session clock, which starts when the ladder is known. Rates are kbit/s.

mod columns;
mod context;
pub mod html;
#[cfg(feature = "cli")]
mod parquet;
mod session;
mod summary;
mod table;

pub use columns::{Column, Columns};
pub use context::{Context, Network, Rendering, Verdict};
pub use session::{Report, Row};
pub use summary::{RungShare, Summary};
