//! Where the segments of a rung lie in its file, and what the answers that carry them say of
//! themselves: `CMSD-Static` (CTA-5006) and `Link: rel=prefetch` to what a player wants next.

use super::path::encode;
use crate::manifest::addressing::{INIT_NAME, segment_name};
use crate::manifest::hls::Media;
use crate::manifest::{ByteRange, measure_rates};
use axum::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};

/// The field that tells caches and players what an object is.
pub(super) const CMSD_STATIC: HeaderName = HeaderName::from_static("cmsd-static");

/// The layout of one rung.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) media: Media,
    /// True rate in kbit/s.
    kbps: u64,
}

impl Layout {
    pub(super) fn new(media: Media) -> Self {
        let init = media.init.map_or(0, |range| range.length);
        let kbps = measure_rates(init, &media.segments).average.div_ceil(1000);
        Self { media, kbps }
    }

    /// The bytes of segment `number` from 1, or of the init segment at 0.
    pub(super) fn range(&self, number: usize) -> Option<ByteRange> {
        match number.checked_sub(1) {
            None => self.media.init,
            Some(index) => self.media.segments.get(index)?.range,
        }
    }

    /// The fields that go with segment `number`, or with the init segment at 0.
    pub(super) fn hints(&self, number: usize) -> HeaderMap {
        let next = (number < self.media.segments.len()).then(|| segment_name(number + 1));
        let mut cmsd = match number.checked_sub(1) {
            None => "ot=i".to_owned(),
            Some(index) => {
                let duration = self.media.segments.get(index).map(|s| s.duration.seconds());
                let milliseconds = (duration.unwrap_or(0.0) * 1000.0).round() as u64;
                format!("br={},d={milliseconds},ot=v", self.kbps)
            }
        };
        cmsd.push_str(",st=v");
        let mut hints = HeaderMap::with_capacity(2);
        if let Some(next) = next {
            cmsd.push_str(&format!(",nor=\"{next}\""));
            insert(
                &mut hints,
                LINK,
                &format!("<{}>; rel=prefetch", encode(&next)),
            );
        }
        insert(&mut hints, CMSD_STATIC, &cmsd);
        hints
    }
}

/// The name that segment `number` goes by in its folder.
pub(super) fn name(number: usize) -> String {
    match number {
        0 => INIT_NAME.to_owned(),
        number => segment_name(number),
    }
}

fn insert(fields: &mut HeaderMap, name: HeaderName, text: &str) {
    // Names, digits and signs only: always a valid value.
    if let Ok(value) = HeaderValue::from_str(text) {
        fields.insert(name, value);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PLAYLIST: &str = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI=\"a.mp4\",BYTERANGE=\"800@0\"\n\
        #EXTINF:2.000000,\n#EXT-X-BYTERANGE:3000@868\na.mp4\n\
        #EXTINF:1.500000,\n#EXT-X-BYTERANGE:2000@3868\na.mp4\n#EXT-X-ENDLIST\n";

    #[test]
    fn every_part_says_what_it_is_and_what_comes_next() {
        let layout = Layout::new(Media::read("a.m3u8", PLAYLIST, None).unwrap());
        let hints = |number| {
            let hints = layout.hints(number);
            let text = |name| {
                hints
                    .get(name)
                    .map_or("", |v: &HeaderValue| v.to_str().unwrap())
            };
            (text(CMSD_STATIC).to_owned(), text(LINK).to_owned())
        };
        let expected = |cmsd: &str, link: &str| (cmsd.to_owned(), link.to_owned());
        // 5,800 bytes in 3.5 s are 13.3 kbit/s.
        assert_eq!(
            hints(0),
            expected("ot=i,st=v,nor=\"1.m4s\"", "<1.m4s>; rel=prefetch")
        );
        assert_eq!(
            hints(1),
            expected(
                "br=14,d=2000,ot=v,st=v,nor=\"2.m4s\"",
                "<2.m4s>; rel=prefetch"
            )
        );
        assert_eq!(hints(2), expected("br=14,d=1500,ot=v,st=v", ""));
        assert_eq!(layout.range(0).map(|range| range.length), Some(800));
        assert_eq!(layout.range(2).map(|range| range.start), Some(3868));
        assert_eq!(layout.range(3), None);
    }
}
