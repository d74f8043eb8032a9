//! The evaluation as one HTML page: curves, tables, and frames to look at, the worst ones included.

use super::EvaluateError;
use super::codecs::{CodecBench, Encoded};
use super::curves::Curves;
use super::figures::{Detail, Figures};
use super::report::Report;
use super::rungs::RungReport;
use super::spool::Spool;
use super::tables;
use crate::frame::Frame;
use crate::quality::hull::Better;
use crate::report::html::{Axis, Block, Chart, Choice, Image, Page, Section, Series};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use std::fmt::Display;

/// Quality of the pictures, of 100: high, so that the codecs' artefacts are not hidden by JPEG's.
const JPEG_QUALITY: u8 = 93;
/// Least distance between the two worst frames on the page, in frames.
const APART: usize = 15;
/// A codec's setting may cost this factor of a rung's rate to be shown next to it.
const NEAR: f64 = 1.15;

/// The page's text. Frames are shown where those of the title and of the original were kept.
pub fn page(
    report: &Report,
    originals: Option<&Spool>,
    bench: Option<&CodecBench<'_>>,
) -> Result<String, EvaluateError> {
    let lead = format!(
        "{} against {}: {} frames, {:.2} s. Rates are true rates: every byte of init and media \
         segments over the duration, in the same fragmented MP4 for everything that is compared.",
        report.title, report.reference, report.frames, report.duration_s
    );
    let mut page = Page::new("Rate and quality", lead);
    page.push(charts(report));
    if let Some(against) = &report.against {
        let tables = tables::equal_rates(&against.at_rates).into_iter();
        let tables = tables.map(Block::Table);
        let text = "Read off the hulls, ours included; a dash where a curve has no point at so low a rate.";
        page.push(tables.fold(Section::new("At equal rates").text(text), Section::with));
    }
    let rungs = tables::rungs("Rungs", Detail::Page, &report.rungs);
    page.push(Section::new("Rungs").with(Block::Table(rungs)).text(RUNGS));
    if let Some(originals) = originals {
        page.push(frames(report, originals, bench)?);
    }
    let segments = report.rungs.iter();
    let segments =
        segments.map(|rung| (rung.id.clone(), vec![Block::Table(tables::segments(rung))]));
    page.push(Section::new("Segments").with(by_rung(segments.collect())));
    if let Some(against) = &report.against {
        let settings = Block::Table(tables::settings(&against.points));
        page.push(Section::new("Codec settings").with(settings));
        page.push(method(&against.ffmpeg, against.gop_s));
    }
    Ok(page.html())
}

/// Explanation of the table of rungs.
const RUNGS: &str = "“over” is the share of frames whose LPIPS is higher. Motion is the mean \
                     difference of consecutive frames over the original's: under 1 movement is \
                     smoothed away, over 1 something flickers. Seam is the change of the error at \
                     segment borders over that inside segments: 1 where borders do not show. R, G and \
                     B are mean errors in 1/255: a tint where they are not near 0. A missing frame \
                     counts as the worst.";

fn charts(report: &Report) -> Section {
    let mut section = Section::new("Curves");
    if !report.points().is_empty() {
        section = section.text(
            "Our rungs, and the convex hull of each codec over picture sizes, frame rates and bit \
             rates: the best ladder that could be made of it. LPIPS was in the loss of our fit and of \
             the generator's training, SSIMULACRA 2 and VMAF in neither.",
        );
    }
    let charts = report.curves().into_iter();
    let charts = charts.map(|curves| Block::Chart(chart(report, curves)));
    charts.fold(section, Section::with)
}

fn chart(report: &Report, curves: Curves) -> Chart {
    let Curves { figure, codecs, .. } = curves;
    let heading = figure.heading();
    let direction = match figure.curve {
        Some(Better::Lower) => "lower is better",
        _ => "higher is better",
    };
    let ours = report.rungs.iter();
    let ours = ours.filter_map(|r| Some(((r.kbps, (figure.of)(&r.figures)?), r.id.clone())));
    let (points, labels) = ours.unzip();
    let (x, y) = (Axis::linear("kbit/s"), Axis::linear(&heading));
    let line = |name, points, labels| Series {
        labels,
        marks: true,
        ..Series::line(name, points)
    };
    let mut chart = Chart::new(format!("{heading} ({direction})"), x, y);
    chart.height = 340;
    chart.series.push(line("ours", points, labels));
    for (codec, hull) in codecs {
        let label = |point: &(f64, f64)| {
            let corner = report.points_of(codec).find(|video| video.kbps == point.0);
            corner.map_or_else(String::new, |video| video.encode.to_string())
        };
        let labels = hull.points().iter().map(label).collect();
        let points = hull.points().to_vec();
        chart.series.push(line(codec.name(), points, labels));
    }
    chart
}

/// Content to choose by rung.
fn by_rung(options: Vec<(String, Vec<Block>)>) -> Block {
    let label = "Rung".to_owned();
    Block::Choice(Choice { label, options })
}

/// The worst and a typical frame of every rung: original, ours, the best codec near its rate.
fn frames(
    report: &Report,
    originals: &Spool,
    bench: Option<&CodecBench<'_>>,
) -> Result<Section, EvaluateError> {
    let of_rung = |(rung, shown): (&RungReport, &Spool)| {
        let picks = picks(&rung.ranked);
        let numbers: Vec<u64> = picks.iter().map(|(_, number)| *number as u64).collect();
        let rival = rival(rung, report.points()).zip(bench);
        let frames = rival.map(|(video, bench)| bench.frames(video, &numbers));
        let rival = rival.map(|(video, _)| video).zip(frames.transpose()?);
        let ours = caption_of(&rung.id, rung.kbps, &rung.figures);
        let mut blocks = Vec::new();
        for (index, ((name, _), &number)) in picks.iter().zip(&numbers).enumerate() {
            let caption = format!("{name}, frame {number}: original");
            let original = jpeg(&originals.frame(number)?, caption)?;
            let mut images = vec![original, jpeg(&shown.frame(number)?, ours.clone())?];
            if let Some((video, frames)) = &rival {
                let theirs = caption_of(&video.encode, video.kbps, &video.figures);
                images.push(jpeg(&frames[index], theirs)?);
            }
            blocks.push(Block::Images(images));
        }
        Ok((rung.id.clone(), blocks))
    };
    let options = report
        .rungs
        .iter()
        .filter_map(|rung| Some((rung, rung.shown.as_ref()?)));
    let options = options.map(of_rung);
    let options = options.collect::<Result<Vec<_>, EvaluateError>>()?;
    let mut text =
        "The worst frames of each rung and a typical one (the median), by LPIPS".to_owned();
    if bench.is_some() {
        text += "; next to them the setting with the best LPIPS of any codec that costs at most 15 % \
                 more";
    }
    let section = Section::new("Frames").text(text + ".");
    Ok(section.with(by_rung(options)))
}

/// The worst frame, the worst of those far from it, and the median.
fn picks(ranked: &[usize]) -> Vec<(&'static str, usize)> {
    let worst = ranked.last().copied();
    let far = |frame: &&usize| worst.is_some_and(|worst| frame.abs_diff(worst) >= APART);
    let next = ranked.iter().rev().find(far).copied();
    let typical = ranked.get(ranked.len() / 2).copied();
    let picks = [("Worst", worst), ("Next worst", next), ("Typical", typical)];
    let picks = picks.map(|(name, frame)| Some((name, frame?)));
    picks.into_iter().flatten().collect()
}

/// The best setting of any codec near the rung's rate, or the cheapest.
fn rival<'a>(rung: &RungReport, encoded: &'a [Encoded]) -> Option<&'a Encoded> {
    let cost = |video: &Encoded| {
        let lpips = video.figures.mean.lpips_squeeze;
        lpips.unwrap_or_else(|| -video.figures.mean.psnr.unwrap_or_default())
    };
    let encoded = encoded.iter();
    let near = encoded
        .clone()
        .filter(|video| video.kbps <= NEAR * rung.kbps);
    let best = near.min_by(|a, b| cost(a).total_cmp(&cost(b)));
    best.or_else(|| encoded.min_by(|a, b| a.kbps.total_cmp(&b.kbps)))
}

fn caption_of(name: &dyn Display, kbps: f64, figures: &Figures) -> String {
    let lpips = figures.mean.lpips_squeeze;
    let lpips = lpips.map(|lpips| format!(", LPIPS {lpips:.3} on average"));
    format!("{name}, {kbps:.1} kbit/s{}", lpips.unwrap_or_default())
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
