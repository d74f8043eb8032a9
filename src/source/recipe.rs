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

use super::closing::Closing;
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

/// A checked recipe.
#[derive(Debug, Clone)]
pub struct Recipe {
    path: PathBuf,
    size: (u32, u32),
    frame_rate: FrameRate,
    shots: Vec<Shot>,
}

#[derive(Debug, Clone)]
struct Shot {
    photo: PathBuf,
    frames: u32,
    from: Region,
    to: Region,
    easing: Easing,
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
    shots: Vec<WrittenShot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenShot {
    photo: PathBuf,
    frames: u32,
    from: View,
    to: View,
    #[serde(default)]
    easing: Easing,
}

#[derive(Deserialize)]
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
        let bad = |place: &str, reason: String| SourceError::Recipe {
            path: path.into(),
            place: place.into(),
            reason,
        };
        let written: Written =
            serde_json::from_slice(&text).map_err(|e| bad("JSON", e.to_string()))?;
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
        let numbered = written.shots.iter().enumerate();
        let shots = numbered.map(|(i, shot)| {
            let at = |field: &str, reason| bad(&format!("shots[{i}].{field}"), reason);
            shot.check(folder, size, &at)
        });
        Ok(Self {
            path: path.into(),
            size,
            frame_rate,
            shots: shots.collect::<Result<_, _>>()?,
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
        let size = self.size;
        let path = self.path.clone();
        let source = Source {
            size,
            frame_rate: self.frame_rate,
            native_rate: self.frame_rate,
            pixel_aspect: (1, 1),
            length: Some(self.length()),
            notices: Vec::new(),
            closing: Closing::default(),
            frames: Box::new(self.shots.into_iter().flat_map(move |shot| {
                let photo = image_file::read(&shot.photo);
                let frames = if photo.is_ok() { shot.frames } else { 1 };
                let path = path.clone();
                let mut photo = photo.map_err(Some);
                (0..frames).map(move |number| match &mut photo {
                    Ok(photo) => shot.render(photo, number, size, &path),
                    Err(error) => Err(error.take().unwrap_or(SourceError::Empty {
                        path: shot.photo.clone(),
                    })),
                })
            })),
            ended: false,
        };
        source.at_rate(options)
    }
}

impl WrittenShot {
    fn check(
        &self,
        folder: &Path,
        size: (u32, u32),
        bad: &dyn Fn(&str, String) -> SourceError,
    ) -> Result<Shot, SourceError> {
        if !(1..=MAX_FRAMES).contains(&self.frames) {
            let reason = format!("{}, expected 1 to {MAX_FRAMES}", self.frames);
            return Err(bad("frames", reason));
        }
        let photo = folder.join(&self.photo);
        let photo_size = image_file::size(&photo)?;
        let region = |field, view: &View| {
            view.region(photo_size, size).ok_or_else(|| {
                let reason = "the view reaches outside the photograph or is empty";
                bad(field, reason.to_owned())
            })
        };
        Ok(Shot {
            frames: self.frames,
            from: region("from", &self.from)?,
            to: region("to", &self.to)?,
            easing: self.easing,
            photo,
        })
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
        let inside = |start: i64, extent: i64, limit: i64| {
            start >= 0 && extent >= PIXEL && start + extent <= limit
        };
        let fits =
            inside(region.left, width, whole.width) && inside(region.top, height, whole.height);
        fits.then_some(region)
    }
}

impl Shot {
    fn render(
        &self,
        photo: &Frame,
        number: u32,
        size: (u32, u32),
        path: &Path,
    ) -> Result<Frame, SourceError> {
        let (done, of) = self.easing.progress(number, self.frames - 1);
        let between = |from: i64, to: i64| from + (i128::from(to - from) * done / of) as i64;
        let region = Region {
            left: between(self.from.left, self.to.left),
            top: between(self.from.top, self.to.top),
            width: between(self.from.width, self.to.width),
            height: between(self.from.height, self.to.height),
        };
        resample(photo, region, size).map_err(|e| SourceError::Recipe {
            path: path.into(),
            place: self.photo.display().to_string(),
            reason: e.to_string(),
        })
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
