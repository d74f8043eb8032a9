//! What all requests share, and how a resource becomes an object: read from the store, cut from a
//! file, or made from a title's manifests.

use super::cache::{Cache, Part, Wanted};
use super::catalogue::Listing;
use super::encoding::Encoding;
use super::layout::{Layout, name};
use super::object::{Content, Object, is_text};
use super::path::{Resource, RungPart, content_type};
use super::query::Filter;
use super::store::Store;
use super::telemetry::{AccessLog, Metrics};
use super::weights::Weights;
use super::{OriginError, Settings, headers, made};
use crate::manifest::hls::{IFRAMES_SUFFIX, MEDIA_SUFFIX, Media};
use crate::manifest::{ByteRange, hls};
use axum::http::HeaderValue;
use bytes::Bytes;
use object_store::ObjectStore;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Objects up to this many bytes are read and kept whole; of larger ones only ranges are.
const WHOLE: u64 = 1 << 20;

/// Ranges up to this many bytes are kept; longer ones are streamed past the cache.
pub(super) const LONGEST_KEPT_RANGE: u64 = 8 << 20;

/// How long what may change may take to be read anew before its last state is served.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// An origin: a store of titles with a cache in front. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Origin {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) cache: Cache,
    pub(super) listing: Listing,
    pub(super) weights: Weights,
    pub(super) metrics: Arc<Metrics>,
    /// As it was started with; what counts at a request is in `live`.
    pub(super) settings: Settings,
    live: RwLock<Arc<Live>>,
    /// Whether it is about to stop.
    pub(super) stopping: AtomicBool,
}

/// What can be changed while it runs.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) settings: Settings,
    /// `Cache-Control` of what may change.
    pub(super) changing: HeaderValue,
    pub(super) log: Option<AccessLog>,
}

impl Live {
    fn new(settings: Settings, log: Option<AccessLog>) -> Arc<Self> {
        Arc::new(Self {
            changing: headers::changing(&settings),
            settings,
            log,
        })
    }
}

impl Origin {
    /// An origin of the titles in a local folder: each a folder with a `master.m3u8`.
    ///
    /// Fails if the folder is missing or not readable.
    pub fn local(root: &Path, settings: Settings) -> Result<Self, OriginError> {
        Ok(Self::with(Store::local(root)?, settings, Vec::new()))
    }

    /// An origin of the titles at a URL: `s3://bucket/prefix`, `file:///folder`, `memory:///`, a
    /// path without a scheme, and with the features `gcs` and `azure` `gs://…` and `az://…`.
    ///
    /// Fails if there is no such place, or no way to reach it.
    pub fn open(root: &str, settings: Settings) -> Result<Self, OriginError> {
        Ok(Self::with(Store::open(root)?, settings, Vec::new()))
    }

    /// An origin of the titles in any object store.
    pub fn new(store: Arc<dyn ObjectStore>, settings: Settings) -> Self {
        Self::with(Store::new(store), settings, Vec::new())
    }

    /// The same origin, which also serves these files of generators' weights from memory. To be
    /// called before it is cloned or used.
    #[must_use]
    pub fn with_weights(self, files: Vec<Bytes>) -> Self {
        let shared = &self.shared;
        Self::with(shared.store.clone(), shared.settings.clone(), files)
    }

    fn with(store: Store, settings: Settings, weights: Vec<Bytes>) -> Self {
        let metrics = Arc::new(Metrics::new());
        let store = store.guarded(settings.store_timeout, &metrics);
        let cache = Cache::new(settings.cache_bytes, settings.refresh, &metrics);
        let listing = Listing::new(settings.refresh);
        Self {
            shared: Arc::new(Shared {
                store,
                cache,
                listing,
                weights: Weights::new(weights),
                metrics,
                live: RwLock::new(Live::new(settings.clone(), None)),
                settings,
                stopping: AtomicBool::new(false),
            }),
        }
    }

    /// What counts now.
    pub(super) fn live(&self) -> Arc<Live> {
        let live = self.shared.live.read();
        Arc::clone(&live.unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks something up in what counts now.
    pub(super) fn look<T>(&self, what: impl FnOnce(&Live) -> T) -> T {
        let live = self.shared.live.read();
        what(&live.unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts settings into effect, from the next request on, and opens the access log (anew). The
    /// names of settings that differ but count only at the start are returned.
    ///
    /// Fails, and changes nothing, if the access log cannot be opened.
    pub fn apply(&self, settings: Settings) -> Result<Vec<&'static str>, OriginError> {
        let before = self.live();
        let same = before.settings.access_log == settings.access_log;
        let log = match (&settings.access_log, &before.log) {
            (Some(_), Some(log)) if same => {
                log.reopen();
                Some(log.clone())
            }
            (Some(path), _) => Some(self.open_log(path)?),
            (None, _) => None,
        };
        let fixed = settings.fixed_differences(&self.shared.settings);
        let live = self.shared.live.write();
        *live.unwrap_or_else(PoisonError::into_inner) = Live::new(settings, log);
        Ok(fixed)
    }

    fn open_log(&self, path: &Path) -> Result<AccessLog, OriginError> {
        let log = AccessLog::open(path, Arc::clone(&self.shared.metrics));
        log.map_err(|error| OriginError::Log {
            path: path.display().to_string(),
            problem: error.to_string(),
        })
    }

    /// The object that a resource names; `filter` matters to manifests only.
    pub(super) async fn object(
        &self,
        resource: &Resource<'_>,
        filter: &Filter,
    ) -> Result<Object, OriginError> {
        match resource {
            Resource::File { path, immutable } => self.file(path, *immutable).await,
            Resource::Manifest(manifest) => made::manifest(self, manifest, filter).await,
            Resource::Weights { hash } => self.weights(hash).await,
            Resource::Rung { stem, part } => self.of_rung(stem, *part).await,
        }
    }

    /// The same object in a content coding, or as it is if that would not make it smaller.
    pub(super) async fn encoded(
        &self,
        object: &Object,
        encoding: Encoding,
    ) -> Result<Object, OriginError> {
        let Some(bytes) = object.bytes() else {
            return Ok(object.clone());
        };
        let etag = object.etag.to_str().unwrap_or_default();
        let wanted = Wanted {
            path: &[object.content_type, " ", etag].concat(),
            part: &Part::Encoded(encoding),
            immutable: true,
        };
        let make = || async {
            let coded = encoding.apply(bytes).await;
            Ok(coded.map_or_else(|| object.clone(), |coded| object.encoded(encoding, coded)))
        };
        self.shared.cache.object(wanted, make).await
    }

    /// A file of the store, of a type that its name tells.
    pub(super) async fn file(&self, path: &str, immutable: bool) -> Result<Object, OriginError> {
        let kind = content_type(path).ok_or_else(|| OriginError::not_found(path))?;
        let wanted = Wanted {
            path,
            part: &Part::Whole,
            immutable,
        };
        match immutable {
            true => {
                let read = || self.read(path, true, kind);
                self.shared.cache.object(wanted, read).await
            }
            false => {
                self.shared
                    .cache
                    .object(wanted, || self.renewed(path, kind))
                    .await
            }
        }
    }

    /// A file that may change, as it is now; or, while the store fails or is slow to say, as it
    /// was last.
    async fn renewed(&self, path: &str, kind: &'static str) -> Result<Object, OriginError> {
        let cache = &self.shared.cache;
        let last = cache.last(path).await;
        let read = self.read(path, false, kind);
        let read = match &last {
            Some(_) => {
                let read = tokio::time::timeout(PATIENCE, read).await;
                read.unwrap_or_else(|_| Err(OriginError::late(path)))
            }
            None => read.await,
        };
        match (read, last) {
            (Err(error), Some(last)) if error.is_of_store() => {
                tracing::warn!("{error}; its last state is served");
                self.shared.metrics.stale.inc();
                Ok(last)
            }
            (read, _) => {
                cache.remember(path, read.as_ref().ok()).await;
                read
            }
        }
    }

    /// A file of the store that never changes, of a type that is known.
    pub(super) async fn file_of_type(
        &self,
        path: &str,
        kind: &'static str,
    ) -> Result<Object, OriginError> {
        let wanted = Wanted {
            path,
            part: &Part::Whole,
            immutable: true,
        };
        let read = || self.read(path, true, kind);
        self.shared.cache.object(wanted, read).await
    }

    async fn read(
        &self,
        path: &str,
        immutable: bool,
        kind: &'static str,
    ) -> Result<Object, OriginError> {
        let object = self.undated(path, immutable, kind).await?;
        Ok(self.dated(path, object).await)
    }

    /// A file as the store has it now, without the time of its publication.
    pub(super) async fn undated(
        &self,
        path: &str,
        immutable: bool,
        kind: &'static str,
    ) -> Result<Object, OriginError> {
        let cache = &self.shared.cache;
        if cache.is_absent(path).await {
            return Err(OriginError::not_found(path));
        }
        let keep_whole = !immutable || is_text(kind);
        let limit = if keep_whole {
            LONGEST_KEPT_RANGE
        } else {
            WHOLE
        };
        let read = self.shared.store.read(path, limit).await;
        if let Err(OriginError::NotFound { .. }) = read {
            cache.note_absent(path).await;
        }
        let read = read?;
        match read.bytes {
            Some(bytes) => Ok(Object::new(bytes, kind)),
            None if immutable => Ok(Object::remote(path, read.size, kind, read.tag)),
            None => {
                let problem = format!("{} bytes are too many outside a hash folder", read.size);
                Err(OriginError::damaged(path, problem))
            }
        }
    }

    /// The text of a file of the store.
    pub(super) async fn text(&self, path: &str, immutable: bool) -> Result<String, OriginError> {
        let object = self.file(path, immutable).await?;
        let text = object
            .bytes()
            .map(|bytes| String::from_utf8(bytes.to_vec()));
        match text {
            Some(Ok(text)) => Ok(text),
            Some(Err(_)) => Err(OriginError::damaged(path, "it is not UTF-8")),
            None => Err(OriginError::damaged(path, "it is too large for a manifest")),
        }
    }

    /// A range of an immutable file, whole in memory.
    pub(super) async fn range(
        &self,
        path: &str,
        file: &Object,
        range: ByteRange,
    ) -> Result<Object, OriginError> {
        let wanted = Wanted {
            path,
            part: &Part::Range(range.start..range.end()),
            immutable: true,
        };
        let read = || self.cut(path, file, range);
        self.shared.cache.object(wanted, read).await
    }

    async fn cut(
        &self,
        path: &str,
        file: &Object,
        range: ByteRange,
    ) -> Result<Object, OriginError> {
        if range.end() > file.size || range.length > LONGEST_KEPT_RANGE {
            let problem = format!("it has no range {}-{}", range.start, range.end());
            return Err(OriginError::damaged(path, problem));
        }
        let bytes = match &file.content {
            Content::Memory(whole) => slice(whole, range),
            Content::Store(tag) => {
                let range = range.start..range.end();
                let store = &self.shared.store;
                let read = store.read_range(path, range, tag.clone()).await;
                if let Err(OriginError::Changed { .. }) = read {
                    self.shared.cache.forget(path).await;
                }
                read?
            }
        };
        Ok(Object::new(bytes, file.content_type).changed(file.modified.clone()))
    }

    async fn of_rung(&self, stem: &str, part: RungPart) -> Result<Object, OriginError> {
        match part {
            RungPart::Init => self.segment(stem, 0).await,
            RungPart::Segment(number) => self.segment(stem, number).await,
            RungPart::Media => {
                self.playlist(stem, hls::MEDIA_NAME, made::media(self, stem))
                    .await
            }
            RungPart::Iframes => {
                self.playlist(stem, hls::IFRAMES_NAME, made::iframes(self, stem))
                    .await
            }
        }
    }

    /// A playlist of a rung in segment-URL form, made by `text`.
    async fn playlist(
        &self,
        stem: &str,
        name: &str,
        text: impl Future<Output = Result<String, OriginError>> + Send,
    ) -> Result<Object, OriginError> {
        let wanted = Wanted {
            path: &format!("{stem}/{name}"),
            part: &Part::Whole,
            immutable: true,
        };
        let make = || async {
            let text = text.await?;
            let source = self.file(&format!("{stem}{MEDIA_SUFFIX}"), true).await?;
            let object = Object::new(Bytes::from(text), source.content_type);
            Ok(object.changed(source.modified))
        };
        self.shared.cache.object(wanted, make).await
    }

    /// Segment `number` of the rung at `stem`, or its init segment at 0.
    async fn segment(&self, stem: &str, number: usize) -> Result<Object, OriginError> {
        let wanted = Wanted {
            path: stem,
            part: &Part::Segment(number),
            immutable: true,
        };
        let make = || async {
            let layout = self.layout(stem).await?;
            let absent = || OriginError::not_found(format!("{stem}/{}", name(number)));
            let range = layout.range(number).ok_or_else(absent)?;
            let path = format!("{stem}.mp4");
            let file = self.file(&path, true).await?;
            Ok(self
                .cut(&path, &file, range)
                .await?
                .hinted(layout.hints(number)))
        };
        self.shared.cache.object(wanted, make).await
    }

    /// Where the segments of the rung at `stem` lie in its file.
    pub(super) async fn layout(&self, stem: &str) -> Result<Arc<Layout>, OriginError> {
        let read = || self.read_layout(stem);
        self.shared.cache.layout(stem, read).await
    }

    async fn read_layout(&self, stem: &str) -> Result<Arc<Layout>, OriginError> {
        let path = format!("{stem}{MEDIA_SUFFIX}");
        let media = Media::read(&path, &self.text(&path, true).await?, None)?;
        let file = format!("{stem}.mp4");
        let own = media.url == file && media.segments.iter().all(|segment| segment.url == file);
        if !own {
            return Err(OriginError::damaged(
                path,
                format!("all its URLs must be {file}"),
            ));
        }
        Ok(Arc::new(Layout::new(media)))
    }

    /// The layout with random access points marked, as far as an I-frame playlist tells.
    pub(super) async fn layout_with_pictures(&self, stem: &str) -> Result<Media, OriginError> {
        let mut media = self.layout(stem).await?.media.clone();
        let path = format!("{stem}{IFRAMES_SUFFIX}");
        let iframes = Media::read(&path, &self.text(&path, true).await?, None)?;
        if !media.mark_pictures(&iframes) {
            return Err(OriginError::damaged(
                path,
                "a picture starts where no segment does",
            ));
        }
        Ok(media)
    }
}

/// Cuts a range, which must lie within, out of bytes in memory without copying.
fn slice(whole: &Bytes, range: ByteRange) -> Bytes {
    let (start, end) = (range.start as usize, range.end() as usize);
    whole.slice(start.min(whole.len())..end.min(whole.len()))
}
