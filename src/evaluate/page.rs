//! The evaluation as one HTML page: curves, tables, and frames to look at, the worst ones included.

use super::EvaluateError;
use super::codecs::{CodecBench, Encoded};
use super::curves::{AtRate, Curves};
use super::figures::{self, Detail, Figure, Figures};
use super::report::{Report, of_figure};
use super::rungs::{MeasuredRung, MeasuredTitle, RungReport};
use crate::frame::Frame;
use crate::quality::hull::Better;
use crate::report::html::{Axis, Block, Cell, Chart, Choice, Image, Page, Section, Series, Table};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// Quality of the pictures, of 100: high, so that the codecs' artefacts are not hidden by JPEG's.
const JPEG_QUALITY: u8 = 93;
/// Least distance between the two worst frames on the page, in frames.
const APART: usize = 15;
/// A codec's setting may cost this factor of a rung's rate to be shown next to it.
const NEAR: f64 = 1.15;

/// The page's text. Frames are shown where `measured` kept them.
pub fn page(
    report: &Report<'_>,
    measured: &MeasuredTitle,
    curves: &[Curves],
    bench: Option<&CodecBench<'_>>,
) -> Result<String, EvaluateError> {
    let lead = format!(
        "{} against {}: {} frames, {:.2} s. Rates are true rates: every byte of init and media \
         segments over the duration, in the same fragmented MP4 for everything that is compared.",
        report.title, report.reference, report.frames, report.duration_s
    );
    let encoded = report
        .against
        .as_ref()
        .map_or(&[][..], |against| against.points);
    let mut page = Page::new("Rate and quality", lead);
    page.push(charts(curves, &report.rungs, encoded));
    if let Some(against) = &report.against {
        page.push(equal_rates(&against.at_rates));
    }
    page.push(rungs(&report.rungs));
    if let Some(section) = frames(measured, encoded, bench)? {
        page.push(section);
    }
    page.push(segments(&report.rungs));
    if let Some(against) = &report.against {
        page.push(settings(encoded));
        page.push(method(against.ffmpeg, against.gop_s));
    }
    Ok(page.html())
}

fn charts(curves: &[Curves], rungs: &[&RungReport], encoded: &[Encoded]) -> Section {
    let mut section = Section::new("Curves");
    if !encoded.is_empty() {
        section = section.text(
            "Our rungs, and the convex hull of each codec over picture sizes, frame rates and bit \
             rates: the best ladder that could be made of it. LPIPS was in the loss of our fit and of \
             the generator's training, SSIMULACRA 2 and VMAF in neither.",
        );
    }
    for Curves { figure, codecs, .. } in curves {
        let heading = figure.heading();
        let direction = match figure.curve {
            Some(Better::Lower) => "lower is better",
            _ => "higher is better",
        };
        let ours = rungs
            .iter()
            .filter_map(|rung| Some(((rung.kbps, (figure.of)(&rung.figures)?), rung.id.clone())));
        let (points, labels) = ours.unzip();
        let (x, y) = (Axis::linear("kbit/s"), Axis::linear(&heading));
        let mut chart = Chart::new(format!("{heading} ({direction})"), x, y)
            .with(Series::line("ours", points).marked().labelled(labels));
        chart.height = 340;
        for (codec, hull) in codecs {
            let label = |point: &(f64, f64)| {
                let at = |video: &&Encoded| video.codec == *codec && video.kbps == point.0;
                encoded.iter().find(at).map(describe).unwrap_or_default()
            };
            let labels = hull.points().iter().map(label).collect();
            let line = Series::line(codec.name(), hull.points().to_vec());
            chart = chart.with(line.marked().labelled(labels));
        }
        section = section.with(Block::Chart(chart));
    }
    section
}

fn equal_rates(rows: &[AtRate]) -> Section {
    let mut section = Section::new("At equal rates").text(
        "Read off the hulls, ours included; a dash where a curve has no point at so low a rate.",
    );
    for figure in figures::curves() {
        let rows: Vec<&AtRate> = of_figure(rows, figure).collect();
        let Some(first) = rows.first() else {
            continue;
        };
        let mut columns = vec!["kbit/s"];
        columns.extend(first.values.iter().map(|named| named.name));
        let mut table = Table::new(figure.heading(), &columns);
        for row in rows {
            let values = row
                .values
                .iter()
                .map(|named| number(named.value, figure.digits));
            let rate = std::iter::once(Cell::Number(row.kbps, 0));
            table.rows.push(rate.chain(values).collect());
        }
        section = section.with(Block::Table(table));
    }
    section
}

fn number(value: Option<f64>, digits: usize) -> Cell {
    Cell::Number(value.unwrap_or(f64::NAN), digits)
}

/// A table whose columns are `first` and then `figures`.
fn table<'a>(
    caption: &str,
    first: &[&str],
    figures: impl IntoIterator<Item = &'a Figure>,
    rows: impl IntoIterator<Item = (Vec<Cell>, Figures)>,
) -> Table {
    let figures: Vec<&Figure> = figures.into_iter().collect();
    let mut table = Table::new(caption, first);
    table
        .columns
        .extend(figures.iter().map(|figure| figure.heading()));
    table.rows.extend(rows.into_iter().map(|(mut row, values)| {
        let cells = figures
            .iter()
            .map(|figure| number(figure.shown(&values), figure.digits));
        row.extend(cells);
        row
    }));
    table
}

fn rungs(rungs: &[&RungReport]) -> Section {
    let row = |rung: &&RungReport| {
        let first = [rung.kbps, rung.payload_kbps].map(|kbps| Cell::Number(kbps, 1));
        let row = std::iter::once(Cell::text(&rung.id)).chain(first).collect();
        (row, rung.figures.clone())
    };
    let first = ["rung", "kbit/s", "of it prompts"];
    let table = table(
        "Rungs",
        &first,
        figures::shown_at(Detail::Page),
        rungs.iter().map(row),
    );
    Section::new("Rungs").with(Block::Table(table)).text(
        "“over” is the share of frames whose LPIPS is higher. Motion is the mean difference of \
         consecutive frames over the original's: under 1 movement is smoothed away, over 1 something \
         flickers. Seam is the change of the error at segment borders over that inside segments: 1 \
         where borders do not show. R, G and B are mean errors in 1/255: a tint where they are not \
         near 0. A missing frame counts as the worst.",
    )
}

fn segments(rungs: &[&RungReport]) -> Section {
    let options = rungs.iter().map(|rung| {
        let rows = rung.segments.iter().map(|segment| {
            let times = [segment.start_s, segment.duration_s].map(|s| Cell::Number(s, 2));
            let row = times
                .into_iter()
                .chain([Cell::Number(segment.kbps, 1)])
                .collect();
            let figures = Figures {
                mean: segment.mean,
                ..Figures::default()
            };
            (row, figures)
        });
        let means = figures::curves().filter(|figure| figure.key != "vmaf");
        let table = table(&rung.id, &["start, s", "length, s", "kbit/s"], means, rows);
        (rung.id.clone(), vec![Block::Table(table)])
    });
    let choice = Choice {
        label: "Rung".to_owned(),
        options: options.collect(),
    };
    Section::new("Segments").with(Block::Choice(choice))
}

/// The worst and a typical frame of every rung: original, ours, the best codec near its rate.
fn frames(
    measured: &MeasuredTitle,
    encoded: &[Encoded],
    bench: Option<&CodecBench<'_>>,
) -> Result<Option<Section>, EvaluateError> {
    let Some(originals) = &measured.originals else {
        return Ok(None);
    };
    let mut options = Vec::new();
    for rung in &measured.rungs {
        let Some(shown) = &rung.shown else {
            continue;
        };
        let picks = picks(&rung.ranked);
        let numbers: Vec<u64> = picks.iter().map(|(_, number)| *number as u64).collect();
        let rival = rival(&rung.report, encoded).zip(bench);
        let rival = match rival {
            Some((video, bench)) => Some((video, bench.frames(video, &numbers)?)),
            None => None,
        };
        let mut blocks = Vec::new();
        for (index, ((what, _), &number)) in picks.iter().zip(&numbers).enumerate() {
            let caption = format!("{what}, frame {number}: original");
            let mut images = vec![
                jpeg(&originals.frame(number)?, caption)?,
                jpeg(&shown.frame(number)?, our_caption(rung))?,
            ];
            if let Some((video, frames)) = &rival {
                images.push(jpeg(&frames[index], their_caption(video))?);
            }
            blocks.push(Block::Images(images));
        }
        options.push((rung.report.id.clone(), blocks));
    }
    let choice = Choice {
        label: "Rung".to_owned(),
        options,
    };
    let text = if encoded.is_empty() {
        "The worst frames of each rung and a typical one (the median), by LPIPS."
    } else {
        "The worst frames of each rung and a typical one (the median), by LPIPS; next to them the \
         setting with the best LPIPS of any codec that costs at most 15 % more."
    };
    let section = Section::new("Frames").text(text);
    Ok(Some(section.with(Block::Choice(choice))))
}

/// The worst frame, the worst of those far from it, and the median.
fn picks(ranked: &[usize]) -> Vec<(&'static str, usize)> {
    let mut picks = Vec::new();
    if let Some(&worst) = ranked.last() {
        picks.push(("Worst", worst));
        let far = ranked
            .iter()
            .rev()
            .find(|frame| frame.abs_diff(worst) >= APART);
        picks.extend(far.map(|&frame| ("Next worst", frame)));
    }
    picks.extend(
        ranked
            .get(ranked.len() / 2)
            .map(|&frame| ("Typical", frame)),
    );
    picks
}

/// The best setting of any codec near the rung's rate, or the cheapest.
fn rival<'a>(rung: &RungReport, encoded: &'a [Encoded]) -> Option<&'a Encoded> {
    let cost = |video: &Encoded| {
        let lpips = video.figures.mean.lpips_squeeze;
        lpips.unwrap_or_else(|| -video.figures.mean.psnr.unwrap_or_default())
    };
    let near = encoded
        .iter()
        .filter(|video| video.kbps <= NEAR * rung.kbps);
    let best = near.min_by(|a, b| cost(a).total_cmp(&cost(b)));
    best.or_else(|| encoded.iter().min_by(|a, b| a.kbps.total_cmp(&b.kbps)))
}

fn our_caption(rung: &MeasuredRung) -> String {
    let RungReport {
        id, kbps, figures, ..
    } = &rung.report;
    format!("{id}, {kbps:.1} kbit/s{}", lpips(figures))
}

fn their_caption(video: &Encoded) -> String {
    format!(
        "{}, {:.1} kbit/s{}",
        describe(video),
        video.kbps,
        lpips(&video.figures)
    )
}

fn lpips(figures: &Figures) -> String {
    let lpips = figures.mean.lpips_squeeze;
    lpips.map_or_else(String::new, |lpips| {
        format!(", LPIPS {lpips:.3} on average")
    })
}

fn describe(video: &Encoded) -> String {
    let (width, height, fps) = (video.width, video.height, video.fps);
    format!(
        "{} {width}×{height} at {}",
        video.codec.name(),
        (100.0 * fps).round() / 100.0
    )
}

fn jpeg(frame: &Frame, caption: String) -> Result<Image, EvaluateError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode(
        frame.data(),
        frame.width(),
        frame.height(),
        ExtendedColorType::Rgb8,
    )?;
    Ok(Image {
        caption,
        media_type: "image/jpeg".to_owned(),
        bytes,
    })
}

fn settings(encoded: &[Encoded]) -> Section {
    let row = |video: &Encoded| {
        let row = vec![
            Cell::text(video.codec.name()),
            Cell::text(format!("{}×{}", video.width, video.height)),
            Cell::Number(video.fps, 2),
            Cell::Number(video.target_kbps, 0),
            Cell::Number(video.kbps, 1),
            Cell::Number(video.payload_kbps, 1),
        ];
        (row, video.figures.clone())
    };
    let first = [
        "codec",
        "picture",
        "frames/s",
        "target kbit/s",
        "kbit/s",
        "of it pictures",
    ];
    let figures = figures::shown_at(Detail::Page);
    let table = table("Every setting", &first, figures, encoded.iter().map(row));
    Section::new("Codec settings").with(Block::Table(table))
}

fn method(ffmpeg: &str, gop_s: f64) -> Section {
    Section::new("How it was measured").text(format!(
        "{ffmpeg}. Closed groups of pictures of {gop_s} s, two passes where the encoder has them, \
         preset slow (SVT-AV1: 5), 8-bit 4:2:0, one thread. Smaller pictures are made and enlarged \
         by Lanczos, lower frame rates by showing a frame for longer; metrics are taken at the \
         title's size and rate, of RGB. LPIPS is net squeeze, v0.1. VMAF is v0.6.1, whose model is \
         for larger pictures: it orders, it does not grade."
    ))
}

#[cfg(test)]
mod tests {
    use super::picks;

    #[test]
    fn the_two_worst_frames_are_apart() {
        let ranked: Vec<usize> = (0..40).collect();
        assert_eq!(
            picks(&ranked),
            [("Worst", 39), ("Next worst", 24), ("Typical", 20)]
        );
        assert_eq!(picks(&[7]), [("Worst", 7), ("Typical", 7)]);
        assert_eq!(picks(&[]), []);
    }
}
