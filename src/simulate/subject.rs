//! What is streamed in a simulation: a title of ours, a movie of another simulator, a pixel ladder.

use super::movie::{Movie, MovieError};
use super::title::{self, TitleError};
use crate::manifest::{QualityReport, RungQuality};
use crate::network::file;
use crate::player::ladder::{Ladder, LadderError, Rung};
use crate::player::utility::{Utility, UtilityError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Something with rungs and segments.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Path or name, as reports give it.
    pub name: String,
    /// The generator's profile, or what stands in its place.
    pub profile: String,
    /// Rungs and segments.
    pub ladder: Arc<Ladder>,
    /// The same rungs in layers, where they are known: what the rule `layers` plays.
    pub layers: Option<Arc<Ladder>>,
    /// What was measured of them.
    pub quality: Option<QualityReport>,
    /// Width and height in pixels and frames a second, where known.
    pub picture: Option<((u32, u32), f64)>,
    /// The movie, where that is what it is: other simulators' rules take nothing else.
    pub movie: Option<Arc<Movie>>,
}

/// Why there is nothing to stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// No title.
    #[error(transparent)]
    Title(#[from] TitleError),
    /// No movie.
    #[error(transparent)]
    Movie(#[from] MovieError),
    /// A title without rungs.
    #[error("{name}: the title is empty")]
    Empty {
        /// The title.
        name: String,
    },
    /// Rungs that make no ladder.
    #[error("{name}: {source}")]
    Ladder {
        /// The title.
        name: String,
        /// Why not.
        #[source]
        source: LadderError,
    },
    /// A utility that the title does not have.
    #[error("{name}: {source}")]
    Utility {
        /// The title.
        name: String,
        /// Why not.
        #[source]
        source: UtilityError,
    },
    /// Layers that make other rungs than the title's.
    #[error("{name}: its layers make {layers} rungs, it has {rungs}")]
    Layers {
        /// The title.
        name: String,
        /// Rungs that the layers make.
        layers: usize,
        /// Rungs of the title.
        rungs: usize,
    },
    /// A file that cannot be read.
    #[error("{}: cannot read it", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A ladder file that makes no sense.
    #[error("{}: expected rungs with segments, as quality.json has them: {source}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// The JSON reader's complaint.
        #[source]
        source: serde_json::Error,
    },
}

impl Subject {
    /// Reads a title directory or its master playlist, with `quality.json` beside it if there is one.
    pub fn title(path: &Path) -> Result<Self, SubjectError> {
        let name = path.display().to_string();
        let presentation = title::read(path)?;
        let group = presentation.groups.first();
        let group = group.ok_or_else(|| SubjectError::Empty { name: name.clone() })?;
        let ladder = Ladder::from_group(group).map_err(|source| SubjectError::Ladder {
            name: name.clone(),
            source,
        })?;
        let ladder = ladder.with_samples(title::samples(path, group)?);
        let table = title::folder(path).join("quality.json");
        let quality = match table.is_file() {
            true => Some(report(&table)?),
            false => None,
        };
        Ok(Self {
            name,
            profile: group.profile.clone(),
            ladder: Arc::new(ladder),
            layers: None,
            quality,
            picture: (group.width > 0)
                .then(|| ((group.width, group.height), group.frame_rate.fps())),
            movie: None,
        })
    }

    /// Reads a movie file of Sabre or Pensieve.
    pub fn movie(path: &Path) -> Result<Self, SubjectError> {
        let movie = Movie::load(path)?;
        Ok(Self {
            name: movie.name().to_owned(),
            profile: "movie".to_owned(),
            ladder: Arc::new(movie.ladder()?),
            layers: None,
            quality: None,
            picture: None,
            movie: Some(Arc::new(movie)),
        })
    }

    /// Reads a ladder of any codec, written as `quality.json` is: rungs with rate, segments with
    /// duration, bytes and metrics.
    pub fn measured(path: &Path) -> Result<Self, SubjectError> {
        let name = path.display().to_string();
        let quality = report(path)?;
        let ladder = of_report(&quality).map_err(|source| SubjectError::Ladder {
            name: name.clone(),
            source,
        })?;
        Ok(Self {
            name,
            profile: "measured".to_owned(),
            ladder: Arc::new(ladder),
            layers: None,
            quality: Some(quality),
            picture: None,
            movie: None,
        })
    }

    /// The subject with its rungs in layers as well. Fails unless they make the same rungs.
    pub fn with_layers(mut self, layers: Arc<Ladder>) -> Result<Self, SubjectError> {
        let ids = |ladder: &Ladder| ladder.rungs().iter().map(|rung| rung.id.clone()).collect();
        let (theirs, ours): (Vec<String>, Vec<String>) = (ids(&layers), ids(&self.ladder));
        if theirs != ours {
            return Err(SubjectError::Layers {
                name: self.name,
                layers: theirs.len(),
                rungs: ours.len(),
            });
        }
        self.layers = Some(layers);
        Ok(self)
    }

    /// The subject over and over, or its beginning: as many segments as `length_s` seconds take.
    /// Measurements go with their segments.
    #[must_use]
    pub fn lasting(mut self, length_s: f64) -> Self {
        self.ladder = Arc::new(self.ladder.lasting(length_s));
        self.layers = self.layers.map(|layers| Arc::new(layers.lasting(length_s)));
        let segments = self.ladder.segments();
        self.movie = self
            .movie
            .map(|movie| Arc::new((*movie).clone().with_segments(segments)));
        for rung in self
            .quality
            .iter_mut()
            .flat_map(|quality| &mut quality.rungs)
        {
            let measured = std::mem::take(&mut rung.segments).into_iter();
            rung.segments = measured.cycle().take(segments).collect();
            for (number, segment) in rung.segments.iter_mut().enumerate() {
                segment.start_s = self.ladder.start_s(number);
            }
        }
        self
    }

    /// The subject with utilities of another kind; those that are measured come from its table.
    pub fn with_utility(mut self, kind: Utility) -> Result<Self, SubjectError> {
        let quality = self.quality.as_ref();
        let name = || self.name.clone();
        let told = |ladder: &Ladder| {
            let told = ladder.clone().with_utility(kind, quality);
            told.map(Arc::new).map_err(|source| SubjectError::Utility {
                name: name(),
                source,
            })
        };
        let ladder = told(&self.ladder)?;
        let layers = self.layers.as_deref().map(told).transpose()?;
        (self.ladder, self.layers) = (ladder, layers);
        Ok(self)
    }
}

fn report(path: &Path) -> Result<QualityReport, SubjectError> {
    let text = file::text(path).map_err(|source| SubjectError::Read {
        file: path.to_owned(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| SubjectError::Json {
        file: path.to_owned(),
        source,
    })
}

/// The ladder of a table. Rates are those of the media segments, as a title's are.
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
    let mut sizes = Vec::new();
    for segment in 0..durations_s.len() {
        let here = report
            .rungs
            .iter()
            .filter_map(|rung| rung.segments.get(segment));
        sizes.extend(here.map(|segment| segment.bytes));
    }
    Ladder::new(rungs.collect(), &durations_s, sizes)
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
