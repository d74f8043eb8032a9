//! A build without the `download` feature fetches nothing.

use super::table::Source;
use crate::cli::CliError;
use std::path::Path;

/// Says how to get a build that downloads.
pub(super) fn fetch(_: Source, _: Option<&str>, target: &Path) -> Result<(), CliError> {
    Err(CliError::input(format!(
        "{}: this build does not download: fetch the file yourself, or build with --features download",
        target.display()
    )))
}
