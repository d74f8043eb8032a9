//! Content codings of manifests and pages. Media is never coded: it would save little and break
//! ranges.

use super::background::process;
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};

/// A coding that is applied to text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    /// In order of preference: smallest result first.
    pub(crate) const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// The registered name; also the suffix of the entity tag.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The coded bytes; `None` if they are not fewer.
    pub(super) async fn apply(self, bytes: &Bytes) -> Option<Bytes> {
        let plain = bytes.clone();
        let coded = process(bytes.len(), move || self.code(&plain)).await;
        let coded = coded.ok().filter(|coded| coded.len() < bytes.len());
        coded.map(Bytes::from)
    }

    /// At levels that code a manifest in a few milliseconds.
    fn code(self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let mut coded = Vec::new();
        match self {
            Self::Brotli => {
                let parameters = BrotliEncoderParams {
                    quality: 4,
                    size_hint: plain.len(),
                    ..BrotliEncoderParams::default()
                };
                brotli::BrotliCompress(&mut &*plain, &mut coded, &parameters)?;
            }
            Self::Zstd => coded = zstd::encode_all(plain, zstd::DEFAULT_COMPRESSION_LEVEL)?,
            Self::Gzip => {
                let mut encoder = GzEncoder::new(coded, Compression::default());
                encoder.write_all(plain)?;
                coded = encoder.finish()?;
            }
        }
        Ok(coded)
    }
}
