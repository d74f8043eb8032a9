//! Whether a title keeps the rules: those of this format, of HLS (draft-pantos-hls-rfc8216bis) and
//! of DASH (ISO/IEC 23009-1), and whether its parts agree with each other.
//!
//! Each rule has a name; a broken one is reported with its place. All findings are collected, except
//! where nothing more can be read. The caller supplies the bytes (from a folder, a server).

mod attributes;
mod dash;
mod hls;
mod layers;
mod media;
mod playlists;
mod report;

pub use report::{Conformance, Finding, TitleSource};

use super::title::{MASTER, MPD, QUALITY};
use crate::manifest::{Presentation, QualityReport};

/// Checks a title with byte ranges, as it is published.
pub fn check(source: &dyn TitleSource) -> Conformance {
    let mut report = Conformance::default();
    if let Some(presentation) = hls::check(&mut report, source) {
        let mpd = report.text(source, MPD);
        let groups = mpd.map(|text| dash::check(&mut report, &text, &presentation));
        let groups = groups.unwrap_or_default();
        media::check(&mut report, source, &presentation, &groups);
        for group in &groups {
            layers::check(&mut report, source, group);
        }
        check_quality(&mut report, source, &presentation);
    }
    report
}

/// `quality.json`, where the title names it: one entry a rung, one a segment.
fn check_quality(report: &mut Conformance, source: &dyn TitleSource, title: &Presentation) {
    let Some(url) = &title.quality_url else {
        return;
    };
    let mut at = report.at(MASTER);
    at.equal("quality-name", "quality report", url, "expected", QUALITY);
    let Some(text) = report.text(source, url) else {
        return;
    };
    let mut at = report.at(url);
    let quality: Option<QualityReport> = at.ok("quality-json", serde_json::from_str(&text));
    let Some(quality) = quality else {
        return;
    };
    for rung in title.groups.iter().flat_map(|group| &group.representations) {
        match quality.rungs.iter().find(|entry| entry.id == rung.id) {
            None => at.broken("quality-rungs", format!("rung {} is missing", rung.id)),
            Some(entry) => {
                let what = format!("{}: number of segments", rung.id);
                let (found, expected) = (entry.segments.len(), rung.segments.len());
                at.equal("quality-segments", &what, found, "expected", expected);
            }
        }
    }
}
