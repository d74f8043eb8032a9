//! Content codings of texts (RFC 9110 §8.4.1, RFC 7932).
//!
//! Manifests, playlists and quality tables shrink to a tenth; media and ranges are requested without a
//! coding. Decoded here rather than by the HTTP client, because bytes are counted, and throttled, as
//! they cross the network.

use super::error::{AnswerProblem, FetchError};
use brotli_decompressor::Decompressor;
use reqwest::Url;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use std::io::{self, Read};

pub(super) const ACCEPTED: &str = "br, gzip";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Coding {
    #[default]
    Identity,
    Gzip,
    Brotli,
}

impl Coding {
    /// The coding of an answer. Fails for one that the request did not accept: any, if `plain`.
    pub(super) fn of(url: &Url, headers: &HeaderMap, plain: bool) -> Result<Self, FetchError> {
        let Some(value) = headers.get(CONTENT_ENCODING) else {
            return Ok(Self::Identity);
        };
        let name = value.to_str().unwrap_or("?").trim().to_ascii_lowercase();
        let expected = if plain { "none" } else { ACCEPTED };
        match name.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" if !plain => Ok(Self::Gzip),
            "br" if !plain => Ok(Self::Brotli),
            _ => {
                let source = io::Error::other(format!("expected {expected}"));
                let coding = name;
                Err(AnswerProblem::Coding { coding, source }.at(url))
            }
        }
    }

    /// Decodes `bytes`. Fails beyond `limit` decoded bytes, since a small answer can hold any amount.
    pub(super) fn decode(
        self,
        url: &Url,
        bytes: Vec<u8>,
        limit: u64,
    ) -> Result<Vec<u8>, FetchError> {
        let coded = bytes.as_slice();
        let (coding, mut decoder): (_, Box<dyn Read>) = match self {
            Self::Identity => return Ok(bytes),
            Self::Gzip => ("gzip", Box::new(flate2::read::MultiGzDecoder::new(coded))),
            Self::Brotli => ("br", Box::new(Decompressor::new(coded, 4096))),
        };
        let mut text = Vec::new();
        let most = limit.saturating_add(1);
        let decoded = decoder.by_ref().take(most).read_to_end(&mut text);
        match decoded {
            Ok(length) if length as u64 > limit => Err(AnswerProblem::TooLong(limit).at(url)),
            Ok(_) => Ok(text),
            Err(source) => {
                let coding = coding.to_owned();
                Err(AnswerProblem::Coding { coding, source }.at(url))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// "hello" as one stored block (RFC 7932 §9.2).
    const BROTLI: [u8; 9] = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];

    fn url() -> Url {
        Url::parse("http://host/a.m3u8").unwrap()
    }

    #[test]
    fn coded_texts_are_decoded() {
        let decode = |coding: Coding, bytes: &[u8]| coding.decode(&url(), bytes.to_vec(), 5);
        assert_eq!(decode(Coding::Gzip, &gzip(b"hello")).unwrap(), b"hello");
        assert_eq!(decode(Coding::Brotli, &BROTLI).unwrap(), b"hello");
        assert_eq!(decode(Coding::Identity, b"hello").unwrap(), b"hello");
    }

    #[test]
    fn bombs_and_damage_are_refused_by_url() {
        let bomb = gzip(&vec![0; 8 << 20]);
        assert!(bomb.len() < 10_000);
        let error = Coding::Gzip
            .decode(&url(), bomb, 1 << 20)
            .unwrap_err()
            .to_string();
        assert!(error.contains("at most 1048576 bytes"), "{error}");
        for coding in [Coding::Gzip, Coding::Brotli] {
            for bytes in [&b"hello, hello"[..], &gzip(b"hello")[..12]] {
                let error = coding.decode(&url(), bytes.to_vec(), 100).unwrap_err();
                let error = error.to_string();
                assert!(
                    error.starts_with("http://host/a.m3u8: cannot be read as"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn only_accepted_codings_are_decoded() {
        let refused = |name| Err(format!("http://host/a.m3u8: cannot be read as `{name}`"));
        for (value, plain, expected) in [
            ("GZIP", false, Ok(Coding::Gzip)),
            ("br", false, Ok(Coding::Brotli)),
            ("identity", false, Ok(Coding::Identity)),
            ("zstd", false, refused("zstd")),
            ("identity", true, Ok(Coding::Identity)),
            ("gzip", true, refused("gzip")),
        ] {
            let headers = [(CONTENT_ENCODING, value.parse().unwrap())];
            let coding = Coding::of(&url(), &headers.into_iter().collect(), plain);
            assert_eq!(coding.map_err(|error| error.to_string()), expected);
        }
        let none = Coding::of(&url(), &HeaderMap::new(), true);
        assert_eq!(none.unwrap(), Coding::Identity);
    }
}
