//! Where the segments of a rung lie in its file, and the header values of each: `CMSD-Static`
//! (CTA-5006) and `Link: rel=prefetch` to the next segment.

use super::object::Hints;
use crate::manifest::addressing::{INIT_NAME, segment_name};
use crate::manifest::hls::Media;
use crate::manifest::{ByteRange, measure_rates};
use crate::origin::percent::encode;
use http::HeaderValue;

/// The segments of one rung.
#[derive(Debug)]
pub(super) struct SegmentIndex {
    pub(super) media: Media,
    /// True rate in kbit/s.
    kbps: u64,
}

impl SegmentIndex {
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

    /// The header values of segment `number`, or of the init segment at 0.
    pub(super) fn hints(&self, number: usize) -> Hints {
        let mut cmsd = match number.checked_sub(1) {
            None => "ot=i".to_owned(),
            Some(index) => {
                let duration = self.media.segments.get(index).map(|s| s.duration.seconds());
                let milliseconds = (duration.unwrap_or(0.0) * 1000.0).round() as u64;
                format!("br={},d={milliseconds},ot=v", self.kbps)
            }
        };
        cmsd.push_str(",st=v");
        let mut link = None;
        if number < self.media.segments.len() {
            let next = segment_name(number + 1);
            cmsd.push_str(&format!(",nor=\"{next}\""));
            link = HeaderValue::try_from(format!("<{}>; rel=prefetch", encode(&next))).ok();
        }
        let cmsd = HeaderValue::try_from(cmsd).ok();
        Hints { cmsd, link }
    }
}

/// The name of segment `number` in its folder; the init segment is number 0.
pub(super) fn name(number: usize) -> String {
    if number == 0 {
        INIT_NAME.to_owned()
    } else {
        segment_name(number)
    }
}
