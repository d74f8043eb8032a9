//! Whether a title keeps the rules: those of this format, of HLS (draft-pantos-hls-rfc8216bis) and
//! of DASH (ISO/IEC 23009-1), and whether its parts agree with each other.
//!
//! Each rule has a name; whatever breaks one is reported with its place. All findings are
//! collected: one fault hides no other, except where nothing can be read any more. Where the bytes
//! come from (a folder, a server) is the caller's business.

mod attributes;
mod dash;
mod hls;
mod layers;
mod media;
mod playlists;

use super::title::{MASTER, MPD, QUALITY};
use crate::manifest::{Presentation, QualityReport};
use serde::Serialize;
use std::fmt;

/// The files of a title, by their paths relative to it.
pub trait TitleSource {
    /// The bytes of a file, or why there are none.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// A rule that is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the rule, such as `hls-target-duration`.
    pub rule: &'static str,
    /// File and, where it is known, line, box or segment.
    pub place: String,
    /// What is wrong, and what was expected.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.rule, self.problem)
    }
}

/// All that was found, and what was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Conformance {
    /// Broken rules, in the order in which they were found.
    pub findings: Vec<Finding>,
    /// Files that were read.
    pub files: usize,
    /// Media segments that were read.
    pub segments: usize,
}

impl Conformance {
    fn broken(&mut self, rule: &'static str, place: impl Into<String>, problem: impl Into<String>) {
        self.findings.push(Finding {
            rule,
            place: place.into(),
            problem: problem.into(),
        });
    }

    /// Reports a broken rule unless it holds.
    fn must(
        &mut self,
        holds: bool,
        rule: &'static str,
        place: &str,
        problem: impl FnOnce() -> String,
    ) {
        if !holds {
            self.broken(rule, place, problem());
        }
    }

    fn read(&mut self, source: &dyn TitleSource, path: &str) -> Option<Vec<u8>> {
        match source.read(path) {
            Ok(bytes) => {
                self.files += 1;
                Some(bytes)
            }
            Err(error) => {
                self.broken("file-missing", path, error);
                None
            }
        }
    }

    fn text(&mut self, source: &dyn TitleSource, path: &str) -> Option<String> {
        let bytes = self.read(source, path)?;
        match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                self.broken("text-utf8", path, format!("byte {at} is not UTF-8"));
                None
            }
        }
    }
}

/// Checks a title in byte-range form, as it is published.
pub fn check(source: &dyn TitleSource) -> Conformance {
    let mut report = Conformance::default();
    if let Some(presentation) = hls::check(&mut report, source) {
        let groups = match report.text(source, MPD) {
            Some(text) => dash::check(&mut report, &text, &presentation),
            None => Vec::new(),
        };
        media::check(&mut report, source, &presentation, &groups);
        layers::check(&mut report, source, &groups);
        check_quality(&mut report, source, &presentation);
    }
    report
}

/// `quality.json`, where the title names it: one entry a rung, one a segment.
fn check_quality(report: &mut Conformance, source: &dyn TitleSource, title: &Presentation) {
    let Some(url) = &title.quality_url else {
        return;
    };
    report.must(url == QUALITY, "quality-name", MASTER, || {
        format!("the quality report is `{url}`, expected `{QUALITY}`")
    });
    let Some(text) = report.text(source, url) else {
        return;
    };
    let quality: QualityReport = match serde_json::from_str(&text) {
        Ok(quality) => quality,
        Err(error) => return report.broken("quality-json", url, error.to_string()),
    };
    for rung in title.groups.iter().flat_map(|group| &group.representations) {
        let Some(entry) = quality.rungs.iter().find(|entry| entry.id == rung.id) else {
            report.broken(
                "quality-rungs",
                url,
                format!("there is no rung {}", rung.id),
            );
            continue;
        };
        let (found, expected) = (entry.segments.len(), rung.segments.len());
        report.must(found == expected, "quality-segments", url, || {
            format!("{}: {found} segments, expected {expected}", rung.id)
        });
    }
}
