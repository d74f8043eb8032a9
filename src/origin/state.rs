//! What all requests share, and how a resource becomes an object: read from the store, cut from a
//! file, or made from a title's manifests.

use super::cache::{Cache, Key, Part};
use super::catalogue::Listing;
use super::encoding::Encoding;
use super::object::{Object, is_text};
use super::path::{Resource, RungPart, content_type};
use super::store::{Read, Store};
use super::{OriginError, Settings, headers, made};
use crate::manifest::hls::{IFRAMES_SUFFIX, MEDIA_SUFFIX, Media};
use crate::manifest::{ByteRange, hls};
use axum::http::HeaderValue;
use bytes::Bytes;
use object_store::ObjectStore;
use std::path::Path;
use std::sync::Arc;

/// Objects up to this many bytes are read and kept whole; of larger ones only ranges are.
const WHOLE: u64 = 1 << 20;

/// Ranges up to this many bytes are kept; longer ones are streamed past the cache.
pub(super) const LONGEST_KEPT_RANGE: u64 = 8 << 20;

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
    pub(super) settings: Settings,
    /// `Cache-Control` of what may change.
    pub(super) changing: HeaderValue,
}

impl Origin {
    /// An origin of the titles in a local folder: each a folder with a `master.m3u8`.
    ///
    /// Fails if the folder is missing or not readable.
    pub fn local(root: &Path, settings: Settings) -> Result<Self, OriginError> {
        Ok(Self::with(Store::local(root)?, settings))
    }

    /// An origin of the titles in any object store.
    pub fn new(store: Arc<dyn ObjectStore>, settings: Settings) -> Self {
        Self::with(Store::new(store), settings)
    }

    fn with(store: Store, settings: Settings) -> Self {
        let cache = Cache::new(settings.cache_bytes, settings.refresh);
        let listing = Listing::new(settings.refresh);
        Self {
            shared: Arc::new(Shared {
                store,
                cache,
                listing,
                changing: headers::changing(&settings),
                settings,
            }),
        }
    }

    /// The object that a resource names.
    pub(super) async fn object(&self, resource: &Resource) -> Result<Object, OriginError> {
        match resource {
            Resource::File { path, immutable } => self.file(path, *immutable).await,
            Resource::SegmentsMaster { title } => {
                let key = changing(format!("{title}/segments/master.m3u8"));
                self.made(key, || made::segments_master(self, title)).await
            }
            Resource::SegmentsMpd { title } => {
                let key = changing(format!("{title}/segments/manifest.mpd"));
                self.made(key, || made::segments_mpd(self, title)).await
            }
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
        let key = Key {
            path: format!("{} {:?}", object.content_type, object.etag),
            part: Part::Encoded(encoding),
            immutable: true,
        };
        let make = || async {
            let coded = encoding.apply(bytes).await;
            Ok(coded.map_or_else(|| object.clone(), |coded| object.encoded(encoding, coded)))
        };
        self.shared.cache.object(key, make).await
    }

    /// A file of the store.
    pub(super) async fn file(&self, path: &str, immutable: bool) -> Result<Object, OriginError> {
        let key = Key {
            path: path.to_owned(),
            part: Part::Whole,
            immutable,
        };
        let read = || self.read(path, immutable);
        self.shared.cache.object(key, read).await
    }

    async fn read(&self, path: &str, immutable: bool) -> Result<Object, OriginError> {
        let kind = content_type(path).ok_or_else(|| OriginError::not_found(path))?;
        let keep_whole = !immutable || is_text(kind);
        let limit = if keep_whole {
            LONGEST_KEPT_RANGE
        } else {
            WHOLE
        };
        match self.shared.store.read(path, limit).await? {
            Read::Whole(bytes) => Ok(Object::new(bytes, kind)),
            Read::TooLarge(size) if immutable => Ok(Object::remote(path, size, kind)),
            Read::TooLarge(size) => {
                let problem = format!("{size} bytes are too many outside a hash folder");
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
    pub(super) async fn range(&self, path: &str, range: ByteRange) -> Result<Object, OriginError> {
        let key = Key {
            path: path.to_owned(),
            part: Part::Range(range.start..range.end()),
            immutable: true,
        };
        let read = || self.read_range(path, range);
        self.shared.cache.object(key, read).await
    }

    async fn read_range(&self, path: &str, range: ByteRange) -> Result<Object, OriginError> {
        let file = self.file(path, true).await?;
        if range.end() > file.size || range.length > LONGEST_KEPT_RANGE {
            let problem = format!("it has no range {}-{}", range.start, range.end());
            return Err(OriginError::damaged(path, problem));
        }
        let bytes = match file.bytes() {
            Some(whole) => slice(whole, range),
            None => {
                let range = range.start..range.end();
                self.shared.store.read_range(path, range).await?
            }
        };
        Ok(Object::new(bytes, file.content_type))
    }

    async fn of_rung(&self, stem: &str, part: RungPart) -> Result<Object, OriginError> {
        let file = format!("{stem}.mp4");
        match part {
            RungPart::Init => match self.layout(stem).await?.init {
                Some(range) => self.range(&file, range).await,
                None => Err(OriginError::not_found(file)),
            },
            RungPart::Segment(number) => {
                let layout = self.layout(stem).await?;
                let range = layout
                    .segments
                    .get(number - 1)
                    .and_then(|segment| segment.range);
                match range {
                    Some(range) => self.range(&file, range).await,
                    None => Err(OriginError::not_found(format!("{stem}/{number}.m4s"))),
                }
            }
            RungPart::Media => {
                let key = changing(format!("{stem}/{}", hls::MEDIA_NAME));
                self.made(key, || made::media(self, stem)).await
            }
            RungPart::Iframes => {
                let key = changing(format!("{stem}/{}", hls::IFRAMES_NAME));
                self.made(key, || made::iframes(self, stem)).await
            }
        }
    }

    /// Where the segments of the rung at `stem` lie in its file.
    pub(super) async fn layout(&self, stem: &str) -> Result<Arc<Media>, OriginError> {
        let read = || self.read_layout(stem);
        self.shared.cache.layout(stem, read).await
    }

    async fn read_layout(&self, stem: &str) -> Result<Arc<Media>, OriginError> {
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
        Ok(Arc::new(media))
    }

    /// The layout with random access points marked, as far as an I-frame playlist tells.
    pub(super) async fn layout_with_pictures(&self, stem: &str) -> Result<Media, OriginError> {
        let mut media = Media::clone(&*self.layout(stem).await?);
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

    async fn made<T>(&self, key: Key, text: impl FnOnce() -> T) -> Result<Object, OriginError>
    where
        T: Future<Output = Result<String, OriginError>> + Send,
    {
        let kind = content_type(&key.path).unwrap_or("text/plain");
        let make = || {
            let text = text();
            async { Ok(Object::new(Bytes::from(text.await?), kind)) }
        };
        self.shared.cache.object(key, make).await
    }
}

/// The key of something that a new edition of the title, or of this program, may change.
fn changing(path: String) -> Key {
    Key {
        path,
        part: Part::Whole,
        immutable: false,
    }
}

/// Cuts a range, which must lie within, out of bytes in memory without copying.
fn slice(whole: &Bytes, range: ByteRange) -> Bytes {
    let (start, end) = (range.start as usize, range.end() as usize);
    whole.slice(start.min(whole.len())..end.min(whole.len()))
}
