//! The figures as one HTML page: curves, tables, and frames to look at, the worst ones included.

use super::compare::{AtRate, Curves};
use super::figures::Figures;
use super::metric::Metric;
use super::ours::{Measured, Rung, RungReport};
use super::peers::{Bench, Peer};
use super::report::Report;
use crate::cli::CliError;
use crate::frame::Frame;
use crate::quality::hull::Better;
use crate::report::html::{Axis, Block, Cell, Chart, Choice, Image, Page, Section, Series, Table};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// Quality of the pictures, of 100: high, so that only the codecs' faults show.
const JPEG_QUALITY: u8 = 93;
/// The second of the worst frames is at least so many frames from the first.
const APART: usize = 15;
/// A codec may cost so much more than a rung to be shown beside it.
const NEAR: f64 = 1.15;

/// The page's text.
pub(super) fn html(
    report: &Report<'_>,
    measured: &Measured,
    curves: &[Curves],
    peers: &[Peer],
    bench: Option<&Bench<'_>>,
) -> Result<String, CliError> {
    let lead = format!(
        "{} against {}: {} frames, {:.2} s. Rates are true rates: every byte of init and media \
         segments over the duration, in the same fragmented MP4 for everything that is compared.",
        report.title, report.reference, report.frames, report.duration_s
    );
    let mut page = Page::new("Rate and quality", lead);
    page.push(charts(curves, &report.rungs, peers));
    if let Some(against) = &report.against {
        page.push(equal_rates(&against.at_rates));
    }
    page.push(rungs(&report.rungs));
    if let Some(section) = frames(measured, peers, bench)? {
        page.push(section);
    }
    page.push(segments(&report.rungs));
    if let Some(against) = &report.against {
        page.push(settings(peers));
        page.push(method(against.ffmpeg, against.gop_s));
    }
    Ok(page.html())
}

fn charts(curves: &[Curves], rungs: &[&RungReport], peers: &[Peer]) -> Section {
    let mut section = Section::new("Curves");
    if !peers.is_empty() {
        section = section.text(
            "Our rungs, and the convex hull of each codec over picture sizes, frame rates and bit \
             rates: what a sane ladder of it would offer. LPIPS was in the loss of our fit and of \
             the generator's training, SSIMULACRA 2 and VMAF in neither.",
        );
    }
    for Curves { metric, codecs, .. } in curves {
        let direction = match metric.better() {
            Better::Higher => "higher is better",
            Better::Lower => "lower is better",
        };
        let ours = rungs
            .iter()
            .filter_map(|rung| Some(((rung.kbps, metric.of(&rung.figures)?), rung.id.clone())));
        let (points, labels) = ours.unzip();
        let (x, y) = (Axis::linear("kbit/s"), Axis::linear(metric.label()));
        let mut chart = Chart::new(format!("{} ({direction})", metric.label()), x, y)
            .with(Series::line("ours", points).marked().labelled(labels));
        chart.height = 340;
        for (codec, hull) in codecs {
            let label = |point: &(f64, f64)| {
                let at = |peer: &&Peer| peer.codec == *codec && peer.kbps == point.0;
                peers.iter().find(at).map(describe).unwrap_or_default()
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
    for metric in Metric::ALL {
        let rows = rows.iter().filter(|row| row.metric == metric.key());
        let rows: Vec<&AtRate> = rows.collect();
        let Some(first) = rows.first() else {
            continue;
        };
        let mut columns = vec!["kbit/s"];
        columns.extend(first.values.iter().map(|named| named.name));
        let mut table = Table::new(metric.label(), &columns);
        for row in rows {
            let values = row.values.iter().map(|named| {
                let value = named.value.unwrap_or(f64::NAN);
                Cell::Number(value, metric.digits())
            });
            let rate = std::iter::once(Cell::Number(row.kbps, 0));
            table.rows.push(rate.chain(values).collect());
        }
        section = section.with(Block::Table(table));
    }
    section
}

fn rungs(rungs: &[&RungReport]) -> Section {
    let columns = [
        "rung",
        "kbit/s",
        "of it prompts",
        "LPIPS",
        "p95",
        "worst",
        "over 0.1, %",
        "over 0.2, %",
        "over 0.3, %",
        "SSIMULACRA 2",
        "VMAF",
        "PSNR, dB",
        "worst",
        "SSIM",
        "motion",
        "seam",
        "R",
        "G",
        "B",
    ];
    let mut table = Table::new("Rungs", &columns);
    for rung in rungs {
        let mut row = vec![Cell::text(&rung.id)];
        row.push(Cell::Number(rung.kbps, 1));
        row.push(Cell::Number(rung.payload_kbps, 1));
        row.extend(figures(&rung.figures));
        table.rows.push(row);
    }
    Section::new("Rungs").with(Block::Table(table)).text(
        "Motion is the mean difference of consecutive frames over the original's: under 1 \
             movement is smoothed away, over 1 something flickers. Seam is the change of the error \
             at borders of segments over that elsewhere: 1 where borders do not stand out. R, G \
             and B are mean errors in 1/255: a tint where they are not near 0. A frame that is \
             missing counts as the worst.",
    )
}

fn figures(f: &Figures) -> Vec<Cell> {
    let number = |value: Option<f64>, digits| Cell::Number(value.unwrap_or(f64::NAN), digits);
    let mut cells = vec![
        number(f.mean.lpips_squeeze, 3),
        number(f.lpips_squeeze_p95, 3),
        number(f.lpips_squeeze_worst, 3),
    ];
    let over = f.lpips_squeeze_over.unwrap_or([f64::NAN; 3]);
    cells.extend(over.map(|share| Cell::Number(100.0 * share, 0)));
    cells.extend([
        number(f.mean.ssimulacra2, 1),
        number(f.vmaf, 1),
        number(f.mean.psnr, 2),
        Cell::Number(f.psnr_worst, 2),
        number(f.mean.ssim, 3),
        number(f.temporal_ratio, 2),
        number(f.seam, 2),
    ]);
    cells.extend(f.mean_error.map(|error| Cell::Number(error, 1)));
    cells
}

fn segments(rungs: &[&RungReport]) -> Section {
    let columns = [
        "start, s",
        "length, s",
        "kbit/s",
        "LPIPS",
        "SSIMULACRA 2",
        "PSNR, dB",
        "SSIM",
    ];
    let options = rungs.iter().map(|rung| {
        let mut table = Table::new(&rung.id, &columns);
        for segment in &rung.segments {
            let number =
                |value: Option<f64>, digits| Cell::Number(value.unwrap_or(f64::NAN), digits);
            table.rows.push(vec![
                Cell::Number(segment.start_s, 2),
                Cell::Number(segment.duration_s, 2),
                Cell::Number(segment.kbps, 1),
                number(segment.mean.lpips_squeeze, 3),
                number(segment.mean.ssimulacra2, 1),
                number(segment.mean.psnr, 2),
                number(segment.mean.ssim, 3),
            ]);
        }
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
    measured: &Measured,
    peers: &[Peer],
    bench: Option<&Bench<'_>>,
) -> Result<Option<Section>, CliError> {
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
        let rival = rival(&rung.report, peers).zip(bench);
        let theirs = rival
            .map(|(peer, bench)| bench.frames(peer, &numbers))
            .transpose()?;
        let mut blocks = Vec::new();
        for (index, (what, number)) in picks.iter().enumerate() {
            let number = *number as u64;
            let mut images = vec![
                jpeg(
                    &originals.frame(number)?,
                    format!("{what}, frame {number}: original"),
                )?,
                jpeg(&shown.frame(number)?, our_caption(rung))?,
            ];
            if let (Some((peer, _)), Some(theirs)) = (rival, &theirs) {
                images.extend(
                    theirs
                        .get(index)
                        .map(|frame| jpeg(frame, their_caption(peer)))
                        .transpose()?,
                );
            }
            blocks.push(Block::Images(images));
        }
        options.push((rung.report.id.clone(), blocks));
    }
    let choice = Choice {
        label: "Rung".to_owned(),
        options,
    };
    let text = match peers.is_empty() {
        true => "The worst frames of each rung and a typical one (the median), by LPIPS.",
        false => {
            "The worst frames of each rung and a typical one (the median), by LPIPS; beside them \
             the setting with the best LPIPS of any codec that costs at most 15 % more."
        }
    };
    Ok(Some(
        Section::new("Frames")
            .text(text)
            .with(Block::Choice(choice)),
    ))
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

/// The codec's setting that a reader would take instead of a rung.
fn rival<'a>(rung: &RungReport, peers: &'a [Peer]) -> Option<&'a Peer> {
    let cost = |peer: &Peer| {
        let lpips = peer.figures.mean.lpips_squeeze;
        lpips.unwrap_or_else(|| -peer.figures.mean.psnr.unwrap_or_default())
    };
    let near = peers.iter().filter(|peer| peer.kbps <= NEAR * rung.kbps);
    let best = near.min_by(|a, b| cost(a).total_cmp(&cost(b)));
    best.or_else(|| peers.iter().min_by(|a, b| a.kbps.total_cmp(&b.kbps)))
}

fn our_caption(rung: &Rung) -> String {
    let RungReport {
        id, kbps, figures, ..
    } = &rung.report;
    format!("{id}, {kbps:.1} kbit/s{}", lpips(figures))
}

fn their_caption(peer: &Peer) -> String {
    format!(
        "{}, {:.1} kbit/s{}",
        describe(peer),
        peer.kbps,
        lpips(&peer.figures)
    )
}

fn lpips(figures: &Figures) -> String {
    let lpips = figures.mean.lpips_squeeze;
    lpips.map_or_else(String::new, |lpips| {
        format!(", LPIPS {lpips:.3} on average")
    })
}

fn describe(peer: &Peer) -> String {
    let (width, height, fps) = (peer.width, peer.height, peer.fps);
    format!(
        "{} {width}×{height} at {}",
        peer.codec.name(),
        (100.0 * fps).round() / 100.0
    )
}

fn jpeg(frame: &Frame, caption: String) -> Result<Image, CliError> {
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

fn settings(peers: &[Peer]) -> Section {
    let columns = [
        "codec",
        "picture",
        "frames/s",
        "target kbit/s",
        "kbit/s",
        "of it pictures",
        "LPIPS",
        "p95",
        "worst",
        "over 0.1, %",
        "over 0.2, %",
        "over 0.3, %",
        "SSIMULACRA 2",
        "VMAF",
        "PSNR, dB",
        "worst",
        "SSIM",
        "motion",
        "seam",
        "R",
        "G",
        "B",
    ];
    let mut table = Table::new("Every setting", &columns);
    for peer in peers {
        let mut row = vec![
            Cell::text(peer.codec.name()),
            Cell::text(format!("{}×{}", peer.width, peer.height)),
            Cell::Number(peer.fps, 2),
            Cell::Number(peer.target_kbps, 0),
            Cell::Number(peer.kbps, 1),
            Cell::Number(peer.payload_kbps, 1),
        ];
        row.extend(figures(&peer.figures));
        table.rows.push(row);
    }
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
    fn worst_frames_stand_apart() {
        let ranked: Vec<usize> = (0..40).collect();
        assert_eq!(
            picks(&ranked),
            [("Worst", 39), ("Next worst", 24), ("Typical", 20)]
        );
        assert_eq!(picks(&[7]), [("Worst", 7), ("Typical", 7)]);
        assert_eq!(picks(&[]), []);
    }
}
