//! Other simulators re-enacted request by request, faults included, so that results can be compared.
//!
//! | module | re-enacts |
//! |---|---|
//! | [`sabre`] | Sabre (UMass-LIDS/sabre at 09b03bb): every option of its command line |
//! | [`pensieve`] | Pensieve's test environment (hongzimao/pensieve at 1120bb1) with its rules `bb` and `robust-mpc` |
//!
//! ```
//! use promptus::compat::sabre;
//! use promptus::network::trace::Trace;
//! use promptus::simulate::movie::Movie;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let movie = r#"{"segment_duration_ms": 3000, "bitrates_kbps": [200, 400],
//!     "segment_sizes_bits": [[600000, 1200000], [600000, 1200000]]}"#;
//! let movie = Movie::parse("movie.json", movie)?;
//! let trace = Trace::parse("trace.csv", b"time_s,kbps\n0,900\n60,300\n")?;
//! let session = sabre::run(&trace, &movie, &"-a bola -b 20".parse()?)?;
//! assert_eq!(session.decisions.rows().len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! Reimplemented from the behaviour of those programs, without their code. The player core is not
//! involved: it does not share their faults. Feature `compat`, part of the default feature `cli`.

mod columns;
mod error;
pub mod pensieve;
pub mod sabre;

pub use error::CompatError;
