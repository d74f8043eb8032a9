//! The result of an evaluation as one JSON object, as tables for people and as CSV (RFC 4180).

use super::EvaluateError;
use super::codecs::{Codec, CodecBench, Encoded};
use super::contact_sheet::ContactSheet;
use super::curves::{self, AtRate, AtRung, Curves};
use super::figures::{Detail, FIGURES, Figure, Figures};
use super::rungs::RungReport;
use super::spool::Spool;
use super::tables;
use crate::frame::Frame;
use crate::report::Columns;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A title's evaluation. Serializes to the JSON of `promptus eval --json`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Name of the title.
    pub title: String,
    /// Name of the original.
    pub reference: String,
    /// Frames of the title.
    pub frames: u64,
    /// Its length in seconds.
    pub duration_s: f64,
    /// Width and height of its pictures.
    #[serde(skip)]
    pub size: (u32, u32),
    /// Its frame rate.
    #[serde(skip)]
    pub fps: f64,
    /// Its rungs, lowest first.
    pub rungs: Vec<RungReport>,
    /// The comparison with other codecs, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}

/// A comparison with other codecs.
#[derive(Debug, Serialize)]
pub struct Against {
    /// First line of `ffmpeg -version`.
    pub ffmpeg: String,
    /// Length of a group of pictures in seconds.
    pub gop_s: f64,
    /// Every setting.
    pub points: Vec<Encoded>,
    /// Our rungs against each codec's hull.
    pub at_rungs: Vec<AtRung>,
    /// All curves at the given rates.
    pub at_rates: Vec<AtRate>,
}

impl Report {
    /// Adds the comparison with `points`, the result of `bench`, at `rates` in kbit/s.
    pub fn compare(&mut self, bench: &CodecBench<'_>, points: Vec<Encoded>, rates: &[f64]) {
        let curves = curves::curves(&self.rungs, &points);
        self.against = Some(Against {
            ffmpeg: bench.ffmpeg.version().to_owned(),
            gop_s: bench.gop_s,
            points,
            at_rungs: curves::at_rungs(&self.rungs, &curves),
            at_rates: curves::at_rates(rates, &curves),
        });
    }

    /// The curves of every figure that the rungs have, with those of the codecs compared.
    pub fn curves(&self) -> Vec<Curves> {
        curves::curves(&self.rungs, self.points())
    }

    /// Every setting of the codecs compared.
    pub(super) fn points(&self) -> &[Encoded] {
        self.against.as_ref().map_or(&[], |against| &against.points)
    }

    /// Those of one codec.
    pub(super) fn points_of(&self, codec: Codec) -> impl Iterator<Item = &Encoded> {
        let points = self.points().iter();
        points.filter(move |video| video.encode.codec == codec)
    }

    /// A contact sheet of `columns` evenly spaced frames, `originals` in the first row, a rung a row
    /// below. Fails where the rungs' frames were not kept.
    pub fn contact_sheet(&self, originals: &Spool, columns: u64) -> Result<Frame, EvaluateError> {
        let shown = self.rungs.iter().filter_map(|rung| rung.shown.as_ref());
        let mut sheet = ContactSheet::new(self.frames, columns, 1 + self.rungs.len());
        for (row, spool) in [originals].into_iter().chain(shown).enumerate() {
            for number in sheet.numbers() {
                sheet.push(row, number, &spool.frame(number)?);
            }
        }
        Ok(sheet.picture()?)
    }

    /// The tables for people.
    pub fn text(&self) -> String {
        let mut text = tables::rungs("", Detail::Brief, &self.rungs).to_string();
        let missing: u64 = self.rungs.iter().map(|rung| rung.figures.missing).sum();
        if missing > 0 {
            text += &format!("{missing} frames are missing and count as the worst\n");
        }
        let rates = self.against.iter();
        for table in rates.flat_map(|against| tables::equal_rates(&against.at_rates)) {
            text += &format!("\n{table}");
        }
        text
    }

    /// All figures: a line a rung, a line a segment of it, a line a codec's setting.
    pub fn csv(&self) -> Result<String, serde_json::Error> {
        let ((width, height), fps) = (self.size, self.fps);
        let mut rows = Vec::new();
        for rung in &self.rungs {
            let (name, rank) = (&rung.id, rung.rank);
            let place = json!({
                "what": "ours", "name": name, "rank": rank, "width": width, "height": height,
                "fps": fps, "kbps": rung.kbps, "payload_kbps": rung.payload_kbps,
                "bytes": rung.bytes,
            });
            rows.push(row(place, &rung.figures, |_| true));
            for (number, segment) in (1..).zip(&rung.segments) {
                let place = json!({
                    "what": "segment", "name": name, "rank": rank, "segment": number,
                    "start_s": segment.quality.start_s, "width": width, "height": height, "fps": fps,
                    "kbps": segment.kbps, "bytes": segment.quality.bytes,
                });
                let means = |figure: &&Figure| figure.curve.is_some();
                rows.push(row(place, &segment.figures(), means));
            }
        }
        for video in self.points() {
            let encode = &video.encode;
            let place = json!({
                "what": "codec", "name": encode.codec, "width": encode.width,
                "height": encode.height, "fps": encode.fps, "target_kbps": encode.target_kbps,
                "kbps": video.kbps, "payload_kbps": video.payload_kbps, "bytes": video.bytes,
            });
            rows.push(row(place, &video.figures, |_| true));
        }
        let place =
            "what name rank segment start_s width height fps target_kbps kbps payload_kbps bytes";
        let figures = FIGURES.iter().map(|figure| figure.key);
        let columns: Vec<&str> = place.split(' ').chain(figures).collect();
        Ok(Columns::of(&rows, &columns)?.csv())
    }
}

/// A row of the CSV: its place, and those `figures` that it `has`.
fn row(place: Value, figures: &Figures, has: impl Fn(&&Figure) -> bool) -> Map<String, Value> {
    let value = |figure: &Figure| (figure.key.to_owned(), json!((figure.of)(figures)));
    let figures = FIGURES.iter().filter(has).map(value);
    let place = place.as_object().cloned().unwrap_or_default();
    // Six digits after the point are more than any metric means.
    let short = |(key, value): (String, Value)| match value.as_f64() {
        Some(number) => (key, json!((number * 1e6).round() / 1e6)),
        None => (key, value),
    };
    place.into_iter().chain(figures).map(short).collect()
}
