//! Content of a simulation: one of our titles, a movie file of another simulator, or a measured ladder
//! of any codec.

use super::movie::{Movie, MovieError};
use super::title::{self, TitleError};
use crate::manifest::{QualityReport, RungQuality};
use crate::network::file::{self, BadJson, Unreadable};
use crate::player::ladder::{Ladder, LadderError, Rung};
use crate::player::utility::Utility;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

/// A ladder to stream, with everything that rules and figures may use of it.
#[derive(Debug, Clone)]
pub struct Content {
    /// Path or name, as reports give it.
    pub name: String,
    /// The generator's profile; `movie` or `measured` for other content.
    pub profile: String,
    /// Rungs and segments.
    pub ladder: Arc<Ladder>,
    /// The same rungs in layers, played by the rule `layers`; `None` for content without layers.
    pub layers: Option<Arc<Ladder>>,
    /// Measured quality by rung and segment.
    pub quality: Option<QualityReport>,
    /// Size and frame rate, where known.
    pub picture: Option<Picture>,
    /// The movie file, if the content is one: other simulators play nothing else.
    pub movie: Option<Arc<Movie>>,
}

/// Size and rate of the pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picture {
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: f64,
}

/// Content that cannot be streamed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum ContentError {
    #[error(transparent)]
    Title(#[from] TitleError),
    #[error(transparent)]
    Movie(#[from] MovieError),
    #[error("{name}: the title is empty")]
    Empty { name: String },
    #[error("{name}: {source}")]
    Rungs {
        name: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{name}: its layers make {layers} rungs, it has {rungs}")]
    Layers {
        name: String,
        layers: usize,
        rungs: usize,
    },
    #[error(transparent)]
    Read(#[from] Unreadable),
    #[error(transparent)]
    Json(#[from] BadJson),
}

impl Default for Picture {
    fn default() -> Self {
        Self {
            width: 1920,
            height: 1080,
            fps: 30.0,
        }
    }
}

/// `result` with the name of its content.
fn named<T, E>(name: &str, result: Result<T, E>) -> Result<T, ContentError>
where
    E: Error + Send + Sync + 'static,
{
    result.map_err(|source| ContentError::Rungs {
        name: name.to_owned(),
        source: source.into(),
    })
}

impl Content {
    /// Any ladder, without layers and measurements.
    pub fn new(name: impl Into<String>, profile: &str, ladder: Arc<Ladder>) -> Self {
        Self {
            name: name.into(),
            profile: profile.to_owned(),
            ladder,
            layers: None,
            quality: None,
            picture: None,
            movie: None,
        }
    }

    /// Reads a title directory or its master playlist, with `quality.json` beside it if there is one.
    pub fn title(path: &Path) -> Result<Self, ContentError> {
        let name = path.display().to_string();
        let presentation = title::read(path)?;
        let group = presentation.groups.first();
        let group = group.ok_or_else(|| ContentError::Empty { name: name.clone() })?;
        let ladder = named(&name, Ladder::from_group(group))?;
        let ladder = ladder.with_samples(title::samples(path, group)?);
        let table = title::folder(path).join("quality.json");
        let quality = table.is_file().then(|| report(&table)).transpose()?;
        Ok(Self {
            quality,
            picture: (group.width > 0).then(|| Picture {
                width: group.width,
                height: group.height,
                fps: group.frame_rate.fps(),
            }),
            ..Self::new(name, &group.profile, Arc::new(ladder))
        })
    }

    /// Reads a movie file of Sabre or Pensieve.
    pub fn movie(path: &Path) -> Result<Self, ContentError> {
        let movie = Movie::load(path)?;
        let (name, ladder) = (movie.name().to_owned(), Arc::new(movie.ladder()?));
        Ok(Self {
            movie: Some(Arc::new(movie)),
            ..Self::new(name, "movie", ladder)
        })
    }

    /// Reads a ladder of any codec in the format of `quality.json`: rungs with rate, segments with
    /// duration, bytes and metrics.
    pub fn measured(path: &Path) -> Result<Self, ContentError> {
        let name = path.display().to_string();
        let quality = report(path)?;
        let ladder = named(&name, of_report(&quality))?;
        Ok(Self {
            quality: Some(quality),
            ..Self::new(name, "measured", Arc::new(ladder))
        })
    }

    /// Adds the layers. Fails unless they form the same rungs.
    pub fn with_layers(mut self, layers: Arc<Ladder>) -> Result<Self, ContentError> {
        let ids = |ladder: &Ladder| ladder.rungs().iter().map(|rung| rung.id.clone()).collect();
        let (theirs, ours): (Vec<String>, Vec<String>) = (ids(&layers), ids(&self.ladder));
        if theirs != ours {
            return Err(ContentError::Layers {
                name: self.name,
                layers: theirs.len(),
                rungs: ours.len(),
            });
        }
        self.layers = Some(layers);
        Ok(self)
    }

    /// Repeats or cuts the content to `length_s` seconds, rounded up to whole segments. Measurements
    /// stay with their segments.
    #[must_use]
    pub fn lasting(mut self, length_s: f64) -> Self {
        self.ladder = Arc::new(self.ladder.lasting(length_s));
        self.layers = self.layers.map(|layers| Arc::new(layers.lasting(length_s)));
        let segments = self.ladder.segments();
        let repeated = |movie: Arc<Movie>| Arc::new((*movie).clone().with_segments(segments));
        self.movie = self.movie.map(repeated);
        let quality = self.quality.iter_mut();
        for rung in quality.flat_map(|quality| &mut quality.rungs) {
            let measured = std::mem::take(&mut rung.segments).into_iter();
            rung.segments = measured.cycle().take(segments).collect();
            for (number, segment) in rung.segments.iter_mut().enumerate() {
                segment.start_s = self.ladder.start_s(number);
            }
        }
        self
    }

    /// Replaces the utilities; measured ones come from the content's table.
    pub fn with_utility(mut self, kind: Utility) -> Result<Self, ContentError> {
        let quality = self.quality.as_ref();
        let valued = |ladder: &Ladder| {
            let valued = ladder.clone().with_utility(kind, quality);
            named(&self.name, valued).map(Arc::new)
        };
        let ladder = valued(&self.ladder)?;
        let layers = self.layers.as_deref().map(valued).transpose()?;
        (self.ladder, self.layers) = (ladder, layers);
        Ok(self)
    }
}

fn report(path: &Path) -> Result<QualityReport, ContentError> {
    let expected = "rungs with segments, as in quality.json";
    let text = file::text(path, "table")?;
    Ok(file::json(&path.display().to_string(), &text, expected)?)
}

/// The ladder of a table. Rates are those of the media segments, as for titles.
fn of_report(report: &QualityReport) -> Result<Ladder, LadderError> {
    let first = report
        .rungs
        .first()
        .ok_or(LadderError::Empty { what: "rung" })?;
    let durations_s: Vec<f64> = first.segments.iter().map(|s| s.duration_s).collect();
    let total_s: f64 = durations_s.iter().sum();
    for rung in &report.rungs {
        same_grid(first, rung)?;
    }
    let rungs = report.rungs.iter().map(|rung| Rung {
        id: rung.id.clone(),
        rank: rung.rank,
        kbps: rung.segments.iter().map(|s| s.bytes).sum::<u64>() as f64 / 125.0 / total_s,
    });
    let segments = 0..durations_s.len();
    let sizes = segments.flat_map(|k| report.rungs.iter().map(move |rung| rung.segments[k].bytes));
    Ladder::new(rungs.collect(), &durations_s, sizes.collect())
}

fn same_grid(first: &RungQuality, other: &RungQuality) -> Result<(), LadderError> {
    let (ours, theirs) = (&first.segments, &other.segments);
    let common = ours.len().min(theirs.len());
    let differs = (0..common).find(|&k| ours[k].duration_s != theirs[k].duration_s);
    match differs.or((ours.len() != theirs.len()).then_some(common)) {
        None => Ok(()),
        Some(segment) => Err(LadderError::Grid {
            rung: other.id.clone(),
            segment,
            first: first.id.clone(),
        }),
    }
}
