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
//! assert_eq!(session.decisions.len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! Reimplemented from the behaviour of those programs, without their code and without the player core.

mod error;
pub mod pensieve;
pub mod sabre;

pub use error::CompatError;

use serde::Serialize;
use serde_json::{Map, Value};

/// Rows as one array per field, the JSON form of recorded sessions.
pub fn columns<T: Serialize>(rows: &[T]) -> serde_json::Result<Value> {
    let mut columns = Map::new();
    for row in rows {
        for (name, value) in serde_json::from_value::<Map<_, _>>(serde_json::to_value(row)?)? {
            let column = columns
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()));
            column
                .as_array_mut()
                .into_iter()
                .for_each(|column| column.push(value.clone()));
        }
    }
    Ok(columns.into())
}
