//! The titles that can be played: found by listing the root, described by their manifests.
//!
//! The list is looked at again when it is asked for and older than a moment, so a title appears
//! within seconds of its publication, and a removed one disappears.

use super::path::{encode, is_plain};
use super::state::PATIENCE;
use super::{Origin, OriginError, made};
use crate::manifest::{Group, Presentation};
use futures_util::stream::{self, StreamExt};
use moka::future::Cache as Moka;
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The titles of an origin, by name.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Catalogue {
    /// Titles that can be played.
    pub titles: Vec<Title>,
    /// Folders with a master playlist that cannot be read.
    pub problems: Vec<Problem>,
}

/// A title and where it can be played from. Paths are percent-encoded and relative to the root of
/// the origin.
#[derive(Debug, Clone, Serialize)]
pub struct Title {
    /// Name of its folder.
    pub name: String,
    /// Length in seconds.
    pub duration_s: f64,
    /// A picture, if it has one.
    pub poster: Option<String>,
    /// HLS, byte ranges of one file a rung.
    pub hls: String,
    /// DASH, byte ranges of one file a rung.
    pub dash: String,
    /// HLS, a URL for every segment.
    pub hls_segments: String,
    /// DASH, a URL for every segment.
    pub dash_segments: String,
    /// Its rungs by profile.
    pub profiles: Vec<Profile>,
}

/// The rungs of a title for one generator.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// Name of the generator profile.
    pub name: String,
    /// Visible width in pixels.
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// Frame rate as a fraction, such as `30000/1001`.
    pub frame_rate: String,
    /// SHA-256 of the generator's weights.
    pub weights: String,
    /// The rungs, by ascending rank.
    pub rungs: Vec<Rung>,
}

/// One rung.
#[derive(Debug, Clone, Serialize)]
pub struct Rung {
    /// Its id, such as `mini-r8`.
    pub id: String,
    /// Components of its prompts.
    pub rank: u32,
    /// True rate in kbit/s: every byte of init and media segments over the duration.
    pub kbps: f64,
    /// Peak rate in kbit/s.
    pub peak_kbps: f64,
}

/// A title that cannot be described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Name of its folder.
    pub name: String,
    /// What is wrong, and where.
    pub error: String,
}

/// Titles that are described at once: each waits for the store several times.
const AT_ONCE: usize = 32;

/// The list of titles, kept for a moment.
#[derive(Debug)]
pub(super) struct Listing {
    kept: Moka<(), Arc<Catalogue>>,
    /// Names of the folders in the root that may be titles.
    folders: Moka<(), Arc<Vec<String>>>,
    /// Problems of the list before, which have been logged.
    logged: Mutex<Vec<Problem>>,
    /// The list when the store last answered.
    last: Mutex<Option<Arc<Catalogue>>>,
}

impl Listing {
    pub(super) fn new(refresh: Duration) -> Self {
        Self {
            kept: one(refresh),
            folders: one(refresh),
            logged: Mutex::default(),
            last: Mutex::default(),
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<Arc<Catalogue>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs problems when they appear, not every time that somebody looks.
    fn log(&self, problems: &[Problem]) {
        let Ok(mut logged) = self.logged.lock() else {
            return;
        };
        for problem in problems.iter().filter(|problem| !logged.contains(problem)) {
            tracing::warn!("{} cannot be played: {}", problem.name, problem.error);
        }
        *logged = problems.to_vec();
    }
}

/// A place for one value that lives for `refresh`.
fn one<T: Clone + Send + Sync + 'static>(refresh: Duration) -> Moka<(), T> {
    let builder = Moka::builder().max_capacity(1);
    builder.time_to_live(refresh).build()
}

impl Origin {
    /// The titles that can be played now; while the store fails or is slow to say, as they were last.
    ///
    /// Fails if the store cannot be listed and never could.
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, OriginError> {
        let listing = &self.shared.listing.kept;
        let found = listing.try_get_with((), self.list_or_last()).await;
        found.map_err(Arc::unwrap_or_clone)
    }

    async fn list_or_last(&self) -> Result<Arc<Catalogue>, OriginError> {
        let listing = &self.shared.listing;
        let last = listing.last().clone();
        let listed = match last {
            Some(_) => {
                let listed = tokio::time::timeout(PATIENCE, self.list()).await;
                listed.unwrap_or_else(|_| Err(OriginError::late("")))
            }
            None => self.list().await,
        };
        match (listed, last) {
            (Err(error), Some(last)) if error.is_of_store() => {
                tracing::warn!("{error}; the last list is served");
                self.shared.metrics.stale.inc();
                Ok(last)
            }
            (listed, _) => {
                let listed = listed?;
                *listing.last() = Some(Arc::clone(&listed));
                Ok(listed)
            }
        }
    }

    /// The names of the folders in the root that may be titles.
    ///
    /// Fails if the store cannot be listed.
    pub(super) async fn folders(&self) -> Result<Arc<Vec<String>>, OriginError> {
        let look = async {
            let mut names = self.shared.store.folders().await?;
            names.retain(|name| is_plain(name));
            names.sort();
            Ok(Arc::new(names))
        };
        let found = self.shared.listing.folders.try_get_with((), look).await;
        found.map_err(Arc::unwrap_or_clone)
    }

    async fn list(&self) -> Result<Arc<Catalogue>, OriginError> {
        let names = self.folders().await?;
        let described = stream::iter(names.iter().cloned()).map(|name| async move {
            let described = self.describe(&name).await;
            (name, described)
        });
        let described: Vec<_> = described.buffered(AT_ONCE).collect().await;
        let mut catalogue = Catalogue::default();
        for (name, described) in described {
            match described {
                Ok(title) => catalogue.titles.push(title),
                Err(OriginError::NotFound { path }) if path.ends_with("/master.m3u8") => {}
                Err(error) => {
                    let error = error.to_string();
                    catalogue.problems.push(Problem { name, error });
                }
            }
        }
        self.shared.listing.log(&catalogue.problems);
        Ok(Arc::new(catalogue))
    }

    /// Describes a title from its master playlist and the first media playlist.
    async fn describe(&self, name: &str) -> Result<Title, OriginError> {
        let mut master = made::read_master(self, name).await?;
        let first = master.media().next().map(str::to_owned);
        if let Some(url) = first {
            master.fill(0, &made::referred(self, name, &url).await?)?;
        }
        let poster = self
            .shared
            .store
            .exists(&format!("{name}/poster.jpg"))
            .await;
        Ok(title(name, master.presentation(), poster))
    }
}

fn title(name: &str, presentation: &Presentation, poster: bool) -> Title {
    let url = |path: &str| format!("{}/{path}", encode(name));
    Title {
        name: name.to_owned(),
        duration_s: presentation.duration.seconds(),
        poster: poster.then(|| url("poster.jpg")),
        hls: url("master.m3u8"),
        dash: url("manifest.mpd"),
        hls_segments: url("segments/master.m3u8"),
        dash_segments: url("segments/manifest.mpd"),
        profiles: presentation.groups.iter().map(profile).collect(),
    }
}

fn profile(group: &Group) -> Profile {
    let rungs = group.representations.iter().map(|rung| Rung {
        id: rung.id.clone(),
        rank: rung.rank,
        kbps: rung.average_bandwidth as f64 / 1000.0,
        peak_kbps: rung.bandwidth as f64 / 1000.0,
    });
    Profile {
        name: group.profile.clone(),
        width: group.width,
        height: group.height,
        frame_rate: group.frame_rate.to_string(),
        weights: group.weights.clone(),
        rungs: rungs.collect(),
    }
}
