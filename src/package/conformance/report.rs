//! What a check of a title reports: broken rules, each with its name and its place.

use serde::Serialize;
use std::fmt::{self, Display};

/// The files of a title, by their paths relative to it.
pub trait TitleSource {
    /// The bytes of a file, or the reason for which it cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// A rule that is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the rule, such as `hls-target-duration`.
    pub rule: &'static str,
    /// File and, where it is known, line, box or segment.
    pub place: String,
    /// The fault, with the expected value.
    pub problem: String,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.rule, self.problem)
    }
}

/// All findings, and how much was read.
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
    /// Checks at one place: a file, or a line or segment of it.
    pub(super) fn at(&mut self, place: impl Into<String>) -> At<'_> {
        At {
            report: self,
            place: place.into(),
        }
    }

    /// The bytes of a file; its absence is a finding.
    pub(super) fn read(&mut self, source: &dyn TitleSource, path: &str) -> Option<Vec<u8>> {
        let bytes = self.at(path).ok("file-missing", source.read(path))?;
        self.files += 1;
        Some(bytes)
    }

    /// A file as text; its absence and bytes that are not UTF-8 are findings.
    pub(super) fn text(&mut self, source: &dyn TitleSource, path: &str) -> Option<String> {
        let text = String::from_utf8(self.read(source, path)?);
        let text = text.map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            format!("byte {at} is not UTF-8")
        });
        self.at(path).ok("text-utf8", text)
    }
}

/// Checks at one place.
pub(super) struct At<'a> {
    report: &'a mut Conformance,
    place: String,
}

impl At<'_> {
    /// Reports a broken rule.
    pub(super) fn broken(&mut self, rule: &'static str, problem: impl Into<String>) {
        self.report.findings.push(Finding {
            rule,
            place: self.place.clone(),
            problem: problem.into(),
        });
    }

    /// Reports a broken rule unless it holds.
    pub(super) fn must(&mut self, rule: &'static str, holds: bool, problem: impl Into<String>) {
        if !holds {
            self.broken(rule, problem);
        }
    }

    /// Reports a broken rule unless `what` is the same here and in `other`.
    pub(super) fn equal(
        &mut self,
        rule: &'static str,
        what: &str,
        found: impl Display,
        other: &str,
        expected: impl Display,
    ) {
        let (found, expected) = (found.to_string(), expected.to_string());
        let holds = found == expected;
        self.must(rule, holds, format!("{what} {found}, {other} {expected}"));
    }

    /// The value, if there is one; else a broken rule.
    pub(super) fn ok<T, E: Display>(
        &mut self,
        rule: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        result
            .map_err(|error| self.broken(rule, error.to_string()))
            .ok()
    }
}
