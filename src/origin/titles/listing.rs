//! The catalogue: found by listing the root, described from the manifests, kept up to date in the
//! background while it is being requested.
//!
//! A title is described once per version. Later scans ask the store for its master playlist on
//! condition that it has changed: one request a title; and the slower the store, the fewer the
//! scans. A request waits for a scan only if the last one is long ago. Whatever the store does, the
//! last list is served.

use super::background::process;
use super::catalogue::{self, Catalogue, Problem, Title};
use super::files::text_of;
use super::folders::Folders;
use super::library::Titles;
use super::object::Object;
use super::path::ENTRY;
use super::store::PATIENCE;
use crate::manifest::PUBLISHED;
use crate::manifest::hls::Master;
use crate::origin::error::{OriginError, Result};
use crate::origin::percent::encode_path;
use futures_util::stream::{self, StreamExt};
use moka::future::Cache as Moka;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::Instant;

/// Titles that are described concurrently: each waits for the store.
const CONCURRENT: usize = 32;

/// The pause after a scan, as a multiple of its duration.
const PAUSE: u32 = 8;

/// Longest pause: where a scan takes two seconds, a new title is found within nine.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a request waits for a scan in progress if the last list is recent.
const SHORTLY: Duration = Duration::from_millis(250);

/// Greatest age of a recent list.
const RECENT: Duration = Duration::from_secs(10);

/// Longest master playlist, in bytes.
const LONGEST_ENTRY: u64 = 4 << 20;

const POSTER: &str = "poster.jpg";

/// A catalogue and its JSON.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) json: Object,
}

/// The catalogue, and what keeps it up to date.
#[derive(Debug)]
pub(crate) struct Listing {
    titles: Arc<Titles>,
    refresh: Duration,
    latest: watch::Sender<Latest>,
    /// Result of the last scan; locked by the scan in progress.
    known: Arc<Mutex<Known>>,
    folders: Moka<(), Arc<Folders>>,
}

/// The outcome of the scans so far.
#[derive(Debug, Default, Clone)]
struct Latest {
    /// The last list, and when it was made.
    listed: Option<(Arc<Listed>, Instant)>,
    /// Scans that have ended.
    scans: u64,
    /// Error of the last scan, if it failed.
    failure: Option<OriginError>,
    /// When the next scan is due.
    due: Option<Instant>,
}

#[derive(Debug, Default)]
struct Known {
    titles: BTreeMap<String, Described>,
    /// Problems that have been logged.
    logged: BTreeSet<String>,
}

/// A title as described from one content of its master playlist.
#[derive(Debug, Clone)]
struct Described {
    /// The store's tag of the playlist, if it has tags.
    tag: Option<String>,
    digest: [u8; 32],
    title: Arc<Title>,
}

impl Latest {
    fn is_due(&self) -> bool {
        let waits = |due: Instant| due > Instant::now();
        self.listed.is_none() || !self.due.is_some_and(waits)
    }

    /// How long a request should wait for the next scan; without a list, as long as it takes.
    fn patience(&self) -> Duration {
        match &self.listed {
            None => Duration::MAX,
            Some((_, made)) if made.elapsed() < RECENT => SHORTLY,
            Some(_) => PATIENCE,
        }
    }
}

impl Listing {
    pub(crate) fn new(titles: Arc<Titles>, refresh: Duration) -> Self {
        let folders = Moka::builder().max_capacity(1).time_to_live(refresh);
        Self {
            titles,
            refresh,
            latest: watch::Sender::default(),
            known: Arc::default(),
            folders: folders.build(),
        }
    }

    /// The titles that can be played now; while the store fails or is slow, those of the last list.
    ///
    /// Fails if the store cannot be listed and never could.
    pub(crate) async fn listed(self: &Arc<Self>) -> Result<Arc<Listed>> {
        let mut watching = self.latest.subscribe();
        let before = watching.borrow_and_update().clone();
        if before.is_due() {
            if let Ok(known) = Arc::clone(&self.known).try_lock_owned() {
                tokio::spawn(Arc::clone(self).scan(known));
            }
            let ended = |latest: &Latest| latest.scans > before.scans;
            // On timeout the last list is served.
            let _ = tokio::time::timeout(before.patience(), watching.wait_for(ended)).await;
        }
        let latest = self.latest.borrow().clone();
        match (latest.listed, latest.failure) {
            (Some((listed, _)), _) => Ok(listed),
            (None, failure) => Err(failure.unwrap_or_else(|| OriginError::late(""))),
        }
    }

    /// The folders of the root.
    ///
    /// Fails if the store cannot be listed.
    pub(crate) async fn folders(&self) -> Result<Arc<Folders>> {
        let list = async { self.titles.store.folders().await.map(Arc::new) };
        let found = self.folders.try_get_with((), list).await;
        found.map_err(Arc::unwrap_or_clone)
    }

    /// Scans the root once and publishes the outcome.
    async fn scan(self: Arc<Self>, mut known: OwnedMutexGuard<Known>) {
        let began = Instant::now();
        let outcome = self.list(&mut known).await;
        let now = Instant::now();
        let pause = (began.elapsed() * PAUSE).clamp(self.refresh, LONGEST_PAUSE.max(self.refresh));
        // Before the outcome is seen, so that the next request can start a scan.
        drop(known);
        self.latest.send_modify(|latest| {
            latest.scans += 1;
            latest.due = Some(now + pause);
            latest.failure = None;
            match outcome {
                Ok(listed) => latest.listed = Some((Arc::new(listed), now)),
                Err(error) if latest.listed.is_some() => {
                    tracing::warn!("{error}; the last list is served");
                    self.titles.metrics.stale.inc();
                }
                Err(error) => latest.failure = Some(error),
            }
        });
    }

    async fn list(&self, known: &mut Known) -> Result<Listed> {
        let folders = self.folders().await?;
        let described = folders.names.iter().cloned().map(|name| {
            let before = known.titles.get(&name).cloned();
            async move {
                let described = self.describe(&name, before.as_ref()).await;
                (name, described)
            }
        });
        let described: Vec<_> = stream::iter(described).buffered(CONCURRENT).collect().await;
        let catalogue = Arc::new(known.replace(described, &folders.skipped)?);
        let (listed, size) = (Arc::clone(&catalogue), 600 * catalogue.titles.len());
        let json = process(size, move || serde_json::to_vec(&*listed)).await;
        let failed =
            |error: serde_json::Error| OriginError::damaged("catalogue.json", error.to_string());
        let json = json.map_err(failed)?;
        let json = Object::hashed(json.into(), "application/json").await;
        Ok(Listed { catalogue, json })
    }

    /// Describes a title; `before` stays if its master playlist is unchanged.
    async fn describe(&self, name: &str, before: Option<&Described>) -> Result<Described> {
        let path = format!("{name}/{ENTRY}");
        let tag = before.and_then(|before| before.tag.as_deref());
        let store = &self.titles.store;
        let read = store.read_unless(&path, LONGEST_ENTRY, tag).await?;
        let (read, before) = match (read, before) {
            (None, Some(before)) => return Ok(before.clone()),
            (None, None) => return Err(OriginError::not_found(path)),
            (Some(read), before) => (read, before),
        };
        let (tag, entry) = (read.tag, text_of(&path, read.bytes.as_ref())?);
        let digest = Sha256::digest(entry.as_bytes()).into();
        if let Some(before) = before.filter(|before| before.digest == digest) {
            let title = Arc::clone(&before.title);
            return Ok(Described { tag, digest, title });
        }
        let mut master = Master::read(&encode_path(&path), &entry)?;
        let first = master.media().next().map(str::to_owned);
        if let Some(url) = first {
            master.fill(0, &self.titles.playlist_of(name, &url).await?)?;
        }
        let poster = self.has_poster(name).await?;
        let title = Arc::new(catalogue::title(name, master.presentation(), poster));
        Ok(Described { tag, digest, title })
    }

    /// Whether a title has a poster: from its `published.json`, or without one from the store.
    async fn has_poster(&self, name: &str) -> Result<bool> {
        let path = format!("{name}/{PUBLISHED}");
        match self.titles.newest_publication(&path).await {
            Ok(Some(published)) => Ok(published.has_file(POSTER)),
            Err(error) if error.is_outage() => Err(error),
            _ => self.titles.store.exists(&format!("{name}/{POSTER}")).await,
        }
    }
}

impl Known {
    /// Replaces what is known, logs new problems, and makes the catalogue. A title for which the
    /// store fails stays as it was.
    ///
    /// Fails if the store does for every title.
    fn replace(
        &mut self,
        described: Vec<(String, Result<Described>)>,
        skipped: &[Problem],
    ) -> Result<Catalogue> {
        let fails = |described: &Result<_>| described.as_ref().is_err_and(OriginError::is_of_store);
        if described.iter().all(|(_, described)| fails(described))
            && let Some((_, Err(error))) = described.first()
        {
            return Err(error.clone());
        }
        let mut before = std::mem::take(&mut self.titles);
        let mut problems = skipped.to_vec();
        let not_served =
            |Problem { name, error }: &Problem| format!("{name} is not served: {error}");
        let mut texts: BTreeSet<String> = skipped.iter().map(not_served).collect();
        for (name, described) in described {
            let error = match described {
                Ok(described) => {
                    self.titles.insert(name, described);
                    continue;
                }
                // A folder without a master playlist is not a title.
                Err(OriginError::NotFound { path }) if path == format!("{name}/{ENTRY}") => {
                    continue;
                }
                Err(error) => error,
            };
            match before.remove(&name).filter(|_| error.is_of_store()) {
                Some(before) => {
                    tracing::warn!("{error}; {name} is listed as before");
                    self.titles.insert(name, before);
                }
                None => {
                    texts.insert(format!("{name} cannot be played: {error}"));
                    let error = error.public();
                    problems.push(Problem { name, error });
                }
            }
        }
        for text in texts.difference(&self.logged) {
            tracing::warn!("{text}");
        }
        problems.sort_by(|a, b| a.name.cmp(&b.name));
        self.logged = texts;
        let titles = self.titles.values();
        let titles = titles.map(|described| Title::clone(&described.title));
        Ok(Catalogue {
            titles: titles.collect(),
            problems,
        })
    }
}
