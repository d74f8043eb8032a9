//! How many frames go through the generator at a time, within the memory of the machine.

use super::error::RenderError;
use crate::model::machine::available_memory;

/// Frames generated side by side before the first of them is delivered, at most.
pub(super) const GROUP: u32 = 8;

/// Most frames of at most [`TOGETHER_PIXELS`] in one pass on a GPU, whose memory must hold their hidden
/// layers; proportionally fewer of larger frames.
const MOST_TOGETHER: u32 = 16;
const TOGETHER_PIXELS: u64 = 512 * 512;

/// Divisor of the free memory that frames side by side may take.
const MEMORY_SHARE: u64 = 2;

/// How the frames of a segment go through the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// One pass a frame, several passes in parallel: best on a CPU, faster than all cores on one frame.
    SideBySide,
    /// The frames up to the next keyframe in one pass, at most this many: best on a GPU.
    Together(u32),
}

/// Frames of `size` (width, height) pixels in one pass on a GPU, at least 1.
pub(super) fn together(size: (u32, u32)) -> u32 {
    let pixels = u64::from(size.0) * u64::from(size.1);
    let fewer = pixels.div_ceil(TOGETHER_PIXELS).max(1);
    (u64::from(MOST_TOGETHER) / fewer).max(1) as u32
}

/// Passes of `pass` bytes each that may run side by side in the free memory, at least 1.
///
/// Fails if there is no room for one.
pub(super) fn side_by_side(pass: u64) -> Result<u32, RenderError> {
    side_by_side_in(pass, available_memory())
}

fn side_by_side_in(pass: u64, available: Option<u64>) -> Result<u32, RenderError> {
    let Some(available) = available else {
        return Ok(GROUP);
    };
    if pass > available {
        let needed = pass;
        return Err(RenderError::Memory { needed, available });
    }
    let fit = available / MEMORY_SHARE / pass.max(1);
    Ok(fit.clamp(1, u64::from(GROUP)) as u32)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::Profile;

    #[test]
    fn frames_side_by_side_fit_into_memory() {
        let gib = 1u64 << 30;
        for (pass, available, expected) in [
            (gib, Some(8 * gib), 4),
            (gib, Some(gib), 1),
            (1, Some(8 * gib), GROUP),
            (100 * gib, None, GROUP),
        ] {
            assert_eq!(side_by_side_in(pass, available).unwrap(), expected);
        }
        let error = side_by_side_in(3 * gib, Some(gib)).unwrap_err().to_string();
        assert!(
            error.contains("3.2 GB") && error.contains("1.1 GB"),
            "{error}"
        );
        // The attention of a 512×512 picture fits a laptop; that of 4096×4096 fits no machine.
        let sd = Profile::sd_turbo();
        assert!(side_by_side_in(sd.pass_bytes((512, 512)), Some(8 * gib)).is_ok());
        assert!(side_by_side_in(sd.pass_bytes((4096, 4096)), Some(1000 * gib)).is_err());
    }

    #[test]
    fn fewer_large_frames_go_in_one_pass() {
        let of_squares = [256, 512, 1024, 4096].map(|side| together((side, side)));
        assert_eq!(of_squares, [MOST_TOGETHER, MOST_TOGETHER, 4, 1]);
    }
}
