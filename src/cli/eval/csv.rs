//! The figures as CSV (RFC 4180): a line a rung, a line a segment of it, a line a codec's setting.

use super::figures::Figures;
use super::ours::RungReport;
use super::peers::Peer;
use crate::manifest::Metrics;
use std::fmt::Display;

const COLUMNS: &str = "what,name,rank,segment,start_s,width,height,fps,target_kbps,kbps,\
payload_kbps,bytes,lpips_squeeze,lpips_squeeze_p95,lpips_squeeze_worst,lpips_squeeze_over_0.1,\
lpips_squeeze_over_0.2,lpips_squeeze_over_0.3,ssimulacra2,ssimulacra2_worst,vmaf,psnr,psnr_worst,\
ssim,mean_error_r,mean_error_g,mean_error_b,temporal_difference,temporal_difference_original,\
temporal_ratio,seam,missing";

/// The whole file.
pub(super) fn csv(rungs: &[&RungReport], (size, fps): ((u32, u32), f64), peers: &[Peer]) -> String {
    let mut lines = vec![COLUMNS.to_owned()];
    let clip = [size.0.to_string(), size.1.to_string(), fps.to_string()];
    for rung in rungs {
        let name = ["ours".to_owned(), rung.id.clone(), rung.rank.to_string()];
        let rate = [rung.kbps, rung.payload_kbps].map(|kbps| text(Some(kbps)));
        let mut line = name.to_vec();
        line.extend(empty(2));
        line.extend(clip.clone());
        line.extend(empty(1));
        line.extend(rate);
        line.push(rung.bytes.to_string());
        line.extend(figures(&rung.figures));
        lines.push(line.join(","));
        for (number, segment) in (1..).zip(&rung.segments) {
            let mut line = name.to_vec();
            line[0] = "segment".to_owned();
            line.extend([number.to_string(), text(Some(segment.start_s))]);
            line.extend(clip.clone());
            line.extend(empty(1));
            line.extend([text(Some(segment.kbps)), String::new()]);
            line.push(segment.bytes.to_string());
            line.extend(means(&segment.mean));
            lines.push(line.join(","));
        }
    }
    for peer in peers {
        let mut line = vec!["codec".to_owned(), peer.codec.name().to_owned()];
        line.extend(empty(3));
        line.extend([peer.width.to_string(), peer.height.to_string()]);
        line.extend(
            [peer.fps, peer.target_kbps, peer.kbps, peer.payload_kbps].map(|v| text(Some(v))),
        );
        line.push(peer.bytes.to_string());
        line.extend(figures(&peer.figures));
        lines.push(line.join(","));
    }
    lines.join("\r\n") + "\r\n"
}

fn empty(count: usize) -> Vec<String> {
    vec![String::new(); count]
}

/// Six digits after the point are more than any metric means.
fn text(value: Option<f64>) -> String {
    let short = |value: f64| ((value * 1e6).round() / 1e6).to_string();
    value.map_or_else(String::new, short)
}

fn whole(value: impl Display) -> String {
    value.to_string()
}

fn figures(f: &Figures) -> Vec<String> {
    let over = f.lpips_squeeze_over.map(|shares| shares.map(Some));
    let mut cells = vec![
        text(f.mean.lpips_squeeze),
        text(f.lpips_squeeze_p95),
        text(f.lpips_squeeze_worst),
    ];
    cells.extend(over.unwrap_or_default().map(text));
    cells.extend([
        text(f.mean.ssimulacra2),
        text(f.ssimulacra2_worst),
        text(f.vmaf),
        text(f.mean.psnr),
        text(Some(f.psnr_worst)),
        text(f.mean.ssim),
    ]);
    cells.extend(f.mean_error.map(|error| text(Some(error))));
    cells.extend([
        text(f.temporal_difference),
        text(f.temporal_difference_original),
        text(f.temporal_ratio),
        text(f.seam),
        whole(f.missing),
    ]);
    cells
}

/// The columns of [`figures`] that a segment has.
fn means(mean: &Metrics) -> Vec<String> {
    let mut cells = vec![text(mean.lpips_squeeze)];
    cells.extend(empty(5));
    cells.push(text(mean.ssimulacra2));
    cells.extend(empty(2));
    cells.extend([text(mean.psnr), String::new(), text(mean.ssim)]);
    cells.extend(empty(8));
    cells
}
