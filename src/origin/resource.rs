//! How a resource becomes an object: read from the store, cut from a file, or made from a title's
//! manifests.

use super::blocking::process;
use super::blocks::BLOCK;
use super::cache::{Part, Wanted};
use super::encoding::Encoding;
use super::layout::{Layout, name};
use super::object::{Content, Object, Stored, is_text};
use super::path::{self, Resource, RungPart, content_type};
use super::query::Filter;
use super::{Origin, OriginError, made};
use crate::manifest::ByteRange;
use crate::manifest::hls::{IFRAMES_NAME, IFRAMES_SUFFIX, MEDIA_NAME, MEDIA_SUFFIX, Media};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// Longest text, and longest file that may change, that is served.
const LONGEST_WHOLE: u64 = 8 << 20;

/// How long what may change may take to be read anew before its last state is served.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

impl Origin {
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
        self.dated(path, object).await
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
        let limit = match immutable && !is_text(kind) {
            true => BLOCK,
            false => LONGEST_WHOLE,
        };
        let read = self.shared.store.read(path, limit).await;
        if let Err(OriginError::NotFound { .. }) = read {
            cache.note_absent(path).await;
        }
        let read = read?;
        match read.bytes {
            Some(bytes) => Ok(Object::hashed(bytes, kind).await),
            None if immutable => {
                let stored = Stored {
                    path: path.into(),
                    tag: read.tag.map(Arc::from),
                    file_size: read.size,
                    start: 0,
                };
                Ok(Object::stored(path, read.size, kind, stored))
            }
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

    /// What a range of an immutable file holds, under the URL `url`: in memory of its own, or, if it
    /// is more than a block, in the store.
    async fn cut(&self, url: &str, file: &Object, range: ByteRange) -> Result<Object, OriginError> {
        let size = range.length;
        if range.end() > file.size {
            let problem = format!("its file has no bytes {}-{}", range.start, range.end());
            return Err(OriginError::damaged(url, problem));
        }
        let bytes = match &file.content {
            Content::Memory(whole) => {
                Bytes::copy_from_slice(&whole[range.start as usize..range.end() as usize])
            }
            Content::Stored(stored) if size > BLOCK => {
                let start = stored.start + range.start;
                let part = Stored {
                    start,
                    ..stored.clone()
                };
                return Ok(Object::stored(url, size, file.content_type, part));
            }
            Content::Stored(stored) => self.copied(stored, range.start..range.end()).await?,
        };
        Ok(Object::hashed(bytes, file.content_type).await)
    }

    async fn of_rung(&self, stem: &str, part: RungPart) -> Result<Object, OriginError> {
        match part {
            RungPart::Init => self.segment(stem, 0).await,
            RungPart::Segment(number) => self.segment(stem, number).await,
            RungPart::Media => {
                self.playlist(stem, MEDIA_NAME, made::media(self, stem))
                    .await
            }
            RungPart::Iframes => {
                self.playlist(stem, IFRAMES_NAME, made::iframes(self, stem))
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
            let object = Object::hashed(Bytes::from(text), source.content_type);
            Ok(object.await.changed(source.modified))
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
            let url = format!("{stem}/{}", name(number));
            let range = layout.range(number);
            let range = range.ok_or_else(|| OriginError::not_found(url.as_str()))?;
            let file = self.file(&format!("{stem}.mp4"), true).await?;
            let object = self.cut(&url, &file, range).await?;
            Ok(object.changed(file.modified).hinted(layout.hints(number)))
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
        let media = self.media(&path).await?;
        let file = path::reference(&format!("{stem}.mp4"));
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
        let iframes = self.media(&path).await?;
        if !media.mark_pictures(&iframes) {
            return Err(OriginError::damaged(
                path,
                "a picture starts where no segment does",
            ));
        }
        Ok(media)
    }

    /// A media playlist of the store.
    async fn media(&self, path: &str) -> Result<Media, OriginError> {
        let text = self.text(path, true).await?;
        let url = path::reference(path);
        Ok(process(text.len(), move || Media::read(&url, &text, None)).await?)
    }
}
