//! Rungs in segment-URL form: segments cut from the rung's file, playlists rendered from its own.

use super::background::process;
use super::cache::{Keep, shared};
use super::library::Titles;
use super::object::{BLOCK, Content, Object};
use super::path::RungPart;
use super::segment_index::{SegmentIndex, name};
use crate::manifest::ByteRange;
use crate::manifest::hls::{IFRAMES_NAME, IFRAMES_SUFFIX, MEDIA_SUFFIX, Media};
use crate::origin::error::{OriginError, Result};
use crate::origin::percent::encode_path;
use bytes::Bytes;
use std::sync::Arc;

impl Titles {
    /// A part of the rung whose files are `stem` and a suffix: `TITLE/HASH/RUNG`.
    pub(super) async fn rung_part(&self, stem: &str, part: RungPart) -> Result<Object> {
        match part {
            RungPart::Segment(number) => self.segment(stem, number).await,
            RungPart::Playlist(name) => self.playlist(stem, name).await,
        }
    }

    /// The segment index of the rung at `stem`.
    pub(super) async fn index(&self, stem: &str) -> Result<Arc<SegmentIndex>> {
        shared(&self.cache.indexes, stem, self.read_index(stem)).await
    }

    async fn read_index(&self, stem: &str) -> Result<SegmentIndex> {
        let path = format!("{stem}{MEDIA_SUFFIX}");
        let media = self.media(&path).await?;
        let file = encode_path(&format!("{stem}.mp4"));
        let own = media.url == file && media.segments.iter().all(|segment| segment.url == file);
        if !own {
            let problem = format!("all its URLs must be {file}");
            return Err(OriginError::damaged(path, problem));
        }
        Ok(SegmentIndex::new(media))
    }

    /// Segment `number` of the rung at `stem`, or its init segment at 0.
    async fn segment(&self, stem: &str, number: usize) -> Result<Object> {
        let cut = || async {
            let index = self.index(stem).await?;
            let url = format!("{stem}/{}", name(number));
            let range = index.range(number);
            let range = range.ok_or_else(|| OriginError::not_found(url.as_str()))?;
            let file = self.file(&format!("{stem}.mp4"), true).await?;
            let object = self.cut(&url, &file, range).await?;
            Ok(Object {
                modified: file.modified,
                hints: Some(Arc::new(index.hints(number))),
                ..object
            })
        };
        let key = format!("{stem}\n{number}");
        self.cache.object(&key, Keep::Always, cut).await
    }

    /// A range of an immutable file, as the object at `url`: copied, so that the cache does not
    /// keep the whole file for it, or left in the store if it is more than a block.
    async fn cut(&self, url: &str, file: &Object, range: ByteRange) -> Result<Object> {
        let (start, size) = (range.start, range.length);
        if range.end() > file.size {
            let problem = format!("its file has no bytes {start}-{}", range.end());
            return Err(OriginError::damaged(url, problem));
        }
        let bytes = match &file.content {
            Content::Memory(whole) => {
                Bytes::copy_from_slice(&whole[start as usize..range.end() as usize])
            }
            Content::Stored(stored) if size > BLOCK => {
                let mut part = stored.clone();
                part.start += start;
                return Ok(Object::stored(url, size, file.content_type, part));
            }
            Content::Stored(stored) => self.copied(stored, start..range.end()).await?,
        };
        Ok(Object::hashed(bytes, file.content_type).await)
    }

    /// `TITLE/HASH/RUNG/media.m3u8` or `iframes.m3u8`.
    async fn playlist(&self, stem: &str, name: &str) -> Result<Object> {
        let key = format!("{stem}/{name}");
        let render = || async {
            let source = self.file(&format!("{stem}{MEDIA_SUFFIX}"), true).await?;
            let media = self.index(stem).await?.media.clone();
            let text = match name {
                IFRAMES_NAME => self.iframes_text(stem, media).await?,
                _ => Some(media.segment_urls("").write(name)?),
            };
            let text = text.ok_or_else(|| OriginError::not_found(key.as_str()))?;
            let object = Object::hashed(Bytes::from(text), source.content_type).await;
            Ok(Object {
                modified: source.modified,
                ..object
            })
        };
        self.cache.object(&key, Keep::Always, render).await
    }

    /// `None` if it has no I-frames.
    async fn iframes_text(&self, stem: &str, mut media: Media) -> Result<Option<String>> {
        let path = format!("{stem}{IFRAMES_SUFFIX}");
        if !media.mark_pictures(&self.media(&path).await?) {
            let problem = "an I-frame starts where no segment does";
            return Err(OriginError::damaged(path, problem));
        }
        Ok(media.segment_urls("").write_iframes(IFRAMES_NAME)?)
    }

    /// A published media playlist.
    async fn media(&self, path: &str) -> Result<Media> {
        let text = self.text(path, true).await?;
        let url = encode_path(path);
        Ok(process(text.len(), move || Media::read(&url, &text, None)).await?)
    }
}
