//! The line of JSON on stdout that `--json` promises: whole, or an error, which for a reader that went
//! away is a quiet end.

use super::CliError;
use serde::Serialize;
use std::io::{self, Write};

/// Prints `value` as one line.
pub(super) fn print(value: &impl Serialize) -> Result<(), CliError> {
    let line = serde_json::to_string(value)?;
    writeln!(io::stdout().lock(), "{line}")?;
    Ok(())
}
