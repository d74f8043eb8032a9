//! Content codings of manifests and pages: which one a client gets (RFC 9110 §12.5.3), and how it
//! is made. Media is never coded: it would save little and break ranges.

use super::blocking::process;
use axum::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName};
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};

/// A coding that is applied to text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Encoding {
    Brotli,
    Zstd,
    Gzip,
}

impl Encoding {
    /// In the order of our preference.
    const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// The registered name; also marks the entity tag.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The coding that the client likes best, ours first among equals; `None` for identity.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(Self, u16)> = None;
        for encoding in Self::ALL {
            let quality = quality(headers, &ACCEPT_ENCODING, encoding.name());
            if quality > best.map_or(0, |(_, quality)| quality) {
                best = Some((encoding, quality));
            }
        }
        best.map(|(encoding, _)| encoding)
    }

    /// Encodes `bytes`. `None` if the coding would not make them smaller.
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

/// The weight that a field gives to a coding or media type, in thousandths: 0 if it is not named.
pub(super) fn quality(headers: &HeaderMap, field: &HeaderName, name: &str) -> u16 {
    let mut any = 0;
    for value in headers.get_all(field) {
        for item in value.to_str().unwrap_or("").split(',') {
            let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight(parameters);
            match coding.trim() {
                coding if coding.eq_ignore_ascii_case(name) => return weight,
                "*" | "*/*" => any = weight,
                _ => {}
            }
        }
    }
    any
}

fn weight(parameters: &str) -> u16 {
    let Some((_, value)) = parameters.split_once("q=") else {
        return 1000;
    };
    let value: f32 = value.trim().parse().unwrap_or(0.0);
    (value.clamp(0.0, 1.0) * 1000.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn accepted(value: &'static str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
        Encoding::accepted(&headers).map(Encoding::name)
    }

    #[test]
    fn the_clients_weights_decide_then_ours() {
        assert_eq!(accepted("gzip, deflate, br, zstd"), Some("br"));
        assert_eq!(accepted("gzip, deflate"), Some("gzip"));
        assert_eq!(accepted("br;q=0.1, GZIP;q=0.5"), Some("gzip"));
        assert_eq!(accepted("br;q=0, *;q=0.2"), Some("zstd"));
        assert_eq!(accepted("*"), Some("br"));
        assert_eq!(accepted("identity"), None);
        assert_eq!(accepted("gzip;q=0"), None);
        assert_eq!(accepted("gzip;q=nan"), None);
        assert_eq!(accepted(""), None);
        assert_eq!(Encoding::accepted(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn every_coding_shrinks_text_and_differs() {
        let text = Bytes::from("#EXTINF:2.000000,\n1.m4s\n".repeat(200));
        let mut seen = Vec::new();
        for encoding in Encoding::ALL {
            let Some(coded) = encoding.apply(&text).await else {
                unreachable!("{encoding:?} did not shrink");
            };
            assert!(coded.len() < 400, "{encoding:?}: {}", coded.len());
            assert!(!seen.contains(&coded));
            seen.push(coded);
        }
        assert!(seen[2].starts_with(&[0x1f, 0x8b]), "gzip");
        assert!(seen[1].starts_with(&[0x28, 0xb5, 0x2f, 0xfd]), "zstd");
        assert_eq!(Encoding::Gzip.apply(&Bytes::from_static(b"x")).await, None);
    }
}
