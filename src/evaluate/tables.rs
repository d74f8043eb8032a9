//! The tables of an evaluation, for the terminal and for the page.

use super::codecs::Encoded;
use super::curves::AtRate;
use super::figures::{self, Detail, Figure, Figures};
use super::rungs::RungReport;
use crate::report::html::{Cell, Table};

/// A row per rung: rates, figures, speed of rendering.
pub(super) fn rungs(caption: &str, detail: Detail, rungs: &[RungReport]) -> Table {
    let rows = rungs.iter().map(|rung| {
        let rates = [rung.kbps, rung.payload_kbps, rung.fps].map(|rate| Cell::number(rate, 1));
        let first = [Cell::text(&rung.id)].into_iter().chain(rates);
        (first.collect(), rung.figures.clone())
    });
    let first = ["rung", "kbit/s", "of it prompts", "rendered/s"];
    table(caption, &first, figures::shown_at(detail), rows)
}

/// A row per segment of a rung.
pub(super) fn segments(rung: &RungReport) -> Table {
    let rows = rung.segments.iter().map(|segment| {
        let times =
            [segment.quality.start_s, segment.quality.duration_s].map(|s| Cell::number(s, 2));
        let rate = Cell::number(segment.kbps, 1);
        (times.into_iter().chain([rate]).collect(), segment.figures())
    });
    let means = figures::curves().filter(|figure| figure.key != "vmaf");
    table(&rung.id, &["start, s", "length, s", "kbit/s"], means, rows)
}

/// A row per setting of the codecs.
pub(super) fn settings(encoded: &[Encoded]) -> Table {
    let rows = encoded.iter().map(|video| {
        let encode = &video.encode;
        let row = vec![
            Cell::text(encode.codec.name()),
            Cell::text(format!("{}×{}", encode.width, encode.height)),
            Cell::number(encode.fps, 2),
            Cell::number(encode.target_kbps, 0),
            Cell::number(video.kbps, 1),
            Cell::number(video.payload_kbps, 1),
        ];
        (row, video.figures.clone())
    });
    let names = ["codec", "picture", "frames/s"];
    let rates = ["target kbit/s", "kbit/s", "of it pictures"];
    let figures = figures::shown_at(Detail::Page);
    table("Every setting", &[names, rates].concat(), figures, rows)
}

/// A table per figure: a row per rate, a column per curve.
pub(super) fn equal_rates(rates: &[AtRate]) -> Vec<Table> {
    let tables = figures::curves().filter_map(|figure| {
        let of_figure = |row: &&AtRate| row.metric == figure.key;
        let rows: Vec<&AtRate> = rates.iter().filter(of_figure).collect();
        let curves = rows.first()?.values.iter().map(|named| named.name);
        let columns: Vec<&str> = ["kbit/s"].into_iter().chain(curves).collect();
        let mut table = Table::new(figure.heading(), &columns);
        table.rows.extend(rows.iter().map(|row| {
            let values = row.values.iter();
            let values = values.map(|named| Cell::number(named.value, figure.digits));
            let rate = [Cell::number(row.kbps, 0)].into_iter();
            rate.chain(values).collect()
        }));
        Some(table)
    });
    tables.collect()
}

/// A table whose columns are `first` and then `figures`.
fn table<'a>(
    caption: &str,
    first: &[&str],
    figures: impl Iterator<Item = &'a Figure>,
    rows: impl Iterator<Item = (Vec<Cell>, Figures)>,
) -> Table {
    let figures: Vec<&Figure> = figures.collect();
    let mut table = Table::new(caption, first);
    let headings = figures.iter().map(|figure| figure.heading());
    table.columns.extend(headings);
    table.rows.extend(rows.map(|(first, values)| {
        let cell = |figure: &&Figure| Cell::number(figure.shown(&values), figure.digits);
        let figures = figures.iter().map(cell);
        first.into_iter().chain(figures).collect()
    }));
    table
}
