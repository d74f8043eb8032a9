//! Speed of this machine: rendering, fitting and entropy coding, on invented prompts.
//!
//! Wall time is the wait of a user; processor time does not depend on other load. Both are those
//! of the fastest of several rounds. Comparisons with other frameworks are in `benches/` and
//! `tools/bench_torch`.
//!
//! ```
//! use promptus::speed::coder;
//!
//! let report = coder((64, 64))?;
//! println!("{} ms a keyframe", report.encode_ms);
//! assert!(report.rungs[0].bytes < report.rungs[0].reference_bytes);
//! # Ok::<(), promptus::speed::SpeedError>(())
//! ```

mod coder;
mod error;
mod fit;
mod render;
mod segment;
mod spent;

pub use coder::{CoderReport, CoderRung, coder};
pub use error::SpeedError;
pub use fit::{FitReport, fit};
pub use render::{RenderOptions, RenderReport, Variant, render};
