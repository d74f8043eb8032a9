//! The one line of JSON on stdout of `--json`. A closed pipe ends the program quietly.

use super::CliError;
use serde::Serialize;
use std::io::{self, Write};

/// Prints `value` as one line.
pub(super) fn print(value: &impl Serialize) -> Result<(), CliError> {
    let line = serde_json::to_string(value)?;
    writeln!(io::stdout().lock(), "{line}")?;
    Ok(())
}
