//! Automatic sizes: within a number of pixels on a coded grid, or with a number of lines. Pictures are
//! never enlarged.

/// Largest width or height of any input, in pixels.
pub const MAX_SIDE: u32 = 16384;

/// Penalty for a different aspect ratio: one per cent off counts as four per cent fewer pixels.
const SHAPE_WEIGHT: f64 = 4.0;

/// The size of whole cells (pixels a side) with at most `most` pixels that comes nearest in shape
/// and number of pixels to a picture of `input` pixels, each `aspect` wide to high. `None` if the
/// input itself has no more.
pub fn within(input: (u32, u32), aspect: (u32, u32), cell: u32, most: u64) -> Option<(u32, u32)> {
    if u64::from(input.0) * u64::from(input.1) <= most {
        return None;
    }
    let shape = shape(input, aspect);
    let sides = |limit: u32| (1..=limit / cell.max(1)).map(move |cells| cells * cell.max(1));
    let sizes = sides(input.1).flat_map(|height| sides(input.0).map(move |width| (width, height)));
    let pixels = |size: (u32, u32)| u64::from(size.0) * u64::from(size.1);
    let cost = |size: (u32, u32)| {
        let off = (f64::from(size.0) / f64::from(size.1) / shape).ln().abs();
        SHAPE_WEIGHT * off + (most as f64 / pixels(size) as f64).ln()
    };
    let fitting = sizes.filter(|size| pixels(*size) <= most);
    fitting.min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
}

/// The size with `lines` along its shorter side and the shape of the picture, with square pixels
/// and even sides. `None` if the input has no more lines.
pub fn of_lines(input: (u32, u32), aspect: (u32, u32), lines: u32) -> Option<(u32, u32)> {
    if input.0.min(input.1) <= lines {
        return None;
    }
    let shape = shape(input, aspect);
    let even = |side: f64| ((side / 2.0).round() as u32).max(1) * 2;
    let longer = even(f64::from(lines) * shape.max(1.0 / shape));
    Some(if shape >= 1.0 {
        (longer, lines)
    } else {
        (lines, longer)
    })
}

/// Width to height as shown.
fn shape(input: (u32, u32), aspect: (u32, u32)) -> f64 {
    let width = f64::from(input.0) * f64::from(aspect.0);
    width / (f64::from(input.1) * f64::from(aspect.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_shapes_have_their_grid() {
        for (input, aspect, size) in [
            ((1920, 1080), (1, 1), Some((416, 224))),
            ((1080, 1920), (1, 1), Some((224, 416))),
            ((640, 480), (1, 1), Some((352, 256))),
            ((1000, 1000), (1, 1), Some((288, 288))),
            ((256, 256), (1, 1), None),
            ((384, 256), (1, 1), None),
            // Shown as 16:9.
            ((720, 576), (64, 45), Some((416, 224))),
            // A strip cannot be made higher than it is.
            ((8000, 40), (1, 1), Some((3072, 32))),
            ((40_000, 16), (1, 1), None),
        ] {
            assert_eq!(within(input, aspect, 32, 98_304), size, "{input:?}");
        }
    }

    #[test]
    fn lines_count_along_the_shorter_side() {
        for (input, aspect, lines, size) in [
            ((1920, 1080), (1, 1), 480, Some((854, 480))),
            ((1080, 1920), (1, 1), 480, Some((480, 854))),
            ((720, 576), (64, 45), 288, Some((512, 288))),
            ((640, 360), (1, 1), 480, None),
        ] {
            assert_eq!(of_lines(input, aspect, lines), size);
        }
    }
}
