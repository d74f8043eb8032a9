//! The catalogue as it is now: found by listing the root, described by the manifests, and looked at
//! again in the background while somebody asks for it.
//!
//! A title is described once per edition. Later looks ask the store for its entry point on the
//! condition that it has changed, one request a title; the fewer looks, the slower the store. A
//! request waits for a look only if the last one was long ago; whatever the store does, it gets the
//! last list there is.

use super::blocking::process;
use super::catalogue::{self, Catalogue, Problem, Title};
use super::folders::Folders;
use super::made::referred;
use super::object::Object;
use super::path::reference;
use super::resource::PATIENCE;
use super::store::{ENTRY, Read};
use super::{Origin, OriginError};
use crate::manifest::hls::Master;
use crate::manifest::{PUBLISHED, Publication};
use futures_util::stream::{self, StreamExt};
use moka::future::Cache as Moka;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

/// Titles that are looked at at once: each waits for the store.
const AT_ONCE: usize = 32;

/// The next look is taken after as many times as long as the last one took.
const REST: u32 = 8;

/// Longest time between two looks: where a look takes two seconds, a title is found within nine.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// How long a request waits for a look that is under way if the last list is recent.
const SHORTLY: Duration = Duration::from_millis(250);

/// A list that is older is not recent.
const RECENT: Duration = Duration::from_secs(10);

/// Longest entry point of a title.
const LONGEST_ENTRY: u64 = 4 << 20;

/// Name of the picture of a title.
const POSTER: &str = "poster.jpg";

/// A catalogue, and its JSON.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) json: Object,
}

/// The list of titles, and who is looking after it.
#[derive(Debug)]
pub(super) struct Listing {
    refresh: Duration,
    latest: watch::Sender<Latest>,
    /// Whether a look is under way.
    looking: AtomicBool,
    /// What the last look saw; held by the one under way.
    seen: Mutex<Seen>,
    /// What lies in the root.
    folders: Moka<(), Arc<Folders>>,
}

/// What came of the looks so far.
#[derive(Debug, Default, Clone)]
struct Latest {
    /// The last list.
    listed: Option<Arc<Listed>>,
    /// Looks that have ended.
    looks: u64,
    /// Why the last look failed, if it did.
    failure: Option<OriginError>,
    /// When the last list was made.
    made: Option<Instant>,
    /// When the next look is due.
    due: Option<Instant>,
}

#[derive(Debug, Default)]
struct Seen {
    titles: BTreeMap<String, Described>,
    /// Problems that have been logged.
    logged: BTreeSet<String>,
}

/// A title as it was when its entry point had this content.
#[derive(Debug, Clone)]
struct Described {
    /// The store's tag of the entry point, if it has any.
    tag: Option<String>,
    /// Digest of the entry point.
    digest: [u8; 32],
    title: Arc<Title>,
}

impl Listing {
    pub(super) fn new(refresh: Duration) -> Self {
        Self {
            refresh,
            latest: watch::Sender::default(),
            looking: AtomicBool::new(false),
            seen: Mutex::default(),
            folders: Moka::builder()
                .max_capacity(1)
                .time_to_live(refresh)
                .build(),
        }
    }

    /// Notes what came of a look that began at `began`.
    fn note(&self, began: Instant, looked: Result<Listed, OriginError>) {
        let (now, took) = (Instant::now(), began.elapsed());
        let rest = (took * REST).clamp(self.refresh, LONGEST_REST.max(self.refresh));
        self.latest.send_modify(|latest| {
            latest.looks += 1;
            latest.due = Some(now + rest);
            match looked {
                Ok(listed) => {
                    latest.failure = None;
                    latest.made = Some(now);
                    latest.listed = Some(Arc::new(listed));
                }
                Err(error) => latest.failure = Some(error),
            }
        });
    }
}

impl Latest {
    fn is_due(&self) -> bool {
        let waits = |due: Instant| due > Instant::now();
        self.listed.is_none() || !self.due.is_some_and(waits)
    }

    /// How long a request should wait for the next look; without a list, for as long as it takes.
    fn patience(&self) -> Duration {
        match self.made {
            None => Duration::MAX,
            Some(made) if made.elapsed() < RECENT => SHORTLY,
            Some(_) => PATIENCE,
        }
    }
}

/// Says that no look is under way any more, however it ended.
struct Looking<'a>(&'a Listing);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.0.looking.store(false, Ordering::Release);
        self.0.latest.send_modify(|_| {});
    }
}

impl Origin {
    /// The titles that can be played now; while the store fails or is slow to say, as they were last.
    ///
    /// Fails if the store cannot be listed and never could.
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, OriginError> {
        let listed = self.listed().await?;
        Ok(Arc::clone(&listed.catalogue))
    }

    /// The same with its JSON.
    pub(super) async fn listed(&self) -> Result<Arc<Listed>, OriginError> {
        let listing = &self.shared.listing;
        let mut watching = listing.latest.subscribe();
        let before = watching.borrow_and_update().clone();
        if !before.is_due() {
            // Without a list, a look is always due.
            return before.listed.ok_or_else(|| OriginError::late(""));
        }
        if !listing.looking.swap(true, Ordering::AcqRel) {
            tokio::spawn(look(self.clone()));
        }
        let ended = |latest: &Latest| {
            latest.looks > before.looks || !listing.looking.load(Ordering::Acquire)
        };
        // Whether it ends in time or not, the last list is what there is.
        let _ = tokio::time::timeout(before.patience(), watching.wait_for(ended)).await;
        let latest = listing.latest.borrow().clone();
        match (latest.listed, latest.failure) {
            (Some(listed), _) => Ok(listed),
            (None, failure) => Err(failure.unwrap_or_else(|| OriginError::late(""))),
        }
    }

    /// What lies in the root.
    ///
    /// Fails if the store cannot be listed.
    pub(super) async fn folders(&self) -> Result<Arc<Folders>, OriginError> {
        let look = async { self.shared.store.folders().await.map(Arc::new) };
        let found = self.shared.listing.folders.try_get_with((), look).await;
        found.map_err(Arc::unwrap_or_clone)
    }

    async fn list(&self) -> Result<Listed, OriginError> {
        let folders = self.folders().await?;
        let mut seen = self.shared.listing.seen.lock().await;
        let names = folders.names.iter().cloned().map(|name| {
            let before = seen.titles.get(&name).cloned();
            async move {
                let described = self.described(&name, before.as_ref()).await;
                (name, described, before)
            }
        });
        let looked: Vec<_> = stream::iter(names).buffered(AT_ONCE).collect().await;
        let mut list = List::default();
        for (name, described, before) in looked {
            list.add(name, described, before);
        }
        if let (0, Some(error)) = (list.answered, list.failure) {
            return Err(error);
        }
        let catalogue = seen.take(list.titles, list.problems, &folders.skipped);
        drop(seen);
        let catalogue = Arc::new(catalogue);
        let (listed, about) = (Arc::clone(&catalogue), 600 * catalogue.titles.len());
        let json = process(about, move || serde_json::to_vec(&*listed)).await;
        let json =
            json.map_err(|error| OriginError::damaged("catalogue.json", error.to_string()))?;
        let json = Object::hashed(json.into(), "application/json").await;
        Ok(Listed { catalogue, json })
    }

    /// Describes a title; what was known `before` stays if its entry point is the same.
    async fn described(
        &self,
        name: &str,
        before: Option<&Described>,
    ) -> Result<Described, OriginError> {
        let path = format!("{name}/{ENTRY}");
        let tag = before.and_then(|before| before.tag.as_deref());
        let store = &self.shared.store;
        let read = store.read_unless(&path, LONGEST_ENTRY, tag).await?;
        let (read, before) = match (read, before) {
            (None, Some(before)) => return Ok(before.clone()),
            (None, None) => return Err(OriginError::not_found(path)),
            (Some(read), before) => (read, before),
        };
        let tag = read.tag.clone();
        let entry = text(&path, read)?;
        let digest = Sha256::digest(entry.as_bytes()).into();
        if let Some(before) = before.filter(|before| before.digest == digest) {
            let before = before.clone();
            return Ok(Described { tag, ..before });
        }
        let mut master = Master::read(&reference(&path), &entry)?;
        let first = master.media().next().map(str::to_owned);
        if let Some(url) = first {
            master.fill(0, &referred(self, name, &url).await?)?;
        }
        let poster = self.has_poster(name).await?;
        let title = Arc::new(catalogue::title(name, master.presentation(), poster));
        Ok(Described { tag, digest, title })
    }

    /// Whether a title has a poster, as its publisher says; or, where that is not said, as the store
    /// does.
    async fn has_poster(&self, name: &str) -> Result<bool, OriginError> {
        let store = &self.shared.store;
        let path = format!("{name}/{PUBLISHED}");
        let published = match store.read(&path, LONGEST_ENTRY).await {
            Ok(read) => read.bytes.and_then(|bytes| Publication::read(&bytes)),
            Err(error) if error.is_of_store() && !error.is_denied() => return Err(error),
            Err(_) => None,
        };
        match published {
            Some(published) => Ok(published.has_file(POSTER)),
            None => store.exists(&format!("{name}/{POSTER}")).await,
        }
    }
}

/// Takes a look, and notes what came of it.
async fn look(origin: Origin) {
    let listing = &origin.shared.listing;
    let _looking = Looking(listing);
    let began = Instant::now();
    let looked = origin.list().await;
    if let Err(error) = &looked
        && listing.latest.borrow().listed.is_some()
    {
        tracing::warn!("{error}; the last list is served");
        origin.shared.metrics.stale.inc();
    }
    listing.note(began, looked);
}

fn text(path: &str, read: Read) -> Result<String, OriginError> {
    let bytes = read.bytes;
    let bytes =
        bytes.ok_or_else(|| OriginError::damaged(path, "it is too large for a manifest"))?;
    let text = String::from_utf8(bytes.into());
    text.map_err(|_| OriginError::damaged(path, "it is not UTF-8"))
}

/// What a look has found.
#[derive(Default)]
struct List {
    titles: BTreeMap<String, Described>,
    problems: Vec<(String, OriginError)>,
    /// Titles for which the store has answered.
    answered: usize,
    /// How the store failed last.
    failure: Option<OriginError>,
}

impl List {
    /// Takes in what was found of a title. What the store fails to give is as it was before.
    fn add(
        &mut self,
        name: String,
        described: Result<Described, OriginError>,
        before: Option<Described>,
    ) {
        let error = match described {
            Ok(described) => {
                self.answered += 1;
                self.titles.insert(name, described);
                return;
            }
            Err(error) => error,
        };
        if error.is_of_store() {
            self.failure = Some(error.clone());
            if let Some(before) = before {
                tracing::warn!("{error}; {name} is listed as it was");
                self.titles.insert(name, before);
                return;
            }
        } else {
            self.answered += 1;
        }
        let no_title =
            matches!(&error, OriginError::NotFound { path } if *path == format!("{name}/{ENTRY}"));
        if !no_title {
            self.problems.push((name, error));
        }
    }
}

impl Seen {
    /// Keeps what was found for the next look, logs problems that are new, and makes the list.
    fn take(
        &mut self,
        titles: BTreeMap<String, Described>,
        failed: Vec<(String, OriginError)>,
        skipped: &[Problem],
    ) -> Catalogue {
        let mut texts: BTreeSet<String> = skipped
            .iter()
            .map(|problem| format!("{} is not served: {}", problem.name, problem.error))
            .collect();
        let mut problems = skipped.to_vec();
        for (name, error) in failed {
            texts.insert(format!("{name} cannot be played: {error}"));
            let error = error.public();
            problems.push(Problem { name, error });
        }
        for text in texts.difference(&self.logged) {
            tracing::warn!("{text}");
        }
        problems.sort_by(|a, b| a.name.cmp(&b.name));
        self.logged = texts;
        self.titles = titles;
        let titles = self.titles.values();
        Catalogue {
            titles: titles
                .map(|described| Title::clone(&described.title))
                .collect(),
            problems,
        }
    }
}
