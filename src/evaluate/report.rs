//! The evaluation of a title against the original, as one JSON object, as tables for people and as CSV (RFC 4180).

use super::EvaluateError;
use super::codecs::{Codec, CodecBench, Encoded, Ffmpeg};
use super::contact_sheet::ContactSheet;
use super::curves::{self, AtRate, AtRung, Curves};
use super::figures::{Detail, FIGURES, Figure, Figures};
use super::originals::Originals;
use super::progress::{Observer, Progress};
use super::rungs::{RungReport, Running};
use super::spool::Spool;
use super::tables;
use crate::frame::Frame;
use crate::package::Title;
use crate::quality::Scorer;
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
            for number in sheet.numbers.clone() {
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
            rows.push(row(&place, &rung.figures, |_| true));
            for (number, segment) in (1..).zip(&rung.segments) {
                let place = json!({
                    "what": "segment", "name": name, "rank": rank, "segment": number,
                    "start_s": segment.quality.start_s, "width": width, "height": height, "fps": fps,
                    "kbps": segment.kbps, "bytes": segment.quality.bytes,
                });
                let means = |figure: &&Figure| figure.curve.is_some();
                rows.push(row(&place, &segment.figures(), means));
            }
        }
        for video in self.points() {
            let encode = &video.encode;
            let place = json!({
                "what": "codec", "name": encode.codec, "width": encode.width,
                "height": encode.height, "fps": encode.fps, "target_kbps": encode.target_kbps,
                "kbps": video.kbps, "payload_kbps": video.payload_kbps, "bytes": video.bytes,
            });
            rows.push(row(&place, &video.figures, |_| true));
        }
        let place =
            "what name rank segment start_s width height fps target_kbps kbps payload_kbps bytes";
        let figures = FIGURES.iter().map(|figure| figure.key);
        let columns: Vec<&str> = place.split(' ').chain(figures).collect();
        Ok(Columns::of(&rows, &columns)?.csv())
    }
}

/// Measures every rung of `title` on the device of [`device::best`](crate::model::device::best).
/// Frames are spooled if `originals` keeps its own, which are returned then. VMAF needs kept frames and
/// an `ffmpeg` that computes it.
///
/// Fails if the original is longer or shorter than the title, or a rung cannot be rendered.
pub fn measure(
    title: &Title,
    mut originals: Originals,
    scorer: &Scorer,
    ffmpeg: Option<&Ffmpeg>,
    observer: Observer<'_>,
) -> Result<(Report, Option<Spool>), EvaluateError> {
    let first = title.rungs().first().ok_or_else(EvaluateError::no_rungs)?;
    let (track, reference) = (first.track(), originals.name.clone());
    let new = |rung| Running::new(rung, originals.kept.is_some());
    let mut rungs: Vec<Running<'_>> = title.rungs().iter().map(new).collect::<Result<_, _>>()?;
    let ticks = u64::from(track.frame_rate.frame_ticks());
    let lengths = first
        .segments()
        .iter()
        .map(|segment| segment.duration.ticks / ticks);
    let (total, mut done) = (lengths.clone().sum(), 0);
    for (segment, length) in lengths.enumerate() {
        let targets = originals.take(length, total)?;
        for rung in &mut rungs {
            rung.measure(segment, &targets, scorer)?;
        }
        done += length;
        observer(Progress::Done(done, total));
    }
    let duration_s = title.presentation().duration.seconds();
    let kept = originals.finish()?;
    let finished = rungs
        .into_iter()
        .map(|rung| rung.finish(duration_s, kept.as_ref(), ffmpeg));
    let report = Report {
        title: title.folder().display().to_string(),
        reference,
        frames: total,
        duration_s,
        size: track.visible,
        fps: track.frame_rate.fps(),
        rungs: finished.collect::<Result<_, _>>()?,
        against: None,
    };
    Ok((report, kept))
}

/// A row of the CSV: its place, and those `figures` that it `has`.
fn row(place: &Value, figures: &Figures, has: impl Fn(&&Figure) -> bool) -> Map<String, Value> {
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
