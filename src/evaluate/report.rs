//! The result of an evaluation as one JSON object, as tables for people and as CSV (RFC 4180).

use super::codecs::Encoded;
use super::curves::{AtRate, AtRung};
use super::figures::{self, Detail, FIGURES, Figure, Figures};
use super::rungs::RungReport;
use serde::Serialize;

/// A title's evaluation. Serializes to the JSON of `promptus eval --json`.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
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
    pub rungs: Vec<&'a RungReport>,
    /// The comparison with other codecs, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against<'a>>,
}

/// A comparison with other codecs.
#[derive(Debug, Serialize)]
pub struct Against<'a> {
    /// First line of `ffmpeg -version`.
    pub ffmpeg: &'a str,
    /// Length of a group of pictures in seconds.
    pub gop_s: f64,
    /// Every setting.
    pub points: &'a [Encoded],
    /// Our rungs against each codec's hull.
    pub at_rungs: Vec<AtRung>,
    /// All curves at the rates that were asked for.
    pub at_rates: Vec<AtRate>,
}

impl Report<'_> {
    /// The tables for people.
    pub fn text(&self) -> String {
        let figures: Vec<&Figure> = figures::shown_at(Detail::Brief).collect();
        let headings = figures.iter().map(|figure| figure.heading());
        let mut rows = vec![
            [
                vec!["rung".to_owned(), "kbit/s".to_owned()],
                headings.collect(),
            ]
            .concat(),
        ];
        rows[0].push("frames/s".to_owned());
        for rung in &self.rungs {
            let mut row = vec![rung.id.clone(), format!("{:.1}", rung.kbps)];
            let shown = figures
                .iter()
                .map(|figure| cell(figure.shown(&rung.figures), figure.digits));
            row.extend(shown);
            row.push(format!("{:.1}", rung.fps));
            rows.push(row);
        }
        let mut text = aligned(&rows);
        let missing: u64 = self.rungs.iter().map(|rung| rung.figures.missing).sum();
        if missing > 0 {
            text += &format!("{missing} frames are missing and count as the worst\n");
        }
        let rates = self
            .against
            .as_ref()
            .map(|against| against.at_rates.as_slice());
        for figure in figures::curves() {
            let rows: Vec<&AtRate> = of_figure(rates.unwrap_or_default(), figure).collect();
            text += &at_rates(figure, &rows);
        }
        text
    }

    /// All figures: a line a rung, a line a segment of it, a line a codec's setting.
    pub fn csv(&self) -> String {
        let keys = FIGURES.iter().map(|figure| figure.key);
        let mut lines = vec![PLACE.into_iter().chain(keys).collect::<Vec<_>>().join(",")];
        let clip = [
            self.size.0.to_string(),
            self.size.1.to_string(),
            self.fps.to_string(),
        ];
        for rung in &self.rungs {
            let rank = rung.rank.to_string();
            let rates = [None, Some(rung.kbps), Some(rung.payload_kbps)];
            let name = ["ours", &rung.id, &rank].map(str::to_owned);
            let none = [String::new(), String::new()];
            lines.push(line(
                &[&name, &none, &clip],
                rates,
                rung.bytes,
                &rung.figures,
                |_| true,
            ));
            for (number, segment) in (1..).zip(&rung.segments) {
                let name = ["segment", &rung.id, &rank].map(str::to_owned);
                let place = [number.to_string(), number_of(Some(segment.start_s))];
                let figures = Figures {
                    mean: segment.mean,
                    ..Figures::default()
                };
                let rates = [None, Some(segment.kbps), None];
                let means = |figure: &Figure| figure.curve.is_some();
                lines.push(line(
                    &[&name, &place, &clip],
                    rates,
                    segment.bytes,
                    &figures,
                    means,
                ));
            }
        }
        for video in self.against.iter().flat_map(|against| against.points) {
            let name = ["codec", video.codec.name(), "", "", ""].map(str::to_owned);
            let picture = [
                video.width.to_string(),
                video.height.to_string(),
                number_of(Some(video.fps)),
            ];
            let rates = [video.target_kbps, video.kbps, video.payload_kbps].map(Some);
            lines.push(line(
                &[&name, &picture],
                rates,
                video.bytes,
                &video.figures,
                |_| true,
            ));
        }
        lines.join("\r\n") + "\r\n"
    }
}

/// Columns of the CSV before the figures.
const PLACE: [&str; 12] = [
    "what",
    "name",
    "rank",
    "segment",
    "start_s",
    "width",
    "height",
    "fps",
    "target_kbps",
    "kbps",
    "payload_kbps",
    "bytes",
];

fn line(
    place: &[&[String]],
    rates: [Option<f64>; 3],
    bytes: u64,
    figures: &Figures,
    has: impl Fn(&Figure) -> bool,
) -> String {
    let mut cells = place.concat();
    cells.extend(rates.map(number_of));
    cells.push(bytes.to_string());
    let values = FIGURES
        .iter()
        .map(|figure| (figure.of)(figures).filter(|_| has(figure)));
    cells.extend(values.map(number_of));
    cells.join(",")
}

/// Six digits after the point are more than any metric means.
fn number_of(value: Option<f64>) -> String {
    let short = |value: f64| ((value * 1e6).round() / 1e6).to_string();
    value.map_or_else(String::new, short)
}

/// The rows of one figure.
pub(super) fn of_figure<'a>(
    rows: &'a [AtRate],
    figure: &Figure,
) -> impl Iterator<Item = &'a AtRate> {
    rows.iter().filter(move |row| row.metric == figure.key)
}

/// A table of one figure: a line a curve, a column a rate; empty without rows.
fn at_rates(figure: &Figure, rows: &[&AtRate]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let rates = rows.iter().map(|row| format!("{} kb/s", row.kbps));
    let mut lines = vec![
        std::iter::once(figure.heading())
            .chain(rates)
            .collect::<Vec<_>>(),
    ];
    for (index, named) in first.values.iter().enumerate() {
        let values = rows
            .iter()
            .map(|row| cell(row.values[index].value, figure.digits));
        lines.push(
            std::iter::once(format!("  {}", named.name))
                .chain(values)
                .collect(),
        );
    }
    "\n".to_owned() + &aligned(&lines)
}

/// A number with `digits` after the point, or a dash.
fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// Rows of equal length as lines: the first column on the left, the others on the right.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns).filter_map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| {
                if column == 0 {
                    format!("{cell:<width$}")
                } else {
                    format!("  {cell:>width$}")
                }
            });
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
