//! Geometry of a title from its input's size: the *visible* picture and the *coded* grid around it.
//!
//! The coded grid is the visible size rounded up to the profile's cell (wire format, "Picture and
//! time"); the picture lies in its top left corner, and its last column and row are repeated into the
//! rest, which the player cuts away. `--scale` selects how the visible picture is made.

use super::error::SourceError;
use super::resample::{Region, resample};
use super::size::MAX_SIDE;
use crate::frame::{Frame, FrameSizeError};
use std::str::FromStr;

const MIN_SIDE: u32 = 16;

/// How an input picture is scaled to the visible picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// Every pixel as it is.
    #[default]
    Native,
    /// Black bars around the whole picture: scaled into the target size, or, without one, unscaled
    /// on the next larger whole number of cells.
    Pad,
    /// The middle of the picture: scaled to fill the target size, or, without one, unscaled on the
    /// next smaller whole number of cells.
    Crop,
    /// The whole picture stretched to the target size, or, without one, to the nearest whole
    /// number of cells; the pixel aspect ratio makes up for it.
    Squeeze,
}

impl std::fmt::Display for Fit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl FromStr for Fit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = [Self::Native, Self::Pad, Self::Crop, Self::Squeeze].into_iter();
        let found = all.find(|fit| fit.to_string() == text);
        found.ok_or_else(|| format!("`{text}` is none of native, pad, crop and squeeze"))
    }
}

/// The sizes of a title and the conversion of input frames to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    input: (u32, u32),
    region: Region,
    scaled: (u32, u32),
    visible: (u32, u32),
    coded: (u32, u32),
    pixel_aspect: (u32, u32),
}

impl Geometry {
    /// Plans for frames of `input` pixels, each `aspect` (width to height, `(1, 1)` is square), a
    /// coded grid of whole `cell`s (pixels, at least 1), and an optional `target` visible size.
    /// Errors: input or target under 16×16 or over 16384, a target with [`Fit::Native`].
    pub fn plan(
        input: (u32, u32),
        aspect: (u32, u32),
        cell: u32,
        fit: Fit,
        target: Option<(u32, u32)>,
    ) -> Result<Self, SourceError> {
        require_side(input)?;
        if let Some(size) = target {
            require_side(size)?;
            if fit == Fit::Native && size != input {
                let reason = "another size than the input's needs --scale pad, crop or squeeze";
                return Err(unsuitable(size, reason));
            }
        }
        let cell = cell.clamp(1, MAX_SIDE);
        let whole_cells = |up: u32| move |side: u32| ((side + up) / cell).max(1) * cell;
        let each = |size: (u32, u32), f: &dyn Fn(u32) -> u32| (f(size.0), f(size.1));
        let up = whole_cells(cell - 1);
        let mut plan = Self {
            input,
            region: Region::whole(input),
            scaled: input,
            visible: input,
            coded: input,
            pixel_aspect: aspect,
        };
        match (fit, target) {
            (Fit::Native, _) => {}
            (Fit::Pad, None) => plan.visible = each(input, &up),
            (Fit::Crop, None) => plan.cut(each(input, &whole_cells(0))),
            (Fit::Squeeze, None) => plan.stretch(each(input, &whole_cells(cell / 2))),
            (Fit::Pad, Some(size)) => plan.letterbox(size),
            (Fit::Crop, Some(size)) => plan.fill(size),
            (Fit::Squeeze, Some(size)) => plan.stretch(size),
        }
        plan.coded = each(plan.visible, &up);
        Ok(plan)
    }

    /// Width and height that are shown, in pixels.
    pub fn visible(&self) -> (u32, u32) {
        self.visible
    }

    /// Width and height of the coded grid: whole cells, at least the visible size.
    pub fn coded(&self) -> (u32, u32) {
        self.coded
    }

    /// Width to height of one shown pixel, in lowest terms.
    pub fn pixel_aspect(&self) -> (u32, u32) {
        let divisor = gcd(self.pixel_aspect.0.into(), self.pixel_aspect.1.into()).max(1) as u32;
        (self.pixel_aspect.0 / divisor, self.pixel_aspect.1 / divisor)
    }

    /// The visible picture of an input frame; a frame of another size than planned is an error.
    pub fn visible_frame(&self, frame: &Frame) -> Result<Frame, SourceError> {
        let size = (frame.width(), frame.height());
        if size != self.input {
            let (width, height) = self.input;
            let reason = format!("expected {width}x{height}, as the first frame");
            return Err(unsuitable(size, &reason));
        }
        if self.region == Region::whole(size) && self.visible == size {
            return Ok(frame.clone());
        }
        let scaled = resample(frame, self.region, self.scaled);
        let framed = scaled.and_then(|scaled| framed(scaled, self.visible));
        framed.map_err(|error| unsuitable(size, &error.to_string()))
    }

    /// The visible picture with its right and bottom edge repeated to fill the coded grid.
    pub fn coded_frame(&self, visible: &Frame) -> Result<Frame, FrameSizeError> {
        placed(visible, self.coded)
    }

    /// The opposite of [`Self::coded_frame`]: the top left `visible` pixels of a coded picture.
    pub fn crop(coded: &Frame, visible: (u32, u32)) -> Result<Frame, FrameSizeError> {
        placed(coded, visible)
    }

    fn cut(&mut self, size: (u32, u32)) {
        let size = (size.0.min(self.input.0), size.1.min(self.input.1));
        let part = Region::whole(size);
        self.region = centred(self.input, part.width, part.height);
        (self.scaled, self.visible) = (size, size);
    }

    fn stretch(&mut self, size: (u32, u32)) {
        let width = wide(self.pixel_aspect.0) * wide(self.input.0) * wide(size.1);
        let height = wide(self.pixel_aspect.1) * wide(self.input.1) * wide(size.0);
        self.pixel_aspect = ratio(width, height);
        (self.scaled, self.visible) = (size, size);
    }

    fn letterbox(&mut self, size: (u32, u32)) {
        let (width, height) = self.display();
        let rounded = |side: u32, by: u128, of: u128| {
            let scaled = (wide(side) * by + of / 2) / of.max(1);
            u32::try_from(scaled).unwrap_or(side).clamp(1, MAX_SIDE)
        };
        self.scaled = if wide(size.0) * height <= wide(size.1) * width {
            (size.0, rounded(size.0, height, width).min(size.1))
        } else {
            (rounded(size.1, width, height).min(size.0), size.1)
        };
        self.visible = size;
        self.pixel_aspect = (1, 1);
    }

    fn fill(&mut self, size: (u32, u32)) {
        let (width, height) = self.display();
        let whole = Region::whole(self.input);
        let part = |side: i64, by: u128, of: u128| {
            let scaled = side as u128 * by / of.max(1);
            i64::try_from(scaled).unwrap_or(side).clamp(1, side)
        };
        let (across, down) = (wide(size.0) * height, wide(size.1) * width);
        self.region = if across <= down {
            centred(self.input, part(whole.width, across, down), whole.height)
        } else {
            centred(self.input, whole.width, part(whole.height, down, across))
        };
        (self.scaled, self.visible) = (size, size);
        self.pixel_aspect = (1, 1);
    }

    /// Width and height as shown, in a common unit.
    fn display(&self) -> (u128, u128) {
        let width = wide(self.input.0) * wide(self.pixel_aspect.0);
        (width, wide(self.input.1) * wide(self.pixel_aspect.1))
    }
}

/// `picture` as one of `size`.
pub fn scaled(picture: &Frame, size: (u32, u32)) -> Result<Frame, FrameSizeError> {
    let own = (picture.width(), picture.height());
    match size == own {
        true => Ok(picture.clone()),
        false => resample(picture, Region::whole(own), size),
    }
}

fn wide(value: u32) -> u128 {
    u128::from(value)
}

fn require_side(size: (u32, u32)) -> Result<(), SourceError> {
    if size.0.min(size.1) >= MIN_SIDE && size.0.max(size.1) <= MAX_SIDE {
        return Ok(());
    }
    let reason = format!("a side must be {MIN_SIDE} to {MAX_SIDE} pixels");
    Err(unsuitable(size, &reason))
}

fn unsuitable(size: (u32, u32), reason: &str) -> SourceError {
    let reason = reason.to_owned();
    SourceError::Size { size, reason }
}

fn centred(input: (u32, u32), width: i64, height: i64) -> Region {
    let whole = Region::whole(input);
    Region {
        left: (whole.width - width) / 2,
        top: (whole.height - height) / 2,
        width,
        height,
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// `a : b` in lowest terms, coarsened until both fit 16 bits.
fn ratio(a: u128, b: u128) -> (u32, u32) {
    let divisor = gcd(a, b).max(1);
    let (mut a, mut b) = (a / divisor, b / divisor);
    while a.max(b) > 0xffff {
        (a, b) = ((a / 2).max(1), (b / 2).max(1));
    }
    (a as u32, b as u32)
}

/// `picture` in the top left corner of `size`, cut or with its edges repeated.
fn placed(picture: &Frame, size: (u32, u32)) -> Result<Frame, FrameSizeError> {
    if size == (picture.width(), picture.height()) {
        return Ok(picture.clone());
    }
    let pixels = (0..size.1).flat_map(|y| (0..size.0).map(move |x| picture.pixel(x, y)));
    Frame::new(size.0, size.1, pixels.flatten().collect())
}

/// `picture` in the middle of a black picture of `size`, which is at least as large.
fn framed(picture: Frame, size: (u32, u32)) -> Result<Frame, FrameSizeError> {
    if size == (picture.width(), picture.height()) {
        return Ok(picture);
    }
    let (width, row) = (size.0 as usize * 3, picture.width() as usize * 3);
    let left = (size.0.saturating_sub(picture.width()) / 2) as usize * 3;
    let top = (size.1.saturating_sub(picture.height()) / 2) as usize;
    let mut data = vec![0; width * size.1 as usize];
    let target_rows = data.chunks_exact_mut(width).skip(top);
    for (target, source) in target_rows.zip(picture.data().chunks_exact(row)) {
        target[left..left + row].copy_from_slice(source);
    }
    Frame::new(size.0, size.1, data)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn plan(input: (u32, u32), fit: Fit, target: Option<(u32, u32)>) -> Geometry {
        Geometry::plan(input, (1, 1), 32, fit, target).unwrap()
    }

    fn noise(width: u32, height: u32) -> Frame {
        let value = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8;
        Frame::new(width, height, (0..width * height * 3).map(value).collect()).unwrap()
    }

    #[test]
    fn native_pads_by_repeating_the_edge_and_crops_back() {
        let geometry = plan((50, 33), Fit::Native, None);
        assert_eq!((geometry.visible(), geometry.coded()), ((50, 33), (64, 64)));
        let frame = noise(50, 33);
        let visible = geometry.visible_frame(&frame).unwrap();
        let coded = geometry.coded_frame(&visible).unwrap();
        assert_eq!((coded.width(), coded.height()), (64, 64));
        assert_eq!(coded.pixel(63, 63), frame.pixel(49, 32));
        assert_eq!(Geometry::crop(&coded, (50, 33)).unwrap(), frame);
    }

    #[test]
    fn without_a_target_pad_grows_crop_shrinks_squeeze_rounds() {
        assert_eq!(plan((100, 70), Fit::Pad, None).visible(), (128, 96));
        assert_eq!(plan((100, 70), Fit::Crop, None).visible(), (96, 64));
        let squeezed = plan((100, 70), Fit::Squeeze, None);
        assert_eq!(squeezed.visible(), (96, 64));
        assert_eq!(squeezed.pixel_aspect(), (20, 21));
        let tiny = plan((16, 20), Fit::Crop, None);
        assert_eq!((tiny.visible(), tiny.coded()), ((16, 20), (32, 32)));
    }

    #[test]
    fn a_wide_picture_is_letterboxed_filled_or_squeezed_into_a_square() {
        let wide = Frame::new(128, 64, vec![200; 128 * 64 * 3]).unwrap();
        let square = Some((64, 64));
        let boxed = plan((128, 64), Fit::Pad, square).visible_frame(&wide);
        let boxed = boxed.unwrap();
        let levels = [15, 16, 47, 48].map(|y| boxed.pixel(32, y)[0]);
        assert_eq!(levels, [0, 200, 200, 0]);
        let filled = plan((128, 64), Fit::Crop, square);
        let whole = filled.visible_frame(&noise(128, 64)).unwrap();
        assert_eq!(whole.pixel(0, 5), noise(128, 64).pixel(32, 5));
        assert_eq!(plan((128, 64), Fit::Squeeze, square).pixel_aspect(), (2, 1));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (input, fit, target) in [
            ((15, 64), Fit::Native, None),
            ((64, 0), Fit::Pad, None),
            ((64, 64), Fit::Crop, Some((8, 8))),
            ((64, 64), Fit::Native, Some((32, 32))),
            ((64, 40000), Fit::Native, None),
        ] {
            assert!(Geometry::plan(input, (1, 1), 32, fit, target).is_err());
        }
    }
}
