//! Pan-and-zoom recipes: photographs and camera moves that give a video, the same bytes on every
//! platform, so the originals of a shipped title need not be stored as frames.
//!
//! JSON, all fields required except `easing`; paths of photographs are relative to the recipe:
//!
//! ```json
//! { "recipe": 1, "width": 256, "height": 256, "frame_rate": "24",
//!   "shots": [ { "photo": "coffee.jpg", "frames": 96,
//!                "from": { "x": 0.5, "y": 0.5, "width": 0.9 },
//!                "to":   { "x": 0.4, "y": 0.6, "width": 0.5 }, "easing": "smooth" } ] }
//! ```
//!
//! `x`, `y` are the middle of the view and `width` its width, as fractions of the photograph's
//! width and height; the view's height follows from the picture's shape. The first frame of a shot
//! shows `from`, the last `to`.

use super::error::SourceError;
use super::frames::{Options, Source};
use super::image_file;
use super::resample::{PIXEL, Region, resample};
use super::size::MAX_SIDE;
use crate::frame::Frame;
use crate::time::FrameRate;
use serde::Deserialize;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;
const MAX_FRAMES: u32 = 1_000_000;
const OUTSIDE: &str = "the view reaches outside the photograph or is empty";

/// A checked recipe.
#[derive(Debug, Clone)]
pub struct Recipe {
    path: PathBuf,
    size: (u32, u32),
    frame_rate: FrameRate,
    shots: Vec<Shot>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Easing {
    /// The same step for every frame.
    Linear,
    /// Slow at both ends: 3t² − 2t³.
    #[default]
    Smooth,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    recipe: u32,
    width: u32,
    height: u32,
    frame_rate: String,
    shots: Vec<Shot>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shot {
    photo: PathBuf,
    frames: u32,
    from: View,
    to: View,
    #[serde(default)]
    easing: Easing,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct View {
    x: f64,
    y: f64,
    width: f64,
}

impl Recipe {
    /// Reads the recipe at `path` and the headers of its photographs. Errors name the field.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let text = std::fs::read(path).map_err(|e| SourceError::io(path, e))?;
        let bad = |place: &str, reason: String| invalid(path, place, &reason);
        let written = serde_json::from_slice(&text);
        let written: Written = written.map_err(|e| bad("JSON", e.to_string()))?;
        if written.recipe != VERSION {
            let reason = format!("version {}, expected {VERSION}", written.recipe);
            return Err(bad("recipe", reason));
        }
        let size = (written.width, written.height);
        if size.0.min(size.1) == 0 || size.0.max(size.1) > MAX_SIDE {
            let reason = format!("{}x{}, expected sides of 1 to {MAX_SIDE}", size.0, size.1);
            return Err(bad("width, height", reason));
        }
        let rate = written.frame_rate.parse::<FrameRate>();
        let frame_rate = rate.map_err(|e| bad("frame_rate", e.to_string()))?;
        if written.shots.is_empty() {
            return Err(bad("shots", "none, expected at least one".into()));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut shots = written.shots;
        for (i, shot) in shots.iter_mut().enumerate() {
            shot.photo = folder.join(&shot.photo);
            let bad = |field: &str, reason| bad(&format!("shots[{i}].{field}"), reason);
            shot.check(size, &bad)?;
        }
        Ok(Self {
            path: path.into(),
            size,
            frame_rate,
            shots,
        })
    }

    /// Number of frames of all shots together.
    pub fn length(&self) -> u64 {
        self.shots.iter().map(|shot| u64::from(shot.frames)).sum()
    }

    /// Frame numbers at which a shot begins, the first (0) included.
    pub fn cuts(&self) -> Vec<u64> {
        let mut start = 0;
        let next = |shot: &Shot| {
            start += u64::from(shot.frames);
            start - u64::from(shot.frames)
        };
        self.shots.iter().map(next).collect()
    }

    /// The frames, rendered on demand; one photograph is in memory at a time.
    pub fn into_source(self, options: &Options) -> Source {
        let (length, size, rate) = (self.length(), self.size, self.frame_rate);
        let frames = self.shots.into_iter().flat_map(move |shot| {
            let (photo, error) = match image_file::read(&shot.photo) {
                Ok(photo) => (Some(photo), None),
                Err(error) => (None, Some(Err(error))),
            };
            let (path, frames) = (self.path.clone(), 0..shot.frames);
            let render = move |n| Some(shot.render(photo.as_ref()?, n, size, &path));
            error.into_iter().chain(frames.map_while(render))
        });
        let source = Source {
            length: Some(length),
            ..Source::new(size, rate, frames)
        };
        source.at_rate(options)
    }
}

fn invalid(path: &Path, place: &str, reason: &str) -> SourceError {
    SourceError::invalid(path, format!("recipe, {place}: {reason}"))
}

impl Shot {
    fn check(
        &self,
        size: (u32, u32),
        bad: &dyn Fn(&str, String) -> SourceError,
    ) -> Result<(), SourceError> {
        if !(1..=MAX_FRAMES).contains(&self.frames) {
            let reason = format!("{}, expected 1 to {MAX_FRAMES}", self.frames);
            return Err(bad("frames", reason));
        }
        let photo = image_file::header(&self.photo)?.size;
        let mut views = [("from", &self.from), ("to", &self.to)].into_iter();
        match views.find(|(_, view)| view.region(photo, size).is_none()) {
            Some((field, _)) => Err(bad(field, OUTSIDE.to_owned())),
            None => Ok(()),
        }
    }

    fn render(
        &self,
        photo: &Frame,
        number: u32,
        size: (u32, u32),
        path: &Path,
    ) -> Result<Frame, SourceError> {
        let bad = |reason: &str| invalid(path, &self.photo.display().to_string(), reason);
        let view = |view: &View| view.region((photo.width(), photo.height()), size);
        let (Some(from), Some(to)) = (view(&self.from), view(&self.to)) else {
            return Err(bad(OUTSIDE));
        };
        let (done, of) = self.easing.progress(number, self.frames - 1);
        let between = |from: i64, to: i64| from + (i128::from(to - from) * done / of) as i64;
        let region = Region {
            left: between(from.left, to.left),
            top: between(from.top, to.top),
            width: between(from.width, to.width),
            height: between(from.height, to.height),
        };
        resample(photo, region, size).map_err(|error| bad(&error.to_string()))
    }
}

impl View {
    /// The view in a photograph of `photo` pixels for pictures of `size`, if it lies inside.
    fn region(&self, photo: (u32, u32), size: (u32, u32)) -> Option<Region> {
        let whole = Region::whole(photo);
        let known = [self.x, self.y, self.width].map(|v| (0.0..=1.0).contains(&v));
        if known.contains(&false) {
            return None;
        }
        let scaled = |fraction: f64, side: i64| (fraction * side as f64).round() as i64;
        let width = scaled(self.width, whole.width);
        let height = width * i64::from(size.1) / i64::from(size.0);
        let region = Region {
            left: scaled(self.x, whole.width) - width / 2,
            top: scaled(self.y, whole.height) - height / 2,
            width,
            height,
        };
        let inside = |(start, extent, limit): (i64, i64, i64)| {
            start >= 0 && extent >= PIXEL && start + extent <= limit
        };
        let across = (region.left, width, whole.width);
        let down = (region.top, height, whole.height);
        (inside(across) && inside(down)).then_some(region)
    }
}

impl Easing {
    /// Progress of the move at step `at` of `steps`, as a fraction.
    fn progress(self, at: u32, steps: u32) -> (i128, i128) {
        let (at, steps) = (i128::from(at), i128::from(steps.max(1)));
        match self {
            Self::Linear => (at, steps),
            Self::Smooth => (at * at * (3 * steps - 2 * at), steps * steps * steps),
        }
    }
}
