//! A build without the feature `download` fetches nothing.

use super::{OutsideFile, WeightsError};
use std::path::Path;

/// Fails with the way to a build that downloads.
pub fn download(_: &OutsideFile, target: &Path) -> Result<(), WeightsError> {
    Err(WeightsError::NoDownload(target.to_owned()))
}
