//! CMCD data ([`crate::player::cmcd`]) in HTTP requests.

use crate::manifest::ByteRange;
use crate::player::cmcd::{Cmcd, Content, Data, Kind, Media};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};

/// A request and its purpose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetch<'a> {
    pub(super) url: &'a Url,
    pub(super) range: Option<ByteRange>,
    pub(super) content: &'a Content,
    pub(super) kind: Kind,
    pub(super) media: Option<&'a Media>,
}

impl<'a> Fetch<'a> {
    /// A request for something other than a media segment.
    pub(super) fn of(
        url: &'a Url,
        range: Option<ByteRange>,
        content: &'a Content,
        kind: Kind,
    ) -> Self {
        let media = None;
        Self {
            url,
            range,
            content,
            kind,
            media,
        }
    }

    /// Whether no content coding is accepted: ranges count bytes of the plain file, and media are
    /// compressed already.
    pub(super) fn is_plain(&self) -> bool {
        self.range.is_some() || !self.kind.is_text()
    }

    /// Its URL and headers with the data of `cmcd`.
    pub(super) fn with(&self, cmcd: &Cmcd) -> (Url, HeaderMap) {
        let Data { query, headers } = cmcd.data(self.content, self.kind, self.media);
        let mut url = self.url.clone();
        if let Some(text) = query {
            url.query_pairs_mut().append_pair("CMCD", &text);
        }
        let value = |(name, text): (_, String)| Some((name, HeaderValue::from_str(&text).ok()?));
        let headers = headers.into_iter().filter_map(value);
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| drop(map.insert(name, value)));
        (url, map)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::player::cmcd::CmcdMode;

    #[test]
    fn data_are_one_query_argument_or_headers() {
        let url = Url::parse("http://host/title/master.m3u8?token=1").unwrap();
        let content = Content::of(url.path());
        let fetch = Fetch::of(&url, None, &content, Kind::Manifest);
        let (query, none) = fetch.with(&Cmcd::new(CmcdMode::Query));
        let pairs: Vec<(String, String)> = query.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("token".into(), "1".into()));
        assert!(pairs[1].0 == "CMCD" && pairs[1].1.contains("ot=m") && none.is_empty());
        let (same, headers) = fetch.with(&Cmcd::new(CmcdMode::Header));
        assert_eq!(
            (same, &headers["cmcd-object"]),
            (url.clone(), &HeaderValue::from_static("ot=m"))
        );
    }
}
