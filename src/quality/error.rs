//! Errors of comparing pictures.

use crate::frame::Frame;
use crate::model::ModelError;

/// Pictures that cannot be compared, or a metric that cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QualityError {
    /// The pictures differ in size.
    #[error("cannot compare a {}x{} picture with one of {}x{}", .0.0, .0.1, .1.0, .1.1)]
    Sizes((u32, u32), (u32, u32)),
    /// The pictures are too small for the metric.
    #[error("{metric} needs pictures of at least {least}x{least} pixels, got {width}x{height}")]
    TooSmall {
        /// The metric's name.
        metric: &'static str,
        /// Smallest side in pixels.
        least: usize,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The metric's weights are missing or damaged.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The tensor library refused an operation.
    #[error("tensor operation failed")]
    Tensor(#[from] candle_core::Error),
}

/// Fails unless both pictures have one size.
pub(super) fn same_size(a: &Frame, b: &Frame) -> Result<(), QualityError> {
    let (first, second) = ((a.width(), a.height()), (b.width(), b.height()));
    if first == second {
        Ok(())
    } else {
        Err(QualityError::Sizes(first, second))
    }
}
