//! What is streamed in a simulation: a title of ours, a movie of another simulator, a pixel ladder.

use super::file;
use super::movie::{Movie, MovieError};
use super::title::{self, TitleError};
use crate::manifest::QualityReport;
use crate::player::ladder::{Ladder, LadderError, Rung};
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
        let folder = if path.is_dir() {
            Some(path)
        } else {
            path.parent()
        };
        let table = folder.map(|folder| folder.join("quality.json"));
        let quality = match table.filter(|file| file.is_file()) {
            Some(file) => Some(report(&file)?),
            None => None,
        };
        Ok(Self {
            name,
            profile: group.profile.clone(),
            ladder: Arc::new(ladder),
            quality,
            picture: Some(((group.width, group.height), group.frame_rate.fps())),
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
            quality: Some(quality),
            picture: None,
            movie: None,
        })
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

fn of_report(report: &QualityReport) -> Result<Ladder, LadderError> {
    let first = report
        .rungs
        .first()
        .ok_or(LadderError::Empty { what: "rung" })?;
    let durations_s: Vec<f64> = first.segments.iter().map(|s| s.duration_s).collect();
    let rungs = report.rungs.iter().map(|rung| Rung {
        id: rung.id.clone(),
        rank: rung.rank,
        kbps: rung.kbps,
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
